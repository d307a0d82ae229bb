"""Doing what is due, in the order in which one thing calls for the next. Safe to repeat.

What gateways say comes first, since money that arrived pays renewals and open invoices; use is billed
before credits expire that could have paid for it. Balances are counted last, once a day.
"""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.gateways.polling import Polled, poll
from billdesk.core.operations.ledger.expiring import expire_due
from billdesk.core.operations.ledger.holding import Holds
from billdesk.core.operations.ledger.recounting import recount_due
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.collecting import collect_due
from billdesk.core.operations.payments.topping_up import Watched, run_watches
from billdesk.core.operations.subscriptions.renewing import renew_due
from billdesk.core.operations.usage.alerting import alert_due
from billdesk.core.operations.usage.rating import run_due
from billdesk.core.rules.sheets import TickSheet
from billdesk.core.store.search import index_batch

_INDEX_BATCHES = 20


def tick(office: Office) -> TickSheet:
    """Everything that is due, in bounded steps. Raises ReadOnly, Refused in a block, StoreError kinds."""
    office.check_writable()
    office.check_outside()
    now = office.now()
    polled = poll(office, tuple(office.gateways), now, patient=True)
    freed = Holds(office).expire_due()
    renewed = renew_due(office, now)
    usage_lines = run_due(office, now)
    collected = collect_due(office, now)
    expired_lots = expire_due(office, now)
    usage_alerts = alert_due(office, now)
    sheet = _sheet(now, polled, freed, run_watches(office, now), index(office))
    return sheet._replace(
        errors=(*sheet.errors, *renewed.errors, *collected.errors, *recount_due(office, now)),
        renewed=renewed.renewed,
        paused=renewed.paused,
        resumed=renewed.resumed,
        ended=renewed.ended,
        collected=collected.paid,
        expired_lots=expired_lots,
        usage_alerts=usage_alerts,
        usage_lines=usage_lines,
    )


def poll_once(office: Office, name: str | None, *, sweep: bool = False) -> TickSheet:
    """Ask one gateway, or all, now; `sweep` lists everything once more.

    Raises NotFound, ReadOnly, Refused inside a transaction.
    """
    office.check_writable()
    office.check_outside()
    now = office.now()
    names = tuple(office.gateways) if name is None else (name,)
    return _sheet(now, poll(office, names, now, patient=False, sweep=sweep), 0, Watched(), 0)


def index(office: Office) -> int:
    """Fill the search index a few batches further; how many postings came in."""
    indexed = 0
    for _ in range(_INDEX_BATCHES):
        with office.database.write() as session:
            batch = index_batch(session)
        indexed += batch
        if batch == 0:
            break
    return indexed


def _sheet(now: datetime, polled: Polled, freed: int, watched: Watched, indexed: int) -> TickSheet:
    return TickSheet(
        at=now,
        polled=polled.gateways,
        facts=polled.facts,
        deposits=polled.deposits,
        holds_expired=freed,
        indexed=indexed,
        errors=(*polled.errors, *watched.errors),
        alerts=watched.alerts,
        topups=watched.topups,
    )

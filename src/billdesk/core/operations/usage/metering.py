"""What accounts use: taking it in, and the figures of the present period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from billdesk.core.operations.accounts.enrolling import HOUSE
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.operations.usage.alerting import BUDGET, SPENT, alert_due, spending
from billdesk.core.operations.usage.ingesting import Directory, Event, Ingest, Progress
from billdesk.core.operations.usage.lines import Source, UsageLines
from billdesk.core.operations.usage.present import AccountUse, Present
from billdesk.core.rules.catalog import Meter
from billdesk.core.rules.sheets import (
    BudgetSheet,
    ForecastSheet,
    IngestSheet,
    MeterUseSheet,
    Page,
    UsageAlertSheet,
    UsageEventSheet,
)
from billdesk.core.rules.usage_rows import Quantity, check_event_id
from billdesk.core.store import usage as store
from billdesk.core.store import usage_alerts as alert_store
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage_runs import meters_ever
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import AlreadyExists, BadInput, NotFound, Refused
from billdesk.core.values.money import Money, read_amount
from billdesk.core.values.quantities import format_parts

__all__ = ["Usage", "alert_due"]


class Usage:
    """`desk.usage`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._directory = Directory(office)

    def record(
        self,
        account: str,
        meter: str,
        quantity: Quantity,
        *,
        event_id: str,
        at: datetime | str | None = None,
    ) -> UsageEventSheet:
        """Record one event: so much of a meter's unit, used at an instant (None: now).

        `quantity` is a whole number, a Decimal or exact text, with at most the meter's decimal places.
        The same id with the same content changes nothing. Raises BadInput, NotFound, AlreadyExists for
        an id that was used for something else, ReadOnly, StoreError kinds.
        """
        office = self._office
        check_event_id(event_id)
        with office.database.read() as session:
            owner = office.account(session, account)
        ingest = Ingest(office, self._directory)
        sheet = ingest.take_all(
            [(owner.ref, meter, quantity, event_id, office.now() if at is None else at)]
        )
        if sheet.errors:
            message, _, hint = sheet.errors[0].text.partition("; ")
            raise (AlreadyExists if ingest.differing else BadInput)(message, hint)
        return self.event(event_id)._replace(replayed=sheet.known == 1)

    def record_many(self, events: Iterable[Event]) -> IngestSheet:
        """Record events: (account, meter, quantity, event id, at), in blocks of ten thousand.

        Those that cannot be taken in are told by their place, from 1; the others are in. The same
        events again change nothing. Inside a transaction all of it is in that. Raises ReadOnly,
        StoreError kinds.
        """
        return Ingest(self._office, self._directory).take_all(events)

    def ingest(
        self, path: Source, format: str | None = None, on_progress: Progress | None = None
    ) -> IngestSheet:
        """Take in a file of usage: CSV with a heading, or JSON lines. A stream may stand for its path.

        `format` is csv or jsonl; None: by the file's name, else by its first line. Lines that cannot be
        taken in are told by line, the others are in; the same file again changes nothing. `on_progress`
        hears the bytes read, of how many (0: nobody knows). Raises BadInput when it cannot be read at
        all, ReadOnly, StoreError kinds.
        """
        lines = UsageLines(path, format)
        ingest = Ingest(self._office, self._directory)
        return ingest.take_lines(lines, on_progress or (lambda _done, _total: None))

    def event(self, id: str) -> UsageEventSheet:
        """One event by its id. Raises NotFound, BadInput."""
        check_event_id(id)
        with self._office.database.read() as session:
            event = store.event_named(session, id)
            if event is None:
                raise NotFound(f"there is no event {id}", "check the id")
            return _event_sheet(event, meters_ever(session))

    def events(
        self, account: str, meter: str | None = None, *, after: str | None = None, limit: int = 200
    ) -> Page[UsageEventSheet]:
        """An account's events, the newest first, of one meter or of all.

        They are looked through a million at a time: a page may hold fewer than `limit` and still have
        a next one. Raises NotFound, BadInput.
        """
        check_limit(limit)
        below = read_cursor(after)
        with self._office.database.read() as session:
            owner = self._office.account(session, account)
            found, more = store.events_of(session, owner.id, meter, below, limit)
            meters = meters_ever(session)
        sheets = tuple(_event_sheet(event, meters) for event in found)
        return Page(sheets, None if more is None else str(more))

    def period(self, account: str) -> tuple[MeterUseSheet, ...]:
        """What an account has used in its present period, meter by meter, with forecasts.

        A period is a month from the subscription's anchor; without a subscription it is the calendar's.
        Raises NotFound.
        """
        with self._office.database.read(snapshot=True) as session:
            present, use = self._present(session, account)
            sheets = []
            for meter in use.meters:
                ahead = present.forecast(meter)
                sheets.append(
                    present.sheet(meter)._replace(
                        hours=present.hours(meter),
                        forecast=meter.words(ahead.likely),
                        forecast_cost=ahead.likely_cost,
                    )
                )
        return tuple(sheets)

    def overview(
        self, after: str | None = None, limit: int = 100, *, text: str | None = None
    ) -> Page[MeterUseSheet]:
        """The present periods of all accounts that ever used anything, by ref; `limit` counts accounts.

        `text` is in ref or name. Hours and forecasts are left out. Raises BadInput.
        """
        check_limit(limit)
        with self._office.database.read(snapshot=True) as session:
            accounts = alert_store.accounts_with_usage(session, text=text, after=after, limit=limit)
            present = self._present_of(session)
            uses = present.of(accounts)
            sheets = tuple(present.sheet(meter) for use in uses for meter in use.meters)
        return Page(sheets, accounts[-1].ref if len(accounts) == limit else None)

    def forecast(self, account: str, meter: str) -> ForecastSheet:
        """Where a meter will be at the end of the present period. Raises NotFound."""
        with self._office.database.read(snapshot=True) as session:
            present, use = self._present(session, account)
            for each in use.meters:
                if each.meter.code == meter:
                    return present.forecast(each)
        raise NotFound(
            f"{use.account.ref} uses no {meter[:40]!r} in this period", "see billdesk usage show"
        )

    def set_budget(self, account: str, amount: Money | str | None) -> BudgetSheet:
        """Have it told, once per period, when usage has cost `amount`, or will; None: not any more.

        Raises BadInput, NotFound, ReadOnly, StoreError kinds.
        """
        office, now = self._office, self._office.now()
        money = None if amount is None else read_amount(amount, office.default_asset)
        with office.database.write() as session:
            owner = office.account(session, account)
            if owner.ref == HOUSE:
                raise Refused("the house uses nothing", "name a customer's account")
            before = alert_store.budgets_of(session, [owner.id]).get(owner.id)
            wanted = (
                None if money is None else alert_store.Budget(owner.id, money.asset, money.minor)
            )
            if wanted != before:
                if wanted is None:
                    alert_store.drop_budget(session, owner.id)
                else:
                    alert_store.set_budget(session, wanted, office.actor, to_micros(now))
                office.audit(
                    session, now=now, action="usage.budget", account_id=owner.id,
                    summary="no budget" if money is None else f"{money} a period",
                )  # fmt: skip
        return self.budget(account)

    def budget(self, account: str) -> BudgetSheet:
        """What an account means to spend on usage in a period, has spent, and will. Raises NotFound."""
        with self._office.database.read(snapshot=True) as session:
            present, use = self._present(session, account)
            budget = alert_store.budgets_of(session, [use.account.id]).get(use.account.id)
            asset = budget.asset if budget else self._office.default_asset
            spent, expected = spending(present, use, asset)
            told_at = alert_store.alert_at(session, use.key, BUDGET, use.since, SPENT)
        most = budget and Money(budget.amount_minor, budget.asset)
        return BudgetSheet(
            account_ref=use.account.ref,
            budget=most,
            spent=spent,
            forecast=expected,
            percent=most and spent.minor * 100 // most.minor,
            told_at=None if told_at is None or budget is None else from_micros(told_at),
        )

    def alerts(
        self, account: str | None = None, *, after: str | None = None, limit: int = 200
    ) -> Page[UsageAlertSheet]:
        """Thresholds and budgets that were crossed, the newest first. Raises NotFound, BadInput."""
        check_limit(limit)
        below = read_cursor(after)
        with self._office.database.read() as session:
            owner = None if account is None else self._office.account(session, account).id
            rows = alert_store.list_alerts(session, account_id=owner, below=below, limit=limit)
        return Page(tuple(rows), str(rows[-1].number) if len(rows) == limit else None)

    def _present_of(self, session: Session) -> Present:
        return Present(session, to_micros(self._office.now()), self._office.default_asset)

    def _present(self, session: Session, account: str) -> tuple[Present, AccountUse]:
        owner = self._office.account(session, account)
        present = self._present_of(session)
        [use] = present.of([alert_store.Account(owner.id, owner.ref, owner.name)])
        return present, use


def _event_sheet(event: store.EventLine, meters: Mapping[str, Meter]) -> UsageEventSheet:
    meter = meters[event.meter]
    return UsageEventSheet(
        account_ref=event.account_ref,
        meter=event.meter,
        unit=meter.unit,
        quantity=format_parts(event.quantity, meter.decimals),
        event_id=event.event_id,
        at=from_micros(event.at),
        received_at=from_micros(event.received_at),
    )

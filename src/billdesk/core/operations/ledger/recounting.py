"""Counting every balance anew by itself, once a day, so that a wrong one is told before it is met."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from billdesk.core.operations.office import Office
from billdesk.core.store.checks import recount
from billdesk.core.store.meta import read_meta
from billdesk.core.store.recounts import recounted_at, remember_recount
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros, to_micros


def recount_due(office: Office, now: datetime) -> tuple[str, ...]:
    """At the first tick of a day in the desk's zone: what is wrong with balances, in words.

    Raises StoreError kinds.
    """
    with office.database.read(snapshot=True) as session:
        if not _is_due(session, now):
            return ()
        findings = recount(session)
    told = tuple(f"{finding.account_ref}: {finding.text}" for finding in findings)
    with office.database.write() as session:
        remember_recount(session, to_micros(now), len(told))
        for summary in told:
            office.audit(session, now=now, action="ledger.recount", summary=summary)
    return told


def _is_due(session: Session, now: datetime) -> bool:
    last = recounted_at(session)
    if last is None:
        return True
    zone = ZoneInfo(read_meta(session)["zone"])
    return from_micros(last).astimezone(zone).date() < now.astimezone(zone).date()

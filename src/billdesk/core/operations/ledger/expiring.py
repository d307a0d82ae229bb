"""Lots past their day: what is left of them is booked away, but for what is held or may still be billed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billdesk.core.operations.ledger.burning import take_from_lot
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import CREDITS
from billdesk.core.rules.lots import Lot, burning_order, unheld
from billdesk.core.store.lots import accounts_due, due_account, open_lots
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.money import CREDIT

_BATCH = 500


def expire_due(office: Office, now: datetime) -> int:
    """Book away what is left of lots past their day; of how many something went.

    One write block per account. Raises ReadOnly, StoreError kinds.
    """
    expired, after = 0, ""
    while True:
        with office.database.read() as session:
            due = accounts_due(session, to_micros(now), after, _BATCH)
        for account_id in due:
            with office.database.write() as session:
                expired += _expire(office, session, account_id, now)
        if len(due) < _BATCH:
            return expired
        after = due[-1]


def expire_overdue(office: Office, session: Session, account: str, now: datetime) -> None:
    """Before new business of an account, by its ref or id: nothing past its day may pay for it."""
    account_id = due_account(session, account, to_micros(now))
    if account_id is not None:
        _expire(office, session, account_id, now)


def _expire(office: Office, session: Session, account_id: str, now: datetime) -> int:
    due = overdue(session, account_id, takeable(session, account_id), now)
    for lot, amount in due:
        take_from_lot(office, session, account_id, lot, amount, kind="credit_expiry", now=now)
    return len(due)


def overdue(
    session: Session, account_id: str, lots: Sequence[tuple[Lot, int]], now: datetime
) -> list[tuple[Lot, int]]:
    """Those of an account's lots whose day has passed and that no usage may need any more."""
    due = []
    for lot, amount in lots:
        if lot.expires_at is None or lot.expires_at > to_micros(now):
            continue
        # Catalogs, periods and zones would cost every start of a charge some milliseconds.
        from billdesk.core.operations.ledger.awaiting import use_is_unbilled  # noqa: PLC0415 - see above

        if not use_is_unbilled(session, account_id, lot.expires_at, now):
            due.append((lot, amount))
    return due


def takeable(session: Session, account_id: str) -> list[tuple[Lot, int]]:
    """The lots of an account, whose wallet is locked by this, with what no hold stands on, if anything."""
    state = wallet_state(session, account_id, CREDITS, CREDIT, lock=True)
    return unheld_lots(session, account_id, 0 if state is None else state.held_minor)


def unheld_lots(session: Session, account_id: str, held: int) -> list[tuple[Lot, int]]:
    """The lots of an account in the order in which they burn, with what no hold stands on, if anything."""
    lots = sorted(open_lots(session, account_id), key=burning_order)
    free = unheld(lots, held)
    return [(lot, free[lot.number]) for lot in lots if free[lot.number]]

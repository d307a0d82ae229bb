"""What needs a person: how much of each kind of trouble there is, and whose it is when it is one's."""

from __future__ import annotations

from typing import Any, NamedTuple

from billdesk.core.store.sessions import Session

MOST_COUNTED = 1_000


class Trouble(NamedTuple):
    """How many there are (counted up to `MOST_COUNTED`), and the account of one of them."""

    total: int
    account_ref: str | None


NONE = Trouble(0, None)


def open_disputes(session: Session) -> Trouble:
    """Payments that their payers contest now."""
    return _counted(
        session,
        "SELECT p.account_id FROM dispute d JOIN payment p ON p.id = d.payment_id"
        " WHERE d.status = 'open'",
        (),
    )


def overdue_invoices(session: Session, today: str) -> Trouble:
    """Open invoices whose day is over; `today` is a date in the desk's zone."""
    return _counted(
        session, "SELECT account_id FROM invoice WHERE status = 'open' AND due_on < ?", (today,)
    )


def subscriptions_that_are(session: Session, status: str, why: str | None = None) -> Trouble:
    """Subscriptions in a status; `why` they are paused, if that matters."""
    if why is None:
        return _counted(session, "SELECT account_id FROM subscription WHERE status = ?", (status,))
    return _counted(
        session,
        "SELECT account_id FROM subscription WHERE status = ? AND paused_why = ?",
        (status, why),
    )


def _counted(session: Session, sql: str, values: tuple[Any, ...]) -> Trouble:
    row = session.one(
        f"SELECT count(*), min(a.ref) FROM ({sql} LIMIT {MOST_COUNTED}) AS found"
        " JOIN account a ON a.id = found.account_id",
        values,
    )
    return Trouble(*row) if row else NONE

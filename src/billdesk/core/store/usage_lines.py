"""Lines of usage runs, and what closed periods came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from billdesk.core.store.sessions import Session


class LineRow(NamedTuple):
    """A line as it is kept, with what a reader calls its account."""

    number: int
    account_ref: str
    account_name: str
    subscription_id: str
    plan_code: str
    meter: str
    seq: int
    period_since: int
    period_until: int
    quantity: int
    billable: int
    asset: str
    amount_minor: int
    posting_id: str | None
    invoice_id: str | None
    detail: str


def add_lines(session: Session, rows: Iterable[Sequence[Any]]) -> None:
    """Keep lines of a run, in the order of `usage_line`'s columns after its number."""
    session.many(
        "INSERT INTO usage_line (run_number, account_id, subscription_id, meter, seq, period_since,"
        " period_until, plan_code, plan_version, quantity, billable, asset, amount_minor, posting_id,"
        " invoice_id, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def close_periods(session: Session, rows: Iterable[Sequence[Any]]) -> None:
    """Keep what periods come to, in the order of `usage_period`'s columns; KeyTaken for a known one."""
    session.many(
        "INSERT INTO usage_period (subscription_id, meter, since, until, account_id, quantity,"
        " amount_minor, lines, closed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def correct_periods(session: Session, rows: Iterable[Sequence[Any]]) -> None:
    """What closed periods come to now: (quantity, amount, lines, closed at, subscription, meter, since)."""
    session.many(
        "UPDATE usage_period SET quantity = ?, amount_minor = ?, lines = ?, closed_at = ?"
        " WHERE subscription_id = ? AND meter = ? AND since = ?",
        rows,
    )


_ONLY = {None: "", "failed": " AND l.seq = 0", "late": " AND l.seq > 1"}


def lines_of(
    session: Session, run_number: int, after: int | None, limit: int, only: str | None = None
) -> list[LineRow]:
    """Lines of a run, in the order in which they were booked; `only`: those failed, or late."""
    rows = session.all(
        "SELECT l.number, a.ref, a.name, l.subscription_id, l.plan_code, l.meter, l.seq,"
        " l.period_since, l.period_until, l.quantity, l.billable, l.asset, l.amount_minor,"
        " l.posting_id, l.invoice_id, l.detail FROM usage_line l JOIN account a ON a.id = l.account_id"
        f" WHERE l.run_number = ? AND l.number > ?{_ONLY[only]} ORDER BY l.number LIMIT ?",
        (run_number, after or 0, limit),
    )
    return [LineRow._make(row) for row in rows]


def invoice_of(session: Session, subscription_id: str, meter: str, since: int) -> str | None:
    """The invoice by which a closed period was billed, if it was an invoice."""
    row = session.one(
        "SELECT invoice_id FROM usage_line WHERE subscription_id = ? AND meter = ?"
        " AND period_since = ? AND seq > 0 AND invoice_id IS NOT NULL ORDER BY seq LIMIT 1",
        (subscription_id, meter, since),
    )
    return row[0] if row else None

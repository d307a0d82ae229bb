"""Holds: money set aside until it is captured, released or past its deadline."""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.sheets import HoldSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.money import Money

_HOLD = """
SELECT h.id, a.ref, a.name, h.amount_minor, w.asset, h.status, p.reference, p.subject, h.placed_at,
       h.expires_at, h.resolved_at, h.resolved_by,
       (SELECT -sum(e.amount_minor) FROM entry e JOIN posting c ON c.number = e.posting_number
        WHERE c.id = h.resolved_by AND e.wallet_number = h.wallet_number),
       (SELECT -sum(e.amount_minor) FROM entry e JOIN posting c ON c.number = e.posting_number
        JOIN wallet d ON d.number = e.wallet_number AND d.purpose = 'receivable'
        WHERE c.id = h.resolved_by)
FROM hold h
JOIN wallet w ON w.number = h.wallet_number
JOIN account a ON a.id = w.account_id
JOIN posting p ON p.id = h.id"""


def hold_sheet(row: tuple[Any, ...]) -> HoldSheet:
    """A row of `_HOLD` as a sheet."""
    asset, captured = row[4], row[5] == "captured"
    return HoldSheet(
        id=row[0],
        account_ref=row[1],
        account_name=row[2],
        amount=Money(row[3], asset),
        status=row[5],
        reference=row[6],
        subject=row[7],
        placed_at=from_micros(row[8]),
        expires_at=from_micros(row[9]),
        resolved_at=from_micros(row[10]) if row[10] is not None else None,
        resolved_by=row[11],
        captured=Money(int(row[12] or 0) + int(row[13] or 0), asset) if captured else None,
        shortfall=Money(int(row[13]), asset) if captured and row[13] else None,
    )


def hold_by_id(session: Session, hold_id: str, *, replayed: bool = False) -> HoldSheet | None:
    """One hold."""
    row = session.one(f"{_HOLD} WHERE h.id = ?", (hold_id,))
    return hold_sheet(row)._replace(replayed=replayed) if row else None


def hold_wallet(session: Session, hold_id: str) -> tuple[str, str, str, int, str] | None:
    """(account id, purpose, asset, amount, status) of a hold."""
    row = session.one(
        "SELECT w.account_id, w.purpose, w.asset, h.amount_minor, h.status"
        " FROM hold h JOIN wallet w ON w.number = h.wallet_number WHERE h.id = ?",
        (hold_id,),
    )
    return row and (row[0], row[1], row[2], row[3], row[4])


def list_holds(
    session: Session, *, account_id: str | None, status: str | None, after: str | None, limit: int
) -> list[HoldSheet]:
    """Holds, the newest first, from `after` (an id) on."""
    where: list[str] = ["1 = 1"]
    values: list[Any] = []
    if account_id:
        where.append("w.account_id = ?")
        values.append(account_id)
    if status:
        where.append("h.status = ?")
        values.append(status)
    if after:
        where.append("h.id < ?")
        values.append(after)
    rows = session.all(
        f"{_HOLD} WHERE {' AND '.join(where)} ORDER BY h.id DESC LIMIT ?", (*values, limit)
    )
    return [hold_sheet(row) for row in rows]


def due_holds(
    session: Session, now: int, limit: int, wallet_number: int | None = None
) -> list[tuple[str, str, str, str, int]]:
    """Open holds past their deadline: (id, account id, purpose, asset, amount), oldest first."""
    condition, values = "", [now]
    if wallet_number is not None:
        condition, values = " AND h.wallet_number = ?", [now, wallet_number]
    rows = session.all(
        "SELECT h.id, w.account_id, w.purpose, w.asset, h.amount_minor"
        " FROM hold h JOIN wallet w ON w.number = h.wallet_number"
        f" WHERE h.status = 'open' AND h.expires_at <= ?{condition}"
        " ORDER BY h.expires_at, h.id LIMIT ?",
        (*values, limit),
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

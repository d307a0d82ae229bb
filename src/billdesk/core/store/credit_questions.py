"""What the doors want to know of credits: lots, what they paid for, sums over a period."""

from __future__ import annotations

from typing import Any, NamedTuple

from billdesk.core.rules.sheets import LotSheet, LotUseSheet
from billdesk.core.store.lots import TAKEN_FROM_ITS_LOT
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.money import Money

_LOTS = """
SELECT l.id, a.ref, a.name, l.source, l.about, l.posting_id, l.granted, l.remaining, l.paid_minor,
       l.paid_asset, l.priority, l.granted_at, l.expires_at, l.ended_at, l.number
FROM credit_lot l JOIN account a ON a.id = l.account_id"""
_ORDER = " ORDER BY l.remaining = 0, l.priority, l.expires_at IS NULL, l.expires_at, l.number"


def _sheet(row: tuple[Any, ...], burns: int | None = None) -> LotSheet:
    return LotSheet(
        id=row[0],
        account_ref=row[1],
        account_name=row[2],
        source=row[3],
        about=row[4],
        posting_id=row[5],
        granted=row[6],
        remaining=row[7],
        paid=Money(row[8], row[9]) if row[9] else None,
        priority=row[10],
        granted_at=from_micros(row[11]),
        expires_at=None if row[12] is None else from_micros(row[12]),
        ended_at=None if row[13] is None else from_micros(row[13]),
        burns=burns,
    )


def lot_of_posting(session: Session, posting_id: str) -> LotSheet | None:
    """The lot that a posting brought; its place in the burning order is not told."""
    row = session.one(f"{_LOTS} WHERE l.posting_id = ?", (posting_id,))
    return None if row is None else _sheet(row)


def lot_by_id(session: Session, lot_id: str) -> LotSheet | None:
    """One lot; its place in the burning order is not told."""
    row = session.one(f"{_LOTS} WHERE l.id = ?", (lot_id,))
    return None if row is None else _sheet(row)


def lots_of(session: Session, account_id: str, *, used_up: bool) -> list[LotSheet]:
    """An account's lots in the order in which they burn; `used_up` ones at the end, if wanted."""
    condition = "" if used_up else " AND l.remaining > 0"
    rows = session.all(f"{_LOTS} WHERE l.account_id = ?{condition}{_ORDER}", (account_id,))
    return [_sheet(row, place if row[7] else None) for place, row in enumerate(rows, 1)]


_USES = """
SELECT u.number, u.posting_id, p.kind, l.id, u.amount, u.at, p.subject
FROM credit_use u JOIN credit_lot l ON l.number = u.lot_number
JOIN posting p ON p.id = u.posting_id WHERE {} ORDER BY u.number DESC LIMIT ?"""


def uses_page(
    session: Session,
    *,
    account_id: str | None,
    lot_id: str | None,
    posting_id: str | None,
    after: int | None,
    limit: int,
) -> list[tuple[int, LotUseSheet]]:
    """Which lot paid for what, the newest first, each with its number."""
    conditions = {
        "l.account_id = ?": account_id,
        "l.id = ?": lot_id,
        "u.posting_id = ?": posting_id,
        "u.number < ?": after,
    }
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    sql = _USES.format(" AND ".join(asked) or "TRUE")
    return [
        (row[0], LotUseSheet(row[1], row[2], row[3], row[4], from_micros(row[5]), row[6]))
        for row in session.all(sql, (*asked.values(), limit))
    ]


def moved_since(session: Session, account_id: str, at: int) -> tuple[int, int]:
    """(granted, used) credits of an account since an instant; what came back lowers what was used.

    What expired, was reset, went back with its pack, or filled a debt is not use.
    """
    granted = session.one(
        "SELECT coalesce(sum(granted), 0) FROM credit_lot WHERE account_id = ? AND granted_at >= ?",
        (account_id, at),
    )
    used = session.one(
        "SELECT coalesce(sum(u.amount), 0) FROM credit_use u"
        " JOIN credit_lot l ON l.number = u.lot_number JOIN posting p ON p.id = u.posting_id"
        " WHERE l.account_id = ? AND u.at >= ?"
        f" AND p.kind NOT IN ({', '.join('?' * len(TAKEN_FROM_ITS_LOT))})"
        " AND u.posting_id <> l.posting_id",
        (account_id, at, *TAKEN_FROM_ITS_LOT),
    )
    return int(granted[0]) if granted else 0, int(used[0]) if used else 0


class SubscribedTo(NamedTuple):
    """What usage periods of a subscription are counted by. `canceled_at` in microseconds."""

    id: str
    anchor_on: str
    canceled_at: int | None


def subscriptions_of(session: Session, account_id: str) -> list[SubscribedTo]:
    """All subscriptions of an account, those that have ended, too."""
    rows = session.all(
        "SELECT id, anchor_on, canceled_at FROM subscription WHERE account_id = ?", (account_id,)
    )
    return [SubscribedTo._make(row) for row in rows]


def plans_before(session: Session, subscription_id: str, before: int) -> list[tuple[str, int]]:
    """(code, version) of the plans in which a subscription was in periods that began before an instant."""
    rows = session.all(
        "SELECT DISTINCT plan_code, plan_version FROM billing_period"
        " WHERE subscription_id = ? AND since < ?",
        (subscription_id, before),
    )
    return [(code, version) for code, version in rows]


def billed_until(session: Session, subscription_id: str, meter: str) -> int:
    """Up to when a subscription's use of a meter is billed; 0 before the first run."""
    row = session.one(
        "SELECT max(until) FROM usage_period WHERE subscription_id = ? AND meter = ?",
        (subscription_id, meter),
    )
    return (row[0] or 0) if row else 0


def period_begun(session: Session, account_id: str, at: int) -> int | None:
    """When the present period of an account's subscription began, if it has one; the newest counts."""
    row = session.one(
        "SELECT period_since FROM subscription WHERE account_id = ? AND status <> 'canceled'"
        " AND period_since <= ? AND period_until > ? ORDER BY number DESC LIMIT 1",
        (account_id, at, at),
    )
    return None if row is None else int(row[0])

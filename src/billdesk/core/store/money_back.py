"""Refunds to where the money came from, and disputes."""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.sheets import CardRefundSheet, DisputeSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.money import Money

_REFUND = """
SELECT r.number, r.id, r.payment_id, a.ref, a.name, r.gateway, r.mode, r.external_id, r.status,
       r.asset, r.amount_minor, r.memo, r.detail, r.posting_id, r.actor, r.created_at, r.changed_at
FROM card_refund r JOIN payment p ON p.id = r.payment_id JOIN account a ON a.id = p.account_id"""
_OPEN = (
    _REFUND.replace("\nFROM", ", coalesce(r.asked_at, r.created_at), r.asks\nFROM")
    + """
WHERE r.gateway = ? AND r.mode = ? AND r.status = 'pending'
ORDER BY coalesce(r.asked_at, 0), r.number LIMIT ?"""
)
_DISPUTE = """
SELECT d.number, d.id, d.payment_id, a.ref, a.name, d.gateway, d.mode, d.external_id, d.status,
       d.asset, d.amount_minor, d.detail, d.opened_at, d.closed_at, d.hold_id, d.posting_id
FROM dispute d JOIN payment p ON p.id = d.payment_id JOIN account a ON a.id = p.account_id"""


def _refund_sheet(row: tuple[Any, ...]) -> CardRefundSheet:
    return CardRefundSheet._make(
        (
            *row[1:9],
            Money(row[10], row[9]),
            *row[11:15],
            from_micros(row[15]),
            from_micros(row[16]),
        )
    )


def add_card_refund(
    session: Session,
    *,
    id: str,
    payment_id: str,
    gateway: str,
    mode: str,
    amount: Money,
    memo: str,
    actor: str,
    at: int,
    external_id: str | None = None,
) -> None:
    """Write down money that is to go back."""
    session.run(
        "INSERT INTO card_refund (id, payment_id, gateway, mode, external_id, status, asset,"
        " amount_minor, memo, actor, created_at, changed_at)"
        " VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)",
        (
            *(id, payment_id, gateway, mode, external_id, amount.asset, amount.minor),
            *(memo, actor, at, at),
        ),
    )


def card_refund_by_id(session: Session, refund_id: str) -> CardRefundSheet | None:
    """One refund, by our id."""
    row = session.one(f"{_REFUND} WHERE r.id = ?", (refund_id,))
    return _refund_sheet(row) if row else None


def card_refund_at(
    session: Session, gateway: str, mode: str, external_id: str
) -> CardRefundSheet | None:
    """One refund, by the gateway's id."""
    row = session.one(
        f"{_REFUND} WHERE r.gateway = ? AND r.mode = ? AND r.external_id = ?",
        (gateway, mode, external_id),
    )
    return _refund_sheet(row) if row else None


def move_card_refund(
    session: Session,
    refund_id: str,
    *,
    status: str,
    detail: str,
    at: int,
    external_id: str | None = None,
    posting_id: str | None = None,
) -> None:
    """Move a refund on; what is not known stays as it was."""
    session.run(
        "UPDATE card_refund SET status = ?, detail = ?, changed_at = ?,"
        " external_id = coalesce(?, external_id), posting_id = coalesce(?, posting_id)"
        " WHERE id = ?",
        (status, detail, at, external_id, posting_id, refund_id),
    )


def fail_card_refund(session: Session, refund_id: str, detail: str, at: int) -> bool:
    """End a refund that nothing came of; one that has come to an end meanwhile stays as it is."""
    return bool(
        session.run(
            "UPDATE card_refund SET status = 'failed', detail = ?, changed_at = ?"
            " WHERE id = ? AND status = 'pending'",
            (detail, at, refund_id),
        )
    )


def pending_minor(session: Session, payment_id: str) -> int:
    """How much of a payment is on its way back and not booked yet."""
    [(minor,)] = session.all(
        "SELECT coalesce(sum(amount_minor), 0) FROM card_refund"
        " WHERE payment_id = ? AND status = 'pending'",
        (payment_id,),
    )
    return int(minor)


def open_card_refunds(
    session: Session, gateway: str, mode: str, limit: int
) -> list[tuple[CardRefundSheet, int, int]]:
    """Refunds a gateway owes an answer for: (refund, last asked at, times asked), oldest ask first."""
    rows = session.all(_OPEN, (gateway, mode, limit))
    return [(_refund_sheet(row), row[-2], row[-1]) for row in rows]


def mark_refund_asked(session: Session, refund_id: str, at: int) -> None:
    """Remember that the gateway was asked about a refund."""
    session.run(
        "UPDATE card_refund SET asked_at = ?, asks = asks + 1 WHERE id = ?", (at, refund_id)
    )


def list_card_refunds(
    session: Session,
    *,
    account_id: str | None,
    payment_id: str | None,
    status: str | None,
    after: str | None,
    limit: int,
) -> tuple[list[CardRefundSheet], str | None]:
    """Refunds, the newest first, and where to go on."""
    wanted = {"p.account_id": account_id, "r.payment_id": payment_id, "r.status": status}
    where, values = _where(wanted)
    below = read_cursor(after)
    if below is not None:
        where.append("r.number < ?")
        values.append(below)
    rows = session.all(
        f"{_REFUND} WHERE {' AND '.join(where)} ORDER BY r.number DESC LIMIT ?", (*values, limit)
    )
    return [_refund_sheet(row) for row in rows], str(rows[-1][0]) if len(rows) == limit else None


def _where(wanted: dict[str, str | None]) -> tuple[list[str], list[Any]]:
    given = {column: value for column, value in wanted.items() if value is not None}
    return ["1 = 1", *(f"{column} = ?" for column in given)], list(given.values())


def _dispute_sheet(row: tuple[Any, ...]) -> DisputeSheet:
    return DisputeSheet._make(
        (
            *row[1:9],
            Money(row[10], row[9]),
            row[11],
            from_micros(row[12]),
            None if row[13] is None else from_micros(row[13]),
        )
    )


def add_dispute(
    session: Session,
    *,
    id: str,
    payment_id: str,
    gateway: str,
    mode: str,
    external_id: str,
    amount: Money,
    hold_id: str | None,
    detail: str,
    opened_at: int,
) -> None:
    """Write down that a payment is contested."""
    session.run(
        "INSERT INTO dispute (id, payment_id, gateway, mode, external_id, status, asset,"
        " amount_minor, hold_id, detail, opened_at) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?)",
        (
            *(id, payment_id, gateway, mode, external_id, amount.asset, amount.minor),
            *(hold_id, detail, opened_at),
        ),
    )


def dispute_at(
    session: Session, gateway: str, mode: str, external_id: str
) -> tuple[DisputeSheet, str | None, str | None] | None:
    """One dispute by the gateway's id: with its hold and its posting, if it has them."""
    row = session.one(
        f"{_DISPUTE} WHERE d.gateway = ? AND d.mode = ? AND d.external_id = ?",
        (gateway, mode, external_id),
    )
    return (_dispute_sheet(row), row[14], row[15]) if row else None


def close_dispute(
    session: Session, dispute_id: str, *, status: str, posting_id: str | None, detail: str, at: int
) -> None:
    """Say how a dispute ended."""
    session.run(
        "UPDATE dispute SET status = ?, posting_id = coalesce(?, posting_id), detail = ?,"
        " closed_at = ? WHERE id = ?",
        (status, posting_id, detail, at, dispute_id),
    )


def list_disputes(
    session: Session, *, account_id: str | None, status: str | None, after: str | None, limit: int
) -> tuple[list[DisputeSheet], str | None]:
    """Disputes, the newest first, and where to go on."""
    where, values = _where({"p.account_id": account_id, "d.status": status})
    below = read_cursor(after)
    if below is not None:
        where.append("d.number < ?")
        values.append(below)
    rows = session.all(
        f"{_DISPUTE} WHERE {' AND '.join(where)} ORDER BY d.number DESC LIMIT ?", (*values, limit)
    )
    return [_dispute_sheet(row) for row in rows], str(rows[-1][0]) if len(rows) == limit else None

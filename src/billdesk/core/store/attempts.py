"""Payments taken while the customer is away: attempts at one debt of money, and what was taken today."""

from __future__ import annotations

from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.store.payments import payment_by_id
from billdesk.core.store.sessions import Session

FAILED = ("failed", "expired")


def lock_payment(session: Session, payment_id: str) -> PaymentSheet | None:
    """A payment, kept from others until the block ends; on SQLite a write block is the lock already."""
    if session.kind == "postgres":
        session.one("SELECT 1 FROM payment WHERE id = ? FOR UPDATE", (payment_id,))
    return payment_by_id(session, payment_id)


def attempts_at(session: Session, first_id: str) -> list[PaymentSheet]:
    """A payment and everything that was tried again for it, the oldest first."""
    rows = session.all(
        "SELECT id FROM payment WHERE id = ? OR retries_id = ? ORDER BY number",
        (first_id, first_id),
    )
    found = [payment_by_id(session, row[0]) for row in rows]
    return [payment for payment in found if payment is not None]


def all_failed(session: Session, first_id: str) -> bool:
    """Whether nothing came of a payment and its retries; nobody begins one until the block ends."""
    lock_payment(session, first_id)
    return all(payment.status in FAILED for payment in attempts_at(session, first_id))


def claim_payment(session: Session, payment_id: str, at: int, untouched_since: int) -> bool:
    """Have a payment that waits to be sent again to oneself: only one of several desks gets it."""
    return bool(
        session.run(
            "UPDATE payment SET changed_at = ?"
            " WHERE id = ? AND status = 'pending' AND changed_at <= ?",
            (at, payment_id, untouched_since),
        )
    )


def end_payment(session: Session, payment_id: str, *, status: str, detail: str, at: int) -> bool:
    """End a payment that nothing came of; one that has come to an end meanwhile stays as it is."""
    return bool(
        session.run(
            "UPDATE payment SET status = ?, detail = ?, changed_at = ?"
            " WHERE id = ? AND status = 'pending'",
            (status, detail, at, payment_id),
        )
    )


def topped_up_minor(session: Session, account_id: str, asset: str, since: int) -> int:
    """What top-ups took from an account since then, or are about to take."""
    row = session.one(
        "SELECT coalesce(sum(amount_minor), 0) FROM payment WHERE account_id = ? AND asset = ?"
        " AND purpose = 'topup' AND status IN ('pending', 'succeeded') AND created_at >= ?",
        (account_id, asset, since),
    )
    return int(row[0]) if row else 0

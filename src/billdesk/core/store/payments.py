"""Payments: what accounts were asked to pay in through gateways."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.money import Money

# Money that went back, or is contested, says more than that the payment once succeeded.
_STATUS = """CASE WHEN p.disputed_minor > 0 THEN 'disputed'
            WHEN p.refunded_minor >= p.amount_minor THEN 'refunded' ELSE p.status END"""
_PAYMENT = f"""
SELECT p.number, p.id, a.ref, a.name, p.gateway, p.mode, p.external_id, {_STATUS}, p.asset,
       p.amount_minor, p.fee_minor, p.pay_url, p.detail, p.created_at, p.changed_at, p.posting_id,
       p.purpose, p.method_id, p.retries_id, p.charge_id, p.refunded_minor, p.disputed_minor,
       p.save_method, p.invoice_id
FROM payment p JOIN account a ON a.id = p.account_id"""

_OPEN = (
    _PAYMENT.replace("\nFROM payment", ", coalesce(p.asked_at, p.created_at), p.asks\nFROM payment")
    + """
WHERE p.gateway = ? AND p.mode = ? AND p.status = 'pending'
ORDER BY coalesce(p.asked_at, 0), p.number LIMIT ?"""
)


def payment_sheet(row: tuple[Any, ...]) -> PaymentSheet:
    """A row of `_PAYMENT` as a sheet."""
    asset = row[8]
    return PaymentSheet(
        id=row[1],
        account_ref=row[2],
        account_name=row[3],
        gateway=row[4],
        mode=row[5],
        external_id=row[6],
        status=row[7],
        amount=Money(row[9], asset),
        fee=None if row[10] is None else Money(row[10], asset),
        pay_url=row[11],
        detail=row[12],
        created_at=from_micros(row[13]),
        changed_at=from_micros(row[14]),
        posting_id=row[15],
        purpose=row[16],
        method_id=row[17],
        retries_id=row[18],
        charge_id=row[19],
        refunded=Money(row[20], asset),
        disputed=Money(row[21], asset),
        save_method=bool(row[22]),
        invoice_id=row[23],
    )


def add_payment(
    session: Session,
    *,
    id: str,
    account_id: str,
    gateway: str,
    mode: str,
    amount: Money,
    actor: str,
    at: int,
    purpose: str = "deposit",
    method_id: str | None = None,
    retries_id: str | None = None,
    save_method: bool = False,
    invoice_id: str | None = None,
) -> None:
    """Write down what we are about to ask a gateway."""
    session.run(
        "INSERT INTO payment (id, account_id, gateway, mode, status, asset, amount_minor, detail,"
        " actor, created_at, changed_at, purpose, method_id, retries_id, save_method,"
        " invoice_id)"
        " VALUES (?, ?, ?, ?, 'pending', ?, ?, 'being started', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(id, account_id, gateway, mode, amount.asset, amount.minor, actor, at, at),
            *(purpose, method_id, retries_id, int(save_method), invoice_id),
        ),
    )


def payment_by_id(session: Session, payment_id: str) -> PaymentSheet | None:
    """One payment."""
    row = session.one(f"{_PAYMENT} WHERE p.id = ?", (payment_id,))
    return payment_sheet(row) if row else None


def payment_there(session: Session, payment_id: str, *, lock: bool = False) -> PaymentSheet:
    """One payment that is known to be there; `lock` keeps others away until the block ends."""
    lock_sql = " FOR UPDATE OF p" if lock and session.kind == "postgres" else ""
    [row] = session.all(f"{_PAYMENT} WHERE p.id = ?{lock_sql}", (payment_id,))
    return payment_sheet(row)


def payment_of_fact(session: Session, fact: Fact) -> PaymentSheet | None:
    """The payment a fact speaks of, locked: by our id if the gateway carries it, else by its own.

    Facts of refunds and disputes name it by its id there or by what was charged.
    """
    lock = " FOR UPDATE OF p" if session.kind == "postgres" else ""
    if fact.payment_id is not None:
        row = session.one(f"{_PAYMENT} WHERE p.id = ?{lock}", (fact.payment_id,))
        return payment_sheet(row) if row else None
    external_id = fact.payment_external_id or fact.object_id
    row = session.one(
        f"{_PAYMENT} WHERE p.gateway = ? AND p.mode = ? AND p.external_id = ?{lock}",
        (fact.gateway, fact.mode, external_id),
    )
    if row is None and fact.charge_id is not None:
        row = session.one(
            f"{_PAYMENT} WHERE p.gateway = ? AND p.mode = ? AND p.charge_id = ?{lock}",
            (fact.gateway, fact.mode, fact.charge_id),
        )
    return payment_sheet(row) if row else None


def payments_by_id(session: Session, payment_ids: Sequence[str]) -> dict[str, PaymentSheet]:
    """Several payments by our ids; SQLite only, where the write lock keeps others away."""
    rows = session.all(
        f"{_PAYMENT} WHERE p.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(payment_ids)),),
    )
    return {row[1]: payment_sheet(row) for row in rows}


def list_payments(
    session: Session,
    *,
    account_id: str | None,
    status: str | None,
    after: str | None,
    limit: int,
    gateway: str | None = None,
) -> tuple[list[PaymentSheet], str | None]:
    """Payments, the newest first, and where to go on."""
    where: list[str] = ["1 = 1"]
    values: list[Any] = []
    if account_id:
        where.append("p.account_id = ?")
        values.append(account_id)
    if gateway:
        where.append("p.gateway = ?")
        values.append(gateway)
    if status:
        where.append(f"{_STATUS} = ?")
        values.append(status)
    below = read_cursor(after)
    if below is not None:
        where.append("p.number < ?")
        values.append(below)
    rows = session.all(
        f"{_PAYMENT} WHERE {' AND '.join(where)} ORDER BY p.number DESC LIMIT ?", (*values, limit)
    )
    return [payment_sheet(row) for row in rows], str(rows[-1][0]) if len(rows) == limit else None


def open_payments(
    session: Session, gateway: str, mode: str, limit: int
) -> list[tuple[PaymentSheet, int, int]]:
    """Payments a gateway owes an answer for: (payment, last asked at, times asked), oldest ask first."""
    rows = session.all(_OPEN, (gateway, mode, limit))
    return [(payment_sheet(row), row[-2], row[-1]) for row in rows]


def mark_asked(session: Session, payment_id: str, at: int) -> None:
    """Remember that the gateway was asked about a payment."""
    session.run("UPDATE payment SET asked_at = ?, asks = asks + 1 WHERE id = ?", (at, payment_id))


def move_payment(
    session: Session,
    payment_id: str,
    *,
    status: str,
    detail: str,
    at: int,
    external_id: str | None = None,
    pay_url: str | None = None,
    fee_minor: int | None = None,
    posting_id: str | None = None,
    charge_id: str | None = None,
) -> None:
    """Move a payment on; what is not known stays as it was."""
    session.run(
        MOVE_PAYMENT,
        (status, detail, at, external_id, pay_url, fee_minor, posting_id, charge_id, payment_id),
    )


MOVE_PAYMENT = """
UPDATE payment SET status = ?, detail = ?, changed_at = ?,
    external_id = coalesce(?, external_id), pay_url = coalesce(?, pay_url),
    fee_minor = coalesce(?, fee_minor), posting_id = coalesce(?, posting_id),
    charge_id = coalesce(?, charge_id)
WHERE id = ?"""


def give_back(
    session: Session, payment_id: str, *, refunded_minor: int = 0, disputed_minor: int = 0
) -> None:
    """Count what of a payment went back or is contested; negative when that was taken back."""
    session.run(
        "UPDATE payment SET refunded_minor = refunded_minor + ?,"
        " disputed_minor = disputed_minor + ? WHERE id = ?",
        (refunded_minor, disputed_minor, payment_id),
    )

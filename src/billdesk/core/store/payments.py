"""Money in: payments (our intents), facts (the gateways' words) and how fresh they are."""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.sheets import FactSheet, GatewaySheet, PaymentSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.money import Money

_PAYMENT = """
SELECT p.number, p.id, a.ref, a.name, p.gateway, p.mode, p.external_id, p.status, p.asset,
       p.amount_minor, p.fee_minor, p.pay_url, p.detail, p.created_at, p.changed_at, p.posting_id
FROM payment p JOIN account a ON a.id = p.account_id"""


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
) -> None:
    """Write down what we are about to ask a gateway."""
    session.run(
        "INSERT INTO payment (id, account_id, gateway, mode, status, asset, amount_minor, detail,"
        " actor, created_at, changed_at) VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)",
        (id, account_id, gateway, mode, amount.asset, amount.minor, "being started", actor, at, at),
    )


def payment_by_id(session: Session, payment_id: str) -> PaymentSheet | None:
    """One payment."""
    row = session.one(f"{_PAYMENT} WHERE p.id = ?", (payment_id,))
    return payment_sheet(row) if row else None


def payment_of_fact(session: Session, fact: Fact) -> PaymentSheet | None:
    """The payment a fact speaks of: by our id if the gateway carries it, else by its own."""
    if fact.payment_id is not None:
        return payment_by_id(session, fact.payment_id)
    row = session.one(
        f"{_PAYMENT} WHERE p.gateway = ? AND p.mode = ? AND p.external_id = ?",
        (fact.gateway, fact.mode, fact.object_id),
    )
    return payment_sheet(row) if row else None


def list_payments(
    session: Session, *, account_id: str | None, status: str | None, after: str | None, limit: int
) -> tuple[list[PaymentSheet], str | None]:
    """Payments, the newest first, and where to go on."""
    where: list[str] = ["1 = 1"]
    values: list[Any] = []
    if account_id:
        where.append("p.account_id = ?")
        values.append(account_id)
    if status:
        where.append("p.status = ?")
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
) -> list[tuple[str, int, int]]:
    """Payments a gateway still owes an answer for: (id, last asked at, times asked), oldest ask first."""
    rows = session.all(
        "SELECT id, coalesce(asked_at, created_at), asks FROM payment"
        " WHERE gateway = ? AND mode = ? AND status = 'pending'"
        " ORDER BY coalesce(asked_at, 0), number LIMIT ?",
        (gateway, mode, limit),
    )
    return [(row[0], row[1], row[2]) for row in rows]


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
) -> None:
    """Move a payment on; what is not known stays as it was."""
    session.run(
        "UPDATE payment SET status = ?, detail = ?, changed_at = ?,"
        " external_id = coalesce(?, external_id), pay_url = coalesce(?, pay_url),"
        " fee_minor = coalesce(?, fee_minor), posting_id = coalesce(?, posting_id) WHERE id = ?",
        (status, detail, at, external_id, pay_url, fee_minor, posting_id, payment_id),
    )


_FACT = """
SELECT number, gateway, mode, object_id, stage, occurrence, asset, amount_minor, happened_at,
       received_at, state, detail, payment_id FROM fact"""


def fact_sheet(row: tuple[Any, ...]) -> FactSheet:
    """A row of `_FACT` as a sheet."""
    return FactSheet(
        number=row[0],
        gateway=row[1],
        mode=row[2],
        object_id=row[3],
        stage=row[4],
        occurrence=row[5],
        amount=None if row[7] is None else Money(row[7], row[6]),
        happened_at=from_micros(row[8]),
        received_at=from_micros(row[9]),
        state=row[10],
        detail=row[11],
        payment_id=row[12],
    )


def keep_fact(session: Session, fact: Fact, received_at: int) -> int | None:
    """Keep a fact before anything is done with it: its number, or None when it was told before."""
    row = session.one(
        "INSERT INTO fact (gateway, mode, object_id, stage, occurrence, payment_id, asset,"
        " amount_minor, fee_minor, happened_at, received_at, state, detail, raw)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)"
        " ON CONFLICT (gateway, mode, object_id, stage, occurrence) DO NOTHING RETURNING number",
        (
            fact.gateway,
            fact.mode,
            fact.object_id,
            fact.stage,
            fact.occurrence,
            fact.payment_id,
            fact.amount.asset if fact.amount else None,
            fact.amount.minor if fact.amount else None,
            fact.fee.minor if fact.fee else None,
            to_micros(fact.happened_at),
            received_at,
            fact.detail,
            fact.raw,
        ),
    )
    return row[0] if row else None


def mark_fact(session: Session, number: int, *, state: str, detail: str) -> None:
    """Say what became of a fact."""
    session.run("UPDATE fact SET state = ?, detail = ? WHERE number = ?", (state, detail, number))


def list_facts(
    session: Session, *, state: str | None, after: str | None, limit: int
) -> tuple[list[FactSheet], str | None]:
    """Facts, the newest first, and where to go on."""
    where: list[str] = ["1 = 1"]
    values: list[Any] = []
    if state:
        where.append("state = ?")
        values.append(state)
    below = read_cursor(after)
    if below is not None:
        where.append("number < ?")
        values.append(below)
    rows = session.all(
        f"{_FACT} WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?", (*values, limit)
    )
    return [fact_sheet(row) for row in rows], str(rows[-1][0]) if len(rows) == limit else None


def cursor_of(session: Session, gateway: str, mode: str) -> str | None:
    """How far a gateway's facts have been read."""
    row = session.one(
        "SELECT cursor FROM freshness WHERE gateway = ? AND mode = ?", (gateway, mode)
    )
    return row[0] if row else None


def mark_fresh(
    session: Session, *, gateway: str, mode: str, cursor: str, watermark: int | None, at: int
) -> None:
    """A whole pass was read: move the cursor and the watermark on, forget the last error."""
    session.run(
        "INSERT INTO freshness (gateway, mode, cursor, watermark, polled_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (gateway, mode) DO UPDATE SET cursor = excluded.cursor,"
        " watermark = coalesce(excluded.watermark, freshness.watermark),"
        " polled_at = excluded.polled_at, error = NULL, error_at = NULL",
        (gateway, mode, cursor, watermark, at),
    )


def mark_failed(session: Session, *, gateway: str, mode: str, error: str, at: int) -> None:
    """A pass failed: keep the cursor, remember what went wrong."""
    session.run(
        "INSERT INTO freshness (gateway, mode, error, error_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (gateway, mode) DO UPDATE SET error = excluded.error,"
        " error_at = excluded.error_at",
        (gateway, mode, error, at),
    )


def gateway_sheet(session: Session, name: str, mode: str, now: int) -> GatewaySheet:
    """A gateway's freshness and its open business."""
    row = session.one(
        "SELECT polled_at, watermark, error FROM freshness WHERE gateway = ? AND mode = ?",
        (name, mode),
    ) or (None, None, None)
    counts = session.one(
        "SELECT (SELECT count(*) FROM payment WHERE gateway = ? AND mode = ? AND status = 'pending'),"
        " (SELECT count(*) FROM fact WHERE gateway = ? AND mode = ? AND state = 'waiting')",
        (name, mode, name, mode),
    ) or (0, 0)
    return GatewaySheet(
        name=name,
        mode=mode,
        last_polled_at=None if row[0] is None else from_micros(row[0]),
        watermark=None if row[1] is None else from_micros(row[1]),
        lag_seconds=None if row[0] is None else max(0, (now - row[0]) // 1_000_000),
        last_error=row[2],
        open_payments=counts[0],
        waiting_facts=counts[1],
    )

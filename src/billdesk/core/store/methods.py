"""Who accounts are at gateways, and the ways to pay that they saved there."""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.gateway import Method
from billdesk.core.rules.sheets import MethodSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros

_METHOD = """
SELECT m.id, a.ref, m.gateway, m.mode, m.external_id, m.customer_id, m.label, m.expires, m.role,
       m.added_at, m.account_id, m.removed_at
FROM payment_method m JOIN account a ON a.id = m.account_id"""


def method_sheet(row: tuple[Any, ...]) -> MethodSheet:
    """A row of `_METHOD` as a sheet."""
    return MethodSheet._make((*row[:9], from_micros(row[9])))


def customer_of(session: Session, account_id: str, gateway: str, mode: str) -> str | None:
    """Who an account is at a gateway."""
    row = session.one(
        "SELECT external_id FROM customer WHERE account_id = ? AND gateway = ? AND mode = ?",
        (account_id, gateway, mode),
    )
    return row[0] if row else None


def account_of_customer(session: Session, gateway: str, mode: str, external_id: str) -> str | None:
    """Whose account a customer of a gateway is."""
    row = session.one(
        "SELECT account_id FROM customer WHERE gateway = ? AND mode = ? AND external_id = ?",
        (gateway, mode, external_id),
    )
    return row[0] if row else None


def keep_customer(
    session: Session, *, account_id: str, gateway: str, mode: str, external_id: str, at: int
) -> None:
    """Remember who an account is at a gateway; the first that is known stays."""
    session.run(
        "INSERT INTO customer (account_id, gateway, mode, external_id, made_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (account_id, gateway, mode) DO NOTHING",
        (account_id, gateway, mode, external_id, at),
    )


def customers_of(session: Session, account_id: str) -> list[tuple[str, str, str]]:
    """Every customer that an account is known as: (gateway, mode, the gateway's id of it)."""
    rows = session.all(
        "SELECT gateway, mode, external_id FROM customer WHERE account_id = ?"
        " UNION SELECT gateway, mode, customer_id FROM payment_method"
        " WHERE account_id = ? AND removed_at IS NULL ORDER BY 1, 2, 3",
        (account_id, account_id),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def methods_of(session: Session, account_id: str) -> list[MethodSheet]:
    """What an account has saved: the default first, then the backup, then by age."""
    rows = session.all(
        f"{_METHOD} WHERE m.account_id = ? AND m.removed_at IS NULL ORDER BY"
        " CASE m.role WHEN 'default' THEN 0 WHEN 'backup' THEN 1 ELSE 2 END, m.number",
        (account_id,),
    )
    return [method_sheet(row) for row in rows]


def method_in_role(session: Session, account_id: str, role: str) -> MethodSheet | None:
    """The method of an account that is its default, or its backup."""
    row = session.one(
        f"{_METHOD} WHERE m.account_id = ? AND m.role = ? AND m.removed_at IS NULL",
        (account_id, role),
    )
    return method_sheet(row) if row else None


def charged_plans(session: Session, account_id: str) -> list[str]:
    """The plans that an account's default method is charged for by the desk."""
    rows = session.all(
        "SELECT DISTINCT plan_code FROM subscription WHERE account_id = ? AND paid_by = 'gateway'"
        " AND status <> 'canceled' ORDER BY plan_code",
        (account_id,),
    )
    return [str(row[0]) for row in rows]


def method_by_id(session: Session, method_id: str) -> tuple[MethodSheet, str, bool] | None:
    """A method by our id, with its account's id and whether it is gone."""
    row = session.one(f"{_METHOD} WHERE m.id = ?", (method_id,))
    return row and (method_sheet(row), row[10], row[11] is not None)


def lock_methods(session: Session, account_id: str) -> None:
    """Keep others from changing what an account has saved until the block ends.

    On SQLite a write block is the lock already.
    """
    if session.kind == "postgres":
        session.one("SELECT 1 FROM account WHERE id = ? FOR NO KEY UPDATE", (account_id,))


def known_method(
    session: Session, gateway: str, mode: str, external_id: str
) -> tuple[str, str, int | None] | None:
    """A method by the gateway's id of it: (our id, account id, when it was removed)."""
    row = session.one(
        "SELECT id, account_id, removed_at FROM payment_method"
        " WHERE gateway = ? AND mode = ? AND external_id = ?",
        (gateway, mode, external_id),
    )
    return row and (row[0], row[1], row[2])


def add_method(
    session: Session,
    *,
    id: str,
    account_id: str,
    gateway: str,
    mode: str,
    method: Method,
    at: int,
) -> None:
    """Write a saved method down; the driver's unique violation says that it is known."""
    session.run(
        "INSERT INTO payment_method (id, account_id, gateway, mode, customer_id, external_id, label,"
        " expires, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(id, account_id, gateway, mode, method.customer_id, method.method_id),
            *(method.label, method.expires, at),
        ),
    )


def renew_method(session: Session, method_id: str, account_id: str, method: Method) -> None:
    """A known method as it is shown now, and not removed."""
    session.run(
        "UPDATE payment_method SET account_id = ?, customer_id = ?, label = ?, expires = ?,"
        " removed_at = NULL WHERE id = ?",
        (account_id, method.customer_id, method.label, method.expires, method_id),
    )


def remove_method(session: Session, method_id: str, at: int) -> bool:
    """Mark a method as gone; whether it was there."""
    return bool(
        session.run(
            "UPDATE payment_method SET role = '', removed_at = ?"
            " WHERE id = ? AND removed_at IS NULL",
            (at, method_id),
        )
    )


def set_role(session: Session, method_id: str, account_id: str, role: str) -> None:
    """Give a method its role; whichever had it before has none."""
    if role:
        session.run(
            "UPDATE payment_method SET role = '' WHERE account_id = ? AND role = ? AND id <> ?",
            (account_id, role, method_id),
        )
    session.run("UPDATE payment_method SET role = ? WHERE id = ?", (role, method_id))

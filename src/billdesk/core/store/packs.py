"""Purchases of packs of credits."""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.catalog_bodies import read_pack
from billdesk.core.rules.packs import Purchase
from billdesk.core.rules.sheets import PurchaseSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.money import Money

_FIELDS = ", ".join(Purchase._fields)
_MARKS = ", ".join("?" * len(Purchase._fields))
_SHEET = """
SELECT p.id, a.ref, a.name, p.pack_code, p.pack_version, c.body, p.credits, p.asset, p.price_minor,
       p.refunded_minor, p.paid_by, p.status, p.invoice_id, i.invoice_number, i.total_minor, p.lot_id,
       l.remaining, p.detail, p.created_at, p.changed_at
FROM pack_purchase p JOIN account a ON a.id = p.account_id
JOIN catalog_item c ON c.sort = 'pack' AND c.code = p.pack_code AND c.version = p.pack_version
LEFT JOIN invoice i ON i.id = p.invoice_id LEFT JOIN credit_lot l ON l.id = p.lot_id"""


def add_purchase(session: Session, purchase: Purchase) -> None:
    """Write a new one. Raises KeyTaken for its id."""
    session.run(f"INSERT INTO pack_purchase ({_FIELDS}) VALUES ({_MARKS})", purchase)


def purchase_by_id(session: Session, purchase_id: str) -> Purchase | None:
    """One of them; who changes it has locked its invoice."""
    row = session.one(f"SELECT {_FIELDS} FROM pack_purchase WHERE id = ?", (purchase_id,))
    return None if row is None else Purchase._make(row)


def save_purchase(session: Session, purchase: Purchase) -> None:
    """Write back what can change."""
    session.run(
        "UPDATE pack_purchase SET status = ?, refunded_minor = ?, invoice_id = ?, lot_id = ?,"
        " detail = ?, changed_at = ? WHERE id = ?",
        (
            *(purchase.status, purchase.refunded_minor, purchase.invoice_id, purchase.lot_id),
            *(purchase.detail, purchase.changed_at, purchase.id),
        ),
    )


def purchase_sheet(session: Session, purchase_id: str) -> PurchaseSheet | None:
    """One of them for the doors."""
    row = session.one(f"{_SHEET} WHERE p.id = ?", (purchase_id,))
    return None if row is None else _sheet(row)


def list_purchases(
    session: Session, *, account_id: str | None, status: str | None, after: str | None, limit: int
) -> list[PurchaseSheet]:
    """Purchases, the newest first, from `after` (an id) on."""
    conditions = {
        "p.account_id = ?": account_id,
        "p.status = ?": status,
        "p.number < (SELECT number FROM pack_purchase WHERE id = ?)": after,
    }
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    where = " AND ".join(asked) or "TRUE"
    rows = session.all(
        f"{_SHEET} WHERE {where} ORDER BY p.number DESC LIMIT ?", (*asked.values(), limit)
    )
    return [_sheet(row) for row in rows]


def _sheet(row: tuple[Any, ...]) -> PurchaseSheet:
    return PurchaseSheet(
        id=row[0],
        account_ref=row[1],
        account_name=row[2],
        pack_code=row[3],
        pack_name=read_pack(row[3], row[4], row[5], retired=False).name,
        credits=row[6],
        price=Money(row[8], row[7]),
        refunded=Money(row[9], row[7]),
        paid_by=row[10],
        status=row[11],
        invoice_id=row[12],
        invoice_number=row[13],
        total=None if row[14] is None else Money(row[14], row[7]),
        lot_id=row[15],
        remaining=row[16],
        detail=row[17],
        created_at=from_micros(row[18]),
        changed_at=from_micros(row[19]),
    )

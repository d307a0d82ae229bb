"""Lists of invoices, page by page without counting, and what is due to be collected."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from billdesk.core.rules.sheets import InvoiceSheet
from billdesk.core.store.invoices import INVOICE, invoice_sheet
from billdesk.core.store.sessions import Session

_SCANNED = 200_000
"""So many invoices, the newest first, does one page look through for a text."""


class InvoiceFilter(NamedTuple):
    """What a list is narrowed to.

    `text`: the beginning of a number, an account's ref, or a part of number, name or memo. Days are of
    issue, `until` exclusive; `overdue` is asked on `today`.
    """

    today: date
    account_id: str | None = None
    status: str | None = None
    kind: str | None = None
    text: str | None = None
    since: date | None = None
    until: date | None = None
    overdue: bool | None = None
    corrects: str | None = None


def list_invoices(
    session: Session, wanted: InvoiceFilter, below: int | None, limit: int
) -> tuple[list[InvoiceSheet], int | None]:
    """Invoices and credit notes, the newest first, and the number to go on below.

    A text that is neither the beginning of a number nor an account is looked for in a stretch of
    them: such a page may be short, even empty, and still have a next one.
    """
    where, values = _conditions(wanted)
    bottom: int | None = None
    if wanted.text is not None:
        condition, more, scans = _text_condition(session, wanted.text)
        where.append(condition)
        values += more
        if scans:
            top = below if below is not None else _newest(session) + 1
            bottom = max(top - _SCANNED, 0)
            where.append("i.number >= ?")
            values.append(bottom)
    if below is not None:
        where.append("i.number < ?")
        values.append(below)
    rows = session.all(
        f"{INVOICE} WHERE {' AND '.join(where)} ORDER BY i.number DESC LIMIT ?", (*values, limit)
    )
    following = rows[-1][-1] if len(rows) == limit else bottom or None
    return [invoice_sheet(row, wanted.today) for row in rows], following


def _conditions(wanted: InvoiceFilter) -> tuple[list[str], list[Any]]:
    where, values = ["1 = 1"], list[Any]()
    for condition, value in (
        ("i.account_id = ?", wanted.account_id),
        ("i.status = ?", wanted.status),
        ("i.kind = ?", wanted.kind),
        ("i.corrects = ?", wanted.corrects),
        ("i.issued_on >= ?", wanted.since.isoformat() if wanted.since else None),
        ("i.issued_on < ?", wanted.until.isoformat() if wanted.until else None),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    if wanted.overdue is not None:
        is_overdue = "i.status = 'open' AND i.due_on < ?"
        where.append(is_overdue if wanted.overdue else f"NOT coalesce({is_overdue}, 1 = 0)")
        values.append(wanted.today.isoformat())
    return where, values


def _text_condition(session: Session, text: str) -> tuple[str, list[Any], bool]:
    """The condition that finds a text, its values, and whether every row must be looked at for it."""
    after = text[:-1] + chr(ord(text[-1]) + 1)
    numbered = "i.invoice_number >= ? AND i.invoice_number < ?"
    if session.one(f"SELECT 1 FROM invoice i WHERE {numbered} LIMIT 1", (text, after)):
        return numbered, [text, after], False
    row = session.one("SELECT id FROM account WHERE ref = ? OR id = ?", (text, text))
    if row is not None:
        return "i.account_id = ?", [row[0]], False
    marked = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    columns = ("i.invoice_number", "i.memo", "a.name", "a.ref")
    condition = " OR ".join(f"lower({each}) LIKE ? ESCAPE '\\'" for each in columns)
    return f"({condition})", [f"%{marked}%"] * len(columns), True


def _newest(session: Session) -> int:
    row = session.one("SELECT max(number) FROM invoice")
    return int(row[0] or 0) if row else 0


_NO_PAYMENT_ON_ITS_WAY = (
    "NOT EXISTS (SELECT 1 FROM payment p WHERE p.invoice_id = i.id AND p.status = 'pending')"
)
_PAYABLE = f"""
SELECT i.id FROM invoice i
JOIN account a ON a.id = i.account_id
JOIN wallet w ON w.account_id = i.account_id AND w.purpose = 'cash' AND w.asset = i.asset
WHERE i.status = 'open' AND i.kind = 'invoice' AND i.gateway IS NULL
      AND a.status = 'open' AND w.freezes = 0
      AND w.balance_minor - w.held_minor - CASE WHEN w.floor_minor > 0 THEN w.floor_minor ELSE 0 END
          >= i.total_minor - i.credited_minor - i.paid_minor
      AND {_NO_PAYMENT_ON_ITS_WAY}
ORDER BY i.due_on, i.number LIMIT ?"""
_UNTRIED = """
SELECT i.id FROM invoice i
WHERE i.status = 'open' AND i.kind = 'invoice' AND i.gateway IS NULL AND i.attempts = 0
      AND (EXISTS (SELECT 1 FROM subscription s WHERE s.id = i.about AND s.paid_by = 'gateway')
           OR EXISTS (SELECT 1 FROM pack_purchase k WHERE k.id = i.about AND k.paid_by = 'gateway'))
      AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.invoice_id = i.id)
ORDER BY i.due_on, i.number LIMIT ?"""


def payable_invoices(session: Session, limit: int) -> list[str]:
    """Open invoices that money in their account's wallet can pay, those due first first.

    A credit limit is no money. One that a payment is on its way for, or that waits at a gateway for its
    customer, is left alone: it would be paid twice.
    """
    return [row[0] for row in session.all(_PAYABLE, (limit,))]


def untried_invoices(session: Session, limit: int) -> list[str]:
    """Open invoices that a gateway shall be asked for and was not yet, those due first first."""
    return [row[0] for row in session.all(_UNTRIED, (limit,))]

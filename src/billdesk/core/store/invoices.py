"""Invoices and credit notes: rows and lines, their numbers without a gap, and how they move on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from billdesk.core.rules.invoices import InvoiceRecord, LineRecord, Totals, number_text
from billdesk.core.rules.sheets import InvoiceLineSheet, InvoiceSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.money import Money

COLUMNS = ", ".join(f"i.{name}" for name in InvoiceRecord._fields)
_LINE_COLUMNS = ", ".join(LineRecord._fields)
INVOICE = f"SELECT {COLUMNS}, a.ref, a.name, i.number FROM invoice i JOIN account a ON a.id = i.account_id"
_WIDTH = len(InvoiceRecord._fields)


def invoice_sheet(row: Sequence[Any], today: date) -> InvoiceSheet:
    """A row of `INVOICE` as a sheet; `today` is the day in the desk's zone."""
    record = InvoiceRecord._make(row[:_WIDTH])
    due_on = _day(record.due_on)
    return InvoiceSheet(
        id=record.id,
        account_ref=row[_WIDTH],
        account_name=row[_WIDTH + 1],
        kind=record.kind,
        source=record.source,
        about=record.about,
        status=record.status,
        invoice_number=record.invoice_number,
        subtotal=Money(record.subtotal_minor, record.asset),
        tax=Money(record.tax_minor, record.asset),
        total=Money(record.total_minor, record.asset),
        paid=Money(record.paid_minor, record.asset),
        credited=Money(record.credited_minor, record.asset),
        due=Money(record.due_minor, record.asset),
        corrects=record.corrects,
        issued_on=_day(record.issued_on),
        due_on=due_on,
        overdue=record.status == "open" and due_on is not None and due_on < today,
        memo=record.memo,
        detail=record.detail,
        attempts=record.attempts,
        failed_at=None if record.failed_at is None else from_micros(record.failed_at),
        failed_since=None if record.failed_since is None else from_micros(record.failed_since),
        gateway=record.gateway,
        external_id=record.external_id,
        posting_id=record.posting_id,
        created_at=from_micros(record.created_at),
        finalized_at=None if record.finalized_at is None else from_micros(record.finalized_at),
        closed_at=None if record.closed_at is None else from_micros(record.closed_at),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def line_sheet(line: LineRecord, asset: str) -> InvoiceLineSheet:
    """A line as a sheet; `asset` is its invoice's."""
    since, until = line.period_since, line.period_until
    return InvoiceLineSheet(
        place=line.place,
        text=line.text,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        amount=Money(line.amount_minor, asset),
        tax_code=line.tax_code,
        tax_rate=line.tax_rate,
        tax_inclusive=bool(line.tax_inclusive),
        net=Money(line.net_minor, asset),
        tax=Money(line.tax_minor, asset),
        period_since=None if since is None else from_micros(since),
        period_until=None if until is None else from_micros(until),
    )


def sheet_by_id(session: Session, invoice_id: str, today: date) -> InvoiceSheet | None:
    """One invoice or credit note."""
    row = session.one(f"{INVOICE} WHERE i.id = ?", (invoice_id,))
    return None if row is None else invoice_sheet(row, today)


def record_by_id(session: Session, invoice_id: str, *, lock: bool = False) -> InvoiceRecord | None:
    """One invoice in full; `lock` keeps others away until the block ends."""
    lock_sql = " FOR UPDATE" if lock and session.kind == "postgres" else ""
    row = session.one(f"SELECT {COLUMNS} FROM invoice i WHERE i.id = ?{lock_sql}", (invoice_id,))
    return None if row is None else InvoiceRecord._make(row)


def id_of_number(session: Session, invoice_number: str) -> str | None:
    """The invoice or credit note with this number on it."""
    row = session.one("SELECT id FROM invoice WHERE invoice_number = ?", (invoice_number,))
    return None if row is None else str(row[0])


def record_by_reference(session: Session, reference: str) -> InvoiceRecord | None:
    """What a reference led to the first time."""
    row = session.one(f"SELECT {COLUMNS} FROM invoice i WHERE i.reference = ?", (reference,))
    return None if row is None else InvoiceRecord._make(row)


def note_sheets(session: Session, invoice_id: str, today: date) -> list[InvoiceSheet]:
    """The credit notes about an invoice, the oldest first."""
    rows = session.all(f"{INVOICE} WHERE i.corrects = ? ORDER BY i.number", (invoice_id,))
    return [invoice_sheet(row, today) for row in rows]


def lines_of(session: Session, invoice_id: str) -> list[LineRecord]:
    """The lines of an invoice in their order."""
    rows = session.all(
        f"SELECT {_LINE_COLUMNS} FROM invoice_line WHERE invoice_id = ? ORDER BY place",
        (invoice_id,),
    )
    return [LineRecord._make(row) for row in rows]


def lines_of_notes(session: Session, invoice_id: str) -> list[LineRecord]:
    """The lines of all credit notes about an invoice."""
    columns = ", ".join(f"l.{name}" for name in LineRecord._fields)
    rows = session.all(
        f"SELECT {columns} FROM invoice i JOIN invoice_line l ON l.invoice_id = i.id"
        " WHERE i.corrects = ? ORDER BY l.number",
        (invoice_id,),
    )
    return [LineRecord._make(row) for row in rows]


_ADD_LINE = (
    f"INSERT INTO invoice_line ({_LINE_COLUMNS})"
    f" VALUES ({', '.join('?' * len(LineRecord._fields))})"
)


def add_draft(
    session: Session,
    *,
    id: str,
    account_id: str,
    kind: str,
    source: str,
    reference: str | None,
    about: str | None,
    asset: str,
    corrects: str | None,
    period: tuple[int | None, int | None],
    due_days: int | None,
    memo: str,
    actor: str,
    at: int,
) -> None:
    """Write down an invoice or credit note without lines. Raises KeyTaken for its reference."""
    session.run(
        "INSERT INTO invoice (id, account_id, kind, source, reference, about, status, asset,"
        " corrects, period_since, period_until, due_days, memo, actor, created_at, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, 'draft', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(id, account_id, kind, source, reference, about, asset, corrects, *period),
            *(due_days, memo, actor, at, at),
        ),
    )


def add_lines(session: Session, lines: Iterable[LineRecord]) -> None:
    """Add lines to a draft; its totals are to be set afterwards."""
    session.many(_ADD_LINE, list(lines))


def next_place(session: Session, invoice_id: str) -> int:
    """Where the next line of a draft goes."""
    row = session.one(
        "SELECT coalesce(max(place), 0) + 1 FROM invoice_line WHERE invoice_id = ?", (invoice_id,)
    )
    return int(row[0]) if row else 1


def remove_line(session: Session, invoice_id: str, place: int) -> bool:
    """Take a line off a draft; whether it was there."""
    return bool(
        session.run(
            "DELETE FROM invoice_line WHERE invoice_id = ? AND place = ?", (invoice_id, place)
        )
    )


def set_totals(session: Session, invoice_id: str, totals: Totals, at: int) -> None:
    """Write what a draft's lines come to."""
    session.run(
        "UPDATE invoice SET subtotal_minor = ?, tax_minor = ?, total_minor = ?, changed_at = ?"
        " WHERE id = ?",
        (*totals, totals.total_minor, at, invoice_id),
    )


def take_number(session: Session, series: str, prefix: str, digits: int) -> tuple[int, str]:
    """The next number of a series: its place in it, and its text. It is gone if the block is.

    The series' row is locked from here to the end of the block, so that nobody else takes a later
    number and keeps it while this one is given back.
    """
    take = "UPDATE invoice_series SET last = last + 1, prefix = ?, digits = ? WHERE name = ?"
    if not session.run(take, (prefix, digits, series)):
        session.run(
            "INSERT INTO invoice_series (name, prefix, digits) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO NOTHING",
            (series, prefix, digits),
        )
        session.run(take, (prefix, digits, series))
    [[sequence]] = session.all("SELECT last FROM invoice_series WHERE name = ?", (series,))
    return sequence, number_text(prefix, digits, sequence)


_FINALIZED = (
    "status series sequence invoice_number issued_on due_on due_days seller party terms digest"
    " chain_head paid_minor posting_id finalized_at closed_at changed_at"
).split()


def save_finalized(session: Session, record: InvoiceRecord) -> None:
    """Write what a draft becomes when it is finalized; from then on the database refuses changes."""
    changes = ", ".join(f"{name} = ?" for name in _FINALIZED)
    session.run(
        f"UPDATE invoice SET {changes} WHERE id = ? AND status = 'draft'",
        (*(getattr(record, name) for name in _FINALIZED), record.id),
    )


def close_invoice(
    session: Session,
    invoice_id: str,
    *,
    status: str,
    detail: str,
    at: int,
    paid_minor: int = 0,
    posting_id: str | None = None,
) -> None:
    """End an invoice as paid, void or uncollectible; what is paid is no longer failing."""
    session.run(
        "UPDATE invoice SET status = ?, detail = ?, paid_minor = ?, posting_id = ?,"
        " failed_since = CASE WHEN ? = 'uncollectible' THEN failed_since END,"
        " closed_at = ?, changed_at = ? WHERE id = ?",
        (status, detail, paid_minor, posting_id, status, at, at, invoice_id),
    )


def count_failure(session: Session, invoice_id: str, detail: str, at: int) -> None:
    """Remember that an invoice could not be collected."""
    session.run(
        "UPDATE invoice SET attempts = attempts + 1, failed_at = ?,"
        " failed_since = coalesce(failed_since, ?), detail = ?, changed_at = ? WHERE id = ?",
        (at, at, detail, at, invoice_id),
    )


def set_detail(session: Session, invoice_id: str, detail: str, at: int) -> None:
    """Say in words why an invoice is not paid."""
    session.run(
        "UPDATE invoice SET detail = ?, changed_at = ? WHERE id = ?", (detail, at, invoice_id)
    )


def count_credited(session: Session, invoice_id: str, credited_minor: int, at: int) -> None:
    """Count what a credit note took off an invoice."""
    session.run(
        "UPDATE invoice SET credited_minor = credited_minor + ?, changed_at = ? WHERE id = ?",
        (credited_minor, at, invoice_id),
    )


def payments_of(session: Session, invoice_id: str) -> list[tuple[str, str]]:
    """The payments that were made for an invoice, the oldest first: (id, status)."""
    rows = session.all(
        "SELECT id, status FROM payment WHERE invoice_id = ? ORDER BY number", (invoice_id,)
    )
    return [(row[0], row[1]) for row in rows]

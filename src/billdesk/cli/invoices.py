"""`billdesk invoice draft | add-line | remove-line | finalize | list | show | audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import (
    After,
    Asset,
    InvoiceName,
    Limit,
    OfAccount,
    OptionalReference,
    Ref,
    count,
    day,
    days,
)
from billdesk.cli.printing import Cell, card, cell, plural, table
from billdesk.cli.progress import Progress
from billdesk.core.values.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from billdesk.core.rules.sheets import InvoiceDetailSheet, InvoiceLineSheet, InvoiceSheet

WRONG = 3

Status = Literal["draft", "open", "paid", "void", "uncollectible"]
Kind = Literal["invoice", "credit_note"]


def draft(
    door: Door,
    ref: Ref,
    *,
    lines: Annotated[
        list[str] | None,
        typer.Option(
            "--line", metavar="'TEXT = PRICE'", help="A line; may be given more than once."
        ),
    ] = None,
    asset: Asset = None,
    memo: Annotated[str, typer.Option(metavar="TEXT", help="A remark that stands on it.")] = "",
    due_days: Annotated[
        str | None, typer.Option(metavar="DAYS", help="Else the account's, or the company's.")
    ] = None,
    reference: OptionalReference = None,
) -> None:
    """Begin an invoice.

    Begin an invoice, with lines or without: it has no number and can be changed until it is finalized.
    """
    with door.desk() as desk, desk.transaction():
        sheet = desk.invoices.draft(
            ref,
            asset=asset,
            memo=memo,
            due_days=None if due_days is None else days(due_days),
            reference=reference,
        )
        for line in () if sheet.replayed else lines or ():
            text, sign, price = line.rpartition("=")
            if not sign:
                raise BadInput(f"{line[:40]!r} has no price", "write it like 'Setup = 120.00'")
            sheet = desk.invoices.add_line(sheet.id, text.strip(), price.strip())
    door.answer(sheet, f"a draft of {cell(sheet.total)} for {sheet.account_ref} ({sheet.id})")


def add_line(
    door: Door,
    invoice: InvoiceName,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What it is for.")],
    price: Annotated[
        str, typer.Argument(metavar="PRICE", help="Of one; below zero after `--`, for a discount.")
    ],
    *,
    quantity: Annotated[str, typer.Option(metavar="NUMBER", help="How many of it.")] = "1",
    unit: Annotated[str, typer.Option(metavar="TEXT", help="Hours, seats …")] = "",
    tax: Annotated[
        str | None, typer.Option(metavar="CODE", help="A tax of the catalog, or none.")
    ] = None,
    revenue: Annotated[str, typer.Option(metavar="NAME", help="What earns it.")] = "revenue",
) -> None:
    """Add a line to a draft."""
    with door.desk() as desk:
        sheet = desk.invoices.add_line(
            invoice, text, price, quantity=quantity, unit=unit, tax=tax, revenue=revenue
        )
    door.answer(sheet, f"the draft comes to {cell(sheet.total)} ({sheet.id})")


def remove_line(
    door: Door,
    invoice: InvoiceName,
    place: Annotated[str, typer.Argument(metavar="LINE", help="Its place.")],
) -> None:
    """Take a line off a draft."""
    with door.desk() as desk:
        sheet = desk.invoices.remove_line(invoice, count(place))
    door.answer(sheet, f"the draft comes to {cell(sheet.total)} ({sheet.id})")


def finalize(door: Door, invoice: InvoiceName) -> None:
    """Number a draft for good.

    Give a draft the next number; from then on nothing on it changes.
    """
    with door.desk() as desk:
        sheet = desk.invoices.finalize(invoice)
    due = f", due on {sheet.due_on}" if sheet.status == "open" else ""
    door.answer(sheet, f"{sheet.invoice_number}: {cell(sheet.total)}{due} ({sheet.id})")


def list_invoices(
    door: Door,
    *,
    account: OfAccount = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="How a number begins, or what memo or name contain."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only what was issued then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only what was issued before then.")
    ] = None,
    overdue: Annotated[
        bool | None, typer.Option("--overdue/--not-overdue", help="Whose day to pay is over.")
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only these.")] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List invoices and credit notes."""
    with door.desk() as desk:
        page = desk.invoices.list(
            account=account,
            status=status,
            text=text,
            since=day(since),
            until=day(until),
            overdue=overdue,
            kind=kind,
            after=after,
            limit=count(limit),
        )
    door.answer_page(page, invoice_table(page.rows))


def invoice_table(sheets: Iterable[InvoiceSheet]) -> list[str]:
    """Lines of a list of invoices or credit notes."""
    headings = ("NUMBER", "REF", "TOTAL", "DUE", "STATUS", "ISSUED", "DUE ON", "SOURCE", "ID")
    rows = (
        (
            sheet.invoice_number or "(draft)",
            sheet.account_ref,
            sheet.total,
            sheet.due,
            "overdue" if sheet.overdue else sheet.status,
            sheet.issued_on,
            sheet.due_on,
            sheet.kind.replace("_", " ") if sheet.kind != "invoice" else sheet.source,
            sheet.id,
        )
        for sheet in sheets
    )
    return table(headings, rows)


def show(door: Door, invoice: InvoiceName) -> None:
    """Show an invoice with its lines."""
    with door.desk() as desk:
        detail = desk.invoices.detail(invoice)
    door.answer(detail, *_shown(detail))


def _shown(detail: InvoiceDetailSheet) -> list[str]:
    sheet = detail.invoice
    what = "credit note" if sheet.kind == "credit_note" else "invoice"
    facts: list[tuple[str, Cell]] = [
        (what, sheet.invoice_number or "(draft)"),
        ("id", sheet.id),
        ("status", "open, overdue" if sheet.overdue else sheet.status),
        ("for", f"{sheet.account_ref} · {', '.join(detail.party)}"),
        ("from", ", ".join(detail.seller)),
        ("issued", sheet.issued_on),
        ("due on", sheet.due_on),
        ("corrects", sheet.corrects),
        ("memo", sheet.memo),
        ("terms", detail.terms),
        ("detail", sheet.detail),
    ]
    sums: list[tuple[str, Cell]] = [
        ("subtotal", sheet.subtotal),
        *(
            (f"{tax.name} {tax.percent} %{' (included)' * tax.inclusive}", tax.tax)
            for tax in detail.taxes
        ),
        ("total", sheet.total),
        ("paid", sheet.paid),
        ("credited", sheet.credited),
        ("due", sheet.due),
    ]
    more: list[tuple[str, Cell]] = [
        *(
            ("credit note", f"{note.invoice_number}: {cell(note.total)}")
            for note in detail.credit_notes
        ),
        *(("payment", payment) for payment in detail.payments),
        ("posting", sheet.posting_id),
        ("digest", detail.digest),
    ]
    known = [pair for pair in more if pair[1]]
    return [
        *card([pair for pair in facts if pair[1] not in (None, "")]),
        "",
        *_lines(detail.lines),
        "",
        *card(sums),
        *(["", *card(known)] if known else []),
    ]


def _lines(lines: Sequence[InvoiceLineSheet]) -> list[str]:
    headings = ("LINE", "TEXT", "QUANTITY", "UNIT", "PRICE", "NET", "TAX", "RATE")
    rows = (
        (
            line.place,
            line.text,
            line.quantity,
            line.unit,
            line.unit_price,
            line.net,
            line.tax,
            f"{line.tax_code} {line.tax_rate} %" if line.tax_code else None,
        )
        for line in lines
    )
    return table(headings, rows) or ["no lines yet"]


def audit(door: Door) -> int:
    """Prove numbers, digests and postings.

    Prove that no number is missing, that no finalized invoice was changed, and that what is paid has
    its posting. Ends with 3 when something is wrong.
    """
    with door.desk() as desk, Progress("checking") as progress:
        sheet = desk.invoices.audit(on_progress=progress)
    series = table(
        ("SERIES", "NUMBERS", "FIRST", "LAST"),
        ((name, number, first, last) for name, number, first, last in sheet.series),
    )
    verdict = "nothing is wrong" if sheet.is_clean else plural(len(sheet.problems), "problem")
    checked = plural(sheet.checked, "document")
    door.answer(sheet, *series, f"{checked} checked: {verdict}", *sheet.problems)
    return 0 if sheet.is_clean else WRONG

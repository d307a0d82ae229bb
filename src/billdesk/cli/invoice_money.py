"""`billdesk invoice pay | mark-paid | mark-failed | collect | void | write-off`, and `credit-note`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.invoices import invoice_table
from billdesk.cli.parameters import (
    After,
    InvoiceName,
    Limit,
    Memo,
    OfAccount,
    OptionalReference,
    Yes,
    count,
)
from billdesk.cli.printing import cell
from billdesk.core.values.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billdesk.core.rules.sheets import InvoiceSheet


def pay(door: Door, invoice: InvoiceName) -> None:
    """Pay one from the wallet.

    Pay an open invoice, whole, from the account's wallet.
    """
    with door.desk() as desk:
        sheet = desk.invoices.pay(invoice)
    _answer(door, sheet)


def mark_paid(door: Door, invoice: InvoiceName, *, memo: Memo) -> None:
    """Book that one was paid elsewhere.

    Book that an open invoice was paid past the desk, by bank transfer or in cash.
    """
    with door.desk() as desk:
        sheet = desk.invoices.mark_paid(invoice, memo=memo)
    _answer(door, sheet)


def mark_failed(door: Door, invoice: InvoiceName, *, memo: Memo) -> None:
    """Book that one could not be collected."""
    with door.desk() as desk:
        sheet = desk.invoices.mark_failed(invoice, memo=memo)
    _answer(door, sheet)


def collect(door: Door, invoice: InvoiceName, *, yes: Yes = False) -> None:
    """Charge one to what is saved.

    Charge an open invoice to the account's default method, while its owner is away. A decline leaves it
    open.
    """
    with door.desk() as desk:
        wanted = desk.invoices.get(invoice)
        question = f"{cell(wanted.due)} are taken from what {wanted.account_name} has saved."
        door.confirm(wanted.account_ref, question, yes=yes)
        sheet = desk.invoices.collect(wanted.id)
    _answer(door, sheet)


def void(door: Door, invoice: InvoiceName, *, memo: Memo, yes: Yes = False) -> None:
    """Take one back that is not paid.

    Take back an invoice that is not paid. It keeps its number; a draft never had one.
    """
    with door.desk() as desk:
        wanted = desk.invoices.get(invoice)
        name = wanted.invoice_number or wanted.account_ref
        door.confirm(name, f"{cell(wanted.total)} will not be owed any more.", yes=yes)
        sheet = desk.invoices.void(wanted.id, memo=memo)
    _answer(door, sheet)


def write_off(door: Door, invoice: InvoiceName, *, memo: Memo) -> None:
    """Give up on one.

    Give up on an open invoice: it is uncollectible, and can still be paid.
    """
    with door.desk() as desk:
        sheet = desk.invoices.write_off(invoice, memo=memo)
    _answer(door, sheet)


def _answer(door: Door, sheet: InvoiceSheet) -> None:
    detail = f": {sheet.detail}" if sheet.detail else ""
    name = sheet.invoice_number or "the draft"
    due = f", {cell(sheet.due)} due" if sheet.due.minor else ""
    door.answer(sheet, f"{name} of {sheet.account_ref} is {sheet.status}{due}{detail} ({sheet.id})")


def create_note(
    door: Door,
    invoice: InvoiceName,
    amount: Annotated[
        str | None, typer.Argument(metavar="AMOUNT", help="With tax; else all that is left.")
    ] = None,
    *,
    lines: Annotated[
        list[str] | None,
        typer.Option(
            "--line", metavar="LINE=AMOUNT", help="Of one line; may be given more than once."
        ),
    ] = None,
    memo: Memo,
    reference: OptionalReference = None,
) -> None:
    """Credit an invoice.

    Credit an invoice, all that is left or a part. Of a paid one the money goes to the wallet; of an open
    one less is due.
    """
    with door.desk() as desk:
        sheet = desk.credit_notes.create(
            invoice,
            amount,
            lines=None if lines is None else _amounts(lines),
            memo=memo,
            reference=reference,
        )
    gone = "back in the wallet" if sheet.posting_id else "not owed any more"
    door.answer(sheet, f"{sheet.invoice_number}: {cell(sheet.total)} are {gone} ({sheet.id})")


def _amounts(lines: list[str]) -> Mapping[int, str]:
    pairs = [line.partition("=") for line in lines]
    for (place, sign, _), line in zip(pairs, lines, strict=True):
        if not sign or not place.strip().isdecimal():
            raise BadInput(f"{line[:40]!r} names no line and amount", "write it like 2=12.50")
    return {count(place.strip()): amount.strip() for place, _, amount in pairs}


def list_notes(
    door: Door,
    *,
    account: OfAccount = None,
    invoice: Annotated[
        str | None, typer.Option(metavar="INVOICE", help="Only about this one.")
    ] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List credit notes."""
    with door.desk() as desk:
        page = desk.credit_notes.list(
            account=account, invoice=invoice, after=after, limit=count(limit)
        )
    door.answer_page(page, invoice_table(page.rows))

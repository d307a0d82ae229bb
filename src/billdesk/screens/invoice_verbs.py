"""The acts on invoices: drafting, finalizing, taking their money, taking them back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from billdesk.core.values.errors import BadInput
from billdesk.core.values.text import MEMO_LENGTH, SUBJECT_LENGTH, check_text
from billdesk.screens.acts import (
    Act,
    Field,
    Receipt,
    Values,
    account_field,
    amount_up_to_field,
    asset_field,
    choice_field,
    memo_field,
)
from billdesk.screens.figures import amount, number
from billdesk.screens.path_line import PathEnding, read_path, short
from billdesk.screens.task import Outcome, Task

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import InvoiceSheet
    from billdesk.screens.progress import Report

USUAL_TAX, NO_TAX = "usual", "none"
"""What stands for the tax that an account usually pays, and for no tax."""

Facts = tuple[tuple[str, str], ...]


def name_of(invoice: InvoiceSheet) -> str:
    """How people call an invoice: by its number, by `draft` while it has none."""
    return invoice.invoice_number or "draft"


def _facts(invoice: InvoiceSheet) -> Facts:
    about = f"{invoice.account_ref}  {invoice.account_name}"
    facts = [("invoice", name_of(invoice)), ("account", about), ("total", amount(invoice.total))]
    if invoice.due != invoice.total:
        facts.append(("due", amount(invoice.due)))
    return tuple(facts)


def _receipt(desk: Desk, invoice: InvoiceSheet) -> Receipt:
    """What an invoice is now, with the entries it led to."""
    lines = [("invoice", name_of(invoice)), ("status", invoice.status)]
    if invoice.detail:
        lines.append(("detail", invoice.detail))
    if invoice.posting_id is None:
        return Receipt(invoice.id, tuple(lines))
    posting = desk.ledger.posting(invoice.posting_id)
    return Receipt(invoice.id, (*lines, ("posting", posting.id)), posting.entries)


# --- drafts ---


def _line_fields(taxes: tuple[str, ...]) -> tuple[Field, ...]:
    def check_line(text: str) -> object:
        if not text:
            raise BadInput("the line has no text", "say what it is for")
        return check_text(text, "line", MEMO_LENGTH)

    def check_number(text: str) -> object:
        if not text:
            raise BadInput("there is no number", "plain digits with a point")
        return check_text(text, "number", SUBJECT_LENGTH)

    return (
        Field("text", "Line", check_line, placeholder="what is billed"),
        Field("quantity", "Quantity", check_number, value="1"),
        Field("price", "Price each", check_number, placeholder="12.50, or -12.50 as a discount"),
        choice_field("tax", "Tax", (USUAL_TAX, NO_TAX, *taxes)),
    )


def _add_line(desk: Desk, invoice_id: str, values: Values) -> InvoiceSheet:
    tax = values["tax"]
    return desk.invoices.add_line(
        invoice_id,
        values["text"],
        values["price"],
        quantity=values["quantity"],
        tax=None if tax == USUAL_TAX else tax,
    )


def _total(invoice: InvoiceSheet) -> Receipt:
    return Receipt(invoice.id, (("total", amount(invoice.total)),))


def draft(ref: str, asset: str, taxes: tuple[str, ...], reference: str) -> Act:
    """Begin an invoice with its first line; more can be added until it is finalized."""

    def perform(desk: Desk, values: Values) -> Receipt:
        with desk.transaction():
            drafted = desk.invoices.draft(
                values["account"], asset=values["asset"], reference=reference
            )
            return _total(_add_line(desk, drafted.id, values))

    return Act(
        title="New invoice",
        verb="Draft",
        account_ref=ref,
        perform=perform,
        fields=(
            account_field(ref, "who is billed, by ref"),
            asset_field(asset, "Currency"),
            *_line_fields(taxes),
        ),
        rehearsable=False,
        foreseen=lambda _: "A draft: it has no number, asks for nothing and can still be changed.",
        stays=False,
    )


def add_line(invoice: InvoiceSheet, taxes: tuple[str, ...]) -> Act:
    """Add a line to a draft."""
    return Act(
        title=f"Add a line to the draft for {invoice.account_ref}",
        verb="Add",
        account_ref=invoice.account_ref,
        perform=lambda desk, values: _total(_add_line(desk, invoice.id, values)),
        fields=_line_fields(taxes),
        facts=_facts(invoice),
        rehearsable=False,
        foreseen=lambda _: "Its net amount and tax are worked out and rounded once.",
        stays=False,
    )


def remove_line(invoice: InvoiceSheet, place: int, text: str) -> Act:
    """Take a line off a draft."""
    return Act(
        title=f"Take line {place} off the draft for {invoice.account_ref}",
        verb="Remove",
        account_ref=invoice.account_ref,
        perform=lambda desk, _: _total(desk.invoices.remove_line(invoice.id, place)),
        facts=(("line", text),),
        stays=False,
    )


def finalize(invoice: InvoiceSheet) -> Act:
    """Give a draft its number."""
    return Act(
        title=f"Finalize the draft for {invoice.account_ref}",
        verb="Finalize",
        account_ref=invoice.account_ref,
        perform=lambda desk, _: _receipt(desk, desk.invoices.finalize(invoice.id)),
        facts=_facts(invoice),
        foreseen=lambda _: (
            "It gets the next number and is open from then on. Nothing on it ever changes:"
            " who sells, who buys, the terms and every tax are copied onto it."
        ),
    )


# --- money ---


def pay(invoice: InvoiceSheet) -> Act:
    """Pay an open invoice from the account's wallet."""
    return Act(
        title=f"Pay {name_of(invoice)} from the wallet of {invoice.account_ref}",
        verb="Pay",
        account_ref=invoice.account_ref,
        perform=lambda desk, _: _receipt(desk, desk.invoices.pay(invoice.id)),
        facts=_facts(invoice),
        typed=lambda _: number(invoice.due),
    )


def collect(invoice: InvoiceSheet) -> Act:
    """Charge an open invoice to what the account has saved."""
    return Act(
        title=f"Charge {name_of(invoice)} to what {invoice.account_ref} has saved",
        verb="Charge",
        account_ref=invoice.account_ref,
        perform=lambda desk, _: _receipt(desk, desk.invoices.collect(invoice.id)),
        facts=_facts(invoice),
        typed=lambda _: number(invoice.due),
        foreseen=lambda _: (
            "The gateway is asked while the customer is away. What it takes is deposited and pays the"
            " invoice at once; declined, the invoice stays open and says why."
        ),
        remote=True,
    )


def mark_paid(invoice: InvoiceSheet) -> Act:
    """Book that an invoice was paid past the desk."""

    def perform(desk: Desk, values: Values) -> Receipt:
        return _receipt(desk, desk.invoices.mark_paid(invoice.id, memo=values["memo"]))

    return Act(
        title=f"{name_of(invoice)} was paid elsewhere",
        verb="Mark paid",
        account_ref=invoice.account_ref,
        perform=perform,
        fields=(memo_field("How"),),
        facts=_facts(invoice),
        typed=lambda _: number(invoice.due),
        foreseen=lambda _: (
            "The money is deposited against `elsewhere` and pays the invoice at once."
        ),
    )


# --- taking back ---


def credit(invoice: InvoiceSheet, reference: str) -> Act:
    """Take an invoice back by a credit note, whole or in part."""
    left = invoice.total._replace(minor=invoice.total.minor - invoice.credited.minor)

    def perform(desk: Desk, values: Values) -> Receipt:
        note = desk.credit_notes.create(
            invoice.id, values["amount"], memo=values["memo"], reference=reference
        )
        return _receipt(desk, note)

    return Act(
        title=f"Credit note for {name_of(invoice)}",
        verb="Credit",
        account_ref=invoice.account_ref,
        perform=perform,
        fields=(amount_up_to_field("With tax", left), memo_field()),
        facts=_facts(invoice),
        typed=lambda values: values["amount"],
        foreseen=lambda _: (
            "The money goes back to the wallet."
            if invoice.status == "paid"
            else "Less is due; no money moves."
        ),
    )


def void(invoice: InvoiceSheet) -> Act:
    """Take back an invoice that nobody has paid."""

    def perform(desk: Desk, values: Values) -> Receipt:
        return _receipt(desk, desk.invoices.void(invoice.id, memo=values["memo"]))

    return Act(
        title=f"Void {name_of(invoice)} of {invoice.account_ref}",
        verb="Void",
        account_ref=invoice.account_ref,
        perform=perform,
        fields=(memo_field(),),
        facts=_facts(invoice),
        typed=lambda _: "void",
        foreseen=lambda _: "It keeps its number, and nothing is due on it any more.",
    )


def write_off(invoice: InvoiceSheet) -> Act:
    """Give up on an invoice; it can still be paid."""

    def perform(desk: Desk, values: Values) -> Receipt:
        return _receipt(desk, desk.invoices.write_off(invoice.id, memo=values["memo"]))

    return Act(
        title=f"Give up on {name_of(invoice)} of {invoice.account_ref}",
        verb="Write off",
        account_ref=invoice.account_ref,
        perform=perform,
        fields=(memo_field(),),
        facts=_facts(invoice),
        typed=lambda _: number(invoice.due),
        foreseen=lambda _: (
            "It counts as uncollectible. Should money come after all, it can be paid."
        ),
    )


# --- paper ---


def save_pdf(desk: Desk, invoice: InvoiceSheet) -> Task:
    """Save an invoice as a PDF, in a folder or under a name."""

    def perform(values: Values, _: Report) -> Outcome:
        sheet = desk.pdfs.save(invoice.id, Path(read_path(values["path"])).absolute())
        lines = (
            ("file", sheet.path, ""),
            ("size", f"{sheet.size:,} bytes", ""),
            ("SHA-256", sheet.sha256, "muted"),
        )
        return Outcome(lines, sheet.path)

    return Task(
        title=f"Save {name_of(invoice)} as a PDF",
        verb="Save",
        about="A folder, or a new file. The same invoice always gives the same bytes.",
        perform=perform,
        fields=(Field("path", "File", read_path, value=short(_folder())),),
        suggesters={"path": PathEnding(".pdf")},
    )


def _folder() -> Path:
    """Where the person looks for files: Downloads, else where the desk was started."""
    downloads = Path.home() / "Downloads"
    return downloads if downloads.is_dir() else Path.cwd()

"""Invoices and credit notes: who owes what for what, since when, and what is done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.values.errors import BadInput
from billdesk.screens import invoice_verbs as verbs
from billdesk.screens.figures import NOTHING, number, tone_of
from billdesk.screens.invoice import InvoiceScreen, day, state_of
from billdesk.screens.invoice_acts import InvoiceActs, tax_codes
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.review import Review

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import InvoiceSheet, Page
    from billdesk.screens.acts import Receipt
    from billdesk.screens.filter_line import Query

STATUSES = ("draft", "open", "paid", "void", "uncollectible")
KINDS = ("invoice", "credit_note")
OWED = ("open", "uncollectible")
"""In which states something is still to be paid."""


class InvoicesScreen(
    ListScreen["InvoiceSheet"], InvoiceActs["tuple[tuple[InvoiceSheet, ...], str | None]"]
):
    """All invoices and credit notes, the newest first."""

    place = "invoices"
    heading = "Invoices"
    filter_names = ("status", "account", "kind", "overdue", "since", "until")
    filter_values = (
        *(f"status:{status}" for status in STATUSES),
        *(f"kind:{kind}" for kind in KINDS),
        "overdue:yes",
    )
    filter_hint = "/ filter: words  status:open  account:REF  overdue:yes  since:2026-08-01"
    empty = (
        "No invoices yet.\nSubscriptions, packs and usage make them; N drafts one by hand.\n"
        "A draft can be changed until F finalizes it."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("N", "new", "New", id="invoices.new"),
        Binding("f", "status", "Status", id="invoices.status"),
        Binding("d", "overdue", "Overdue", id="invoices.overdue"),
    ]

    def columns(self) -> Sequence[Column[InvoiceSheet]]:
        return (
            Column("Number", 11, lambda row: (row.invoice_number or NOTHING, "strong"), grow=1),
            Column("Issued", 10, lambda row: day(row.issued_on), from_width=90),
            Column("Due on", 10, lambda row: day(row.due_on), from_width=110),
            Column("Account", 10, lambda row: row.account_ref, grow=1),
            Column("Name", 12, lambda row: row.account_name, grow=2, from_width=100),
            Column("For", 12, lambda row: (what_for(row), "muted"), from_width=130),
            Column("Status", 13, lambda row: (state_of(row), tone_of(state_of(row)))),
            Column("Total", 11, lambda row: number(row.total), right=True),
            Column("Due", 11, lambda row: number(row.due) if row.status in OWED else "", right=True),
            Column("", 4, lambda row: (row.total.asset, "muted")),
            Column("Detail", 10, lambda row: (row.detail or row.memo, "muted"), grow=2,
                   from_width=120),
        )  # fmt: skip

    def key_of(self, row: InvoiceSheet) -> str:
        return row.id

    def copy_of(self, row: InvoiceSheet) -> str:
        return row.invoice_number or row.id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[InvoiceSheet]]:
        account, status, kind = (query.get(name) for name in ("account", "status", "kind"))
        since, until = (_day(query, name) for name in ("since", "until"))
        overdue = _yes(query.get("overdue"))
        return lambda desk, after, limit: desk.invoices.list(
            account=account, status=status, kind=kind, text=query.words or None, since=since,
            until=until, overdue=overdue, after=after, limit=limit,
        )  # fmt: skip

    def open_row(self, row: InvoiceSheet) -> None:
        self._open_invoice(row.id)

    def _open_invoice(self, invoice_id: str) -> None:
        self.app.push_screen(InvoiceScreen(invoice_id), lambda _: self.ask())

    def marked(self) -> InvoiceSheet | None:
        return self.table.row

    # --- the list ---

    def action_status(self) -> None:
        """From all to each status in turn, and back to all."""
        self.cycle_filter("status", STATUSES)

    def action_overdue(self) -> None:
        """Only what is overdue, and back to all."""
        self.cycle_filter("overdue", ("yes",))

    # --- a new one ---

    def action_new(self) -> None:
        if self.may_act():
            self.act(tax_codes, self._draft)

    def _draft(self, taxes: tuple[str, ...]) -> None:
        ledger = self.app.ledger
        asset = ledger.default_asset if ledger is not None else "USD"
        ref = self.line.applied.get("account") or ""
        act = verbs.draft(ref, asset, taxes, self.app.mint("ref"))
        self.app.push_screen(Review(act), self._drafted)

    def _drafted(self, receipt: Receipt | None) -> None:
        self.ask()
        if receipt is not None:
            self._open_invoice(receipt.id)


def what_for(invoice: InvoiceSheet) -> str:
    """What led to an invoice; a credit note says so."""
    return "credit note" if invoice.kind == "credit_note" else invoice.source


def _day(query: Query, name: str) -> date | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no day", f"write {name}:2026-08-31") from None


def _yes(text: str | None) -> bool | None:
    if text is None:
        return None
    if text not in {"yes", "no"}:
        raise BadInput(f"{text!r} is neither yes nor no", "write overdue:yes")
    return text == "yes"

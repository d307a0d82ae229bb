"""What can be done with the invoice that is marked, in the list and on its own screen alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding, BindingType

from billdesk.screens import invoice_verbs as verbs
from billdesk.screens import mirror_verbs
from billdesk.screens.gateway_verbs import gateways_for
from billdesk.screens.marked import MarkedScreen
from billdesk.screens.task import TaskDialog

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import InvoiceSheet, PdfSheet

Answer = TypeVar("Answer")

ON = {
    "add_line": {"draft"},
    "finalize": {"draft"},
    "pay": {"open", "uncollectible"},
    "collect": {"open"},
    "mark_paid": {"open", "uncollectible"},
    "credit": {"open", "paid", "uncollectible"},
    "void": {"draft", "open", "uncollectible"},
    "write_off": {"open"},
    "send": {"open"},
}
"""In which states an invoice can be acted on; a credit note never, nor what a gateway keeps."""

ON_ANY = {"save_pdf", "open_pdf", "open_account"}


def may(action: str, invoice: InvoiceSheet) -> bool:
    """Whether an invoice can be acted on like this; what a gateway keeps is only asked for."""
    if action == "sync":
        return invoice.external_id is not None
    is_ours = invoice.kind == "invoice" and invoice.source != "gateway"
    return is_ours and invoice.status in ON[action]


class InvoiceActs(MarkedScreen[Answer, "InvoiceSheet"]):
    """Subclasses say which invoice is meant by `marked`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("F", "finalize", "Finalize", id="invoice.finalize"),
        Binding("P", "pay", "Pay", id="invoice.pay"),
        Binding("C", "collect", "Charge card", id="invoice.collect"),
        Binding("M", "mark_paid", "Mark paid", id="invoice.mark-paid"),
        Binding("K", "credit", "Credit note", id="invoice.credit"),
        Binding("V", "void", "Void", id="invoice.void"),
        Binding("W", "write_off", "Write off", id="invoice.write-off", show=False),
        Binding("L", "add_line", "Add line", id="invoice.add-line"),
        Binding("T", "send", "Send by gateway", id="invoice.send", show=False),
        Binding("S", "sync", "Ask gateway", id="invoice.sync", show=False),
        Binding("s", "save_pdf", "Save PDF", id="invoice.save-pdf"),
        Binding("b", "open_pdf", "Open PDF", id="invoice.open-pdf", show=False),
        Binding("o", "open_account", "Account", id="invoice.account", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action not in ON and action not in ON_ANY and action != "sync":
            return True
        invoice = self.marked()
        return invoice is not None and (action in ON_ANY or may(action, invoice))

    def action_finalize(self) -> None:
        self.review(verbs.finalize)

    def action_pay(self) -> None:
        self.review(verbs.pay)

    def action_collect(self) -> None:
        self.review(verbs.collect)

    def action_mark_paid(self) -> None:
        self.review(verbs.mark_paid)

    def action_send(self) -> None:
        self.review_with(
            lambda desk, invoice: gateways_for(desk, invoice.account_ref), mirror_verbs.send
        )

    def action_sync(self) -> None:
        self.review(mirror_verbs.sync)

    def action_credit(self) -> None:
        reference = self.app.mint("ref")
        self.review(lambda invoice: verbs.credit(invoice, reference))

    def action_void(self) -> None:
        self.review(verbs.void)

    def action_write_off(self) -> None:
        self.review(verbs.write_off)

    def action_add_line(self) -> None:
        self.review_with(lambda desk, _: tax_codes(desk), verbs.add_line)

    def action_save_pdf(self) -> None:
        invoice, desk = self.marked(), self.app.desk
        if invoice is not None and desk is not None:
            self.app.push_screen(TaskDialog(verbs.save_pdf(desk, invoice)))

    def action_open_pdf(self) -> None:
        invoice = self.marked()
        if invoice is not None:
            self.act(lambda desk: desk.pdfs.show(invoice.id), self._opened)

    def _opened(self, sheet: PdfSheet) -> None:
        self.say(f"opened {sheet.path}", "muted")

    def action_open_account(self) -> None:
        invoice = self.marked()
        if invoice is not None:
            self.app.show_account(invoice.account_ref)


def tax_codes(desk: Desk) -> tuple[str, ...]:
    """The taxes that the catalog has, by code."""
    return tuple(desk.catalog.current().taxes)

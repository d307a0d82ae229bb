"""One invoice: whom it asks for what, line by line, what came in for it and what was taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens import invoice_verbs as verbs
from billdesk.screens.detail import Detail, Lines
from billdesk.screens.figures import NOTHING, amount, digits_apart, number, tone_of
from billdesk.screens.form import LABEL_CELLS
from billdesk.screens.invoice_acts import InvoiceActs
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.review import Review
from billdesk.screens.safe_text import cut, fit, safe_line, safe_lines

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import InvoiceDetailSheet, InvoiceLineSheet, InvoiceSheet

AMOUNT_CELLS = 20


class InvoiceScreen(InvoiceActs["InvoiceDetailSheet"]):
    """An invoice or credit note with its lines; above them whom it is for, below them the sums."""

    place = "invoices"
    heading = "Invoice"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    InvoiceScreen #about { padding: 0 1; background: $surface; }
    InvoiceScreen #sums { padding: 0 1; background: $surface; max-height: 9; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("X", "remove_line", "Remove line", id="invoice.remove-line", show=False),
        Binding("i", "everything", "Everything", id="invoice.everything"),
    ]

    def __init__(self, invoice_id: str) -> None:
        super().__init__()
        self._invoice_id = invoice_id
        self._detail: InvoiceDetailSheet | None = None
        self.table: PagedTable[InvoiceLineSheet] = PagedTable(
            (
                Column("", 3, lambda row: (f"{row.place:,}", "muted"), right=True),
                Column("Description", 16, lambda row: row.text, grow=3),
                Column("Period", 23, lambda row: (self._period(row), "muted"), from_width=110),
                Column("Quantity", 10, lambda row: digits_apart(row.quantity), right=True),
                Column("", 3, lambda row: (row.unit, "muted"), below_width=96),
                Column("", 6, lambda row: (row.unit, "muted"), grow=1, from_width=96),
                Column("Price", 10, lambda row: digits_apart(row.unit_price), right=True),
                Column("Tax", 8, lambda row: (tax_of(row), "muted"), right=True),
                Column("Amount", 13, lambda row: number(row.amount), right=True),
            ),
            lambda row: str(row.place),
            empty="No lines yet.\nL adds one; F finalizes the draft once it has what it needs.",
        )  # fmt: skip

    def body(self) -> ComposeResult:
        yield Pane(id="about")
        yield self.table
        yield Pane(id="sums")

    def marked(self) -> InvoiceSheet | None:
        return None if self._detail is None else self._detail.invoice

    def question(self) -> Callable[[Desk], InvoiceDetailSheet]:
        invoice_id = self._invoice_id
        return lambda desk: desk.invoices.detail(invoice_id)

    def paint(self, answer: InvoiceDetailSheet) -> None:
        self._detail = answer
        invoice = answer.invoice
        kind = "Credit note" if invoice.kind == "credit_note" else "Invoice"
        self.title = f"{kind} {verbs.name_of(invoice)}"
        self.query_one("#about", Pane).show(lambda width: about(invoice, width))
        self.query_one("#sums", Pane).show(lambda width: sums_of(answer, width))
        self.table.show_rows(answer.lines)
        self.refresh_frame()

    def _period(self, line: InvoiceLineSheet) -> str:
        if line.period_since is None or line.period_until is None:
            return ""
        since, until = (
            self.app.times.local(each) for each in (line.period_since, line.period_until)
        )
        return f"{since:%Y-%m-%d} – {until:%Y-%m-%d}"

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table:
            table = self.table
            at = f"{table.cursor + 1:,} of {table.row_count:,}" if table.row_count else ""
            self.show_position(at)
            self.refresh_bindings()

    def on_line_table_opened(self) -> None:
        line = self.table.row
        if line is not None:
            self.app.push_screen(Detail("Line", str(line.place), self._line_lines(line)))

    def _line_lines(self, line: InvoiceLineSheet) -> Lines:
        return (
            ("description", line.text),
            ("quantity", f"{line.quantity} {line.unit}".strip()),
            ("price each", line.unit_price or NOTHING),
            ("amount", amount(line.amount)),
            ("tax", f"{line.tax_code}, {tax_of(line)}" if line.tax_code else NOTHING),
            ("net", amount(line.net)),
            ("tax amount", amount(line.tax)),
            ("from", self.app.times.full(line.period_since)),
            ("until", self.app.times.full(line.period_until)),
        )

    # --- acts ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "remove_line":
            invoice = self.marked()
            return invoice is not None and invoice.status == "draft" and self.table.row is not None
        return super().check_action(action, parameters)

    def action_remove_line(self) -> None:
        invoice, line = self.marked(), self.table.row
        if invoice is not None and line is not None and self.may_act():
            act = verbs.remove_line(invoice, line.place, line.text)
            self.app.push_screen(Review(act), lambda _: self.ask())

    def action_everything(self) -> None:
        """Everything that stands on it, to read and to copy."""
        if self._detail is not None:
            invoice = self._detail.invoice
            lines = everything(self._detail, self.app.times.full(invoice.created_at))
            self.app.push_screen(Detail(str(self.title), invoice.id, lines))


def day(value: date | None) -> str:
    """`2026-08-31`, or a dash."""
    return NOTHING if value is None else value.isoformat()


def state_of(invoice: InvoiceSheet) -> str:
    """The status in a word; what is overdue says so."""
    return "overdue" if invoice.overdue else invoice.status


def tax_of(line: InvoiceLineSheet) -> str:
    """`20 %`, `20 % in` where the price holds it, nothing where there is none."""
    if line.tax_code is None:
        return ""
    return f"{line.tax_rate} %{' in' if line.tax_inclusive else ''}"


def about(invoice: InvoiceSheet, width: int) -> Content:
    """Whom an invoice is for, its days and its state; each a line, however long it is."""
    state = state_of(invoice)
    days = f"issued {day(invoice.issued_on)}"
    if invoice.kind == "invoice":
        days += f", due {day(invoice.due_on)}"
    lines = [
        ("account", f"{invoice.account_ref}  {invoice.account_name}", "strong"),
        ("status", state, tone_of(state)),
        ("days", days, ""),
        ("memo", invoice.memo, ""),
        ("detail", invoice.detail, "warn"),
    ]
    room = max(10, width - LABEL_CELLS)
    return safe_lines(
        *(
            safe_line((fit(name, LABEL_CELLS), "muted"), (cut(text, room), tone))
            for name, text, tone in lines
            if text
        )
    )


def sums_of(detail: InvoiceDetailSheet, width: int) -> Content:
    """The sums, each under the one before; what is due stands out."""
    invoice = detail.invoice
    lines = [("subtotal", amount(invoice.subtotal), "")]
    for tax in detail.taxes:
        included = ", in the prices" if tax.inclusive else ""
        lines.append((f"{tax.name or tax.code} {tax.percent} %{included}", amount(tax.tax), ""))
    lines.append(("total", amount(invoice.total), "strong"))
    if invoice.credited.minor:
        lines.append(
            (f"credited {_numbers(detail.credit_notes)}", amount(invoice.credited.negated()), "")
        )
    if invoice.paid.minor:
        lines.append(("paid", amount(invoice.paid.negated()), ""))
    if invoice.kind == "invoice" and invoice.status != "draft":
        lines.append(("due", amount(invoice.due), "strong"))
    room = max(AMOUNT_CELLS, width - AMOUNT_CELLS)
    return safe_lines(
        *(
            safe_line(
                (fit(name, room, right=True), "muted"),
                (fit(text, AMOUNT_CELLS, right=True), tone),
            )
            for name, text, tone in lines
        )
    )


def _numbers(notes: tuple[InvoiceSheet, ...]) -> str:
    return ", ".join(note.invoice_number or NOTHING for note in notes)


def everything(detail: InvoiceDetailSheet, created: str) -> Lines:
    """What stands on an invoice and what is known of it beside."""
    invoice = detail.invoice
    lines = [
        *((("seller" if at == 0 else ""), text) for at, text in enumerate(detail.seller)),
        *((("customer" if at == 0 else ""), text) for at, text in enumerate(detail.party)),
        ("terms", detail.terms or NOTHING),
        ("for", invoice.source),
        ("about", invoice.about or NOTHING),
        ("corrects", invoice.corrects or NOTHING),
        ("attempts", f"{invoice.attempts:,}"),
        ("gateway", invoice.gateway or NOTHING),
        ("their id", invoice.external_id or NOTHING),
        ("posting", invoice.posting_id or NOTHING),
        *(("payment", payment) for payment in detail.payments),
        *(
            ("credit note", f"{note.invoice_number}  {amount(note.total)}  {day(note.issued_on)}")
            for note in detail.credit_notes
        ),
        ("written", created),
        ("digest", detail.digest or NOTHING),
        ("chain head", detail.chain_head or NOTHING),
    ]
    return tuple(lines)

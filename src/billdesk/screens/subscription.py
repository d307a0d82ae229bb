"""One subscription: its plan and price, what happened to it, its periods and its invoices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from billdesk.screens.detail import Detail, Lines
from billdesk.screens.figures import NOTHING, amount, tone_of
from billdesk.screens.form import Line, written
from billdesk.screens.invoice import InvoiceScreen
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.subscription_acts import SubscriptionActs

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import (
        InvoiceSheet,
        PeriodSheet,
        SubscriptionChangeSheet,
        SubscriptionSheet,
    )
    from billdesk.screens.figures import Times

INVOICES_SHOWN = 200


class Whole(NamedTuple):
    """A subscription with all that belongs to it."""

    sheet: SubscriptionSheet
    changes: tuple[SubscriptionChangeSheet, ...]
    periods: tuple[PeriodSheet, ...]
    invoices: tuple[InvoiceSheet, ...]


class Row(NamedTuple):
    """One line of a view: what it is about, in words, and the invoice that Enter opens, if any."""

    key: str
    when: str
    what: str
    words: str
    much: str
    invoice_id: str | None
    lines: Lines


class SubscriptionScreen(SubscriptionActs[Whole]):
    """Above what it is, below one of three lists: what happened, its periods, its invoices."""

    place = "subscriptions"
    heading = "Subscription"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    SubscriptionScreen #about { padding: 0 1; background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "Periods, invoices", id="subscription.view"),
        Binding("i", "everything", "Everything", id="subscription.everything"),
    ]

    VIEWS = ("changes", "periods", "invoices")

    def __init__(self, subscription_id: str) -> None:
        super().__init__()
        self._subscription_id = subscription_id
        self._whole: Whole | None = None
        self._view = 0
        self.table: PagedTable[Row] = PagedTable(
            self._columns(),
            lambda row: row.key,
            empty="Nothing here yet.\nv shows what happened, the periods or the invoices.",
        )

    def _columns(self) -> tuple[Column[Row], ...]:
        """Only an invoice has an amount, and what happened needs the room for its words."""
        columns: tuple[Column[Row], ...] = (
            Column("When", 23, lambda row: (row.when, "muted")),
            Column("What", 12, lambda row: (row.what, tone_of(row.what)), grow=1),
            Column("", 16, lambda row: row.words, grow=5),
        )
        if self.VIEWS[self._view] != "invoices":
            return columns
        return (*columns, Column("Amount", 14, lambda row: row.much, right=True))

    def body(self) -> ComposeResult:
        yield Pane(id="about")
        yield self.table

    def marked(self) -> SubscriptionSheet | None:
        return None if self._whole is None else self._whole.sheet

    def question(self) -> Callable[[Desk], Whole]:
        subscription_id = self._subscription_id

        def ask(desk: Desk) -> Whole:
            sheet = desk.subscriptions.get(subscription_id)
            invoices = desk.invoices.list(account=sheet.account_ref, limit=INVOICES_SHOWN).rows
            return Whole(
                sheet,
                desk.subscriptions.changes(subscription_id),
                desk.subscriptions.periods(subscription_id),
                tuple(invoice for invoice in invoices if invoice.about == subscription_id),
            )

        return ask

    def paint(self, answer: Whole) -> None:
        self._whole = answer
        sheet, times = answer.sheet, self.app.times
        self.title = f"{times_of(sheet)}{sheet.plan_name} of {sheet.account_ref}"
        about = about_lines(sheet, times)
        self.query_one("#about", Pane).show(lambda width: written(about, width))
        self._show_view(answer)
        self.refresh_frame()

    def _show_view(self, whole: Whole) -> None:
        times = self.app.times
        rows = (
            lambda: [_change_row(each, times) for each in reversed(whole.changes)],
            lambda: [_period_row(each, times) for each in reversed(whole.periods)],
            lambda: [_invoice_row(each) for each in whole.invoices],
        )[self._view]()
        self.table.set_columns(self._columns())
        self.table.show_rows(tuple(rows))

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table:
            at = self.table.cursor + 1 if self.table.row_count else 0
            view = self.VIEWS[self._view]
            self.show_position(f"{view}: {at:,} of {self.table.row_count:,}")
            self.refresh_bindings()

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is None:
            return
        if row.invoice_id is not None:
            self.app.push_screen(InvoiceScreen(row.invoice_id), lambda _: self.ask())
        else:
            self.app.push_screen(Detail(row.what, row.key, row.lines))

    def action_view(self) -> None:
        """From what happened to the periods, to the invoices, and back."""
        self._view = (self._view + 1) % len(self.VIEWS)
        if self._whole is not None:
            self.table.move_to(0)
            self._show_view(self._whole)

    def action_everything(self) -> None:
        """Everything that is known of it, to read and to copy."""
        if self._whole is not None:
            sheet = self._whole.sheet
            lines = everything(sheet, self.app.times)
            self.app.push_screen(Detail(str(self.title), sheet.id, lines))


def times_of(sheet: SubscriptionSheet) -> str:
    """`3 × ` before what there are three of; nothing before one."""
    return f"{sheet.quantity:,} × " if sheet.quantity != 1 else ""


def ahead(sheet: SubscriptionSheet) -> str:
    """What will happen at the end of its period, in a word or two."""
    if sheet.status == "canceled":
        return ""
    if sheet.cancel_at is not None:
        return "ends"
    if sheet.next_plan_code is not None:
        return f"→ {sheet.next_plan_code}"
    if sheet.status == "paused":
        return "needs money" if sheet.paused_why == "balance" else "by hand"
    return "renews" if sheet.status != "trialing" else "trial ends"


def about_lines(sheet: SubscriptionSheet, times: Times) -> tuple[Line, ...]:
    """What a subscription is, what it costs, and until when."""
    until = _day(sheet.period_until, times)
    lines: list[Line] = [
        ("account", f"{sheet.account_ref}  {sheet.account_name}", "strong"),
        ("price", f"{amount(sheet.price)} {sheet.schedule}, paid by {_payer(sheet)}", ""),
        ("status", sheet.status, tone_of(sheet.status)),
        ("period", f"{_day(sheet.period_since, times)} to {until}", ""),
    ]
    if sheet.cancel_at is not None and sheet.status != "canceled":
        lines.append(("ends", _day(sheet.cancel_at, times), "warn"))
    if sheet.canceled_at is not None:
        lines.append(("ended", _day(sheet.canceled_at, times), "muted"))
    if sheet.next_plan_code is not None:
        times_then = f"{sheet.next_quantity:,} × " if (sheet.next_quantity or 1) != 1 else ""
        then = f"{times_then}{sheet.next_plan_code}, {sheet.next_schedule or sheet.schedule}"
        lines.append(("then", f"{then}, from {until}", "warn"))
    if sheet.paused_why is not None:
        why = "the balance does not pay it" if sheet.paused_why == "balance" else "by hand"
        lines.append(("paused", f"{why}, since {times.full(sheet.paused_at)}", "warn"))
    if sheet.trial_until is not None and sheet.status == "trialing":
        lines.append(("trial", f"until {_day(sheet.trial_until, times)}", ""))
    return tuple(lines)


def _payer(sheet: SubscriptionSheet) -> str:
    return f"{sheet.gateway}, which keeps it" if sheet.paid_by == "elsewhere" else sheet.paid_by


def _day(instant: datetime, times: Times) -> str:
    return f"{times.local(instant):%Y-%m-%d}"


def _change_row(change: SubscriptionChangeSheet, times: Times) -> Row:
    when = times.full(change.at)
    lines = (
        ("when", when), ("what", change.kind), ("words", change.summary), ("by", change.actor),
    )  # fmt: skip
    return Row(
        str(change.number), when, change.kind.replace("_", " "), change.summary, "",
        change.invoice_id, lines,
    )  # fmt: skip


def _period_row(period: PeriodSheet, times: Times) -> Row:
    when = f"{_day(period.since, times)} – {_day(period.until, times)}"
    count = f"{period.quantity:,} × " if period.quantity != 1 else ""
    plan = f"{count}{period.plan_code} v{period.plan_version}, {period.schedule}"
    what = "trial" if period.trial else f"period {period.seq:,}"
    lines = (
        ("from", times.full(period.since)), ("until", times.full(period.until)), ("plan", plan),
        ("invoice", period.invoice_id or NOTHING),
    )  # fmt: skip
    return Row(str(period.seq), when, what, plan, "", period.invoice_id, lines)


def _invoice_row(invoice: InvoiceSheet) -> Row:
    issued = invoice.issued_on.isoformat() if invoice.issued_on is not None else NOTHING
    state = "overdue" if invoice.overdue else invoice.status
    words = f"{invoice.invoice_number or NOTHING}  {invoice.detail or invoice.memo}".strip()
    return Row(invoice.id, issued, state, words, amount(invoice.total), invoice.id, ())


def everything(sheet: SubscriptionSheet, times: Times) -> Lines:
    """All that is known of a subscription."""
    return (
        ("account", f"{sheet.account_ref}  {sheet.account_name}"),
        ("plan", f"{sheet.plan_code} version {sheet.plan_version}, {sheet.plan_name}"),
        ("schedule", sheet.schedule),
        ("quantity", f"{sheet.quantity:,}"),
        ("price", amount(sheet.price)),
        ("paid by", sheet.paid_by),
        ("status", sheet.status),
        ("counted from", sheet.anchor_on.isoformat()),
        ("period", f"{sheet.period_seq:,}"),
        ("from", times.full(sheet.period_since)),
        ("until", times.full(sheet.period_until)),
        ("trial until", times.full(sheet.trial_until)),
        ("ends", times.full(sheet.cancel_at)),
        ("ended", times.full(sheet.canceled_at)),
        ("gateway", sheet.gateway or NOTHING),
        ("their id", sheet.external_id or NOTHING),
        ("made", times.full(sheet.created_at)),
        ("changed", times.full(sheet.changed_at)),
    )

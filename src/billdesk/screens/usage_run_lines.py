"""The lines of a usage run, or of its preview: what each account used, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from billdesk.core.values.quantities import group_digits
from billdesk.screens.detail import Detail
from billdesk.screens.figures import NOTHING, amount, amounts, count, counted, number
from billdesk.screens.form import Line, written
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.pane import Pane

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import Page, UsageLineSheet, UsageRunSheet
    from billdesk.screens.figures import Times
    from billdesk.screens.filter_line import Query


class Request(NamedTuple):
    """What a run was asked for."""

    until: datetime | None
    account: str | None
    post_to: str


class _Lines(ListScreen["UsageLineSheet"]):
    """Lines with what they come to above them."""

    place = "usage_runs"
    empty = "Nothing is due: no month of use is over that was not billed, and none is late."

    DEFAULT_CSS = """
    _Lines #totals { padding: 0 1; background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open_account", "Account", id="usage_runs.account"),
    ]

    def __init__(self, sheet: UsageRunSheet) -> None:
        super().__init__()
        self.sheet = sheet

    def body(self) -> ComposeResult:
        yield Pane(id="totals")
        yield from super().body()

    def on_mount(self) -> None:
        lines = summary(self.sheet, self.app.times)
        self.query_one("#totals", Pane).show(lambda width: written(lines, width))

    def columns(self) -> Sequence[Column[UsageLineSheet]]:
        return (
            Column("Account", 10, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Plan", 9, lambda row: row.plan_code, from_width=110),
            Column("Meter", 11, lambda row: row.meter, grow=1),
            Column("From", 11, lambda row: self.app.times.short(row.period_since)),
            Column("Used", 11, lambda row: group_digits(row.quantity), right=True),
            Column("Billed", 11, lambda row: group_digits(row.billable), right=True, from_width=96),
            Column("", 5, lambda row: (row.unit, "muted"), from_width=110),
            Column("Amount", 10, lambda row: number(row.amount), right=True),
            Column("", 6, lambda row: (row.amount.asset, "muted")),
            Column("What", 10, what, grow=3),
        )

    def key_of(self, row: UsageLineSheet) -> str:
        return f"{row.subscription_id} {row.meter} {row.period_since} {row.seq}"

    def copy_of(self, row: UsageLineSheet) -> str:
        return row.posting_id or row.invoice_id or row.subscription_id

    def open_row(self, row: UsageLineSheet) -> None:
        times = self.app.times
        lines = (
            ("account", f"{row.account_ref}, {row.account_name}"),
            ("plan", row.plan_code),
            ("meter", row.meter),
            ("from", times.full(row.period_since)),
            ("until", times.full(row.period_until)),
            ("used", f"{group_digits(row.quantity)} {row.unit}"),
            ("billed", f"{group_digits(row.billable)} {row.unit}"),
            ("amount", amount(row.amount)),
            ("what", what(row)[0] or NOTHING),
            ("posting", row.posting_id or NOTHING),
            ("invoice", row.invoice_id or NOTHING),
            ("subscription", row.subscription_id),
        )
        self.app.push_screen(Detail("Line", self.copy_of(row), lines))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return self.table.row is not None if action == "open_account" else True

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)


class RunLines(_Lines):
    """The lines of a run, in the order in which they were booked."""

    empty = "Nothing was due: no month of use was over that was not billed, and none was late."

    def __init__(self, sheet: UsageRunSheet) -> None:
        super().__init__(sheet)
        self.title = "Usage run"

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[UsageLineSheet]]:  # noqa: ARG002
        run_id = str(self.sheet.id)
        return lambda desk, after, limit: desk.usage_runs.lines(run_id, after, limit)


class PreviewedLines(_Lines):
    """The lines that a run would book now."""

    def __init__(self, sheet: UsageRunSheet, request: Request) -> None:
        super().__init__(sheet)
        self.request = request
        self.title = "Usage to be billed"

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[UsageLineSheet]]:  # noqa: ARG002
        asked = self.request
        return lambda desk, after, limit: desk.usage_runs.preview_lines(
            *asked, after=after, limit=limit
        )


def summary(sheet: UsageRunSheet, times: Times) -> tuple[Line, ...]:
    """What a run came to, or would."""
    whose = sheet.account_ref or "all accounts"
    counts = f"{counted(sheet.periods, 'period')} closed, {counted(sheet.lines, 'line')}"
    lines: list[Line] = [
        ("run", f"{whose}, what ended by {times.stamp(sheet.until)}, to the {sheet.post_to}", ""),
        ("status", _progress(sheet), status_tone(sheet)),
        ("billed", f"{counts}, {count(sheet.corrections)} of them late", ""),
        ("comes to", amounts(sheet.totals) or "nothing", "strong"),
    ]
    if sheet.failed:
        stays = "cannot pay" if sheet.id is None else "could not be billed and stay open"
        lines.append(("failed", f"{counted(sheet.failed, 'account')} {stays}", "bad"))
    return tuple(lines)


def status_tone(sheet: UsageRunSheet) -> str:
    """Calm when it is done, loud when somebody has to go on with it."""
    return {"done": "good", "preview": "muted", "running": "accent"}.get(sheet.status, "warn")


def what(row: UsageLineSheet) -> tuple[str, str]:
    """How a line was worked out; a correction, and what could not be billed, say so first."""
    if row.seq == 0:
        return f"NOT BILLED: {row.detail}", "bad"
    if row.seq > 1:
        return f"CORRECTION {row.seq - 1}: {row.detail}", "accent"
    return row.detail or "included", "muted"


def _progress(sheet: UsageRunSheet) -> str:
    if sheet.status == "preview":
        return "preview: nothing is billed yet"
    far = f"{count(sheet.done)} of {counted(sheet.subscriptions, 'subscription')}"
    return f"{sheet.status}, {far}"

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
    filter_names = ("only",)
    filter_values = ("only:failed", "only:late")
    filter_hint = "/ filter: only:failed   only:late"
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
            Column("Account", 9, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Plan", 9, lambda row: row.plan_code, from_width=130),
            Column("Meter", 9, lambda row: row.meter, grow=1),
            Column("From", 10, lambda row: f"{self.app.times.local(row.period_since):%Y-%m-%d}"),
            Column("Used", 10, lambda row: group_digits(row.quantity), right=True),
            Column("Billed", 9, lambda row: group_digits(row.billable), right=True, from_width=110),
            Column("", 4, lambda row: (row.unit, "muted"), from_width=110),
            Column("Amount", 9, lambda row: number(row.amount), right=True),
            Column("", 6, lambda row: (row.amount.asset, "muted")),
            Column("Sort", 10, sort),
            Column("What", 18, lambda row: (row.detail or "included", "muted"), grow=9,
                   from_width=96),
        )  # fmt: skip

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
            ("sort", sort(row)[0]),
            ("what", row.detail or "included"),
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

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[UsageLineSheet]]:
        run_id, only = str(self.sheet.id), query.get("only")
        return lambda desk, after, limit: desk.usage_runs.lines(run_id, after, limit, only=only)


class PreviewedLines(_Lines):
    """The lines that a run would book now."""

    def __init__(self, sheet: UsageRunSheet, request: Request) -> None:
        super().__init__(sheet)
        self.request = request
        self.title = "Usage to be billed"

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[UsageLineSheet]]:
        asked, only = self.request, query.get("only")
        return lambda desk, after, limit: desk.usage_runs.preview_lines(
            *asked, only=only, after=after, limit=limit
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
        stays = (
            "cannot pay" if sheet.id is None else "could not be billed: what they used stays open"
        )
        lines.append(("failed", f"{counted(sheet.failed, 'account')} {stays}", "bad"))
    return tuple(lines)


def status_tone(sheet: UsageRunSheet) -> str:
    """Calm when it is done, loud when somebody has to go on with it."""
    return {"done": "good", "preview": "muted", "running": "accent"}.get(sheet.status, "warn")


def sort(row: UsageLineSheet) -> tuple[str, str]:
    """Whether a line closes its month, corrects it, or could not be billed."""
    if row.seq == 0:
        return "NOT BILLED", "bad"
    return ("correction", "accent") if row.seq > 1 else ("month", "muted")


def _progress(sheet: UsageRunSheet) -> str:
    if sheet.status == "preview":
        return "preview: nothing is billed yet"
    far = f"{count(sheet.done)} of {counted(sheet.subscriptions, 'subscription')}"
    return f"{sheet.status}, {far}"

"""Usage runs: months of use that were billed, one row for each run, and billing those that are over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.values.clock import parse_instant
from billdesk.core.values.errors import BadInput
from billdesk.core.values.pace import pace
from billdesk.screens.acts import Field, choice_field
from billdesk.screens.figures import amounts, count, counted
from billdesk.screens.form import Form
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.usage_run_lines import (
    PreviewedLines,
    Request,
    RunLines,
    status_tone,
    summary,
)

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import Page, UsageRunSheet
    from billdesk.screens.filter_line import Query
    from billdesk.screens.progress import Report


class UsageRunsScreen(ListScreen["UsageRunSheet"]):
    """All runs, the newest first."""

    place = "usage_runs"
    heading = "Usage runs"
    empty = (
        "No usage has been billed yet.\nPress N: every month of use that is over is worked out and shown,"
        "\nline by line, before anything is billed."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("N", "preview", "Bill usage", id="usage_runs.preview"),
        Binding("R", "resume", "Resume", id="usage_runs.resume"),
        Binding("u", "app.go('usage')", "Usage", id="usage_runs.usage"),
    ]

    def columns(self) -> Sequence[Column[UsageRunSheet]]:
        return (
            Column("Started", 11, lambda row: self.app.times.short(row.started_at)),
            Column("Status", 7, lambda row: (row.status, status_tone(row))),
            Column("Whose", 8, lambda row: (row.account_ref or "all", "strong"), grow=1),
            Column("To", 7, lambda row: row.post_to, from_width=90),
            Column("Done", 6, lambda row: count(row.done), right=True, from_width=110),
            Column("Periods", 7, lambda row: count(row.periods), right=True, from_width=96),
            Column("Lines", 6, lambda row: count(row.lines), right=True),
            Column("Late", 5, lambda row: count(row.corrections), right=True),
            Column("Failed", 6, lambda row: (count(row.failed), "bad" if row.failed else ""),
                   right=True),
            Column("Comes to", 16, lambda row: amounts(row.totals), right=True, grow=1),
            Column("By", 10, lambda row: (row.actor, "muted"), from_width=110),
        )  # fmt: skip

    def key_of(self, row: UsageRunSheet) -> str:
        return str(row.id)

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[UsageRunSheet]]:  # noqa: ARG002
        return lambda desk, after, limit: desk.usage_runs.list(after, limit)

    def open_row(self, row: UsageRunSheet) -> None:
        self.app.push_screen(RunLines(row))

    def on_screen_resume(self) -> None:
        """A run whose usage costs nothing makes no entry: look again."""
        self.ask()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        row = self.table.row
        if action == "resume":
            return row is not None and row.status != "done"
        return action != "filter"  # they are few, and the newest first

    def action_preview(self) -> None:
        if self.may_act():
            self.app.push_screen(BillUsage(), lambda _: self.ask())

    def action_resume(self) -> None:
        row = self.table.row
        if row is not None and self.may_act():
            self.app.push_screen(ResumeRun(row), lambda _: self.ask())


class BillUsage(Form):
    """What is to be billed, and to what; first it is only worked out."""

    heading = "Bill usage"
    verb = "Preview"

    def fields(self) -> Sequence[Field]:
        return (
            choice_field("to", "Post to", ("wallet", "invoice")),
            Field("account", "Account", lambda text: text, placeholder="a ref; else all"),
            Field(
                "until", "Until", _instant_or_nothing,
                placeholder="2026-09-01: what had ended by then; else by now",
            ),
        )  # fmt: skip

    def opened(self) -> None:
        self.say(
            "Every month of use that is over is worked out and shown. Nothing is billed yet.",
            "muted",
        )

    def start(self, values: dict[str, str]) -> None:
        desk = self.app.desk
        if desk is None:
            return
        until = values["until"].strip()
        request = Request(
            parse_instant(until) if until else None,
            values["account"].strip() or None,
            values["to"].strip(),
        )
        self.work(
            lambda _: desk.usage_runs.preview(*request),
            lambda sheet: self.go_on(ReviewedLines(sheet, request)),
        )


class ReviewedLines(PreviewedLines):
    """The lines that would be billed, and the key that bills them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("B", "bill", "Bill them", id="usage_runs.bill"),
    ]

    def action_bill(self) -> None:
        if self.may_act():
            self.app.push_screen(RunUsage(self.sheet, self.request))


class RunUsage(Form):
    """The review: what a run comes to, and the count of its lines typed once more."""

    heading = "Bill usage"
    verb = "Bill"

    def __init__(self, sheet: UsageRunSheet, request: Request) -> None:
        super().__init__()
        self._sheet = sheet
        self._request = request

    def fields(self) -> Sequence[Field]:
        wanted = str(self._sheet.lines)

        def check(text: str) -> object:
            if text.strip().replace(",", "") != wanted:
                raise BadInput("it is another number", f"type {wanted} to bill these lines")
            return text

        return (Field("lines", "Lines", check, placeholder=f"type {wanted} to go on"),)

    def opened(self) -> None:
        self.tell(
            (
                *summary(self._sheet, self.app.times),
                (
                    "",
                    "Use that is told meanwhile is billed too, or comes with the next run.",
                    "muted",
                ),
            )
        )

    def start(self, values: dict[str, str]) -> None:  # noqa: ARG002
        desk, request = self.app.desk, self._request
        if desk is None:
            return

        def run(report: Report) -> UsageRunSheet:
            return desk.usage_runs.run(
                request.until,
                account=request.account,
                post_to=request.post_to,
                on_progress=_reported(report),
            )

        self.work(run, self._done)

    def _done(self, sheet: UsageRunSheet) -> None:
        _remember(self, sheet)
        self.go_on(RunLines(sheet))


class ResumeRun(Form):
    """Going on with a run that was stopped, or whose program ended."""

    heading = "Resume a usage run"
    verb = "Resume"

    def __init__(self, sheet: UsageRunSheet) -> None:
        super().__init__()
        self._sheet = sheet

    def fields(self) -> Sequence[Field]:
        return ()

    def opened(self) -> None:
        self.tell(
            (
                *summary(self._sheet, self.app.times),
                ("", "It goes on where it stopped; nothing is billed twice.", "muted"),
            )
        )

    def start(self, values: dict[str, str]) -> None:  # noqa: ARG002
        desk, run_id = self.app.desk, str(self._sheet.id)
        if desk is not None:
            self.work(
                lambda report: desk.usage_runs.resume(run_id, on_progress=_reported(report)),
                self._done,
            )

    def _done(self, sheet: UsageRunSheet) -> None:
        _remember(self, sheet)
        self.go_on(RunLines(sheet))


def _remember(form: Form, sheet: UsageRunSheet) -> None:
    told = f"usage billed: {counted(sheet.lines, 'line')}, {amounts(sheet.totals) or 'nothing'}"
    failed = f"; {counted(sheet.failed, 'account')} failed" if sheet.failed else ""
    form.app.remember(told + failed, "warn" if sheet.failed else "good")


def _reported(report: Report) -> Callable[[int, int], None]:
    """Progress with its rate, and what is left of the time at that."""
    began: tuple[float, int] | None = None

    def tell(done: int, total: int) -> None:
        nonlocal began
        now = monotonic()
        began = began or (now, done)
        speed = pace(done - began[1], now - began[0], total - done)
        report(f"billing, {speed}" if speed else "billing", done, total)

    return tell


def _instant_or_nothing(text: str) -> object:
    return parse_instant(text) if text.strip() else text

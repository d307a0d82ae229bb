"""One comparison as a queue of work: what does not match, one after the other, until it is explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.values.text import check_memo
from billdesk.screens.acts import Field, Values, choice_field, memo_field
from billdesk.screens.detail import Detail
from billdesk.screens.figures import (
    NOTHING,
    amount,
    amounts,
    count,
    counted,
    mode_word,
    number,
    tone_of,
)
from billdesk.screens.filtered_screen import NOTHING_MATCHES
from billdesk.screens.form import Form, Line, written
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.pane import Pane
from billdesk.screens.path_line import PathEnding, read_path
from billdesk.screens.task import Outcome, Task, TaskDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import (
        Page,
        ReconcileItemSheet,
        ReconcileSheet,
        ReconcileTotalSheet,
    )
    from billdesk.screens.filter_line import Query
    from billdesk.screens.progress import Report

AGREE = "matched"
OPEN = "open"
OUTCOMES = (
    "matched", "within_tolerance", "timing", "missing_here", "missing_there", "differs",
)  # fmt: skip
FILTERS = (OPEN, *OUTCOMES, "explained")
FORMATS = ("csv", "jsonl")


class ReconcileItems(ListScreen["ReconcileItemSheet"]):
    """The items of one comparison, those first that nobody has explained."""

    place = "reconcile"
    filter_names = ("outcome",)
    filter_values = tuple(f"outcome:{outcome}" for outcome in FILTERS)
    filter_hint = "/ filter: outcome:open   outcome:missing_here   outcome:explained"
    empty = "Neither side has anything in this span."

    came_with = f"outcome:{OPEN}"

    DEFAULT_CSS = """
    ReconcileItems #totals { padding: 0 1; background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("E", "explain", "Explain", id="reconcile.explain"),
        Binding("n", "next_open(1)", "Next to explain", id="reconcile.next"),
        Binding("N", "next_open(-1)", "Previous to explain", id="reconcile.previous", show=False),
        Binding("f", "outcome", "Outcome", id="reconcile.outcome"),
        Binding("e", "export_items", "Export items", id="reconcile.export"),
        Binding("o", "open_account", "Account", id="reconcile.account", show=False),
    ]

    def __init__(self, sheet: ReconcileSheet) -> None:
        super().__init__()
        self._sheet = sheet
        self.title = f"{sheet.gateway} {mode_word(sheet.mode)}, compared"

    def body(self) -> ComposeResult:
        yield Pane(id="totals")
        yield from super().body()

    def columns(self) -> Sequence[Column[ReconcileItemSheet]]:
        return (
            Column("Age", 4, lambda row: (f"{row.age_days}d", "muted"), right=True),
            Column("Outcome", 16, lambda row: (word(row.outcome), tone_of(word(row.outcome)))),
            Column("Kind", 8, lambda row: row.kind.replace("_", " "), from_width=90),
            Column("Account", 9, lambda row: (row.account_ref or NOTHING, "strong"), grow=1),
            Column("Ours", 11, lambda row: number(row.ours), right=True),
            Column("Theirs", 11, lambda row: number(row.theirs), right=True),
            Column("", 4, lambda row: (row.asset, "muted")),
            Column("Their id", 12, lambda row: (row.external_id, "muted"), grow=1, from_width=110),
            Column("Note", 10, _note, grow=3),
        )

    def key_of(self, row: ReconcileItemSheet) -> str:
        return str(row.number)

    def copy_of(self, row: ReconcileItemSheet) -> str:
        return row.external_id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[ReconcileItemSheet]]:
        run_id, outcome = self._sheet.id, query.get("outcome")
        return lambda desk, after, limit: desk.reconcile.items(run_id, outcome, after, limit)

    # --- the whole of it ---

    def on_mount(self) -> None:
        # Most of it agrees; what does not is what one came for.
        self.use_filter(self.came_with)

    def ask(self) -> None:
        super().ask()
        run_id = self._sheet.id
        if self.is_attached and self.app.desk is not None:
            self.act(lambda desk: desk.reconcile.get(run_id), self._show_totals)

    def paint(self, answer: tuple[tuple[ReconcileItemSheet, ...], str | None]) -> None:
        super().paint(answer)
        if self.line.applied.get("outcome") == OPEN:
            self.table.empty = "Nothing is left to explain.\nf shows the other outcomes."
        elif self.line.value:
            self.table.empty = NOTHING_MATCHES
        self.table.refresh()

    def _show_totals(self, sheet: ReconcileSheet) -> None:
        self._sheet = sheet
        lines = self._totals(sheet)
        self.query_one("#totals", Pane).show(lambda width: written(lines, width))

    def _totals(self, sheet: ReconcileSheet) -> tuple[Line, ...]:
        times = self.app.times
        counts = "   ".join(
            f"{word(outcome)} {count(sheet.outcomes[outcome])}"
            for outcome in OUTCOMES
            if sheet.outcomes.get(outcome)
        )
        lines: list[Line] = [
            ("span", f"{times.stamp(sheet.since)} to {times.stamp(sheet.until)}", ""),
            ("items", f"{counts or 'none'}   explained {count(sheet.explained)}", ""),
        ]
        if sheet.finished_at is None:
            why = sheet.interrupted or "it is running, or its program ended"
            lines.append(("verdict", f"not finished: {why}", "warn"))
        for total in sheet.totals:
            lines += _total_lines(total)
        return tuple(lines)

    # --- the queue ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        row = self.table.row
        if action == "explain":
            return row is not None and row.outcome != AGREE
        if action == "open_account":
            return row is not None and row.account_ref is not None
        return True

    def action_outcome(self) -> None:
        """From all to each outcome in turn, and back to all."""
        self.cycle_filter("outcome", FILTERS)

    def action_next_open(self, step: int) -> None:
        """To the next item, up or down, that neither matches nor is explained."""
        rows, table = self.table.rows, self.table
        index = table.cursor + step
        while 0 <= index < len(rows):
            if rows[index].outcome != AGREE and rows[index].note is None:
                table.move_to(index)
                return
            index += step
        if step > 0 and not table.is_whole:
            table.move_to(len(rows) - 1)
            self.say("reading on: press n again", "muted")
        else:
            self.say("nothing more to explain that way", "muted")

    def action_explain(self) -> None:
        row = self.table.row
        if row is not None and self.may_act():
            self.app.push_screen(Explain(row), lambda _: self.ask())

    def action_open_account(self) -> None:
        row = self.table.row
        if row is not None and row.account_ref is not None:
            self.app.show_account(row.account_ref)

    def open_row(self, row: ReconcileItemSheet) -> None:
        self.app.push_screen(Detail("Item", row.external_id, self._item_lines(row)))

    def _item_lines(self, row: ReconcileItemSheet) -> tuple[tuple[str, str], ...]:
        times = self.app.times
        return (
            ("kind", row.kind.replace("_", " ")),
            ("outcome", word(row.outcome)),
            ("age", counted(row.age_days, "day")),
            ("ours", amount(row.ours)),
            ("theirs", amount(row.theirs)),
            ("our fee", amount(row.our_fee)),
            ("their fee", amount(row.their_fee)),
            ("account", row.account_ref or NOTHING),
            ("our id", row.our_id or NOTHING),
            ("their id", row.external_id),
            ("happened", times.full(row.happened_at)),
            ("note", row.note or NOTHING),
            ("explained by", row.explained_by or NOTHING),
            ("explained", times.full(row.explained_at)),
        )

    def action_export_items(self) -> None:
        desk = self.app.desk
        if desk is not None:
            self.app.push_screen(TaskDialog(export_items(desk, self._sheet)))


class Explain(Form):
    """Why an item does not match, in words that later comparisons know, too."""

    heading = "Explain an item"
    verb = "Explain"

    def __init__(self, item: ReconcileItemSheet) -> None:
        super().__init__()
        self._item = item

    def fields(self) -> Sequence[Field]:
        memo = memo_field("Note")
        return (Field("memo", memo.label, check_memo, self._item.note or "", memo.placeholder),)

    def opened(self) -> None:
        item = self._item
        self.tell(
            (
                ("item", f"{item.kind.replace('_', ' ')} {item.external_id}", "strong"),
                ("outcome", word(item.outcome), tone_of(word(item.outcome))),
                ("ours", amount(item.ours), ""),
                ("theirs", amount(item.theirs), ""),
                (
                    "",
                    "Nothing is posted: a note says that somebody looked, and what it was.",
                    "muted",
                ),
            )
        )

    def start(self, values: dict[str, str]) -> None:
        desk, number_of_item = self.app.desk, self._item.number
        if desk is not None:
            self.work(
                lambda _: desk.reconcile.explain(number_of_item, values["memo"]), self._explained
            )

    def _explained(self, item: ReconcileItemSheet) -> None:
        self.app.remember(f"explained {item.external_id}", "good")
        self.dismiss()


def export_items(desk: Desk, sheet: ReconcileSheet) -> Task:
    """Write the items of a comparison to a file."""

    def perform(values: Values, _: Report) -> Outcome:
        path, wanted = read_path(values["path"]), values["format"].strip()
        done = desk.reconcile.export(sheet.id, path, wanted)
        lines: tuple[Line, ...] = (
            ("written", f"{counted(done.rows, 'row')} to {done.path}", ""),
            ("differences", amounts(done.totals), ""),
        )
        return Outcome(lines, done.path)

    return Task(
        title="Export the items of a comparison",
        verb="Export",
        about="Every kept item, whatever the filter shows; never over a file that is there.",
        perform=perform,
        fields=(
            choice_field("format", "Format", FORMATS),
            Field("path", "File", read_path, value=f"{sheet.gateway}-{sheet.until:%Y-%m-%d}.csv"),
        ),
        suggesters={"path": PathEnding()},
    )


def word(outcome: str) -> str:
    """`missing here` for missing_here."""
    return outcome.replace("_", " ")


def _note(row: ReconcileItemSheet) -> tuple[str, str]:
    if row.note is not None:
        return row.note, ""
    return ("", "") if row.outcome == AGREE else ("to explain", "warn")


def _total_lines(total: ReconcileTotalSheet) -> tuple[Line, ...]:
    """One asset: both sides, what differs, and whether that is too much, in words."""
    both = f"ours {number(total.ours)}, theirs {number(total.theirs)} {total.asset}"
    fees = f"fees {number(total.our_fees)} and {number(total.their_fees)}"
    off = amount(total.clearing_difference)
    clearing = (
        "clearing agrees" if not total.clearing_difference.minor else f"clearing is {off} off"
    )
    difference, limit = amount(total.difference), amount(total.limit)
    verdict = (
        (f"ALARM: differences of {difference} are over the limit of {limit}", "bad")
        if total.alarm
        else (f"differences of {difference}, within the limit of {limit}", "good")
    )
    return ((total.asset, f"{both}; {fees}; {clearing}", ""), ("verdict", *verdict))

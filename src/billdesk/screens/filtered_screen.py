"""A main screen with a list and the line that filters it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.binding import Binding, BindingType

from billdesk.screens.filter_line import FilterLine
from billdesk.screens.frame import DeskScreen
from billdesk.screens.line_table import LineTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

Answer = TypeVar("Answer")

NOTHING_MATCHES = "Nothing matches the filter.\nEsc clears it, / changes it."


class FilteredScreen(DeskScreen[Answer]):
    """A list under a filter line. Subclasses give `table` and what the filter knows."""

    filter_names: ClassVar[tuple[str, ...]] = ()
    filter_values: ClassVar[tuple[str, ...]] = ()
    filter_hint: ClassVar[str] = ""

    AUTO_FOCUS = "LineTable"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="list.filter"),
        Binding("escape", "unfilter", "Clear the filter, or back", id="list.unfilter", show=False),
    ]

    came_with: ClassVar[str] = ""
    """The filter a screen is opened with; Esc leads back from it as it does from none."""

    table: LineTable[Any]

    def __init__(self) -> None:
        super().__init__()
        self.line = FilterLine(self.filter_names, values=self.filter_values, hint=self.filter_hint)

    def body(self) -> ComposeResult:
        yield self.line
        yield self.table

    def use_filter(self, line: str) -> None:
        """Filter by `line`, as one would type it."""
        self.call_after_refresh(self.line.put, line)

    def cycle_filter(self, name: str, values: Sequence[str]) -> None:
        """From everything to each value of a pair in turn, and back to everything."""
        now = self.line.applied.get(name) or ""
        turns = ("", *values)
        then = turns[(turns.index(now) + 1) % len(turns)] if now in turns else ""
        rest = [token for token in self.line.value.split() if not token.startswith(f"{name}:")]
        self.line.put(" ".join([*rest, f"{name}:{then}"] if then else rest))

    def action_filter(self) -> None:
        self.line.focus()

    def action_unfilter(self) -> None:
        """Everything again; without a filter the key leads back as it does everywhere."""
        if self.line.value not in {"", self.came_with}:
            self.line.put("")
        else:
            self.app.action_step_back()

    def on_filter_line_applied(self, event: FilterLine.Applied) -> None:
        event.stop()
        self.table.move_to(0)
        self.ask()

    def on_filter_line_wrong(self, event: FilterLine.Wrong) -> None:
        event.stop()
        self.say_trouble(event.error)

    def on_filter_line_left(self) -> None:
        self.table.focus()

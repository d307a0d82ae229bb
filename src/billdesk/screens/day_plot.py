"""Thirty days of money as bars: what came in stands above the line, what was charged hangs below.

Which is which is told by its place, so that no colour is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from billdesk.core.values.money import format_grouped
from billdesk.screens.safe_text import fit

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import DaySheet

EIGHTHS = " ▁▂▃▄▅▆▇█"
HALVES = " ▀█"
AXIS_CELLS = 11


class DayPlot(Widget):
    """Bars for each day, as wide and as high as there is room for."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"plot--in", "plot--out", "plot--axis"}

    DEFAULT_CSS = """
    DayPlot { height: 1fr; min-height: 5; }
    DayPlot > .plot--in { color: $success; }
    DayPlot > .plot--out { color: $primary; }
    DayPlot > .plot--axis { color: $muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._days: Sequence[DaySheet] = ()
        self._asset = self._nothing = ""

    def show(self, days: Sequence[DaySheet], asset: str, nothing: str) -> None:
        """Plot these days, the oldest first, in the minor units of one asset.

        `nothing` is said instead when no money has moved on any of them.
        """
        moved = any(day.deposits_minor or day.charges_minor for day in days)
        self._days, self._asset, self._nothing = days if moved else (), asset, nothing
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        axis = self.get_component_rich_style("plot--axis")
        if y == 0 and self._days:
            title = (
                f"Money by day in {self._asset}: deposits up, charges down, each to its own scale"
            )
            return Strip([Segment(fit(title, width), axis)], width)
        if not self._days:
            words = self._nothing.split("\n")
            return Strip([Segment(fit(words[y] if y < len(words) else "", width), axis)], width)
        upper = max(1, (height - 3 + 1) // 2)
        lower = max(1, height - 3 - upper)
        if y <= upper:
            return self._bars_above(y, upper, width)
        if y == upper + 1:
            return self._line(width)
        if y <= upper + 1 + lower:
            return self._bars_below(y - upper - 1, lower, width)
        return self._dates(width)

    def _shown(self, width: int) -> tuple[Sequence[DaySheet], int]:
        """As many days as fit, and how many cells each takes."""
        room = width - AXIS_CELLS - 1
        cells = max(1, min(6, room // max(1, len(self._days))))
        return self._days[-max(1, room // cells) :], cells

    @property
    def _most_in(self) -> int:
        return max(1, *(day.deposits_minor for day in self._days))

    @property
    def _most_out(self) -> int:
        return max(1, *(day.charges_minor for day in self._days))

    def _label(self, minor: int) -> str:
        return fit(format_grouped(minor, self._asset), AXIS_CELLS - 1, right=True) + " "

    def _bars_above(self, y: int, rows: int, width: int) -> Strip:
        days, cells = self._shown(width)
        most, text = self._most_in, ""
        for day in days:
            # Eighths of a cell that this bar reaches above the lower edge of this row.
            reach = -(-day.deposits_minor * rows * 8 // most) - (rows - y) * 8
            text += self._bar(EIGHTHS[max(0, min(8, reach))], cells)
        return self._row(self._label(most) if y == 1 else " " * AXIS_CELLS, text, "in", width)

    def _bars_below(self, y: int, rows: int, width: int) -> Strip:
        days, cells = self._shown(width)
        most, text = self._most_out, ""
        for day in days:
            reach = -(-day.charges_minor * rows * 2 // most) - (y - 1) * 2
            text += self._bar(HALVES[max(0, min(2, reach))], cells)
        label = self._label(most) if y == rows else " " * AXIS_CELLS
        return self._row(label, text, "out", width)

    @staticmethod
    def _bar(sign: str, cells: int) -> str:
        return sign * (cells - 1) + " " if cells > 1 else sign

    def _row(self, label: str, text: str, kind: str, width: int) -> Strip:
        return Strip(
            [
                Segment(label, self.get_component_rich_style("plot--axis")),
                Segment(
                    fit(text, width - AXIS_CELLS), self.get_component_rich_style(f"plot--{kind}")
                ),
            ],
            width,
        )

    def _line(self, width: int) -> Strip:
        days, cells = self._shown(width)
        text = fit(self._label(0) + "─" * (len(days) * cells), width)
        return Strip([Segment(text, self.get_component_rich_style("plot--axis"))], width)

    def _dates(self, width: int) -> Strip:
        days, cells = self._shown(width)
        text = " " * AXIS_CELLS
        for index, day in enumerate(days):
            at = AXIS_CELLS + index * cells
            if day.day.day in {1, 8, 15, 22} and at >= len(text) and at + 5 <= width:
                text = text.ljust(at) + f"{day.day:%m-%d}"
        return Strip(
            [Segment(fit(text, width), self.get_component_rich_style("plot--axis"))], width
        )

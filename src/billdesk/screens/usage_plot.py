"""Usage as pictures of text: a bar of what is included, the last hours, and the period to its end.

What is what is told by its sign, so that no colour is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from billdesk.core.values.quantities import format_parts, group_digits
from billdesk.screens.safe_text import fit

if TYPE_CHECKING:
    from datetime import date

    from billdesk.core.rules.sheets import ForecastSheet

EIGHTHS = " ▁▂▃▄▅▆▇█"
FULL, LIGHT, LIMIT = "█", "░", "─"
AXIS_CELLS = 13
MOST_CELLS_A_DAY = 3
LEVEL_TONES = {"ok": "good", "warning": "warn", "high": "bad", "over": "bad"}


def share_bar(share: int | None, cells: int) -> str:
    """`██████░░░░` for 60 %, full from 100 % on; blank where nothing is included, or all is."""
    if share is None:
        return " " * cells
    full = min(cells, share * cells // 100)
    return FULL * full + LIGHT * (cells - full)


def sparkline(quantities: Sequence[int]) -> str:
    """One sign for each quantity, the highest the whole of a cell; what is above nothing shows."""
    most = max(quantities, default=0)
    return "".join(EIGHTHS[-(-each * 8 // most) if most else 0] for each in quantities)


class _Day(NamedTuple):
    """The running sum at the end of a day: what was used, and what is expected; 0 where unknown."""

    day: date
    used: int
    expected: int


class ForecastPlot(Widget):
    """The running sum of a period, day by day: used, expected, and the line of what is included."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"plot--used", "plot--expected", "plot--axis"}

    DEFAULT_CSS = """
    ForecastPlot { height: 1fr; min-height: 6; }
    ForecastPlot > .plot--used { color: $primary; }
    ForecastPlot > .plot--expected { color: $muted; }
    ForecastPlot > .plot--axis { color: $muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._days: list[_Day] = []
        self._included: int | None = None
        self._unit, self._decimals = "", 0

    def show(self, forecast: ForecastSheet) -> None:
        """Plot a forecast; its quantities are in the meter's smallest part."""
        ahead = {each.day: each.total for each in forecast.expected}
        self._days = [
            _Day(each.day, each.total, ahead.pop(each.day, 0)) for each in forecast.days
        ] + [_Day(day, 0, total) for day, total in ahead.items()]
        self._included, self._unit = forecast.included, forecast.unit
        self._decimals = forecast.decimals
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        axis = self.get_component_rich_style("plot--axis")
        rows = height - 3
        if not self._days or y > rows + 2:
            return Strip.blank(width)
        if y == 0:
            title = f"Running total by day in {self._unit}: {FULL} used  {LIGHT} expected"
            title += f"  {LIMIT} included" if self._included else ""
            return Strip([Segment(fit(title, width), axis)], width)
        if y <= rows:
            return self._bars(y, rows, width)
        text = self._line() if y == rows + 1 else self._dates(width)
        return Strip([Segment(fit(text, width), axis)], width)

    @property
    def _most(self) -> int:
        return max(1, self._included or 0, *(max(day.used, day.expected) for day in self._days))

    def _cells(self, width: int) -> int:
        return max(1, min(MOST_CELLS_A_DAY, (width - AXIS_CELLS) // len(self._days)))

    def _label(self, parts: int) -> str:
        text = group_digits(format_parts(parts, self._decimals))
        return fit(text, AXIS_CELLS - 1, right=True) + " "

    def _bars(self, y: int, rows: int, width: int) -> Strip:
        most, cells = self._most, self._cells(width)
        limit_y = None if not self._included else rows - -(-self._included * rows // most) + 1
        label = " " * AXIS_CELLS
        if y == limit_y:
            label = self._label(self._included or 0)
        elif y == 1:
            label = self._label(most)
        segments = [Segment(label, self.get_component_rich_style("plot--axis"))]
        room = width - AXIS_CELLS
        for day in self._days[: room // cells]:
            sign, kind = _sign(day, most, y, rows)
            if y == limit_y and kind != "used":  # the line goes on over what is only expected
                sign, kind = LIMIT, "axis"
            segments.append(Segment(sign * cells, self.get_component_rich_style(f"plot--{kind}")))
            room -= cells
        return Strip([*segments, Segment(" " * room)], width)

    def _line(self) -> str:
        return self._label(0) + "─" * (len(self._days) * self._cells(self.size.width))

    def _dates(self, width: int) -> str:
        cells, text = self._cells(width), " " * AXIS_CELLS
        for index, day in enumerate(self._days):
            at = AXIS_CELLS + index * cells
            if index % 7 == 0 and at >= len(text) and at + 5 <= width:
                text = text.ljust(at) + f"{day.day:%m-%d}"
        return text


def _sign(day: _Day, most: int, y: int, rows: int) -> tuple[str, str]:
    """What stands for a day in a row of the plot, counted from the top; nothing where it is lower."""
    reach = -(-day.used * rows * 8 // most) - (rows - y) * 8
    if reach > 0:
        return EIGHTHS[min(8, reach)], "used"
    # A shade has no eighths: half a cell or more is one.
    if -(-day.expected * rows * 8 // most) - (rows - y) * 8 >= 4:
        return LIGHT, "expected"
    return " ", "axis"

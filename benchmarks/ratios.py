"""How a figure is measured: ours and the floor by turns, and the median of the rounds' ratios.

Absolute times say little about a shared machine; two measurements a moment apart, divided, say much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Literal

Unit = Literal["/s", "ms", "s", "MiB", "trips"]

_DECIMALS = {"/s": 0, "ms": 2, "s": 3, "MiB": 1, "trips": 2}


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure must reach and what it should: at least for rates, at most for times."""

    asked: float
    aim: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    `ours` and `floor` are medians in `unit`; `value` is what is held against the limit: their ratio,
    or `ours` itself where the limit is an absolute one (`absolute`).
    """

    what: str
    floor_is: str
    ours: float
    floor: float | None
    unit: Unit
    value: float
    limit: Limit
    absolute: bool = False

    @property
    def more_is_better(self) -> bool:
        """Whether the value is a rate, and not a time, a size or a count."""
        return self.unit == "/s" and not self.absolute

    @property
    def mark(self) -> str:
        """How it went: `aim`, `pass`, or `BELOW`."""
        if self._reaches(self.limit.aim):
            return "aim"
        return "pass" if self._reaches(self.limit.asked) else "BELOW"

    def _reaches(self, limit: float) -> bool:
        value = round(self.value, 2)
        return value >= limit if self.more_is_better else value <= limit

    def cells(self) -> tuple[str, ...]:
        """The line as the table shows it."""
        return (
            self.what,
            _quantity(self.ours, self.unit),
            "-" if self.floor is None else _quantity(self.floor, self.unit),
            self.floor_is,
            _quantity(self.value, self.unit) if self.absolute else f"{self.value:.2f} x",
            self._limit(self.limit.asked),
            self._limit(self.limit.aim),
            self.mark,
        )

    def _limit(self, limit: float) -> str:
        sign = "≥" if self.more_is_better else "≤"
        return f"{sign} {_quantity(limit, self.unit) if self.absolute else f'{limit:g} x'}"


def _quantity(value: float, unit: Unit) -> str:
    return f"{value:,.{_DECIMALS[unit]}f} {unit}" if unit != "/s" else f"{value:,.0f}/s"


HEADINGS = ("what", "billdesk", "floor", "the floor is", "ratio", "asked", "aim", "")


def by_turns(
    rounds: int, ours: Callable[[], float], floor: Callable[[], float]
) -> tuple[float, float, float]:
    """Measure ours and the floor by turns: both medians, and the median of the rounds' ratios."""
    pairs = [(ours(), floor()) for _ in range(rounds)]
    return (
        median(pair[0] for pair in pairs),
        median(pair[1] for pair in pairs),
        median(pair[0] / pair[1] for pair in pairs),
    )


def compared(
    what: str,
    floor_is: str,
    unit: Unit,
    limit: Limit,
    measured: tuple[float, float, float],
) -> Figure:
    """A figure out of what `by_turns` measured."""
    ours, floor, ratio = measured
    return Figure(what, floor_is, ours, floor, unit, ratio, limit)


def alone(what: str, floor_is: str, unit: Unit, limit: Limit, ours: float) -> Figure:
    """A figure with an absolute limit."""
    return Figure(what, floor_is, ours, None, unit, ours, limit, absolute=True)


def table(figures: list[Figure]) -> list[str]:
    """The figures as aligned lines."""
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    to_the_right = {1, 2, 4, 5, 6}
    return [
        "  ".join(
            f"{cell:>{width}}" if column in to_the_right else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]

"""Sheets as JSON for programs and as aligned tables for people; strings only, nothing is printed.

Only the standard library: `rich` would cost every command more than its own work.
"""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from billdesk.core.values.clock import format_instant
from billdesk.core.values.money import Money, format_grouped, format_minor
from billdesk.core.values.plain_text import visible

Cell = str | int | Money | datetime | date | None

GAP = "  "
NARROWEST_COLUMN = 8


def to_json(value: object) -> object:
    """A sheet as what `json` can write: money as an object, instants in UTC with a `Z`.

    Raises TypeError for what no sheet may hold, floats among them.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    parts = _parts(value)
    if parts is not None:
        return {str(name): to_json(part) for name, part in parts.items()}
    if isinstance(value, list | tuple):
        return [to_json(part) for part in value]
    raise TypeError(f"a {type(value).__name__} cannot be shown as JSON")


def _parts(value: object) -> Mapping[str, object] | None:
    """What a sheet, a Money or a mapping is made of; None for anything else."""
    if isinstance(value, Money):
        return {**value._asdict(), "text": format_minor(value.minor, value.asset)}
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    return None


def cell(value: Cell) -> str:
    """One value as people read it, harmless to a terminal; nothing is shown as `-`."""
    match value:
        case None | "":
            return "-"
        case Money():
            return f"{format_grouped(value.minor, value.asset)} {value.asset}"
        case datetime():
            return format_instant(value.replace(microsecond=0))
        case int():
            return f"{value:,}"
        case _:
            return visible(str(value))


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> list[str]:
    """Aligned lines under a heading, numbers to the right; no lines at all without rows.

    On a terminal the widest columns of words give way until a line fits; elsewhere nothing is cut.
    """
    values = [list(row) for row in rows]
    if not values:
        return []
    numeric = [_is_numeric(column) for column in zip(*values, strict=True)]
    lines = [list(headings), *([cell(value) for value in row] for row in values)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    room = _room()
    if room is not None:
        widths = _fit(widths, numeric, room)
    return [_line(cells, widths, numeric) for cells in lines]


def card(pairs: Iterable[tuple[str, Cell]]) -> list[str]:
    """Lines of `label  value`, for one thing."""
    values = [(label, cell(value)) for label, value in pairs]
    longest = max(len(label) for label, _ in values)
    return [f"{label:<{longest}}{GAP}{text}" for label, text in values]


def plural(count: int, thing: str) -> str:
    """`1 entry`, `2 entries`, `1,000 accounts`."""
    if count == 1:
        return f"1 {thing}"
    things = f"{thing[:-1]}ies" if thing.endswith("ry") else f"{thing}s"
    return f"{count:,} {things}"


def _is_numeric(column: Sequence[Cell]) -> bool:
    present = [value for value in column if value is not None]
    return bool(present) and all(isinstance(value, int | Money) for value in present)


def _room() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _fit(widths: list[int], numeric: list[bool], room: int) -> list[int]:
    """`widths`, the widest columns of words made narrower until a line fits into `room`."""
    fitted = list(widths)
    words = [index for index, is_number in enumerate(numeric) if not is_number]
    excess = sum(fitted) + len(GAP) * (len(fitted) - 1) - room
    while excess > 0 and words:
        widest = max(words, key=lambda index: fitted[index])
        if fitted[widest] <= NARROWEST_COLUMN:
            break
        fitted[widest] -= 1
        excess -= 1
    return fitted


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts = (
        _pad(_cut(text, width), width, to_the_right=is_number)
        for text, width, is_number in zip(cells, widths, numeric, strict=True)
    )
    return GAP.join(parts).rstrip()


def _pad(text: str, width: int, *, to_the_right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if to_the_right else text + blanks


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    kept = ""
    for character in text:
        if _width(kept + character) >= width:
            break
        kept += character
    return kept + "…"


def _width(text: str) -> int:
    """Columns `text` takes on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1

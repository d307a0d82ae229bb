"""Where everything stands on the pages of an invoice: items with coordinates, still without reportlab.

What stands on a page is a column of strips; strips that belong together are not parted where they fit
on one page. Coordinates are points from the lower left corner of an A4 page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from billdesk.core.paper.fonts import BOLD, REGULAR, Run, runs_of
from billdesk.core.paper.lines import broken
from billdesk.core.paper.wording import InvoicePaper, PaperLine, PaperTotal

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 50.0, WIDTH - 50.0, HEIGHT - 48.0, 62.0
_FOOT = 36.0
_MIDDLE = 330.0
_GAP = 10.0

Colour = tuple[float, float, float]
INK: Colour = (0.11, 0.13, 0.16)
GREY: Colour = (0.42, 0.45, 0.50)
RULE: Colour = (0.80, 0.82, 0.85)
SHADE: Colour = (0.945, 0.95, 0.96)
STAMPS: dict[str, Colour] = {
    "PAID": (0.05, 0.46, 0.26),
    "DRAFT": (0.42, 0.45, 0.50),
    "VOID": (0.72, 0.11, 0.11),
    "UNCOLLECTIBLE": (0.72, 0.11, 0.11),
}

LOGO_WIDTH, LOGO_HEIGHT = 170.0, 54.0
"""The room for a logo, points."""


class Text(NamedTuple):
    """Signs of one font from `x` on; `y` is their base line."""

    x: float
    y: float
    font: str
    size: float
    colour: Colour
    text: str


class Shape(NamedTuple):
    """A rectangle, filled or framed; one without height is a line."""

    x: float
    y: float
    width: float
    height: float
    fill: Colour | None
    frame: Colour | None = None


class Picture(NamedTuple):
    """The logo."""

    x: float
    y: float
    width: float
    height: float


Item = Text | Shape | Picture


class Strip(NamedTuple):
    """A band across the page; the coordinates of its items count from its upper edge down."""

    height: float
    items: tuple[Item, ...] = ()


class Group(NamedTuple):
    """Strips that stay together; rows of the table have its heading above them on every page."""

    strips: tuple[Strip, ...]
    in_table: bool = False

    @property
    def height(self) -> float:
        """Of all of them, points."""
        return sum(strip.height for strip in self.strips)


class _Style(NamedTuple):
    size: float
    weight: str = REGULAR
    colour: Colour = INK

    @property
    def leading(self) -> float:
        """From one line to the next, points."""
        return self.size * 1.36

    def lines(self, text: str, room: float) -> list[str]:
        """Text broken into lines of at most `room` points."""
        return broken(text, self.weight, room * 1000 / self.size)

    def width(self, text: str) -> float:
        """How wide the widest line of a text is, points, if it is not broken."""
        lines = broken(text, self.weight, float("inf"))
        return max((self._width(line) for line in lines), default=0.0)

    def _width(self, line: str) -> float:
        return sum(run.width for run in runs_of(line, self.weight)) * self.size / 1000

    def put(self, line: str, x: float, y: float, *, right: bool = False) -> list[Item]:
        """One line that begins at `x`, or ends there."""
        runs: Sequence[Run] = runs_of(line, self.weight)
        scale = self.size / 1000
        if right:
            x -= sum(run.width for run in runs) * scale
        items: list[Item] = []
        for run in runs:
            items.append(Text(x, y, run.font, self.size, self.colour, run.text))
            x += run.width * scale
        return items


_TITLE = _Style(20, BOLD)
_NAME = _Style(13, BOLD)
_BODY = _Style(9)
_STRONG = _Style(9, BOLD)
_SMALL = _Style(8, colour=GREY)
_LABEL = _Style(7.5, BOLD, GREY)
_TINY = _Style(5.5, colour=GREY)


class Cell(NamedTuple):
    """Lines of one column of a strip: each with its style; `right`: they end at `x`."""

    x: float
    lines: tuple[tuple[_Style, str], ...]
    right: bool = False


def _cell(x: float, room: float, *texts: tuple[_Style, str], right: bool = False) -> Cell:
    """A column that begins (or ends) at `x`: texts under one another, broken to `room` points."""
    lines = tuple((style, line) for style, text in texts for line in style.lines(text, room))
    return Cell(x, lines, right)


def _rows(*cells: Cell) -> list[Strip]:
    """Columns side by side, as one strip for each line: the longest says how many."""
    strips = []
    for at in range(max(len(cell.lines) for cell in cells)):
        present = [(cell, *cell.lines[at]) for cell in cells if at < len(cell.lines)]
        height = max(style.leading for _, style, _ in present)
        items = [
            item
            for cell, style, line in present
            for item in style.put(line, cell.x, -0.78 * height, right=cell.right)
        ]
        strips.append(Strip(height, tuple(items)))
    return strips


def _space(height: float) -> Strip:
    return Strip(height)


def _groups(strips: Iterable[Strip]) -> list[Group]:
    """Strips that may be parted."""
    return [Group((strip,)) for strip in strips]


# --- the head ------------------------------------------------------------------------------------


def _head(paper: InvoicePaper, logo: tuple[int, int] | None) -> list[Group]:
    name, *rest = paper.seller or ("",)
    top: list[Item] = _TITLE.put(paper.heading.upper(), RIGHT, -18, right=True)
    height = 30.0
    if logo is not None:
        scale = min(LOGO_WIDTH / logo[0], LOGO_HEIGHT / logo[1])
        width, tall = logo[0] * scale, logo[1] * scale
        top.append(Picture(LEFT, -tall, width, tall))
        height = max(height, tall + 8)
    if paper.mark:
        top += _stamp(paper.mark, 28.0)
        height = max(height, 54.0)
    if logo is None:
        first = _cell(LEFT, _MIDDLE - LEFT - 2 * _GAP, (_NAME, name))
        top += [
            item
            for at, (style, line) in enumerate(first.lines)
            for item in style.put(line, LEFT, -14 - at * style.leading)
        ]
        height = max(height, 4 + _NAME.leading * len(first.lines))
        seller = rest
    else:
        seller = [name, *rest]
    party, *address = paper.party
    room = _MIDDLE - LEFT - 2 * _GAP
    left = _cell(
        LEFT, room,
        *((_SMALL, line) for line in seller),
        (_LABEL, " "), (_LABEL, "TO"), (_STRONG, party), *((_BODY, line) for line in address),
    )  # fmt: skip
    labels, values = _facts(paper)
    groups = [Group((Strip(height, tuple(top)),)), *_groups(_rows(left, labels, values))]
    if paper.memo:
        groups += _groups([_space(_GAP), *_rows(_cell(LEFT, RIGHT - LEFT, (_BODY, paper.memo)))])
    return [*groups, Group((_space(14),))]


def _stamp(mark: str, below: float) -> list[Item]:
    """A word in a frame, under the heading."""
    style = _Style(10, BOLD, STAMPS[mark])
    width = style.width(mark) + 12
    frame = Shape(RIGHT - width, -below - 15, width, 16, None, style.colour)
    return [frame, *style.put(mark, RIGHT - 6, -below - 10.5, right=True)]


def _facts(paper: InvoicePaper) -> tuple[Cell, Cell]:
    """Labels, and what goes with each beside it."""
    label_x = _MIDDLE + 40
    room = RIGHT - label_x - 58
    labels: list[tuple[_Style, str]] = []
    values: list[tuple[_Style, str]] = []
    for label, text in paper.facts:
        lines = _BODY.lines(text, room)
        labels += [(_SMALL, label), *((_SMALL, "") for _ in lines[1:])]
        values += [(_BODY, line) for line in lines]
    return Cell(label_x, tuple(labels)), Cell(RIGHT, tuple(values), right=True)


# --- the table -----------------------------------------------------------------------------------


class _Columns(NamedTuple):
    """Where the columns of the table are: the room of each, and where it ends."""

    rooms: tuple[float, ...]
    ends: tuple[float, ...]


_WIDEST = (0.0, 88.0, 88.0, 62.0, 150.0)


def _columns(paper: InvoicePaper) -> _Columns:
    """The columns of numbers as wide as they need to be; the description takes the rest."""
    rooms = [0.0] * 5
    for column in range(1, 5):
        texts = {line[column + 1] for line in paper.lines}
        widest = max((_BODY.width(text) for text in texts), default=0.0)
        heading = _LABEL.width(paper.columns[column])
        rooms[column] = min(max(widest, heading), _WIDEST[column]) + 0.01
    ends = [RIGHT] * 5
    for column in range(3, -1, -1):
        after = rooms[column + 1]
        ends[column] = ends[column + 1] - (after + 12 if after > 1 else 0)
    rooms[0] = ends[0] - LEFT
    return _Columns(tuple(rooms), tuple(ends))


def _heading(paper: InvoicePaper, columns: _Columns) -> Strip:
    shade = Shape(LEFT - 6, -16, RIGHT - LEFT + 12, 16, SHADE)
    items: list[Item] = [shade, *_LABEL.put(paper.columns[0], LEFT, -11)]
    for text, end in zip(paper.columns[1:], columns.ends[1:], strict=True):
        items += _LABEL.put(text, end, -11, right=True)
    return Strip(20, tuple(items))


def _table_row(line: PaperLine, columns: _Columns) -> Group:
    note = ((_SMALL, line.note),) if line.note else ()
    cells = [_cell(LEFT, columns.rooms[0], (_BODY, line.text), *note)]
    for text, room, end in zip(line[2:], columns.rooms[1:], columns.ends[1:], strict=True):
        cells.append(_cell(end, room, (_BODY, text), right=True))
    rule = Strip(6, (Shape(LEFT - 6, -3, RIGHT - LEFT + 12, 0, None, RULE),))
    return Group((*_rows(*cells), rule), in_table=True)


# --- below the table -----------------------------------------------------------------------------


def _totals(totals: Sequence[PaperTotal]) -> Group:
    """The sums, which stay together."""
    strips = [_space(6)]
    for total in totals:
        style = _STRONG if total.strong else _BODY
        amount = style.width(total.amount)
        label = _cell(_MIDDLE - 30, RIGHT - _MIDDLE + 18 - amount, (style, total.label))
        strips += _rows(label, Cell(RIGHT, ((style, total.amount),), right=True))
        strips.append(_space(3))
    return Group(tuple(strips))


def _end(paper: InvoicePaper) -> list[Group]:
    width = RIGHT - LEFT
    groups = []
    for label, texts in (("TERMS", (paper.terms,)), ("CREDIT NOTES", paper.notes)):
        rows = _rows(_cell(LEFT, width, *((_SMALL, text) for text in texts)), Cell(LEFT, ()))
        if rows:
            head = _rows(_cell(LEFT, width, (_LABEL, label)))
            groups += [Group((_space(_GAP), *head, rows[0])), *_groups(rows[1:])]
    if paper.seals:
        small = _rows(_cell(LEFT, width, *((_TINY, seal) for seal in paper.seals)))
        groups.append(Group((_space(_GAP), *small)))
    return groups


# --- pages ---------------------------------------------------------------------------------------


class _Pages:
    """Pages that are filled from above."""

    def __init__(self, heading: Strip) -> None:
        self._heading = heading
        self._height = TOP
        self._has_heading = False
        self.pages: list[list[Item]] = [[]]

    def add(self, group: Group) -> None:
        """Put strips below what is there, on a page of their own where they would be parted."""
        if group.height > self._left(group) and group.height <= TOP - BOTTOM - 60:
            self._turn()
        for strip in group.strips:
            if strip.height > self._left(group):
                self._turn()
            if group.in_table and not self._has_heading:
                self._has_heading = True
                self._put(self._heading)
            if strip.items or self._height < TOP:
                self._put(strip)

    def _left(self, group: Group) -> float:
        heading = self._heading.height if group.in_table and not self._has_heading else 0.0
        return self._height - BOTTOM - heading

    def _turn(self) -> None:
        self.pages.append([])
        self._height, self._has_heading = TOP, False

    def _put(self, strip: Strip) -> None:
        self.pages[-1] += [item._replace(y=item.y + self._height) for item in strip.items]
        self._height -= strip.height


def laid_out(
    paper: InvoicePaper, logo: tuple[int, int] | None = None
) -> tuple[tuple[Item, ...], ...]:
    """The items of each page. `logo` is the size of the logo in pixels, if there is one."""
    columns = _columns(paper)
    pages = _Pages(_heading(paper, columns))
    for group in _head(paper, logo):
        pages.add(group)
    for line in paper.lines:
        pages.add(_table_row(line, columns))
    for group in (_totals(paper.totals), *_end(paper)):
        pages.add(group)
    count = len(pages.pages)
    return tuple(
        (*items, *_foot(paper, number, count)) for number, items in enumerate(pages.pages, 1)
    )


def _foot(paper: InvoicePaper, number: int, count: int) -> list[Item]:
    """Which page of how many of what."""
    name = f"{paper.heading} {paper.number}".strip()
    name = " · ".join((name, *paper.seller[:1]))
    page = f"Page {number} of {count}"
    [first, *_] = _SMALL.lines(name, RIGHT - LEFT - _SMALL.width(page) - _GAP)
    rule = Shape(LEFT - 6, _FOOT + 14, RIGHT - LEFT + 12, 0, None, RULE)
    return [rule, *_SMALL.put(first, LEFT, _FOOT), *_SMALL.put(page, RIGHT, _FOOT, right=True)]

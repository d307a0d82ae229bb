"""A list of rows painted line by line: the ground of every list on the desk, short or endless.

A row costs a few strings when it is on screen and nothing otherwise. Subclasses say where rows come
from; columns say what is in a row. Nothing here reads from the desk.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from billdesk.core.values.plain_text import visible
from billdesk.screens.safe_text import cut, fit, fit_number

if TYPE_CHECKING:
    from rich.style import Style
    from textual import events

Row = TypeVar("Row")

HEAD_LINES = 1
ON_A_ROW = {"open", "copy_key", "copy_row"}
MARK = "▌"
GAP = 2


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: its title, its least width in cells, and what it shows of a row.

    `cell` gives the text, or text and tone; what stands on the `right` is a number, of which no
    digit may be cut off. `grow` is its share of the cells that are left over;
    the column is left out in tables narrower than `from_width`, or of `below_width` and more.
    """

    title: str
    width: int
    cell: Callable[[Row], str | tuple[str, str]]
    right: bool = False
    grow: int = 0
    from_width: int = 0
    below_width: int = 1_000


@dataclass(frozen=True)
class Slot(Generic[Row]):
    """A column and the width it got."""

    column: Column[Row]
    width: int


def lay_out(columns: Sequence[Column[Row]], width: int) -> tuple[Slot[Row], ...]:
    """Which columns fit into `width` cells, and how wide each becomes."""
    chosen = [column for column in columns if column.from_width <= width < column.below_width]
    left = width - sum(column.width + GAP for column in chosen)
    shares = sum(column.grow for column in chosen)
    slots = []
    for column in chosen:
        more = max(0, left) * column.grow // shares if column.grow else 0
        slots.append(Slot(column, column.width + more))
    return tuple(slots)


class LineTable(ScrollView, Generic[Row], can_focus=True):
    """A list with a cursor. Subclasses give `row_count` and `row_at`; a row may be on its way.

    `key` names a row; `copied` is what `y` copies of it, the key if nothing else is said.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-table--head",
        "line-table--cursor",
        "line-table--muted",
        "line-table--strong",
        "line-table--accent",
        "line-table--good",
        "line-table--warn",
        "line-table--bad",
    }

    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
    }
    LineTable > .line-table--head { color: $muted; background: $surface; }
    LineTable > .line-table--cursor { background: $panel; }
    LineTable:focus > .line-table--cursor { background: $cursor; text-style: bold; }
    LineTable > .line-table--muted { color: $muted; }
    LineTable > .line-table--strong { text-style: bold; }
    LineTable > .line-table--accent { color: $accent; }
    LineTable > .line-table--good { color: $success; }
    LineTable > .line-table--warn { color: $warning; }
    LineTable > .line-table--bad { color: $error; text-style: bold; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next row", id="list.down", show=False),
        Binding("up,k", "move(-1)", "Previous row", id="list.up", show=False),
        Binding("pagedown", "page(1)", "Next page", id="list.page-down", show=False),
        Binding("pageup", "page(-1)", "Previous page", id="list.page-up", show=False),
        Binding("ctrl+d", "half(1)", "Half a page down", id="list.half-down", show=False),
        Binding("ctrl+u", "half(-1)", "Half a page up", id="list.half-up", show=False),
        Binding("home,g", "first", "First row", id="list.first", show=False),
        Binding("end,G", "last", "Last row", id="list.last", show=False),
        Binding("enter", "open", "Open", id="list.open"),
        Binding("l,right", "open", "Open", id="list.into", show=False),
        Binding("h,left", "app.step_back", "Back", id="list.back", show=False),
        Binding("y", "copy_key", "Copy id", id="list.copy-id", show=False),
        Binding("Y", "copy_row", "Copy row", id="list.copy-row", show=False),
    ]

    class Opened(Message):
        """Enter or a double click on a row."""

        def __init__(self, table: LineTable[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> LineTable[Any]:
            """The table it happened in."""
            return self.table

    class Moved(Message):
        """The cursor stands somewhere else, or the row under it has become known."""

        def __init__(self, table: LineTable[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> LineTable[Any]:
            """The table it happened in."""
            return self.table

    class Copied(Message):
        """Something was sent to the terminal's clipboard; it may or may not have listened."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], str],
        *,
        copied: Callable[[Row], str] | None = None,
        empty: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._key = key
        self._copied = copied or key
        self._slots: tuple[Slot[Row], ...] = ()
        self._tones: dict[tuple[str, bool], Style] = {}
        self._cursor = 0
        self._had_rows = False
        self.empty = empty

    # --- what subclasses give ---

    @property
    def row_count(self) -> int:
        """How many rows there are, as far as is known."""
        raise NotImplementedError

    def row_at(self, index: int) -> Row | None:
        """The row at `index`, or None while it is on its way."""
        raise NotImplementedError

    # --- where one stands ---

    @property
    def cursor(self) -> int:
        """The index of the marked row."""
        return self._cursor

    @property
    def row(self) -> Row | None:
        """The marked row, if there is one and it is known."""
        return self.row_at(self._cursor) if self._cursor < self.row_count else None

    @property
    def _lines(self) -> int:
        """How many rows are on screen at once."""
        return max(1, self.size.height - HEAD_LINES)

    def set_columns(self, columns: Sequence[Column[Row]]) -> None:
        """Show other columns, or the same with other titles."""
        self._columns = tuple(columns)
        self._slots = lay_out(self._columns, self.size.width - 1)
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Nothing is opened or copied where there is no row; in an empty list it is not offered."""
        return action not in ON_A_ROW or self.row_count > 0

    def rows_changed(self) -> None:
        """Rows were added, replaced or taken away: measure and paint again."""
        self.virtual_size = Size(self.size.width, self.row_count + HEAD_LINES)
        self._cursor = min(self._cursor, max(0, self.row_count - 1))
        self.refresh()
        if self._had_rows != (self.row_count > 0):
            self._had_rows = self.row_count > 0
            if self.is_attached:
                self.screen.refresh_bindings()
        self.post_message(self.Moved(self))

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring it on screen."""
        old, self._cursor = self._cursor, max(0, min(index, self.row_count - 1))
        top = self.scroll_offset.y
        if self._cursor < top:
            self._scroll_rows(self._cursor)
        elif self._cursor >= top + self._lines:
            self._scroll_rows(self._cursor - self._lines + 1)
        else:
            self._refresh_row(old)
            self._refresh_row(self._cursor)
        if old != self._cursor:
            self.post_message(self.Moved(self))

    def _scroll_rows(self, top: int) -> None:
        self.scroll_to(y=top, animate=False, force=True, immediate=True)
        self.refresh()

    def _refresh_row(self, index: int) -> None:
        y = index - self.scroll_offset.y + HEAD_LINES
        self.refresh(Region(0, y, self.size.width, 1))

    # --- keys and mouse ---

    def action_move(self, rows: int) -> None:
        self.move_to(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        self._leap(pages * self._lines)

    def action_half(self, halves: int) -> None:
        self._leap(halves * max(1, self._lines // 2))

    def _leap(self, rows: int) -> None:
        """Cursor and view move together, so that it stays where the eye is."""
        top = max(0, min(self.scroll_offset.y + rows, self.row_count - self._lines))
        self._scroll_rows(top)
        self.move_to(self._cursor + rows)

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to(self.row_count - 1)

    def action_open(self) -> None:
        if self.row is not None:
            self.post_message(self.Opened(self))

    def action_copy_key(self) -> None:
        row = self.row
        if row is not None:
            self.app.copy_to_clipboard(visible(self._copied(row)))
            self.post_message(self.Copied(self._copied(row)))

    def action_copy_row(self) -> None:
        row = self.row
        if row is not None:
            cells = [column.cell(row) for column in self._columns]
            texts = [cell[0] if isinstance(cell, tuple) else cell for cell in cells]
            self.app.copy_to_clipboard("\t".join(map(visible, texts)))
            self.post_message(self.Copied("row"))

    def on_click(self, event: events.Click) -> None:
        index = self.scroll_offset.y + event.y - HEAD_LINES
        if event.y >= HEAD_LINES and index < self.row_count:
            self.move_to(index)
            if event.chain == 2:
                self.action_open()

    # --- painting ---

    def on_resize(self) -> None:
        # One cell on the left is the cursor's mark.
        self._slots = lay_out(self._columns, self.size.width - 1)
        self.virtual_size = Size(self.size.width, self.row_count + HEAD_LINES)
        self.move_to(self._cursor)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._tones.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the head, a row, a row that is on its way, or nothing."""
        width = self.size.width
        if y < HEAD_LINES:
            return self._head(width)
        index = self.scroll_offset.y + y - HEAD_LINES
        if index >= self.row_count:
            return self._nothing(y, width)
        marked = index == self._cursor
        row = self.row_at(index)
        if row is None:
            waiting = Segment(
                fit(f"{MARK if marked else ' '} …", width), self._tone("muted", marked)
            )
            return Strip([waiting], width)
        return self._row(row, marked, width)

    def _head(self, width: int) -> Strip:
        style = self._tone("head", marked=False)
        titles = [
            fit(slot.column.title, slot.width, right=slot.column.right) for slot in self._slots
        ]
        return Strip([Segment(fit(" " + (" " * GAP).join(titles), width), style)], width)

    def _row(self, row: Row, marked: bool, width: int) -> Strip:  # noqa: FBT001
        segments: list[Segment] = []
        text, tone, used = MARK if marked else " ", "", 1
        for slot in self._slots:
            cell = slot.column.cell(row)
            shown, wanted = cell if isinstance(cell, tuple) else (cell, "")
            if wanted != tone:
                segments.append(Segment(text, self._tone(tone, marked)))
                text, tone = "", wanted
            fitted = fit_number if slot.column.right else fit
            text += fitted(shown, slot.width) + " " * GAP
            used += slot.width + GAP
        text += " " * max(0, width - used)
        segments.append(Segment(text, self._tone(tone, marked)))
        return Strip(segments, max(width, used)).adjust_cell_length(width)

    def _nothing(self, y: int, width: int) -> Strip:
        style = self._tone("muted", marked=False)
        if self.row_count == 0:
            words = [
                part
                for line in self.empty.split("\n")
                for part in textwrap.wrap(line, max(1, width - 4)) or [""]
            ]
            # A blank line above them, where there is room for it.
            line = y - HEAD_LINES - (1 if self._lines > len(words) else 0)
            if 0 <= line < len(words):
                shown = cut(words[line], width - 4)
                return Strip([Segment(fit("  " + shown, width), style)], width)
        return Strip.blank(width, style)

    def _tone(self, tone: str, marked: bool) -> Style:  # noqa: FBT001
        style = self._tones.get((tone, marked))
        if style is None:
            style = self.rich_style
            if tone:
                style += self.get_component_rich_style(f"line-table--{tone}", partial=True)
            if marked:
                style += self.get_component_rich_style("line-table--cursor", partial=True)
            self._tones[tone, marked] = style
        return style

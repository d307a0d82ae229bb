"""A main screen that is a list: read page by page, filtered, refreshed without losing the place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from billdesk.screens.filter_line import Query
from billdesk.screens.filtered_screen import NOTHING_MATCHES, FilteredScreen
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.threads import explain

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import Page

Row = TypeVar("Row")

PAGE_ROWS = 200


class ListScreen(FilteredScreen["tuple[tuple[Row, ...], str | None]"], Generic[Row]):
    """A list of pages. Subclasses give `columns`, `key_of`, `reader` and `open_row`."""

    empty: ClassVar[str] = "Nothing here yet."

    def __init__(self) -> None:
        super().__init__()
        self.table: PagedTable[Row] = PagedTable(self.columns(), self.key_of, copied=self.copy_of)

    # --- what subclasses give ---

    def columns(self) -> Sequence[Column[Row]]:
        """The columns of the list."""
        raise NotImplementedError

    def key_of(self, row: Row) -> str:
        """What names a row: the cursor stays with it."""
        raise NotImplementedError

    def copy_of(self, row: Row) -> str:
        """What `y` copies of a row."""
        return self.key_of(row)

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[Row]]:
        """How a page is read: by the filter, from where the last one ended, so many rows.

        Raises BadInput for a filter that cannot be used.
        """
        raise NotImplementedError

    def open_row(self, row: Row) -> None:
        """Enter on a row."""
        raise NotImplementedError

    # --- the list ---

    def question(self) -> Callable[[Desk], tuple[tuple[Row, ...], str | None]]:
        read, wanted = self.reader(self.line.applied), max(PAGE_ROWS, self.table.row_count)

        def whole(desk: Desk) -> tuple[tuple[Row, ...], str | None]:
            """As many rows as were on screen before, so that nobody loses their place."""
            page = read(desk, None, PAGE_ROWS)
            rows = page.rows
            while page.after is not None and len(rows) < wanted:
                page = read(desk, page.after, PAGE_ROWS)
                rows += page.rows
            return rows, page.after

        return whole

    def paint(self, answer: tuple[tuple[Row, ...], str | None]) -> None:
        rows, after = answer
        self.table.empty = NOTHING_MATCHES if self.line.value else self.empty
        self.table.show_rows(rows, after)

    def paint_error(self, error: BaseException) -> None:
        if not self.table.row_count:
            self.table.empty = explain(error)
            self.table.refresh()

    def on_paged_table_more(self, event: PagedTable.More) -> None:
        desk = self.app.desk
        if desk is None:
            return
        read, after, generation = self.reader(self.line.applied), event.after, self.generation
        self.in_thread(
            lambda: read(desk, after, PAGE_ROWS),
            lambda page: self._add(generation, page),
            self.say_error,
        )

    def _add(self, generation: int, page: Page[Row]) -> None:
        if generation == self.generation:
            self.table.add_rows(page.rows, page.after)

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        table = self.table
        if event.table is table:
            more = "" if table.is_whole else "+"
            at = f"{table.cursor + 1:,} of {table.row_count:,}{more}" if table.row_count else ""
            self.show_position(at)
            self.refresh_bindings()

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            self.open_row(row)

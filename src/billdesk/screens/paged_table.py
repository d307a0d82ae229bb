"""A list that grows: read page by page, its cursor kept on its row when it is read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.message import Message

from billdesk.screens.line_table import Column, LineTable, Row


class PagedTable(LineTable[Row]):
    """A list read page by page: it asks for more as the cursor comes near the end.

    The cursor stays on its row, by `key`, when the rows are read again.
    """

    NEAR_THE_END = 50

    class More(Message):
        """The next page is wanted; `after` continues the list."""

        def __init__(self, table: PagedTable[Any], after: str) -> None:
            super().__init__()
            self.table, self.after = table, after

        @property
        def control(self) -> PagedTable[Any]:
            """The table it happened in."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], str],
        *,
        copied: Callable[[Row], str] | None = None,
        empty: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(columns, key, copied=copied, empty=empty, id=id)
        self._rows: list[Row] = []
        self._after: str | None = None

    @property
    def row_count(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> Sequence[Row]:
        """What has been read so far."""
        return self._rows

    @property
    def is_whole(self) -> bool:
        """Whether the list has been read to its end."""
        return self._after is None

    def row_at(self, index: int) -> Row | None:
        return self._rows[index] if index < len(self._rows) else None

    def show_rows(self, rows: Sequence[Row], after: str | None = None) -> None:
        """Replace what is shown; the cursor stays on its row if that is still there."""
        marked = self.row
        self._rows, self._after = list(rows), after
        if marked is not None:
            wanted = self._key(marked)
            for index, row in enumerate(self._rows):
                if self._key(row) == wanted:
                    self._cursor = index
                    break
        self.rows_changed()
        self.move_to(self._cursor)

    def add_rows(self, rows: Sequence[Row], after: str | None) -> None:
        """Append the next page."""
        self._rows += rows
        self._after = after
        self.rows_changed()

    def move_to(self, index: int) -> None:
        super().move_to(index)
        if self._after is not None and self._cursor > len(self._rows) - self.NEAR_THE_END:
            after, self._after = self._after, None
            self.post_message(self.More(self, after))

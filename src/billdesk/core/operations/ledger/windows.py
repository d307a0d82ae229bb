"""A window on the ledger: any page of millions of entries, found by key."""

from __future__ import annotations

import threading
from bisect import bisect_right

from billdesk.core.rules.sheets import EntryFilter, EntrySheet
from billdesk.core.store.history import (
    ANCHOR_ROWS,
    Anchors,
    Query,
    build_anchors,
    compile_filter,
    entries_by_number,
    newest_number,
    numbers_below,
)
from billdesk.core.store.sessions import Database, Session

PAGE_ROWS = 200


class LedgerView:
    """The entries of a filter as they were when it was opened, newest first, by row.

    The whole ledger on SQLite is at once countable, since its numbers have no gaps; other filters are
    counted by `count`, which may take a while, and until then only neighbouring pages can be read.
    Safe to use from several threads.
    """

    def __init__(self, database: Database, wanted: EntryFilter) -> None:
        self._database = database
        self.filter = wanted
        self._guard = threading.Lock()
        self._counting: Session | None = None
        self._anchors: Anchors | None = None
        self._last_of_page: dict[int, int] = {}
        self._read_rows = 0
        with database.read() as session:
            self.top = newest_number(session)
            self._query: Query = compile_filter(session, wanted)
        self._gapless = self._query.whole and database.kind == "sqlite"

    @property
    def total(self) -> int | None:
        """How many entries there are, or None until they have been counted."""
        if self._gapless:
            return self.top
        return None if self._anchors is None else self._anchors.total

    @property
    def at_least(self) -> int:
        """How many entries are known of so far."""
        total = self.total
        return self._read_rows if total is None else total

    def count(self) -> int:
        """Count the entries, once; afterwards every page can be read. Raises StoreError if cancelled."""
        if self.total is None:
            with self._database.read(snapshot=True) as session:
                with self._guard:
                    self._counting = session
                try:
                    anchors = build_anchors(session, self._query, self.top)
                finally:
                    with self._guard:
                        self._counting = None
            self._anchors = anchors
        return self.total or 0

    def cancel(self) -> None:
        """Interrupt a count that runs in another thread."""
        with self._guard:
            if self._counting is not None:
                self._counting.cancel()

    def page(self, index: int) -> tuple[EntrySheet, ...]:
        """200 entries, page 0 being the newest. Raises LookupError for a page out of reach."""
        with self._database.read() as session:
            below, skip = self._start(index)
            if below is None:
                return ()
            numbers = numbers_below(session, self._query, below, skip + PAGE_ROWS)[skip:]
            entries = entries_by_number(session, numbers)
        if numbers:
            with self._guard:
                self._last_of_page[index] = numbers[-1]
                self._read_rows = max(self._read_rows, index * PAGE_ROWS + len(numbers))
        return tuple(entries)

    def _start(self, index: int) -> tuple[int | None, int]:
        """Where a page begins: below which number, and how many rows to skip from there."""
        first_row = index * PAGE_ROWS
        if self._gapless:
            return (self.top - first_row + 1, 0) if first_row < self.top else (None, 0)
        if self._anchors is not None:
            anchor, skip = divmod(first_row, ANCHOR_ROWS)
            if first_row >= self._anchors.total:
                return None, 0
            return self._anchors.numbers[anchor] + 1, skip
        if index == 0:
            return self.top + 1, 0
        with self._guard:
            before = self._last_of_page.get(index - 1)
        if before is None:
            raise LookupError(f"page {index} is out of reach until the view is counted")
        return before, 0

    def newer(self) -> int:
        """How many entries of this filter arrived since the view was opened (a thousand at most)."""
        with self._database.read() as session:
            top = newest_number(session)
            if top <= self.top:
                return 0
            fresh = numbers_below(session, self._query, top + 1, ANCHOR_ROWS)
        return sum(number > self.top for number in fresh)

    def row_of(self, number: int) -> int | None:
        """The row at which an entry stands in this view, if it is in it and the view is counted."""
        if number > self.top:
            return None
        if self._gapless:
            return self.top - number
        if self._anchors is None:
            return None
        anchors = self._anchors.numbers
        place = bisect_right(anchors, -number, key=lambda anchor: -anchor) - 1
        if place < 0:
            return None
        with self._database.read() as session:
            near = numbers_below(session, self._query, anchors[place] + 1, ANCHOR_ROWS)
        return place * ANCHOR_ROWS + near.index(number) if number in near else None

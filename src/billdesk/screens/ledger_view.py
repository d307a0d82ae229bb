"""A window on a ledger of any length: only what is on screen is read, a page at a time.

Pages come from the desk's reading of the ledger, loaded in a thread, the newest wish first, so that
a held-down key never waits for pages already scrolled past. Painting never reads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.threads import ThreadWork

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import EntrySheet

PAGE_ROWS = 200
PAGES_KEPT = 64
NEAR_A_PAGE_ROWS = 60
WISHES_KEPT = 8


class EntryReading(Protocol):
    """What the desk gives for reading the ledger, newest first, as it was when it was opened."""

    @property
    def total(self) -> int | None:
        """How many entries there are; None until they have been counted."""

    @property
    def at_least(self) -> int:
        """How many entries there are at least, as far as has been read."""

    def page(self, index: int) -> tuple[EntrySheet, ...]:
        """200 entries; LookupError for one out of reach before the entries are counted."""

    def count(self) -> int:
        """Count the entries. Slow on a filter."""

    def newer(self) -> int:
        """How many entries have arrived since."""

    def row_of(self, number: int) -> int | None:
        """Where the entry with this number stands, if it is among these."""

    def cancel(self) -> None:
        """Stop a running count."""


class LedgerView(ThreadWork, LineTable["EntrySheet"]):
    """A list of entries, read as they come on screen. `threaded=False` reads inline, for tests."""

    class Failed(Message):
        """Reading went wrong."""

        def __init__(self, error: BaseException) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self,
        columns: Sequence[Column[EntrySheet]],
        *,
        empty: str = "",
        threaded: bool = True,
        id: str | None = None,
    ) -> None:
        super().__init__(columns, lambda entry: entry.posting_id, empty=empty, id=id)
        self._reading: EntryReading | None = None
        self._pages: OrderedDict[int, tuple[EntrySheet, ...]] = OrderedDict()
        self._wishes: list[int] = []
        self._threaded = threaded
        self._loading = False
        self._counting = False

    # --- what is shown ---

    @property
    def row_count(self) -> int:
        reading = self._reading
        if reading is None:
            return 0
        return reading.at_least if reading.total is None else reading.total

    @property
    def count_text(self) -> str:
        """How many entries, honestly: `1,204`, or `400+ (counting)` while that is not known."""
        exact = self._reading is not None and self._reading.total is not None
        if exact or not self._counting:
            return f"{self.row_count:,}" + ("" if exact else "+")
        return f"{self.row_count:,}+ (counting)"

    def show(self, reading: EntryReading, first: tuple[EntrySheet, ...], cursor: int = 0) -> None:
        """Show another reading, whose newest page has been read; older answers are dropped."""
        self.stop()
        self._reading = reading
        self._pages.clear()
        self._pages[0] = first
        self._wishes.clear()
        self._loading = False
        self._cursor = cursor
        self.rows_changed()
        if cursor == 0:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.move_to(cursor)
        if reading.total is None:
            self._count(reading)

    def stop(self) -> None:
        """Stop counting: nobody waits for it any more."""
        if self._reading is not None and self._counting:
            self._reading.cancel()
            self._counting = False

    def on_unmount(self) -> None:
        self.stop()

    # --- reading ---

    def row_at(self, index: int) -> EntrySheet | None:
        number, offset = divmod(index, PAGE_ROWS)
        page = self._page(number)
        if offset > PAGE_ROWS - NEAR_A_PAGE_ROWS and self._goes_on_after(number, page):
            self._page(number + 1)
        elif offset < NEAR_A_PAGE_ROWS and number:
            self._page(number - 1)
        return page[offset] if page is not None and offset < len(page) else None

    def _goes_on_after(self, number: int, page: tuple[EntrySheet, ...] | None) -> bool:
        """Whether there is a further page, or may be one as long as nobody has counted."""
        if self._reading is not None and self._reading.total is None:
            return page is not None and len(page) == PAGE_ROWS
        return (number + 1) * PAGE_ROWS < self.row_count

    def _page(self, number: int) -> tuple[EntrySheet, ...] | None:
        page = self._pages.get(number)
        if page is not None:
            self._pages.move_to_end(number)
            return page
        if self._reading is None:
            return None
        if not self._threaded:
            page = self._reading.page(number)
            self._keep(number, page)
            return page
        if number not in self._wishes:
            self._wishes.append(number)
            del self._wishes[:-WISHES_KEPT]
        if not self._loading:
            self._loading = True
            self.call_later(self._load)
        return None

    def _load(self) -> None:
        """Fetch the page that was wished for last."""
        reading = self._reading
        if not self._wishes or reading is None:
            self._loading = False
            return
        number = self._wishes.pop()
        self.in_thread(
            lambda: reading.page(number),
            lambda page: self._loaded(reading, number, page),
            lambda error: self._failed(reading, error),
        )

    def _loaded(self, reading: EntryReading, number: int, page: tuple[EntrySheet, ...]) -> None:
        if reading is not self._reading:
            return
        self._keep(number, page)
        if number == self.cursor // PAGE_ROWS:
            self.post_message(self.Moved(self))
        self.refresh()
        self._load()

    def _failed(self, reading: EntryReading, error: BaseException) -> None:
        if reading is not self._reading:
            return
        # Out of reach until the entries are counted: asked for again when it is painted again.
        if not isinstance(error, LookupError):
            self.post_message(self.Failed(error))
        self._load()

    def _keep(self, number: int, page: tuple[EntrySheet, ...]) -> None:
        self._pages[number] = page
        self._pages.move_to_end(number)
        while len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)
        if self.virtual_size.height <= self.row_count:
            self.call_later(self.rows_changed)

    # --- counting ---

    def _count(self, reading: EntryReading) -> None:
        if not self._threaded:
            reading.count()
            self.rows_changed()
            return
        self._counting = True
        self.in_thread(
            reading.count,
            lambda _: self._counted(reading),
            lambda error: self._failed(reading, error),
        )

    def _counted(self, reading: EntryReading) -> None:
        if reading is self._reading:
            self._counting = False
            self.rows_changed()

"""The window on the ledger: only what is seen is read, and nothing ever waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from textual.app import App, ComposeResult

from billdesk.core.desk import ChargeRequest, Desk
from billdesk.core.rules.sheets import EntryFilter, EntrySheet
from billdesk.screens.ledger import LedgerScreen
from billdesk.screens.ledger_view import PAGE_ROWS, PAGES_KEPT, LedgerView
from billdesk.screens.line_table import Column
from tests.screens.desk_pilot import Staged, on_stage, press, settle, text_of, until, write
from tests.screens.shop import Shop

if TYPE_CHECKING:
    from textual.pilot import Pilot


SIZE = (60, 20)
COLUMNS = (
    Column[EntrySheet]("Number", 8, lambda row: str(row.number), right=True),
    Column[EntrySheet]("Subject", 20, lambda row: row.subject or "", grow=1),
)


@pytest.fixture
def desk(shop: Shop) -> Iterator[Desk]:
    """A shop with a few thousand more entries."""
    with shop.desk() as desk:
        desk.adjustments.credit("tokyo", "9000.00", memo="a very large deposit")
        for batch in range(3):
            desk.charges.create_many(
                [
                    ChargeRequest("tokyo", "0.10", f"bulk:{batch}:{number}", f"{kind} {number}")
                    for number in range(1_000)
                    for kind in (("rare" if number % 50 == 0 else "common"),)
                ]
            )
        yield desk


class Window(App[None]):
    """Nothing but the view."""

    CSS = "LedgerView { height: 1fr; }"

    def __init__(self, desk: Desk, wanted: EntryFilter, *, threaded: bool) -> None:
        super().__init__()
        self.view = LedgerView(COLUMNS, threaded=threaded)
        self._desk_read, self._wanted = desk, wanted

    def get_theme_variable_defaults(self) -> dict[str, str]:
        from billdesk.screens.themes import VARIABLE_DEFAULTS

        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        reading = self._desk_read.ledger.view(self._wanted)
        self.view.show(reading, reading.page(0))
        self.view.focus()


@asynccontextmanager
async def window(
    desk: Desk, wanted: EntryFilter | None = None, *, threaded: bool = False
) -> AsyncIterator[tuple[Pilot[None], LedgerView]]:
    app = Window(desk, wanted or EntryFilter(), threaded=threaded)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        yield pilot, app.view


def numbers(app: App[Any]) -> list[int]:
    """The entry numbers that are on screen, from top to bottom."""
    words = [line.replace("▌", " ").split() for line in text_of(app).split("\n")[1:]]
    return [int(line[0]) for line in words if line and line[0].isdecimal()]


@pytest.mark.parametrize("threaded", [False, True])
async def test_every_row_is_where_its_number_says(desk: Desk, *, threaded: bool) -> None:
    async with window(desk, threaded=threaded) as (pilot, view):
        top = view.row_count
        assert top == desk.ledger.pulse()
        assert numbers(pilot.app) == list(range(top, top - 19, -1))
        await press(pilot, "pagedown")
        assert numbers(pilot.app) == list(range(top - 19, top - 38, -1))
        await press(pilot, "G")
        await until(pilot, lambda: 1 in numbers(pilot.app))
        assert numbers(pilot.app) == list(range(19, 0, -1))
        await press(pilot, "g")
        assert numbers(pilot.app)[0] == top
        view.move_to(top // 2)
        await until(pilot, lambda: view.row is not None)
        assert view.row is not None
        assert view.row.number == top - top // 2


async def test_a_row_on_its_way_is_a_dim_dot_and_never_blocks(desk: Desk) -> None:
    async with window(desk, threaded=True) as (pilot, view):
        view.move_to(view.row_count // 2)
        assert view.row is None, "painting does not read"
        await asyncio.sleep(0)
        await until(pilot, lambda: view.row is not None)


async def test_memory_holds_no_more_than_its_pages(desk: Desk) -> None:
    async with window(desk) as (_, view):
        for index in range(0, view.row_count, PAGE_ROWS):
            view.row_at(index)
        assert len(view._pages) <= min(PAGES_KEPT, view.row_count // PAGE_ROWS + 1)


async def test_a_filtered_view_is_counted_and_says_so_meanwhile(desk: Desk) -> None:
    wanted = EntryFilter(text="rare")
    async with window(desk, wanted, threaded=True) as (pilot, view):
        await until(pilot, lambda: view.count_text == "60")
        assert all("rare" in line for line in text_of(pilot.app).split("\n")[1:18])


async def test_what_is_not_counted_yet_is_never_shown_as_exact(desk: Desk) -> None:
    reading = desk.ledger.view(EntryFilter(text="common"))
    view = LedgerView(COLUMNS)
    view._reading = reading
    assert view.count_text == "0+"
    reading.page(0)
    assert view.count_text == "200+"
    reading.count()
    assert view.count_text == "2,940"


async def test_one_reads_on_page_by_page_before_anything_is_counted(desk: Desk) -> None:
    reading = desk.ledger.view(EntryFilter(text="common"))
    async with window(desk) as (_, view):
        view._reading = reading
        view._pages.clear()
        assert view.row_count == 0
        view.row_at(0)
        for index in range(0, 600, 20):
            view.row_at(index)
        assert view.row_count >= 600
        assert reading.total is None


async def test_an_answer_to_an_older_filter_is_dropped(desk: Desk) -> None:
    async with window(desk) as (pilot, view):
        old = desk.ledger.view(EntryFilter())
        view._loaded(old, 0, old.page(1))
        assert numbers(pilot.app)[0] == view.row_count


async def test_the_marked_entry_is_kept_when_the_filter_changes(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "3", "j", "j", "j")
        screen = app.screen
        assert isinstance(screen, LedgerScreen)
        marked = screen.table.row
        assert marked is not None
        assert marked.kind == "charge"
        await press(pilot, "r")
        assert screen.table.row == marked
        await press(pilot, "slash")
        await write(pilot, "kind:charge")
        await press(pilot, "enter")
        await until(pilot, lambda: screen.table.row_count == 177)
        assert screen.table.cursor == 0, "a new filter begins at its newest entry"


async def test_kinds_are_cycled_by_one_key(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "3", "f")
        await until(pilot, lambda: "kind:deposit" in text_of(app))
        await press(pilot, "f", "f")
        await until(pilot, lambda: "kind:refund" in text_of(app))
        await until(pilot, lambda: "1 of 1" in text_of(app))

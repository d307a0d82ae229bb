from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from billdesk.screens.line_table import Column, lay_out
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.themes import VARIABLE_DEFAULTS
from tests.screens.desk_pilot import press, settle, text_of

COLUMNS = (
    Column[int]("Name", 6, lambda row: f"row {row}", grow=1),
    Column[int]("Amount", 8, lambda row: f"{row * 1000:,}", right=True),
    Column[int]("State", 6, lambda _: ("FROZEN", "bad"), from_width=40),
    Column[int]("S", 1, lambda _: "F", below_width=40),
)


class Listing(App[None]):
    """A list of numbers."""

    def __init__(self, rows: int = 100) -> None:
        super().__init__()
        self.table = PagedTable(COLUMNS, lambda row: f"id-{row}", empty="Nothing.\nPress n.")
        self._first = range(rows)
        self.asked: list[str] = []
        self.opened: list[int | None] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.show_rows(self._first, "more" if len(self._first) == 100 else None)
        self.table.focus()

    def on_paged_table_more(self, event: PagedTable.More) -> None:
        self.asked.append(event.after)

    def on_line_table_opened(self) -> None:
        self.opened.append(self.table.row)


def test_what_is_left_over_goes_to_the_columns_that_grow() -> None:
    widths = {slot.column.title: slot.width for slot in lay_out(COLUMNS, 60)}
    assert widths == {"Name": 60 - 8 - 6 - 3 * 2, "Amount": 8, "State": 6}


def test_a_narrow_table_leaves_columns_out() -> None:
    assert [slot.column.title for slot in lay_out(COLUMNS, 30)] == ["Name", "Amount", "S"]


async def test_keys_move_and_the_cursor_stays_in_sight() -> None:
    app = Listing()
    async with app.run_test(size=(50, 11)) as pilot:
        await press(pilot, "j", "j", "k", "down")
        assert app.table.row == 2
        await press(pilot, "pagedown")
        assert app.table.row == 12
        await press(pilot, "ctrl+d")
        assert app.table.row == 17
        await press(pilot, "ctrl+u", "pageup", "pageup")
        assert app.table.row == 0
        await press(pilot, "G")
        assert app.table.row == 99
        assert "row 99" in text_of(app)
        await press(pilot, "j", "enter", "g", "enter")
        assert app.opened == [99, 0]


async def test_the_next_page_is_asked_for_once_near_the_end() -> None:
    app = Listing()
    async with app.run_test(size=(50, 11)) as pilot:
        await press(pilot, "pagedown")
        assert app.asked == []
        await press(pilot, "G", "k", "j")
        assert app.asked == ["more"]
        app.table.add_rows(range(100, 120), None)
        await settle(pilot)
        assert app.table.row_count == 120
        assert app.table.is_whole


async def test_the_cursor_follows_its_row_when_the_list_is_read_again() -> None:
    app = Listing()
    async with app.run_test(size=(50, 11)) as pilot:
        await press(pilot, "j", "j", "j")
        app.table.show_rows([7, 8, 9, 3])
        await settle(pilot)
        assert (app.table.row, app.table.cursor) == (3, 3)
        app.table.show_rows([7, 8])
        await settle(pilot)
        assert app.table.row == 8, "its row is gone: the cursor stays in the list"


async def test_an_empty_list_says_what_to_do() -> None:
    app = Listing(rows=0)
    async with app.run_test(size=(50, 11)) as pilot:
        await press(pilot, "j", "G", "enter", "y", "Y")
        assert "Nothing.\n  Press n." in text_of(app)
        assert app.opened == []


async def test_the_marked_row_is_marked_by_a_sign_too() -> None:
    app = Listing()
    async with app.run_test(size=(50, 11)) as pilot:
        await press(pilot, "j")
        marked = [line for line in text_of(app).split("\n") if line.startswith("▌")]
        assert len(marked) == 1
        assert "row 1 " in marked[0]


async def test_a_click_marks_and_two_open() -> None:
    app = Listing()
    async with app.run_test(size=(50, 11)) as pilot:
        await settle(pilot)
        await pilot.click(app.table, offset=(4, 3))
        await settle(pilot)
        assert app.table.row == 2
        await pilot.click(app.table, offset=(4, 5), times=2)
        await settle(pilot)
        assert app.opened == [4]
        await pilot.click(app.table, offset=(4, 0))
        assert app.table.row == 4, "the head is no row"


@pytest.mark.parametrize("width", [20, 39, 41, 80, 200])
async def test_every_line_is_exactly_as_wide_as_the_list(width: int) -> None:
    app = Listing()
    async with app.run_test(size=(width, 11)) as pilot:
        await settle(pilot)
        assert {strip.cell_length for strip in app.screen._compositor.render_strips()} == {width}


async def test_an_empty_list_one_line_high_still_says_so() -> None:
    app = Listing(0)
    async with app.run_test(size=(50, 3)) as pilot:
        await settle(pilot)
        assert text_of(app).splitlines()[1].strip() == "Nothing."


async def test_nothing_is_offered_to_be_opened_or_copied_in_an_empty_list() -> None:
    app = Listing(0)
    async with app.run_test(size=(50, 11)) as pilot:
        await settle(pilot)
        assert not {"enter", "y", "Y"} & set(app.screen.active_bindings)
        app.table.show_rows(range(3))
        await settle(pilot)
        assert {"enter", "y", "Y"} <= set(app.screen.active_bindings)


async def test_what_an_empty_list_says_is_read_to_its_end() -> None:
    app = Listing(0)
    async with app.run_test(size=(50, 11)) as pilot:
        app.table.empty = "The connection to the database failed: " + "word " * 12 + "and the end"
        await settle(pilot)
        app.table.refresh()
        await settle(pilot)
        assert "and the end" in text_of(app)

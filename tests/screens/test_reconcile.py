"""Comparing with a gateway's own books: started at the desk, then worked off item by item."""

from __future__ import annotations

import csv
from pathlib import Path

from billdesk.screens.reconcile import Compare, ReconcileScreen
from billdesk.screens.reconcile_items import Explain, ReconcileItems
from tests.screens.desk_pilot import (
    LARGE,
    Staged,
    fill_in,
    on_stage,
    press,
    said,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import play
from tests.screens.shop import Shop

NOTE = "a link of their own, booked by hand next week"


async def test_a_comparison_is_started_and_leads_straight_to_what_does_not_match(
    at_till: Staged, till: Shop
) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "0", "N")
        assert where(app) is Compare
        await press(pilot, "tab")
        await fill_in(pilot, "not a day")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "is not a time" in text_of(app))
        await press(pilot, "shift+tab", "shift+tab", "shift+tab")
        await fill_in(pilot, "2026-02-01")
        await fill_in(pilot, "2026-03-12T12:00")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: where(app) is ReconcileItems)
        await until(pilot, lambda: "outcome:open" in text_of(app))
        assert "within the limit of 1,000.00 USD" in text_of(app)
        await press(pilot, "escape")
        await until(pilot, lambda: "2 of 2" in text_of(app))
        assert where(app) is ReconcileScreen
    with till.desk() as desk:
        assert len(desk.reconcile.list().rows) == 2


async def test_the_same_empty_screen_says_how_to_begin(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "0")
        assert "Press N" in text_of(app)


async def test_items_are_explained_one_after_the_other_until_none_is_left(
    at_till: Staged, till: Shop
) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "0", "enter")
        await until(pilot, lambda: "to explain" in text_of(app))
        assert "timing" in text_of(app)
        await press(pilot, "E")
        assert where(app) is Explain
        await write(pilot, "short")
        await press(pilot, "tab", "tab", "enter")
        assert where(app) is Explain, "a note says something"
        await press(pilot, "shift+tab", "shift+tab", "end", "ctrl+u")
        await write(pilot, NOTE)
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Nothing is left to explain" in text_of(app))
        assert "explained 1" in text_of(app)
        await press(pilot, "slash", "escape", "escape")
        await until(pilot, lambda: "of 38" in text_of(app))
        await press(pilot, "n")
        assert "nothing more to explain" in said(app)
        await press(pilot, "escape")
        await until(pilot, lambda: "all explained" in text_of(app))
    with till.desk() as desk:
        run = desk.reconcile.list().rows[0]
        [item] = desk.reconcile.items(run.id, "explained").rows
        assert (item.note, item.explained_by) == (NOTE, "mira")


async def test_n_goes_to_the_next_item_nobody_has_explained(at_till: Staged) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, "0", "enter", ("wait", "to explain"), "slash", "escape", "escape")
        await until(pilot, lambda: "of 38" in text_of(app))
        screen = app.screen
        assert isinstance(screen, ReconcileItems)
        screen.table.move_to(0)
        await press(pilot, "n")
        assert screen.table.row is not None
        assert screen.table.row.outcome == "timing"
        await press(pilot, "enter")
        assert "their fee" in text_of(app)
        await press(pilot, "escape", "G", "N")
        assert screen.table.row.outcome == "timing"
        await press(pilot, "f", "f")
        await until(pilot, lambda: "outcome:matched" in text_of(app))


async def test_the_items_are_exported_whole(at_till: Staged, tmp_path: Path) -> None:
    target = tmp_path / "items.csv"
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, "0", "enter", ("wait", "to explain"), "e")
        await fill_in(pilot, "csv")
        await fill_in(pilot, str(target))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
    with target.open(encoding="utf-8") as lines:
        assert len(list(csv.reader(lines))) == 39


async def test_whoever_only_looks_compares_and_explains_nothing(at_till: Staged) -> None:
    app = at_till(read_only=True)
    async with on_stage(app) as pilot:
        await press(pilot, "0", "N")
        assert where(app) is ReconcileScreen
        assert "read-only" in said(app)
        await play(pilot, "enter", ("wait", "timing"), "E")
        assert where(app) is ReconcileItems
        assert "read-only" in said(app)

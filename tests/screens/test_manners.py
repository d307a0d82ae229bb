"""Small things that make a desk pleasant: nothing is cut, lost or out of sight."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from billdesk.core.desk import create_ledger
from billdesk.core.values.clock import MovingClock
from billdesk.screens.account import AccountScreen
from billdesk.screens.balances import BalancesScreen
from billdesk.screens.chrome import StatusLine
from billdesk.screens.export import Export
from billdesk.screens.filter_line import FilterLine
from billdesk.screens.health import HealthScreen
from billdesk.screens.heartbeat import Rhythm
from billdesk.screens.invoice import InvoiceScreen
from billdesk.screens.line_input import LineInput
from billdesk.screens.palette import Palette
from billdesk.screens.reconcile import ReconcileScreen
from billdesk.screens.reconcile_items import ReconcileItems
from billdesk.screens.welcome import WelcomeScreen
from tests.screens.desk_pilot import (
    LARGE,
    PATIENCE_SECONDS,
    SMALL,
    Staged,
    app_on,
    on_stage,
    press,
    run_on,
    said,
    text_of,
    until,
    where,
    write,
)
from tests.screens.shop import NOW, Shop


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.csv*")}


async def test_a_digit_leads_to_the_list_and_minus_back_to_where_one_was(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "enter", "3", "minus")
        assert where(app) is AccountScreen
        await press(pilot, "3", "2")
        assert where(app) is BalancesScreen


async def test_attention_leads_to_its_list_with_an_account_left_open_there(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "enter", "1", "enter")
        await until(pilot, lambda: "standing:FROZEN" in text_of(app))
        assert isinstance(app.screen, BalancesScreen)


@pytest.mark.parametrize("key", ["1", "8", "9", "0"])
async def test_the_screen_one_is_at_is_in_sight_in_the_narrowest_bar(
    key: str, staged: Staged
) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, key)
        place = next(place for place in app.places if place.key == key)
        assert f"{key} {place.title}" in text_of(app).splitlines()[1]


async def test_a_bar_that_has_room_says_that_there_is_more(staged: Staged) -> None:
    app = staged()
    async with on_stage(app, (140, 36)) as pilot:
        assert text_of(app).splitlines()[1].endswith("0 Reconcile : more")
        await pilot.click("PlaceLine", offset=(119, 0))
        assert isinstance(app.screen, Palette)


async def test_a_message_longer_than_the_screen_is_wide_is_read_to_its_end(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        line = app.screen.query_one(StatusLine)
        line.say("word " * 30 + "and the end", "bad")
        await until(pilot, lambda: "and the end" in text_of(app))
        assert "1 of 5" in text_of(app)
        assert line.size.height == 3
        line.say("word " * 200, "bad")
        await until(pilot, lambda: "…" in text_of(app).splitlines()[-2])
        line.say("done")
        await until(pilot, lambda: line.size.height == 1)


async def test_a_message_is_read_in_full_from_the_log(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        app.remember("word " * 40 + "and the end", "bad")
        await press(pilot, "m")
        assert "and the end" not in text_of(app)
        await press(pilot, "enter")
        assert "andtheend" in run_on(app)
        await press(pilot, "escape", "escape")
        assert app.screen.is_current
        assert "Needs attention" in text_of(app)


async def test_help_says_how_to_leave_it_however_long_it_is(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "enter", "question_mark")
        assert "Esc closes" in text_of(app)
        assert "Reload" in text_of(app)
        await press(pilot, *"jjjj")
        assert "Reload" not in text_of(app)
        await press(pilot, *"kkkk")
        assert "Reload" in text_of(app)


async def test_a_long_posting_leaves_its_keys_in_sight(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "3", "enter")
        await until(pilot, lambda: "y copies the id" in text_of(app))


async def test_escape_in_a_filtered_list_brings_back_all_of_it(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "2", "slash")
        await write(pilot, "no such account")
        await press(pilot, "enter")
        await until(pilot, lambda: "Esc clears it" in text_of(app))
        assert " Open " not in text_of(app).splitlines()[-1], "there is nothing to open"
        await press(pilot, "escape")
        await until(pilot, lambda: "1 of 12" in text_of(app))
        assert " Open " in text_of(app).splitlines()[-1]


async def test_commands_begin_with_what_the_screen_can_do_and_end_with_leaving(
    staged: Staged,
) -> None:
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "2", "colon")
        palette = app.screen
        assert isinstance(palette, Palette)
        titles = [row.title for row in palette.table.rows]
        assert titles[:2] == ["Filter", "Sort"]
        assert set(titles[-2:]) == {"Leave", "Quit billdesk"}
        await write(pilot, "led")
        await until(pilot, lambda: palette.table.row is not None)
        assert palette.table.row is not None
        assert palette.table.row.title == "Ledger", "what begins so comes before what contains it"


async def test_a_path_is_completed_by_tab_and_nothing_else_is_chosen_by_it(tmp_path: Path) -> None:
    there = tmp_path / "books.ledger"
    create_ledger(str(there), clock=MovingClock(NOW)).close()
    app = app_on(tmp_path / "nothing.ledger")
    async with on_stage(app, LARGE) as pilot:
        await until(pilot, lambda: "Try the demo" in text_of(app))
        assert "Find account" not in text_of(app), "there is none without a ledger"
        await press(pilot, "o")
        await write(pilot, str(tmp_path / "boo"))
        await until(pilot, lambda: "books.ledger" in run_on(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Overview" in text_of(app).splitlines()[0])


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
async def test_an_empty_ledger_says_so_and_what_comes_next(
    size: tuple[int, int], tmp_path: Path
) -> None:
    create_ledger(str(tmp_path / "new.ledger"), clock=MovingClock(NOW)).close()
    app = app_on(tmp_path / "new.ledger")
    async with on_stage(app, size) as pilot:
        await until(pilot, lambda: "all is well" in text_of(app))
        shown = " ".join(text_of(app).split())
        for line in ("Balances –", "Standing –", "sandbox TEST never asked", "press N"):
            assert line in shown
        await press(pilot, "3")
        await until(pilot, lambda: "Make an account in Balances" in text_of(app))


async def test_an_export_is_stopped_by_esc_and_leaves_no_half_a_file(
    staged: Staged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = staged()
    half_way, go_on = threading.Event(), threading.Event()
    report = Export._reporter

    def slow_reporter(dialog: Export) -> Callable[[int, int], None]:
        said = report(dialog)

        def wait(rows: int, total: int) -> None:
            half_way.set()
            go_on.wait(PATIENCE_SECONDS)
            said(rows, total)

        return wait

    monkeypatch.setattr(Export, "_reporter", slow_reporter)
    async with on_stage(app) as pilot:
        await press(pilot, "e", "tab", "ctrl+u")
        await write(pilot, str(tmp_path / "all.csv"))
        await press(pilot, "tab", "tab")
        await pilot.press("enter")
        await asyncio.to_thread(half_way.wait, PATIENCE_SECONDS)
        await pilot.press("escape")
        go_on.set()
        await until(pilot, lambda: "Stopped. Nothing was written." in text_of(app))
        await press(pilot, "escape")
        assert not isinstance(app.screen, Export)
    assert names_in(tmp_path) == set()


async def test_what_is_proposed_is_typed_over_and_what_was_typed_is_not(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "e", *"jsonl")
        assert app.screen.query_one("#format", LineInput).value == "jsonl"
        await press(pilot, "escape", "2", "slash", *"birch", "enter")
        await press(pilot, "slash", "x")
        assert app.screen.query_one(FilterLine).value == "birchx"


async def test_a_note_about_the_checkpoint_leads_to_where_one_is_sealed(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        assert "no checkpoint was ever sealed" in text_of(app)
        await press(pilot, "G", "enter")
        assert where(app) is HealthScreen


async def test_an_invoice_is_opened_by_its_number(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "colon")
        await write(pilot, "inv INV-404")
        await press(pilot, "enter")
        assert where(app) is InvoiceScreen
        await until(pilot, lambda: "no invoice 'INV-404'" in text_of(app))


async def test_without_a_ledger_nothing_is_opened_by_name(tmp_path: Path) -> None:
    app = app_on(tmp_path / "nothing.ledger")
    async with on_stage(app) as pilot:
        await until(pilot, lambda: "Try the demo" in text_of(app))
        await press(pilot, "colon")
        await write(pilot, "acct acme")
        assert "No such command." in text_of(app)
        await press(pilot, "enter", "escape")
        assert where(app) is WelcomeScreen


async def test_escape_leads_back_from_a_screen_that_came_with_a_filter(at_till: Staged) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "0", "enter")
        await until(pilot, lambda: "timing" in text_of(app))
        await press(pilot, "f")
        await until(pilot, lambda: app.screen.query_one(FilterLine).value != "outcome:open")
        await press(pilot, "escape")
        assert where(app) is ReconcileItems
        assert app.screen.query_one(FilterLine).value == ""
        await press(pilot, "escape", "enter")
        await until(pilot, lambda: "outcome:open" in text_of(app))
        await press(pilot, "escape")
        assert where(app) is ReconcileScreen


async def test_the_keys_of_a_long_detail_stay_in_sight(at_till: Staged) -> None:
    app = at_till()
    async with on_stage(app) as pilot:
        await press(pilot, "4", "enter")
        await until(pilot, lambda: "disputed, 66.04" in text_of(app))
        assert "y copies the id" in text_of(app)
        await pilot.resize_terminal(80, 16)
        await until(pilot, lambda: "y copies the id" in text_of(app))


async def test_a_trouble_in_the_background_is_said_until_it_is_over(
    staged: Staged, shop: Shop
) -> None:
    app = staged(rhythm=Rhythm(pulse_seconds=0.05, tick_seconds=0))
    there, away = Path(shop.ledger), Path(f"{shop.ledger}.away")
    async with on_stage(app) as pilot:
        await asyncio.to_thread(there.rename, away)
        await until(pilot, lambda: "removed or replaced" in said(app))
        await asyncio.to_thread(away.rename, there)
        await until(pilot, lambda: said(app) == "")

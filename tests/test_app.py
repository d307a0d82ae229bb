"""The terminal door as a whole: opening, the background, and what it costs to get there."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.binding import Binding

from billdesk.app import TRY_DEMO, BilldeskApp, run_desk
from billdesk.core.desk import Desk, create_ledger, open_desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import NotALedger, NotFound, StoreGone
from billdesk.screens.account import AccountScreen
from billdesk.screens.balances import BalancesScreen
from billdesk.screens.health import HealthScreen
from billdesk.screens.heartbeat import Rhythm
from billdesk.screens.keeping import KeepingScreen
from billdesk.screens.ledger import LedgerScreen
from billdesk.screens.overview import OverviewScreen
from billdesk.screens.places import PLACES
from billdesk.screens.themes import THEME_NAMES
from billdesk.screens.welcome import WelcomeScreen
from tests.screens.conftest import furnished, shop, staged  # noqa: F401 - fixtures
from tests.screens.desk_pilot import STILL, Staged, on_stage, press, text_of, until, where, write
from tests.screens.shop import NOW, Shop


def app_on(path: Path) -> BilldeskApp:
    """The app on whatever is at a path, with the real ways to open and to make a ledger."""

    def opener(url: str | None) -> Desk:
        return open_desk(url or path, clock=MovingClock(NOW))

    def maker(url: str | None, asset: str) -> Desk:
        return create_ledger(url or path, asset=asset, clock=MovingClock(NOW))

    return BilldeskApp(opener, maker=maker, clock=MovingClock(NOW), rhythm=STILL)


# --- opening ---


async def test_the_desk_opens_on_its_overview(staged: Staged) -> None:  # noqa: F811
    app = staged()
    async with on_stage(app):
        assert where(app) is OverviewScreen
        assert "10 accounts" in text_of(app)
        assert "shop.ledger" in text_of(app)


async def test_it_can_open_straight_on_a_screen_or_an_account(staged: Staged) -> None:  # noqa: F811
    app = staged(place="ledger", account="birch")
    async with on_stage(app) as pilot:
        assert where(app) is AccountScreen
        assert "FROZEN  may not run" in text_of(app)
        await press(pilot, "escape")
        assert where(app) is LedgerScreen


async def test_the_first_frame_stands_before_the_ledger_is_open(shop: Shop) -> None:  # noqa: F811
    may_open = threading.Event()

    def opener(_: str | None) -> Desk:
        may_open.wait(10)
        return shop.desk()

    app = BilldeskApp(opener, maker=lambda _, __: shop.desk(), rhythm=STILL)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "opening" in text_of(app)
        assert "1 Overview" in text_of(app)
        await pilot.press("2", "j", "question_mark")
        may_open.set()
        await until(pilot, lambda: app.desk is not None)
    app.close_desk()


async def test_whoever_wants_the_demo_ends_the_desk_with_that_wish(tmp_path: Path) -> None:
    app = app_on(tmp_path / "new.ledger")
    async with on_stage(app) as pilot:
        await pilot.press("d")
        await pilot.pause()
    assert app.return_value == TRY_DEMO


async def test_without_a_ledger_one_is_welcomed_and_can_make_one(tmp_path: Path) -> None:
    app = app_on(tmp_path / "new.ledger")
    async with on_stage(app) as pilot:
        assert where(app) is WelcomeScreen
        for words in ("Try the demo", "New ledger", "Open another"):
            assert words in text_of(app)
        await press(pilot, "3", "ctrl+k", "e")
        assert where(app) is WelcomeScreen, "there is nothing else to show yet"
        await press(pilot, "n", "ctrl+u")
        await write(pilot, "CHF?")
        await press(pilot, "enter")
        assert "is not an asset" in text_of(app)
        await press(pilot, "ctrl+u")
        await write(pilot, "chf")
        await press(pilot, "enter")
        await until(pilot, lambda: "new.ledger" in text_of(app))
        assert where(app) is OverviewScreen
        assert "Today CHF" in text_of(app)
        assert "No accounts yet" in text_of(app)
        await press(pilot, "3")
        assert "No entries yet." in text_of(app)


async def test_another_ledger_can_be_opened_from_the_welcome(
    shop: Shop,  # noqa: F811
    tmp_path: Path,
) -> None:
    app = app_on(tmp_path / "none.ledger")
    async with on_stage(app) as pilot:
        await press(pilot, "o")
        await write(pilot, str(tmp_path / "neither.ledger"))
        await press(pilot, "enter")
        await until(pilot, lambda: "There is no ledger at" in text_of(app))
        await press(pilot, "ctrl+u")
        await write(pilot, shop.ledger)
        await press(pilot, "enter")
        await until(pilot, lambda: "10 accounts" in text_of(app))


@pytest.mark.parametrize(
    "error",
    [NotALedger("it holds photographs", "choose another"), StoreGone("no server", "start it")],
)
async def test_a_ledger_that_cannot_be_opened_is_said_in_words(error: Exception) -> None:
    def opener(_: str | None) -> Desk:
        raise error

    app = BilldeskApp(opener, maker=lambda _, __: opener(None), rhythm=STILL, url="x")
    async with on_stage(app):
        assert where(app) is WelcomeScreen
        assert str(error)[1:] in text_of(app)
        assert "Traceback" not in text_of(app)


@pytest.mark.parametrize(("wish", "value"), [("screen", "nowhere"), ("theme", "puce")])
def test_a_screen_or_theme_that_does_not_exist_is_refused_before_anything_opens(
    wish: str, value: str
) -> None:
    with pytest.raises(NotFound) as refusal:
        run_desk(None, **{wish: value})  # type: ignore[arg-type]  # one of two words
    assert "one of" in refusal.value.hint


# --- the background ---


async def test_the_desk_ticks_by_itself(staged: Staged, shop: Shop) -> None:  # noqa: F811
    app = staged(rhythm=Rhythm(pulse_seconds=0, tick_seconds=0.05))
    async with on_stage(app) as pilot:
        assert app.desk is not None
        desk = app.desk
        await until(pilot, lambda: _asked_now(desk))


def _asked_now(desk: Desk) -> bool:
    return all(gateway.last_polled_at == NOW for gateway in desk.gateways.list())


async def test_a_desk_to_look_at_never_ticks(staged: Staged) -> None:  # noqa: F811
    app = staged(read_only=True, rhythm=Rhythm(pulse_seconds=0, tick_seconds=0.01))
    async with on_stage(app) as pilot:
        await pilot.pause(0.3)
        assert app.desk is not None
        assert not _asked_now(app.desk)
        assert app.notes == app.notes.__class__(maxlen=app.notes.maxlen)


async def test_a_failing_background_is_said_once_and_is_no_crash(
    staged: Staged,  # noqa: F811
    shop: Shop,  # noqa: F811
) -> None:
    app = staged(rhythm=Rhythm(pulse_seconds=0.15, tick_seconds=0.15))
    async with on_stage(app) as pilot:
        assert app.desk is not None
        app.desk.close()
        for each in shop.folder.iterdir():
            each.write_bytes(b"somebody's photographs, in place of the ledger" * 200)
        await until(pilot, lambda: len(app.notes) == 2)
        await pilot.pause(0.5)
        assert app.is_running
        assert "Traceback" not in text_of(app)
        assert len(app.notes) == 2, "one for reading, one for ticking, however often they fail"
        app.desk = None


async def test_the_companion_leaves_when_the_desk_closes(shop: Shop) -> None:  # noqa: F811
    came, left = threading.Event(), threading.Event()

    def accompany(desk: Desk, closing: Callable[[], bool]) -> None:
        assert desk.info.demo
        came.set()
        while not closing():
            time.sleep(0.01)
        left.set()

    app = BilldeskApp(
        lambda _: shop.desk(),
        maker=lambda _, __: shop.desk(),
        rhythm=STILL,
        companion=accompany,
    )
    async with on_stage(app) as pilot:
        await until(pilot, came.is_set)
        assert not left.is_set()
    assert left.wait(5)


# --- keys ---


def test_no_key_means_two_things_on_one_screen() -> None:
    from billdesk.screens.line_table import LineTable

    for screen in (
        AccountScreen, HealthScreen, KeepingScreen, LedgerScreen, OverviewScreen, WelcomeScreen,
    ):  # fmt: skip
        keys: list[str] = []
        for owner in (LineTable, screen, BilldeskApp):
            for binding in owner.BINDINGS:
                assert isinstance(binding, Binding)
                keys += binding.key.split(",")
        doubled = {key for key, times in Counter(keys).items() if times > 1}
        # Escape goes back, wherever one is; welcome has a field to leave first.
        assert doubled <= {"escape"}, screen


def test_every_binding_has_a_name_of_its_own_to_be_remapped_by() -> None:
    from billdesk.screens.line_table import LineTable

    for owner in (BilldeskApp, LineTable, AccountScreen, KeepingScreen, LedgerScreen):
        names = [binding.id for binding in owner.BINDINGS if isinstance(binding, Binding)]
        assert all(names), owner
        assert len(set(names)) == len(names), owner


def test_money_needs_the_shift_key() -> None:
    for screen in (AccountScreen, BalancesScreen, LedgerScreen):
        for binding in screen.BINDINGS:
            assert isinstance(binding, Binding)
            if binding.id is not None and binding.id.startswith("act."):
                assert binding.key.isupper(), binding


async def test_every_main_screen_has_its_digit_and_q_leads_back(staged: Staged) -> None:  # noqa: F811
    app = staged()
    async with on_stage(app) as pilot:
        for place in PLACES:
            await press(pilot, place.key)
            assert app.current_mode == place.name
        await press(pilot, "minus")
        assert app.current_mode == PLACES[-2].name
        await press(pilot, "q")
        assert where(app) is OverviewScreen
        await press(pilot, "q")
        assert app.is_running
        assert "ctrl+q quits" in text_of(app)
        await press(pilot, "ctrl+q")
    assert not app.is_running


async def test_themes_go_round_by_one_key(staged: Staged) -> None:  # noqa: F811
    app = staged()
    async with on_stage(app) as pilot:
        seen = [app.theme]
        for _ in THEME_NAMES[1:]:
            await press(pilot, "ctrl+t")
            seen.append(app.theme)
        assert seen == list(THEME_NAMES)


# --- what it costs ---


def test_the_first_frame_needs_neither_store_nor_dialogs() -> None:
    program = (
        "import sys; import billdesk.app, billdesk.screens.overview;"
        "print(*sorted(name for name in sys.modules if name.startswith(("
        "'billdesk.core', 'sqlmodel', 'sqlalchemy', 'psycopg', 'pydantic', 'plotext',"
        "'billdesk.screens.review', 'billdesk.screens.filter'))))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()
    assert set(loaded) <= {
        "billdesk.core",
        "billdesk.core.values",
        "billdesk.core.values.clock",
        "billdesk.core.values.errors",
        "billdesk.core.values.ids",
        "billdesk.core.values.money",
        "billdesk.core.values.plain_text",
    }

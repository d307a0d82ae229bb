"""Moving the ledger at the desk: looked at first, then done, with a receipt that shows the proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from textual.widgets import Button

from billdesk.core.desk import open_desk
from billdesk.core.rules.sheets import MoveSheet
from billdesk.screens.chrome import StatusLine
from billdesk.screens.keeping import KeepingScreen
from billdesk.screens.moving import Move, _receipt
from tests.postgres_fixtures import Databases
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    app_on,
    fill_in,
    on_stage,
    press,
    run_on,
    stage,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import Step, play
from tests.screens.shop import Shop
from tests.screens.test_keeping import KEEPING

if TYPE_CHECKING:
    from textual.pilot import Pilot

Compare = Callable[..., bool]

CHECK = ("tab", "tab", "enter")


@pytest.fixture
def at_home(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop in the present folder, and so under a path that is the same everywhere."""
    monkeypatch.chdir(shop.folder)
    return Shop(shop.folder, "shop.ledger")


@pytest.fixture(params=[SMALL, LARGE], ids=["80x24", "120x36"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Both sizes that were agreed."""
    chosen: tuple[int, int] = request.param
    return chosen


@pytest.fixture
def team(
    size: tuple[int, int], postgres_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The short address of an empty database whose name is the same every time."""
    name = f"team_of_{size[0]}"
    parts = conninfo_to_dict(postgres_databases.url)
    for variable, part in (("PGHOST", "host"), ("PGPORT", "port"), ("PGUSER", "user")):
        if part in parts:
            monkeypatch.setenv(variable, str(parts[part]))
    with psycopg.connect(postgres_databases.url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield f"postgresql:///{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


# --- how it looks ---


def test_moving_looks_as_it_was_agreed(
    size: tuple[int, int], at_home: Shop, snap_compare: Compare
) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *KEEPING, "V")

    assert snap_compare(stage(at_home), terminal_size=size, run_before=act_it_out)


@pytest.mark.parametrize("scene", ["seen", "done"])
def test_what_would_be_moved_and_what_was_looks_as_it_was_agreed(
    scene: str, size: tuple[int, int], at_home: Shop, team: str, snap_compare: Compare
) -> None:
    seen: tuple[Step, ...] = (*KEEPING, "V", ("write", team), *CHECK, ("wait", "last button"))
    done: tuple[Step, ...] = ("tab", "enter", ("wait", "Done."))

    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *(seen if scene == "seen" else (*seen, *done)))

    assert snap_compare(stage(at_home), terminal_size=size, run_before=act_it_out)


# --- doing it ---


async def test_a_ledger_is_looked_at_moved_and_opened(
    shop: Shop, postgres_empty_url: str, tmp_path: Path
) -> None:
    with shop.desk() as desk:
        moved = desk.move(postgres_empty_url)
    home = tmp_path / "new" / "home.ledger"
    app = app_on(postgres_empty_url)
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *KEEPING, "V")
        assert "moved-2026-03-12.ledger" in text_of(app), "a file is proposed"
        assert app.screen.query_one("#move", Button).disabled
        await fill_in(pilot, str(home))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "last button" in text_of(app))
        assert not home.exists()
        await press(pilot, "shift+tab", "shift+tab", "shift+tab")
        await write(pilot, "x")
        assert app.screen.query_one("#move", Button).disabled, "what was seen was of another file"
        await fill_in(pilot, str(home))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "last button" in text_of(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert (moved.heads or "?")[:16] in text_of(app), "the same as on the way there"
        await press(pilot, "enter", "y")
        assert where(app) is Move, "the receipt is not put away unread"
        assert app.clipboard == str(home)
        await press(pilot, "o")
        await until(pilot, lambda: where(app) is not Move and "SQLite" in text_of(app))
        assert app.ledger is not None
        assert app.ledger.where == str(home)
    with open_desk(home, gateways=()) as desk, shop.desk() as before:
        assert desk.ledger.entries().rows == before.ledger.entries().rows


async def test_what_cannot_be_moved_is_refused_and_what_was_typed_is_not_lost(
    staged: Staged, shop: Shop, tmp_path: Path
) -> None:
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *KEEPING, "V", "o", "y", "escape", "V")
        for target, words in (
            (str(tmp_path / "other.ledger"), "are SQLite files"),
            ("postgresql://host:port/name", "no address of a Postgres database"),
            (f"postgresql:///none?host={tmp_path}", "connection to the"),
        ):
            await fill_in(pilot, target)
            await press(pilot, "tab", "enter")
            await until(pilot, lambda words=words: words in text_of(app))  # type: ignore[misc]
            assert app.screen.query_one("#move", Button).disabled
            assert "fault inside" not in text_of(app)
            await press(pilot, "shift+tab", "shift+tab")
        assert f"none?host={tmp_path}".replace(" ", "")[:20] in run_on(app)
    assert not (tmp_path / "other.ledger").exists()


async def test_whoever_only_looks_moves_nothing(staged: Staged) -> None:
    app = staged(read_only=True)
    async with on_stage(app) as pilot:
        await play(pilot, *KEEPING, "V")
        assert where(app) is KeepingScreen
        assert "read-only" in app.screen.query_one(StatusLine).said


def test_a_receipt_that_lacks_something_says_so_before_everything() -> None:
    sheet = MoveSheet(
        source="a", source_kind="sqlite", target="b", target_kind="postgres", ledger_id="led_1",
        schema="1", wallets=1, entries=1, tables={"entry": 1, "gap": 0}, own_tables=(), books=None,
        notes=("somebody wrote",), heads="ab" * 32, behind={"entry": 2},
    )  # fmt: skip
    lines = _receipt(sheet)
    assert [line[1] for line in lines[:2]] == ["Done, but it lacks something.", "somebody wrote"]
    assert ("copied", "1 row of 1 table, all read back the same", "") in lines

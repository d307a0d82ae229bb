"""Backing up, restoring, migrating, granting: what a shell can do with a ledger, done at the desk."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Input

from billdesk.app import BilldeskApp
from billdesk.core.desk import Desk, default_paths, open_desk
from billdesk.core.store.schema import SCHEMA_VERSION, revision_statements
from billdesk.core.store.sqlite import APPLICATION_ID, sqlite3
from billdesk.screens.chrome import StatusLine
from billdesk.screens.health import HealthScreen
from billdesk.screens.keeping import KeepingScreen
from billdesk.screens.overview import OverviewScreen
from billdesk.screens.task import TaskDialog
from billdesk.screens.welcome import WelcomeScreen
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    STILL,
    Staged,
    app_on,
    fill_in,
    on_stage,
    press,
    run_on,
    said,
    stage,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import Step, play
from tests.screens.shop import Shop

if TYPE_CHECKING:
    from textual.pilot import Pilot

Compare = Callable[..., bool]

KEEPING: tuple[Step, ...] = ("8", "b")


def backups() -> list[Path]:
    """What lies where the desk proposes to put backups."""
    return sorted((default_paths().data / "backups").glob("*"))


def names_in(folder: Path) -> set[str]:
    """What lies in a folder."""
    return {each.name for each in folder.iterdir()}


# --- how it looks ---


@pytest.fixture
def at_home(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop in the present folder, and so under a path that is the same everywhere."""
    monkeypatch.chdir(shop.folder)
    monkeypatch.setenv("XDG_DATA_HOME", "kept")
    return Shop(shop.folder, "shop.ledger")


SCENES: dict[str, tuple[Step, ...]] = {
    "keeping": KEEPING,
    "backup": (*KEEPING, "B"),
    "restore": (*KEEPING, "R"),
    "restore-refused": (
        *KEEPING, "R", ("write", "none.backup"), "tab", "tab", "tab", "enter", ("wait", "Not done"),
    ),
    "grant-refused": (*KEEPING, "L"),
}  # fmt: skip


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
def test_keeping_looks_as_it_was_agreed(
    scene: str, size: tuple[int, int], at_home: Shop, snap_compare: Compare
) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *SCENES[scene])

    assert snap_compare(stage(at_home), terminal_size=size, run_before=act_it_out)


# --- getting there ---


async def test_keeping_is_one_key_from_health_and_by_name_from_everywhere(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await press(pilot, "8")
        assert where(app) is HealthScreen
        await press(pilot, "b")
        assert where(app) is KeepingScreen
        for words in ("shop.ledger", "a SQLite file", f"schema {SCHEMA_VERSION}", "none known of"):
            assert words in text_of(app)
        await press(pilot, "minus")
        assert where(app) is HealthScreen
        await press(pilot, "3", "colon")
        await write(pilot, "migrate")
        await press(pilot, "enter")
        assert where(app) is KeepingScreen
        await press(pilot, "q")
        assert where(app) is OverviewScreen


async def test_the_desk_can_open_straight_on_keeping_and_its_list_does_what_its_keys_do(
    staged: Staged,
) -> None:
    app = staged(place="keeping")
    async with on_stage(app) as pilot:
        await press(pilot, "enter")
        assert where(app) is TaskDialog
        assert "Back up the ledger" in text_of(app)
        await press(pilot, "escape", "j", "enter")
        assert "Restore a backup" in text_of(app)


# --- backing up ---


async def test_a_backup_is_made_where_it_is_proposed_proven_and_known_of(
    staged: Staged, shop: Shop
) -> None:
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *KEEPING, "B", "tab", "tab", "enter", ("wait", "Done."))
        (made,) = backups()
        assert "the copy proves true" in text_of(app)
        assert made.name in run_on(app)
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        with open_desk(made, read_only=True) as copy, shop.desk() as open_one:
            assert copy.info.ledger_id == open_one.info.ledger_id
            assert copy.ledger.entries().rows == open_one.ledger.entries().rows
        await press(pilot, "y")
        assert app.clipboard == str(made)
        await press(pilot, "escape")
        await until(pilot, lambda: made.name in run_on(app))
        assert "none known of" not in text_of(app)


async def test_nothing_is_backed_up_over_a_file_and_what_was_typed_is_not_lost(
    staged: Staged, tmp_path: Path
) -> None:
    taken, free = tmp_path / "taken.backup", tmp_path / "free.backup"
    taken.write_text("somebody's photographs", encoding="utf-8")
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, *KEEPING, "B")
        await fill_in(pilot, str(taken))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "There is a file at" in text_of(app))
        assert where(app) is TaskDialog
        assert app.focused is not None
        assert app.focused.id == "start", "another try is one key away"
        await press(pilot, "shift+tab", "shift+tab")
        await fill_in(pilot, str(free))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
    assert taken.read_text(encoding="utf-8") == "somebody's photographs"
    assert free.exists()


async def test_nothing_is_done_by_enter_in_a_field_or_by_leaving(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, *KEEPING, "B", "enter", "enter")
        assert where(app) is KeepingScreen, "Enter went on to Cancel, and Cancel leaves"
        await press(pilot, "B", "tab", "tab", "escape")
        assert where(app) is KeepingScreen
    assert backups() == []


async def test_a_damaged_ledger_is_backed_up_and_said_to_be_damaged(
    staged: Staged, shop: Shop
) -> None:
    with sqlite3.connect(shop.ledger) as ledger:
        ledger.execute("DROP TRIGGER IF EXISTS entry_no_update")
        triggers = ledger.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for (name,) in triggers:
            ledger.execute(f'DROP TRIGGER "{name}"')
        ledger.execute("UPDATE entry SET amount_minor = amount_minor + 1 WHERE number = 3")
    ledger.close()
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *KEEPING, "B", "tab", "tab", "enter", ("wait", "Done."))
        assert "in the copy" in text_of(app)
        assert "proves true" not in text_of(app)
    assert len(backups()) == 1


# --- restoring ---


async def test_a_backup_becomes_a_new_ledger_which_can_be_opened_at_once(
    shop: Shop, tmp_path: Path
) -> None:
    backup, restored = tmp_path / "shop.backup", tmp_path / "again" / "restored.ledger"
    with shop.desk() as desk:
        desk.backup(backup)
        desk.accounts.add("later", name="After the backup")
    app = app_on(shop.ledger)
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *KEEPING, "R")
        await fill_in(pilot, str(backup))
        await fill_in(pilot, str(restored))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert "it proves true" in text_of(app)
        assert app.ledger is not None
        assert app.ledger.where == shop.ledger, "what is open stays open until something else is"
        await press(pilot, "o")
        await until(pilot, lambda: "restored.ledger" in text_of(app))
        assert app.ledger.where == str(restored)
        assert app.desk is not None
        assert len(app.desk.accounts.list().rows) == 10
        await press(pilot, "M")
        await until(pilot, lambda: "nothing to do" in said(app))
    with shop.desk() as desk:
        assert len(desk.accounts.list().rows) == 11


@pytest.mark.parametrize("kind", ["the open ledger", "no backup", "no such file", "too long"])
async def test_what_cannot_be_restored_is_refused_in_words(
    kind: str, staged: Staged, shop: Shop, tmp_path: Path
) -> None:
    backup, prose = tmp_path / "shop.backup", tmp_path / "prose.txt"
    prose.write_text("Call me Ishmael. " * 400, encoding="utf-8")
    with shop.desk() as desk:
        desk.backup(backup)
    source, target, words = {
        "the open ledger": (backup, shop.ledger, "There is a file at"),
        "no backup": (prose, tmp_path / "new", "is not a ledger"),
        "no such file": (tmp_path / "none", tmp_path / "new", "There is no backup at"),
        "too long": (backup, tmp_path / ("x" * 300), "cannot be reached"),
    }[kind]
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *KEEPING, "R")
        await fill_in(pilot, str(source))
        await fill_in(pilot, str(target))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Not done." in text_of(app))
        assert words.replace(" ", "") in run_on(app)
        assert "fault inside" not in text_of(app)
        typed = [field.value for field in app.screen.query(Input)]
        assert typed[0] == str(source), "what was typed is still there"
    assert not (tmp_path / "new").exists()


async def test_a_newcomer_restores_without_a_ledger_to_begin_with(
    shop: Shop, tmp_path: Path
) -> None:
    backup, restored = tmp_path / "shop.backup", tmp_path / "restored.ledger"
    with shop.desk() as desk:
        desk.backup(backup)
    app = app_on(tmp_path / "none.ledger")
    async with on_stage(app, LARGE) as pilot:
        assert where(app) is WelcomeScreen
        await press(pilot, "b")
        await fill_in(pilot, str(backup))
        await fill_in(pilot, str(restored))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "o")
        await until(pilot, lambda: "10 accounts" in text_of(app))


# --- migrating ---


def older_ledger(path: Path) -> None:
    """A ledger as the first billdesk made it."""
    with sqlite3.connect(str(path), isolation_level=None) as old:
        for statement in revision_statements("sqlite", "0001"):
            old.execute(statement)
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        old.execute("INSERT INTO alembic_version VALUES ('0001')")
        meta = {
            "ledger_id": "led_01jqzzzzzzzzzzzzzzzzzzzzzz", "default_asset": "USD", "zone": "UTC",
            "created_at": "2026-01-01T00:00:00Z", "demo": "no",
        }  # fmt: skip
        old.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
    old.close()


async def test_an_older_ledger_is_brought_up_to_date_after_a_backup_and_opened(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old.ledger"
    older_ledger(path)
    app = app_on(path)
    async with on_stage(app, LARGE) as pilot:
        assert where(app) is WelcomeScreen
        assert "has the older schema 0001" in text_of(app)
        await press(pilot, "u")
        assert "no entry is changed" in text_of(app)
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert f"schema 0001 → {SCHEMA_VERSION}, backup at" in text_of(app)
        await press(pilot, "o")
        await until(pilot, lambda: where(app) is OverviewScreen)
        assert app.ledger is not None
        assert app.ledger.schema == SCHEMA_VERSION
    assert f"old.ledger.before-{SCHEMA_VERSION}" in names_in(tmp_path)


async def test_bringing_up_to_date_is_offered_to_nobody_else(tmp_path: Path) -> None:
    app = app_on(tmp_path / "none.ledger")
    async with on_stage(app) as pilot:
        assert "Bring up to date" not in text_of(app)
        await press(pilot, "u")
        assert where(app) is WelcomeScreen


# --- granting ---


async def test_a_file_has_no_logins_and_that_is_said(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, *KEEPING, "L")
        assert where(app) is KeepingScreen
        assert "has no logins" in said(app)


# --- looking only ---


async def test_whoever_only_looks_is_refused_in_words_and_may_still_take_a_copy(
    staged: Staged,
) -> None:
    app = staged(read_only=True)
    async with on_stage(app) as pilot:
        await play(pilot, *KEEPING)
        for key in ("R", "M", "I"):
            app.screen.query_one(StatusLine).say("")
            await press(pilot, key)
            assert where(app) is KeepingScreen
            assert "read-only" in said(app), key
        await press(pilot, "B", "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
    assert len(backups()) == 1


async def test_whoever_only_looks_makes_nothing_from_the_welcome_either(tmp_path: Path) -> None:
    path = tmp_path / "old.ledger"
    older_ledger(path)

    def opener(_: str | None) -> Desk:
        return open_desk(path, read_only=True)

    app = BilldeskApp(
        opener, maker=lambda _, __: opener(None), url=str(path), rhythm=STILL, read_only=True
    )
    async with on_stage(app) as pilot:
        for key in ("u", "b", "n"):
            app.screen.query_one(StatusLine).say("")
            await press(pilot, key)
            assert where(app) is WelcomeScreen
            assert "read-only" in said(app), key
    assert names_in(tmp_path) == {"old.ledger"}

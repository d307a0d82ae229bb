"""Accounts and entries come in from a CSV file at the desk: seen first, then all or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Button

from billdesk.app import BilldeskApp
from billdesk.core.values.errors import BadInput
from billdesk.screens.detail import Detail
from billdesk.screens.importing import Import
from billdesk.screens.line_input import LineInput
from billdesk.screens.overview import OverviewScreen
from billdesk.screens.path_line import PathEnding, read_address, read_path
from billdesk.screens.progress import BAR_CELLS, Progress, bar, reporter
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    on_stage,
    press,
    stage,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import Step, play
from tests.screens.shop import HOSTILE_NAMES, Shop
from tests.screens.test_hostile_text import lines_that_spill, raw_characters

if TYPE_CHECKING:
    from textual.pilot import Pilot

Compare = Callable[..., bool]

ACCOUNTS = """ref,name,email,opening_balance,asset,credit_limit
quarry,Quarry Stone,office@quarry.example,120.50,USD,
river,River Boats,,0,USD,500
summit,Summit Guides,,-20.00,USD,100
"""
WRONG_ACCOUNTS = """ref,name,opening_balance
quarry,Quarry Stone,120.50
no spaces here,Nobody,1
acme,Somebody Else,1
river,River Boats,twelve
"""
ENTRIES = """account,reference,kind,amount,happened_at
acme,old:1,credit,10.00,2026-01-05
acme,old:2,charge,4.00,2026-01-06
"""


def imports_offered(app: BilldeskApp) -> bool:
    return not app.screen.query_one("#import", Button).disabled


async def ask_for_import(pilot: Pilot[Any], path: Path | str, kind: str = "accounts") -> None:
    """Open the dialog from wherever one is, fill it in, and have the file checked."""
    await press(pilot, "colon")
    await write(pilot, "import accounts")
    await press(pilot, "enter", "end", "ctrl+u")
    await write(pilot, kind)
    await press(pilot, "tab")
    await write(pilot, str(path))
    await press(pilot, "tab", "tab", "enter")


def table(tmp_path: Path, text: str) -> Path:
    """A CSV file."""
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


# --- how it looks ---

TO_THE_PATH: tuple[Step, ...] = ("8", "b", "I", "tab")
SCENES: dict[str, tuple[str, tuple[Step, ...]]] = {
    "import": (ACCOUNTS, TO_THE_PATH),
    "import-checked": (
        ACCOUNTS,
        (*TO_THE_PATH, ("write", "table.csv"), "tab", "tab", "enter", ("wait", "would be new")),
    ),
    "import-wrong": (
        WRONG_ACCOUNTS,
        (*TO_THE_PATH, ("write", "table.csv"), "tab", "tab", "enter", ("wait", "cannot be taken")),
    ),
    "import-done": (
        ACCOUNTS,
        (*TO_THE_PATH, ("write", "table.csv"), "tab", "tab", "enter", ("wait", "would be new"),
         "tab", "enter", ("wait", "Imported.")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
def test_importing_looks_as_it_was_agreed(
    scene: str,
    size: tuple[int, int],
    shop: Shop,
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, steps = SCENES[scene]
    table(shop.folder, text)
    monkeypatch.chdir(shop.folder)
    at_home = Shop(shop.folder, "shop.ledger")

    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *steps)

    assert snap_compare(stage(at_home), terminal_size=size, run_before=act_it_out)


# --- what it does ---


async def test_a_file_is_seen_before_it_comes_in_and_comes_in_once(
    staged: Staged, tmp_path: Path
) -> None:
    path = table(tmp_path, ACCOUNTS)
    app = staged()
    async with on_stage(app) as pilot:
        await ask_for_import(pilot, path)
        await until(pilot, lambda: "3 would be new, 0 known already" in text_of(app))
        assert app.desk is not None
        assert len(app.desk.accounts.list().rows) == 10, "nothing was kept of the rehearsal"
        assert app.focused is not None
        assert app.focused.id == "start", "a second Enter checks again, and imports nothing"
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Imported." in text_of(app))
        assert "3 new of 3 lines, 0 known already" in text_of(app)
        assert str(app.desk.wallets.balance("quarry").balance) == "120.50 USD"
        assert str(app.desk.wallets.balance("summit").balance) == "-20.00 USD"
        await press(pilot, "enter")
        assert where(app) is Import, "the result is not put away unread"
        await press(pilot, "escape")
        assert where(app) is OverviewScreen
        await until(pilot, lambda: "13 accounts" in text_of(app))
        await ask_for_import(pilot, path)
        await until(pilot, lambda: "0 would be new, 3 known already" in text_of(app))


async def test_entries_come_in_through_the_same_verb_as_in_the_shell(
    staged: Staged, tmp_path: Path
) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        assert app.desk is not None
        before = app.desk.wallets.balance("acme").balance
        await ask_for_import(pilot, table(tmp_path, ENTRIES), "entries")
        await until(pilot, lambda: "2 would be new" in text_of(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Imported." in text_of(app))
        assert app.desk.wallets.balance("acme").balance.minor == before.minor + 600
        assert app.desk.audit.list(action="import.entries").rows


async def test_every_line_that_cannot_be_taken_is_listed_and_none_comes_in(
    staged: Staged, tmp_path: Path
) -> None:
    path = table(tmp_path, WRONG_ACCOUNTS)
    app = staged()
    async with on_stage(app) as pilot:
        await ask_for_import(pilot, path)
        await until(pilot, lambda: "3 lines of 4 cannot be taken" in text_of(app))
        screen = app.screen
        assert isinstance(screen, Import)
        assert [row.line for row in screen.table.rows] == [3, 4, 5]
        assert not imports_offered(app)
        assert app.desk is not None
        assert len(app.desk.accounts.list().rows) == 10
        await press(pilot, "shift+tab", "shift+tab", "j", "enter")
        assert where(app) is Detail
        assert "Acme Plumbing Ltd" in text_of(app), "a line is shown in full"
        await press(pilot, "escape")
        table(tmp_path, ACCOUNTS)
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "3 would be new" in text_of(app))
        assert "cannot be taken" not in text_of(app)


async def test_what_was_checked_is_what_may_be_imported(staged: Staged, tmp_path: Path) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await ask_for_import(pilot, table(tmp_path, ACCOUNTS))
        await until(pilot, lambda: imports_offered(app))
        await press(pilot, "shift+tab", "shift+tab", "x")
        assert not imports_offered(app), "another file has to be checked first"
        await press(pilot, "backspace", "tab", "tab", "enter")
        await until(pilot, lambda: imports_offered(app))
        table(tmp_path, WRONG_ACCOUNTS)
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "3 lines of 4 cannot be taken" in text_of(app))
        assert app.desk is not None
        assert len(app.desk.accounts.list().rows) == 10, "a file that changed since is refused"


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("", "accounts", "No file is named"),
        ("table.csv", "invoices", "is not offered"),
        ("none.csv", "accounts", "cannot be read"),
        ("", "", "is not offered"),
        ("table.csv", "entries", "olumn"),
        ("/", "accounts", "cannot be read"),
        ("~nobody-at-all/x.csv", "accounts", "nobody's home folder"),
        ("x" * 300, "accounts", "cannot be read"),
        ("a\x00b", "accounts", "cannot be seen"),
    ],
)
async def test_what_cannot_be_imported_is_refused_in_words(
    path: str,
    kind: str,
    words: str,
    staged: Staged,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path, ACCOUNTS)
    app = staged()
    async with on_stage(app) as pilot:
        await ask_for_import(pilot, path, kind)
        await until(pilot, lambda: words in text_of(app))
        assert where(app) is Import
        assert "fault inside" not in text_of(app)
        assert app.screen.query_one("#field-path", LineInput).value == path
        assert app.focused is not None
        assert app.focused.id == "start"
        assert not imports_offered(app)


async def test_whoever_only_looks_imports_nothing(staged: Staged) -> None:
    app = staged(read_only=True)
    async with on_stage(app) as pilot:
        await press(pilot, "colon")
        await write(pilot, "import accounts")
        await press(pilot, "enter")
        assert where(app) is OverviewScreen
        assert "read-only" in text_of(app)


@pytest.mark.parametrize(
    "size",
    [pytest.param(SMALL, id="80x24"), pytest.param(LARGE, id="120x36", marks=pytest.mark.soak)],
)
async def test_a_hostile_file_is_shown_and_never_obeyed(
    size: tuple[int, int], staged: Staged, tmp_path: Path
) -> None:
    rows = "".join(f'"{name}","{name}",1\n' for name in HOSTILE_NAMES.values())
    path = table(tmp_path, "ref,name,opening_balance\n" + rows)
    app = staged()
    async with on_stage(app, size) as pilot:
        await ask_for_import(pilot, path)
        await until(pilot, lambda: "cannot be taken" in text_of(app))
        assert raw_characters(app) == set()
        assert lines_that_spill(app) == []
        await press(pilot, "shift+tab", "shift+tab")
        for _ in HOSTILE_NAMES:
            await press(pilot, "enter")
            assert where(app) is Detail
            assert raw_characters(app) == set()
            assert lines_that_spill(app) == []
            await press(pilot, "escape", "j")


# --- paths ---


def test_a_path_is_read_as_a_shell_would(home: Path) -> None:
    assert read_path("  ~/table.csv ") == str(home / "table.csv")
    assert read_path("./~x") == "./~x"
    assert read_address(" postgresql://mira@host/desk ") == "postgresql://mira@host/desk"
    assert read_address("~/desk.ledger") == str(home / "desk.ledger")
    assert read_address("desk.ledger") == str(Path.cwd() / "desk.ledger")


@pytest.mark.parametrize("text", ["", "  ", "a\x1bb", "a\nb", "~nobody-at-all/x", "x\u202ey"])
def test_what_can_be_no_path_is_refused(text: str) -> None:
    for read in (read_path, read_address):
        with pytest.raises(BadInput):
            read(text)


async def test_a_path_is_completed_by_what_is_there(tmp_path: Path) -> None:
    for name in (
        "data.csv",
        "data.txt",
        "other.csv",
        ".hidden.csv",
        "evil\u202e.csv",
        "e\x1bc.csv",
    ):
        (tmp_path / name).touch()
    (tmp_path / "deep").mkdir()
    csv = PathEnding(".csv")
    for typed, completed in {
        "dat": "data.csv",
        "de": "deep/",
        "o": "other.csv",
        "e": None,
        ".": ".hidden.csv",
        "data.csv": None,
        "none/": None,
        "": "data.csv",
    }.items():
        wanted = None if completed is None else f"{tmp_path}/{completed}"
        assert await csv.get_suggestion(f"{tmp_path}/{typed}") == wanted, typed
    assert await csv.get_suggestion("") is None
    assert await csv.get_suggestion("a\x00b/c") is None
    assert await PathEnding().get_suggestion(f"{tmp_path}/data.t") == f"{tmp_path}/data.txt"


# --- progress ---


def test_a_bar_shows_the_share_and_never_more_than_all() -> None:
    assert bar(Progress("copying", 0, 0)) == "copying …"
    half = bar(Progress("importing", 50, 100))
    assert half == f"importing [{'#' * (BAR_CELLS // 2):.<{BAR_CELLS}}]  50%"
    assert bar(Progress("importing", 300, 100)).endswith(f"[{'#' * BAR_CELLS}] 100%")


def test_a_thread_is_heard_at_every_new_phase_and_else_a_few_times_a_second() -> None:
    heard: list[Progress] = []
    report = reporter(heard.append)
    for done in range(1_000):
        report("checking", done, 1_000)
    report("importing", 0, 1_000)
    assert [each.phase for each in heard] == ["checking", "importing"]

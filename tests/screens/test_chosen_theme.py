from __future__ import annotations

from pathlib import Path

import pytest

from billdesk.screens.chosen_theme import chosen_theme, keep_theme, theme_file
from billdesk.screens.chrome import StatusLine
from tests.screens.desk_pilot import Staged, on_stage, press


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for what the machine remembers."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return theme_file()


def test_nothing_was_chosen_yet() -> None:
    assert chosen_theme() is None


def test_a_theme_is_remembered() -> None:
    keep_theme("high-contrast-light")
    assert chosen_theme() == "high-contrast-light"


@pytest.mark.parametrize("content", [b"", b"plaid\n", b"\xff\xfe"])
def test_a_file_that_names_no_theme_chooses_none(content: bytes, state: Path) -> None:
    keep_theme("billdesk-light")
    state.write_bytes(content)
    assert chosen_theme() is None


async def test_a_theme_chosen_at_the_desk_is_kept(staged: Staged) -> None:
    app = staged(keep_theme=keep_theme)
    async with on_stage(app) as pilot:
        await press(pilot, "ctrl+t")
        assert chosen_theme() == app.theme == "billdesk-light"


@pytest.fixture
def in_the_way(state: Path) -> None:
    """Something that cannot be written over."""
    state.mkdir(parents=True)


@pytest.mark.usefixtures("in_the_way")
async def test_a_theme_that_cannot_be_kept_is_used_all_the_same(staged: Staged) -> None:
    app = staged(keep_theme=keep_theme)
    async with on_stage(app) as pilot:
        await press(pilot, "ctrl+t")
        assert app.theme == "billdesk-light"
        assert "cannot be kept" in app.screen.query_one(StatusLine).said

"""The dialog in which a job on the ledger is begun, watched and read about."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from billdesk.screens.task import Outcome, Task, TaskDialog
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    fill_in,
    on_stage,
    press,
    text_of,
    until,
    where,
)
from tests.screens.scenes import play
from tests.screens.shop import HOSTILE_NAMES
from tests.screens.test_hostile_text import lines_that_spill, raw_characters


async def test_a_dialog_at_work_is_not_left_and_does_not_begin_twice(staged: Staged) -> None:
    may_end, begun = threading.Event(), []

    def perform(_: object, __: object) -> Outcome:
        begun.append(1)
        may_end.wait(10)
        return Outcome((), "it")

    app = staged()
    async with on_stage(app) as pilot:
        app.push_screen(TaskDialog(Task("Something slow", "Begin", "It takes its time.", perform)))
        await pilot.pause()
        await pilot.press("tab", "enter", "enter", "escape")
        await pilot.pause()
        assert where(app) is TaskDialog
        assert "cannot be stopped halfway" in text_of(app)
        may_end.set()
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "enter")
        assert where(app) is TaskDialog, "the receipt is not put away unread"
        await press(pilot, "escape")
        assert where(app) is not TaskDialog
    assert begun == [1]


async def test_a_fault_of_our_own_is_no_crash_and_loses_nothing(staged: Staged) -> None:
    def perform(_: object, __: object) -> Outcome:
        raise ZeroDivisionError("a slip")

    app = staged()
    async with on_stage(app) as pilot:
        app.push_screen(TaskDialog(Task("Something", "Begin", "It will fail.", perform)))
        await pilot.pause()
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "fault inside billdesk" in text_of(app))
        assert "Traceback" not in text_of(app)


@pytest.mark.parametrize("kind", HOSTILE_NAMES)
@pytest.mark.parametrize(
    "size",
    [pytest.param(SMALL, id="80x24"), pytest.param(LARGE, id="120x36", marks=pytest.mark.soak)],
)
async def test_a_hostile_path_is_shown_and_never_obeyed(
    kind: str, size: tuple[int, int], staged: Staged, tmp_path: Path
) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    name = HOSTILE_NAMES[kind].replace("/", "|").encode()[:200].decode(errors="ignore")
    (folder / name).write_text("somebody's photographs", encoding="utf-8")
    app = staged()
    async with on_stage(app, size) as pilot:
        await play(pilot, "8", "b", "B")
        await fill_in(pilot, str(folder / name))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "New file:" in text_of(app) or "There is a file" in text_of(app))
        assert raw_characters(app) == set()
        assert lines_that_spill(app) == []
        await press(pilot, "shift+tab", "shift+tab")
        await fill_in(pilot, f"{folder}/")
        await press(pilot, "shift+tab")
        assert raw_characters(app) == set(), "nor is it when it is suggested"
        assert lines_that_spill(app) == []
    assert (folder / name).read_text(encoding="utf-8") == "somebody's photographs"

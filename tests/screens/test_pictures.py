from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from billdesk.app import BilldeskApp
from billdesk.core.desk import Desk
from billdesk.core.values.errors import NotFound
from tests.screens.desk_pilot import LARGE, SMALL, STILL, Staged
from tests.screens.scenes import SCENES, TILL_SCENES, play

if TYPE_CHECKING:
    from textual.pilot import Pilot

Compare = Callable[..., bool]


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
def test_every_screen_looks_as_it_was_agreed(
    scene: str, size: tuple[int, int], staged: Staged, snap_compare: Compare
) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *SCENES[scene])

    assert snap_compare(staged(), terminal_size=size, run_before=act_it_out)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", TILL_SCENES)
def test_every_screen_of_the_till_looks_as_it_was_agreed(
    scene: str, size: tuple[int, int], at_till: Staged, snap_compare: Compare
) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *TILL_SCENES[scene])

    assert snap_compare(at_till(), terminal_size=size, run_before=act_it_out)


@pytest.mark.parametrize(
    "theme",
    ["billdesk-light", "high-contrast-dark", "high-contrast-light", "deuteranopia-dark"],
)
def test_every_theme_colours_the_states(theme: str, staged: Staged, snap_compare: Compare) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *SCENES["balances"])

    assert snap_compare(staged(theme=theme), terminal_size=SMALL, run_before=act_it_out)


def test_a_desk_to_look_at_says_so(staged: Staged, snap_compare: Compare) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *SCENES["account-frozen"])

    assert snap_compare(staged(read_only=True), terminal_size=SMALL, run_before=act_it_out)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
def test_a_newcomer_is_welcomed(size: tuple[int, int], snap_compare: Compare) -> None:
    def opener(_: str | None) -> Desk:
        raise NotFound("there is no ledger here", "make one")

    app = BilldeskApp(opener, maker=lambda _, __: opener(None), rhythm=STILL)

    async def wait(pilot: Pilot[Any]) -> None:
        await play(pilot, ("wait", "Try the demo"), "n")

    assert snap_compare(app, terminal_size=size, run_before=wait)

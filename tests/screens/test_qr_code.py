"""The code that a camera reads off the screen: the very modules, in half blocks, with quiet around."""

from __future__ import annotations

import pytest
import qrcode
from hypothesis import given, settings
from hypothesis import strategies as st

from billdesk.screens.qr_code import HALVES, cells_of, draw, lines_of, modules_of

LINK = "https://checkout.example/c/pay/cs_test_a1b2c3"
PAIRS = {character: pair for pair, character in HALVES.items()}


def read_back(lines: tuple[str, ...], quiet: int, size: int) -> list[list[bool]]:
    """The modules that a camera would see in what was drawn."""
    rows: list[list[bool]] = []
    for line in lines:
        rows += [[PAIRS[each][half] for each in line] for half in (0, 1)]
    assert not any(any(row) for row in [*rows[:quiet], *rows[quiet + size :]])
    return [row[quiet : quiet + size] for row in rows[quiet : quiet + size]]


@pytest.mark.parametrize("quiet", [1, 2, 4])
def test_every_module_is_drawn_where_it_belongs_and_all_around_it_is_light(quiet: int) -> None:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=0)
    code.add_data(LINK)
    code.make(fit=True)
    modules = modules_of(LINK)
    assert [list(row) for row in modules] == code.get_matrix()
    assert read_back(lines_of(modules, quiet), quiet, len(modules)) == code.get_matrix()


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200))
def test_whatever_a_link_is_made_of_it_has_a_code_of_the_size_that_is_said(link: str) -> None:
    modules = modules_of(link)
    across, down = cells_of(modules, 2)
    lines = lines_of(modules, 2)
    assert (len(lines[0]), len(lines)) == (across, down)
    assert {len(line) for line in lines} == {across}


def test_there_is_as_much_quiet_around_a_code_as_there_is_room_for() -> None:
    modules = modules_of(LINK)
    for quiet in (4, 2, 1):
        across, down = cells_of(modules, quiet)
        drawn = draw(modules, across, down)
        assert drawn is not None
        assert len(drawn.plain.split("\n")[0]) == across
    across, down = cells_of(modules, 1)
    assert draw(modules, across - 1, down) is None
    assert draw(modules, across, down - 1) is None


def test_a_link_that_no_code_can_hold_has_none() -> None:
    assert modules_of("x" * 3_000) == ()
    assert draw((), 500, 500) is None

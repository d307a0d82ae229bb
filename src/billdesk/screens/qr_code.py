"""A text as a QR code, drawn in half blocks: two modules to a cell, dark on light whatever the theme."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from textual.content import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

QUIET_ZONES = (4, 2, 1)
"""How many light modules stand around a code: the standard wants 4, cameras make do with less."""

COLOURS = "#000000 on #ffffff"
HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}

Modules = tuple[tuple[bool, ...], ...]


@lru_cache(maxsize=8)
def modules_of(text: str) -> Modules:
    """The modules of the smallest code for `text`, True where dark, without a quiet zone.

    Empty when the text is too long for any code.
    """
    # Loaded when somebody is asked for money, not before the first frame.
    import qrcode  # noqa: PLC0415
    from qrcode.exceptions import DataOverflowError  # noqa: PLC0415

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=0)
    code.add_data(text)
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError):
        return ()
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def lines_of(modules: Modules, quiet: int) -> tuple[str, ...]:
    """The code as text, a line for each two rows of modules."""
    width = len(modules) + 2 * quiet
    light: Sequence[bool] = (False,) * width
    rows = [light] * quiet
    rows += [(*light[:quiet], *row, *light[:quiet]) for row in modules]
    rows += [light] * quiet
    if len(rows) % 2:
        rows.append(light)
    return tuple(
        "".join(HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )


def cells_of(modules: Modules, quiet: int = QUIET_ZONES[-1]) -> tuple[int, int]:
    """How many cells a code takes, across and down."""
    across = len(modules) + 2 * quiet
    return across, (across + 1) // 2


def draw(modules: Modules, width: int, height: int) -> Content | None:
    """The code with as much quiet around it as fits into so many cells; None when it does not fit."""
    for quiet in QUIET_ZONES if modules else ():
        across, down = cells_of(modules, quiet)
        if across <= width and down <= height:
            return Content("\n").join(
                Content.styled(line, COLOURS) for line in lines_of(modules, quiet)
            )
    return None

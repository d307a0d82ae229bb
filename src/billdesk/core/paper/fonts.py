"""The bundled fonts: registered once, measured from tables in memory; one sign after another finds one.

Latin, Greek, Cyrillic, Hebrew and Arabic come in two weights. The font for Chinese, Japanese and Korean
has one weight and is only loaded when a sign of it is asked for. What no font has is drawn as a box.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from billdesk.core.paper.scripts import clean, join_letters

_FOLDER = Path(__file__).with_name("fonts")
REGULAR, BOLD, WIDE = "billdesk-regular", "billdesk-bold", "billdesk-wide"
_FILES = {
    REGULAR: "DejaVuSansCondensed.ttf",
    BOLD: "DejaVuSansCondensed-Bold.ttf",
    WIDE: "WenQuanYiMicroHei.ttf",
}
BOX = "\u25a1"


class Sign(NamedTuple):
    """How a character is drawn: by which font, as what, how wide in thousandths of the size."""

    font: str
    drawn: str
    width: float


class Run(NamedTuple):
    """Text that one font draws."""

    font: str
    text: str
    width: float


@lru_cache(maxsize=len(_FILES))
def _widths(font: str) -> dict[int, float]:
    """How wide each character of a font is, in thousandths of its size; it is registered on the way."""
    from reportlab.pdfbase.pdfmetrics import registerFont  # noqa: PLC0415 - few commands draw
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415

    loaded = TTFont(font, str(_FOLDER / _FILES[font]))
    registerFont(loaded)
    widths: dict[int, float] = loaded.face.charWidths
    return widths


@lru_cache(maxsize=20_000)
def sign(character: str, weight: str) -> Sign:
    """How a character is drawn in a weight: REGULAR or BOLD."""
    for font in (weight, WIDE):
        width = _widths(font).get(ord(character))
        if width is not None:
            return Sign(font, character, width)
    return Sign(weight, BOX, _widths(weight)[ord(BOX)])


@lru_cache(maxsize=20_000)
def ready(text: str) -> str:
    """A line of text as its signs are drawn, still in the order it is read."""
    return join_letters(clean(text))


@lru_cache(maxsize=20_000)
def width_of(text: str, weight: str) -> float:
    """How wide text that is `ready` is, in thousandths of its size."""
    return sum(sign(character, weight).width for character in text)


@lru_cache(maxsize=20_000)
def runs_of(text: str, weight: str) -> tuple[Run, ...]:
    """Text in the order it is seen, cut where another font goes on."""
    if text.isascii():
        return (Run(weight, text, width_of(text, weight)),)
    runs: list[Run] = []
    for drawn in (sign(character, weight) for character in text):
        if runs and runs[-1].font == drawn.font:
            last = runs.pop()
            runs.append(Run(last.font, last.text + drawn.drawn, last.width + drawn.width))
        else:
            runs.append(Run(*drawn))
    return tuple(runs)

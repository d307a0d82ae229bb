"""The one boundary between text from outside and the terminal.

Whatever is painted goes through here: no markup is read, no control character is passed on, nothing
is wider than it was given room for. Nothing here knows what the text means.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from billdesk.core.values.plain_text import visible

ELLIPSIS = "…"

TONES = {
    "": "",
    "muted": "$muted",
    "strong": "bold",
    "accent": "$accent",
    "good": "$success",
    "warn": "$warning",
    "bad": "bold $error",
    "title": "bold $primary",
}
"""What a piece of text is for, and the style that says so. The theme decides the colours."""

TORN = re.compile(r"(?:^|(?<=[^\w.,]))\d[\d.,:]*$", re.ASCII)
"""A number at the end of what fits; digits inside a word, as of an id, are none."""
GOES_ON = re.compile(r"[.,:]?\d", re.ASCII)

Part = str | tuple[str, str] | Content


def safe_text(text: str, tone: str = "") -> Content:
    """`text` as content that no terminal obeys; `tone` is one of TONES."""
    return Content.styled(visible(text), TONES[tone])


def safe_line(*parts: Part) -> Content:
    """Several parts after one another: plain text, (text, tone), or content made here before."""
    made: list[Content] = []
    for part in parts:
        if isinstance(part, Content):
            made.append(part)
        elif isinstance(part, tuple):
            made.append(safe_text(*part))
        else:
            made.append(safe_text(part))
    return Content.assemble(*made)


def safe_lines(*lines: Content) -> Content:
    """Lines under one another. Line breaks come from here alone, never from inside a text."""
    return Content("\n").join(lines)


def width_of(text: str) -> int:
    """How many cells `text` takes once its hidden characters are shown as marks."""
    return cell_len(visible(text))


def cut(text: str, width: int) -> str:
    """`text` made visible and no wider than `width` cells, with `…` where something is missing.

    A number that does not fit is left out whole: half of one would read as another.
    """
    shown = visible(text)
    # Most text is ASCII, and then the count of characters is the width.
    if shown.isascii() and len(shown) <= width:
        return shown
    if cell_len(shown) <= width:
        return shown
    if width <= 1:
        return ELLIPSIS[:width]
    kept = set_cell_size(shown, width - 1).rstrip(" ")
    return _without_torn_number(kept, shown[len(kept) :]) + ELLIPSIS


def _without_torn_number(kept: str, rest: str) -> str:
    """What fits, without the beginning of a number that goes on in the rest."""
    torn = TORN.search(kept) if GOES_ON.match(rest) else None
    if torn is None:
        return kept
    before = kept[: torn.start()].rstrip(" +-−")
    # Of a long row of digits, and nothing else, some are better than none: it is a name.
    return kept if not before and torn.group().isdigit() else before


def fit_number(text: str, width: int) -> str:
    """A number on the right of exactly `width` cells. Digits are never cut off.

    What does not fit loses its thousands' commas; what still does not is shown as `###`.
    """
    for shown in (text, text.replace(",", "")):
        if width_of(shown) <= width:
            return fit(shown, width, right=True)
    return "#" * width


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` made visible and exactly `width` cells wide, blanks added on one side."""
    shown = cut(text, width)
    blanks = " " * (width - (len(shown) if shown.isascii() else cell_len(shown)))
    return blanks + shown if right else shown + blanks

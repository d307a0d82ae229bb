"""Text from outside made harmless to look at: what a terminal would obey or hide becomes a mark.

Pure strings, no terminal library: the shell prints the result, the desk puts it into cells.
"""

from __future__ import annotations

import re

_CONTROL_PICTURES = 0x2400
_DELETE, _DELETE_PICTURE = "\x7f", "\u2421"

# Nobody sees these and terminals may obey them. Signs of category Cf that have a shape of their own
# (Arabic number signs and their like) are left alone, and so are U+FE00 to U+FE0F, which choose
# between two shapes of an emoji.
_OBEYED_OR_HIDDEN = (
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: cursor movement, clipboard, title, colours
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks, overrides and isolates of direction
    "\xad\u034f\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # no width
    "\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters without a shape
    "\u2028\u2029"  # line and paragraph separators
    "\ud800-\udfff"  # halves of a pair, which no output can encode
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # format controls of shorthand and music
    "\U000e0000-\U000e0fff"  # tags and variation selectors
    "]"
)


def visible(text: str) -> str:
    """`text` on one line, with every control, direction and zero-width character shown as a mark.

    C0 and DEL become their control pictures (`␛`, `␀`, `␊`), the others their code point
    (`<U+202E>`). Text without such characters comes back unchanged.
    """
    if text.isascii() and text.isprintable():
        return text
    # Compiled when first needed (`re` keeps it): most commands never meet such a character.
    return re.sub(_OBEYED_OR_HIDDEN, _mark, text)


def _mark(match: re.Match[str]) -> str:
    character = match[0]
    if character < " ":
        return chr(_CONTROL_PICTURES + ord(character))
    if character == _DELETE:
        return _DELETE_PICTURE
    return f"<U+{ord(character):04X}>"

"""Breaking text into lines that fit: between words, between signs that need no blanks, else anywhere."""

from __future__ import annotations

import re

from billdesk.core.paper.fonts import ready, sign, width_of
from billdesk.core.paper.scripts import as_seen, beginning, is_mark

# Han and kana may end a line anywhere, only never before what closes a clause or a bracket.
_WIDE = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef\U00020000-\U0002ffff"
_CLOSING = "\u3001\u3002\uff0c\uff0e\uff01\uff1f\uff09\u300d\u300f\u3011"
_WORDS = re.compile(f"[{_WIDE}][{_CLOSING}]*\\s*|[^\\s{_WIDE}]+\\s*|\\s+")


def broken(text: str, weight: str, room: float) -> list[str]:
    """Text as lines no wider than `room` (thousandths of the size), in the order they are seen.

    A line break in it begins a new line; a word that is wider than a line is cut.
    """
    lines: list[str] = []
    for paragraph in text.splitlines():
        signs = ready(paragraph).strip()
        begins = beginning(signs)
        lines += [as_seen(line, begins) for line in _broken(signs, weight, room)]
    return lines


def _broken(text: str, weight: str, room: float) -> list[str]:
    if width_of(text, weight) <= room:
        return [text]
    lines, line, width = [], "", 0.0
    for word in _WORDS.findall(text):
        rest, bare = word, width_of(word.rstrip(), weight)
        if line and width + bare > room:
            lines.append(line.rstrip())
            line, width = "", 0.0
        while bare > room:
            end = _end_of_line(rest, weight, room)
            lines.append(rest[:end])
            rest = rest[end:]
            bare = width_of(rest.rstrip(), weight)
        line += rest
        width += width_of(rest, weight)
    return [*lines, line.rstrip()] if line.strip() else lines


def _end_of_line(word: str, weight: str, room: float) -> int:
    """How many signs of a word fit, one at least; a mark stays with what it marks."""
    width, end = 0.0, 0
    for at, character in enumerate(word):
        if at and not is_mark(character):
            end = at
        width += sign(character, weight).width
        if width > room and end:
            return end
    return len(word)

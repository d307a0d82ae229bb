"""Scripts that join their letters or run from right to left, made ready to be drawn one by one.

A PDF is drawn glyph by glyph from the left. So Arabic letters are replaced by the forms they take beside
one another, and a line is put into the order that is seen: the rules of Unicode's bidirectional
algorithm (UAX 9) for text without marks of direction, since such marks are taken out first.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LEFT, RIGHT = 0, 1
"""Where a line begins: the levels of UAX 9."""

_JOINERS = "\u200c\u200d"
_FORMS = ("isolated", "final", "initial", "medial")
_PRESENTATION_FORMS = tuple(
    range(*block)
    for block in ((0xFB50, 0xFBC0), (0xFBE8, 0xFBEA), (0xFBFC, 0xFC00), (0xFE81, 0xFEFD))
)


def clean(text: str) -> str:
    """One line of text without what nobody sees: composed, blanks for controls, no marks of direction.

    Joiners stay: they say how letters join, and `join_letters` takes them out.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_kept, unicodedata.normalize("NFC", text)))


def _kept(character: str) -> str:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp" | "Zs":
            return " "
        case "Cf" | "Cs":
            return character if character in _JOINERS else ""
        case _:
            # What chooses between two shapes of a sign is no sign itself.
            return "" if "\ufe00" <= character <= "\ufe0f" else character


def is_mark(character: str) -> bool:
    """Whether a character is drawn over or under the one before it."""
    return unicodedata.category(character) in {"Mn", "Me"}


# --- letters that join ---


def join_letters(text: str) -> str:
    """Arabic letters in the forms they take beside one another; other text as it is."""
    if text.isascii():
        return text
    letters = _with_ligatures(text)
    drawn = list(letters)
    firm = [place for place, each in enumerate(letters) if not is_mark(each[0])]
    for index, place in enumerate(firm):
        forms = _forms().get(letters[place])
        if forms is None:
            continue
        before = letters[firm[index - 1]] if index else ""
        after = letters[firm[index + 1]] if index + 1 < len(firm) else ""
        joined = "final" in forms and _joins(before, "initial")
        joins = "initial" in forms and _joins(after, "final")
        drawn[place] = forms.get(_FORMS[2 * joins + joined], letters[place])
    return "".join(drawn).translate(dict.fromkeys(map(ord, _JOINERS)))


def _joins(letter: str, form: str) -> bool:
    """Whether a letter reaches out to the one after it (`initial`), or to the one before (`final`)."""
    return letter in {"\u0640", "\u200d"} or form in _forms().get(letter, {})


def _with_ligatures(text: str) -> list[str]:
    """Letters one by one, lam with alef as one."""
    letters: list[str] = []
    for character in text:
        if letters and letters[-1] == "\u0644" and letters[-1] + character in _forms():
            letters[-1] += character
        else:
            letters.append(character)
    return letters


@lru_cache(maxsize=1)
def _forms() -> dict[str, dict[str, str]]:
    """The forms of each letter, and of lam with alef, by name: from Unicode's own tables."""
    found: dict[str, dict[str, str]] = {}
    for code in (code for block in _PRESENTATION_FORMS for code in block):
        name, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        if name.strip("<>") in _FORMS:
            whole = "".join(chr(int(each, 16)) for each in letters)
            found.setdefault(whole, {})[name.strip("<>")] = chr(code)
    return found


# --- lines that run from right to left ---

# One letter for each class of UAX 9, so that its rules can be written as patterns.
_CLASSES = {
    "L": "L", "R": "R", "AL": "A", "EN": "E", "AN": "N", "ES": "S", "ET": "T", "CS": "C", "NSM": "M",
}  # fmt: skip
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_MIRRORED = str.maketrans("()[]{}<>«»\u2039\u203a", ")(][}{><»«\u203a\u2039")


def beginning(text: str) -> int:
    """Where a paragraph begins: LEFT or RIGHT, by its first letter."""
    if text.isascii():
        return LEFT
    for character in text:
        if unicodedata.bidirectional(character) in {"L", "R", "AL"}:
            return LEFT if unicodedata.bidirectional(character) == "L" else RIGHT
    return LEFT


def as_seen(line: str, begins: int) -> str:
    """A line of a paragraph that begins LEFT or RIGHT, in the order its signs are seen from the left."""
    if begins == LEFT and (line.isascii() or not any(map(_runs_right, line))):
        return line
    clusters: list[list[str]] = []
    for character, level in zip(line, _levels(line, begins), strict=True):
        if clusters and is_mark(character):
            clusters[-1][0] += character  # it stays behind what it marks
        else:
            clusters.append([character, str(level)])
    marks = "".join(level for _, level in clusters)
    order = list(range(len(clusters)))
    for stretch in ("2+", "[12]+"):
        for found in re.finditer(stretch, marks):
            # Positions keep their levels while they are turned round: what is inside moves along.
            start, end = found.span()
            order[start:end] = order[start:end][::-1]
    return "".join(
        clusters[place][0].translate(_MIRRORED) if clusters[place][1] == "1" else clusters[place][0]
        for place in order
    )


def _runs_right(character: str) -> bool:
    return unicodedata.bidirectional(character) in {"R", "AL", "AN"}


def _levels(line: str, begins: int) -> list[int]:
    """The level of each character: even from the left, odd from the right (UAX 9, W1 to I2)."""
    side = "LR"[begins]
    kinds = side + "".join(_CLASSES.get(unicodedata.bidirectional(each), "O") for each in line)
    for pattern, become in (
        (r"(?<=(.))M+", lambda found: found[1] * len(found[0])),  # W1
        (r"A[^LRA]+", lambda found: found[0].replace("E", "N")),  # W2
        (r"A", lambda _: "R"),  # W3
        (r"(?<=E)[SC](?=E)", lambda _: "E"),  # W4
        (r"(?<=N)C(?=N)", lambda _: "N"),
        (r"T+(?=E)|(?<=E)T+", lambda found: "E" * len(found[0])),  # W5
        (r"[STC]", lambda _: "O"),  # W6
        (r"L[^LR]+", lambda found: found[0].replace("E", "L")),  # W7
    ):
        kinds = re.sub(pattern, become, kinds)
    kinds = _with_brackets(line, kinds, side)

    def between(found: re.Match[str]) -> str:  # N1 and N2
        after = (kinds[found.end() :] or side)[0]
        before = kinds[found.start() - 1]
        sides = {"L" if each == "L" else "R" for each in (before, after)}
        return (sides.pop() if len(sides) == 1 else side) * len(found[0])

    kinds = re.sub("O+", between, kinds)
    return [_LEVELS[begins][kind] for kind in kinds[1:]]


def _with_brackets(line: str, kinds: str, side: str) -> str:
    """The kinds of a line with each pair of brackets running as what is within it (N0)."""
    now = list(kinds)
    for opening, closing in sorted(_pairs(line, kinds)):
        # What was numbers or Arabic runs to the right, too.
        within = {"L" if each == "L" else "R" for each in now[opening + 1 : closing] if each != "O"}
        if not within:
            continue
        before = next("L" if each == "L" else "R" for each in now[opening - 1 :: -1] if each != "O")
        now[opening] = now[closing] = before if side not in within else side
    return "".join(now)


def _pairs(line: str, kinds: str) -> list[tuple[int, int]]:
    """Where brackets that belong together stand among the kinds, which are one further on."""
    opened: list[int] = []
    pairs = []
    for place, character in enumerate(line):
        if kinds[place + 1] != "O":
            continue
        if character in _BRACKETS.values():
            opened.append(place)
        for at in range(len(opened) - 1, -1, -1):
            if line[opened[at]] == _BRACKETS.get(character):
                pairs.append((opened[at] + 1, place + 1))
                del opened[at:]
                break
    return pairs


_LEVELS = ({"L": 0, "R": 1, "E": 2, "N": 2}, {"L": 2, "R": 1, "E": 2, "N": 2})

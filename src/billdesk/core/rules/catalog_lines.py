"""On which line of a TOML file a key stands: its parser tells that of mistakes in the form alone.

A light look over text that is known to be TOML; what it overlooks has the line of its table.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Path = tuple[str, ...]

DEPTH = 8
"""No key of a catalog lies deeper."""

_PART = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')\s*""")
_TOKEN = re.compile(r"""\"""|'''|"(?:[^"\\]|\\.)*"|'[^']*'|#|[\[\]{}]""")
_LONG_QUOTES = ('"""', "'''")


class KeyLines:
    """The lines of a file's tables, keys and, in lists over several lines, tables in lists."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        table: Path = ()
        value = _Value((), 0, "", "")
        for number, line in enumerate(text.split("\n"), 1):
            if not value.goes_on:
                path, is_table, rest = _key(line)
                if not path:
                    continue
                if is_table:
                    table = path
                    self._note(table, number)
                    continue
                value = _Value((*table, *path), 0, "", "")
                self._note(value.path, number)
            else:
                rest = line
            value = self._follow(value, rest, number)

    def line_of(self, path: Path) -> int:
        """The line of a key, or else of the nearest table around it; 0 if there is none."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 0

    def _note(self, path: Path, number: int) -> None:
        """A dotted key also stands for the tables that it makes."""
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], number)

    def _follow(self, value: _Value, rest: str, number: int) -> _Value:
        """What is still open of a value after one more line of it."""
        brackets, quotes, place = value.brackets, value.quotes, 0
        tables = value.tables
        while True:
            if quotes:
                end = rest.find(quotes, place)
                if end < 0:
                    break
                place, quotes = end + len(quotes), ""
            token = _TOKEN.search(rest, place)
            if token is None or token[0] == "#":
                break
            place = token.end()
            if token[0] in _LONG_QUOTES:
                quotes = token[0]
            elif token[0] in "[{":
                if token[0] == "{" and brackets == "[":
                    tables += 1
                    self._lines[*value.path, str(tables)] = number
                brackets += token[0]
            elif token[0] in "]}":
                brackets = brackets[:-1]
        return _Value(value.path, tables, brackets, quotes)


class _Value(NamedTuple):
    """A value that may go on over lines: how many tables it listed, and what is open of it."""

    path: Path
    tables: int
    brackets: str
    quotes: str

    @property
    def goes_on(self) -> bool:
        return bool(self.brackets or self.quotes)


def _key(line: str) -> tuple[Path, bool, str]:
    """The key that a line begins with, whether it is a table's, and what follows it."""
    start = line.lstrip(" \t[")
    path: list[str] = []
    place = 0
    while (match := _PART.match(start, place)) is not None:
        if len(path) < DEPTH:
            path.append(next(part for part in match.groups() if part is not None))
        place = match.end()
        if start[place : place + 1] != ".":
            break
        place += 1
    is_table = line.lstrip(" \t").startswith("[")
    return tuple(path), is_table, start[place:]

"""Reading the tables of a catalog file: every value by its key, and every mistake told with its line.

A reader goes on after a mistake with something harmless, so that all of them are found at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from billdesk.core.rules.catalog_lines import KeyLines, Path
from billdesk.core.rules.sheets.plans import CatalogMistakeSheet
from billdesk.core.values.errors import BadInput
from billdesk.core.values.money import Money, exponent_of, parse_money
from billdesk.core.values.plain_text import visible

MOST_MISTAKES = 200
MOST_NAMES = 100
LONGEST_CODE = 40
LONGEST_INTEGER_BITS = 100

Choice = TypeVar("Choice", bound=str)
Kind = TypeVar("Kind", str, bool, int, list[Any], dict[str, Any])

_CODE = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{LONGEST_CODE - 1}}}", re.ASCII)
# 27 digits at most: any of Decimal's own arithmetic is exact with them.
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,12})?", re.ASCII)


class Float(NamedTuple):
    """A number with a point and without quotes, as it is written: nothing here is one."""

    text: str


_KINDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "a table",
    Float: "a number with a point",
}


class Mistakes:
    """What is wrong in a file, each with its line."""

    def __init__(self, lines: KeyLines) -> None:
        self._lines = lines
        self._found: list[CatalogMistakeSheet] = []

    def add(self, path: Path, message: str, hint: str) -> None:
        """Note one; `path` is where it is."""
        where = visible(".".join(path))
        self._found.append(
            CatalogMistakeSheet(self._lines.line_of(path), where, visible(message), visible(hint))
        )

    def sheets(self) -> tuple[CatalogMistakeSheet, ...]:
        """All of them by line; of very many the first, and how many more there are."""
        found = sorted(self._found, key=lambda mistake: mistake.line)
        more = len(found) - MOST_MISTAKES
        if more > 0:
            rest = CatalogMistakeSheet(
                0, "", f"{more:,} more mistakes are not listed", "mend these first"
            )
            found = [*found[:MOST_MISTAKES], rest]
        return tuple(found)


class Section:
    """One table of the file. Whatever is asked for is known; `finish` tells of everything else."""

    def __init__(self, table: dict[str, Any], path: Path, mistakes: Mistakes) -> None:
        self._table = table
        self._asked: set[str] = set()
        self._mistakes = mistakes
        self.path = path

    def wrong(self, key: str, message: str, hint: str) -> None:
        """Note a mistake at a key of this table; an empty key means the table itself."""
        self._mistakes.add((*self.path, key) if key else self.path, message, hint)

    def has(self, key: str) -> bool:
        """Whether something is written there."""
        self._asked.add(key)
        return key in self._table

    def finish(self) -> None:
        """Tell of keys that nobody asked for."""
        for key in self._table:
            if key not in self._asked:
                self.wrong(
                    key, f"{_short(key)} is not known here", nearest(key, sorted(self._asked))
                )

    # --- plain values ---

    def text(self, key: str, *, longest: int, needed: bool = False, lines: bool = False) -> str:
        """Text without characters that nobody sees; `lines`: it may go over several lines."""
        value = self._get(key, str)
        if value is None:
            if needed and key not in self._table:
                self.wrong(key, f"there is no {key}", f'write {key} = "…"')
            return ""
        value = value.strip()
        parts = value.split("\n") if lines else [value]
        if needed and not value:
            self.wrong(key, f"the {key} is empty", "write it between the quotes")
        elif len(value) > longest:
            self.wrong(key, f"the {key} has {len(value):,} characters", f"at most {longest:,}")
        elif any(visible(part) != part for part in map(_without_joiners, parts)):
            one_line = "" if lines else ", on one line"
            self.wrong(
                key,
                f"the {key} holds characters that cannot be seen: {_short(value)}",
                f"retype it without them{one_line}",
            )
        else:
            return value
        return ""

    def texts(self, key: str, *, longest: int) -> tuple[str, ...]:
        """A list of text."""
        listed = self._get(key, list) or []
        table = {str(place): each for place, each in enumerate(listed, 1)}
        within = Section(table, (*self.path, key), self._mistakes)
        return tuple(within.text(place, longest=longest, needed=True) for place in table)

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        value = self._get(key, int)
        if value is None:
            return default
        if not least <= value <= most:
            self.wrong(key, f"{key} is {_short(value)}", f"from {least:,} to {most:,}")
            return default
        return value

    def flag(self, key: str) -> bool:
        """True or false, which is what nothing means."""
        return bool(self._get(key, bool))

    def choice(self, key: str, options: Sequence[Choice], default: Choice) -> Choice:
        """One of a few words."""
        value = self._get(key, str)
        if value is None:
            return default
        for option in options:
            if option == value:
                return option
        self.wrong(key, f"{_short(value)} is no {key}", nearest(value, options))
        return default

    def number(self, key: str) -> Decimal | None:
        """A number of zero or more, in quotes or whole; None where there is none."""
        value = self._table.get(key)
        if type(value) is int:
            self._asked.add(key)
            return self._decimal(key, _short(value))
        if isinstance(value, Float):
            self._asked.add(key)
            written = _short(value.text)
            self.wrong(key, f"{written} is not in quotes", f'numbers are exact: write "{written}"')
            return None
        text = self._get(key, str)
        return None if text is None else self._decimal(key, text)

    def _decimal(self, key: str, written: str) -> Decimal | None:
        if written.startswith("-"):
            self.wrong(key, f"{_short(written)} is below zero", "write zero or more")
        elif _NUMBER.fullmatch(written) is None:
            self.wrong(
                key,
                f"{_short(written)} is not a number",
                'plain digits, with a point if need be: 1000 or "0.005"',
            )
        else:
            return Decimal(written)
        return None

    # --- money ---

    def money(self, key: str, default_asset: str) -> Money | None:
        """A price of zero or more, as fine as its asset goes; None where there is none."""
        value = self._money_text(key)
        if value is None:
            return None
        try:
            return parse_money(value, default_asset)
        except BadInput as error:
            self.wrong(key, error.message, error.hint)
            return None

    def moneys(self, key: str, default_asset: str) -> tuple[Money, ...]:
        """One price, or a list with one for each of several assets."""
        if not isinstance(self._table.get(key), list):
            money = self.money(key, default_asset)
            return () if money is None else (money,)
        listed = self._get(key, list) or []
        if not listed:
            self.wrong(key, f"{key} has no price", 'write one: "49.00 USD"')
        table = {str(place): each for place, each in enumerate(listed, 1)}
        within = Section(table, (*self.path, key), self._mistakes)
        found: dict[str, Money] = {}
        for place in table:
            money = within.money(place, default_asset)
            if money is not None and money.asset in found:
                within.wrong(place, f"there are two prices in {money.asset}", "keep one of them")
            elif money is not None:
                found[money.asset] = money
        return tuple(found.values())

    def unit_price(self, key: str, default_asset: str) -> tuple[Decimal, str] | None:
        """A price that may be finer than its asset, in major units, and the asset."""
        value = self._money_text(key)
        if value is None:
            return None
        number, _, asset = value.partition(" ")
        price = self._decimal(key, number)
        try:
            exponent_of(asset or default_asset)
        except BadInput as error:
            self.wrong(key, error.message, error.hint)
            return None
        return None if price is None else (price, asset or default_asset)

    def asset(self, key: str, default_asset: str) -> str:
        """The code of an asset."""
        value = self._get(key, str)
        if value is None:
            return default_asset
        try:
            exponent_of(value)
        except BadInput as error:
            self.wrong(key, error.message, error.hint)
            return default_asset
        return value

    def _money_text(self, key: str) -> str | None:
        """The text of a price; whatever is no text is told how to become one."""
        self._asked.add(key)
        value = self._table.get(key)
        match value:
            case None:
                return None
            case str() if value.startswith("-"):
                self.wrong(key, f"the price {_short(value)} is below zero", "write zero or more")
            case str():
                return value
            case Float() | bool() | int():
                written = value.text if isinstance(value, Float) else str(value).lower()
                self.wrong(
                    key,
                    f"the price {_short(written)} is not in quotes",
                    f'money is exact: write "{_short(written)}"',
                )
            case _:
                self._not(key, value, "a price in quotes")
        return None

    # --- codes, and tables within ---

    def code(self, key: str, known: Iterable[str], what: str) -> str | None:
        """The code of something else in the file."""
        value = self._get(key, str)
        return None if value is None else self._known(key, value, known, what)

    def codes(self, key: str, known: Iterable[str], what: str) -> tuple[str, ...]:
        """A list of codes, each once."""
        found: list[str] = []
        for value in self._get(key, list) or []:
            if not isinstance(value, str):
                self._not(key, value, f"the code of a {what}, in quotes")
            elif value in found:
                self.wrong(key, f"{_short(value)} stands there twice", "remove one of them")
            elif (code := self._known(key, value, known, what)) is not None:
                found.append(code)
        return tuple(found)

    def _known(self, key: str, value: str, known: Iterable[str], what: str) -> str | None:
        if value in (codes := list(known)):
            return value
        self.wrong(key, f"there is no {what} {_short(value)}", nearest(value, codes))
        return None

    def section(self, key: str) -> Section:
        """A table within this one; an empty one where there is none."""
        return Section(self._get(key, dict) or {}, (*self.path, key), self._mistakes)

    def sections(self) -> list[tuple[str, Section]]:
        """Every table within this one by its key, which is a code."""
        found = []
        for key in self._table:
            if _CODE.fullmatch(key) is None:
                self.wrong(
                    key,
                    f"{_short(key)} cannot be a code",
                    f"a-z, 0-9, - and _, at most {LONGEST_CODE}: {_as_code(key)}",
                )
            if isinstance(self._table[key], dict):
                found.append((key, self.section(key)))
            else:
                self._asked.add(key)
                self._not(key, self._table[key], f"a table: [{'.'.join((*self.path, key))}]")
        return found

    def keys(self) -> list[str]:
        """Every key of this table; all of them are known."""
        self._asked |= set(self._table)
        return list(self._table)

    def listed(self, key: str) -> list[Section]:
        """The tables in a list."""
        found = []
        for place, value in enumerate(self._get(key, list) or [], 1):
            if isinstance(value, dict):
                found.append(Section(value, (*self.path, key, str(place)), self._mistakes))
            else:
                self._not(key, value, "a table: { up_to = 1000, price = " + '"0.01" }')
        return found

    def _get(self, key: str, kind: type[Kind]) -> Kind | None:
        """What is written there, if it is of that kind."""
        self._asked.add(key)
        value = self._table.get(key)
        if value is None:
            return None
        if isinstance(value, kind) and type(value) is kind:  # true and false are no numbers
            return value
        self._not(key, value, _KINDS[kind])
        return None

    def _not(self, key: str, value: object, wanted: str) -> None:
        found = _KINDS.get(type(value), "a date or time")
        self.wrong(key, f"{_short(key)} is {found}", f"write {wanted}")


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy for a word that is not known: the nearest one that is, or what there is."""
    known = list(known)[:MOST_NAMES]
    close = get_close_matches(word[:LONGEST_CODE], known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(known[:12])}" if known else "there is none in the file"


def _without_joiners(text: str) -> str:
    """Text without the two signs of no width that names in Persian or Hindi are spelled with."""
    return text.replace("\u200c", "").replace("\u200d", "")


def _as_code(key: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:LONGEST_CODE] or "pro"


def _short(value: object) -> str:
    """Something from the file, to be quoted in a line of text."""
    if isinstance(value, int) and value.bit_length() > LONGEST_INTEGER_BITS:
        return "a number beyond all bounds"  # Python refuses to write it out
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"

"""Ids that sort by the time they were made: a prefix, an underscore, 26 letters and digits.

The layout is ULID's (48 bits of milliseconds, 80 of chance, Crockford's alphabet), lower case.
Source: https://github.com/ulid/spec
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime

from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import BadInput

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_REFERENCE = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_ACCOUNT_REF = re.compile(r"[a-z0-9A-Z](?:[a-z0-9A-Z._@+-]{0,62}[a-z0-9A-Z])?", re.ASCII)

Chance = Callable[[int], bytes]


class IdMaker:
    """Makes ids from a clock's instants and a source of chance (bytes wanted → bytes)."""

    def __init__(self, chance: Chance = os.urandom) -> None:
        self._chance = chance

    def make(self, prefix: str, at: datetime) -> str:
        """A new id such as `chg_01jd…`; ids of later milliseconds sort after earlier ones."""
        millis = to_micros(at) // 1000
        value = (millis << 80) | int.from_bytes(self._chance(10), "big")
        return f"{prefix}_{_encode(value)}"

    def make_many(self, prefix: str, at: datetime, count: int) -> list[str]:
        """`count` new ids that sort in this order: made at once, they share their chance.

        Keys that grow are written side by side; 50 bits of chance keep batches of one millisecond apart.
        """
        millis = to_micros(at) // 1000
        first = (millis << 80) | (int.from_bytes(self._chance(10), "big") >> 30 << 30)
        start, pairs = f"{prefix}_{_encode(first)[:-6]}", _PAIRS
        return [
            f"{start}{pairs[place >> 20]}{pairs[place >> 10 & 1023]}{pairs[place & 1023]}"
            for place in range(count)
        ]

    def salt(self) -> bytes:
        """16 bytes of chance, for the digest of a posting's texts."""
        return self._chance(16)


def _encode(value: int) -> str:
    """26 characters of Crockford base 32, most significant first, two at a time."""
    pairs = _PAIRS
    return "".join([pairs[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the shape of an id with this prefix."""
    return (
        len(text) == len(prefix) + 27
        and text.startswith(prefix + "_")
        and all(letter in _ALPHABET for letter in text[len(prefix) + 1 :])
    )


def check_reference(text: str) -> str:
    """A caller's reference: 1 to 200 printable ASCII characters, no blanks at the ends.

    Raises BadInput otherwise, since a key that looks like another key is no key.
    """
    if _REFERENCE.fullmatch(text) is None:
        raise BadInput(
            f"the reference {text[:40]!r} cannot be used",
            "1 to 200 printable ASCII characters without blanks at the ends, e.g. lead:42",
        )
    return text


def check_account_ref(text: str) -> str:
    """An account's own name: 1 to 64 letters, digits and . _ @ + - , starting and ending in one.

    Raises BadInput otherwise, and for names that look like our ids.
    """
    if _ACCOUNT_REF.fullmatch(text) is None or text.startswith("acc_"):
        raise BadInput(
            f"{text[:40]!r} cannot name an account",
            "1 to 64 of a-z A-Z 0-9 . _ @ + - , beginning and ending with a letter or digit, "
            "not beginning with acc_",
        )
    return text

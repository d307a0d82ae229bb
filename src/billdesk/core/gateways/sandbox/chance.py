"""What is left to chance in the sandbox: switches for shares, and draws that always fall the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Fate = Literal[
    "decline",
    "abandon",
    "lose reply",
    "dispute, lost",
    "dispute, won",
    "refund fails",
    "off-session decline",
]

_ENDINGS: dict[Fate, int] = {
    "decline": 6601,
    "abandon": 6602,
    "lose reply": 6603,
    "dispute, lost": 6604,
    "dispute, won": 6605,
    "refund fails": 6606,
    "off-session decline": 6607,
}
"""Endings of an amount, in the smallest unit, that decide what comes of it."""


@dataclass(frozen=True, slots=True)
class SandboxSwitches:
    """How this sandbox behaves. Shares are in percent of the payments (of the refunds for theirs).

    `settles_after`: how long the customer takes to pay, or to save a method; None waits for `pay`,
    `decline` or `save_method`. `abandoned_percent` never pay and expire after `expires_after`.
    `off_session_declines_percent`: charges of saved methods that the bank declines.

    `refund_takes`: how long money is on its way back; `refunds_fail_late_percent` come back from the
    bank as long after that. `disputes_percent` are contested `disputed_after` they settled, and are
    won or lost by chance after `dispute_takes`.

    `lost_replies_percent`: it was done, but the answer does not arrive. `duplicates_percent`: told
    twice on each page. `late_percent`: told by the feed only `late_by` after they happened. `down`:
    nothing answers and nothing is done. `busy_seconds`: it asks to be left alone for so long.
    `key_refused`: as if a key had been taken back.
    """

    settles_after: timedelta | None = timedelta(seconds=2)
    expires_after: timedelta = timedelta(hours=24)
    declines_percent: int = 0
    abandoned_percent: int = 0
    lost_replies_percent: int = 0
    duplicates_percent: int = 0
    late_percent: int = 0
    late_by: timedelta = timedelta(minutes=5)
    down: bool = False
    refunds_fail_late_percent: int = 0
    refund_takes: timedelta = timedelta(seconds=2)
    disputes_percent: int = 0
    disputed_after: timedelta = timedelta(seconds=5)
    dispute_takes: timedelta = timedelta(seconds=10)
    off_session_declines_percent: int = 0
    busy_seconds: float | None = None
    key_refused: bool = False


class Chance:
    """Draws that follow from the seed, the question and an id alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def draw(self, what: str, id: str) -> int:
        """A large number, evenly spread."""
        text = f"{self._seed}/{what}/{id}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")

    def make_id(self, prefix: str, what: str, id: str) -> str:
        """An id of the gateway's own for something that is known by `id`."""
        return f"{prefix}_{self.draw(what, id):064x}"[:28]

    def falls(self, percent: int, what: str, id: str) -> bool:
        """Whether something of that share happens to `id`."""
        return self.draw(what, id) % 100 < percent

    def is_to(self, fate: Fate, minor: int, percent: int, id: str) -> bool:
        """Whether chance, or the amount itself, has this happen."""
        return is_fate_of(minor, fate) or self.falls(percent, fate, id)


def is_fate_of(minor: int, fate: Fate) -> bool:
    """Whether an amount decides by itself that this happens."""
    return minor % 10_000 == _ENDINGS[fate]

"""How much of what is included was used, in words, and which thresholds that has crossed."""

from __future__ import annotations

from decimal import Decimal

THRESHOLDS = (75, 90, 95, 100)
"""Percent of what is included at which somebody is told, once each per period."""

_LEVELS = ((100, "over"), (90, "high"), (75, "warning"))


def parts_of(units: Decimal, decimals: int) -> int:
    """A quantity of the catalog in a meter's smallest part; what is finer than that is dropped."""
    return int(units.scaleb(decimals))


def share_percent(used: int, included: int) -> int | None:
    """What was used of what is included, in whole percent, never rounded up; None if nothing is."""
    return used * 100 // included if included > 0 else None


def level_of(share: int | None) -> str:
    """The share in a word: ok, warning from 75 %, high from 90 %, over from 100 %."""
    for percent, word in _LEVELS:
        if share is not None and share >= percent:
            return word
    return "ok"


def crossed(share: int | None) -> tuple[int, ...]:
    """The thresholds that a share has reached, lowest first."""
    return tuple(each for each in THRESHOLDS if share is not None and share >= each)

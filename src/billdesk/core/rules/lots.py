"""How credits in lots are used up, without a database: the order, what is held, what comes back.

The sum of what is left in an account's lots is its balance of credits, or nothing while that is below
zero: what is owed is filled by the next credits that come, before any of them can be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from billdesk.core.values.money import Money

PRIORITY = 50
"""What a lot has when nothing is said; smaller numbers burn first."""

SOURCES = ("plan", "pack", "promotion", "manual", "opening", "other")
_SOURCE_OF_KIND = {
    "manual_credit": "manual",
    "opening": "opening",
    "pack_purchase": "pack",
    "credit_grant": "promotion",
}


class LotTerms(NamedTuple):
    """What is known of credits that come: where from, what they are about, until when, what they cost."""

    source: str
    about: str | None = None
    expires_at: datetime | None = None
    priority: int = PRIORITY
    paid: Money | None = None


class Lot(NamedTuple):
    """A lot as the burning order sees it. `expires_at` in microseconds."""

    number: int
    id: str
    source: str
    about: str | None
    posting_id: str
    granted: int
    remaining: int
    priority: int
    expires_at: int | None


def source_of(kind: str) -> str:
    """Where credits come from that a posting of this kind brings, when nobody says."""
    return _SOURCE_OF_KIND.get(kind, "other")


def burning_order(lot: Lot) -> tuple[int, bool, int, int]:
    """Lots sorted by this burn in this order: priority, then earliest expiry (none: last), then oldest."""
    return (lot.priority, lot.expires_at is None, lot.expires_at or 0, lot.number)


def backed(balance: int) -> int:
    """How much of a balance stands in lots: all of it, nothing when it is below zero."""
    return max(balance, 0)


def burn(lots: Iterable[Lot], amount: int, claims: Mapping[int, int]) -> list[tuple[Lot, int]]:
    """Which lots pay `amount`, and how much each: first those with a claim on them, then in order.

    `claims` say by a lot's number how much of it is meant in particular. What the lots don't have is
    missing from the answer.
    """
    ordered = sorted(lots, key=burning_order)
    taken = dict.fromkeys((lot.number for lot in ordered), 0)
    left = amount
    for lot in ordered:
        part = min(left, lot.remaining, claims.get(lot.number, 0))
        taken[lot.number] += part
        left -= part
    for lot in ordered:
        part = min(left, lot.remaining - taken[lot.number])
        taken[lot.number] += part
        left -= part
    return [(lot, taken[lot.number]) for lot in ordered if taken[lot.number]]


def give_back(used: Sequence[tuple[Lot, int]], amount: int) -> list[tuple[Lot, int]]:
    """To which lots `amount` goes back, the lot that was used last first, none over what it had.

    `used`: lots with how much of each was used, the first that was used first.
    """
    left, parts = amount, []
    for lot, use in reversed(used):
        part = min(left, use, lot.granted - lot.remaining)
        if part > 0:
            parts.append((lot, part))
            left -= part
    return parts


def unheld(lots: Iterable[Lot], held: int) -> dict[int, int]:
    """How much of each lot, by its number, no hold stands on; holds stand on what burns first."""
    free, covered = {}, held
    for lot in sorted(lots, key=burning_order):
        standing = min(lot.remaining, covered)
        free[lot.number] = lot.remaining - standing
        covered -= standing
    return free

"""Which months of use a subscription is billed for, from the stretches it was paid for.

Use is billed by the month, also where the plan is paid by the year: each stretch is cut at its anchor's
day. A change within a period begins a stretch of its own, but the use of a month stays one: its terms
are those of the plan at its beginning. Where a new period begins before the old one has ended, the old
one's use ends there. What was used outside every stretch (before the start, in a pause, after the end)
is never billed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.rules.periods import index_at, period_bounds
from billdesk.core.values.clock import from_micros, to_micros


class Stretch(NamedTuple):
    """A stretch of a subscription on one version of a plan; microseconds, `until` not included."""

    since: int
    until: int
    plan_code: str
    plan_version: int
    trial: bool
    anchor_on: date


class UsagePeriod(NamedTuple):
    """A month of use, or the part of one that was paid for, with the terms at its beginning."""

    since: int
    until: int
    plan_code: str
    plan_version: int
    trial: bool


def usage_periods(
    stretches: Sequence[Stretch], zone: ZoneInfo, *, after: int, end: int
) -> Iterator[UsagePeriod]:
    """The periods that lie behind `after` and have ended by `end`, oldest first; microseconds.

    `stretches` in the order in which they were begun. What of a period lies before `after` is billed
    already.
    """
    for whole in _wholes(stretches):
        for since, until in _months(whole, zone):
            begun = max(since, after)
            if begun < until <= end:
                terms = terms_at(stretches, begun)
                yield UsagePeriod(begun, until, terms.plan_code, terms.plan_version, terms.trial)


def terms_at(stretches: Sequence[Stretch], instant: int) -> Stretch:
    """The stretch begun last of those that cover an instant; the first one where none does."""
    covering = [each for each in stretches if each.since <= instant < each.until]
    return covering[-1] if covering else stretches[0]


def ended_at(stretches: Sequence[Stretch], end: int) -> list[Stretch]:
    """The stretches of a subscription that ended at an instant: nothing of them lies behind it."""
    return [each._replace(until=min(each.until, end)) for each in stretches if each.since < end]


def left_of(
    since: int, until: int, taken: Iterable[tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    """What is left of a time when others have had parts of it, oldest first."""
    left = []
    for begun, ended in sorted(taken):
        if begun > since:
            left.append((since, min(begun, until)))
        since = max(since, ended)
        if since >= until:
            break
    left.append((since, until))
    return tuple(part for part in left if part[0] < part[1])


def _wholes(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Stretches that were begun within another, and end with it, are part of that."""
    wholes: list[Stretch] = []
    for each in stretches:
        if not wholes or each.until != wholes[-1].until:
            wholes.append(each)
    return [
        *(
            each._replace(until=min(each.until, following.since))
            for each, following in pairwise(wholes)
        ),
        *wholes[-1:],
    ]


def _months(stretch: Stretch, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    index = _first_index(stretch.anchor_on, stretch.since, zone)
    while True:
        since, until = _bounds(stretch.anchor_on, index, zone)
        if since >= stretch.until:
            return
        yield max(since, stretch.since), min(until, stretch.until)
        index += 1


# Thousands of subscriptions share their anchors.
@lru_cache(maxsize=4096)
def _bounds(anchor_on: date, index: int, zone: ZoneInfo) -> tuple[int, int]:
    since, until = period_bounds(anchor_on, 1, index, zone)
    return to_micros(since), to_micros(until)


@lru_cache(maxsize=4096)
def _first_index(anchor_on: date, since: int, zone: ZoneInfo) -> int:
    return index_at(anchor_on, 1, from_micros(since), zone)

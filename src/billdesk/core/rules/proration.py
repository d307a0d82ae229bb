"""Proration: what is left of a period that was paid for, and what the rest of it costs otherwise.

A period weighs by its days in the desk's zone, each as much as any other, whether it has 23 hours or
25. The day on which something changes belongs to what comes after: on the first day everything is left,
on the last one day is. Each price's share is multiplied once and rounded once (half away from zero),
and what a change costs is the difference of two such shares. So a change and its opposite on the same
day cancel out to the minor unit, line by line and tax by tax; any way from one price to another on one
day comes to the same; and the sum is never a whole minor unit away from the exact share of the
difference.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.rules.periods import days_between
from billdesk.core.values.money import round_ratio


class Share(NamedTuple):
    """A part of a period: `days_left` of its `days`. Nothing is left of a period without days."""

    days_left: int
    days: int

    def of(self, amount_minor: int) -> int:
        """This share of an amount in minor units, rounded once, half away from zero."""
        return round_ratio(amount_minor * self.days_left, self.days) if self.days else 0

    def whole_of(self, count: int) -> int:
        """This share of something that is granted in whole numbers, rounded down."""
        return count * self.days_left // self.days if self.days else 0


def share_left(since: datetime, until: datetime, now: datetime, zone: ZoneInfo) -> Share:
    """What is left of the period [since, until) on the day of `now`: never more than all of it.

    A clock that was set back to before the period leaves all of it, one past its end nothing.
    """
    days = max(days_between(since, until, zone), 0)
    return Share(min(max(days_between(now, until, zone), 0), days), days)

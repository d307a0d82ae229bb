"""Proration: exact, and what cancels out cancels out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billdesk.core.rules.periods import day_start, period_bounds
from billdesk.core.rules.proration import Share, share_left

BERLIN = ZoneInfo("Europe/Berlin")
PRICES = st.integers(0, 10**13)


@st.composite
def shares(draw: st.DrawFn) -> Share:
    """What may be left of a period of up to a leap year."""
    days = draw(st.integers(1, 366))
    return Share(draw(st.integers(0, days)), days)


def cost_of_change(old_minor: int, new_minor: int, left: Share) -> int:
    """The two lines of a change: what comes back of the old price, and what the new one costs."""
    return -left.of(old_minor) + left.of(new_minor)


@pytest.mark.parametrize(
    ("since", "months", "on", "left"),
    [
        ("2026-01-01", 1, "2026-01-01", (31, 31)),  # day one: all of it
        ("2026-01-01", 1, "2026-01-31", (1, 31)),  # the last day: one
        ("2026-02-01", 1, "2026-02-15", (14, 28)),
        ("2028-02-01", 1, "2028-02-15", (15, 29)),
        ("2026-04-01", 1, "2026-04-16", (15, 30)),
        ("2026-03-01", 1, "2026-03-29", (3, 31)),  # the clocks go forward that night
        ("2026-10-01", 1, "2026-10-25", (7, 31)),  # and back
        ("2026-01-31", 1, "2026-02-27", (1, 28)),
        ("2026-01-01", 3, "2026-02-15", (45, 90)),
        ("2028-01-01", 12, "2028-03-01", (306, 366)),
        ("2026-01-01", 12, "2026-03-01", (306, 365)),
    ],
)
def test_what_is_left_is_counted_in_days_of_the_desks_zone(
    since: str, months: int, on: str, left: tuple[int, int]
) -> None:
    bounds = period_bounds(date.fromisoformat(since), months, 0, BERLIN)
    first = day_start(date.fromisoformat(on), BERLIN)
    for now in (first, first + timedelta(hours=12), first + timedelta(hours=22, minutes=59)):
        assert share_left(*bounds, now, BERLIN) == left


def test_a_clock_set_back_leaves_no_more_than_all_and_one_past_the_end_nothing() -> None:
    bounds = period_bounds(date(2026, 5, 1), 1, 0, BERLIN)
    assert share_left(*bounds, datetime(2026, 3, 1, tzinfo=UTC), BERLIN) == (31, 31)
    assert share_left(*bounds, datetime(2026, 9, 1, tzinfo=UTC), BERLIN) == (0, 31)


def test_nothing_is_left_of_a_period_without_days() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    left = share_left(now, now - timedelta(days=3), now, BERLIN)
    assert (left.of(1000), left.whole_of(1000)) == (0, 0)


def test_by_hand_from_29_to_99_on_the_fifteenth_of_february() -> None:
    left = Share(14, 28)
    assert (left.of(2900), left.of(9900)) == (1450, 4950)
    assert cost_of_change(2900, 9900, left) == 3500  # half of the 70.00 between them


def test_half_a_minor_unit_is_rounded_away_from_zero() -> None:
    half = Share(1, 2)
    assert (half.of(1), half.of(-1), half.of(3), half.of(-3)) == (1, -1, 2, -2)
    assert half.whole_of(3) == 1


@settings(max_examples=200)
@given(st.integers(-(10**13), 10**13), shares())
def test_a_share_is_the_exact_one_rounded_once(amount_minor: int, left: Share) -> None:
    exact = Decimal(amount_minor * left.days_left) / Decimal(left.days)
    assert left.of(amount_minor) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@settings(max_examples=200)
@given(PRICES, PRICES, shares())
def test_credit_and_charge_come_to_the_share_of_the_difference(
    old: int, new: int, left: Share
) -> None:
    assert 0 <= left.of(old) <= old
    exact = Fraction((new - old) * left.days_left, left.days)
    assert abs(cost_of_change(old, new, left) - exact) < 1
    if left.days_left in (0, left.days):
        assert cost_of_change(old, new, left) == exact


@settings(max_examples=200)
@given(PRICES, PRICES, PRICES, shares())
def test_there_and_back_costs_nothing_and_every_way_the_same(
    one: int, two: int, three: int, left: Share
) -> None:
    there, back = cost_of_change(one, two, left), cost_of_change(two, one, left)
    assert there + back == 0
    assert there + cost_of_change(two, three, left) == cost_of_change(one, three, left)


@settings(max_examples=100)
@given(PRICES, st.integers(1, 366))
def test_used_and_unused_are_the_whole_price_on_every_day(price: int, days: int) -> None:
    shares = [Share(left, days).of(price) for left in range(days, -1, -1)]
    assert (shares[0], shares[-1]) == (price, 0)
    assert sum(before - after for before, after in pairwise(shares)) == price
    assert shares == sorted(shares, reverse=True)

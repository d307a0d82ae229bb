"""Periods: from the anchor, never drifting, without a gap, in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billdesk.core.rules.periods import day_of, day_start, days_between, index_at, period_bounds
from billdesk.core.values.clock import from_micros, to_micros

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")]
DAYS = st.dates(date(2019, 1, 1), date(2033, 12, 31))
BERLIN = ZoneInfo("Europe/Berlin")


def _days(anchor: str, months: int, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    """The first days of the first periods."""
    starts = (
        period_bounds(date.fromisoformat(anchor), months, index, zone)[0] for index in range(count)
    )
    return [day_of(start, zone).isoformat() for start in starts]


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        ("2026-01-31", 1, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2027-12-30", 1, ["2027-12-30", "2028-01-30", "2028-02-29", "2028-03-30"]),
        ("2026-01-29", 1, ["2026-01-29", "2026-02-28", "2026-03-29"]),
        ("2026-11-30", 3, ["2026-11-30", "2027-02-28", "2027-05-30", "2027-08-30"]),
        ("2024-02-29", 12, ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
    ],
)
def test_a_day_that_a_month_lacks_is_its_last_and_comes_back(
    anchor: str, months: int, expected: list[str]
) -> None:
    assert _days(anchor, months, len(expected)) == expected


def test_periods_begin_at_midnight_of_the_desks_zone_summer_and_winter() -> None:
    bounds = period_bounds(date(2026, 3, 15), 1, 0, BERLIN)
    assert bounds == (
        datetime(2026, 3, 14, 23, tzinfo=UTC),
        datetime(2026, 4, 14, 22, tzinfo=UTC),
    )


def test_a_midnight_that_the_clocks_skip_is_the_next_instant() -> None:
    cairo = ZoneInfo("Africa/Cairo")  # 2026-04-24 begins at one o'clock there
    start = day_start(date(2026, 4, 24), cairo)
    assert day_of(start, cairo) == date(2026, 4, 24)
    assert day_of(start - timedelta(microseconds=1), cairo) == date(2026, 4, 23)


def test_a_day_of_23_hours_is_a_day() -> None:
    march = period_bounds(date(2026, 3, 1), 1, 0, BERLIN)
    assert march[1] - march[0] == timedelta(days=31) - timedelta(hours=1)
    assert days_between(*march, BERLIN) == 31


@settings(max_examples=80, deadline=None)
@given(DAYS, st.sampled_from([1, 3, 6, 12]), st.integers(-30, 60), st.sampled_from(ZONES))
def test_each_period_begins_where_the_last_one_ended(
    anchor: date, months: int, index: int, zone: ZoneInfo
) -> None:
    since, until = period_bounds(anchor, months, index, zone)
    assert since < until == period_bounds(anchor, months, index + 1, zone)[0]


@settings(max_examples=80, deadline=None)
@given(
    DAYS,
    st.sampled_from([1, 3, 12]),
    st.integers(
        to_micros(datetime(2018, 1, 1, tzinfo=UTC)), to_micros(datetime(2036, 1, 1, tzinfo=UTC))
    ),
    st.sampled_from(ZONES),
)
def test_every_instant_lies_in_exactly_the_period_that_is_told(
    anchor: date, months: int, micros: int, zone: ZoneInfo
) -> None:
    instant = from_micros(micros)
    index = index_at(anchor, months, instant, zone)
    since, until = period_bounds(anchor, months, index, zone)
    assert since <= instant < until
    assert index_at(anchor, months, since, zone) == index
    assert index_at(anchor, months, until, zone) == index + 1

"""Time is aware, exact to the microsecond, and stands still when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.values.clock import (
    MovingClock,
    SystemClock,
    aware,
    format_instant,
    from_micros,
    parse_duration,
    parse_instant,
    to_micros,
)
from billdesk.core.values.errors import BadInput

NOON = datetime(2026, 8, 21, 12, tzinfo=UTC)
instants = st.datetimes(timezones=st.just(UTC))


@given(instants)
def test_microseconds_lose_nothing(instant: datetime) -> None:
    assert from_micros(to_micros(instant)) == instant


@given(instants)
def test_what_is_printed_is_read_as_the_same(instant: datetime) -> None:
    assert parse_instant(format_instant(instant)) == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-08-21", datetime(2026, 8, 21, tzinfo=UTC)),
        ("2026-08-21 09:14", datetime(2026, 8, 21, 9, 14, tzinfo=UTC)),
        (" 2026-08-21T09:14:00.000001Z ", datetime(2026, 8, 21, 9, 14, 0, 1, tzinfo=UTC)),
        ("2026-08-21T01:00+02:00", datetime(2026, 8, 20, 23, tzinfo=UTC)),
    ],
)
def test_reads_days_and_instants(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        *("", "today", "21.08.2026", "2026-13-01", "2026-02-30", "1755763200", "٢٠٢٦-٠٨-٢١"),
        *("0001-01-01T00:00+05:00", "9999-12-31T23:59-05:00", "2026-08-21T25:00"),
    ],
)
def test_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(BadInput):
        parse_instant(text)


def test_a_time_without_a_zone_means_nothing() -> None:
    with pytest.raises(BadInput):
        aware(NOON.replace(tzinfo=None))
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    assert aware(east) == NOON
    assert aware(east).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        (" 24H ", timedelta(hours=24)),
        ("7 d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_reads_durations(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "7", "d", "0d", "-1d", "1.5h", "1y", "\u0667d", "9999999s", "1d2h"]
)
def test_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadInput):
        parse_duration(text)


def test_a_moving_clock_stands_still_until_it_is_moved() -> None:
    clock = MovingClock(NOON)
    assert clock.now() == clock.now() == NOON
    assert clock.advance(timedelta(hours=1)) == clock.now() == NOON + timedelta(hours=1)
    assert clock.move_to(NOON) == NOON + timedelta(hours=1)
    assert clock.move_to(NOON + timedelta(days=1)) == clock.now() == NOON + timedelta(days=1)
    with pytest.raises(BadInput):
        clock.advance(timedelta(seconds=-1))


def test_the_system_clock_knows_its_zone() -> None:
    before = datetime.now(UTC)
    assert before <= SystemClock().now() <= datetime.now(UTC)

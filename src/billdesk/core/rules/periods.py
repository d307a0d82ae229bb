"""Billing periods: whole days of the desk's zone, counted in months from an anchor day.

A period begins and ends at the first instant of a day there, so the last hours of a month belong to
those who live by that zone, and a night in which the clocks change makes no period shorter by a day.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

_MONTHS = 12


def period_bounds(
    anchor_on: date, months: int, index: int, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """Where the period `index` (0 begins on the anchor, -1 ends there) begins and ends, in UTC.

    Each bound is counted from the anchor itself, its day cut to the length of the month: an anchor on
    the 31st gives 31 January, 28 February, 31 March. The end is the first instant after the period.
    """
    since = day_start(months_after(anchor_on, months * index), zone)
    return since, day_start(months_after(anchor_on, months * (index + 1)), zone)


def index_at(anchor_on: date, months: int, instant: datetime, zone: ZoneInfo) -> int:
    """The index of the period in which `instant` lies; below zero before the anchor."""
    today = day_of(instant, zone)
    index = (_month_number(today) - _month_number(anchor_on)) // months
    # The first guess looks at the month alone: on the days before its bound, the period is the last.
    return index - (months_after(anchor_on, months * index) > today)


def months_after(day: date, months: int) -> date:
    """The same day that many months later (or earlier), or the month's last one where it has none."""
    year, month = divmod(_month_number(day) + months, _MONTHS)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The day on which `instant` lies in that zone."""
    return instant.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day in that zone, in UTC; where midnight is skipped, the next one."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def days_between(since: datetime, until: datetime, zone: ZoneInfo) -> int:
    """How many days of that zone lie from the day of `since` to the day before that of `until`."""
    return (day_of(until, zone) - day_of(since, zone)).days


def _month_number(day: date) -> int:
    """Months since the beginning of the calendar, which has twelve to each year."""
    return day.year * _MONTHS + day.month - 1

"""Where a meter will be at the end of its period: the weekday run rate, and how far off it was before.

Each day to come is expected to use what the same weekday used on average over the last four weeks; with
less than two weeks behind us, what an average day used. Today counts as what it has used already, if
that is more. Days are those of the desk's zone; quantities are whole numbers of the smallest part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import isqrt
from typing import NamedTuple

METHOD = "weekday run rate"
"""What the method is called where people read it."""

WINDOW_DAYS = 28
_WEEKDAYS_FROM = 14
_DAY = timedelta(days=1)

Span = tuple[date, date]
"""The first day of a period, and the day after its last."""


class Forecast(NamedTuple):
    """What was used so far, what each day from today on is expected to use, and the end of it all.

    `low` and `high`: as far off as the method was in past periods, or, without any, as much as days
    differ from one another.
    """

    used: int
    expected: tuple[tuple[date, int], ...]
    low: int
    likely: int
    high: int


class Backtest(NamedTuple):
    """How far off the method was in past periods: in thousandths, and over how many of them."""

    error_permille: int | None
    periods: int


def forecast(
    days: Mapping[date, int], period: Span, today: date, error_permille: int | None
) -> Forecast:
    """Where a period will end, by what `days` (those without use may be left out) say up to today."""
    since, until = period
    used = sum(quantity for day, quantity in days.items() if since <= day < until)
    expected = []
    for day in _days(max(today, since), until):
        already = days.get(day, 0)
        expected.append((day, max(_expected(days, today, day), already)))
    ahead = sum(quantity - days.get(day, 0) for day, quantity in expected)
    likely = used + ahead
    if error_permille is None:
        off = _spread(days, today) * isqrt(len(expected))
    else:
        off = likely * error_permille // 1000
    return Forecast(used, tuple(expected), max(used, likely - off), likely, likely + off)


def backtested(days: Mapping[date, int], periods: Sequence[Span], days_passed: int) -> Backtest:
    """What the method would have said of past periods after as many days, beside what they came to.

    The mean of the absolute errors, each relative to its period. Periods that begin before the first
    day of use, or in which nothing was used, are left out.
    """
    first = min(days, default=None)
    errors = []
    for since, until in periods:
        then = min(since + days_passed * _DAY, until)
        total = sum(quantity for day, quantity in days.items() if since <= day < until)
        if first is None or first > since or total == 0:
            continue
        known = {day: quantity for day, quantity in days.items() if day < then}
        likely = forecast(known, (since, until), then, None).likely
        errors.append(abs(likely - total) * 1000 // total)
    return Backtest(sum(errors) // len(errors) if errors else None, len(errors))


def _expected(days: Mapping[date, int], today: date, day: date) -> int:
    """What a day is expected to use, by the days before today."""
    behind = _behind(days, today)
    if len(behind) >= _WEEKDAYS_FROM:
        behind = [each for each in behind if each.weekday() == day.weekday()]
    return sum(days.get(each, 0) for each in behind) // len(behind) if behind else 0


def _behind(days: Mapping[date, int], today: date) -> list[date]:
    """The days of the window before today, from the first one with any use on."""
    first = min((day for day in days if day < today), default=today)
    return list(_days(max(first, today - WINDOW_DAYS * _DAY), today))


def _spread(days: Mapping[date, int], today: date) -> int:
    """By how much days differ: the root of the mean of the squares from their average."""
    behind = _behind(days, today)
    if not behind:
        return 0
    quantities = [days.get(day, 0) for day in behind]
    average = sum(quantities) // len(quantities)
    return isqrt(sum((each - average) ** 2 for each in quantities) // len(quantities))


def _days(since: date, until: date) -> list[date]:
    return [since + number * _DAY for number in range((until - since).days)]

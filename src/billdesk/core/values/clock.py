"""Time: aware UTC everywhere, integer microseconds in the store, one clock passed in.

Nothing else in the core asks the time, and no operation asks twice.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from billdesk.core.values.errors import BadInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_DURATION = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)", re.ASCII)
_DURATION_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Clock(Protocol):
    """Whatever knows what time it is."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class MovingClock:
    """A clock that stands still until it is moved: for rehearsals, demos and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = aware(start)

    def now(self) -> datetime:
        """The instant this clock was last moved to."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move forward by `by` (never backward) and return the new instant."""
        if by < timedelta(0):
            raise BadInput("a clock moves forward only", "pass a positive duration")
        self._now += by
        return self._now

    def move_to(self, instant: datetime) -> datetime:
        """Move to `instant` if that lies ahead; a past instant leaves the clock where it is."""
        self._now = max(self._now, aware(instant))
        return self._now


def aware(instant: datetime) -> datetime:
    """`instant` in UTC; raises BadInput for a naive one, whose meaning nobody knows."""
    if instant.tzinfo is None:
        raise BadInput(f"the time {instant.isoformat()} has no zone", "add one, e.g. +00:00")
    return instant.astimezone(UTC)


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z of an aware instant, exactly."""
    return (instant - EPOCH) // MICROSECOND


@lru_cache(maxsize=1024)  # much happens at one instant: a batch, a page, both times of an entry
def from_micros(micros: int) -> datetime:
    """The aware UTC instant `micros` microseconds after 1970-01-01T00:00Z."""
    return EPOCH + timedelta(microseconds=micros)


def parse_instant(text: str) -> datetime:
    """Read `2026-08-21`, `2026-08-21 09:14` or any ISO 8601 instant; without a zone it is UTC.

    Raises BadInput when the text is no date.
    """
    if not text.isascii():
        raise BadInput(f"{text!r} is not a time", "write it like 2026-08-21T09:14:00Z")
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput(f"{text!r} is not a time", "write it like 2026-08-21T09:14:00Z") from error
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise BadInput(f"{text!r} lies outside the calendar", "years 1 to 9999") from error


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `15m`, `24h`, `7d` or `2w`. Raises BadInput for anything else, zero included."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise BadInput(f"{text!r} is not a duration", "write it like 15m, 24h or 7d")
    return timedelta(**{_DURATION_UNITS[match[2]]: int(match[1])})


def format_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with a `Z`, microseconds only where there are some."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")

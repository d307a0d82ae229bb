"""What was used: events once each, and their sums by the hour, kept in the same write block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from billdesk.core.store.sessions import Session

HOUR = 3_600_000_000
"""Microseconds of an hour."""

_AT_ONCE = 500
_STRETCH = 100_000
_LOOKED_THROUGH = 1_000_000

EventRow = tuple[int, str, int, int, int]
"""Stream, event id, quantity in the meter's smallest part, when it was used, when we heard of it."""

_INSERT = "INSERT INTO usage_event (stream_number, event_id, quantity, at, received_at)"

_ROLL_UP = f"""
INSERT INTO usage_hour (stream_number, hour, quantity, events, changed_at)
SELECT stream_number, (at - CAST(? AS bigint)) / {HOUR} * {HOUR} + CAST(? AS bigint) AS began,
       sum(quantity), count(*), CAST(? AS bigint)
FROM {{source}} GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (stream_number, hour) DO UPDATE SET quantity = usage_hour.quantity + excluded.quantity,
    events = usage_hour.events + excluded.events, changed_at = excluded.changed_at"""

# One statement: events that somebody else writes at this moment are theirs, and counted by them.
_KEEP_ON_POSTGRES = f"""
WITH fresh AS (
    {_INSERT}
    SELECT * FROM unnest(CAST(? AS bigint[]), CAST(? AS text[]), CAST(? AS bigint[]),
                         CAST(? AS bigint[]), CAST(? AS bigint[]))
    ON CONFLICT (event_id) DO NOTHING RETURNING stream_number, event_id, quantity, at
), rolled AS ({_ROLL_UP.format(source="fresh")})
SELECT event_id FROM fresh"""

_INGEST_LOCK = 0x75736167
"""Held shared by whoever writes events on Postgres, so that `newest_event` knows when nobody does."""


class Stream(NamedTuple):
    """One account's use of one meter; up to `closed_until` it was billed already."""

    number: int
    account_id: str
    closed_until: int


class StoredEvent(NamedTuple):
    """An event as it was kept the first time."""

    event_id: str
    stream_number: int
    quantity: int
    at: int
    received_at: int


class PeriodKey(NamedTuple):
    """A stretch of an account's use: microseconds, `until` not included."""

    account_id: str
    since: int
    until: int


class PeriodQuantity(NamedTuple):
    """What a meter came to in a period, in its smallest part, and when that last changed."""

    quantity: int
    events: int
    changed_at: int


def account_ids(session: Session, names: Iterable[str]) -> dict[str, str]:
    """The ids of those accounts that are there, by what they were called: ref or id."""
    found = {}
    wanted = sorted(names)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        for account_id, ref in session.all(
            f"SELECT id, ref FROM account WHERE ref IN ({marks}) OR id IN ({marks})",
            (*some, *some),
        ):
            found[ref] = found[account_id] = account_id
    return found


def open_streams(
    session: Session, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Stream]:
    """The streams of those (account id, meter), made where they are not there yet."""
    pairs = sorted(set(wanted))
    session.many(
        "INSERT INTO usage_stream (account_id, meter) VALUES (?, ?)"
        " ON CONFLICT (account_id, meter) DO NOTHING",
        pairs,
    )
    return find_streams(session, pairs)


def find_streams(
    session: Session, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Stream]:
    """Those streams of (account id, meter) that are there."""
    pairs = set(wanted)
    accounts = sorted({account for account, _ in pairs})
    found = {}
    for start in range(0, len(accounts), _AT_ONCE):
        some = accounts[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        for number, account_id, meter, closed_until in session.all(
            "SELECT s.number, s.account_id, s.meter, (SELECT max(p.until) FROM usage_period p"
            " WHERE p.account_id = s.account_id AND p.meter = s.meter)"
            f" FROM usage_stream s WHERE s.account_id IN ({marks})",
            some,
        ):
            if (account_id, meter) in pairs:
                found[account_id, meter] = Stream(number, account_id, closed_until or 0)
    return found


def newest_run(session: Session) -> tuple[Any, ...] | None:
    """Something that differs whenever a run has closed periods since."""
    return session.one(
        "SELECT number, cursor, finished_at FROM usage_run ORDER BY number DESC LIMIT 1"
    )


def keep_events(
    session: Session, rows: Sequence[EventRow], hours_begin: int, now: int
) -> set[str] | None:
    """Keep those events whose ids are new, and add them to their hours; None if all of them were.

    `hours_begin`: how many microseconds after the full hour (UTC) the hours of this desk begin.
    """
    if session.kind == "postgres":
        session.one("SELECT pg_advisory_xact_lock_shared(?)", (_INGEST_LOCK,))
        # Two who write the same events wait for each other, and must do so in one order.
        ordered = sorted(rows, key=itemgetter(1))
        columns = [list(column) for column in zip(*ordered, strict=True)]
        kept = session.all(_KEEP_ON_POSTGRES, (*columns, hours_begin, hours_begin, now))
        return None if len(kept) == len(rows) else {event_id for (event_id,) in kept}
    last = _newest_number(session)
    session.many(f"{_INSERT} VALUES (?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING", rows)
    newest = _newest_number(session)
    if newest > last:
        # Nobody else writes in this block: what came after `last` is what was new.
        source = "usage_event WHERE number > ?"
        session.run(_ROLL_UP.format(source=source), (hours_begin, hours_begin, now, last))
    if newest - last == len(rows):
        return None
    fresh = session.all("SELECT event_id FROM usage_event WHERE number > ?", (last,))
    return {event_id for (event_id,) in fresh}


def stored_events(session: Session, event_ids: Sequence[str]) -> dict[str, StoredEvent]:
    """Events as they are kept, by id."""
    found = {}
    for start in range(0, len(event_ids), _AT_ONCE):
        some = event_ids[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        for row in session.all(
            "SELECT event_id, stream_number, quantity, at, received_at FROM usage_event"
            f" WHERE event_id IN ({marks})",
            some,
        ):
            found[row[0]] = StoredEvent._make(row)
    return found


def period_quantities(
    session: Session, keys: Sequence[PeriodKey]
) -> dict[tuple[str, str, int], PeriodQuantity]:
    """What was used in each period, by (account id, meter, since); nothing used, no line.

    Read from the hours alone. A period begins and ends where an hour of the desk's zone does.
    """
    found = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ["(CAST(? AS text), CAST(? AS bigint), CAST(? AS bigint))"] * len(some)
        rows = session.all(
            f"WITH wanted (account_id, since, until) AS (VALUES {', '.join(marks)})"
            " SELECT w.account_id, s.meter, w.since, sum(h.quantity), sum(h.events), max(h.changed_at)"
            " FROM wanted w CROSS JOIN usage_stream s CROSS JOIN usage_hour h"
            " WHERE s.account_id = w.account_id AND h.stream_number = s.number"
            " AND h.hour >= w.since AND h.hour < w.until GROUP BY w.account_id, s.meter, w.since",
            [value for key in some for value in key],
        )
        for account_id, meter, since, quantity, events, changed_at in rows:
            found[account_id, meter, since] = PeriodQuantity(int(quantity), int(events), changed_at)
    return found


def hour_quantities(
    session: Session, account_id: str, meter: str, since: int, until: int
) -> list[tuple[int, int]]:
    """(beginning of the hour, quantity) of those hours in which something was used, oldest first."""
    rows = session.all(
        "SELECT h.hour, h.quantity FROM usage_stream s JOIN usage_hour h ON h.stream_number = s.number"
        " WHERE s.account_id = ? AND s.meter = ? AND h.hour >= ? AND h.hour < ? ORDER BY h.hour",
        (account_id, meter, since, until),
    )
    return [(hour, quantity) for hour, quantity in rows]


def _newest_number(session: Session) -> int:
    row: tuple[Any, ...] | None = session.one("SELECT max(number) FROM usage_event")
    return (row[0] or 0) if row else 0


_EVENT = """
SELECT e.number, a.ref, s.meter, e.quantity, e.event_id, e.at, e.received_at
FROM usage_event e JOIN usage_stream s ON s.number = e.stream_number
JOIN account a ON a.id = s.account_id"""


class EventLine(NamedTuple):
    """An event with whose it is, for people."""

    number: int
    account_ref: str
    meter: str
    quantity: int
    event_id: str
    at: int
    received_at: int


def event_named(session: Session, event_id: str) -> EventLine | None:
    """One event by its id."""
    row = session.one(f"{_EVENT} WHERE e.event_id = ?", (event_id,))
    return EventLine._make(row) if row else None


def events_of(
    session: Session, account_id: str, meter: str | None, below: int | None, limit: int
) -> tuple[list[EventLine], int | None]:
    """Events of an account, the newest first, and where to go on; None when all have been seen.

    Events have no index but their id, so that they can be kept fast: they are looked through from the
    newest on, a stretch at a time and so many in all. A page may hold fewer than `limit`, even none.
    """
    streams = session.all(
        "SELECT number, meter FROM usage_stream WHERE account_id = ?", (account_id,)
    )
    numbers = [number for number, name in streams if meter in {None, name}]
    upper = _newest_number(session) + 1 if below is None else below
    lowest = upper - _LOOKED_THROUGH
    found: list[EventLine] = []
    while numbers and upper > 1 and upper > lowest:
        lower = max(upper - _STRETCH, 1)
        rows = session.all(
            f"{_EVENT} WHERE e.number >= ? AND e.number < ? AND e.stream_number IN"
            f" ({', '.join('?' * len(numbers))}) ORDER BY e.number DESC LIMIT ?",
            (lower, upper, *numbers, limit - len(found)),
        )
        found += map(EventLine._make, rows)
        if len(found) == limit:
            return found, found[-1].number
        upper = lower
    return found, upper if numbers and upper > 1 else None

"""A check that can fail: the hours of usage are the sums of their events."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from billdesk.core.rules.sheets import FindingSheet
from billdesk.core.rules.usage_rows import hours_begin
from billdesk.core.store.meta import read_meta
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage import HOUR
from billdesk.core.values.clock import format_instant, from_micros

_EVENTS_AT_ONCE = 200_000
_MOST_FINDINGS = 1_000

_HOURS = "SELECT stream_number, hour, quantity, events FROM usage_hour"
_SUMS = f"""
SELECT stream_number, (at - CAST(? AS bigint)) / {HOUR} * {HOUR} + CAST(? AS bigint),
       sum(quantity), count(*)
FROM usage_event WHERE number > ? AND number <= ?{{condition}} GROUP BY 1, 2"""

Sum = tuple[int, int, int, int]
"""Stream, hour, quantity, events."""


def check_usage(session: Session) -> list[FindingSheet]:
    """Hours whose stored sum is not that of their events, or that have no events at all.

    Both sides are read once, each stream's folded into one number; only a stream whose numbers differ
    is looked at hour by hour. So memory grows with streams, not with hours or events.
    """
    difference: dict[int, int] = {}
    for sign, sums in ((1, _event_sums(session)), (-1, session.stream(_HOURS))):
        for stream, hour, quantity, events in sums:
            difference[stream] = difference.get(stream, 0) + sign * _folded(hour, quantity, events)
    findings: list[FindingSheet] = []
    for stream in sorted(stream for stream, folded in difference.items() if folded):
        findings += _differing_hours(session, stream)
        if len(findings) >= _MOST_FINDINGS:
            break
    return findings[:_MOST_FINDINGS]


def _folded(hour: int, quantity: int, events: int) -> int:
    """An hour as a number; the sum of different hours is the same by a chance of one in 2**61."""
    return hash((hour, 0)) * int(quantity) + hash((hour, 1)) * events


def _event_sums(session: Session, stream: int | None = None) -> Iterator[Sum]:
    """The hours of the events, of all streams or of one; an hour comes again with each stretch."""
    begin = hours_begin(ZoneInfo(read_meta(session)["zone"]))
    row = session.one("SELECT max(number) FROM usage_event")
    newest = (row[0] or 0) if row else 0
    condition = "" if stream is None else " AND stream_number = ?"
    for start in range(0, newest, _EVENTS_AT_ONCE):
        values = [begin, begin, start, start + _EVENTS_AT_ONCE]
        for found in session.all(
            _SUMS.format(condition=condition), values if stream is None else [*values, stream]
        ):
            yield found[0], found[1], int(found[2]), found[3]


def _differing_hours(session: Session, stream: int) -> Iterator[FindingSheet]:
    row = session.one(
        "SELECT a.ref, s.meter FROM usage_stream s JOIN account a ON a.id = s.account_id"
        " WHERE s.number = ?",
        (stream,),
    )
    ref, meter = row or (None, f"stream {stream}")
    counted: dict[int, tuple[int, int]] = {}
    for _, hour, quantity, events in _event_sums(session, stream):
        before = counted.get(hour, (0, 0))
        counted[hour] = (before[0] + quantity, before[1] + events)
    stored = {
        hour: (quantity, events)
        for _, hour, quantity, events in session.all(f"{_HOURS} WHERE stream_number = ?", (stream,))
    }
    for hour in sorted(counted.keys() | stored.keys()):
        ours, due = stored.get(hour, (0, 0)), counted.get(hour, (0, 0))
        if ours != due:
            text = (
                f"{meter}: the hour from {format_instant(from_micros(hour))} has {ours[0]} in"
                f" {ours[1]} events, they sum to {due[0]} in {due[1]}"
            )
            yield FindingSheet("usage", ref, None, None, text)

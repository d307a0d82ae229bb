"""One page of what happened: of Stripe's events, or of everything it lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from billdesk.core.gateways.stripe.client import (
    JSON,
    STRANGE,
    Answer,
    Gone,
    RightMissing,
    StripeCaller,
)
from billdesk.core.gateways.stripe.cursors import (
    MOST_SEEN,
    OVERLAP_SECONDS,
    EventCursor,
    EventPass,
    SweepCursor,
    read_event_cursor,
    read_sweep_cursor,
)
from billdesk.core.gateways.stripe.events import EVENT_TYPES, EventReader, event_of
from billdesk.core.gateways.stripe.facts import FactReader
from billdesk.core.gateways.stripe.objects import Kind, page
from billdesk.core.gateways.stripe.shapes import instant_of, is_checkout, seconds_of
from billdesk.core.rules.gateway import Fact, FactPage

PASS_PAGES = 5  # so many are put in order before they are told

# Sweeping goes by when an object was made; what is said of it may be younger by this much.
_SWEPT: tuple[tuple[Kind, timedelta], ...] = (
    ("checkout.session", timedelta(days=1)),
    ("payment_intent", timedelta(days=1)),
    ("refund", timedelta(days=30)),
    ("dispute", timedelta(days=120)),
    ("subscription", timedelta(days=30)),
    ("invoice", timedelta(days=30)),
)


def event_page(
    stripe: StripeCaller, reader: FactReader, text: str | None, now: datetime
) -> FactPage:
    """The next page of events after a cursor. Raises GatewayError and its kinds."""
    cursor, gap_since = read_event_cursor(text), None
    seen = set(cursor.seen)
    try:
        if not cursor.reaches(seconds_of(now)):
            raise Gone("events of so long ago are not listed any more")
        answer = _events(stripe, cursor)
    except Gone:
        # What is still listed is told from its beginning, and the rest is a gap.
        gap_since, cursor = instant_of(cursor.told_until), EventCursor()
        answer = _events(stripe, cursor)
    found, cursor = list(answer.data["data"]), _moved(cursor, answer)
    pages = 1
    while cursor.running is not None and pages < PASS_PAGES:
        answer = _events(stripe, cursor)
        found, cursor = found + answer.data["data"], _moved(cursor, answer)
        pages += 1
    # Each once, the oldest first.
    by_id = {event["id"]: event for event in reversed(found) if event["id"] not in seen}
    events = EventReader(stripe, reader)
    return FactPage(
        facts=tuple(fact for event in by_id.values() for fact in events.facts(event)),
        cursor=cursor.text(),
        complete=cursor.running is None,
        events=tuple(event_of(event) for event in by_id.values()),
        gap_since=gap_since,
    )


def sweep_page(
    stripe: StripeCaller, reader: FactReader, since: datetime, text: str | None
) -> FactPage:
    """The next page of a sweep. Raises GatewayError and its kinds."""
    cursor = read_sweep_cursor(text, _SWEPT)
    kind, younger = _SWEPT[cursor.list_number]
    answer = _listed(stripe, kind, cursor.after, seconds_of(since - younger))
    found, more = answer.data["data"], answer.data["has_more"]
    after = SweepCursor(cursor.list_number, found[-1]["id"]) if more else None
    complete = after is None and cursor.list_number + 1 == len(_SWEPT)
    return FactPage(
        facts=tuple(
            fact for thing in reversed(found) for fact in _now(reader, kind, thing, answer.at)
        ),
        cursor="" if complete else (after or SweepCursor(cursor.list_number + 1)).text(),
        complete=complete,
    )


def _listed(stripe: StripeCaller, kind: Kind, after: str, since: int) -> Answer:
    """A page of what was made since; nothing of bills for a key that may not read them."""
    if kind not in {"subscription", "invoice"}:
        return page(stripe, kind, after, created={"gte": since})
    every: dict[str, str] = {"status": "all"} if kind == "subscription" else {}
    try:
        return page(stripe, kind, after, created={"gte": since}, **every)
    except RightMissing:
        return Answer({"data": [], "has_more": False}, instant_of(since))


def _now(reader: FactReader, kind: Kind, thing: JSON, at: datetime) -> tuple[Fact, ...]:
    """What an object says as it is now."""
    try:
        return _READS[kind](reader, thing, at)
    except STRANGE as error:
        return (reader.unknown(thing["id"], thing["id"], thing, at, f"{kind}: {error!r}"),)


_READS: dict[Kind, Callable[[FactReader, JSON, datetime], tuple[Fact, ...]]] = {
    "checkout.session": lambda reader, thing, at: reader.session(thing, at),
    "payment_intent": lambda reader, thing, at: (
        () if is_checkout(thing) else reader.intent(thing, at)
    ),
    "refund": lambda reader, thing, at: (reader.refund(thing, at),),
    "dispute": lambda reader, thing, at: reader.dispute(thing, at),
    "subscription": lambda reader, thing, at: (reader.subscription_now(thing, at),),
    "invoice": lambda reader, thing, at: (reader.invoice_now(thing, at),),
}


def _events(stripe: StripeCaller, cursor: EventCursor) -> Answer:
    """The next page of a pass. Raises Gone where it cannot be gone on with."""
    created: dict[str, int] = {}
    if cursor.from_seconds is not None:
        created["gte"] = cursor.from_seconds
    if cursor.running is not None:
        # What is new since the pass began is left to the next one.
        created["lte"] = cursor.running.top
    after = cursor.running.after if cursor.running else ""
    filters = {"created": created} if created else {}
    return page(stripe, "event", after, types=list(EVENT_TYPES), **filters)


def _moved(cursor: EventCursor, answer: Answer) -> EventCursor:
    """Where to go on; the mark moves with the last page of a pass only."""
    found, running = answer.data["data"], cursor.running
    if running is None:
        newest = max((event["created"] for event in found), default=cursor.mark)
        running = EventPass(newest or 0, "", seconds_of(answer.at), ())
    running = _remembering(running, found)
    if answer.data["has_more"]:
        return replace(cursor, running=replace(running, after=found[-1]["id"]))
    return EventCursor(
        mark=max(running.top, cursor.mark or 0) or None,
        asked=running.asked,
        seen=running.seen,
        floor=running.oldest if len(running.seen) == MOST_SEEN else 0,
    )


def _remembering(running: EventPass, found: list[JSON]) -> EventPass:
    """A pass that knows the events which the next one will meet again, as many as it can."""
    if len(running.seen) == MOST_SEEN:
        return running
    window = running.top - OVERLAP_SECONDS
    dates = {event["id"]: event["created"] for event in found if event["created"] >= window}
    seen = tuple(dict.fromkeys([*running.seen, *dates]))[:MOST_SEEN]
    oldest = dates.get(seen[-1], running.oldest) if seen else 0
    return replace(running, seen=seen, oldest=oldest)

"""How far the reading of Stripe's lists has come: what the desk keeps between two polls.

A pass goes through the events from the newest to the oldest; only a whole one moves the mark, which
is Stripe's own time of the newest event. Each pass begins ten minutes before the mark, since events
become visible late; `seen` names those in that window that were told before. Where there are more than
can be named, the window is cut short at `floor`, and a sweep finds what came later still.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from billdesk.core.values.errors import GatewayError

OVERLAP_SECONDS = 10 * 60
# Stripe lists events for 30 days; a day is left for a pass to come to its end.
REACH_SECONDS = timedelta(days=29) // timedelta(seconds=1)
MOST_SEEN = 2000  # about 60 kB


@dataclass(frozen=True, slots=True)
class EventPass:
    """A pass on its way: the newest event's time, the event it goes on after, when it began.

    `oldest` is the time of the oldest event in `seen`.
    """

    top: int
    after: str
    asked: int
    seen: tuple[str, ...]
    oldest: int = 0


@dataclass(frozen=True, slots=True)
class EventCursor:
    """The mark, when the last whole pass began (both by Stripe's clock), and a pass on its way."""

    mark: int | None = None
    asked: int | None = None
    seen: tuple[str, ...] = ()
    floor: int = 0
    running: EventPass | None = None

    @property
    def from_seconds(self) -> int | None:
        """Where a pass ends."""
        return None if self.mark is None else max(self.mark - OVERLAP_SECONDS, self.floor)

    @property
    def told_until(self) -> int:
        """Until when everything was told, if anything was ever asked."""
        if self.asked is not None:
            return self.asked - OVERLAP_SECONDS
        return self.running.asked - REACH_SECONDS if self.running else 0

    def reaches(self, now: int) -> bool:
        """Whether events since the last whole pass are still listed."""
        return self.asked is None or now - self.asked < REACH_SECONDS

    def text(self) -> str:
        """What the desk keeps."""
        fields = asdict(self)
        return json.dumps({"stripe": "events", **fields}, separators=(",", ":"))


def read_event_cursor(text: str | None) -> EventCursor:
    """What `EventCursor.text` made; None begins. Raises GatewayError for anything else."""
    if text is None:
        return EventCursor()
    try:
        fields = _fields(text, "events")
        running = fields["running"]
        return EventCursor(
            mark=None if fields["mark"] is None else int(fields["mark"]),
            asked=None if fields["asked"] is None else int(fields["asked"]),
            seen=_names(fields["seen"]),
            floor=int(fields["floor"]),
            running=running
            and EventPass(
                top=int(running["top"]),
                after=str(running["after"]),
                asked=int(running["asked"]),
                seen=_names(running["seen"]),
                oldest=int(running["oldest"]),
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _no_cursor(text) from error


@dataclass(frozen=True, slots=True)
class SweepCursor:
    """Which list a sweep is in, and the object it goes on after."""

    list_number: int = 0
    after: str = ""

    def text(self) -> str:
        """What the desk keeps."""
        fields = {"stripe": "sweep", "list": self.list_number, "after": self.after}
        return json.dumps(fields, separators=(",", ":"))


def read_sweep_cursor(text: str | None, lists: Sequence[object]) -> SweepCursor:
    """What `SweepCursor.text` made; None begins. Raises GatewayError for anything else."""
    if text is None:
        return SweepCursor()
    try:
        fields = _fields(text, "sweep")
        number = range(len(lists))[int(fields["list"])]
        return SweepCursor(number, str(fields["after"]))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _no_cursor(text) from error


def _fields(text: str, kind: str) -> dict[str, Any]:
    fields = json.loads(text)
    if fields["stripe"] != kind:
        raise ValueError(kind)
    return dict(fields)


def _names(names: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in names)


def _no_cursor(text: str) -> GatewayError:
    return GatewayError(f"{text[:40]!r} is no cursor of Stripe's", "begin without one")

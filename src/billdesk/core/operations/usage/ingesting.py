"""Taking usage in, ten thousand events to a write block: each id once, whoever tells it how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.operations.accounts.enrolling import HOUSE
from billdesk.core.operations.office import Office
from billdesk.core.operations.usage.lines import UsageLines
from billdesk.core.rules.catalog import Meter
from billdesk.core.rules.sheets import IngestSheet, RowError
from billdesk.core.rules.usage_rows import (
    AHEAD,
    EARLIEST,
    MOST_PARTS,
    Quantity,
    check_event_id,
    check_names,
    check_unit,
    hours_begin,
    instant_of,
    quantity_parts,
)
from billdesk.core.store import usage as store
from billdesk.core.store.catalogs import catalog_now
from billdesk.core.store.meta import read_meta
from billdesk.core.values.clock import EPOCH, MICROSECOND, to_micros
from billdesk.core.values.errors import BadInput

BATCH = 10_000
MOST_ERRORS = 1000
_MOST_TARGETS = 100_000
_LONGEST_PLAIN_ID = 200

Progress = Callable[[int, int], None]

Event = tuple[str, str, Quantity, str, datetime | str]
"""Account (ref or id), meter, quantity in the meter's unit, event id, when it was used."""


class _Target(NamedTuple):
    """Where events of an account and a meter go, and what their quantities are multiplied by."""

    stream: int
    decimals: int
    scale: int
    most: int
    closed_until: int


Targets = dict[tuple[str, str], _Target]


class Directory:
    """Where events go, remembered from one batch to the next: nothing of it ever changes but by a run.

    Entries are only added; what is outdated is replaced as a whole, so threads may share it.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._targets: Targets = {}
        self._as_of: object = None
        with office.database.read() as session:
            self.hours_begin = hours_begin(ZoneInfo(read_meta(session)["zone"]))

    def open(self) -> tuple[dict[str, Meter], Targets]:
        """The meters there are, and the targets that are known. What a block adds dies with it."""
        with self._office.database.read() as session:
            meters = catalog_now(session).meters
            as_of = (meters, store.newest_run(session))
        if self._office.database.in_block():
            return meters, {}
        if as_of != self._as_of:
            self._targets, self._as_of = {}, as_of
        return meters, self._targets


class Ingest:
    """One file or batch on its way in: what is known of its accounts, and what became of its lines."""

    def __init__(self, office: Office, directory: Directory) -> None:
        office.check_writable()
        self._office = office
        self._started = perf_counter()
        now = office.now()
        self._received_at = to_micros(now)
        self._latest = now + AHEAD
        self._earliest_at = to_micros(EARLIEST)
        self._latest_at = to_micros(self._latest)
        self._hours_begin = directory.hours_begin
        self._refused: dict[tuple[str, str], BadInput] = {}
        self.meters, self._targets = directory.open()
        self.read = self.new = self.known = self.rejected = self.late = self.differing = 0
        self._errors: list[RowError] = []

    def reject(self, line: int, error: BadInput) -> None:
        """Count a line that cannot be taken in, and tell why unless a thousand were told already."""
        self.rejected += 1
        if len(self._errors) < MOST_ERRORS:
            text = f"{error.message}; {error.hint}" if error.hint else error.message
            self._errors.append(RowError(line, text))

    def take_all(self, events: Iterable[Event]) -> IngestSheet:
        """Take in events, numbered from 1, batch by batch."""
        remaining = iter(events)
        while batch := list(islice(remaining, BATCH)):
            first = self.read + 1
            self.read += len(batch)
            self.take(range(first, first + len(batch)), batch)
        return self.sheet()

    def take_lines(self, lines: UsageLines, on_progress: Progress) -> IngestSheet:
        """Take in a file line by line, batch by batch. Raises BadInput when it is no such file."""
        remaining = lines.rows()
        while batch := list(islice(remaining, BATCH)):
            self.read += len(batch)
            places: list[int] = []
            events: list[Event] = []
            for number, row in batch:
                try:
                    if isinstance(row, BadInput):
                        raise BadInput(row.message, row.hint)
                    if row.unit and row.meter in self.meters:
                        check_unit(row.unit, self.meters[row.meter])
                except BadInput as error:
                    self.reject(number, error)
                else:
                    places.append(number)
                    events.append(row[:5])
            self.take(places, events)
            on_progress(lines.position, lines.size)
        return self.sheet()

    def take(self, lines: Sequence[int], events: Sequence[Event]) -> None:
        """Take in a batch, in one write block; the lines that cannot be are told."""
        self._find_targets(events)
        rows, places, late = self._rows(lines, events)
        if not rows:
            return
        with self._office.database.write() as session:
            fresh = store.keep_events(session, rows, self._hours_begin, self._received_at)
            stored = {} if fresh is None else store.stored_events(session, [row[1] for row in rows])
        if fresh is None:
            self.new += len(rows)
            self.late += len(late)
        else:
            self._sort_out(rows, places, set(late), fresh, stored)

    def sheet(self) -> IngestSheet:
        """What it came to."""
        return IngestSheet(
            read=self.read,
            new=self.new,
            known=self.known,
            rejected=self.rejected,
            errors=tuple(sorted(self._errors)),
            milliseconds=round((perf_counter() - self._started) * 1000),
            late=self.late,
        )

    def _find_targets(self, events: Sequence[Event]) -> None:
        """Know where the batch's events go, or why they go nowhere."""
        if len(self._targets) > _MOST_TARGETS:
            self._targets = {}
        targets, self._refused = self._targets, {}
        unseen = {(event[0], event[1]) for event in events if (event[0], event[1]) not in targets}
        if not unseen:
            return
        wanted = {}
        for pair in unseen:
            try:
                check_names(*pair)
                if pair[1] not in self.meters:
                    raise BadInput(f"there is no meter {pair[1]}", "see billdesk catalog show")
                if pair[0] == HOUSE:
                    raise BadInput("the house uses nothing", "name a customer's account")
                wanted[pair] = pair[0]
            except BadInput as error:
                self._refused[pair] = error
        with self._office.database.read() as session:
            ids = store.account_ids(session, set(wanted.values()))
        streams = self._streams(
            {(ids[name], pair[1]) for pair, name in wanted.items() if name in ids}
        )
        for pair, name in wanted.items():
            stream = streams.get((ids.get(name, ""), pair[1]))
            if stream is None:
                self._refused[pair] = BadInput(f"there is no account {name}", "add it first")
                continue
            decimals = self.meters[pair[1]].decimals
            scale = 10**decimals
            most = MOST_PARTS // scale
            self._targets[pair] = _Target(stream.number, decimals, scale, most, stream.closed_until)

    def _streams(self, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], store.Stream]:
        """The streams of those pairs of account and meter; a write block only for those that are new."""
        with self._office.database.read() as session:
            found = store.find_streams(session, wanted)
        missing = wanted - found.keys()
        if missing:
            with self._office.database.write() as session:
                found |= store.open_streams(session, missing)
        return found

    def _rows(
        self, lines: Sequence[int], events: Sequence[Event]
    ) -> tuple[list[store.EventRow], list[int], list[int]]:
        """The events as rows, the lines that they came from, and which rows are late.

        The loop that every event goes through: what is usual is decided in it, what is not by a call.
        """
        targets, latest, received_at = self._targets, self._latest, self._received_at
        earliest_at, latest_at = self._earliest_at, self._latest_at
        plain = _all_plain([event[3] for event in events])
        rows: list[store.EventRow] = []
        places: list[int] = []
        late: list[int] = []
        for line, (account, meter, quantity, event_id, at) in zip(lines, events, strict=True):
            target = targets.get((account, meter))
            if target is None:
                self.reject(line, self._refused[account, meter])
                continue
            stream, decimals, scale, most, closed_until = target
            try:
                if type(quantity) is int and 0 <= quantity <= most:
                    parts = quantity * scale
                else:
                    parts = quantity_parts(quantity, decimals)
                if not plain:
                    check_event_id(event_id)
                if type(at) is datetime and at.tzinfo is not None:
                    when = (at - EPOCH) // MICROSECOND
                    if not earliest_at <= when <= latest_at:
                        instant_of(at, latest)  # says why
                else:
                    when = instant_of(at, latest)
            except BadInput as error:
                self.reject(line, error)
                continue
            if when < closed_until:
                late.append(len(rows))
            rows.append((stream, event_id, parts, when, received_at))
            places.append(line)
        return rows, places, late

    def _sort_out(
        self,
        rows: Sequence[store.EventRow],
        places: Sequence[int],
        late: set[int],
        fresh: set[str],
        stored: dict[str, store.StoredEvent],
    ) -> None:
        """Of a batch in which not all was new, tell what was, what was known, and what differs."""
        for place, row in enumerate(rows):
            event_id = row[1]
            if stored[event_id][:4] != (event_id, row[0], row[2], row[3]):
                self.differing += 1
                self.reject(
                    places[place],
                    BadInput(
                        f"the event {event_id} was told before with other content",
                        "nothing is changed; another event needs another id",
                    ),
                )
            elif event_id in fresh:
                fresh.remove(event_id)  # the same again further down is known
                self.new += 1
                self.late += place in late
            else:
                self.known += 1


def _all_plain(event_ids: Sequence[Any]) -> bool:
    """Whether all are ids without any doubt, found out at once; else each is looked at by itself."""
    try:
        text = "".join(event_ids)
    except TypeError:
        return False
    return (
        text.isascii()
        and text.isprintable()
        and " " not in text
        and all(event_ids)
        and max(map(len, event_ids), default=0) <= _LONGEST_PLAIN_ID
    )

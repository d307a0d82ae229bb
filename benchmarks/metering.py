"""Taking usage in: how fast beside bare inserts of the same rows, and in how much memory."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.ratios import Figure, Limit, by_turns, compared
from billdesk.core.desk import Desk, create_ledger
from billdesk.core.operations.usage.ingesting import BATCH, Event
from billdesk.core.store.schema import schema_statements
from tests.core.operations.metered import sell
from tests.proofs.usage_worker import peak_mebibytes

if TYPE_CHECKING:
    import sqlite3
else:
    from billdesk.core.store.sqlite import sqlite3

ACCOUNTS = 1_000
IN_USE = 200_000
METERS = ("calls", "transfer")
LATE = 0.05

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-16000",
            "journal_size_limit=67108864")  # fmt: skip
_BARE = (
    "INSERT INTO usage_event (stream_number, event_id, quantity, at, received_at)"
    " VALUES (?, ?, ?, ?, ?)"
)


def events(since: datetime, chance: random.Random) -> Iterator[Event]:
    """Calls and gigabytes of a thousand customers, fifty a second; one in twenty comes days late.

    Their ids are of chance alone, like those of most programs that make events.
    """
    at = since
    while True:
        at += timedelta(microseconds=chance.randrange(40_000))
        late = timedelta(hours=chance.randrange(48)) if chance.random() < LATE else timedelta()
        yield (
            f"a{chance.randrange(ACCOUNTS)}", chance.choice(METERS), chance.randrange(1000),
            f"{chance.getrandbits(128):032x}", at - late,
        )  # fmt: skip


def _desk(folder: Path) -> Desk:
    desk = create_ledger(str(folder / "ledger"))
    sell(desk)
    with desk.transaction():
        for number in range(ACCOUNTS):
            desk.accounts.add(f"a{number}", name=f"Account {number}")
    return desk


def _bare(path: Path) -> sqlite3.Connection:
    """The table of events with its unique key, and nothing of ours."""
    db = sqlite3.connect(str(path), isolation_level=None)
    for pragma in _PRAGMAS:
        db.execute(f"PRAGMA {pragma}")
    for statement in schema_statements("sqlite"):
        if "CREATE TABLE usage_event" in statement or "INDEX usage_event" in statement:
            db.execute(statement)
    return db


def usage(*, quick: bool) -> list[Figure]:
    """`record_many` with everything on: ids once, hours summed; beside one executemany a commit."""
    batches = 20 if quick else 100
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(_bare(Path(folder) / "bare")) as bare,
        _desk(Path(folder)) as desk,
    ):
        told = events(datetime.now(UTC) - timedelta(days=2), random.Random(5))
        batch: list[Event] = []

        def ours() -> float:
            batch[:] = [next(told) for _ in range(BATCH)]
            started = perf_counter()
            sheet = desk.usage.record_many(batch)
            took = perf_counter() - started
            if sheet.new != BATCH:
                raise AssertionError(f"{sheet.new} of {BATCH} were new")
            return BATCH / took

        def floor() -> float:
            rows = [
                (number % 2000, event[3], event[2], 1_790_000_000_000_000 + number, 0)
                for number, event in enumerate(batch)
            ]
            started = perf_counter()
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany(_BARE, rows)
            bare.execute("COMMIT")
            return BATCH / (perf_counter() - started)

        measured = by_turns(batches, ours, floor)
        if desk.verify().findings:
            raise AssertionError("the hours are not the sums of their events")
    what = f"usage ingest of {batches * BATCH:,}, batches of {BATCH:,}"
    return [
        compared(
            what,
            "bare executemany of the same rows, same unique key",
            "/s",
            Limit(0.7, 0.8),
            measured,
        ),
        _memory(quick=quick),
    ]


def _memory(*, quick: bool) -> Figure:
    """Peak memory of a whole process that reads a file without end, beside one of a tenth."""
    lines = 300_000 if quick else 1_000_000
    ours, floor = _peak_mebibytes(lines), _peak_mebibytes(lines // 10)
    return compared(
        f"… memory, {lines:,} lines from a stream", f"{lines // 10:,} lines", "MiB", Limit(1.1, 1.05),
        (ours, floor, ours / floor),
    )  # fmt: skip


def _peak_mebibytes(lines: int) -> float:
    command = [sys.executable, "-m", "benchmarks.metering", str(lines)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


class Lines:
    """A stream of `count` lines that nobody has written down."""

    def __init__(self, count: int) -> None:
        told = events(datetime.now(UTC) - timedelta(days=2), random.Random(6))
        self._heading: bytes | None = b"account,meter,quantity,event_id,at\n"
        self._lines = (
            f"{account},{meter},{quantity},{event_id},{at}\n".encode()
            for _, (account, meter, quantity, event_id, at) in zip(range(count), told, strict=False)
        )

    def readline(self, _most: int) -> bytes:
        """The next line; nothing at the end."""
        heading, self._heading = self._heading, None
        return heading or next(self._lines, b"")


def _ingest(lines: int) -> None:
    """In a process of its own: take in so many lines, and print the peak of its memory.

    Into a ledger in use: the database's cache, which is bounded, is full from the beginning.
    """
    with tempfile.TemporaryDirectory() as folder, _desk(Path(folder)) as desk:
        before = events(datetime.now(UTC) - timedelta(days=4), random.Random(4))
        desk.usage.record_many(islice(before, IN_USE))
        sheet = desk.usage.ingest(Lines(lines), "csv")  # type: ignore[arg-type]  # all it needs
        if sheet.new != lines:
            raise AssertionError(f"{sheet.new} of {lines} were new: {sheet.errors[:3]}")
    print(peak_mebibytes())


if __name__ == "__main__":
    _ingest(int(sys.argv[1]))

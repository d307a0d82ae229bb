"""Usage is counted once: by two processes at once, after kills, and in files that never end."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from billdesk.core.desk import Desk, open_desk
from tests.core.operations.metered import difference, hours, sell

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
HEADING = b"account,meter,quantity,event_id,at\n"
GIBIBYTE = 1 << 30
SCATTER = 2_654_435_761
LONG = b"-" * 100
SOAKED_GIBIBYTES = float(os.environ.get("BILLDESK_TEST_USAGE_GIBIBYTES", "10"))


class CameTo(NamedTuple):
    """What a process printed."""

    read: int
    new: int
    known: int
    rejected: int
    peak_mebibytes: int


@pytest.fixture
def metered(ledger_url: str) -> str:
    """A ledger with meters and fifty accounts, once on each database."""
    with open_desk(ledger_url) as desk:
        furnish(desk)
    return ledger_url


def furnish(desk: Desk) -> None:
    """Meters, and the accounts a0 to a49."""
    sell(desk)
    with desk.transaction():
        for number in range(50):
            desk.accounts.add(f"a{number}", name=f"Account {number}")


def lines(count: int, first: int = 0, blanks: int = 0) -> Iterator[bytes]:
    """Events with a heading; each line as many blanks longer as is asked for."""
    yield HEADING
    for number in range(first, first + count):
        at = (AT - timedelta(minutes=number % 3000)).isoformat()
        # Ids in no order, as ids of chance are, and long.
        event_id = b"%08x%s" % (number * SCATTER % 2**32, LONG)
        yield b"a%d,calls,%d,%s,%s%s\n" % (
            number % 50, number % 7, event_id, at.encode(), b" " * blanks,
        )  # fmt: skip


def start(ledger: str) -> subprocess.Popen[bytes]:
    """A process that takes in what it is given."""
    command = [sys.executable, "-m", "tests.proofs.usage_worker", ledger]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def feed(process: subprocess.Popen[bytes], parts: Iterator[bytes]) -> CameTo:
    """Give a process everything, and wait for what it comes to."""
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin:
        for part in parts:
            process.stdin.write(part)
    with process.stdout:
        answer = process.stdout.read()
    assert process.wait(timeout=60) == 0
    return CameTo._make(map(int, answer.split()))


def total(count: int) -> int:
    """What events 0 to `count` come to."""
    return sum(number % 7 for number in range(count))


def counted(ledger: str) -> int:
    """What the ledger's hours come to, after they were held against the events."""
    with open_desk(ledger) as desk:
        assert difference(desk) == []
        assert desk.verify().findings == ()
        return sum(sum(hours(desk, f"a{number}", "calls").values()) for number in range(50))


@pytest.mark.parametrize("count", [12_000, pytest.param(400_000, marks=pytest.mark.soak)])
def test_two_processes_that_take_in_the_same_file_at_once_count_it_once(
    metered: str, tmp_path: Path, count: int
) -> None:
    path = tmp_path / "usage.csv"
    path.write_bytes(b"".join(lines(count)))
    command = [sys.executable, "-m", "tests.proofs.usage_worker", metered]
    running = []
    for _ in range(2):
        with path.open("rb") as file:
            running.append(subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE))
    answers = [CameTo._make(map(int, each.communicate(timeout=300)[0].split())) for each in running]
    assert sum(answer.new for answer in answers) == count
    assert sum(answer.known for answer in answers) == count
    assert counted(metered) == total(count)


@pytest.mark.parametrize("rounds", [1, pytest.param(60, marks=pytest.mark.soak)])
def test_after_kills_the_same_file_again_counts_every_event_once(metered: str, rounds: int) -> None:
    count, chance = 40_000, random.Random(rounds)
    for _ in range(rounds):
        process = start(metered)
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            for place, line in enumerate(lines(count)):
                process.stdin.write(line)
                if place == 15_000:
                    process.stdin.flush()
                    time.sleep(chance.uniform(0.4, 1.2))
                    process.kill()
        process.communicate(timeout=60)
    came = feed(start(metered), lines(count))
    assert came.new + came.known == count
    assert counted(metered) == total(count)


@pytest.fixture
def used(sqlite_url: str) -> Path:
    """A ledger in use: so much in it that its cache, which is bounded, fills at once."""
    with open_desk(sqlite_url) as desk:
        furnish(desk)
    feed(start(sqlite_url), lines(100_000))
    return Path(sqlite_url)


def peaks(ledger: Path, *files: Iterator[bytes]) -> list[CameTo]:
    """What files come to, each on a copy of the ledger of its own."""
    came = []
    for number, file in enumerate(files):
        copy = ledger.with_name(f"copy-{number}.ledger")
        copy.write_bytes(ledger.read_bytes())
        came.append(feed(start(str(copy)), file))
    return came


@pytest.mark.parametrize(
    ("few", "many"),
    [(30_000, 100_000), pytest.param(100_000, 1_000_000, marks=pytest.mark.soak)],
)
def test_many_more_lines_take_no_more_memory(used: Path, few: int, many: int) -> None:
    first, second = peaks(used, lines(few, 200_000), lines(many, 200_000))
    assert first[:4] == (few, few, 0, 0)
    assert second[:4] == (many, many, 0, 0)
    assert second.peak_mebibytes <= first.peak_mebibytes * 1.1


def endless(gibibytes: float, distinct: int) -> Iterator[bytes]:
    """A file without end: the same events again and again, broken lines, one line without an end."""
    block = b"".join(lines(distinct, blanks=3_000))[len(HEADING) :] + b"\xff broken\n" * 3
    yield HEADING
    written = 0
    while written < gibibytes * GIBIBYTE * 0.9:
        yield block
        written += len(block)
    for _ in range(int(gibibytes * GIBIBYTE * 0.1) >> 20):
        yield b"x" * (1 << 20)
    yield b"\na0,calls,1,the-last,2026-01-05T09:00Z\n"


@pytest.mark.parametrize("gibibytes", [0.3, pytest.param(SOAKED_GIBIBYTES, marks=pytest.mark.soak)])
def test_a_file_without_end_is_read_in_flat_memory(sqlite_url: str, gibibytes: float) -> None:
    with open_desk(sqlite_url) as desk:
        furnish(desk)
    files = endless(0.1, 5_000), endless(gibibytes, 5_000)
    first, second = peaks(Path(sqlite_url), *files)
    for came in (first, second):
        assert came.new == 5_001
        # Three in each block, and the one without an end.
        assert (came.rejected - 1) % 3 == 0
        assert came.known == came.read - came.rejected - came.new
    assert second.peak_mebibytes <= first.peak_mebibytes * 1.1

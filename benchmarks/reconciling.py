"""Comparing payments with a gateway's own books, beside merely reading both lists."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, cast

from benchmarks.ratios import Figure, Limit, alone, by_turns, compared
from billdesk.core.desk import create_ledger, open_desk
from billdesk.core.rules.gateway import Gateway, GatewayRow
from billdesk.core.values.clock import MovingClock

if TYPE_CHECKING:
    import sqlite3
else:
    from billdesk.core.store.sqlite import sqlite3

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 30, tzinfo=UTC)
_START_MICROS = 1_767_225_600_000_000
_STEP_MICROS = 20_000_000
_PAGE = 100
OURS = """
SELECT p.external_id, p.asset, p.amount_minor, p.fee_minor, g.happened_at, p.charge_id, p.id,
       p.account_id
FROM payment p JOIN posting g ON g.id = p.posting_id
WHERE p.gateway = 'books' AND p.mode = 'test' AND p.external_id IS NOT NULL
      AND g.happened_at >= ? AND g.happened_at < ? ORDER BY p.external_id"""
PEAK = """
import resource, sys
from pathlib import Path
from benchmarks.reconciling import compare
compare(Path(sys.argv[1]))
status = Path("/proc/self/status")
if status.exists():  # what Linux says of a process's peak otherwise may be its parent's
    [peak] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    print(int(peak.split()[1]) / 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


class Books:
    """A gateway's own list, in pages of JSON as gateways send them; in no order that helps."""

    name = "books"
    mode = "test"

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, payments: int) -> None:
        """Make the list, on disk."""
        places = list(range(payments))
        Random(3).shuffle(places)
        with self._path.open("w", encoding="utf-8") as file:
            for first in range(0, payments, _PAGE):
                page = [_object(place) for place in places[first : first + _PAGE]]
                file.write(json.dumps({"data": page, "has_more": True}) + "\n")

    def rows(self, since: datetime, until: datetime) -> Iterator[GatewayRow]:
        """The list, read page by page."""
        with self._path.open(encoding="utf-8") as file:
            for line in file:
                for made in json.loads(line)["data"]:
                    at = datetime.fromtimestamp(made["created"], UTC)
                    if since <= at < until:
                        yield GatewayRow(
                            made["type"], made["id"], made["source"], made["metadata"]["payment"],
                            made["currency"].upper(), made["amount"], made["fee"], at,
                        )  # fmt: skip


def _object(place: int) -> dict[str, object]:
    """A line as a gateway writes it; one in a thousand is not what we have."""
    return {
        "id": f"cs_test_{place:026d}",
        "object": "balance_transaction",
        "type": "payment",
        "source": f"pi_{place:026d}",
        "amount": 5_000 + place % 997 + (1 if place % 1_000 == 0 else 0),
        "fee": 175,
        "net": 4_825 + place % 997,
        "currency": "usd",
        "created": (_START_MICROS + place * _STEP_MICROS) // 1_000_000,
        "status": "available",
        "metadata": {"payment": f"pay_{place:026d}"},
    }


def reconciling(*, quick: bool) -> list[Figure]:
    """`desk.reconcile.run` of a hundred thousand payments, and whether its memory grows with them."""
    payments, few = (20_000, 5_000) if quick else (100_000, 20_000)
    with tempfile.TemporaryDirectory(prefix="billdesk-benchmark-") as name:
        path, small = Path(name) / "many.ledger", Path(name) / "few.ledger"
        _make(path, payments)
        _make(small, few)
        measured = by_turns(3 if quick else 5, lambda: compare(path), lambda: _read(path))
        growth = _peak_mib(path) - _peak_mib(small)
    return [
        compared(f"reconcile {payments:,} payments with {payments:,} rows",
                 "reading both lists", "s", Limit(3, 1.5), measured),
        alone(f"… memory it takes above {few:,} payments", "peak of a process each", "MiB",
              Limit(16, 4), growth),
    ]  # fmt: skip


def compare(path: Path) -> float:
    """Seconds that a comparison takes, which must find what does not agree."""
    books = cast("Gateway", Books(path.with_suffix(".books")))
    with open_desk(path, clock=MovingClock(NOW), gateways=[books]) as desk:
        started = perf_counter()
        sheet = desk.reconcile.run("books", since=START)
        seconds = perf_counter() - started
    if sheet.outcomes["missing_here"] or not sheet.outcomes["within_tolerance"]:
        raise AssertionError("the two lists of the fixture agree but for a cent in a thousand")
    return seconds


def _read(path: Path) -> float:
    """Seconds to go through both lists once and add up their amounts."""
    with closing(sqlite3.connect(str(path))) as db:
        db.execute("PRAGMA cache_size=-16000")
        started = perf_counter()
        ours = theirs = 0
        for row in db.execute(OURS, (_START_MICROS, _START_MICROS + 180 * 86_400_000_000)):
            ours += row[2]
        for line in Books(path.with_suffix(".books")).rows(START, NOW):
            theirs += line.amount_minor
        seconds = perf_counter() - started
    if not 0 < ours < theirs:
        raise AssertionError("both lists of the fixture have payments")
    return seconds


def _make(path: Path, payments: int) -> None:
    """A ledger with so many deposits and fees of one gateway, straight into its tables, and its list."""
    Books(path.with_suffix(".books")).write(payments)
    create_ledger(path, clock=MovingClock(START), gateways=()).close()
    numbers = (
        f"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {payments - 1})"
    )
    at = f"{_START_MICROS} + i * {_STEP_MICROS}"
    with closing(sqlite3.connect(str(path), isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute(
            "INSERT INTO account (id, ref, name, created_at, status_since)"
            " VALUES ('acc_1', 'acme', 'Acme', 0, 0)"
        )
        for number, account in (
            (1, "'acc_1'"),
            (2, "(SELECT id FROM account WHERE ref = 'house')"),
        ):
            db.execute(
                "INSERT INTO wallet (number, id, account_id, purpose, asset, head, last_at, floor_minor)"
                f" SELECT {number}, 'wal_{number}', {account}, 'cash', 'USD', randomblob(32), 0, NULL"
            )
        for kind, first, wallet, amount in (
            ("deposit", 1, 1, "5000 + i % 997"),
            ("fee", 2, 2, "-175"),
        ):
            db.execute(
                "INSERT INTO posting (number, id, kind, scope, reference, digest, account_id, actor,"
                f" happened_at, recorded_at) {numbers} SELECT 2 * i + {first},"
                f" printf('{kind}_%026d', i), '{kind}', 'gateway:x:test', printf('{kind}:%026d', i),"
                f" randomblob(32), 'acc_1', 'tick', {at}, {at} FROM n"
            )
            db.execute(
                "INSERT INTO entry (number, posting_number, wallet_number, seq, kind, amount_minor,"
                f" balance_after, counterparty, recorded_at, hash) {numbers} SELECT 2 * i + {first},"
                f" 2 * i + {first}, {wallet}, i + 1, '{kind}', {amount}, 0, 'gateway:books', {at},"
                " randomblob(32) FROM n"
            )
        db.execute(
            "INSERT INTO payment (id, account_id, gateway, mode, external_id, status, asset,"
            " amount_minor, fee_minor, detail, actor, created_at, changed_at, posting_id, charge_id)"
            f" {numbers} SELECT printf('pay_%026d', i), 'acc_1', 'books', 'test',"
            " printf('cs_test_%026d', i), 'succeeded', 'USD', 5000 + i % 997, 175, '', 'tick',"
            f" {at}, {at}, printf('deposit_%026d', i), printf('pi_%026d', i) FROM n"
        )
        db.execute("COMMIT")


def _peak_mib(path: Path) -> float:
    answer = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], check=True, capture_output=True, text=True
    )
    return float(answer.stdout)

"""Counting all balances anew and following every chain, against the barest SQL and hashing."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.ledgers import proven_ledger, rows_wanted, wide_ledger
from benchmarks.ratios import Figure, Limit, alone, by_turns, compared
from billdesk.core.desk import open_desk

if TYPE_CHECKING:
    import sqlite3
else:
    from billdesk.core.store.sqlite import sqlite3

GROUPED = "SELECT wallet_number, sum(amount_minor) FROM entry GROUP BY wallet_number"
ROWS = """
SELECT e.wallet_number, e.seq, e.amount_minor, e.balance_after, e.counterparty, e.recorded_at, e.hash,
       p.id, p.kind, p.scope, p.reference, p.digest, p.account_id, p.subject, p.memo, p.salt,
       p.text_digest, p.actor, p.happened_at, p.corrects, p.about
FROM entry e JOIN posting p ON p.number = e.posting_number ORDER BY e.number"""
PEAK = """
import resource, sys
from billdesk import open_desk
with open_desk(sys.argv[1], read_only=True) as desk:
    assert desk.verify().ok
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def recounting(*, quick: bool) -> list[Figure]:
    """`desk.ledger.recount` of ten million entries."""
    entries = rows_wanted(1_000_000 if quick else 10_000_000)
    path = wide_ledger(entries)
    with open_desk(path, read_only=True) as desk, closing(sqlite3.connect(str(path))) as db:
        db.execute("PRAGMA cache_size=-16000")

        def ours() -> float:
            started = perf_counter()
            if not desk.ledger.recount().ok:
                raise AssertionError("the balances of the fixture are right")
            return perf_counter() - started

        def floor() -> float:
            started = perf_counter()
            db.execute(GROUPED).fetchall()
            return perf_counter() - started

        ours()
        measured = by_turns(5, ours, floor)
    return [
        compared(f"recount of {entries:,} entries", "one GROUP BY, covering index", "s",
                 Limit(1.3, 1.1), measured)
    ]  # fmt: skip


def verifying(*, quick: bool) -> list[Figure]:
    """`desk.verify` of a million entries, and whether its memory grows with them."""
    entries = rows_wanted(100_000 if quick else 1_000_000)
    path, small = proven_ledger(entries), proven_ledger(entries // 10)
    with open_desk(path, read_only=True) as desk, closing(sqlite3.connect(str(path))) as db:
        db.execute("PRAGMA cache_size=-16000")

        def ours() -> float:
            started = perf_counter()
            if not desk.verify().ok:
                raise AssertionError("the chain of the fixture is right")
            return perf_counter() - started

        measured = by_turns(5, ours, lambda: _hash_rows(db))
    growth = _peak_mib(path) - _peak_mib(small)
    return [
        compared(f"verify of {entries:,} entries", "one SELECT, sha256 in a loop", "s",
                 Limit(2, 1.3), measured),
        alone("… memory it takes above a tenth of them", "peak of a process each", "MiB",
              Limit(16, 4), growth),
    ]  # fmt: skip


def _hash_rows(db: sqlite3.Connection) -> float:
    """Every row's values in one text, hashed onto the hash before."""
    started = perf_counter()
    head = b""
    for row in db.execute(ROWS):
        head = sha256(head + ("%s|" * 21 % row).encode()).digest()
    return perf_counter() - started


def _peak_mib(path: Path) -> float:
    answer = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], check=True, capture_output=True, text=True
    )
    return float(answer.stdout)

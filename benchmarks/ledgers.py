"""Ledgers to measure on: small ones made by the desk, and big ones written straight into tables.

Big ones are kept in a cache folder under the system's temporary one and used again. Their size can
be lowered with BILLDESK_BENCH_ROWS; nothing is made that would leave the disk without room.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from billdesk.core.desk import ChargeRequest, Desk, create_ledger
from billdesk.core.store.schema import schema_statements

if TYPE_CHECKING:
    import sqlite3
else:
    from billdesk.core.store.sqlite import sqlite3

ACCOUNTS = 200
BYTES_PER_ENTRY = 600
_BATCH = 10_000


class NoRoomError(Exception):
    """The disk has no room for a fixture."""


def cache_folder() -> Path:
    """Where big ledgers are kept, for as long as the schema they were made for lasts."""
    schema = sha256("".join(schema_statements("sqlite")).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / "billdesk-benchmarks" / f"ledgers-{schema}"
    if not folder.exists():
        for old in folder.parent.glob("ledgers-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
    return folder


def rows_wanted(usual: int) -> int:
    """How many entries a big ledger gets: the usual number, or fewer if so asked for."""
    most = os.environ.get("BILLDESK_BENCH_ROWS")
    return min(usual, int(most)) if most else usual


def open_accounts(desk: Desk, accounts: int) -> None:
    """Accounts `a0`, `a1` … with more money than any benchmark spends."""
    with desk.transaction():
        for number in range(accounts):
            desk.accounts.add(f"a{number}", name=f"Account {number}")
            desk.adjustments.credit(
                f"a{number}", "10000000000.00", memo="money to be measured with"
            )


def new_ledger(path: Path, accounts: int = ACCOUNTS) -> Desk:
    """A ledger of the desk's own making, open."""
    desk = create_ledger(path)
    open_accounts(desk, accounts)
    return desk


def proven_ledger(entries: int) -> Path:
    """A ledger with a valid chain of `entries` entries, posted by the desk itself."""
    path = _cached(f"proven-{entries}.ledger", entries)
    if path.exists():
        return path
    making = path.with_suffix(".making")
    _remove(making)
    with new_ledger(making) as desk:
        done = ACCOUNTS
        while done < entries:
            size = min(_BATCH, entries - done)
            desk.charges.create_many(
                [
                    ChargeRequest(f"a{number * 7 % ACCOUNTS}", "1.00", f"lead:{number:09d}",
                                  subject=f"lead {number}" if number % 4 == 0 else None)
                    for number in range(done, done + size)
                ]
            )  # fmt: skip
            done += size
    return _finished(making, path)


def wide_ledger(entries: int, accounts: int = 10_000) -> Path:
    """A ledger of `entries` entries written straight into its tables: balances right, chain not."""
    path = _cached(f"wide-{entries}.ledger", entries)
    if path.exists():
        return path
    making = path.with_suffix(".making")
    _remove(making)
    create_ledger(making).close()
    with closing(sqlite3.connect(str(making), isolation_level=None)) as db:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-512000"):
            db.execute(f"PRAGMA {pragma}")
        _write_wide(db, entries, min(accounts, entries))
    # Opened once by the desk, so that it is in the desk's own journal mode.
    with closing(sqlite3.connect(str(making), isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
    return _finished(making, path)


def _write_wide(db: sqlite3.Connection, entries: int, accounts: int) -> None:
    """All rows by SQL alone, indexes after the rows: ten million take a few minutes."""
    kept = [
        (name, sql)
        for name, sql in db.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            " AND (type = 'trigger' OR type = 'index' AND tbl_name IN ('posting', 'entry'))"
        )
    ]
    for name, sql in kept:
        db.execute(f"DROP {'TRIGGER' if sql.startswith('CREATE TRIGGER') else 'INDEX'} {name}")
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    start, step = 1_750_000_000_000_000, 3_000_000
    db.execute("BEGIN")
    db.execute(
        f"INSERT INTO account (id, ref, name, created_at, status_since) {numbers.format(accounts)}"
        " SELECT printf('acc_%026d', i), 'a' || i, 'Account ' || i, 0, 0 FROM n"
    )
    db.execute(
        "INSERT INTO wallet (number, id, account_id, purpose, asset, head, last_at, floor_minor)"
        f" {numbers.format(accounts)} SELECT i, printf('wal_%026d', i), printf('acc_%026d', i),"
        " 'cash', 'USD', randomblob(32), 0, NULL FROM n"
    )
    db.execute(
        "INSERT INTO posting (number, id, kind, scope, reference, digest, account_id, actor,"
        f" happened_at, recorded_at) {numbers.format(entries)} SELECT i, printf('chg_%026d', i),"
        " CASE i % 8 WHEN 0 THEN 'deposit' WHEN 1 THEN 'refund' ELSE 'charge' END, 'caller',"
        f" printf('lead:%09d', i), randomblob(32), printf('acc_%026d', i * 7919 % {accounts} + 1),"
        f" 'operator', {start} + i * {step}, {start} + i * {step} FROM n"
    )
    db.execute(
        "INSERT INTO entry (number, posting_number, wallet_number, seq, kind, amount_minor,"
        f" balance_after, counterparty, recorded_at, hash) {numbers.format(entries)}"
        f" SELECT i, i, i * 7919 % {accounts} + 1, i, CASE i % 8 WHEN 0 THEN 'deposit' WHEN 1 THEN"
        " 'refund' ELSE 'charge' END, CASE WHEN i % 8 < 2 THEN 250 ELSE -100 END, i,"
        f" CASE i % 8 WHEN 0 THEN 'sandbox' ELSE 'revenue' END, {start} + i * {step},"
        " randomblob(32) FROM n"
    )
    db.execute("COMMIT")
    for _, sql in sorted(kept, key=lambda item: item[1].startswith("CREATE TRIGGER")):
        if not sql.startswith("CREATE TRIGGER"):
            db.execute(sql)
    db.execute(
        "UPDATE wallet SET balance_minor = s.total, seq = s.many, last_at = s.newest FROM"
        " (SELECT wallet_number, sum(amount_minor) AS total, count(*) AS many,"
        "  max(recorded_at) AS newest FROM entry GROUP BY wallet_number) s"
        " WHERE s.wallet_number = wallet.number"
    )
    for _, sql in kept:
        if sql.startswith("CREATE TRIGGER"):
            db.execute(sql)


def _cached(name: str, entries: int) -> Path:
    folder = cache_folder()
    path = folder / name
    if not path.exists() and shutil.disk_usage(folder).free < 2 * entries * BYTES_PER_ENTRY:
        raise NoRoomError(f"no room for {entries:,} entries in {folder}; set BILLDESK_BENCH_ROWS")
    return path


def _finished(making: Path, path: Path) -> Path:
    with closing(sqlite3.connect(str(making))) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    making.rename(path)
    _remove(making)
    return path


def _remove(path: Path) -> None:
    """A ledger's file and what lies beside it."""
    for suffix in ("", "-wal", "-shm", ".lock", ".sandbox"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)

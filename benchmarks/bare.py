"""The floor under a charge: the same driver, tables, indexes and row widths, and nothing of ours.

No triggers, no gate, no hash, no reference that is looked at: values of the right width go in.
"""

from __future__ import annotations

from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING

from billdesk.core.store.schema import schema_statements

if TYPE_CHECKING:
    import sqlite3
else:
    from billdesk.core.store.sqlite import sqlite3

TABLES = ("account", "wallet", "posting", "entry")
WIDE = bytes(range(32))

UPDATE = """
UPDATE wallet SET balance_minor = balance_minor - ?, seq = seq + 1, head = ?, last_at = ?
WHERE number = ? AND balance_minor >= ?"""
INSERT_POSTING = """
INSERT INTO posting (number, id, kind, scope, reference, digest, account_id, actor, happened_at,
    recorded_at) VALUES (?, ?, 'charge', 'caller', ?, ?, ?, 'operator', ?, ?)"""
INSERT_ENTRY = """
INSERT INTO entry (posting_number, wallet_number, seq, kind, amount_minor, balance_after,
    counterparty, recorded_at, hash) VALUES (?, ?, ?, 'charge', ?, ?, 'revenue', ?, ?)"""


def only_tables(statements: list[str]) -> list[str]:
    """Of a schema, the tables a charge touches and their indexes."""
    wanted = tuple(
        word for table in TABLES for word in (f"CREATE TABLE {table} (", f" ON {table} (")
    )
    return [
        statement
        for statement in statements
        if statement.startswith("CREATE")
        and any(word in statement for word in wanted)
        and not statement.startswith("CREATE TRIGGER")
    ]


class BareSqlite:
    """A SQLite file with `accounts` wallets, charged by hand."""

    def __init__(self, path: Path, accounts: int) -> None:
        new = not path.exists()
        self.db = sqlite3.connect(str(path), isolation_level=None, timeout=30)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
                       "cache_size=-16000", "journal_size_limit=67108864"):  # fmt: skip
            self.db.execute(f"PRAGMA {pragma}")
        if new:
            self._fill(accounts)
        self.done = 0

    def _fill(self, accounts: int) -> None:
        for statement in only_tables(schema_statements("sqlite")):
            self.db.execute(statement)
        self.db.execute("BEGIN")
        for number in range(accounts):
            account = f"acc_{number:026d}"
            self.db.execute(
                "INSERT INTO account (id, ref, name, created_at, status_since)"
                " VALUES (?, ?, ?, 0, 0)",
                (account, f"a{number}", f"Account {number}"),
            )
            self.db.execute(
                "INSERT INTO wallet (number, id, account_id, purpose, asset, balance_minor, head,"
                " last_at) VALUES (?, ?, ?, 'cash', 'USD', 1000000000000, ?, 0)",
                (number + 1, f"wal_{number:026d}", account, WIDE),
            )
        self.db.execute("COMMIT")

    def charge(self, account: int, reference: str) -> None:
        """One charge in a commit of its own."""
        execute = self.db.execute
        execute("BEGIN IMMEDIATE")
        self._charge(account, reference)
        execute("COMMIT")

    def charge_many(self, charges: list[tuple[int, str]]) -> None:
        """Charges (account and reference), one by one in one commit."""
        self.db.execute("BEGIN IMMEDIATE")
        for account, reference in charges:
            self._charge(account, reference)
        self.db.execute("COMMIT")

    def _charge(self, account: int, reference: str) -> None:
        self.done += 1
        execute, number = self.db.execute, self.done
        now = time_ns() // 1000
        if execute(UPDATE, (100, WIDE, now, account + 1, 100)).rowcount != 1:
            raise AssertionError("there is money enough")
        execute(
            INSERT_POSTING,
            (number, f"chg_{number:026d}", reference, WIDE, f"acc_{account:026d}", now, now),
        )
        execute(INSERT_ENTRY, (number, account + 1, number, -100, 1_000_000_000, now, WIDE))

    def close(self) -> None:
        """Give the file back."""
        self.db.close()

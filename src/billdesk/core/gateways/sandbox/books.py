"""The sandbox's books: one SQLite file, one durable commit per act, nothing of the ledger.

Nothing here decides what a customer does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from billdesk.core.rules.gateway import Stage
from billdesk.core.values.errors import GatewayError, GatewayUnreachable

if TYPE_CHECKING:
    import sqlite3
else:
    # The store's own choice: two builds of SQLite in one process do not see each other's locks.
    try:
        from pysqlite3 import dbapi2 as sqlite3
    except ImportError:
        import sqlite3

BUSY_SECONDS = 30

_APPLICATION_ID = 0x53424F58  # "SBOX": tells these books from any other SQLite file

_TABLES = """
CREATE TABLE payment (
    external_id TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL UNIQUE,
    account_ref TEXT NOT NULL,
    description TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    asset TEXT NOT NULL,
    stage TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    due_stage TEXT NOT NULL,
    due_detail TEXT NOT NULL
);
CREATE INDEX payment_due ON payment (due_at) WHERE stage = 'opened';
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL REFERENCES payment,
    stage TEXT NOT NULL,
    fee_minor INTEGER,
    detail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    UNIQUE (external_id, stage)
);
CREATE INDEX event_feed ON event (created_at, number);
"""

_EVENTS = """
SELECT number, external_id, event.stage, fee_minor, detail, created_at,
       payment_id, account_ref, description, amount_minor, asset
  FROM event JOIN payment USING (external_id)
"""


class EventRow(NamedTuple):
    """One line of the feed, with the payment it is about."""

    number: int
    external_id: str
    stage: Stage
    fee_minor: int | None
    detail: str
    created_at: int
    payment_id: str
    account_ref: str
    description: str
    amount_minor: int
    asset: str


class PaymentRow(NamedTuple):
    """A payment, and what its customer is going to do at `due_at`."""

    external_id: str
    payment_id: str
    account_ref: str
    description: str
    amount_minor: int
    asset: str
    stage: Stage
    due_at: int
    due_stage: Stage
    due_detail: str


@contextmanager
def act(path: Path) -> Iterator[sqlite3.Connection]:
    """One act on the books at `path`, made with the first: on the disk when it ends, or nothing.

    A connection per act needs no closing, no lock among threads and no care in forks. Raises
    GatewayUnreachable when the file cannot be used, GatewayError when it holds something else.
    """
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as books:
            # A rollback journal: old builds of SQLite can corrupt a WAL shared by processes.
            books.execute("PRAGMA synchronous = EXTRA")
            books.execute("BEGIN IMMEDIATE")
            _make_tables(books, path)
            yield books
            books.execute("COMMIT")
    except (sqlite3.OperationalError, OSError) as error:
        raise GatewayUnreachable(
            f"the sandbox's books at {path} cannot be used: {error}",
            "see that the folder is there and may be written",
        ) from error
    except sqlite3.DatabaseError as error:
        raise GatewayError(
            f"{path} does not hold a sandbox's books: {error}", "give another path"
        ) from error


def _make_tables(books: sqlite3.Connection, path: Path) -> None:
    (application_id,) = books.execute("PRAGMA application_id").fetchone()
    if application_id == _APPLICATION_ID:
        return
    if books.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
        raise GatewayError(f"{path} does not hold a sandbox's books", "give another path")
    for statement in _TABLES.split(";\n"):
        books.execute(statement)
    books.execute(f"PRAGMA application_id = {_APPLICATION_ID}")


def due(books: sqlite3.Connection, now: int) -> list[PaymentRow]:
    """Open payments whose customers have acted by now, in the order in which they did."""
    rows = books.execute(
        "SELECT * FROM payment WHERE stage = 'opened' AND due_at <= ? ORDER BY due_at, rowid",
        (now,),
    )
    return [PaymentRow(*row) for row in rows]


def payment(books: sqlite3.Connection, external_id: str) -> PaymentRow:
    """One payment. Raises GatewayError for one that is not in the books."""
    row = books.execute("SELECT * FROM payment WHERE external_id = ?", (external_id,)).fetchone()
    if row is None:
        raise GatewayError(f"the sandbox knows no payment {external_id[:40]!r}", "see its facts")
    return PaymentRow(*row)


def add_payment(books: sqlite3.Connection, row: PaymentRow) -> None:
    """Write down a new payment; its first event must follow in the same act."""
    books.execute("INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def add_event(
    books: sqlite3.Connection,
    external_id: str,
    stage: Stage,
    *,
    fee_minor: int | None,
    detail: str,
    created_at: int,
    visible_at: int,
) -> None:
    """Write down what happened to a payment, and move it on. Instants are microseconds."""
    books.execute("UPDATE payment SET stage = ? WHERE external_id = ?", (stage, external_id))
    books.execute(
        "INSERT INTO event (external_id, stage, fee_minor, detail, created_at, visible_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (external_id, stage, fee_minor, detail, created_at, visible_at),
    )


def history(books: sqlite3.Connection, payment_id: str) -> list[EventRow]:
    """All that happened to a payment of ours, the oldest first; nothing for an unknown one."""
    return _events(books, "WHERE payment_id = ? ORDER BY number", (payment_id,))


def settled(books: sqlite3.Connection) -> list[EventRow]:
    """Every payment that brought money."""
    return _events(books, "WHERE event.stage = 'settled'", ())


def feed(books: sqlite3.Connection, after: tuple[int, int], now: int, limit: int) -> list[EventRow]:
    """What can be seen by now, after an instant and a number, in the order it happened."""
    return _events(
        books,
        "WHERE (created_at, number) > (?, ?) AND visible_at <= ?"
        " ORDER BY created_at, number LIMIT ?",
        (*after, now, limit),
    )


def _events(books: sqlite3.Connection, where: str, values: tuple[str | int, ...]) -> list[EventRow]:
    return [EventRow(*row) for row in books.execute(_EVENTS + where, values)]

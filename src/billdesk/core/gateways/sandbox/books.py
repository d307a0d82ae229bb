"""The sandbox's books: one SQLite file, one durable commit per act, nothing of the ledger.

What happened is written as events and never changed; how far an object has come is its last event.
Nothing here decides what a customer does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from billdesk.core.gateways.sandbox.rows import (
    EventRow,
    MethodRow,
    PaybackRow,
    PaymentRow,
    PlanRow,
    event_row,
)
from billdesk.core.gateways.sandbox.tables import (
    APPLICATION_ID,
    COPY_FIRST,
    COPY_SECOND,
    NEW_IN_THIRD,
    SET_FIRST_ASIDE,
    SET_SECOND_ASIDE,
    TABLES,
    VERSION,
)
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

_EVENTS = """
SELECT number, object_id, event.stage, event.fee_minor, event.detail, created_at, occurrence, body,
       payment.*, payback.*, method.*
  FROM event
  LEFT JOIN payment ON payment.external_id = event.payment_external_id
  LEFT JOIN payback ON payback.external_id = event.object_id
  LEFT JOIN method ON method.method_id = event.method_id
"""


# --- the file ------------------------------------------------------------------------------------


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
    (version,) = books.execute("PRAGMA user_version").fetchone()
    if (application_id, version) == (APPLICATION_ID, VERSION):
        return
    if application_id == APPLICATION_ID:
        if version > VERSION:
            raise GatewayError(
                f"the sandbox's books at {path} were written by a newer billdesk",
                "use that one, or give another path",
            )
        scripts: tuple[str, ...] = (
            (SET_SECOND_ASIDE, NEW_IN_THIRD, COPY_SECOND)
            if version
            else (SET_FIRST_ASIDE, TABLES, COPY_FIRST)
        )
    elif books.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        scripts = (TABLES,)
    else:
        raise GatewayError(f"{path} does not hold a sandbox's books", "give another path")
    for script in scripts:
        for statement in script.split(";\n"):
            books.execute(statement)
    books.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    books.execute(f"PRAGMA user_version = {VERSION}")


def secret(books: sqlite3.Connection) -> bytes:
    """What this gateway signs its messages with."""
    (text,) = books.execute("SELECT text FROM secret").fetchone()
    return str(text).encode()


# --- objects -------------------------------------------------------------------------------------


def add_payment(books: sqlite3.Connection, row: PaymentRow) -> None:
    """Write down a new payment; its first event must follow in the same act."""
    books.execute("INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def payment(books: sqlite3.Connection, external_id: str) -> PaymentRow:
    """One payment. Raises GatewayError for one that is not in the books."""
    row = books.execute("SELECT * FROM payment WHERE external_id = ?", (external_id,)).fetchone()
    if row is None:
        raise GatewayError(f"the sandbox knows no payment {external_id[:40]!r}", "see its facts")
    return PaymentRow(*row)


def add_payback(books: sqlite3.Connection, row: PaybackRow) -> None:
    """Write down a refund or a dispute; its first event must follow in the same act."""
    books.execute("INSERT INTO payback VALUES (?, ?, ?, ?, ?, ?)", row)


def payback(books: sqlite3.Connection, external_id: str) -> PaybackRow:
    """One refund or dispute. Raises GatewayError for one that is not in the books."""
    row = books.execute("SELECT * FROM payback WHERE external_id = ?", (external_id,)).fetchone()
    if row is None:
        raise GatewayError(f"the sandbox knows no dispute {external_id[:40]!r}", "see its facts")
    return PaybackRow(*row)


def count_paybacks(books: sqlite3.Connection, external_id: str) -> int:
    """How often money of a payment was sent or claimed back."""
    (count,) = books.execute(
        "SELECT count(*) FROM payback WHERE payment_external_id = ?", (external_id,)
    ).fetchone()
    return int(count)


def taken_minor(books: sqlite3.Connection, external_id: str) -> int:
    """What of a payment has gone back, is on its way or is contested."""
    (minor,) = books.execute(
        "SELECT coalesce(sum(amount_minor), 0) FROM payback WHERE payment_external_id = ?"
        " AND NOT EXISTS (SELECT 1 FROM event WHERE object_id = payback.external_id"
        " AND stage IN ('refund_failed', 'dispute_won'))",
        (external_id,),
    ).fetchone()
    return int(minor)


def keep_customer(
    books: sqlite3.Connection, customer_id: str, account_ref: str, name: str, email: str | None
) -> None:
    """Write down a customer, or the name and address that a known one has now."""
    books.execute(
        "INSERT INTO customer VALUES (?, ?, ?, ?) ON CONFLICT (customer_id)"
        " DO UPDATE SET name = excluded.name, email = excluded.email",
        (customer_id, account_ref, name, email),
    )


def check_customer(books: sqlite3.Connection, customer_id: str) -> None:
    """Raise GatewayError for a customer who is not in the books."""
    known = books.execute("SELECT 1 FROM customer WHERE customer_id = ?", (customer_id,))
    if known.fetchone() is None:
        raise GatewayError(
            f"the sandbox knows no customer {customer_id[:40]!r}", "make the customer first"
        )


def add_method(books: sqlite3.Connection, row: MethodRow) -> None:
    """Write down a way to pay; it counts as saved from its first event on."""
    books.execute("INSERT INTO method VALUES (?, ?, ?, ?, ?)", row)


def method(books: sqlite3.Connection, method_id: str) -> MethodRow:
    """One method, which must be in the books."""
    row = books.execute("SELECT * FROM method WHERE method_id = ?", (method_id,)).fetchone()
    return MethodRow(*row)


def saved_methods(books: sqlite3.Connection, customer_id: str) -> list[MethodRow]:
    """What a customer has saved and not removed, the oldest first."""
    rows = books.execute(
        "SELECT * FROM method WHERE customer_id = ?"
        " AND (SELECT stage FROM event WHERE object_id = method.method_id"
        " ORDER BY number DESC LIMIT 1) = 'method_saved' ORDER BY rowid",
        (customer_id,),
    )
    return [MethodRow(*row) for row in rows]


def count_methods(books: sqlite3.Connection, customer_id: str) -> int:
    """How many methods a customer has ever saved or begun to save."""
    (count,) = books.execute(
        "SELECT count(*) FROM method WHERE customer_id = ?", (customer_id,)
    ).fetchone()
    return int(count)


# --- subscriptions and invoices ------------------------------------------------------------------


def keep_bill(books: sqlite3.Connection, object_id: str, body: str) -> None:
    """Write down a subscription or an invoice as it is now."""
    books.execute(
        "INSERT INTO bill VALUES (?, ?) ON CONFLICT (object_id) DO UPDATE SET body = excluded.body",
        (object_id, body),
    )


def bill(books: sqlite3.Connection, object_id: str) -> str:
    """A subscription or an invoice as it is now. Raises GatewayError for one not in the books."""
    row = books.execute("SELECT body FROM bill WHERE object_id = ?", (object_id,)).fetchone()
    if row is None:
        raise GatewayError(f"the sandbox knows nothing of {object_id[:40]!r}", "see its facts")
    return str(row[0])


def count_bills(books: sqlite3.Connection) -> int:
    """How many subscriptions and invoices there are."""
    (count,) = books.execute("SELECT count(*) FROM bill").fetchone()
    return int(count)


# --- plans ---------------------------------------------------------------------------------------


def add_plan(books: sqlite3.Connection, row: PlanRow) -> None:
    """Write down what will become of an object."""
    books.execute("INSERT INTO plan VALUES (?, ?, ?, ?)", row)


def drop_plan(books: sqlite3.Connection, object_id: str) -> None:
    """Forget what was planned for an object, if anything was."""
    books.execute("DELETE FROM plan WHERE object_id = ?", (object_id,))


def next_plan(books: sqlite3.Connection, now: int) -> PlanRow | None:
    """What is due first by now, in the order in which it was to happen."""
    row = books.execute(
        "SELECT * FROM plan WHERE due_at <= ? ORDER BY due_at, rowid LIMIT 1", (now,)
    ).fetchone()
    return None if row is None else PlanRow(*row)


# --- events --------------------------------------------------------------------------------------


def add_event(
    books: sqlite3.Connection,
    object_id: str,
    stage: Stage,
    *,
    payment_external_id: str | None,
    method_id: str | None,
    fee_minor: int | None,
    detail: str,
    created_at: int,
    visible_at: int,
    occurrence: str = "",
    body: str | None = None,
) -> None:
    """Write down what happened to an object. Instants are microseconds."""
    books.execute(
        "INSERT INTO event (object_id, stage, payment_external_id, method_id, fee_minor, detail,"
        " created_at, visible_at, occurrence, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            object_id,
            stage,
            payment_external_id,
            method_id,
            fee_minor,
            detail,
            created_at,
            visible_at,
            occurrence,
            body,
        ),
    )


def history(books: sqlite3.Connection, payment_id: str) -> list[EventRow]:
    """All that happened to a payment of ours, the oldest first; nothing for an unknown one."""
    return _events(books, "WHERE payment.payment_id = ? ORDER BY created_at, number", (payment_id,))


def object_history(books: sqlite3.Connection, object_id: str) -> list[EventRow]:
    """All that happened to one object, the oldest first."""
    return _events(books, "WHERE object_id = ? ORDER BY number", (object_id,))


def refund_history(books: sqlite3.Connection, refund_id: str) -> list[EventRow]:
    """All that happened to a refund of ours, the oldest first; nothing for an unknown one."""
    return _events(books, "WHERE payback.refund_id = ? ORDER BY number", (refund_id,))


def event(books: sqlite3.Connection, number: int) -> EventRow | None:
    """One event, None if there is no such number."""
    rows = _events(books, "WHERE number = ?", (number,))
    return rows[0] if rows else None


def movements(books: sqlite3.Connection, since: int, until: int) -> list[EventRow]:
    """Every event of a half-open span that moved money, in the order it happened."""
    return _events(
        books,
        "WHERE created_at >= ? AND created_at < ?"
        " AND event.stage IN ('settled', 'refunded', 'refund_failed', 'dispute_lost')"
        " ORDER BY created_at, number",
        (since, until),
    )


def feed(
    books: sqlite3.Connection, after: tuple[int, int], seen_by: int, limit: int
) -> list[EventRow]:
    """What can be seen by an instant, after an instant and a number, in the order it happened."""
    return _events(
        books,
        "WHERE (created_at, number) > (?, ?) AND visible_at <= ?"
        " ORDER BY created_at, number LIMIT ?",
        (*after, seen_by, limit),
    )


def _events(books: sqlite3.Connection, where: str, values: tuple[str | int, ...]) -> list[EventRow]:
    return [event_row(row) for row in books.execute(_EVENTS + where, values)]

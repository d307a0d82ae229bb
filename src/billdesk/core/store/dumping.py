"""A Postgres ledger in one file and back: every table as it is, in one snapshot.

The file is a SQLite database of plain tables, so that it can be looked into with any tool; it is no
ledger, and restoring checks that it came from one.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from billdesk.core.store.addresses import is_there
from billdesk.core.store.migrating import make_postgres
from billdesk.core.store.schema import SCHEMA_VERSION
from billdesk.core.store.sessions import Database, Session
from billdesk.core.store.sqlite import create_file, mapped_errors, sqlite3
from billdesk.core.values.errors import AlreadyExists, NotALedger, StoreError

APPLICATION_ID = 0x42444B44
"""`BDKD` in the file's header: a dump of a ledger."""

TABLES = (
    "meta", "account", "wallet", "posting", "entry", "hold", "wallet_freeze", "payment", "fact",
    "freshness", "audit", "gateway", "gateway_event", "gap", "card_refund", "dispute", "customer",
    "payment_method", "watch", "reconciliation", "reconciliation_item", "catalog", "catalog_item",
    "party", "subscription", "billing_period", "subscription_change", "credit_lot", "credit_use",
    "pack_purchase", "usage_stream", "usage_event", "usage_hour", "usage_budget", "usage_alert",
    "usage_run", "usage_line", "usage_period", "invoice_series", "invoice", "invoice_line",
)  # fmt: skip
_NUMBERED = (
    "wallet", "posting", "entry", "payment", "fact", "audit", "gap", "card_refund", "dispute",
    "payment_method", "reconciliation", "reconciliation_item", "catalog", "catalog_item",
    "subscription", "billing_period", "subscription_change", "credit_lot", "credit_use",
    "pack_purchase", "usage_stream", "usage_event", "usage_alert", "usage_run", "usage_line",
    "invoice", "invoice_line",
)  # fmt: skip
_BATCH = 5_000


def dump_postgres(database: Database, target: Path) -> None:
    """Write all tables to a new file. Raises AlreadyExists, StoreError."""
    if is_there(target):
        raise AlreadyExists(f"there is a file at {target} already", "choose another name")
    try:
        create_file(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be made: {error.strerror}", "choose a place") from error
    with (
        mapped_errors(str(target)),
        closing(sqlite3.connect(os.fspath(target), isolation_level=None)) as file,
        database.read(snapshot=True) as session,
    ):
        file.execute("BEGIN")
        file.execute("CREATE TABLE dump (schema TEXT)")
        file.execute("INSERT INTO dump VALUES (?)", (SCHEMA_VERSION,))
        for table in TABLES:
            columns = _columns(session, table)
            names = ", ".join(columns)
            marks = ", ".join("?" * len(columns))
            file.execute(f"CREATE TABLE {table} ({names})")
            rows = session.stream(f"SELECT {names} FROM {table}")
            file.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        file.execute("COMMIT")
        file.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def restore_postgres(source: Path, url: str) -> None:
    """Bring a dump back into an empty database. Raises NotALedger, AlreadyExists, StoreError."""
    with mapped_errors(str(source)), closing(sqlite3.connect(os.fspath(source))) as file:
        if file.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise NotALedger(
                f"{source} is not a backup of a Postgres ledger", "choose another file"
            )
        version = file.execute("SELECT schema FROM dump").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise NotALedger(
                f"{source} has schema {version}", "restore it with the billdesk it is from"
            )
        make_postgres(url, lambda session: _fill_all(session, file))


def _fill_all(session: Session, file: sqlite3.Connection) -> None:
    # The lines of finalized invoices come back after them, which nobody else may do.
    session.run("ALTER TABLE invoice_line DISABLE TRIGGER invoice_line_no_insert")
    for table in TABLES:
        _fill(session, file, table)
    session.run("ALTER TABLE invoice_line ENABLE TRIGGER invoice_line_no_insert")


def _fill(session: Session, file: sqlite3.Connection, table: str) -> None:
    columns = _columns(session, table)
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    override = " OVERRIDING SYSTEM VALUE" if table in _NUMBERED else ""
    cursor = file.execute(f"SELECT {names} FROM {table}")
    while rows := cursor.fetchmany(_BATCH):
        session.many(f"INSERT INTO {table} ({names}){override} VALUES ({marks})", rows)
    if table in _NUMBERED:
        session.one(
            f"SELECT setval(pg_get_serial_sequence('billdesk.{table}', 'number'),"
            f" (SELECT coalesce(max(number), 0) + 1 FROM {table}), false)"
        )


def _columns(session: Session, table: str) -> list[str]:
    rows = session.all(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'billdesk' AND table_name = ? ORDER BY ordinal_position",
        (table,),
    )
    return [row[0] for row in rows]

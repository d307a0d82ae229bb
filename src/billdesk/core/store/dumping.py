"""A Postgres ledger in one file and back: every table as it is, in one snapshot.

The file is a SQLite database of plain tables, so that it can be looked into with any tool; it is no
ledger, and restoring checks that it came from one.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from billdesk.core.store.copying import appearing
from billdesk.core.store.filling import TABLES, columns_of, fill_tables
from billdesk.core.store.migrating import make_postgres
from billdesk.core.store.schema import SCHEMA_VERSION
from billdesk.core.store.sessions import Database, Values
from billdesk.core.store.sqlite import mapped_errors, sqlite3
from billdesk.core.values.errors import NotALedger

APPLICATION_ID = 0x42444B44
"""`BDKD` in the file's header: a dump of a ledger."""


def dump_postgres(database: Database, target: Path) -> None:
    """Write all tables to a new file. Raises AlreadyExists, StoreError."""
    with (
        appearing(target) as unfinished,
        mapped_errors(str(target)),
        closing(sqlite3.connect(os.fspath(unfinished), isolation_level=None)) as file,
        database.read(snapshot=True) as session,
    ):
        file.execute("BEGIN")
        file.execute("CREATE TABLE dump (schema TEXT)")
        file.execute("INSERT INTO dump VALUES (?)", (SCHEMA_VERSION,))
        for table in TABLES:
            columns = columns_of(session, table)
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

        def rows_of(table: str, columns: Sequence[str]) -> Generator[Values]:
            yield from file.execute(f"SELECT {', '.join(columns)} FROM {table}")

        make_postgres(url, lambda session: fill_tables(session, rows_of))

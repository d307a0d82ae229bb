"""Opening and making ledgers: what lies at an address, and which version it is.

Opening compares a version number; Alembic is only loaded to make or upgrade a ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from billdesk.core.store.addresses import check_file, is_postgres, is_there, sqlite_path
from billdesk.core.store.schema import SCHEMA_VERSION, schema_statements
from billdesk.core.store.sessions import Database, Session
from billdesk.core.store.sqlite import APPLICATION_ID, SqliteDatabase, create_file
from billdesk.core.values.errors import AlreadyExists, NotALedger, SchemaMismatch, StoreError

if TYPE_CHECKING:
    from billdesk.core.store.postgres import PostgresDatabase


def database_at(url: str, *, read_only: bool = False, deadline_seconds: float = 30,
                prepared: bool = True) -> Database:  # fmt: skip
    """The database at an address, not opened yet."""
    if is_postgres(url):
        return _postgres(
            url, read_only=read_only, deadline_seconds=deadline_seconds, prepared=prepared
        )
    return SqliteDatabase(sqlite_path(url), read_only=read_only, deadline_seconds=deadline_seconds)


def _postgres(
    url: str, *, read_only: bool, deadline_seconds: float, prepared: bool
) -> PostgresDatabase:
    from billdesk.core.store.postgres import PostgresDatabase  # psycopg costs 0.3 s at start-up

    return PostgresDatabase(
        url, read_only=read_only, deadline_seconds=deadline_seconds, prepared=prepared
    )


def open_existing(
    url: str, *, read_only: bool, deadline_seconds: float, prepared: bool
) -> Database:
    """The ledger at an address.

    Raises NotFound when nothing is there, NotALedger for something else, SchemaMismatch for a ledger
    of another version, StoreError kinds.
    """
    if not is_postgres(url):
        check_file(sqlite_path(url))
    database = database_at(
        url, read_only=read_only, deadline_seconds=deadline_seconds, prepared=prepared
    )
    try:
        with database.read() as session:
            check_version(session, database.where)
    except BaseException:
        database.close()
        raise
    return database


def check_version(session: Session, where: str) -> None:
    """Raises NotALedger or SchemaMismatch unless this is a ledger of our schema."""
    if session.kind == "sqlite":
        _check_ours(session, where)
    row = session.one("SELECT version_num FROM alembic_version")
    version = row[0] if row else "0000"
    if version > SCHEMA_VERSION:
        raise SchemaMismatch(
            f"{where} was written by a newer billdesk (schema {version})", "upgrade billdesk"
        )
    if version < SCHEMA_VERSION:
        raise SchemaMismatch(
            f"{where} has the older schema {version}", "run billdesk migrate (it makes a backup)"
        )


def _check_ours(session: Session, where: str) -> None:
    """Raises NotALedger for a file of another program."""
    row = session.one("PRAGMA application_id")
    if row is None or row[0] != APPLICATION_ID:
        raise NotALedger(f"{where} is not a ledger of billdesk", "choose another file")


def make_ledger(
    url: str, fill: Callable[[Session], None], *, deadline_seconds: float, prepared: bool
) -> Database:
    """A new ledger at an address: its tables and what `fill` writes, whole or not at all.

    Raises AlreadyExists when one is there, NotALedger for another file, StoreError kinds.
    """
    if is_postgres(url):
        from billdesk.core.store.migrating import make_postgres  # SQLAlchemy costs 0.7 s

        make_postgres(url, fill)
    else:
        _make_file(sqlite_path(url), fill)
    return database_at(url, deadline_seconds=deadline_seconds, prepared=prepared)


def _make_file(path: Path, fill: Callable[[Session], None]) -> None:
    """Write the schema of the newest version at once; a file that is there is left alone.

    One that an interrupted attempt left without a table is taken up again.
    """
    if is_there(path):
        check_file(path)
    elif path.is_symlink():
        # SQLite would follow it, and make a file that others may read.
        raise StoreError(f"{path} is a link that leads nowhere", "choose another place")
    try:
        create_file(path)
        if path.stat().st_size == 0:
            path.chmod(0o600)  # an empty file of somebody's has the rights he gave it
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made: {error.strerror}", "choose another place"
        ) from error
    database = SqliteDatabase(path)
    with closing(database), database.write() as session:
        if session.one("SELECT 1 FROM sqlite_master LIMIT 1") is not None:
            _check_ours(session, str(path))
            raise AlreadyExists(f"there is a ledger at {path} already", "open it")
        for statement in schema_statements("sqlite"):
            session.run(statement)
        session.run(f"PRAGMA application_id = {APPLICATION_ID}")
        session.run("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        session.run("INSERT INTO alembic_version (version_num) VALUES (?)", (SCHEMA_VERSION,))
        fill(session)

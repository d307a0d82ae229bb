"""Making and upgrading schemas with Alembic, which is loaded for nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from billdesk.core.store.addresses import check_file, is_postgres, sqlite_path
from billdesk.core.store.copying import backup_file
from billdesk.core.store.gate import WriteGate, gate_path
from billdesk.core.store.granting import grant_statements
from billdesk.core.store.postgres import SCHEMA, PostgresSession
from billdesk.core.store.postgres import mapped_errors as postgres_errors
from billdesk.core.store.schema import SCHEMA_VERSION
from billdesk.core.store.sessions import Session
from billdesk.core.store.sqlite import mapped_errors as sqlite_errors
from billdesk.core.store.sqlite import sqlite3
from billdesk.core.values.errors import AlreadyExists, NotALedger, NotAllowed, SchemaMismatch

DEADLINE_SECONDS = 30


def make_postgres(url: str, fill: Callable[[Session], None]) -> None:
    """Make the schema in a Postgres database and what `fill` writes, whole or not at all.

    Raises AlreadyExists when it is there, NotAllowed, StoreError kinds.
    """
    engine = postgres_engine(url)
    try:
        with MappedErrors(url), engine.begin() as connection:
            _check_vacant(connection)
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            upgrade(connection)
            driver: Any = connection.connection.driver_connection
            with postgres_errors("the new ledger"):
                fill(PostgresSession(driver, prepared=False))
    finally:
        engine.dispose()


def check_vacant(url: str) -> None:
    """Raises AlreadyExists or NotAllowed unless a ledger can be made in a database; StoreError kinds."""
    engine = postgres_engine(url)
    try:
        with MappedErrors(url), engine.connect() as connection:
            _check_vacant(connection)
    finally:
        engine.dispose()


def _check_vacant(connection: sa.Connection) -> None:
    tables = sa.inspect(connection).get_table_names(schema=SCHEMA)
    if "alembic_version" in tables:
        raise AlreadyExists("this database holds a ledger already", "open it")
    if tables:
        raise AlreadyExists(
            f"this database has a schema {SCHEMA} of somebody else's", "choose another database"
        )
    may = "SELECT has_database_privilege(current_database(), 'CREATE')"
    if not connection.exec_driver_sql(may).scalar():
        raise NotAllowed(
            "this login may make no schema in the database",
            "connect as the database's owner, or let the owner GRANT CREATE ON DATABASE to it",
        )


def migrate(url: str) -> tuple[str, str, Path | None]:
    """Bring a ledger to the newest schema: (version before, version after, backup file if any).

    A SQLite ledger is copied first. Raises NotFound, NotALedger, SchemaMismatch for a newer one,
    StoreError kinds.
    """
    path = None
    if not is_postgres(url):
        path = sqlite_path(url)
        check_file(path)
    engine = postgres_engine(url) if path is None else sqlite_engine(path)
    backup = None
    try:
        with MappedErrors(url), engine.connect() as connection:
            before = _version(connection)
        if before == SCHEMA_VERSION:
            return before, before, None
        if before > SCHEMA_VERSION:
            raise SchemaMismatch(
                f"this ledger was written by a newer billdesk (schema {before})", "upgrade billdesk"
            )
        if path is not None:
            backup = _free_name(path.with_name(f"{path.name}.before-{SCHEMA_VERSION}"))
            backup_file(path, backup)
        with _alone(path), MappedErrors(url), engine.begin() as connection:
            upgrade(connection)
            after = _version(connection)
            if path is None:
                _renew_grants(connection)
        return before, after, backup
    finally:
        engine.dispose()


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Run Alembic's revisions on an open connection."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def alembic_config() -> Config:
    """Alembic's configuration, without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def sqlite_engine(path: Path) -> sa.Engine:
    """An engine on a ledger file, for schema work only.

    The driver would commit before each CREATE by itself: it is told to leave that to us, so that a
    revision that fails leaves nothing (https://docs.sqlalchemy.org/en/20/dialects/sqlite.html).
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)), module=sqlite3, poolclass=sa.pool.NullPool
    )
    sa.event.listen(engine, "connect", _leave_commits_to_us)
    sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _leave_commits_to_us(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _free_name(path: Path) -> Path:
    """`path`, or with the first number that makes it new: an attempt that failed left its copy."""
    names = (path.with_name(f"{path.name}.{number}") for number in count(2))
    return next(name for name in chain([path], names) if not name.exists())


@contextmanager
def _alone(path: Path | None) -> Iterator[None]:
    """Keep every other writer of a ledger file out; Postgres locks what a revision changes."""
    if path is None:
        yield
        return
    gate = WriteGate(gate_path(path), DEADLINE_SECONDS)
    gate.enter()
    try:
        yield
    finally:
        gate.leave()
        gate.close()


def _renew_grants(connection: sa.Connection) -> None:
    """Give every client that may post what the new schema brings, too."""
    clients = connection.exec_driver_sql(
        "SELECT DISTINCT grantee FROM information_schema.routine_privileges"
        " WHERE routine_schema = 'billdesk' AND routine_name = 'post' AND grantee NOT IN"
        " (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'billdesk')"
    )
    for (login,) in clients.all():
        for statement in grant_statements(login):
            connection.exec_driver_sql(statement)


def postgres_engine(url: str) -> sa.Engine:
    """An engine on a Postgres database, for schema work only."""
    address = sa.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(address, poolclass=sa.pool.NullPool)


def _version(connection: sa.Connection) -> str:
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    if not sa.inspect(connection).has_table("alembic_version", schema=schema):
        raise NotALedger("there is no ledger here", "name another, or make one with billdesk init")
    table = f"{schema}.alembic_version" if schema else "alembic_version"
    version: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {table}").scalar()
    return version or "0000"


class MappedErrors:
    """Turn what SQLAlchemy wraps into our errors."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        """Nothing to do before."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Unwrap the driver's error and map it."""
        if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
            mapped = postgres_errors if is_postgres(self._url) else sqlite_errors
            # A database's address may hold a password.
            with mapped("the database" if is_postgres(self._url) else self._url):
                # Its own wrapper is no context of it: whoever follows the causes would go in circles.
                raise error.orig from None

"""Making and upgrading schemas with Alembic, which is loaded for nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from billdesk.core.store.addresses import check_file, is_postgres, sqlite_path
from billdesk.core.store.copying import backup_file
from billdesk.core.store.postgres import SCHEMA, PostgresSession
from billdesk.core.store.postgres import mapped_errors as postgres_errors
from billdesk.core.store.schema import SCHEMA_VERSION
from billdesk.core.store.sessions import Session
from billdesk.core.store.sqlite import mapped_errors as sqlite_errors
from billdesk.core.store.sqlite import sqlite3
from billdesk.core.values.errors import AlreadyExists, NotALedger, SchemaMismatch


def make_postgres(url: str, fill: Callable[[Session], None]) -> None:
    """Make the schema in a Postgres database and what `fill` writes, whole or not at all.

    Raises AlreadyExists when it is there, StoreError kinds.
    """
    engine = postgres_engine(url)
    try:
        with MappedErrors(url), engine.begin() as connection:
            if sa.inspect(connection).has_table("alembic_version", schema=SCHEMA):
                raise AlreadyExists("this database holds a ledger already", "open it")
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            upgrade(connection)
            driver: Any = connection.connection.driver_connection
            fill(PostgresSession(driver, prepared=False))
    finally:
        engine.dispose()


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
            backup = path.with_name(f"{path.name}.before-{SCHEMA_VERSION}")
            backup_file(path, backup)
        with MappedErrors(url), engine.begin() as connection:
            upgrade(connection)
            return before, _version(connection), backup
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
    """An engine on a ledger file, for schema work only."""
    return sa.create_engine(
        sa.URL.create("sqlite", database=str(path)), module=sqlite3, poolclass=sa.pool.NullPool
    )


def postgres_engine(url: str) -> sa.Engine:
    """An engine on a Postgres database, for schema work only."""
    address = sa.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(address, poolclass=sa.pool.NullPool)


def _version(connection: sa.Connection) -> str:
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    if not sa.inspect(connection).has_table("alembic_version", schema=schema):
        raise NotALedger("there is no ledger here", "run billdesk init")
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
            with mapped("the ledger"):
                raise error.orig

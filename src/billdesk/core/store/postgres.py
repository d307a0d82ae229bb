"""The ledger in a Postgres database: its sessions, the write block, what errors mean.

A statement of its own is one round trip (autocommit); a write block is BEGIN … COMMIT at READ
COMMITTED, where row locks order the writers. Tables live in the schema `billdesk`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from types import TracebackType
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from billdesk.core.store.blocks import Block, WriteBlock
from billdesk.core.store.connections import Connections
from billdesk.core.store.direct import Connection, DirectCall
from billdesk.core.store.sessions import KeyTaken, Kind, LegRefused, Session, Values
from billdesk.core.values.errors import (
    BadInput,
    NotALedger,
    NotAllowed,
    ReadOnly,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreGone,
)

SCHEMA = "billdesk"
REFUSED = "BD001"
"""SQLSTATE of our own function: a later leg of a posting was refused, nothing was kept."""

_SEARCH_PATH = f"SET search_path = {SCHEMA}, public"
_STREAM_ROWS = 5_000

# The parameters of the function `post_one`, in order.
_POST_ONE = (
    *("text", "text", "text", "text", "bytea", "text", "text", "bytea", "text"),
    *("bigint", "bigint", "text", "text", "boolean", "text", "text", "text", "bigint", "text"),
)


@lru_cache(maxsize=1024)
def driver_sql(sql: str) -> LiteralString:
    """Our SQL with the driver's parameter marks; a percent sign is doubled."""
    return sql.replace("%", "%%").replace("?", "%s")


class PostgresSession:
    """SQL on one connection."""

    kind: Kind = "postgres"

    def __init__(
        self, connection: Connection, *, prepared: bool, quick: DirectCall | None = None
    ) -> None:
        self.connection = connection
        self._prepare = True if prepared else None
        self.post_one = None if quick is None else partial(_post_one, quick, connection)

    def all(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Every row."""
        return self._execute(sql, values).fetchall()

    def one(self, sql: str, values: Values = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        return self._execute(sql, values).fetchone()

    def run(self, sql: str, values: Values = ()) -> int:
        """Change something; how many rows it touched."""
        return self._execute(sql, values).rowcount

    def many(self, sql: str, rows: Iterable[Values]) -> int:
        """The same statement for each of `rows`; how many rows they touched."""
        with self.connection.cursor() as cursor:
            try:
                cursor.executemany(driver_sql(sql), rows)
            except errors.UniqueViolation as error:
                raise KeyTaken(str(error)) from error
            return cursor.rowcount

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Values]) -> None:
        """Put many rows into a table as they are, with the numbers that they have."""
        statement = driver_sql(f"COPY {table} ({', '.join(columns)}) FROM STDIN")
        try:
            with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except errors.UniqueViolation as error:
            raise KeyTaken(str(error)) from error

    def stream(self, sql: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """Rows one after the other, in flat memory; needs a snapshot read or a write block."""
        with self.connection.cursor("billdesk_stream") as cursor:
            cursor.itersize = _STREAM_ROWS
            cursor.execute(driver_sql(sql), values)
            yield from cursor

    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run anything; its rows, if it has any."""
        cursor = self.connection.execute(driver_sql(sql), values)
        return [] if cursor.description is None else cursor.fetchall()

    def control(self, sql: str) -> None:
        """Run a statement that steers the transaction."""
        self.connection.execute(driver_sql(sql))

    def stands(self) -> bool:
        """Whether the connection still works; a savepoint mends a failed statement."""
        return not self.connection.closed

    def cancel(self) -> None:
        """Interrupt whatever runs on this session, from another thread."""
        self.connection.cancel_safe()

    def _execute(self, sql: str, values: Values) -> psycopg.Cursor[tuple[Any, ...]]:
        try:
            return self.connection.execute(driver_sql(sql), values, prepare=self._prepare)
        except errors.UniqueViolation as error:
            raise KeyTaken(str(error)) from error
        except psycopg.DatabaseError as error:
            if error.sqlstate == REFUSED:
                raise LegRefused(str(error)) from error
            raise


def _post_one(call: DirectCall, connection: Connection, values: Values) -> str | None:
    try:
        return call(connection, values)
    except errors.UniqueViolation as error:
        raise KeyTaken(str(error)) from error


class PostgresDatabase:
    """One database, a few connections."""

    kind: Kind = "postgres"

    def __init__(
        self,
        url: str,
        *,
        read_only: bool = False,
        prepared: bool = True,
        deadline_seconds: float = 30,
        largest_pool: int = 10,
    ) -> None:
        parts = conninfo_to_dict(url)
        host = parts.get("host") or "local"
        self.where = f"postgres {parts.get('dbname') or parts.get('user') or ''} at {host}"
        self.url = url
        self.read_only = read_only
        self._prepared = prepared
        self._deadline_seconds = deadline_seconds
        self._post_one = DirectCall("post_one", _POST_ONE, prepared=prepared)
        self._block = Block[PostgresSession]()
        self._connections = Connections(
            self._connect, largest=largest_pool, deadline_seconds=deadline_seconds
        )

    def _connect(self) -> Connection:
        with mapped_errors(self.where):
            connection = psycopg.connect(
                self.url,
                autocommit=True,
                connect_timeout=10,
                application_name="billdesk",
                client_encoding="utf8",
            )
            connection.prepare_threshold = 0 if self._prepared else None
            # Who waits for a lock is told in the end: a call straight through libpq hears no Ctrl-C.
            settings = [_SEARCH_PATH, f"SET lock_timeout = {round(self._deadline_seconds * 1000)}"]
            if self.read_only:
                settings.append("SET default_transaction_read_only = on")
            connection.execute("; ".join(settings).encode(), prepare=False)
        return connection

    def take(self) -> Connection:
        """A connection for this thread alone; `give_back` must follow. Raises StoreError kinds."""
        return self._connections.take()

    def give_back(self, connection: Connection) -> None:
        """Return a connection that was taken; one that broke is dropped."""
        self._connections.give_back(connection)

    @contextmanager
    def read(self, *, snapshot: bool = False) -> Iterator[Session]:
        """A session to read in; inside a write block it is that block. `snapshot`: one moment."""
        if self._block.session is not None:
            yield self._block.session
            return
        connection = self.take()
        session = PostgresSession(connection, prepared=self._prepared)
        try:
            with mapped_errors(self.where):
                if snapshot:
                    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield session
        finally:
            self.rest(connection)
            self.give_back(connection)

    def write(self) -> WriteBlock[PostgresSession]:
        """A write block; nested, a savepoint."""
        return WriteBlock(self)

    def begin(self) -> PostgresSession:
        """Take a connection and begin; `end` must follow."""
        if self.read_only:
            raise ReadOnly("this desk was opened read-only", "open it again without --read-only")
        connection = self.take()
        try:
            with mapped_errors(self.where):
                connection.execute("BEGIN")
        except BaseException:
            self.give_back(connection)
            raise
        return PostgresSession(connection, prepared=self._prepared)

    def end(self, session: PostgresSession, *, commit: bool) -> None:
        """Commit or roll back, and give the connection back whatever happens."""
        try:
            if commit:
                session.connection.execute("COMMIT")
        except BaseException as error:
            raise_mapped(error, self.where)
            raise
        finally:
            self.rest(session.connection)
            self.give_back(session.connection)

    def rest(self, connection: Connection) -> None:
        """Roll back what is open; on a connection that broke unnoticed nothing is."""
        status = connection.info.transaction_status
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            with suppress(psycopg.OperationalError):
                connection.execute("ROLLBACK")

    def single(self) -> _Single | WriteBlock[PostgresSession]:
        """A session for one statement that commits by itself; inside a block, a savepoint of it."""
        return self.write() if self.in_block() else _Single(self)

    def take_session(self) -> PostgresSession:
        """A session that commits each statement; `give_back` its connection. Raises ReadOnly."""
        if self.read_only:
            raise ReadOnly("this desk was opened read-only", "open it again without --read-only")
        return PostgresSession(self.take(), prepared=self._prepared, quick=self._post_one)

    @contextmanager
    def join(self, connection: Connection) -> Iterator[Session]:
        """Work inside a transaction that the caller opened on a connection of its own.

        The caller commits. Its search path is put back at the end.
        """
        session = PostgresSession(connection, prepared=self._prepared)
        with mapped_errors(self.where):
            before = connection.execute("SELECT current_setting('search_path')").fetchone()
            connection.execute(f"SET LOCAL search_path = {SCHEMA}, public")
        self._block.session = session
        try:
            yield session
        finally:
            self._block.session = None
            if before and connection.info.transaction_status == TransactionStatus.INTRANS:
                connection.execute("SELECT set_config('search_path', %s, true)", before)
            self._block.run_afterwards()

    @property
    def block(self) -> Block[PostgresSession]:
        """This thread's open write block."""
        return self._block

    def in_block(self) -> bool:
        """Whether this thread is inside a write block."""
        return self._block.session is not None

    def raise_mapped(self, error: BaseException) -> None:
        """Raise our error for the driver's `error`; return when it is not the driver's business."""
        raise_mapped(error, self.where)

    def after_block(self, action: Callable[[], None]) -> None:
        """Run `action` when the outermost block of this thread has ended, however it ended."""
        self._block.afterwards.append(action)

    def forget_afterwards(self) -> None:
        """Drop what was to run after this thread's block: a rehearsal leaves nothing behind."""
        self._block.afterwards.clear()

    def close(self) -> None:
        """Give everything back."""
        self._connections.close()


class _Single:
    """`with database.single() as session`, cheap enough for the hot path."""

    __slots__ = ("_database", "_session")

    _session: PostgresSession

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def __enter__(self) -> PostgresSession:
        self._session = self._database.take_session()
        return self._session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._database.give_back(self._session.connection)
        if error is not None:
            self._database.raise_mapped(error)


@contextmanager
def mapped_errors(where: str) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (psycopg.Error, UnicodeEncodeError) as error:
        raise_mapped(error, where)
        raise


def raise_mapped(error: BaseException, where: str) -> None:  # noqa: C901 - one table of cases
    """Raise our error for the driver's `error`; return when it is not the driver's business."""
    match error:
        case errors.InsufficientPrivilege():
            raise NotAllowed(
                "this login may not do that", "ask the ledger's owner for `billdesk grant`"
            ) from error
        case errors.ReadOnlySqlTransaction():
            raise ReadOnly("this desk was opened read-only", "open it to write") from error
        case errors.NumericValueOutOfRange():
            raise BadInput("the balance would not fit 64 bits", "use smaller amounts") from error
        case UnicodeEncodeError() | psycopg.DataError():
            raise BadInput(
                "a value cannot be kept by the database", "check text and numbers"
            ) from error
        case errors.DiskFull():
            raise StoreFull(f"the disk is full: {where}", "free some space") from error
        case errors.LockNotAvailable() | errors.DeadlockDetected():
            raise StoreBusy(f"the database is busy: {where}", "try again") from error
        case errors.QueryCanceled():
            raise StoreError("the question was cancelled") from error
        case errors.UndefinedTable() if "alembic_version" not in str(error):  # a caller's own
            raise BadInput(str(error).partition("\n")[0], "check the statement") from error
        case errors.UndefinedTable() | errors.UndefinedFunction() | errors.InvalidSchemaName():
            raise NotALedger(f"there is no ledger here: {where}", "run billdesk init") from error
        case errors.InvalidCatalogName():
            raise NotALedger(f"there is no such database: {where}", "create it first") from error
        case psycopg.OperationalError() | psycopg.InterfaceError():
            raise StoreGone(
                f"the connection to {where} failed", "see that the server runs, then try again"
            ) from error
        case _:
            return

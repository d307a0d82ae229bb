"""The ledger in one SQLite file: connections, pragmas, the write block, and what errors mean.

`pysqlite3` (a current SQLite) where its wheel is installed, else the standard module; never both in
one process. Pragmas and their reasons: docs/decisions.md, number 4.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from billdesk.core.store.blocks import Block, WriteBlock
from billdesk.core.store.forking import watch
from billdesk.core.store.gate import WriteGate, gate_path
from billdesk.core.store.sessions import KeyTaken, Kind, Session, Values
from billdesk.core.values.errors import (
    BadInput,
    BilldeskError,
    NotALedger,
    NotAllowed,
    ReadOnly,
    StoreBusy,
    StoreError,
    StoreFull,
)

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        from pysqlite3 import dbapi2 as sqlite3
    except ImportError:
        import sqlite3

__all__ = [
    "APPLICATION_ID",
    "SqliteDatabase",
    "create_file",
    "library_version",
    "mapped_errors",
    "sqlite3",
]

APPLICATION_ID = 0x42444B31
"""`BDK1` in the file's header: this file is a ledger of ours."""

FIRST_SAFE_VERSION = (3, 51, 3)

_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16000",
)
_WAL_PAUSE_SECONDS = 0.01
_INHERITED: dict[Path, list[SqliteSession]] = {}
"""Files that were open when this process was forked; their connections must never be closed here."""


def library_version() -> tuple[int, int, int]:
    """The version of the SQLite library in use."""
    major, minor, patch = sqlite3.sqlite_version_info
    return major, minor, patch


class SqliteSession:
    """SQL on one connection."""

    kind: Kind = "sqlite"
    post_one = None

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        # What gives no rows needs no cursor of its own, which would cost as much as the statement.
        self._cursor = connection.cursor()

    def all(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Every row."""
        return self.connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Values = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        row: tuple[Any, ...] | None = self.connection.execute(sql, values).fetchone()
        return row

    def run(self, sql: str, values: Values = ()) -> int:
        """Change something; how many rows it touched."""
        try:
            return self._cursor.execute(sql, values).rowcount
        except sqlite3.IntegrityError as error:
            raise_taken(error)
            raise

    def many(self, sql: str, rows: Iterable[Values]) -> int:
        """The same statement for each of `rows`; how many rows they touched."""
        try:
            return self.connection.executemany(sql, rows).rowcount
        except sqlite3.IntegrityError as error:
            raise_taken(error)
            raise

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Values]) -> None:
        """Put many rows into a table as they are, with the numbers that they have."""
        marks = ", ".join("?" * len(columns))
        self.many(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def stream(self, sql: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """Rows one after the other, in flat memory."""
        return iter(self.connection.execute(sql, values))

    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run anything; its rows, if it has any."""
        return self.connection.execute(sql, values).fetchall()

    def control(self, sql: str) -> None:
        """Run a statement that steers the transaction."""
        self._cursor.execute(sql)

    def stands(self) -> bool:
        """Whether the transaction is still open: a full disk ends it, for one."""
        return self.connection.in_transaction

    def cancel(self) -> None:
        """Interrupt whatever runs on this session, from another thread."""
        self.connection.interrupt()


class SqliteDatabase:
    """One file, one writer connection, a few reader connections."""

    kind: Kind = "sqlite"

    def __init__(
        self, path: Path, *, read_only: bool = False, deadline_seconds: float = 30
    ) -> None:
        self.path = path
        self.where = str(path)
        self.read_only = read_only
        self._deadline_seconds = deadline_seconds
        self._gate = WriteGate(gate_path(path), deadline_seconds)
        self._writer: SqliteSession | None = None
        self._readers: list[SqliteSession] = []
        self._guard = threading.Lock()
        self._block = Block[SqliteSession]()
        self._opened: tuple[int, int] | None = None
        watch(self)

    def forget_parent(self) -> None:
        """In a forked child: leave the parent's connections alone, and the file with them.

        SQLite keeps account of a process's locks in memory, so that the child would believe to have
        those of its parent.
        """
        sessions = [*self._readers, *([self._writer] if self._writer else [])]
        if sessions:
            _INHERITED[self.path.resolve()] = sessions
        self._readers, self._writer = [], None
        self._guard, self._block = threading.Lock(), Block[SqliteSession]()
        self._gate.forget_parent()

    def connect(self, *, query_only: bool) -> sqlite3.Connection:
        """A connection set up as all of ours are. Raises StoreError kinds."""
        if self.path.resolve() in _INHERITED:
            raise StoreError(
                "this process was forked while the ledger was open",
                "open it after forking, or start processes by spawn",
            )
        with mapped_errors(self.where):
            # Never "rwc": in place of a ledger that is gone no empty file must appear.
            mode = "ro" if self.read_only else "rw"
            connection = sqlite3.connect(
                f"file:{quote(str(self.path))}?mode={mode}",
                uri=True,
                timeout=self._deadline_seconds,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            try:
                self._set_up(connection, query_only=query_only)
            except BaseException:
                connection.close()
                raise
        self._opened = self._opened or _file_at(self.where)
        return connection

    def _check_place(self) -> None:
        """What is written to a file that has been removed or replaced would be lost with it."""
        if self._opened is not None and _file_at(self.where) != self._opened:
            raise StoreError(
                f"the ledger's file was removed or replaced: {self.where}",
                "put it back, or open the ledger again",
            )

    def _set_up(self, connection: sqlite3.Connection, *, query_only: bool) -> None:
        """Pragmas. A file that is not a ledger of ours (or not yet) keeps its journal mode."""
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        if application_id == APPLICATION_ID and not self.read_only:
            _use_wal(connection, self._deadline_seconds)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if query_only or self.read_only:
            connection.execute("PRAGMA query_only=ON")
        connection.set_authorizer(_no_attach)

    @contextmanager
    def read(self, *, snapshot: bool = False) -> Iterator[Session]:
        """A session to read in; inside a write block it is that block."""
        if self._block.session is not None:
            yield self._block.session
            return
        session = self._take_reader()
        try:
            with mapped_errors(self.where):
                if snapshot:
                    session.connection.execute("BEGIN")
                yield session
        finally:
            if session.connection.in_transaction:
                session.connection.execute("ROLLBACK")
            self._readers.append(session)

    def _take_reader(self) -> SqliteSession:
        self._check_place()
        with self._guard:
            session = self._readers.pop() if self._readers else None
        return session or SqliteSession(self.connect(query_only=True))

    def write(self) -> WriteBlock[SqliteSession]:
        """A write block: BEGIN IMMEDIATE … COMMIT behind the gate; nested, a savepoint."""
        return WriteBlock(self)

    def single(self) -> WriteBlock[SqliteSession]:
        """A write block for one act; on Postgres that is one statement that commits by itself."""
        return WriteBlock(self)

    def begin(self) -> SqliteSession:
        """Enter the gate and begin; `end` must follow."""
        if self.read_only:
            raise ReadOnly("this desk was opened read-only", "open it again without --read-only")
        self._gate.enter()
        try:
            self._check_place()
            if self._writer is None:
                self._writer = SqliteSession(self.connect(query_only=False))
            self._writer.control("BEGIN IMMEDIATE")
        except BaseException as error:
            self._gate.leave()
            raise_mapped(error, self.where)
            raise
        return self._writer

    def end(self, session: SqliteSession, *, commit: bool) -> None:
        """Commit or roll back, and leave the gate whatever happens."""
        try:
            if commit:
                session.control("COMMIT")
        except BaseException as error:
            raise_mapped(error, self.where)
            raise
        finally:
            try:
                if session.connection.in_transaction:
                    session.connection.execute("ROLLBACK")
            finally:
                self._gate.leave()

    @property
    def block(self) -> Block[SqliteSession]:
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
        sessions = [*self._readers, *([self._writer] if self._writer else [])]
        self._readers.clear()
        self._writer = None
        for session in sessions:
            session.connection.close()
        self._gate.close()


def _file_at(path: str) -> tuple[int, int] | None:
    """Which file lies at a path, whatever its name; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - asked for with every act
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _use_wal(connection: sqlite3.Connection, deadline_seconds: float) -> None:
    """Switch to WAL once; SQLite calls no busy handler for every step of this, so try again."""
    until = time.monotonic() + deadline_seconds
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            if mode != "wal":
                raise StoreError("this disk cannot keep a write-ahead log", "use a local disk")
            return


def _no_attach(action: int, *_: object) -> int:
    """Refuse ATTACH: a commit over two files is not one commit in WAL mode."""
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


@contextmanager
def mapped_errors(where: str) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
        raise_mapped(error, where)
        raise


_MESSAGES: Sequence[tuple[str, type[BilldeskError], str, str]] = (
    ("database or disk is full", StoreFull, "the disk is full", "free some space, then try again"),
    ("locked", StoreBusy, "another program has the ledger locked", "close it, then try again"),
    ("readonly database", StoreError, "the ledger cannot be written", "check the file's rights"),
    ("not a database", NotALedger, "this file is not a ledger", "choose another file"),
    ("malformed", NotALedger, "the file is damaged", "restore a backup; keep this file"),
    ("Could not decode", NotALedger, "a text in it is damaged", "restore a backup; keep this file"),
    (
        "no such table",
        NotALedger,
        "this file is not a ledger",
        "choose another file",
    ),
    ("unable to open", StoreError, "the file cannot be opened", "check the path and its rights"),
    # A full disk says this, too, when it has no room for the index beside the log.
    (
        "disk I/O error",
        StoreError,
        "the disk is full or failed",
        "free some space, or check the disk; then verify the ledger",
    ),
    ("interrupted", StoreError, "the question was cancelled", ""),
    (
        "not authorized",
        NotAllowed,
        "other files cannot be attached",
        "a commit over two is not one",
    ),
)


def raise_mapped(error: BaseException, where: str) -> None:
    """Raise our error for the driver's `error`; return when it is not the driver's business."""
    if isinstance(error, UnicodeEncodeError | OverflowError):
        raise BadInput(
            "a value cannot be kept by the database", "check text and numbers"
        ) from error
    if not isinstance(error, sqlite3.Error):
        return
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return
    text = str(error)
    if "no such table" in text and "alembic_version" not in text:  # a caller's own
        raise BadInput(text, "check the statement") from error
    for sign, kind, message, hint in _MESSAGES:
        if sign in text:
            raise kind(f"{message}: {where}", hint) from error


def raise_taken(error: sqlite3.IntegrityError) -> None:
    """Raise KeyTaken when the driver says that a unique key was taken."""
    if str(error).startswith("UNIQUE"):
        raise KeyTaken(str(error)) from error


def create_file(path: Path) -> None:
    """Make an empty private file for a new ledger, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

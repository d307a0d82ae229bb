"""What the rest of the store sees of a database: sessions that run SQL, in reads and write blocks.

SQL is written once, with `?` for parameters and names that both databases know; a session turns it
into its driver's form. The store alone issues BEGIN and COMMIT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

Values = Sequence[Any]
Kind = Literal["sqlite", "postgres"]


class KeyTaken(Exception):
    """A unique key was taken, perhaps by another process a moment ago."""


class LegRefused(Exception):
    """A guard refused a later leg of a posting; nothing of it was kept."""


class Session(Protocol):
    """SQL inside one read or one write block.

    `post_one` is there where a statement commits by itself and the database has a quick way for a
    posting of one leg; its values are the parameters of the function of that name.
    """

    kind: Kind

    @property
    def post_one(self) -> Callable[[Values], str | None] | None: ...  # noqa: D102

    def all(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Every row."""
        ...

    def one(self, sql: str, values: Values = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        ...

    def run(self, sql: str, values: Values = ()) -> int:
        """Change something; how many rows it touched."""
        ...

    def many(self, sql: str, rows: Iterable[Values]) -> int:
        """The same statement for each of `rows`; how many rows they touched."""
        ...

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Values]) -> None:
        """Put many rows into a table as they are, with the numbers that they have."""
        ...

    def stream(self, sql: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """Rows one after the other, in flat memory."""
        ...

    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run anything; its rows, if it has any."""
        ...

    def cancel(self) -> None:
        """Interrupt whatever runs on this session, from another thread."""
        ...


class Database(Protocol):
    """A place where a ledger lives. Reads run side by side; write blocks are joined when nested."""

    kind: Kind
    where: str
    read_only: bool

    def read(self, *, snapshot: bool = False) -> AbstractContextManager[Session]:
        """A session to read in; inside a write block it is that block. `snapshot`: one moment."""
        ...

    def write(self) -> AbstractContextManager[Session]:
        """A write block: commits at its end, rolls back on an error; nested, it is a savepoint."""
        ...

    def single(self) -> AbstractContextManager[Session]:
        """A write block for one act: on Postgres a statement that commits by itself."""
        ...

    def in_block(self) -> bool:
        """Whether this thread is inside a write block."""
        ...

    def after_block(self, action: Callable[[], None]) -> None:
        """Run `action` when the outermost block of this thread has ended, however it ended."""
        ...

    def forget_afterwards(self) -> None:
        """Drop what was to run after this thread's block: a rehearsal leaves nothing behind."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...

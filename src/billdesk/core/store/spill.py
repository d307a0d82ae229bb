"""Rows too many for memory, kept in a file without a name that is gone with the process.

The gateway's rows come in any order and have to be sorted. A ledger's temporary tables would not do: on
SQLite they live in memory, on Postgres they would keep a connection for as long as the gateway takes.
"""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from heapq import merge
from io import SEEK_END
from itertools import chain, islice
from operator import itemgetter
from types import TracebackType
from typing import Any, Self

from billdesk.core.values.errors import StoreFull

Row = tuple[Any, ...]
"""Text and whole numbers; in a spill that sorts alike in every row, so that rows can be compared."""

RUN_ROWS = 16_384
_CHUNK_ROWS = 128


class Spill:
    """Rows to be read back in the order of their first `sorted_by` values; as they came, if 0.

    Memory holds one run of rows while they come, and a chunk of each run while they are read. Close it
    after use. Raises StoreFull when there is no room.
    """

    def __init__(self, *, sorted_by: int) -> None:
        self._sorted_by = sorted_by
        with _mapped_errors():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._runs: list[list[tuple[int, int]]] = []
        self._waiting: list[Row] = []

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def add(self, row: Row) -> None:
        """Keep one row."""
        self._waiting.append(row)
        if len(self._waiting) >= RUN_ROWS:
            self._end_run()

    def extend(self, rows: Iterable[Row]) -> int:
        """Keep many; how many there were. Raises what reading `rows` raises."""
        source, count = iter(rows), 0
        while True:
            before = len(self._waiting)
            self._waiting += islice(source, RUN_ROWS - before)
            count += len(self._waiting) - before
            if len(self._waiting) < RUN_ROWS:
                return count
            self._end_run()

    def __iter__(self) -> Iterator[Row]:
        """The rows; while they are read none may be added."""
        self._end_run()
        runs = [self._read(run) for run in self._runs]
        return merge(*runs) if self._sorted_by else chain(*runs)

    def _end_run(self) -> None:
        """Write what waits, in order, chunk by chunk."""
        rows, self._waiting = self._waiting, []
        # One column at a time: Python sorts texts thrice as fast as tuples that begin alike.
        for column in reversed(range(self._sorted_by)):
            rows.sort(key=itemgetter(column))
        run = []
        with _mapped_errors():
            at = self._file.seek(0, SEEK_END)
            for first in range(0, len(rows), _CHUNK_ROWS):
                # Marshal takes tuples only, none of their subclasses.
                chunk = marshal.dumps([tuple(row) for row in rows[first : first + _CHUNK_ROWS]])
                self._file.write(chunk)
                run.append((at, len(chunk)))
                at += len(chunk)
            self._file.flush()
        if run:
            self._runs.append(run)

    def _read(self, run: list[tuple[int, int]]) -> Iterator[Row]:
        for at, size in run:
            self._file.seek(at)
            chunk = self._file.read(size)
            yield from marshal.loads(chunk)  # noqa: S302 - nobody else can have written it


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreFull(
            f"a temporary file cannot be written: {error.strerror}", "free some space"
        ) from error

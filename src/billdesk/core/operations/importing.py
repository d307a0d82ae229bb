"""Bringing in a business that exists already: its accounts, what they had, and what happened.

A file is read twice. First every line is checked, and all that is wrong is listed; then everything
goes in in one write block, or nothing does. What came in before stays as it is.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TextIO, TypeVar

from billdesk.core.operations.booking import book, digest_of
from billdesk.core.operations.enrolling import HOUSE
from billdesk.core.operations.office import Office
from billdesk.core.rules.import_rows import (
    ACCOUNTS,
    ENTRIES,
    AccountRow,
    Columns,
    EntryRow,
    account_row,
    check_heading,
    column_name,
    delimiter_of,
    entry_row,
)
from billdesk.core.rules.ledger import IMPORT, Draft, Leg, purpose_of
from billdesk.core.rules.sheets import ImportSheet, RowError
from billdesk.core.store import accounts as store
from billdesk.core.store.imports import account_ids, known_references
from billdesk.core.store.posting import first_result, post_many, wallet_state
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import BadInput, Refused

HEADING_LENGTH = 10_000
BATCH = 500
MOST_ERRORS = 1000

Progress = Callable[[int, int], None]
Line = tuple[int, Mapping[str, str] | BadInput]
Row = TypeVar("Row", AccountRow, EntryRow)


class Table:
    """A CSV file with a heading: UTF-8, any usual delimiter, line ends of any system.

    `position` says how many of its `size` bytes have been read so far.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Columns) -> None:
        self.path = Path(path)
        self.size = 0
        self.position = 0
        self._columns = columns

    def lines(self) -> Iterator[Line]:
        """Each line's number and its fields by column, or what is wrong with it.

        A line that goes on within quotes has the number it begins with; empty lines are left out.
        Raises BadInput when the file cannot be read or its heading is wrong.
        """
        try:
            with self.path.open("rb") as raw:
                self.size = os.fstat(raw.fileno()).st_size
                if raw.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
                    raise BadInput(f"{self.path} is in UTF-16", "save it as CSV in UTF-8")
                raw.seek(0)
                # What is not UTF-8 becomes half a surrogate pair: then the check of the text finds
                # it and names its line, where a decoder would name a block of bytes.
                with io.TextIOWrapper(
                    raw, "utf-8-sig", errors="surrogateescape", newline=""
                ) as text:
                    for line in self._parsed(text):
                        self.position = raw.tell()
                        yield line
        except OSError as error:
            raise BadInput(
                f"{self.path} cannot be read: {error.strerror}", "give the path of a CSV file"
            ) from error

    def _parsed(self, text: TextIO) -> Iterator[Line]:
        heading = text.readline(HEADING_LENGTH)
        if not heading.strip():
            raise BadInput(f"{self.path} is empty", "the first line names the columns")
        delimiter = delimiter_of(heading, self._columns)
        names = [column_name(name) for name in heading.split(delimiter)]
        check_heading(names, self._columns)
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        while True:
            number = rows.line_num + 2
            try:
                fields = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, BadInput(f"not CSV: {error}", "look for a quote that is not closed")
                continue
            if not any(map(str.strip, fields)):
                continue
            if len(fields) == len(names):
                yield number, dict(zip(names, fields, strict=True))
            else:
                told = f"{len(fields)} fields where the heading has {len(names)}"
                yield number, BadInput(told, "quote a field that holds the delimiter")


class Imports:
    """`desk.imports`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def accounts(
        self, path: str | os.PathLike[str], on_progress: Progress | None = None
    ) -> ImportSheet:
        """Bring in accounts with their opening balances and credit limits, all or none.

        A wallet comes in once: later its balance and limit are the desk's business, and the same
        file changes nothing. `on_progress` hears how much of the work is done, and of how much.
        Raises BadInput when the file is no such table, ReadOnly, StoreError kinds.
        """
        return _bring_in(self._office, path, _Accounts(self._office), on_progress)

    def entries(
        self, path: str | os.PathLike[str], on_progress: Progress | None = None
    ) -> ImportSheet:
        """Bring in the history of accounts, in the order of the file, all or none.

        Each line comes in once for its reference: the same file again changes nothing. Raises
        BadInput when the file is no such table, ReadOnly, StoreError kinds.
        """
        return _bring_in(self._office, path, _Entries(self._office), on_progress)


class _Written(NamedTuple):
    """What became of some lines."""

    added: int
    unchanged: int
    errors: list[RowError]


class _Kind(Protocol[Row]):
    """What differs between one kind of file and another."""

    name: str
    columns: Columns

    def read(self, fields: Mapping[str, str]) -> Row:
        """What a line says. Raises BadInput."""
        ...

    def check(self, session: Session, rows: Sequence[tuple[int, Row]]) -> list[RowError]:
        """What the ledger has against some lines, as far as it can be told beforehand."""
        ...

    def write(self, session: Session, rows: Sequence[tuple[int, Row]]) -> _Written:
        """Write some lines; those that came in before are left alone."""
        ...


class _Accounts:
    """Accounts and their wallets. Each wallet's opening is a posting, even of nothing: it shows
    that the wallet came in, and with what.
    """

    name = "accounts"
    columns = ACCOUNTS

    def __init__(self, office: Office, now: datetime) -> None:
        self._office = office
        self._now = now

    def read(self, fields: Mapping[str, str]) -> AccountRow:
        """What a line says. Raises BadInput."""
        return account_row(fields, self._office.default_asset)

    def check(self, session: Session, rows: Sequence[tuple[int, AccountRow]]) -> list[RowError]:
        """Accounts that are here already must be the same."""
        known = store.accounts_by_ref(session, [row.ref for _, row in rows])
        return [
            RowError(line, f"there is another account {row.ref} already: {told}")
            for line, row in rows
            if (told := _other_name(known.get(row.ref), row)) is not None
        ]

"""A ledger's rows on their way from one database into the other, and the proof that they arrived.

Both keep the same tables, whole numbers, texts and bytes, so that a row is carried over as it is. One
thing differs: entries are numbered without gaps on SQLite, where a gap would mean that one is missing.
Postgres leaves gaps, so that its entries are counted anew on their way into a file; no hash knows
the number of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from hashlib import blake2b, sha256
from typing import Any

from billdesk.core.store.addresses import is_postgres, is_there, sqlite_path
from billdesk.core.store.copying import appearing
from billdesk.core.store.filling import TABLES, columns_of, fill_tables, is_numbered
from billdesk.core.store.opening import make_ledger
from billdesk.core.store.search import index_batch
from billdesk.core.store.sessions import Session
from billdesk.core.values.errors import AlreadyExists, Refused, StoreError

Report = Callable[[str, int, int], None]
"""What a long job calls: what it does now, how much of it is done, of how much."""

Row = tuple[Any, ...]
REPORT_ROWS = 2_000
_DIGEST_BYTES = 16
_MADE_ANEW = ("indexing", "alembic_version", "posting_search", "posting_text")


def check_free(url: str) -> None:
    """Raises AlreadyExists unless a new ledger may be made at an address; StoreError kinds."""
    if is_postgres(url):
        from billdesk.core.store.migrating import check_vacant  # SQLAlchemy costs 0.7 s

        check_vacant(url)
    elif is_there(path := sqlite_path(url)):
        raise AlreadyExists(f"there is a file at {path} already", "choose another name")


def make_whole(url: str, fill: Callable[[Session], None]) -> None:
    """Make a ledger with what `fill` writes; nothing is at its address before that has ended well.

    Raises AlreadyExists, StoreError kinds, what `fill` raises.
    """
    if is_postgres(url):
        make_ledger(url, fill, deadline_seconds=30, prepared=False).close()
        return
    with appearing(sqlite_path(url)) as unfinished:
        make_ledger(str(unfinished), fill, deadline_seconds=30, prepared=False).close()


def copy_rows(source: Session, target: Session, rows: Mapping[str, int], report: Report) -> None:
    """Fill a new ledger with all rows of another one, and read them back.

    `rows` says how many there are, by table. Raises Refused for a text that the other database cannot
    keep, StoreError when what is read back is not what was written.
    """
    total = sum(rows.values())
    tallies = {table: Tally() for table in TABLES}
    done = 0

    def rows_of(table: str, columns: Sequence[str]) -> Generator[Row]:
        nonlocal done
        for row in _read(source, table, columns, into=target.kind):
            tallies[table].add(row)
            done += 1
            if done % REPORT_ROWS == 0:
                report("copying", done, total)
            yield row

    fill_tables(target, rows_of)
    report("copying", done, total)
    if target.kind == "postgres":
        # What is asked from here on would be planned for empty tables.
        target.run("ANALYZE " + ", ".join(TABLES))
    check_rows(target, tallies, report)


def _read(session: Session, table: str, columns: Sequence[str], *, into: str) -> Iterable[Row]:
    """The rows of a table, as the other database keeps them."""
    order = " ORDER BY number" if is_numbered(columns) else ""
    rows = session.stream(f"SELECT {', '.join(columns)} FROM {table}{order}")
    if into == "postgres":
        return (_without_nul(row, table, columns) for row in rows)
    if table == "entry":
        return ((number, *row[1:]) for number, row in enumerate(rows, start=1))
    return rows


def _without_nul(row: Row, table: str, columns: Sequence[str]) -> Row:
    """The row. Raises Refused for the one character that Postgres keeps in no text."""
    for column, value in zip(columns, row, strict=True):
        if type(value) is str and "\x00" in value:
            key = "id" if "id" in columns else columns[0]
            raise Refused(
                f"the {column} of {table} {row[columns.index(key)]} holds a NUL, which Postgres"
                " cannot keep",
                "take it out, or stay with SQLite",
            )
    return row


class Tally:
    """How many rows there were, and one number for all that is in them, whatever their order."""

    __slots__ = ("rows", "total")

    def __init__(self) -> None:
        self.rows = self.total = 0

    def add(self, row: Row) -> None:
        """Count one."""
        self.rows += 1
        digest = blake2b(repr(row).encode(), digest_size=_DIGEST_BYTES).digest()
        self.total = (self.total + int.from_bytes(digest)) % (1 << 8 * _DIGEST_BYTES)


def check_rows(session: Session, tallies: Mapping[str, Tally], report: Report) -> None:
    """Read every row of a new ledger back. Raises StoreError unless they are what was written."""
    total, done = sum(tally.rows for tally in tallies.values()), 0
    for table, written in tallies.items():
        found = Tally()
        for row in session.stream(f"SELECT {', '.join(columns_of(session, table))} FROM {table}"):
            found.add(row)
            done += 1
            if done % REPORT_ROWS == 0:
                report("reading back", done, total)
        if (found.rows, found.total) != (written.rows, written.total):
            raise StoreError(
                f"what was written to {table} is read back otherwise", "check the disk, try again"
            )
    report("reading back", done, total)


def index_all(session: Session, report: Report) -> None:
    """Fill the search index of a new ledger, which its rows do not bring."""
    total = row_counts(session, ("posting",))["posting"]
    done = 0
    while indexed := index_batch(session):
        done += indexed
        report("indexing", done, total)


def row_counts(session: Session, tables: Sequence[str] = TABLES) -> dict[str, int]:
    """How many rows there are, by table."""
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    [row] = session.all(f"SELECT {counts}")
    return dict(zip(tables, map(int, row), strict=True))


def own_tables(session: Session) -> list[str]:
    """Tables that are not billdesk's: in the ledger's file, or in `public` beside it."""
    if session.kind == "postgres":
        rows = session.all(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name"
        )
        return [row[0] for row in rows]
    rows = session.all(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
        " AND substr(name, 1, 13) <> 'posting_text_' ORDER BY name"
    )
    return [row[0] for row in rows if row[0] not in (*TABLES, *_MADE_ANEW)]


def heads_digest(session: Session) -> str:
    """SHA-256 over every wallet: where it stands in its chain, its last hash and its balances."""
    digest = sha256()
    for wallet, seq, head, *balances in session.stream(
        "SELECT id, seq, head, balance_minor, held_minor FROM wallet ORDER BY number"
    ):
        digest.update(f"{wallet} {seq} {bytes(head).hex()} {balances}\n".encode())
    return digest.hexdigest()

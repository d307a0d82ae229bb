"""Rows too many for memory, kept aside while two lists are compared: a temporary file of our own.

The gateway's rows come in any order and have to be sorted. A ledger's own temporary tables would not
do: on SQLite they are set to live in memory and readers may not write them, on Postgres they would keep
a connection for as long as the gateway takes. SQLite's nameless database is a file without a name,
which is gone with the process, however it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Literal, Self

from billdesk.core.rules.gateway import GatewayRow
from billdesk.core.rules.matching import Item, Line
from billdesk.core.store.sqlite import mapped_errors, sqlite3
from billdesk.core.values.clock import to_micros

Rest = Literal["our_rest", "their_rest"]

_WHERE = "a temporary file"
_BATCH = 1_000
_LINE = ", ".join(Line._fields)
_ITEM = ", ".join(Item._fields)
_SET_UP = (
    "PRAGMA journal_mode=OFF",
    "PRAGMA synchronous=OFF",
    "PRAGMA cache_size=-4000",
    "PRAGMA temp_store=FILE",
    "BEGIN",
    f"CREATE TABLE theirs ({_LINE})",
    f"CREATE TABLE our_rest ({_LINE})",
    f"CREATE TABLE their_rest ({_LINE})",
    f"CREATE TABLE item ({_ITEM})",
)
_INDEXES = (
    "CREATE INDEX rest_charge ON our_rest (charge_id) WHERE kind = 'payment'",
    "CREATE INDEX rest_external ON our_rest (external_id) WHERE kind = 'payment'",
    "CREATE INDEX rest_id ON our_rest (our_id) WHERE kind = 'payment'",
)
_OURS = """
    (SELECT min(o.external_id) FROM our_rest o WHERE o.kind = 'payment'
     AND o.{} = their_rest.{} AND o.asset = their_rest.asset)"""
# A payment of theirs takes the id of ours that shares another name with it.
_RENAME = f"""
UPDATE their_rest SET external_id = coalesce({_OURS.format("our_id", "our_id")},
    {_OURS.format("charge_id", "charge_id")}, {_OURS.format("charge_id", "external_id")},
    {_OURS.format("external_id", "charge_id")}, external_id)
WHERE kind = 'payment'"""


class Spill:
    """Rows kept aside, in the order of their kind, external id and asset. Close it after use."""

    def __init__(self) -> None:
        with mapped_errors(_WHERE):
            self._connection = sqlite3.connect("", isolation_level=None)
            for statement in _SET_UP:
                self._connection.execute(statement)

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def take_theirs(self, rows: Iterable[GatewayRow]) -> int:
        """Keep the gateway's own lines; how many there were. Raises what reading `rows` raises."""
        with mapped_errors(_WHERE):
            return self._connection.executemany(
                "INSERT INTO theirs VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, 0)", map(_values, rows)
            ).rowcount

    def theirs(self) -> Iterator[Line]:
        """The gateway's own lines, in order."""
        return self._lines("theirs")

    def leave(self, side: Rest, lines: Iterable[Line]) -> None:
        """Keep lines of a side that the other one does not seem to have."""
        with mapped_errors(_WHERE):
            self._connection.executemany(
                f"INSERT INTO {side} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", lines
            )

    def rename(self) -> None:
        """Call payments that were left on their side as ours are called that have the same names."""
        with mapped_errors(_WHERE):
            for statement in (*_INDEXES, _RENAME):
                self._connection.execute(statement)

    def rest(self, side: Rest) -> Iterator[Line]:
        """The lines that a side was left with, in order."""
        return self._lines(side)

    def keep(self, items: Iterable[Item]) -> None:
        """Keep what shall be written down in the end."""
        with mapped_errors(_WHERE):
            self._connection.executemany(
                "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", items
            )

    def items(self) -> Iterator[Item]:
        """What was kept, in an order that is the same for the same rows."""
        with mapped_errors(_WHERE):
            yield from map(
                Item._make,
                self._connection.execute(
                    "SELECT * FROM item ORDER BY kind, external_id, asset, outcome, happened_at"
                ),
            )

    def _lines(self, table: str) -> Iterator[Line]:
        with mapped_errors(_WHERE):
            yield from map(
                Line._make,
                self._connection.execute(
                    f"SELECT * FROM {table} ORDER BY kind, external_id, asset, happened_at"
                ),
            )


def _values(row: GatewayRow) -> tuple[object, ...]:
    """A row of the gateway's as a line of ours; only a payment has other names."""
    kind, external_id, charge_id, payment_id, asset, amount_minor, fee_minor, happened_at = row
    at = to_micros(happened_at)
    if kind != "payment":
        return kind, external_id, asset, amount_minor, fee_minor, at, None, None
    return kind, external_id, asset, amount_minor, fee_minor, at, charge_id, payment_id

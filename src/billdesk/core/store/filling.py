"""The tables of a ledger, and filling those of a new one with rows from elsewhere, as they are."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import islice

from billdesk.core.store.sessions import KeyTaken, Session, Values
from billdesk.core.store.sqlite import sqlite3
from billdesk.core.values.errors import NotALedger

TABLES = (
    "meta", "account", "wallet", "posting", "entry", "hold", "wallet_freeze", "payment", "fact",
    "freshness", "audit", "gateway", "gateway_event", "gap", "card_refund", "dispute", "customer",
    "payment_method", "watch", "reconciliation", "reconciliation_item", "catalog", "catalog_item",
    "party", "subscription", "billing_period", "subscription_change", "credit_lot", "credit_use",
    "pack_purchase", "usage_stream", "usage_event", "usage_hour", "usage_budget", "usage_alert",
    "usage_run", "usage_line", "usage_period", "invoice_series", "invoice", "invoice_line",
)  # fmt: skip
"""All that hold something to keep, each after those that it refers to; a search index is made anew."""

RowsOf = Callable[[str, Sequence[str]], Generator[Values]]
"""What gives the rows of a table, by its name and the columns that are wanted."""

_GUARD = "invoice_line_no_insert"
"""The lines of finalized invoices come after these, which nobody else may do."""
_BATCH = 1_000


def fill_tables(session: Session, rows_of: RowsOf) -> None:
    """Fill the empty tables of a new ledger, in flat memory; new rows will be numbered after these.

    Raises NotALedger for rows that do not fit together, what `rows_of` raises, the driver's errors.
    """
    if session.kind == "postgres":
        session.run(f"ALTER TABLE invoice_line DISABLE TRIGGER {_GUARD}")
        for table in TABLES:
            _fill(session, table, rows_of)
        session.run(f"ALTER TABLE invoice_line ENABLE TRIGGER {_GUARD}")
    else:
        [(guard,)] = session.all("SELECT sql FROM sqlite_master WHERE name = ?", (_GUARD,))
        session.run(f"DROP TRIGGER {_GUARD}")
        for table in TABLES:
            _fill(session, table, rows_of)
        session.run(guard)


def _fill(session: Session, table: str, rows_of: RowsOf) -> None:
    columns = columns_of(session, table)
    try:
        # A cursor on the other database is not left open where this one fails.
        with closing(rows_of(table, columns)) as rows:
            while batch := list(islice(rows, _BATCH)):
                session.load(table, columns, batch)
    except (KeyTaken, _misfit(session)) as error:
        raise NotALedger(
            f"the rows of {table} do not fit together: {error}", "verify where they come from"
        ) from error
    if session.kind == "postgres" and is_numbered(columns):
        session.one(
            f"SELECT setval(pg_get_serial_sequence('billdesk.{table}', 'number'),"
            f" (SELECT coalesce(max(number), 0) + 1 FROM {table}), false)"
        )


def _misfit(session: Session) -> type[Exception]:
    """What the driver raises for a row that the schema does not take."""
    if session.kind == "sqlite":
        return sqlite3.IntegrityError
    from psycopg import IntegrityError  # psycopg costs 0.3 s at start-up

    return IntegrityError


def columns_of(session: Session, table: str) -> list[str]:
    """The columns of a table, in order."""
    if session.kind == "postgres":
        question = (
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'billdesk' AND table_name = ? ORDER BY ordinal_position"
        )
    else:
        question = "SELECT name FROM pragma_table_info(?)"
    return [row[0] for row in session.all(question, (table,))]


def is_numbered(columns: Sequence[str]) -> bool:
    """Whether a table counts its rows by itself; its number then comes first."""
    return columns[0] == "number"

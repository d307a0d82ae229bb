"""The list of tables is all there is to keep, and each comes after those that it refers to."""

from __future__ import annotations

from contextlib import closing

import pytest

from billdesk.core.store.filling import TABLES, columns_of, is_numbered
from billdesk.core.store.moving import Tally, check_rows
from billdesk.core.store.opening import database_at
from billdesk.core.values.errors import StoreError

MADE_ANEW = {"indexing", "alembic_version", "posting_search", "posting_text"}


def test_nothing_that_is_kept_is_left_out(ledger_url: str) -> None:
    with closing(database_at(ledger_url)) as database, database.read() as session:
        question = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'billdesk'"
            if session.kind == "postgres"
            else "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'"
            " AND name NOT LIKE 'sqlite_%'"
        )
        there = {row[0] for row in session.all(question)}
        assert there - MADE_ANEW == set(TABLES)
        assert len(set(TABLES)) == len(TABLES)


def test_both_databases_keep_the_same_columns_of_the_same_kinds(
    sqlite_url: str, postgres_url: str
) -> None:
    kinds = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}
    with (
        closing(database_at(sqlite_url)) as file,
        closing(database_at(postgres_url)) as server,
        file.read() as ours,
        server.read() as theirs,
    ):
        for table in TABLES:
            columns = columns_of(ours, table)
            assert columns == columns_of(theirs, table)
            assert is_numbered(columns) == ("number" in columns)
            assert [
                kinds[row[0]]
                for row in ours.all("SELECT type FROM pragma_table_info(?) ORDER BY cid", (table,))
            ] == [
                row[0]
                for row in theirs.all(
                    "SELECT data_type FROM information_schema.columns WHERE table_schema = 'billdesk'"
                    " AND table_name = ? ORDER BY ordinal_position",
                    (table,),
                )
            ], table


def test_what_is_read_back_otherwise_is_found(ledger_url: str) -> None:
    with (
        closing(database_at(ledger_url)) as database,
        database.read(snapshot=True) as session,
    ):
        written = Tally()
        for row in session.all("SELECT key, value FROM meta"):
            written.add(row)
        check_rows(session, {"meta": written}, lambda *_: None)
        other = Tally()
        for key, value in session.all("SELECT key, value FROM meta"):
            other.add((key, f"{value} "))
        for wrong in (other, Tally()):
            with pytest.raises(StoreError, match="written to meta is read back otherwise"):
                check_rows(session, {"meta": wrong}, lambda *_: None)

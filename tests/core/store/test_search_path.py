"""The quick way in looks nothing up on its caller's search path, where a client may have laid traps."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from billdesk.core.desk import grant, open_desk

NAMES = (f"trapper_{os.getpid()}_{number}" for number in itertools.count())

DIGEST = r"\x" + "01" * 32
OPERATORS = {
    "||": [("text", "text"), ("bytea", "bytea")],
    "=": [("text", "text"), ("name", "name"), ("name", "text"), ("bigint", "bigint")],
    "+": [("bigint", "bigint"), ("bigint", "integer")],
    "-": [("bigint", "bigint")],
    "*": [("numeric", "integer"), ("numeric", "numeric"), ("double precision", "integer"),
          ("integer", "integer")],
    ">=": [("bigint", "bigint"), ("bigint", "integer")],
}  # fmt: skip
MIXED = {"=": [("integer", "integer"), ("bigint", "integer")]}
# What `format` and `concat_ws` are called with: a trap of just these types is the better match.
TEXT, NUMBER = "integer, text", "integer, bigint"
FORMATTED = (TEXT,) * 5 + (
    "text",
    TEXT,
    "text",
    TEXT,
    NUMBER,
    NUMBER,
    TEXT,
    NUMBER,
    TEXT,
    NUMBER,
    NUMBER,
    TEXT,
)
FUNCTIONS = (
    "sha256(bytea)", "convert_to(text, name)", "octet_length(text)", "octet_length(bytea)",
    "encode(bytea, text)", f"format(text, {', '.join(FORMATTED)})",
    "concat_ws(text, bigint, bigint, bigint, text, text)", "concat(text, text)",
    "clock_timestamp()", "pg_has_role(name, oid, text)", "micros()", "owns()", "canonical(text[])",
)  # fmt: skip
TABLES = ("wallet", "account", "posting", "entry", "pg_namespace")
DOMAINS = ("text", "bytea", "int8", "int4")


def traps() -> Iterator[str]:
    """Statements that lay a trap under every name that a posting could look up."""
    yield "CREATE SCHEMA traps"
    # Types in full: by then the short names are traps themselves.
    for symbol, sides in [*OPERATORS.items(), *MIXED.items()]:
        for place, (left, right) in enumerate(sides):
            name = f"traps.spring_{sum(map(ord, symbol))}_{place}_{right.replace(' ', '_')}"
            yield (
                f"CREATE FUNCTION {name}({left}, {right}) RETURNS boolean LANGUAGE plpgsql"
                " AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$"
            )
            yield (
                f"CREATE OPERATOR traps.{symbol} (LEFTARG = {left}, RIGHTARG = {right},"
                f" FUNCTION = {name})"
            )
    for function in FUNCTIONS:
        yield (
            f"CREATE FUNCTION traps.{function} RETURNS bytea LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$"
        )
    yield (
        "CREATE FUNCTION traps.spring() RETURNS boolean LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$"
    )
    for table in TABLES:
        yield f"CREATE TABLE traps.{table} (number bigint, id text)"
    for domain in DOMAINS:
        yield f"CREATE DOMAIN traps.{domain} AS pg_catalog.{domain} CHECK (traps.spring())"


@pytest.fixture
def trapper(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A client whose search path begins with a schema of traps."""
    name = next(NAMES)
    parts = urlsplit(postgres_url)
    address = parts._replace(netloc=f"{name}@{parts.netloc.rpartition('@')[2]}").geturl()
    with open_desk(postgres_url) as desk:
        desk.accounts.add("acme", name="Acme")
        desk.adjustments.credit("acme", "10.00", memo="welcome to the desk")
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN")
        owner.execute(f'GRANT CREATE ON DATABASE "{parts.path[1:]}" TO {name}')
        grant(name, postgres_url)
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in traps():
                connection.execute(statement.encode())
            connection.execute("SET search_path = traps, pg_catalog, billdesk")
            yield connection
        owner.execute(f"DROP OWNED BY {name} CASCADE")
        owner.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize(
    "innocent",
    ["SELECT sha256('a')", "SELECT id || id FROM billdesk.account", "SELECT 'a'::text",
     "SELECT * FROM billdesk.wallet WHERE balance_minor >= held_minor",
     "SELECT * FROM billdesk.wallet WHERE freezes = 0", "SELECT owns()"],
)  # fmt: skip
def test_the_traps_spring_on_who_steps_on_them(
    trapper: psycopg.Connection[Any], innocent: str
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="sprung"):
        trapper.execute(innocent.encode())


@pytest.mark.parametrize("corrects", ["NULL", "'chg_1'"])
@pytest.mark.parametrize("salt", ["NULL", r"'\x00'"])
@pytest.mark.parametrize("times", ["NULL, NULL", "5, 6"])
def test_a_posting_steps_on_none_of_them(
    trapper: psycopg.Connection[Any], postgres_url: str, times: str, salt: str, corrects: str
) -> None:
    memo = "NULL" if salt == "NULL" else "'a memo'"
    answer = trapper.execute(
        f"SELECT billdesk.post_one('chg_1', 'charge', 'caller', 'one', '{DIGEST}', NULL,"
        f" {memo}, {salt}, 'somebody else', {times}, {corrects}, NULL, true, 'acme', 'cash', 'USD',"
        " -100, 'revenue')".encode()
    ).fetchone()
    assert answer is not None
    with open_desk(postgres_url) as desk:
        entry = next(row for row in desk.ledger.entries("acme").rows if row.kind == "charge")
        assert (entry.posting_id, entry.amount.minor) == ("chg_1", -100)
        assert entry.recorded_at.year > 2000
        assert desk.verify().ok
    assert "somebody else" not in str(answer)


def test_the_quick_way_in_says_all_names_in_full(postgres_url: str) -> None:
    """Else a plain call would already need the ledger's schema on the path."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SET search_path = pg_temp")
        answer = connection.execute(
            "SELECT billdesk.post_one('chg_2', 'charge', 'caller', 'two', '\\x00', NULL, NULL, NULL,"
            " 'me', NULL, NULL, NULL, NULL, true, 'nobody', 'cash', 'USD', -1, 'revenue')"
        ).fetchone()
    assert answer == (None,)

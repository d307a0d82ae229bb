"""One charge on Postgres, against bare psycopg running one statement that writes the same rows.

The server is a real one that syncs to disk; `BILLDESK_TEST_POSTGRES` names another. Both sides run in
the same eight processes, by turns, each process with one connection of either kind.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg

from benchmarks.bare import WIDE, only_tables
from benchmarks.crew import Act, Crew
from benchmarks.ledgers import open_accounts
from benchmarks.ratios import Figure, Limit, alone, by_turns, compared
from benchmarks.trips import TripCounter
from billdesk.core.desk import create_ledger, open_desk
from billdesk.core.store.schema import schema_statements
from tests import postgres_server

WORKERS = 8
ACCOUNTS_EACH = 20
HONEST = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"}

CHARGE = """
WITH moved AS (
    UPDATE wallet SET balance_minor = balance_minor - %s, seq = seq + 1, head = %s, last_at = %s
    WHERE number = %s AND balance_minor >= %s RETURNING number, seq, balance_minor, account_id),
posted AS (
    INSERT INTO posting (id, kind, scope, reference, digest, account_id, actor, happened_at,
        recorded_at)
    SELECT %s, 'charge', 'caller', %s, %s, account_id, 'operator', %s, %s FROM moved
    RETURNING number)
INSERT INTO entry (posting_number, wallet_number, seq, kind, amount_minor, balance_after,
    counterparty, recorded_at, hash)
SELECT posted.number, moved.number, moved.seq, 'charge', %s, moved.balance_minor, 'revenue', %s, %s
FROM moved, posted RETURNING posting_number, balance_after"""


@contextmanager
def server() -> Iterator[str]:
    """The address of a Postgres that keeps its word about the disk."""
    lent = os.environ.get("BILLDESK_TEST_POSTGRES")
    if lent:
        yield lent
        return
    programs = postgres_server.find_programs(18)
    postgres_server.SETTINGS.update(HONEST)
    with (
        tempfile.TemporaryDirectory(prefix="billdesk-pg-") as home,
        postgres_server.running_server(Path(home), programs),
    ):
        yield f"postgresql://postgres@/postgres?host={quote(home)}"


def database(url: str, name: str) -> str:
    """A new, empty database on the server, by its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return url.replace("/postgres?", f"/{name}?")


def fill_bare(url: str, accounts: int) -> None:
    """The tables a charge touches, with the same accounts, and nothing of ours around them."""
    with psycopg.connect(url) as connection:
        for statement in only_tables(schema_statements("postgres")):
            connection.execute(statement.encode())
        connection.execute(
            "INSERT INTO account SELECT 'acc_' || lpad(i::text, 26, '0'), 'a' || i, 'Account ' || i,"
            " NULL, 'open', 0, 0 FROM generate_series(0, %s) i",
            (accounts - 1,),
        )
        connection.execute(
            "INSERT INTO wallet (id, account_id, purpose, asset, balance_minor, head, last_at)"
            " SELECT 'wal_' || lpad(i::text, 26, '0'), 'acc_' || lpad(i::text, 26, '0'), 'cash',"
            " 'USD', 1000000000000, %s, 0 FROM generate_series(0, %s) i ORDER BY i",
            (WIDE, accounts - 1),
        )


def prepare(ledger: str, bare: str, index: int) -> Mapping[str, Act]:
    """In each process: a desk and a bare connection, each charging its own accounts or the hot one."""
    create = open_desk(ledger).charges.create
    connection = psycopg.connect(bare, autocommit=True)
    connection.prepare_threshold = 0

    def charge(account: int, number: int) -> None:
        create(f"a{account}", "0.01", reference=f"p{index}:{number:09d}")

    def by_hand(account: int, number: int) -> None:
        now = time.time_ns() // 1000
        key = f"p{index}:{number:09d}"
        row = connection.execute(
            CHARGE,
            (1, WIDE, now, account + 1, 1, f"chg_{index}{number:025d}", key, WIDE, now, now, -1,
             now, WIDE),
        ).fetchone()  # fmt: skip
        if row is None:
            raise AssertionError("there is money enough")

    def own(number: int) -> int:
        return index * ACCOUNTS_EACH + number % ACCOUNTS_EACH

    return {
        "ours": lambda number: charge(own(number), number),
        "bare": lambda number: by_hand(own(number), number),
        "ours, hot": lambda number: charge(0, number),
        "bare, hot": lambda number: by_hand(0, number),
    }


def charges(*, quick: bool) -> list[Figure]:
    """Distinct accounts over 1, 4 and 8 connections, one hot account over 8, and the round trips."""
    rounds, seconds = (5, 0.5) if quick else (9, 1.0)
    figures = []
    with server() as url:
        ledger, bare = database(url, "bench_desk"), database(url, "bench_bare")
        with create_ledger(ledger) as desk:
            open_accounts(desk, WORKERS * ACCOUNTS_EACH)
        fill_bare(bare, WORKERS * ACCOUNTS_EACH)
        with Crew(WORKERS, partial(prepare, ledger, bare)) as crew:
            for act in ("ours", "bare"):
                crew.rate(act, WORKERS, 0.5)
            for workers, hot in ((1, ""), (4, ""), (8, ""), (8, ", hot")):
                what = "one hot account" if hot else "distinct accounts"
                figures.append(
                    compared(
                        f"a charge on Postgres, {what}, n={workers}",
                        "bare psycopg, one CTE, autocommit",
                        "/s",
                        Limit(0.75, 0.9),
                        by_turns(
                            rounds,
                            partial(crew.rate, f"ours{hot}", workers, seconds),
                            partial(crew.rate, f"bare{hot}", workers, seconds),
                        ),
                    )
                )
        if not os.environ.get("BILLDESK_TEST_POSTGRES"):
            figures.append(_round_trips(ledger))
    return figures


def _round_trips(ledger: str) -> Figure:
    home = ledger.partition("?host=")[2].replace("%2F", "/")
    with tempfile.TemporaryDirectory() as folder:
        counter = TripCounter(Path(folder), Path(home))
        with open_desk(ledger.replace(quote(home), quote(folder))) as desk:
            for number in range(20):
                desk.charges.create("a0", "0.01", reference=f"warm:{number}")
            before = counter.trips
            for number in range(100):
                desk.charges.create("a0", "0.01", reference=f"trip:{number}")
            trips = counter.trips - before
        counter.close()
    return alone("… round trips of a charge", "counted on the wire", "trips", Limit(1, 1),
                 trips / 100)  # fmt: skip

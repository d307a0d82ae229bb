"""What can be wrong with a server, said clearly, with nothing half done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from billdesk.core.desk import Desk, create_ledger, open_desk
from billdesk.core.rules.ledger import Draft, HoldChange, Leg, digest_of
from billdesk.core.store.postgres import PostgresDatabase
from billdesk.core.store.posting import post
from billdesk.core.store.sessions import KeyTaken, LegRefused
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    InsufficientFunds,
    NotALedger,
    NotOffered,
    ReadOnly,
    SchemaMismatch,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreGone,
)
from tests.new_ledger import START, seeded


@pytest.fixture
def desk(postgres_url: str, clock: MovingClock) -> Iterator[Desk]:
    """A desk on Postgres with ten dollars in it."""
    with open_desk(postgres_url, clock=clock, actor="tester", chance=seeded()) as desk:
        desk.accounts.add("acme", name="Acme")
        desk.adjustments.credit("acme", "10.00", memo="welcome to the desk")
        yield desk


@pytest.fixture
def other(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else in the same database."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def kill_others(connection: psycopg.Connection[Any]) -> None:
    """End every other connection to this database."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def still_works(desk: Desk, balance: str) -> None:
    """Nothing is half done, and business goes on."""
    assert str(desk.wallets.balance("acme").balance) == balance
    assert desk.verify().ok
    desk.charges.create("acme", "0.01", reference="afterwards")


# --- what is no ledger ---------------------------------------------------------------------------


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(StoreGone, match="failed") as refusal:
        open_desk("postgresql://nobody@127.0.0.1:1/desk")
    assert refusal.value.retry
    with pytest.raises(StoreGone):
        create_ledger("postgresql://nobody@127.0.0.1:1/desk")


def test_a_database_that_is_not_there(postgres_empty_url: str) -> None:
    missing = urlsplit(postgres_empty_url)._replace(path="/no_such_database").geturl()
    with pytest.raises(StoreError, match="no_such_database"):
        open_desk(missing)


def test_a_database_without_a_ledger(postgres_empty_url: str) -> None:
    with pytest.raises(NotALedger, match="no ledger here"):
        open_desk(postgres_empty_url)


def test_a_ledger_is_made_once(postgres_url: str, postgres_empty_url: str) -> None:
    with pytest.raises(AlreadyExists):
        create_ledger(postgres_url)
    with create_ledger(postgres_empty_url) as desk:
        assert desk.verify().ok


@pytest.mark.parametrize(
    ("version", "remedy"), [("9999", "upgrade billdesk"), ("0000", "billdesk migrate")]
)
def test_another_version_is_refused_with_the_remedy(
    postgres_url: str, other: psycopg.Connection[Any], version: str, remedy: str
) -> None:
    other.execute("UPDATE billdesk.alembic_version SET version_num = %s", (version,))
    with pytest.raises(SchemaMismatch) as refusal:
        open_desk(postgres_url)
    assert remedy in refusal.value.hint


# --- connections that break ----------------------------------------------------------------------


def test_a_connection_killed_between_two_acts(desk: Desk, other: psycopg.Connection[Any]) -> None:
    kill_others(other)
    with pytest.raises(StoreGone):
        desk.charges.create("acme", "1.00", reference="a")
    still_works(desk, "10.00 USD")


def test_a_connection_killed_in_the_middle_of_a_block(
    desk: Desk, other: psycopg.Connection[Any]
) -> None:
    def act() -> None:
        with desk.transaction():
            desk.charges.create("acme", "1.00", reference="a")
            kill_others(other)
            desk.charges.create("acme", "2.00", reference="b")

    with pytest.raises(StoreGone):
        act()
    still_works(desk, "10.00 USD")


def test_a_connection_killed_before_the_commit(desk: Desk, other: psycopg.Connection[Any]) -> None:
    def act() -> None:
        with desk.transaction():
            desk.charges.create("acme", "1.00", reference="a")
            kill_others(other)

    with pytest.raises(StoreGone):
        act()
    still_works(desk, "10.00 USD")


def test_an_error_of_the_callers_stays_his_when_the_connection_is_gone_too(
    desk: Desk, other: psycopg.Connection[Any]
) -> None:
    def act() -> None:
        with desk.transaction():
            desk.charges.create("acme", "1.00", reference="a")
            kill_others(other)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    for _ in range(12):  # more often than there are connections to lose
        with pytest.raises((ZeroDivisionError, StoreGone)):
            act()
    for _ in range(10):  # each that was lost is told once
        with suppress(StoreGone):
            desk.ledger.pulse()
    still_works(desk, "10.00 USD")


def test_a_connection_killed_while_reading(desk: Desk, other: psycopg.Connection[Any]) -> None:
    database = desk._office.database

    def act() -> None:
        with database.read(snapshot=True) as session:
            session.one("SELECT 1")
            kill_others(other)
            session.one("SELECT 1")

    with pytest.raises(StoreGone):
        act()
    still_works(desk, "10.00 USD")


# --- what the server may answer ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("53100", StoreFull),
        ("55P03", StoreBusy),
        ("40P01", StoreBusy),
        ("57014", StoreError),
        ("22003", BadInput),
        ("22P02", BadInput),
        ("3F000", NotALedger),
        ("3D000", NotALedger),
    ],
)
def test_what_the_server_answers_becomes_an_error_of_ours(
    desk: Desk, state: str, kind: type[Exception]
) -> None:
    def act() -> None:
        with desk._office.database.write() as session:
            desk.charges.create("acme", "1.00", reference="a")
            session.run(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")

    with pytest.raises(kind):
        act()
    still_works(desk, "10.00 USD")


def test_a_statement_that_fails_leaves_the_block_usable(desk: Desk) -> None:
    with desk.transaction() as tx:
        tx.execute("CREATE TABLE public.lead (id integer PRIMARY KEY, note text)")
        tx.execute("INSERT INTO lead VALUES (1, 'first')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            tx.execute("INSERT INTO lead VALUES (1, 'second')")
        with pytest.raises(BadInput):
            tx.execute("INSERT INTO lead VALUES (2, ?)", ("a\x00b",))
        with pytest.raises(BadInput):
            tx.execute("INSERT INTO lead VALUES (2, ?)", ("\ud800",))
        with pytest.raises(psycopg.errors.SyntaxError):
            tx.execute("SELEKT 1")
        assert tx.execute("SELECT * FROM lead WHERE note LIKE 'f%'") == [(1, "first")]
    still_works(desk, "10.00 USD")


def test_a_commit_that_fails_keeps_nothing(desk: Desk) -> None:
    def act() -> None:
        with desk.transaction() as tx:
            desk.charges.create("acme", "1.00", reference="a")
            tx.execute(
                "CREATE TABLE public.lead (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"
            )
            tx.execute("INSERT INTO lead VALUES (1), (1)")

    with pytest.raises(psycopg.errors.UniqueViolation):
        act()
    still_works(desk, "10.00 USD")


def test_a_key_that_is_taken_is_told_for_many_rows_too(desk: Desk) -> None:
    database = desk._office.database
    row = ("acc_1", "acme", "Acme", 1, 1)
    columns = "id, ref, name, created_at, status_since"
    with pytest.raises(KeyTaken), database.write() as session:
        session.many(f"INSERT INTO account ({columns}) VALUES (?, ?, ?, ?, ?)", [row])
    with pytest.raises(KeyTaken), database.write() as session:
        session.load("account", columns.split(", "), [row])
    with pytest.raises(psycopg.errors.SyntaxError), database.read() as reader:
        reader.one("SELEKT 1")
    still_works(desk, "10.00 USD")


def test_a_question_that_is_cancelled_ends(desk: Desk) -> None:
    database = desk._office.database

    def act() -> None:
        with database.read() as session:
            threading.Timer(0.2, session.cancel).start()
            session.one("SELECT pg_sleep(30)")

    with pytest.raises(StoreError, match="cancelled"):
        act()
    still_works(desk, "10.00 USD")


def test_no_connection_left_ends_a_wait_at_the_deadline(postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url, deadline_seconds=0.2, largest_pool=1)
    with database.read(), pytest.raises(StoreBusy):
        database.take()
    with database.read() as session:
        assert session.one("SELECT 1") == (1,)
    database.close()


def test_a_connection_killed_before_a_block_is_told_and_replaced(
    desk: Desk, other: psycopg.Connection[Any]
) -> None:
    kill_others(other)
    with pytest.raises(StoreGone), desk.transaction():
        pytest.fail("there is no block without a connection")
    still_works(desk, "10.00 USD")


def test_a_closed_desk_has_no_connections(postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url)
    connection = database.take()
    database.close()
    database.give_back(connection)
    assert connection.closed
    with pytest.raises(StoreGone, match="closed"):
        database.take()


def test_a_forked_child_makes_connections_of_its_own(desk: Desk) -> None:
    database = desk._office.database
    assert isinstance(database, PostgresDatabase)
    mine = backend(database)
    database._connections.forget_parent()
    assert backend(database) != mine
    for connection in database._connections.left_alone:
        assert not connection.closed
        connection.close()


def backend(database: PostgresDatabase) -> int:
    """The process that serves the database's next session."""
    with database.read() as session:
        [(number,)] = session.all("SELECT pg_backend_pid()")
    return int(number)


def test_a_row_that_somebody_locks_is_waited_for_until_the_deadline(
    postgres_url: str, desk: Desk, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLDESK_DEADLINE_SECONDS", "0.2")
    with open_desk(postgres_url, clock=MovingClock(START)) as waiting:
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM billdesk.wallet FOR UPDATE")
        with pytest.raises(StoreBusy):
            waiting.charges.create("acme", "1.00", reference="waits")
        other.execute("ROLLBACK")
    still_works(desk, "10.00 USD")


def test_wallets_are_locked_in_one_order_whatever_the_order_of_the_legs(
    desk: Desk, other: psycopg.Connection[Any]
) -> None:
    """Else two postings of the same wallets could wait for each other."""
    desk.accounts.add("zoe", name="Zoe")
    desk.adjustments.credit("zoe", "10.00", memo="welcome to the desk")
    legs = (
        Leg("zoe", "cash", "USD", -100, 0, "transfer"),
        Leg("acme", "cash", "USD", 100, 0, "transfer"),
    )
    digest = digest_of("transfer", legs)
    draft = Draft("tra_1", "transfer", "system", "tra_1", digest, "tester", legs)

    def transfer() -> None:
        with desk._office.database.single() as session:
            assert post(session, draft) is not None

    lock = (
        "SELECT 1 FROM billdesk.wallet w JOIN billdesk.account a ON a.id = w.account_id"
        " WHERE a.ref = %s FOR UPDATE OF w NOWAIT"
    )
    waits_for_us = "SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    thread = threading.Thread(target=transfer)
    with other.transaction():
        other.execute(lock, ("acme",))
        thread.start()
        while other.execute(waits_for_us).fetchone() is None:
            assert thread.is_alive()
        # Whoever waits for the first wallet does not hold the second one meanwhile.
        other.execute(lock, ("zoe",))
    thread.join()
    still_works(desk, "11.00 USD")


def test_the_database_itself_resolves_a_hold_once(desk: Desk) -> None:
    first = desk.holds.place("acme", "1.00", reference="a")
    desk.holds.place("acme", "1.00", reference="b")
    desk.holds.release(first.id)
    legs = (Leg("acme", "cash", "USD", 0, -100, "hold"),)
    digest = digest_of("hold_release", legs)
    draft = Draft(
        *("rel_1", "hold_release", "system", "rel_1", digest, "tester", legs),
        hold=HoldChange(first.id, "released"),
    )
    with pytest.raises(LegRefused), desk._office.database.single() as session:
        post(session, draft)
    assert str(desk.wallets.balance("acme").held) == "1.00 USD"
    still_works(desk, "10.00 USD")


def test_a_desk_opened_to_look_touches_nothing(postgres_url: str, desk: Desk) -> None:
    with open_desk(postgres_url, read_only=True) as reader:
        with pytest.raises(ReadOnly):
            reader.charges.create("acme", "1.00", reference="a")
        with pytest.raises(ReadOnly), reader.transaction():
            pass
        with pytest.raises(ReadOnly), reader._office.database.read() as session:
            session.run("UPDATE wallet SET freezes = 7")
        assert reader.verify().ok
    still_works(desk, "10.00 USD")


def test_a_balance_stays_within_64_bits(desk: Desk) -> None:
    desk.adjustments.credit("acme", "9223372036854775807 JPY", memo="all that fits in it")
    with pytest.raises(BadInput, match="64 bits"):
        desk.adjustments.credit("acme", "1 JPY", memo="one more than fits")
    still_works(desk, "10.00 USD")


def test_prepared_statements_can_be_left_out(
    postgres_url: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLDESK_PREPARED_STATEMENTS", "no")
    with open_desk(postgres_url, clock=MovingClock(START)) as plain:
        still_works(plain, "10.00 USD")
        with plain._office.database.read() as session:
            assert session.one("SELECT count(*) FROM pg_prepared_statements") == (0,)


# --- a connection of the caller's ----------------------------------------------------------------


def test_the_callers_transaction_decides(desk: Desk, other: psycopg.Connection[Any]) -> None:
    other.execute("CREATE TABLE lead (id integer)")

    def give_up() -> None:
        with other.transaction():
            other.execute("INSERT INTO lead VALUES (1)")
            with desk.transaction(other):
                desk.charges.create("acme", "1.00", reference="a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up()
    still_works(desk, "10.00 USD")
    with other.transaction():
        before = other.execute("SHOW search_path").fetchone()
        with desk.transaction(other) as tx:
            desk.charges.create("acme", "1.00", reference="a")
            tx.execute("INSERT INTO lead VALUES (2)")
        assert other.execute("SHOW search_path").fetchone() == before
    assert str(desk.wallets.balance("acme").balance) == "8.99 USD"
    assert other.execute("SELECT id FROM lead").fetchall() == [(2,)]


def test_a_refusal_inside_the_callers_transaction_is_remembered(
    desk: Desk, other: psycopg.Connection[Any]
) -> None:
    def act() -> None:
        with other.transaction():
            with desk.transaction(other):
                with pytest.raises(InsufficientFunds):
                    desk.charges.create("acme", "99.00", reference="a")
                desk.charges.create("acme", "1.00", reference="a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    still_works(desk, "10.00 USD")
    assert [line.outcome for line in desk.audit.list(action="charge").rows] == ["done", "refused"]


def test_a_broken_transaction_of_the_callers_is_left_to_him(
    desk: Desk, other: psycopg.Connection[Any]
) -> None:
    def act() -> None:
        with other.transaction(), desk.transaction(other):
            other.execute("SELECT nothing")

    with pytest.raises(psycopg.errors.UndefinedColumn):
        act()
    still_works(desk, "10.00 USD")


def test_a_file_joins_no_connection(sqlite_url: str, other: psycopg.Connection[Any]) -> None:
    with (
        open_desk(sqlite_url) as desk,
        pytest.raises(NotOffered),
        desk.transaction(other),
    ):
        pass

"""What is written stays written: both databases refuse, whatever column is touched."""

from __future__ import annotations

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import MovingClock
from tests.core.store.story import tell

COLUMNS = {
    "posting": (
        *("number", "id", "kind", "scope", "reference", "digest", "account_id", "subject"),
        *("memo", "salt", "text_digest", "actor", "happened_at", "recorded_at", "corrects"),
        "about",
    ),
    "entry": (
        *("number", "posting_number", "wallet_number", "seq", "kind", "amount_minor"),
        *("balance_after", "counterparty", "recorded_at", "hash"),
    ),
    "audit": (
        *("number", "at", "actor", "account_id", "action", "outcome", "summary", "data"),
        "origin",
    ),
}
EVERY = [(table, column) for table, columns in COLUMNS.items() for column in columns]
WHOLE_NUMBERS = {
    *("number", "posting_number", "wallet_number", "seq", "amount_minor", "balance_after"),
    *("happened_at", "recorded_at", "at"),
}
BYTES = {"digest", "salt", "text_digest", "hash"}
# A number is also refused by the databases themselves.
IMMUTABLE = "immutable|append-only|datatype mismatch|can only be updated to DEFAULT"


def another(column: str) -> object:
    """A value this column does not have."""
    if column in WHOLE_NUMBERS:
        return 77
    return b"\x01" if column in BYTES else "refused"


def refuse(desk: Desk, sql: str, values: tuple[object, ...] = ()) -> None:
    """A statement must be refused by a trigger, in words of ours."""
    with (
        desk._office.database.write() as session,
        pytest.raises(Exception, match=IMMUTABLE),  # each driver has its own
        desk._office.database.write(),
    ):
        session.run(sql, values)


@pytest.fixture
def story(desk: Desk, clock: MovingClock) -> Desk:
    """A ledger with something in every corner."""
    tell(desk, clock)
    return desk


def test_every_column_is_looked_at(story: Desk) -> None:
    with story._office.database.read() as session:
        for table, columns in COLUMNS.items():
            names = (
                "SELECT name FROM pragma_table_info(?)"
                if session.kind == "sqlite"
                else "SELECT column_name FROM information_schema.columns WHERE table_name = ?"
            )
            assert {name for (name,) in session.all(names, (table,))} == set(columns)


def test_no_column_can_be_changed_or_emptied(story: Desk) -> None:
    for table, column in EVERY:
        refuse(story, f"UPDATE {table} SET {column} = ?", (another(column),))
        refuse(story, f"UPDATE {table} SET {column} = NULL")
    assert story.verify().ok


def test_no_row_can_be_deleted(story: Desk) -> None:
    for table in COLUMNS:
        refuse(story, f"DELETE FROM {table}")
    assert story.verify().ok


def test_no_row_can_be_replaced_on_sqlite(sqlite_url: str, clock: MovingClock) -> None:
    """REPLACE deletes, but past a trigger unless a pragma says otherwise."""
    with open_desk(sqlite_url, clock=clock) as desk:
        tell(desk, clock)
        for table in COLUMNS:
            refuse(desk, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        assert desk.verify().ok


def test_no_table_can_be_emptied_on_postgres(postgres_url: str, clock: MovingClock) -> None:
    with open_desk(postgres_url, clock=clock) as desk:
        tell(desk, clock)
        for table in COLUMNS:
            refuse(desk, f"TRUNCATE {table} CASCADE")
        with pytest.raises(Exception, match="never dropped"), desk.transaction() as tx:
            tx.execute("TRUNCATE billdesk.fact")
        assert desk.verify().ok


def test_personal_text_can_be_erased_and_the_chain_still_holds(story: Desk) -> None:
    with story._office.database.write() as session:
        erased = session.run(
            "UPDATE posting SET subject = NULL, memo = NULL, salt = NULL WHERE salt IS NOT NULL"
        )
    assert erased > 3
    proof = story.verify()
    assert proof.ok
    assert proof.erased_texts == erased - 1  # the hold's posting has a text and no entry
    refuse(story, "UPDATE posting SET subject = 'put back'")
    refuse(story, "UPDATE posting SET salt = ?", (b"salt",))


@pytest.mark.parametrize("column", ["subject", "memo", "salt"])
def test_text_is_erased_as_a_whole_or_not_at_all(story: Desk, column: str) -> None:
    refuse(story, f"UPDATE posting SET {column} = NULL WHERE reference = 'lead:2'")


def test_erasing_changes_nothing_else(story: Desk) -> None:
    for column in set(COLUMNS["posting"]) - {"number", "subject", "memo", "salt"}:
        refuse(
            story,
            f"UPDATE posting SET subject = NULL, memo = NULL, salt = NULL, {column} = ?"
            " WHERE salt IS NOT NULL",
            (another(column),),
        )


def test_a_wallet_keeps_its_identity_and_never_goes_back(story: Desk) -> None:
    changes = ["id = 'x'", "account_id = 'x'", "purpose = 'credits'", "asset = 'EUR'"]
    if story._office.database.kind == "sqlite":
        # On Postgres no client may write these, and a trigger's condition costs every charge time.
        changes += ["number = 99", "seq = 0", "last_at = 0"]
    for change in changes:
        with (
            pytest.raises(Exception, match="keeps its identity"),
            story._office.database.write() as session,
        ):
            session.run(f"UPDATE wallet SET {change} WHERE purpose = 'cash'")
    with (
        pytest.raises(Exception, match="never dropped"),
        story._office.database.write() as session,
    ):
        session.run("DELETE FROM wallet")


def test_the_database_itself_keeps_a_wallet_within_its_bounds(story: Desk) -> None:
    """Whatever a program's own guards overlook, and whoever writes."""
    for change in (
        "balance_minor = held_minor + floor_minor - 1",
        "held_minor = balance_minor - floor_minor + 1",
        "floor_minor = balance_minor - held_minor + 1",
        "held_minor = -1",
        "freezes = -1",
    ):
        with (
            pytest.raises(Exception, match=r"(?i)check constraint"),  # each driver has its own
            story._office.database.write() as session,
        ):
            session.run(f"UPDATE wallet SET {change} WHERE floor_minor IS NOT NULL")
    assert story.verify().ok

"""A ledger with something in every table moves to Postgres and back, and is the same each time."""

from __future__ import annotations

from billdesk.core.desk import open_desk
from billdesk.core.store.filling import TABLES
from tests.core.moved import check_same, heads_of, rows_in
from tests.core.operations.rows import add_row


def test_a_ledger_with_something_in_every_table_is_the_same_there_and_back_again(
    demo: str, postgres_empty_url: str
) -> None:
    with open_desk(demo) as desk, desk._office.database.write() as session:
        add_row(
            session,
            "gateway",
            {
                "name": "stripe", "make": "stripe", "account": "acct_1", "mode": "test",
                "settings": '{"key": "a1"}', "added_at": 1, "added_by": "mira",
            },
        )  # fmt: skip
        add_row(
            session,
            "gap",
            {"gateway": "stripe", "mode": "test", "since": 1, "until": 2, "found_at": 3},
        )
    before = rows_in(demo)
    assert [table for table in TABLES if not before[table]] == []
    with open_desk(demo, gateways=()) as desk:
        moved = desk.move(postgres_empty_url)
    check_same(postgres_empty_url, before)
    assert heads_of(postgres_empty_url) == heads_of(demo)
    with open_desk(postgres_empty_url, gateways=()) as desk:
        back = desk.move(f"{demo}.again")
    check_same(f"{demo}.again", before, moves=2)
    assert heads_of(f"{demo}.again") == heads_of(demo)
    assert moved.heads == back.heads
    with open_desk(f"{demo}.again", gateways=()) as desk:
        assert desk.verify().ok

"""A Postgres ledger goes into a file and comes back the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from billdesk.core.desk import open_desk, restore
from billdesk.core.store.filling import TABLES
from billdesk.core.store.sqlite import sqlite3
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import AlreadyExists, NotALedger, NotFound, StoreError
from tests.core.store.story import tell
from tests.new_ledger import seeded


@pytest.fixture
def dump(postgres_url: str, clock: MovingClock, tmp_path: Path) -> Path:
    """A backup of a ledger after the story."""
    path = tmp_path / "desk.backup"
    with open_desk(postgres_url, clock=clock, actor="tester", chance=seeded()) as desk:
        tell(desk, clock)
        assert desk.backup(path) == str(path)
    return path


def test_what_comes_back_is_the_same_and_goes_on(
    dump: Path, postgres_url: str, postgres_empty_url: str, clock: MovingClock
) -> None:
    where = restore(dump, postgres_empty_url)
    with (
        open_desk(postgres_url, clock=clock) as before,
        open_desk(postgres_empty_url, clock=clock) as after,
    ):
        assert where == after.info.where
        assert after.info.ledger_id == before.info.ledger_id
        assert after.ledger.entries().rows == before.ledger.entries().rows
        assert after.audit.list().rows == before.audit.list().rows
        assert after.wallets.rows().rows == before.wallets.rows().rows
        assert after.holds.list().rows == before.holds.list().rows
        assert after.verify().ok
        top = after.ledger.pulse()
        after.accounts.add("new", name="New")
        after.adjustments.credit("new", "1.00", memo="the numbers go on")
        assert after.ledger.pulse() == top + 1
        assert (
            after.ledger.entries(text="scaffold").rows
            == before.ledger.entries(text="scaffold").rows
        )
        assert after.verify().ok


def test_a_dump_holds_every_table_with_something_to_keep(dump: Path) -> None:
    connection = sqlite3.connect(str(dump))
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert names == {*TABLES, "dump"}


def test_nothing_is_overwritten(dump: Path, postgres_url: str) -> None:
    with open_desk(postgres_url) as desk, pytest.raises(AlreadyExists):
        desk.backup(dump)
    with pytest.raises(AlreadyExists):
        restore(dump, postgres_url)


def test_what_is_no_backup_is_not_restored(
    dump: Path, sqlite_url: str, postgres_empty_url: str, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        restore(tmp_path / "missing", postgres_empty_url)
    with pytest.raises(StoreError, match="cannot be reached"):
        restore(tmp_path / ("x" * 300), postgres_empty_url)
    with pytest.raises(NotALedger, match="not a backup"):
        restore(sqlite_url, postgres_empty_url)
    with pytest.raises(NotALedger):
        restore(dump, tmp_path / "as-a-file")
    connection = sqlite3.connect(str(dump), isolation_level=None)
    connection.execute("UPDATE dump SET schema = '0000'")
    connection.close()
    with pytest.raises(NotALedger, match="0000"):
        restore(dump, postgres_empty_url)


def test_a_damaged_backup_leaves_the_database_empty(
    dump: Path, postgres_empty_url: str, tmp_path: Path
) -> None:
    content = dump.read_bytes()
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError):
        restore(damaged, postgres_empty_url)
    restore(dump, postgres_empty_url)
    with open_desk(postgres_empty_url) as desk:
        assert desk.verify().ok


def test_the_password_of_an_address_is_not_given_back(dump: Path, postgres_empty_url: str) -> None:
    # The server of the tests lets everybody in: it takes any password.
    scheme, _, rest = postgres_empty_url.partition("://")
    user, _, place = rest.rpartition("@")
    where = restore(dump, f"{scheme}://{user.partition(':')[0]}:s3cr3t@{place}")
    assert "s3cr3t" not in where
    assert where.startswith("postgres ")


def test_a_backup_needs_a_place(postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with open_desk(postgres_url) as desk, pytest.raises(StoreError, match="cannot be made"):
        desk.backup(tmp_path / "file" / "backup")

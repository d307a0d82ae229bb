"""What can be wrong with a file, said clearly, with nothing half done."""

from __future__ import annotations

import os
import shutil
import sqlite3 as standard
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, create_ledger, open_desk
from billdesk.core.store.sqlite import (
    _INHERITED,
    SqliteDatabase,
    _use_wal,
    library_version,
    sqlite3,
)
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    NotALedger,
    NotAllowed,
    NotFound,
    ReadOnly,
    SchemaMismatch,
    StoreBusy,
    StoreError,
    StoreFull,
)
from tests.core.small_disk import room_for
from tests.core.store.other_process import HOLD_WRITE_LOCK, holding, run

NOBODY = 65534


def change(path: str, statement: str) -> None:
    """Change a file with another program's SQLite."""
    connection = standard.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that waits for a fifth of a second."""
    monkeypatch.setenv("BILLDESK_DEADLINE_SECONDS", "0.2")


@pytest.fixture
def filled(sqlite_url: str) -> str:
    """A ledger with ten dollars in it."""
    with open_desk(sqlite_url) as desk:
        desk.accounts.add("acme", name="Acme")
        desk.adjustments.credit("acme", "10.00", memo="welcome to the desk")
    return sqlite_url


def add_accounts(desk: Desk, count: int) -> None:
    """Fill a page or two."""
    for number in range(count):
        desk.accounts.add(f"account-{number}", name="A name that takes some room" * 5)


def still_works(desk: Desk, balance: str) -> None:
    """Nothing is half done, and business goes on."""
    assert str(desk.wallets.balance("acme").balance) == balance
    assert desk.verify().ok
    desk.charges.create("acme", "0.01", reference="afterwards")


# --- what is no ledger ---------------------------------------------------------------------------


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no ledger"):
        open_desk(tmp_path / "missing")
    assert not list(tmp_path.iterdir())


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotALedger, match="folder"):
        open_desk(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"x" * 10_000, b"SQLite format 3\x00", b"SQLite format 3\x00" * 500]
)
def test_another_file_is_refused_and_left_as_it_was(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(NotALedger):
        open_desk(path)
    assert path.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path(os.devnull)):
        with pytest.raises(NotALedger, match="no ordinary file"):
            open_desk(path)
        with pytest.raises(NotALedger, match="no ordinary file"):
            create_ledger(path)
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


def test_another_programs_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    change(str(path), "CREATE TABLE account (id)")
    before = path.read_bytes()
    for use in (open_desk, create_ledger):
        with pytest.raises(NotALedger, match="not a ledger of billdesk"):
            use(path)
    assert path.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} <= {"other.db", "other.db.lock"}


def test_a_ledgers_header_alone_is_no_ledger(tmp_path: Path) -> None:
    path = str(tmp_path / "bare")
    change(path, f"PRAGMA application_id = {0x42444B31}")
    change(path, "CREATE TABLE something (id)")
    with pytest.raises(NotALedger):
        open_desk(path)


@pytest.mark.parametrize("address", ["mysql://host/db", "sqlite://host/db", "http://x"])
def test_an_address_no_ledger_can_have(address: str) -> None:
    with pytest.raises(BadInput, match="cannot live"):
        open_desk(address)


def test_a_damaged_file(filled: str) -> None:
    path = Path(filled)
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(NotALedger, match=r"damaged|not a ledger"):
        open_desk(filled)


# --- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "remedy"), [("9999", "upgrade billdesk"), ("0000", "billdesk migrate")]
)
def test_another_version_is_refused_with_the_remedy(filled: str, version: str, remedy: str) -> None:
    change(filled, f"UPDATE alembic_version SET version_num = '{version}'")
    with pytest.raises(SchemaMismatch, match=version) as refusal:
        open_desk(filled)
    assert remedy in refusal.value.hint


def test_a_ledger_without_a_version_is_older_than_all(filled: str) -> None:
    change(filled, "DELETE FROM alembic_version")
    with pytest.raises(SchemaMismatch, match="0000"):
        open_desk(filled)


# --- making one ----------------------------------------------------------------------------------


def test_a_new_ledger_lies_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "desk.ledger"
    create_ledger(f"sqlite:///{path}").close()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AlreadyExists):
        create_ledger(path)
    with open_desk(path) as desk:
        assert desk.info.where == str(path)


def test_a_ledger_made_in_an_empty_file_is_private_too(tmp_path: Path) -> None:
    path = tmp_path / "touched"
    path.touch(0o644)
    create_ledger(path).close()
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    for name, target in (("dangling", "nowhere"), ("loop", "loop")):
        link = tmp_path / name
        link.symlink_to(tmp_path / target)
        with pytest.raises(StoreError, match="leads nowhere"):
            create_ledger(link)
        with pytest.raises(NotFound):
            open_desk(link)
    assert not (tmp_path / "nowhere").exists()


def test_a_ledger_cannot_be_made_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        create_ledger(tmp_path / "file" / "desk.ledger")


def test_what_is_committed_is_on_the_disk_before_it_is_acknowledged(filled: str) -> None:
    """No test can cut the power; SQLite promises it for these two settings together."""
    database = SqliteDatabase(Path(filled))
    with database.write() as session:
        assert session.one("PRAGMA journal_mode") == ("wal",)
        assert session.one("PRAGMA synchronous") == (2,)
    database.close()


def test_two_ledgers_made_at_once_are_one(tmp_path: Path) -> None:
    path = tmp_path / "desk.ledger"
    program = """
import sys
from billdesk.core.desk import create_ledger
from billdesk.core.values.errors import AlreadyExists
print("held", flush=True)
sys.stdin.readline()
try:
    create_ledger(sys.argv[1]).close()
except AlreadyExists:
    print("second")
else:
    print("first")
"""
    with holding(program, str(path)) as one, holding(program, str(path)) as other:
        answers = []
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (one, other):
            assert process.stdout is not None
            answers.append(process.stdout.readline())
    assert sorted(answers) == ["first\n", "second\n"]
    with open_desk(path) as desk:
        assert desk.verify().ok


# --- locks ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_another_programs_lock_ends_a_wait_at_the_deadline(filled: str) -> None:
    with open_desk(filled) as desk:
        with holding(HOLD_WRITE_LOCK, filled):
            with pytest.raises(StoreBusy, match="locked") as refusal:
                desk.charges.create("acme", "1.00", reference="a")
            assert refusal.value.retry
            assert str(desk.wallets.balance("acme").balance) == "10.00 USD"
        still_works(desk, "10.00 USD")


@pytest.mark.usefixtures("impatient")
def test_a_lock_in_the_way_of_the_log_ends_at_the_deadline_too(filled: str) -> None:
    change(filled, "PRAGMA journal_mode = DELETE")
    for lock in ("EXCLUSIVE", "IMMEDIATE"):
        program = HOLD_WRITE_LOCK.replace("EXCLUSIVE", lock)
        with holding(program, filled), pytest.raises(StoreBusy):
            open_desk(filled)
    with open_desk(filled) as desk:
        still_works(desk, "10.00 USD")


def test_a_disk_that_keeps_no_log_is_refused() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(StoreError, match="write-ahead log"):
        _use_wal(connection, 1)
    connection.close()


# --- full disks ----------------------------------------------------------------------------------


def test_a_ledger_that_is_taken_away_is_missed_and_no_empty_file_made_for_it(
    filled: str, tmp_path: Path
) -> None:
    path = Path(filled)
    with open_desk(filled) as desk:
        assert desk.accounts.get("acme").ref == "acme"
        elsewhere = path.rename(tmp_path / "elsewhere")
        for act in (
            lambda: desk.charges.create("acme", "1", reference="lead:1"),
            lambda: desk.accounts.get("acme"),
        ):
            with pytest.raises(StoreError, match="removed or replaced"):
                act()
        assert not path.exists()
        # A copy is another file: what is written to the one that was open would not be in it.
        shutil.copy(elsewhere, path)
        with pytest.raises(StoreError, match="removed or replaced"):
            desk.charges.create("acme", "1", reference="lead:1")
        elsewhere.replace(path)
        assert desk.charges.create("acme", "1", reference="lead:1").reference == "lead:1"


def test_a_ledger_that_goes_while_it_is_opened_is_not_made_anew(filled: str) -> None:
    database = SqliteDatabase(Path(filled))
    Path(filled).unlink()
    with pytest.raises(StoreError, match="cannot be opened"):
        database.connect(query_only=True)
    database.close()
    assert not Path(filled).exists()


def test_a_full_disk_keeps_nothing_of_the_act(filled: str) -> None:
    with open_desk(filled) as desk:
        with desk.transaction() as tx:
            ((pages,),) = tx.execute("PRAGMA page_count")
            tx.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFull, match="disk is full") as refusal:
            add_accounts(desk, 500)
        assert refusal.value.retry
        added = [account.ref for account in desk.accounts.list(limit=1000).rows]
        lines = [line for line in desk.audit.list(limit=1000).rows if line.action == "account.add"]
        assert len(lines) == len(added)
        with desk.transaction() as tx:
            tx.execute("PRAGMA max_page_count = 1000000")
        still_works(desk, "10.00 USD")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_disk_that_stops_writing_keeps_nothing_of_the_act(filled: str) -> None:
    program = """
import resource, signal, sys
from billdesk.core.desk import open_desk
from billdesk.core.values.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_desk(sys.argv[1]) as desk:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    done = 0
    try:
        for number in range(500):
            desk.charges.create("acme", "0.01", reference=f"r-{number}", subject="x" * 200)
            done += 1
    except StoreError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert desk.wallets.balance("acme").balance.minor == 1000 - done
        assert desk.verify().ok
        desk.charges.create("acme", "0.01", reference="afterwards")
        print(type(error).__name__)
"""
    assert run(program, filled) in ("StoreFull\n", "StoreError\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_disk_that_was_full_before_is_told_as_one(filled: str, tmp_path: Path) -> None:
    with room_for(10_000), pytest.raises(StoreError, match="full"):
        open_desk(filled)
    with room_for(10_000), pytest.raises(StoreError, match="full"):
        create_ledger(tmp_path / "new")
    with open_desk(filled) as desk:
        still_works(desk, "10.00 USD")
    create_ledger(tmp_path / "new").close()


# --- rights --------------------------------------------------------------------------------------


@pytest.fixture
def ordinary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of somebody who is not root; the test is that somebody."""
    if not hasattr(os, "setresuid"):
        pytest.skip("rights are another matter here")
    folder = Path(tempfile.mkdtemp(prefix="billdesk-rights-"))
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(folder / "home"))
    if os.geteuid() != 0:
        yield folder
    else:
        os.chown(folder, NOBODY, NOBODY)
        os.setresgid(NOBODY, NOBODY, 0)
        os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield folder
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)
    shutil.rmtree(folder)


def test_a_file_without_rights(ordinary_folder: Path) -> None:
    path = ordinary_folder / "desk.ledger"
    create_ledger(path).close()
    path.chmod(0o400)
    with open_desk(path) as desk:
        with pytest.raises(StoreError, match="cannot be written"):
            desk.accounts.add("acme", name="Acme")
        assert desk.accounts.list().rows == ()
    path.chmod(0)
    with pytest.raises(StoreError, match="cannot be read"):
        open_desk(path)
    for file in ordinary_folder.glob("desk.ledger*"):  # the log has the ledger's rights
        file.chmod(0o600)
    with open_desk(path) as desk:
        desk.accounts.add("acme", name="Acme")


def test_a_folder_without_rights(ordinary_folder: Path) -> None:
    ordinary_folder.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be made"):
        create_ledger(ordinary_folder / "desk.ledger")


def test_a_desk_opened_to_look_touches_nothing(filled: str) -> None:
    with open_desk(filled, read_only=True) as desk:
        with pytest.raises(ReadOnly):
            desk.charges.create("acme", "1.00", reference="a")
        with pytest.raises(ReadOnly), desk.transaction():
            pass
        assert str(desk.wallets.balance("acme").balance) == "10.00 USD"
        assert desk.verify().ok


# --- statements of the caller's ------------------------------------------------------------------


def test_another_file_cannot_be_attached(filled: str, tmp_path: Path) -> None:
    with open_desk(filled) as desk:
        with (
            desk.transaction() as tx,
            pytest.raises(NotAllowed, match="attached"),
        ):
            tx.execute("ATTACH ? AS other", (str(tmp_path / "other"),))
        assert not (tmp_path / "other").exists()
        still_works(desk, "10.00 USD")


def test_a_statement_that_fails_leaves_the_block_usable(filled: str) -> None:
    with open_desk(filled) as desk:
        with desk.transaction() as tx:
            tx.execute("CREATE TABLE lead (id INTEGER PRIMARY KEY, note TEXT)")
            tx.execute("INSERT INTO lead VALUES (1, 'first')")
            with pytest.raises(sqlite3.IntegrityError):
                tx.execute("INSERT INTO lead VALUES (1, 'second')")
            with pytest.raises(BadInput, match="no such table"):
                tx.execute("SELECT * FROM nowhere")
            with pytest.raises(BadInput):
                tx.execute("INSERT INTO lead VALUES (2, ?)", ("\ud800",))
            with pytest.raises(BadInput):
                tx.execute("INSERT INTO lead VALUES (?, 'x')", (2**63,))
            assert tx.execute("SELECT * FROM lead") == [(1, "first")]
        still_works(desk, "10.00 USD")


def test_a_key_that_is_taken_and_a_broken_rule_are_told_apart(filled: str) -> None:
    database = SqliteDatabase(Path(filled))
    with database.write() as session:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            session.run("UPDATE account SET status = 'odd'")
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            session.many("UPDATE account SET status = ?", [("odd",)])
    database.close()


def test_a_block_that_the_caller_ended_takes_nothing_more(filled: str) -> None:
    def act(desk: Desk) -> None:
        with desk.transaction() as tx:
            desk.charges.create("acme", "1.00", reference="a")
            tx.execute("ROLLBACK")
            with pytest.raises(StoreError, match="rolled back"):
                desk.charges.create("acme", "1.00", reference="b")

    with open_desk(filled) as desk:
        with pytest.raises((StoreError, sqlite3.OperationalError)):
            act(desk)
        still_works(desk, "10.00 USD")


def test_a_commit_that_fails_keeps_nothing(filled: str) -> None:
    def act(desk: Desk) -> None:
        with desk.transaction() as tx:
            desk.charges.create("acme", "1.00", reference="a")
            tx.execute("PRAGMA defer_foreign_keys = ON")
            tx.execute("CREATE TABLE nobody (id INTEGER PRIMARY KEY)")
            tx.execute("CREATE TABLE lead (id INTEGER REFERENCES nobody (id))")
            tx.execute("INSERT INTO lead VALUES (7)")

    with open_desk(filled) as desk:
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            act(desk)
        still_works(desk, "10.00 USD")


def test_a_file_open_at_a_fork_is_written_by_the_parent_alone(
    filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_INHERITED, Path(filled).resolve(), [])
    database = SqliteDatabase(Path(filled), deadline_seconds=1)
    for _ in range(2):  # the gate was left, too
        with pytest.raises(StoreError, match="forked"), database.write():
            pass
    database.close()


def test_a_backup_needs_a_place(filled: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with open_desk(filled) as desk:
        with pytest.raises(StoreError, match="cannot be made"):
            desk.backup(tmp_path / "file" / "backup")
        with pytest.raises(AlreadyExists):
            desk.backup(tmp_path / "file")


def test_the_standard_library_serves_where_there_is_no_wheel(tmp_path: Path) -> None:
    program = """
import sys
sys.modules["pysqlite3"] = None
from billdesk.core.desk import create_ledger
with create_ledger(sys.argv[1]) as desk:
    desk.accounts.add("acme", name="Acme")
    desk.deposits.start("acme", "50.00")
    desk.adjustments.credit("acme", "1.00", memo="welcome to the desk")
    desk.tick()
    assert desk.verify().ok
    print(desk.wallets.balance("acme").balance)
"""
    assert run(program, str(tmp_path / "desk.ledger")) == "1.00 USD\n"


def test_a_question_that_makes_no_sense_is_the_drivers_to_refuse(filled: str) -> None:
    database = SqliteDatabase(Path(filled))
    with pytest.raises(sqlite3.OperationalError, match="syntax"), database.read() as session:
        session.one("SELEKT 1")
    database.close()


def test_the_library_is_known() -> None:
    assert library_version() >= (3, 40, 0)

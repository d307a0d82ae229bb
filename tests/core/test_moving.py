"""A ledger moves between SQLite and Postgres: the same to the last row, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from billdesk.core.desk import Desk, default_paths, grant, moving, open_desk
from billdesk.core.rules.sheets import MoveSheet
from billdesk.core.store import moving as rows_moving
from billdesk.core.store.checks import heads
from billdesk.core.store.filling import TABLES, columns_of
from billdesk.core.store.opening import database_at
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    Broken,
    NotALedger,
    NotAllowed,
    Refused,
    StoreError,
    StoreGone,
)
from tests.core.store.other_process import run, tamper
from tests.core.store.story import tell
from tests.core.store.test_granting import client_address
from tests.new_ledger import seeded

ONE_MINUTE = timedelta(minutes=1)
ADDED = ("ledger.move", "ledger.seal")
"""What the new ledger's audit log has beside the old one's."""


class Route(NamedTuple):
    """A ledger with a story, and where nothing is yet."""

    source: str
    target: str
    clock: MovingClock

    def open(self, url: str | None = None) -> Desk:
        """The desk on the source, or on another ledger."""
        return open_desk(
            url or self.source, clock=self.clock, actor="tester", chance=seeded(2), gateways=()
        )

    def move(self, on_progress: Callable[[str, int, int], None] | None = None) -> MoveSheet:
        """Move it."""
        with self.open() as desk:
            return desk.move(self.target, on_progress=on_progress)


@pytest.fixture(params=["sqlite", "postgres"])
def route(request: pytest.FixtureRequest, clock: MovingClock, tmp_path: Path) -> Route:
    """From SQLite to Postgres, and back."""
    source: str = request.getfixturevalue(f"{request.param}_url")
    to_postgres = request.param == "sqlite"
    target: str = (
        request.getfixturevalue("postgres_empty_url")
        if to_postgres
        else str(tmp_path / "new" / "moved.ledger")
    )
    with open_desk(source, clock=clock, actor="tester", chance=seeded(), gateways=()) as desk:
        tell(desk, clock)
    return Route(source, target, clock)


def rows_in(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with closing(database_at(url, read_only=True)) as database, database.read() as session:
        return {
            table: sorted(
                session.all(f"SELECT {', '.join(columns_of(session, table))} FROM {table}"),
                key=repr,
            )
            for table in TABLES
        }


def heads_of(url: str) -> list[tuple[str, int, bytes]]:
    """Where every wallet's chain ends."""
    with (
        closing(database_at(url, read_only=True)) as database,
        database.read(snapshot=True) as session,
    ):
        return sorted(heads(session))


def check_same(url: str, before: dict[str, list[tuple[Any, ...]]], *, moves: int = 1) -> None:
    """Every row is there, and no other but the lines of the audit log that say of the move."""
    after = rows_in(url)
    added = [row for row in after["audit"] if row not in before["audit"]]
    assert sorted(row[4] for row in added) == sorted([*ADDED] * moves)
    after["audit"] = [row for row in after["audit"] if row not in added]
    assert after == before


def nothing_at(route: Route) -> bool:
    """Whether nothing is there, nor anything beside it."""
    if route.target.startswith("postgres"):
        with psycopg.connect(route.target) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_namespace WHERE nspname = 'billdesk'"
            ).fetchone()
        return found is None
    folder = Path(route.target).parent
    return not folder.exists() or list(folder.iterdir()) == []


def at_phase(phase: str, act: Callable[[], object]) -> Callable[[str, int, int], None]:
    """Acts once, when the move has come so far."""
    waiting = [act]

    def on_progress(now: str, done: int, total: int) -> None:
        if now == phase and done == total and waiting:
            waiting.pop()()

    return on_progress


# --- what arrives --------------------------------------------------------------------------------


def test_a_moved_ledger_is_the_same_to_the_last_row_and_the_old_one_is_as_it_was(
    route: Route,
) -> None:
    before = rows_in(route.source)
    phases: list[str] = []
    sheet = route.move(lambda phase, done, total: phases.append(f"{phase} {done}/{total}"))
    check_same(route.target, before)
    assert rows_in(route.source) == before
    assert heads_of(route.target) == heads_of(route.source)
    assert sheet.tables == {table: len(rows) for table, rows in before.items()}
    assert (sheet.entries, sheet.wallets) == (len(before["entry"]), len(before["wallet"]))
    assert sheet.proof is not None
    assert sheet.proof.ok
    assert sheet.behind == {}
    total = sum(sheet.tables.values())
    postings = sheet.tables["posting"]
    assert phases == [
        f"copying {total}/{total}",
        f"reading back {total}/{total}",
        f"indexing {postings}/{postings}",
        f"proving {sheet.entries}/{sheet.entries}",
    ]


def test_business_goes_on_where_it_stopped(route: Route) -> None:
    with route.open() as desk:
        known = desk.charges.create("acme", "1.50", reference="lead:9").id
        found = desk.ledger.entries(text="roof").rows
        top = desk.ledger.pulse()
    route.move()
    with route.open(route.target) as desk:
        again = desk.charges.create("acme", "1.50", reference="lead:9")
        assert (again.id, again.replayed) == (known, True)
        assert desk.charges.create("acme", "1.00", reference="lead:10").replayed is False
        assert desk.ledger.pulse() == top + 1
        assert desk.ledger.entries(text="roof").rows == found != ()
        assert desk.doctor()
        proof = desk.verify()
        assert proof.ok
        assert proof.checkpoint_at == route.clock.now()


def test_there_and_back_again_is_the_same_once_more_and_told_as_it_goes(
    route: Route, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_moving, "REPORT_ROWS", 10)
    before = rows_in(route.source)
    told: list[tuple[str, int]] = []
    route.move(lambda phase, done, _: told.append((phase, done)))
    for phase in ("copying", "reading back"):
        assert [done for now, done in told if now == phase][:3] == [10, 20, 30]
    home = str(tmp_path / "home.ledger")
    if not route.target.startswith("postgres"):
        home = request.getfixturevalue("postgres_empty_url")
    with route.open(route.target) as desk:
        route.clock.advance(ONE_MINUTE)
        desk.move(home)
    check_same(home, before, moves=2)


def test_entries_are_numbered_without_gaps_in_a_file(
    postgres_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    target = tmp_path / "moved.ledger"
    with open_desk(postgres_url, clock=clock, chance=seeded(), gateways=()) as desk:
        tell(desk, clock)
        with desk.rehearsal():
            desk.charges.create("acme", "1.00", reference="taken back")
        desk.charges.create("acme", "1.00", reference="after a gap")
        before = desk.ledger.entries(limit=100).rows
        desk.move(target)
    with open_desk(target, clock=clock, gateways=()) as desk:
        assert desk.verify().ok
        after = desk.ledger.entries(limit=100).rows
        assert [entry._replace(number=0) for entry in after] == [
            entry._replace(number=0) for entry in before
        ]
    numbers = [row[0] for row in rows_in(str(target))["entry"]]
    assert sorted(numbers) == list(range(1, len(before) + 1))
    assert sorted(row[0] for row in rows_in(postgres_url)["entry"]) != sorted(numbers)


def test_what_is_written_meanwhile_is_said_to_be_missing(route: Route) -> None:
    def write() -> None:
        with route.open() as desk:
            desk.charges.create("acme", "1.00", reference="too late")

    sheet = route.move(at_phase("copying", write))
    assert sheet.behind == {"posting": 1, "entry": 1}
    assert "1 of posting, 1 of entry" in sheet.notes[0]
    with route.open(route.target) as desk:
        assert desk.verify().ok
        assert desk.ledger.entries(text="too late").rows == ()


# --- what goes along, and what does not ----------------------------------------------------------


def test_tables_of_ones_own_stay_behind_and_are_named(route: Route) -> None:
    with route.open() as desk:
        with desk.transaction() as tx:
            tx.execute(
                "CREATE TABLE leads (name text)"
                if route.source.startswith("/")
                else "CREATE TABLE public.leads (name text)"
            )
        assert desk.preview_move(route.target).own_tables == ("leads",)
    sheet = route.move()
    assert sheet.own_tables == ("leads",)
    assert any("stay behind: leads" in note for note in sheet.notes)


def books_of(desk: Desk) -> Path:
    """Where a ledger's sandbox keeps its books."""
    if desk.info.kind == "sqlite":
        return Path(f"{desk.info.where}.sandbox")
    return default_paths().data / f"{desk.info.ledger_id}.sandbox"


def test_the_sandbox_goes_on_with_its_books(route: Route) -> None:
    with open_desk(route.source, clock=route.clock) as desk:
        payment = desk.deposits.start("acme", "25.00", gateway="sandbox")
        sheet = desk.move(route.target)
    with open_desk(route.target, clock=route.clock) as desk:
        assert sheet.books == str(books_of(desk))
        assert Path(sheet.books).exists()
        route.clock.advance(ONE_MINUTE)
        desk.gateways.poll()
        assert desk.payments.get(payment.id).status == "succeeded"


def test_what_cannot_go_along_is_told_and_harms_nothing(route: Route) -> None:
    data = default_paths().data
    with open_desk(route.source, clock=route.clock) as desk:
        desk.deposits.start("acme", "25.00", gateway="sandbox")
        (data / "checkpoints").parent.mkdir(parents=True, exist_ok=True)
        (data / "checkpoints").write_text("no folder")
        taken = Path(desk.preview_move(route.target).books or "")
        taken.parent.mkdir(parents=True, exist_ok=True)
        taken.write_text("other books")
        sheet = desk.move(route.target)
    assert (sheet.books, sheet.checkpoint) == (None, None)
    assert any("were not copied: there is a file at" in note for note in sheet.notes)
    assert any("no checkpoint was sealed" in note for note in sheet.notes)
    assert taken.read_text() == "other books"
    with open_desk(route.target, gateways=()) as desk:
        assert desk.verify().ok


def test_the_copy_is_held_against_the_newest_checkpoint(route: Route) -> None:
    with route.open() as desk:
        sealed = desk.seal()
    sheet = route.move()
    assert sheet.proof is not None
    assert sheet.proof.checkpoint_at == sealed.sealed_at


def test_a_broken_checkpoint_stops_the_move(route: Route) -> None:
    with route.open() as desk:
        path = Path(desk.seal().path)
    path.write_text(path.read_text().replace("wal_", "wal_0"))
    with pytest.raises(BadInput, match="seal"):
        route.move()
    assert nothing_at(route)


# --- what is refused -----------------------------------------------------------------------------


def test_a_look_ahead_makes_nothing_and_says_what_a_move_says(route: Route) -> None:
    with open_desk(route.source, read_only=True, clock=route.clock, gateways=()) as desk:
        preview = desk.preview_move(route.target)
        assert nothing_at(route)
        sheet = desk.move(route.target)
    assert (preview.proof, preview.heads, preview.checkpoint) == (None, None, None)
    assert sheet._replace(proof=None, heads=None, checkpoint=None) == preview
    before = rows_in(route.target)
    with route.open() as desk:
        for act in (desk.move, desk.preview_move):
            with pytest.raises(AlreadyExists):
                act(route.target)
    assert rows_in(route.target) == before


def test_two_of_a_kind_and_what_is_no_address_are_refused(desk: Desk) -> None:
    with desk.transaction(), pytest.raises(Refused, match="inside a transaction"):
        desk.move("anywhere")
    for act in (desk.move, desk.preview_move):
        with pytest.raises(Refused, match="both are"):
            act("postgresql:///other" if desk.info.kind == "postgres" else "other.ledger")
        with pytest.raises(BadInput):
            act(
                "mysql://host/name" if desk.info.kind == "postgres" else "postgres://host:port/name"
            )


def test_a_schema_of_somebody_else_is_left_alone(sqlite_url: str, postgres_empty_url: str) -> None:
    with psycopg.connect(postgres_empty_url) as connection:
        connection.execute("CREATE SCHEMA billdesk")
        connection.execute("CREATE TABLE billdesk.account (cats text)")
    with open_desk(sqlite_url) as desk:
        for act in (desk.move, desk.preview_move):
            with pytest.raises(AlreadyExists, match="somebody else's"):
                act(postgres_empty_url)


def test_a_server_that_is_not_there_is_told_and_its_causes_come_to_an_end(
    sqlite_url: str, tmp_path: Path
) -> None:
    with open_desk(sqlite_url) as desk, pytest.raises(StoreGone) as refusal:
        desk.preview_move(f"postgresql:///none?host={tmp_path}")
    causes: list[BaseException] = []
    cause: BaseException | None = refusal.value
    while cause is not None:
        assert cause not in causes
        causes.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def test_a_file_that_appears_meanwhile_is_left_alone(
    postgres_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    target = tmp_path / "taken"
    route = Route(postgres_url, str(target), clock)
    with pytest.raises(AlreadyExists):
        route.move(at_phase("proving", lambda: target.write_text("somebody's photographs")))
    assert target.read_text() == "somebody's photographs"
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]


def test_a_place_where_no_file_can_be_is_refused(
    postgres_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "ledger", tmp_path / ("x" * 300)):
        with pytest.raises(StoreError, match="cannot be"):
            Route(postgres_url, str(place), clock).move()


# --- what does not fit, and what breaks ----------------------------------------------------------


def test_a_text_that_postgres_cannot_keep_is_named(
    sqlite_url: str, postgres_empty_url: str, clock: MovingClock
) -> None:
    route = Route(sqlite_url, postgres_empty_url, clock)
    with route.open() as desk:
        told = tell(desk, clock)
    tamper(sqlite_url, f"UPDATE posting SET memo = 'a' || char(0) WHERE id = '{told.noted}'")
    with pytest.raises(Refused, match=f"the memo of posting {told.noted} holds a NUL"):
        route.move()
    tamper(sqlite_url, "UPDATE meta SET value = char(0) WHERE key = 'zone'")
    with pytest.raises(Refused, match="the value of meta zone holds a NUL"):
        route.move()
    assert nothing_at(route)


def test_any_other_text_arrives_as_it_is(route: Route) -> None:
    texts = [
        "\\N",
        "\\.",
        "a\tb\nc\\d\r",
        '{"a": [1]}',
        "it's 100 % ?",
        "\x01\x7f\u202e",
        "Ω≈ç√ 🧾",
    ]
    with route.open() as desk:
        for number, text in enumerate(texts):
            desk.charges.create("acme", "1.00", reference=f"r{number}", subject=text, memo=text)
    before = rows_in(route.source)
    route.move()
    check_same(route.target, before)


def test_a_text_that_is_none_stops_the_move(
    sqlite_url: str, postgres_empty_url: str, clock: MovingClock
) -> None:
    route = Route(sqlite_url, postgres_empty_url, clock)
    tamper(sqlite_url, "UPDATE account SET name = CAST(x'ff' AS TEXT)")
    with pytest.raises(NotALedger, match="text"):
        route.move()
    assert nothing_at(route)


def test_a_ledger_that_does_not_prove_true_is_not_moved(route: Route) -> None:
    tamper(route.source, "UPDATE entry SET counterparty = 'revenue:thief' WHERE number = 2")
    with pytest.raises(StoreError, match="does not prove true, so nothing was moved"):
        route.move()
    assert nothing_at(route)


def test_rows_that_do_not_fit_together_are_not_moved(route: Route) -> None:
    tamper(route.source, "DELETE FROM wallet WHERE number = 2")
    with pytest.raises(NotALedger, match="do not fit together"):
        route.move()
    assert nothing_at(route)


def test_a_wallet_that_ends_elsewhere_is_our_fault(desk: Desk) -> None:
    office = desk._office
    with office.database.read(snapshot=True) as session, pytest.raises(Broken):
        moving._prove(session, desk.info, None, "0" * 64, moving._quiet)


def test_an_interrupted_move_leaves_nothing_and_can_be_done_again(route: Route) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    before = rows_in(route.source)
    for phase in ("copying", "proving"):
        with pytest.raises(KeyboardInterrupt):
            route.move(at_phase(phase, interrupt))
        assert nothing_at(route)
    assert rows_in(route.source) == before
    assert route.move().proof is not None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_goes_away_leaves_nothing(
    route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = route.source if route.source.startswith("postgres") else route.target

    def hang_up() -> None:
        with psycopg.connect(server, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    waiting = [hang_up]

    def on_progress(phase: str, done: int, total: int) -> None:
        # A long ledger is told of as it goes.
        if waiting and (phase, done) == ("copying", 10):
            waiting.pop()()

    monkeypatch.setattr(rows_moving, "REPORT_ROWS", 10)
    with pytest.raises(StoreGone):
        route.move(on_progress)
    assert nothing_at(route)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_leaves_nothing(postgres_url: str, clock: MovingClock, tmp_path: Path) -> None:
    program = """
import resource, signal, sys
from billdesk.core.desk import open_desk
from billdesk.core.values.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
before = resource.getrlimit(resource.RLIMIT_FSIZE)
with open_desk(sys.argv[1]) as desk:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        desk.move(sys.argv[2])
    except StoreError as error:
        print(type(error).__name__)
"""
    folder = tmp_path / "new"
    assert run(program, postgres_url, str(folder / "moved")) in ("StoreFull\n", "StoreError\n")
    assert list(folder.iterdir()) == []


def test_a_killed_move_leaves_no_ledger(
    postgres_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    program = """
import os, signal, sys
from billdesk.core.desk import open_desk
def kill(phase, *_):
    if phase == "proving":
        os.kill(os.getpid(), signal.SIGKILL)
with open_desk(sys.argv[1]) as desk:
    desk.move(sys.argv[2], on_progress=kill)
"""
    target = tmp_path / "moved"
    words = [sys.executable, "-c", program, postgres_url, str(target)]
    assert subprocess.run(words, check=False, timeout=60).returncode == -9
    assert not target.exists()
    assert Route(postgres_url, str(target), clock).move().proof is not None


# --- rights --------------------------------------------------------------------------------------


def test_a_login_that_may_look_may_carry_all_of_it_away_and_one_that_owns_nothing_makes_none(
    postgres_url: str, sqlite_url: str, postgres_empty_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    name = f"mover_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN")
        try:
            grant(name, postgres_url)
            before = rows_in(postgres_url)
            route = Route(client_address(postgres_url, name), str(tmp_path / "moved"), clock)
            route.move()
            check_same(route.target, before)
            for act in (Desk.move, Desk.preview_move):
                with open_desk(sqlite_url) as desk, pytest.raises(NotAllowed, match="no schema"):
                    act(desk, client_address(postgres_empty_url, name))
        finally:
            owner.execute(f"DROP OWNED BY {name}")
            owner.execute(f"DROP ROLE {name}")

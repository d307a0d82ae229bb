"""A move that cannot be, or that breaks, leaves nothing behind and the old ledger as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from billdesk.core.desk import Desk, grant, moving, open_desk
from billdesk.core.store import moving as rows_moving
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
from tests.core.moved import (
    Route,
    at_phase,
    check_same,
    nothing_at,
    rows_in,
)
from tests.core.store.other_process import run, tamper
from tests.core.store.story import tell
from tests.core.store.test_granting import client_address

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

"""A ledger moves between SQLite and Postgres: the same to the last row."""

from __future__ import annotations

from pathlib import Path

import pytest

from billdesk.core.desk import Desk, default_paths, open_desk
from billdesk.core.store import moving as rows_moving
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    BadInput,
)
from tests.core.moved import (
    ONE_MINUTE,
    Route,
    at_phase,
    check_same,
    heads_of,
    nothing_at,
    rows_in,
)
from tests.core.store.story import tell
from tests.new_ledger import seeded

TO_A_FILE = pytest.mark.parametrize("route", ["postgres"], indirect=True)
"""What is the same both ways is proven on the quicker one."""

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


@TO_A_FILE
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


@TO_A_FILE
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


@TO_A_FILE
def test_the_copy_is_held_against_the_newest_checkpoint(route: Route) -> None:
    with route.open() as desk:
        sealed = desk.seal()
    sheet = route.move()
    assert sheet.proof is not None
    assert sheet.proof.checkpoint_at == sealed.sealed_at


@TO_A_FILE
def test_a_broken_checkpoint_stops_the_move(route: Route) -> None:
    with route.open() as desk:
        path = Path(desk.seal().path)
    path.write_text(path.read_text().replace("wal_", "wal_0"))
    with pytest.raises(BadInput, match="seal"):
        route.move()
    assert nothing_at(route)

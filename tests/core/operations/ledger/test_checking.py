"""Proving the ledger: what verify says, and checkpoints sealed outside of it."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import AlreadyExists, BadInput, NotFound, StoreError
from tests.core.small_disk import room_for


def test_a_sound_ledger_verifies_and_says_what_it_cannot_prove(desk: Desk, acme: str) -> None:
    desk.charges.create(acme, "1", reference="a", memo="kept")
    told: list[tuple[int, int]] = []
    sheet = desk.verify(on_progress=lambda done, total: told.append((done, total)))
    assert (sheet.ok, sheet.wallets, sheet.entries, sheet.erased_texts) == (True, 1, 2, 0)
    assert (len(sheet.unproven), sheet.checkpoint_at) == (1, None)
    assert told[-1] == (2, 2)


def test_a_balance_that_was_altered_is_named_by_every_check(desk: Desk, acme: str) -> None:
    with desk.rehearsal():
        with desk.transaction() as tx:
            tx.execute("UPDATE wallet SET balance_minor = balance_minor + 1")
        checks = {finding.check for finding in desk.verify().findings}
        assert {"balance", "trial balance"} <= checks
    assert desk.verify().ok


def test_a_sealed_checkpoint_is_held_against_the_ledger(
    desk: Desk, clock: MovingClock, acme: str, tmp_path: Path
) -> None:
    path = tmp_path / "far" / "away.checkpoint"
    sealed = desk.seal(path)
    assert (sealed.path, sealed.sealed_at, sealed.wallets, sealed.entries) == (
        str(path), clock.now(), 1, 1,
    )  # fmt: skip
    desk.charges.create(acme, "1", reference="a")
    sheet = desk.verify(path)
    assert (sheet.ok, sheet.unproven, sheet.checkpoint_at) == (True, (), sealed.sealed_at)
    assert desk.audit.list(action="ledger.seal").rows[0].data["hash"] == sealed.hash


def test_the_newest_checkpoint_is_found_by_itself(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    desk.seal()
    clock.advance(timedelta(days=1))
    newest = desk.seal()
    assert desk.verify().checkpoint_at == newest.sealed_at


def test_a_checkpoint_beside_the_file_is_found_by_itself_and_the_newest_counts(
    sqlite_url: str, clock: MovingClock
) -> None:
    with open_desk(sqlite_url, clock=clock) as desk:
        beside = Path(f"{desk.info.where}.checkpoints")
        assert desk.overview().checkpoint_at is None
        first = desk.seal(beside / "2026-01-01T000000Z.checkpoint")
        assert desk.verify().checkpoint_at == first.sealed_at
        assert desk.overview().checkpoint_at == first.sealed_at
        clock.advance(timedelta(days=1))
        second = desk.seal()
        assert desk.verify().checkpoint_at == second.sealed_at
        clock.advance(timedelta(days=1))
        third = desk.seal(beside / "2999-01-01T000000Z.checkpoint")
        assert desk.verify().checkpoint_at == third.sealed_at


def test_a_checkpoint_is_never_written_over(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "x.checkpoint"
    desk.seal(path)
    with pytest.raises(AlreadyExists):
        desk.seal(path)
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        desk.seal(tmp_path / "file" / "x.checkpoint")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_checkpoint_that_a_full_disk_cuts_short_is_not_there(
    desk: Desk, acme: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.checkpoint"
    with room_for(10), pytest.raises(StoreError, match="cannot be written"):
        desk.seal(path)
    assert list(tmp_path.glob("*x.checkpoint*")) == []
    assert desk.audit.list(action="ledger.seal").rows == ()
    assert desk.verify(Path(desk.seal(path).path)).ok


def test_a_desk_that_only_looks_seals_without_a_line_in_the_log(
    ledger_url: str, desk: Desk, tmp_path: Path
) -> None:
    with open_desk(ledger_url, read_only=True) as reader:
        assert reader.seal(tmp_path / "x").wallets == 0
    assert desk.audit.list(action="ledger.seal").rows == ()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(" 1 ", " 2 ", 2),
        lambda text: text[:-3],
        lambda text: "\n" + text,
        lambda text: text.replace("billdesk checkpoint 1", "billdesk checkpoint 2"),
        lambda _: "",
        lambda _: "sealed " + "0" * 64,
        lambda _: b"\xff\xfe".decode("latin-1"),
    ],
)
def test_a_checkpoint_that_was_touched_is_refused(
    desk: Desk, acme: str, tmp_path: Path, damage: object
) -> None:
    path = tmp_path / "x.checkpoint"
    desk.seal(path)
    path.write_bytes(damage(path.read_text()).encode("latin-1"))  # type: ignore[operator]
    with pytest.raises(BadInput):
        desk.verify(path)


def test_a_checkpoint_must_be_there_and_be_this_ledgers(
    desk: Desk, acme: str, tmp_path: Path
) -> None:
    from billdesk.core.desk import create_ledger

    with pytest.raises(NotFound, match="no checkpoint"):
        desk.verify(tmp_path / "nothing")
    with create_ledger(tmp_path / "other.ledger") as other:
        other.seal(tmp_path / "other.checkpoint")
    with pytest.raises(BadInput, match="another ledger"):
        desk.verify(tmp_path / "other.checkpoint")

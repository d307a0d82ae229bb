"""Whatever is altered behind the ledger's back is found and named by wallet and place."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.rules.sheets import EntrySheet, FindingSheet
from billdesk.core.store import checks
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, NotFound
from tests.core.store.other_process import tamper
from tests.core.store.story import tell
from tests.core.store.test_immutability import BYTES, EVERY, WHOLE_NUMBERS
from tests.new_ledger import seeded

COLUMNS = [(table, column) for table, column in EVERY if table != "audit"]


@pytest.fixture(params=["sqlite", "postgres"])
def told_url(request: pytest.FixtureRequest, clock: MovingClock) -> str:
    """A ledger after the story, closed."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    with open_desk(url, clock=clock, actor="tester", chance=seeded()) as desk:
        tell(desk, clock)
        assert desk.verify().ok
    return url


@pytest.fixture
def victim(told_url: str) -> EntrySheet:
    """An entry in the middle of a wallet, with subject, memo and everything."""
    with open_desk(told_url) as desk:
        (entry,) = desk.ledger.entries(reference="lead:2").rows
    return entry


@pytest.fixture
def reopened(told_url: str, clock: MovingClock) -> Callable[[], Desk]:
    """Opens the ledger again."""
    return lambda: open_desk(told_url, clock=clock, actor="auditor")


def findings(desk: Desk, checkpoint: Path | None = None) -> tuple[FindingSheet, ...]:
    """What verify finds; the desk is closed."""
    with desk:
        proof = desk.verify(checkpoint)
    assert proof.ok == (not proof.findings)
    return proof.findings


def place(entry: EntrySheet) -> tuple[str, int]:
    """Wallet and place in it."""
    return entry.wallet_id, entry.seq


def places(found: tuple[FindingSheet, ...]) -> set[tuple[str | None, int | None]]:
    """All wallets and places that were named."""
    return {(finding.wallet_id, finding.seq) for finding in found}


def altered(column: str, *, postgres: bool) -> str:
    """SQL for another value of this column."""
    if column in WHOLE_NUMBERS:
        return f"{column} + 1000"
    if column in BYTES:
        return r"'\x01'::bytea" if postgres else "x'01'"
    return f"coalesce({column}, '') || 'x'"


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_an_altered_column_is_found_and_named(
    told_url: str, victim: EntrySheet, reopened: Callable[[], Desk], table: str, column: str
) -> None:
    value = altered(column, postgres=told_url.startswith("postgres"))
    where = {
        "posting": f"id = '{victim.posting_id}'",
        "entry": f"number = {victim.number}",
    }[table]
    tamper(told_url, f"UPDATE {table} SET {column} = {value} WHERE {where}")
    found = findings(reopened())
    seq = victim.seq + 1000 if (table, column) == ("entry", "seq") else victim.seq
    named = places(found)
    if (table, column) == ("entry", "wallet_number"):
        # It is on a wallet that does not exist now, and missing on its own.
        assert {wallet for wallet, _ in named} >= {victim.wallet_id}
    elif (table, column) == ("entry", "number"):
        # The order is what is wrong: its successor stands where it should.
        assert {wallet for wallet, _ in named} & {victim.wallet_id}
    else:
        assert (victim.wallet_id, seq) in named


@pytest.mark.parametrize("column", ["subject", "memo", "salt", "text_digest"])
def test_an_emptied_text_is_found(
    told_url: str, victim: EntrySheet, reopened: Callable[[], Desk], column: str
) -> None:
    tamper(told_url, f"UPDATE posting SET {column} = NULL WHERE id = '{victim.posting_id}'")
    assert place(victim) in places(findings(reopened()))


def test_text_that_was_put_where_none_was_is_found(
    told_url: str, reopened: Callable[[], Desk]
) -> None:
    with reopened() as desk:
        (bare,) = desk.ledger.entries(reference="lead:1").rows
    tamper(told_url, f"UPDATE posting SET memo = 'forged' WHERE id = '{bare.posting_id}'")
    (finding,) = findings(reopened())
    assert (finding.check, finding.account_ref) == ("text", "acme")
    assert (finding.wallet_id, finding.seq) == place(bare)


def test_text_put_back_after_erasing_is_found(
    told_url: str, victim: EntrySheet, reopened: Callable[[], Desk]
) -> None:
    tamper(
        told_url,
        "UPDATE posting SET subject = 'other', memo = NULL, salt = NULL"
        f" WHERE id = '{victim.posting_id}'",
    )
    (finding,) = findings(reopened())
    assert "put back" in finding.text
    assert (finding.wallet_id, finding.seq) == place(victim)


def test_a_deleted_entry_is_found(
    told_url: str, victim: EntrySheet, reopened: Callable[[], Desk]
) -> None:
    tamper(told_url, f"DELETE FROM entry WHERE number = {victim.number}")
    found = findings(reopened())
    assert victim.wallet_id in {finding.wallet_id for finding in found}
    assert any(victim.posting_id in finding.text for finding in found)
    assert any(f"where {victim.seq} is due" in finding.text for finding in found)


def test_a_deleted_posting_is_found(
    told_url: str, victim: EntrySheet, reopened: Callable[[], Desk]
) -> None:
    tamper(told_url, f"DELETE FROM posting WHERE id = '{victim.posting_id}'")
    assert place(victim) in places(findings(reopened()))


def test_an_inserted_entry_is_found(
    told_url: str, victim: EntrySheet, reopened: Callable[[], Desk]
) -> None:
    tamper(
        told_url,
        "INSERT INTO entry (number, posting_number, wallet_number, seq, kind, amount_minor,"
        " balance_after, counterparty, recorded_at, hash)"
        " SELECT 999, posting_number, wallet_number, seq + 100, kind, 500, balance_after + 500,"
        f" counterparty, recorded_at, hash FROM entry WHERE number = {victim.number}",
    )
    assert (victim.wallet_id, victim.seq + 100) in places(findings(reopened()))


def test_two_swapped_amounts_are_found(
    told_url: str, victim: EntrySheet, reopened: Callable[[], Desk]
) -> None:
    with reopened() as desk:
        other = next(
            entry
            for entry in desk.ledger.entries("acme", asset="USD").rows
            if entry.seq == victim.seq - 1
        )
    tamper(
        told_url,
        f"UPDATE entry SET amount_minor = CASE WHEN number = {victim.number} THEN"
        f" {other.amount.minor} ELSE {victim.amount.minor} END"
        f" WHERE number IN ({victim.number}, {other.number})",
    )
    found = findings(reopened())
    assert {place(victim), place(other)} <= places(found)
    assert any("does not follow" in finding.text for finding in found)


def test_two_swapped_postings_are_found(
    told_url: str, victim: EntrySheet, reopened: Callable[[], Desk]
) -> None:
    with reopened() as desk:
        (other,) = desk.ledger.entries(reference="lead:1").rows
    one = f"(SELECT number FROM posting WHERE id = '{victim.posting_id}')"
    two = f"(SELECT number FROM posting WHERE id = '{other.posting_id}')"
    tamper(
        told_url,
        f"UPDATE entry SET posting_number = CASE WHEN number = {victim.number} THEN {two}"
        f" ELSE {one} END WHERE number IN ({victim.number}, {other.number})",
    )
    assert {place(victim), place(other)} <= places(findings(reopened()))


def test_a_wallet_that_is_gone_is_found(told_url: str, reopened: Callable[[], Desk]) -> None:
    with reopened() as desk:
        sealed = Path(desk.seal().path)
        wallet = desk.wallets.list("zoe")[0]
    tamper(told_url, "DELETE FROM wallet_freeze", f"DELETE FROM wallet WHERE id = '{wallet.id}'")
    found = findings(reopened(), sealed)
    assert any("not there" in finding.text for finding in found)
    gone = [finding for finding in found if finding.check == "checkpoint"]
    assert [finding.wallet_id for finding in gone] == [wallet.id]


def test_a_wallet_moved_to_another_account_is_found(
    told_url: str, reopened: Callable[[], Desk]
) -> None:
    with reopened() as desk:
        thief = desk.accounts.add("thief", name="Somebody else").id
        wallet = next(each for each in desk.wallets.list("acme") if each.asset == "USD")
    tamper(told_url, f"UPDATE wallet SET account_id = '{thief}' WHERE id = '{wallet.id}'")
    named = {finding.wallet_id for finding in findings(reopened())}
    assert named == {wallet.id}


@pytest.mark.parametrize(
    ("column", "text"), [("seq", "the wallet ends at seq"), ("head", "the head differs")]
)
def test_a_wallet_that_ends_elsewhere_than_its_chain_is_found(
    told_url: str, reopened: Callable[[], Desk], column: str, text: str
) -> None:
    values = {"seq": "seq + 1", "head": altered("hash", postgres=told_url.startswith("postgres"))}
    with reopened() as desk:
        wallet = next(each for each in desk.wallets.list("acme") if each.asset == "USD")
    tamper(told_url, f"UPDATE wallet SET {column} = {values[column]} WHERE id = '{wallet.id}'")
    (finding,) = findings(reopened())
    assert (finding.check, finding.wallet_id) == ("chain", wallet.id)
    assert text in finding.text


@pytest.mark.parametrize("change", ["asset = 'EUR'", "id = 'wal_other'"])
def test_a_wallet_of_another_asset_or_id_is_found(
    told_url: str, reopened: Callable[[], Desk], change: str
) -> None:
    with reopened() as desk:
        wallet = next(each for each in desk.wallets.list("acme") if each.asset == "USD")
    tamper(told_url, f"UPDATE wallet SET {change} WHERE id = '{wallet.id}'")
    first = findings(reopened())[0]
    assert (first.check, first.account_ref, first.seq) == ("chain", "acme", 1)
    assert "is not what was posted" in first.text


def test_a_wallet_wiped_out_with_its_history_leaves_a_gap_or_is_missed_by_a_checkpoint(
    told_url: str, reopened: Callable[[], Desk], tmp_path: Path
) -> None:
    """Numbers have no gaps on SQLite; on Postgres whatever was rolled back leaves some."""
    with reopened() as desk:
        desk.seal(tmp_path / "sealed")
        wallet = desk.wallets.list("zoe")[0]
    number = f"(SELECT number FROM wallet WHERE id = '{wallet.id}')"
    tamper(
        told_url,
        "DELETE FROM wallet_freeze",
        f"DELETE FROM hold WHERE wallet_number = {number}",
        f"DELETE FROM entry WHERE wallet_number = {number}",
        "DELETE FROM posting WHERE account_id = (SELECT id FROM account WHERE ref = 'zoe')",
        f"DELETE FROM wallet WHERE id = '{wallet.id}'",
    )
    gaps = [each for each in findings(reopened()) if "are missing" in each.text]
    assert bool(gaps) == (not told_url.startswith("postgres"))
    missed = [each for each in findings(reopened(), tmp_path / "sealed") if each not in gaps]
    assert [(each.check, each.wallet_id) for each in missed] == [("checkpoint", wallet.id)]


# --- the tail, and checkpoints -------------------------------------------------------------------


def cut_tail(url: str, desk: Desk) -> EntrySheet:
    """Take Acme's last entry away with its posting, and make the wallet fit: a perfect forgery."""
    with desk:
        last, before = desk.ledger.entries("acme", asset="USD").rows[:2]
    cast = "decode('{}', 'hex')" if url.startswith("postgres") else "x'{}'"
    tamper(
        url,
        f"DELETE FROM entry WHERE number = {last.number}",
        f"DELETE FROM posting WHERE id = '{last.posting_id}'",
        f"UPDATE wallet SET seq = {before.seq}, head = {cast.format(before.hash)},"
        f" balance_minor = {before.balance_after.minor} WHERE id = '{last.wallet_id}'",
    )
    return last


def test_only_a_checkpoint_catches_a_tail_cut_off_with_its_head(
    told_url: str, reopened: Callable[[], Desk], tmp_path: Path
) -> None:
    sealed = tmp_path / "sealed"
    with reopened() as desk:
        desk.seal(sealed)
    last = cut_tail(told_url, reopened())
    with reopened() as desk:
        blind = desk.verify()
        proof = desk.verify(sealed)
    assert blind.ok
    assert any("checkpoint" in text for text in blind.unproven)
    assert not proof.unproven
    (finding,) = proof.findings
    assert (finding.check, finding.wallet_id) == ("checkpoint", last.wallet_id)
    assert f"seq {last.seq}" in finding.text


def test_a_chain_rewritten_from_the_cut_on_is_caught(
    told_url: str, reopened: Callable[[], Desk], tmp_path: Path
) -> None:
    sealed = tmp_path / "sealed"
    with reopened() as desk:
        desk.seal(sealed)
    last = cut_tail(told_url, reopened())
    with reopened() as desk:
        desk.charges.create("acme", "1.00", reference="another history")
        assert desk.verify().ok
    assert [place(last)] == [
        (finding.wallet_id, finding.seq) for finding in findings(reopened(), sealed)
    ]


def test_what_was_written_since_does_not_disturb_a_checkpoint(
    reopened: Callable[[], Desk], tmp_path: Path
) -> None:
    with reopened() as desk:
        sheet = desk.seal(tmp_path / "sealed")
        desk.charges.create("acme", "1.00", reference="since")
        proof = desk.verify(tmp_path / "sealed")
    assert proof.ok
    assert proof.checkpoint_at == sheet.sealed_at
    assert (sheet.wallets, sheet.entries) == (proof.wallets, proof.entries - 1)


def test_a_checkpoint_that_is_none_is_refused(reopened: Callable[[], Desk], tmp_path: Path) -> None:
    sealed = tmp_path / "sealed"
    with reopened() as desk:
        desk.seal(sealed)
        text = sealed.read_text()
        for broken in (text.replace("\nwal_", "\nwal_x", 1), text[:-2], text[1:], "", "sealed x"):
            sealed.write_text(broken)
            with pytest.raises(BadInput):
                desk.verify(sealed)
        sealed.write_bytes(b"\xff")
        with pytest.raises(BadInput):
            desk.verify(sealed)
        with pytest.raises(NotFound):
            desk.verify(tmp_path / "missing")
        foreign = text.replace(desk.info.ledger_id, "led_another")
        body = foreign.rpartition("sealed ")[0]
        sealed.write_text(f"{body}sealed {sha256(body.encode()).hexdigest()}\n")
        with pytest.raises(BadInput, match="another ledger"):
            desk.verify(sealed)


# --- balances counted anew -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "check"),
    [("balance_minor", "balance"), ("held_minor", "held"), ("freezes", "freezes")],
)
def test_an_altered_wallet_is_named(
    told_url: str, reopened: Callable[[], Desk], column: str, check: str
) -> None:
    with reopened() as desk:
        wallet = next(w for w in desk.wallets.list("acme") if w.asset == "USD")
        assert desk.ledger.recount().ok
    tamper(told_url, f"UPDATE wallet SET {column} = {column} + 7 WHERE id = '{wallet.id}'")
    with reopened() as desk:
        (finding,) = desk.ledger.recount().findings
        assert (finding.check, finding.account_ref, finding.wallet_id) == (check, "acme", wallet.id)
        assert desk.ledger.recount("acme").findings == (finding,)
        assert desk.ledger.recount("zoe").ok
        assert not desk.verify().ok
        differences = {sheet.asset: sheet.difference.minor for sheet in desk.ledger.trial_balance()}
    assert differences == {"CREDIT": 0, "USD": 7 if check == "balance" else 0}


def test_every_counterparty_is_in_the_trial_balance(reopened: Callable[[], Desk]) -> None:
    with reopened() as desk:
        points, dollars = desk.ledger.trial_balance()
    assert {party.name for party in dollars.counterparties} >= {"adjustment", "revenue"}
    for sheet in (points, dollars):
        assert sheet.difference.minor == 0
        assert sum(party.amount.minor for party in sheet.counterparties) == -sheet.wallets.minor


# --- holds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("UPDATE hold SET amount_minor = 7 WHERE id = '{}'", "is not what was placed"),
        ("UPDATE hold SET placed_at = placed_at - 1 WHERE id = '{}'", "is not what was placed"),
        ("UPDATE hold SET resolved_by = 'chg_other' WHERE id = '{}'", "is captured and was not"),
        (
            "UPDATE hold SET resolved_at = resolved_at - 1 WHERE id = '{}'",
            "is captured and was not",
        ),
        ("UPDATE hold SET status = 'released' WHERE id = '{}'", "is released and was not"),
        ("UPDATE hold SET status = 'expired', resolved_by = NULL WHERE id = '{}'", "by anything"),
        ("DELETE FROM hold WHERE id = '{}'", "has lost its hold"),
        ("DELETE FROM posting WHERE id = '{}'", "is not what was placed"),
    ],
)
def test_an_altered_hold_is_named(
    told_url: str, reopened: Callable[[], Desk], statement: str, text: str
) -> None:
    with reopened() as desk:
        (hold,) = desk.holds.list(account="acme").rows
    tamper(told_url, statement.format(hold.id))
    found = findings(reopened())
    assert [each.account_ref for each in found if each.check == "hold"] == ["acme"]
    assert any(hold.id in each.text and text in each.text for each in found)


# --- a great many --------------------------------------------------------------------------------


@pytest.fixture
def short_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports end after three findings and progress is told at every second entry."""
    monkeypatch.setattr(checks, "_MOST_FINDINGS", 3)
    monkeypatch.setattr(checks, "PROGRESS_ROWS", 2)


@pytest.mark.usefixtures("short_reports")
def test_a_ruined_ledger_gives_a_report_that_ends(
    told_url: str, reopened: Callable[[], Desk]
) -> None:
    tamper(told_url, "UPDATE entry SET counterparty = 'gone'")
    told: list[tuple[int, int]] = []
    with reopened() as desk:
        proof = desk.verify(on_progress=lambda done, total: told.append((done, total)))
    assert len(proof.findings) == 3
    assert told[0] == (2, 10)
    assert told[-1] == (10, 10)

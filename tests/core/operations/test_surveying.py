"""Whole screens: the overview, one account's incident view, the doctor."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.operations import surveying
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import InsufficientFunds, NotFound
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO

DAY = timedelta(days=1)


def titles(desk: Desk) -> list[str]:
    return [line.title for line in desk.overview().attention]


# --- overview ----------------------------------------------------------------------------------


def test_an_empty_desk_has_an_overview(desk: Desk, clock: MovingClock) -> None:
    sheet = desk.overview()
    assert (sheet.accounts, sheet.entries, sheet.totals, sheet.attention) == (0, 0, (), ())
    assert (sheet.as_of, len(sheet.days)) == (clock.now(), 30)
    assert sheet.today.day == clock.now().date()


def test_the_overview_adds_up_the_day_and_the_month(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    charge = desk.charges.create(acme, "10", reference="a")
    clock.advance(DAY)
    desk.refunds.create(charge.id)
    desk.charges.create(acme, "30", reference="b")
    desk.deposits.start(acme, "50")
    clock.advance(timedelta(seconds=5))
    desk.tick()
    desk.holds.place(acme, "7", reference="job:1")
    desk.adjustments.credit(acme, "5 EUR", memo=MEMO)
    sheet = desk.overview()
    assert (sheet.today.deposits_minor, sheet.today.charges_minor, sheet.today.refunds_minor) == (
        5000, 3000, 1000,
    )  # fmt: skip
    assert sheet.days[-1] == sheet.today
    assert sheet.days[-2].charges_minor == 1000
    assert sheet.totals == (Money(500, "EUR"), Money(12_000, "USD"))
    assert sheet.held == (Money(700, "USD"),)
    assert (sheet.accounts, sheet.entries, sheet.standings["OK"]) == (1, 7, 1)


def test_the_overview_says_what_needs_attention(desk: Desk, clock: MovingClock, acme: str) -> None:
    desk.seal()
    assert titles(desk) == []
    desk.holds.place(acme, "1", reference="job:1", lasts=timedelta(hours=1))
    for ref in ("froz", "owes", "susp", "spent", "spent2"):
        desk.accounts.add(ref, name=ref)
    desk.wallets.freeze("froz", memo=MEMO)
    desk.adjustments.credit("owes", "1", memo=MEMO)
    desk.holds.capture(desk.holds.place("owes", "1", reference="job:2").id, "2")
    desk.accounts.suspend("susp", memo=MEMO)
    desk.tick()
    clock.advance(8 * DAY)
    assert titles(desk) == [
        "sandbox was last asked 11520 minutes ago", "1 account FROZEN", "1 account OWES",
        "1 account SUSPENDED", "2 accounts SPENT", "1 holds are past their deadline",
        "no recent checkpoint",
    ]  # fmt: skip
    desk.tick()
    assert "sandbox was last asked" not in titles(desk)[0]


def test_the_overview_misses_a_checkpoint_that_was_never_sealed(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    assert titles(desk) == ["no checkpoint was ever sealed"]
    sealed = desk.seal()
    clock.advance(DAY)
    assert (titles(desk), desk.overview().checkpoint_at) == ([], sealed.sealed_at)


# --- incident ----------------------------------------------------------------------------------


def test_an_incident_tells_the_whole_story_of_an_account(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    clock.advance(timedelta(minutes=1))
    kept = desk.holds.place(acme, "10", reference="job:1", subject="a job")
    freed = desk.holds.place(acme, "5", reference="job:2")
    clock.advance(timedelta(minutes=1))
    desk.holds.release(freed.id)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(InsufficientFunds):
        desk.charges.create(acme, "100", reference="lead:1")
    clock.advance(timedelta(minutes=1))
    payment = desk.deposits.start(acme, "20")
    clock.advance(timedelta(minutes=1))
    desk.wallets.freeze(acme, memo="looks like fraud")
    clock.advance(timedelta(minutes=1))
    desk.wallets.unfreeze(acme, memo="it was no fraud")
    dispute = desk.wallets.freeze(acme, memo="a dispute was opened", cause="dispute")
    sheet = desk.incident(acme)
    assert (sheet.account.ref, sheet.standing.word, sheet.as_of) == (acme, "FROZEN", clock.now())
    assert (sheet.open_holds, sheet.open_freezes, sheet.open_payments) == (
        (kept,), (dispute,), (payment,),
    )  # fmt: skip
    assert [wallet.asset for wallet in sheet.wallets] == ["USD"]
    assert {line.kind for line in sheet.timeline} == {"audit", "entry", "freeze", "hold", "payment"}
    assert {line.title for line in sheet.timeline} >= {
        "hold placed", "hold released", "charge refused", "frozen (operator)",
        "unfrozen (operator)", "frozen (dispute)", "payment pending (sandbox, test)",
        "manual credit",
    }  # fmt: skip
    instants = [line.at for line in sheet.timeline]
    assert instants == sorted(instants, reverse=True)
    assert desk.incident(sheet.account.id) == sheet


def test_an_incident_needs_an_account(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.incident("nobody")


# --- doctor ------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path, clock: MovingClock) -> Sandbox:
    """A gateway that can be switched off."""
    return Sandbox(tmp_path / "books", clock=clock)


@pytest.fixture
def till(ledger_url: str, clock: MovingClock, sandbox: Sandbox) -> Iterator[Desk]:
    """A desk that is connected to it."""
    with open_desk(ledger_url, clock=clock, gateways=[sandbox]) as till:
        yield till


def test_the_doctor_finds_a_new_desk_fit(till: Desk) -> None:
    sheets = {sheet.name: sheet for sheet in till.doctor()}
    assert {sheet.state for sheet in sheets.values()} <= {"ok", "warning"}
    assert sheets["gateway sandbox"].text == "0 open, test mode"
    assert sheets["search"].text == "0 postings wait for the index"
    assert sheets.keys() >= (
        {"SQLite", "file"} if till.info.kind == "sqlite" else {"ledger", "Postgres"}
    )


def test_the_doctor_tells_of_a_gateway_that_is_down(till: Desk, sandbox: Sandbox) -> None:
    sandbox.switches = SandboxSwitches(down=True)
    till.tick()
    sick = [sheet for sheet in till.doctor() if sheet.state == "problem"]
    assert [(sheet.name, sheet.text) for sheet in sick] == [
        ("gateway sandbox", "the sandbox is down")
    ]
    assert titles(till)[0] == "sandbox could not be asked"


def test_the_doctor_warns_of_a_library_that_can_corrupt_files(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "library_version", lambda: (3, 40, 1))
    found = {sheet.name: sheet for sheet in desk.doctor()}
    if desk.info.kind == "sqlite":
        assert found["SQLite"].state == "warning"
        assert found["SQLite"].text.startswith("3.40.1 can corrupt")
    monkeypatch.setattr(surveying, "library_version", lambda: (3, 51, 3))
    found = {sheet.name: sheet for sheet in desk.doctor()}
    if desk.info.kind == "sqlite":
        assert (found["SQLite"].state, found["SQLite"].text) == ("ok", "3.51.3")

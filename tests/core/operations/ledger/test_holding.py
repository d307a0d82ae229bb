"""Holds: money set aside before a job, then captured, released, or freed past its deadline."""

import threading
import time
from datetime import timedelta

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.rules.sheets import HoldSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    HoldNotOpen,
    InsufficientFunds,
    NotFound,
    ReferenceReused,
    WalletFrozen,
)
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO

HOUR = timedelta(hours=1)


def purse(desk: Desk, ref: str = "acme") -> tuple[int, int | None, int | None]:
    """(balance, held, available) in cents."""
    sheet = desk.wallets.balance(ref)
    return (
        sheet.balance.minor,
        sheet.held and sheet.held.minor,
        sheet.available and sheet.available.minor,
    )


def owed(desk: Desk, ref: str = "acme") -> int:
    return sum(-w.balance.minor for w in desk.wallets.list(ref) if w.purpose == "receivable")


@pytest.fixture
def hold(desk: Desk, acme: str) -> HoldSheet:
    """60.00 of acme's 100.00 USD, set aside for an hour."""
    return desk.holds.place(acme, "60", reference="job:1", subject="a job", lasts=HOUR)


# --- placing -----------------------------------------------------------------------------------


def test_a_hold_sets_money_aside_and_leaves_the_balance(
    desk: Desk, clock: MovingClock, hold: HoldSheet
) -> None:
    assert (hold.status, hold.amount, hold.reference, hold.subject) == (
        "open", Money(6000, "USD"), "job:1", "a job",
    )  # fmt: skip
    assert (hold.placed_at, hold.expires_at) == (clock.now(), clock.now() + HOUR)
    assert purse(desk) == (10_000, 6000, 4000)


def test_money_that_is_held_cannot_be_spent_or_held_again(desk: Desk, hold: HoldSheet) -> None:
    with pytest.raises(InsufficientFunds, match=r"40\.01 USD is needed, 40\.00 USD can be used"):
        desk.charges.create("acme", "40.01", reference="a")
    with pytest.raises(InsufficientFunds):
        desk.holds.place("acme", "40.01", reference="job:2")
    desk.charges.create("acme", "40", reference="b")
    assert purse(desk) == (6000, 6000, 0)


def test_the_same_hold_again_gives_the_first(desk: Desk, hold: HoldSheet) -> None:
    again = desk.holds.place("acme", "60", reference="job:1", subject="a job", lasts=HOUR)
    assert (again.id, again.replayed, hold.replayed) == (hold.id, True, False)
    assert purse(desk) == (10_000, 6000, 4000)


def test_a_hold_with_a_reference_of_other_business_is_refused(desk: Desk, hold: HoldSheet) -> None:
    with pytest.raises(ReferenceReused):
        desk.holds.place("acme", "61", reference="job:1", subject="a job")
    with pytest.raises(ReferenceReused):
        desk.charges.create("acme", "60", reference="job:1", subject="a job")


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(days=-1), timedelta(days=367)])
def test_a_hold_lasts_for_some_time_and_a_year_at_most(
    desk: Desk, acme: str, lasts: timedelta
) -> None:
    with pytest.raises(BadInput, match="cannot last"):
        desk.holds.place(acme, "1", reference="job:1", lasts=lasts)


def test_new_holds_are_refused_on_a_frozen_wallet_and_a_suspended_account(
    desk: Desk, acme: str
) -> None:
    desk.wallets.freeze(acme, memo=MEMO)
    with pytest.raises(WalletFrozen):
        desk.holds.place(acme, "1", reference="job:1")
    desk.wallets.unfreeze(acme, memo=MEMO)
    desk.accounts.suspend(acme, memo=MEMO)
    with pytest.raises(AccountClosed):
        desk.holds.place(acme, "1", reference="job:1")


# --- capturing ---------------------------------------------------------------------------------


def test_a_capture_charges_what_was_held(desk: Desk, clock: MovingClock, hold: HoldSheet) -> None:
    clock.advance(timedelta(minutes=30))
    sheet = desk.holds.capture(hold.id, subject="done", to="revenue:job")
    assert (sheet.status, sheet.captured, sheet.shortfall) == (
        "captured", Money(6000, "USD"), None,
    )  # fmt: skip
    assert sheet.resolved_at == clock.now()
    assert purse(desk) == (4000, 0, 4000)
    posting = desk.ledger.posting(sheet.resolved_by or "")
    assert (posting.kind, posting.about, posting.subject) == ("charge", hold.id, "done")
    assert [entry.counterparty for entry in posting.entries] == ["revenue:job"]


def test_capturing_a_part_frees_the_rest(desk: Desk, hold: HoldSheet) -> None:
    sheet = desk.holds.capture(hold.id, "25")
    assert (sheet.captured, sheet.shortfall) == (Money(2500, "USD"), None)
    assert purse(desk) == (7500, 0, 7500)


def test_capturing_more_takes_it_from_what_is_available(desk: Desk, hold: HoldSheet) -> None:
    sheet = desk.holds.capture(hold.id, Money(10_000, "USD"))
    assert (sheet.captured, sheet.shortfall) == (Money(10_000, "USD"), None)
    assert (purse(desk), owed(desk)) == ((0, 0, 0), 0)


def test_what_a_capture_cannot_take_becomes_a_debt_and_is_said(desk: Desk, hold: HoldSheet) -> None:
    sheet = desk.holds.capture(hold.id, "130")
    assert (sheet.captured, sheet.shortfall) == (Money(13_000, "USD"), Money(3000, "USD"))
    assert (purse(desk), owed(desk)) == ((0, 0, 0), 3000)
    assert desk.standing.why("acme").word == "OWES"
    posting = desk.ledger.posting(sheet.resolved_by or "")
    assert [(e.purpose, e.amount.minor) for e in posting.entries] == [
        ("cash", -10_000), ("receivable", -3000),
    ]  # fmt: skip


def test_a_capture_does_not_touch_what_other_holds_set_aside(desk: Desk, hold: HoldSheet) -> None:
    other = desk.holds.place("acme", "40", reference="job:2")
    sheet = desk.holds.capture(hold.id, "70")
    assert sheet.shortfall == Money(1000, "USD")
    assert purse(desk) == (4000, 4000, 0)
    assert desk.holds.get(other.id).status == "open"


def test_a_capture_uses_what_an_overdue_hold_set_aside(
    desk: Desk, clock: MovingClock, hold: HoldSheet
) -> None:
    overdue = desk.holds.place("acme", "40", reference="job:2", lasts=HOUR / 2)
    clock.advance(HOUR / 2)
    assert desk.holds.capture(hold.id, "100").shortfall is None
    assert desk.holds.get(overdue.id).status == "expired"
    assert purse(desk) == (0, 0, 0)


def test_a_capture_goes_down_to_a_credit_limit(desk: Desk, hold: HoldSheet) -> None:
    desk.wallets.set_floor("acme", "-20", memo=MEMO)
    assert desk.holds.capture(hold.id, "130").shortfall == Money(1000, "USD")
    assert purse(desk) == (-2000, 0, -2000)


def test_without_a_floor_a_capture_never_falls_short(desk: Desk, hold: HoldSheet) -> None:
    desk.wallets.set_floor("acme", None, memo=MEMO)
    assert desk.holds.capture(hold.id, "130").shortfall is None
    assert purse(desk) == (-3000, 0, -3000)


def test_a_capture_passes_a_freeze_and_a_suspension(desk: Desk, hold: HoldSheet) -> None:
    desk.wallets.freeze("acme", memo=MEMO)
    desk.accounts.suspend("acme", memo=MEMO)
    assert desk.holds.capture(hold.id, "130").shortfall == Money(3000, "USD")


def test_a_hold_of_credits_is_captured_in_credits(desk: Desk, acme: str) -> None:
    desk.adjustments.credit(acme, "10 CREDIT", memo=MEMO)
    hold = desk.holds.place(acme, "10 CREDIT", reference="job:c")
    sheet = desk.holds.capture(hold.id, "12")
    assert (str(sheet.captured), str(sheet.shortfall)) == ("12 CREDIT", "2 CREDIT")


def test_the_same_capture_again_gives_the_first_result(desk: Desk, hold: HoldSheet) -> None:
    first = desk.holds.capture(hold.id, "130")
    again = desk.holds.capture(hold.id, "130")
    assert again.replayed
    assert (again.captured, again.shortfall, again.resolved_by) == (
        first.captured, first.shortfall, first.resolved_by,
    )  # fmt: skip
    with pytest.raises(HoldNotOpen, match=r"captured for 130\.00 USD"):
        desk.holds.capture(hold.id, "20")
    assert owed(desk) == 3000


def test_a_capture_in_another_asset_is_refused(desk: Desk, hold: HoldSheet) -> None:
    with pytest.raises(BadInput, match="in USD, not in EUR"):
        desk.holds.capture(hold.id, "10 EUR")
    assert desk.holds.get(hold.id).status == "open"


# --- releasing and expiring --------------------------------------------------------------------


def test_a_release_frees_everything_once(desk: Desk, hold: HoldSheet) -> None:
    assert desk.holds.release(hold.id).status == "released"
    assert purse(desk) == (10_000, 0, 10_000)
    assert desk.holds.release(hold.id).replayed
    assert purse(desk) == (10_000, 0, 10_000)


def test_a_hold_is_resolved_once_only(desk: Desk, hold: HoldSheet) -> None:
    desk.holds.release(hold.id)
    with pytest.raises(HoldNotOpen, match="released"):
        desk.holds.capture(hold.id)
    other = desk.holds.place("acme", "10", reference="job:2")
    desk.holds.capture(other.id)
    with pytest.raises(HoldNotOpen, match="captured"):
        desk.holds.release(other.id)


def test_past_its_deadline_a_hold_counts_no_more_in_what_is_read(
    desk: Desk, clock: MovingClock, hold: HoldSheet
) -> None:
    clock.advance(HOUR)
    assert purse(desk) == (10_000, 0, 10_000)
    (wallet,) = desk.wallets.list("acme")
    assert (wallet.held.minor, wallet.available.minor) == (0, 10_000)
    (row,) = desk.wallets.rows().rows
    assert row.wallet.available.minor == 10_000
    assert desk.incident("acme").open_holds == ()


def test_whoever_needs_the_money_frees_an_overdue_hold(
    desk: Desk, clock: MovingClock, hold: HoldSheet
) -> None:
    clock.advance(HOUR)
    assert desk.holds.get(hold.id).status == "open"
    desk.charges.create("acme", "100", reference="a")
    sheet = desk.holds.get(hold.id)
    assert (sheet.status, sheet.resolved_at, sheet.captured) == ("expired", clock.now(), None)
    assert purse(desk) == (0, 0, 0)


def test_many_overdue_holds_are_all_freed_by_one_who_needs_them(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    with desk.transaction():
        for number in range(501):
            desk.holds.place(acme, "0.10", reference=f"job:{number}", lasts=HOUR)
    clock.advance(HOUR)
    with desk.rehearsal():
        assert desk.holds.expire_due() == 501
    desk.charges.create(acme, "100", reference="a")
    assert purse(desk) == (0, 0, 0)


def test_an_overdue_hold_cannot_be_captured_or_released(
    desk: Desk, clock: MovingClock, hold: HoldSheet
) -> None:
    clock.advance(HOUR)
    with pytest.raises(HoldNotOpen, match="expired"):
        desk.holds.capture(hold.id)
    with pytest.raises(HoldNotOpen, match="expired"):
        desk.holds.release(hold.id)


def test_everything_overdue_is_freed_at_once_and_counted(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    for number in range(3):
        desk.holds.place(acme, "10", reference=f"job:{number}", lasts=HOUR * (number + 1))
    assert desk.holds.expire_due() == 0
    clock.advance(HOUR * 2)
    assert desk.holds.expire_due() == 2
    assert desk.holds.expire_due() == 0
    assert purse(desk) == (10_000, 1000, 9000)


def test_a_hold_that_others_resolve_meanwhile_is_left_alone(
    desk: Desk, ledger_url: str, clock: MovingClock, hold: HoldSheet
) -> None:
    inside = threading.Event()

    def others() -> None:
        early = MovingClock(hold.placed_at)
        with open_desk(ledger_url, clock=early) as other, other.transaction():
            other.holds.release(hold.id)
            inside.set()
            time.sleep(0.5)

    thread = threading.Thread(target=others)
    thread.start()
    assert inside.wait(20)
    clock.advance(HOUR)
    assert desk.holds.expire_due() == 0
    thread.join()
    assert desk.holds.get(hold.id).status == "released"


# --- reading -----------------------------------------------------------------------------------


def test_holds_are_listed_newest_first_by_status_and_account(
    desk: Desk, clock: MovingClock, hold: HoldSheet
) -> None:
    desk.accounts.add("beta", name="Beta")
    desk.adjustments.credit("beta", "10", memo=MEMO)
    clock.advance(timedelta(seconds=1))
    other = desk.holds.place("beta", "5", reference="job:2")
    assert [sheet.id for sheet in desk.holds.list().rows] == [other.id, hold.id]
    assert [sheet.id for sheet in desk.holds.list(account="acme").rows] == [hold.id]
    desk.holds.release(hold.id)
    assert [sheet.id for sheet in desk.holds.list(status="open").rows] == [other.id]
    page = desk.holds.list(limit=1)
    assert [sheet.id for sheet in desk.holds.list(limit=1, after=page.after).rows] == [hold.id]


def test_a_hold_that_is_not_there_is_not_found(desk: Desk, acme: str) -> None:
    for ask in (desk.holds.get, desk.holds.capture, desk.holds.release):
        with pytest.raises(NotFound, match="hold_nowhere"):
            ask("hold_nowhere")


def test_a_list_of_holds_is_asked_for_in_words_it_knows(desk: Desk) -> None:
    with pytest.raises(BadInput, match="no status"):
        desk.holds.list(status="gone")
    with pytest.raises(BadInput, match="page of 0"):
        desk.holds.list(limit=0)
    with pytest.raises(NotFound):
        desk.holds.list(account="nobody")

"""Debts: what an account owes is paid from the money that arrives, at once."""

from datetime import timedelta

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import EntrySheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import ReferenceReused
from tests.core.operations.conftest import MEMO


def purses(desk: Desk) -> dict[str, int]:
    """Balances in minor units by purpose."""
    return {wallet.purpose: wallet.balance.minor for wallet in desk.wallets.list("acme")}


def settlements(desk: Desk) -> list[EntrySheet]:
    return list(desk.ledger.entries("acme", kinds=("transfer",)).rows)


@pytest.fixture
def debt(desk: Desk, acme: str) -> str:
    """Acme has nothing and owes 30.00 USD; the id of the charge that left it so."""
    hold = desk.holds.place(acme, "100", reference="job:1")
    return desk.holds.capture(hold.id, "130").resolved_by or ""


def test_a_credit_pays_the_debt_first(desk: Desk, debt: str) -> None:
    credit = desk.adjustments.credit("acme", "50", memo=MEMO)
    assert purses(desk) == {"cash": 2000, "receivable": 0}
    assert desk.standing.why("acme").word == "OK"
    receivable, cash = settlements(desk)
    assert receivable.posting_id == cash.posting_id
    assert (cash.amount.minor, receivable.amount.minor) == (-3000, 3000)
    assert {cash.counterparty, receivable.counterparty} == {"transfer"}
    assert (cash.reference, cash.about, cash.actor) == (f"settle:{credit.id}", credit.id, "system")


def test_a_credit_that_is_too_small_pays_a_part(desk: Desk, debt: str) -> None:
    desk.adjustments.credit("acme", "10", memo=MEMO)
    assert purses(desk) == {"cash": 0, "receivable": -2000}
    assert desk.standing.why("acme").word == "OWES"
    desk.adjustments.credit("acme", "25", memo=MEMO)
    assert purses(desk) == {"cash": 500, "receivable": 0}


def test_a_deposit_lifts_what_is_owed(desk: Desk, clock: MovingClock, debt: str) -> None:
    desk.deposits.start("acme", "40")
    clock.advance(timedelta(seconds=5))
    assert desk.tick().deposits == 1
    assert purses(desk) == {"cash": 1000, "receivable": 0}
    assert desk.standing.may_run("acme")


def test_a_credit_limit_may_be_used_to_settle(desk: Desk, debt: str) -> None:
    desk.wallets.set_floor("acme", "-20", memo=MEMO)
    desk.adjustments.credit("acme", "5", memo=MEMO)
    assert purses(desk) == {"cash": -2000, "receivable": -500}


def test_without_a_floor_the_whole_debt_is_settled(desk: Desk, debt: str) -> None:
    desk.wallets.set_floor("acme", None, memo=MEMO)
    desk.adjustments.credit("acme", "5", memo=MEMO)
    assert purses(desk) == {"cash": -2500, "receivable": 0}


def test_money_that_is_held_settles_nothing_until_it_is_overdue(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    hold = desk.holds.place(acme, "20", reference="job:1", lasts=timedelta(hours=1))
    desk.holds.capture(desk.holds.place(acme, "80", reference="job:2").id, "90")
    assert purses(desk) == {"cash": 2000, "receivable": -1000}
    desk.adjustments.credit(acme, "4", memo=MEMO)
    assert purses(desk) == {"cash": 2000, "receivable": -600}
    clock.advance(timedelta(hours=1))
    desk.adjustments.credit(acme, "1", memo=MEMO)
    assert purses(desk) == {"cash": 1500, "receivable": 0}
    assert desk.holds.get(hold.id).status == "expired"


def test_a_frozen_wallet_still_settles(desk: Desk, debt: str) -> None:
    desk.wallets.freeze("acme", memo=MEMO)
    desk.adjustments.credit("acme", "30", memo=MEMO)
    assert purses(desk) == {"cash": 0, "receivable": 0}


def test_the_same_credit_again_settles_nothing_more(desk: Desk, debt: str) -> None:
    desk.adjustments.credit("acme", "10", memo=MEMO, reference="paid")
    assert desk.adjustments.credit("acme", "10", memo=MEMO, reference="paid").replayed
    with pytest.raises(ReferenceReused):
        desk.adjustments.credit("acme", "11", memo=MEMO, reference="paid")
    assert purses(desk) == {"cash": 0, "receivable": -2000}


def test_another_asset_pays_no_debt(desk: Desk, debt: str) -> None:
    desk.adjustments.credit("acme", "100 EUR", memo=MEMO)
    assert settlements(desk) == []
    assert desk.standing.why("acme").word == "OWES"


def test_a_debt_in_credits_is_settled_in_credits(desk: Desk, acme: str) -> None:
    desk.adjustments.credit(acme, "5 CREDIT", memo=MEMO)
    desk.holds.capture(desk.holds.place(acme, "5 CREDIT", reference="job:1").id, "8")
    desk.adjustments.credit(acme, "10 CREDIT", memo=MEMO)
    assert purses(desk) == {"cash": 10_000, "credits": 7, "receivable": 0}


def test_a_charge_given_back_takes_its_debt_along(desk: Desk, debt: str) -> None:
    desk.refunds.create(debt)
    assert purses(desk) == {"cash": 10_000, "receivable": 0}
    assert settlements(desk) == []


def test_a_charge_given_back_after_its_debt_was_settled_gives_all_back(
    desk: Desk, debt: str
) -> None:
    desk.adjustments.credit("acme", "30", memo=MEMO)
    desk.refunds.create(debt)
    assert purses(desk) == {"cash": 13_000, "receivable": 0}


def test_a_reversed_charge_pays_the_debt_that_another_left(desk: Desk, acme: str) -> None:
    first = desk.charges.create(acme, "20", reference="a")
    desk.holds.capture(desk.holds.place(acme, "80", reference="job:1").id, "95")
    desk.reversals.create(first.id, memo=MEMO)
    assert purses(desk) == {"cash": 500, "receivable": 0}


def test_a_debt_stays_when_nothing_is_left_to_pay_it(desk: Desk, acme: str) -> None:
    credit = desk.adjustments.credit(acme, "20", memo=MEMO)
    hold = desk.holds.place(acme, "20", reference="job:1")
    desk.holds.capture(desk.holds.place(acme, "100", reference="job:2").id, "110")
    desk.holds.release(hold.id)
    desk.reversals.create(credit.id, memo="credited by mistake")
    assert purses(desk) == {"cash": 0, "receivable": -1000}
    assert settlements(desk) == []


def test_a_credit_and_its_settlement_are_one_block(desk: Desk, debt: str) -> None:
    with desk.rehearsal():
        desk.adjustments.credit("acme", "30", memo=MEMO)
        assert purses(desk) == {"cash": 0, "receivable": 0}
    assert purses(desk) == {"cash": 0, "receivable": -3000}

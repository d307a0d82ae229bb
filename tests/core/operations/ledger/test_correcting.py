"""Corrections: refunds exactly once, reversals, and what an operator credits or debits."""

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import ChargeSheet
from billdesk.core.values.errors import (
    AccountClosed,
    AlreadyCorrected,
    BadInput,
    InsufficientFunds,
    NotFound,
    ReferenceReused,
    Refused,
    WalletFrozen,
)
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO


def cents(desk: Desk, ref: str = "acme") -> int:
    return desk.wallets.balance(ref).balance.minor


@pytest.fixture
def charge(desk: Desk, acme: str) -> ChargeSheet:
    """A charge of 40.00 USD to acme."""
    return desk.charges.create(acme, "40", reference="lead:1", to="revenue:lead")


# --- refunds -----------------------------------------------------------------------------------


def test_a_refund_gives_a_charge_back_and_points_at_it(desk: Desk, charge: ChargeSheet) -> None:
    refund = desk.refunds.create(charge.id, memo="not what was promised")
    assert cents(desk) == 10_000
    assert (refund.kind, refund.corrects, refund.memo) == (
        "refund", charge.id, "not what was promised",
    )  # fmt: skip
    (entry,) = refund.entries
    assert (entry.amount, entry.counterparty) == (Money(4000, "USD"), "revenue:lead")


def test_a_charge_is_refunded_once_only(desk: Desk, charge: ChargeSheet) -> None:
    desk.refunds.create(charge.id)
    with pytest.raises(AlreadyCorrected, match=charge.id):
        desk.refunds.create(charge.id)
    with pytest.raises(AlreadyCorrected):
        desk.reversals.create(charge.id, memo=MEMO)
    assert cents(desk) == 10_000
    refused = [line for line in desk.audit.list(account="acme").rows if line.outcome == "refused"]
    assert {line.data["code"] for line in refused} == {"already_corrected"}


def test_a_refund_within_a_joined_block_that_was_made_before_leaves_the_block_usable(
    desk: Desk, charge: ChargeSheet
) -> None:
    desk.refunds.create(charge.id)
    with desk.transaction():
        with pytest.raises(AlreadyCorrected):
            desk.refunds.create(charge.id)
        desk.charges.create("acme", "1", reference="lead:2")
    assert cents(desk) == 9900


def test_a_refund_arrives_on_a_frozen_wallet_and_a_closed_account(
    desk: Desk, charge: ChargeSheet
) -> None:
    desk.wallets.freeze("acme", memo=MEMO)
    desk.adjustments.list()
    desk.accounts.suspend("acme", memo=MEMO)
    desk.refunds.create(charge.id)
    assert cents(desk) == 10_000


def test_only_a_charge_can_be_refunded(desk: Desk, charge: ChargeSheet) -> None:
    credit = desk.adjustments.credit("acme", "5", memo=MEMO)
    with pytest.raises(Refused, match="is a manual_credit, not a charge"):
        desk.refunds.create(credit.id)
    with pytest.raises(NotFound, match="chg_nowhere"):
        desk.refunds.create("chg_nowhere")
    hold = desk.holds.place("acme", "1", reference="job:1")
    with pytest.raises(NotFound, match="with entries"):
        desk.refunds.create(hold.id)


def test_refunds_are_listed_newest_first_page_by_page(desk: Desk, charge: ChargeSheet) -> None:
    other = desk.charges.create("acme", "1", reference="lead:2")
    first, second = desk.refunds.create(charge.id), desk.refunds.create(other.id)
    page = desk.refunds.list(limit=1)
    assert [row.posting_id for row in page.rows] == [second.id]
    assert [row.posting_id for row in desk.refunds.list(after=page.after).rows] == [first.id]


# --- reversals ---------------------------------------------------------------------------------


def test_a_reversal_undoes_any_posting(desk: Desk, acme: str) -> None:
    credit = desk.adjustments.credit(acme, "5", memo=MEMO)
    reversal = desk.reversals.create(credit.id, memo="credited by mistake")
    assert (reversal.kind, reversal.corrects, cents(desk)) == ("reversal", credit.id, 10_000)


def test_a_reversal_needs_a_reason(desk: Desk, charge: ChargeSheet) -> None:
    with pytest.raises(BadInput, match="memo"):
        desk.reversals.create(charge.id, memo="oops")


def test_a_reversal_of_money_that_is_spent_is_refused(desk: Desk, acme: str) -> None:
    credit = desk.adjustments.credit(acme, "5", memo=MEMO)
    desk.charges.create(acme, "101", reference="a")
    with pytest.raises(InsufficientFunds):
        desk.reversals.create(credit.id, memo="credited by mistake")
    assert cents(desk) == 400


def test_a_second_reversal_is_told_so_also_when_the_money_is_spent(desk: Desk, acme: str) -> None:
    credit = desk.adjustments.credit(acme, "5", memo=MEMO)
    desk.reversals.create(credit.id, memo="credited by mistake")
    desk.charges.create(acme, "100", reference="a")
    with pytest.raises(AlreadyCorrected):
        desk.reversals.create(credit.id, memo="credited by mistake")


def test_a_reversal_may_itself_be_reversed_once(desk: Desk, charge: ChargeSheet) -> None:
    reversal = desk.reversals.create(charge.id, memo=MEMO)
    desk.reversals.create(reversal.id, memo="it was right after all")
    assert cents(desk) == 6000
    with pytest.raises(AlreadyCorrected):
        desk.reversals.create(reversal.id, memo="it was right after all")


def test_a_reversal_of_a_posting_with_several_legs_undoes_them_all(desk: Desk, acme: str) -> None:
    hold = desk.holds.place(acme, "100", reference="job:1")
    charge_id = desk.holds.capture(hold.id, "130").resolved_by or ""
    desk.reversals.create(charge_id, memo=MEMO)
    assert {w.purpose: w.balance.minor for w in desk.wallets.list(acme)} == {
        "cash": 10_000, "receivable": 0,
    }  # fmt: skip


def test_a_reversal_that_a_later_leg_refuses_leaves_nothing(desk: Desk, acme: str) -> None:
    desk.wallets.set_floor(acme, "-50", memo=MEMO)
    hold = desk.holds.place(acme, "150", reference="job:1")
    desk.holds.capture(hold.id, "180")
    settled = desk.adjustments.credit(acme, "200", memo=MEMO)
    (transfer, _) = desk.ledger.entries(acme, kinds=("transfer",)).rows
    desk.charges.create(acme, "170", reference="a")
    with pytest.raises(InsufficientFunds):
        desk.reversals.create(settled.id, memo="credited by mistake")
    assert desk.ledger.posting(transfer.posting_id).corrects is None


# --- adjustments -------------------------------------------------------------------------------


def test_credits_and_debits_by_hand_are_kept_with_their_reason(desk: Desk, acme: str) -> None:
    credit = desk.adjustments.credit(acme, "10", memo="  a gift for waiting  ", reference="gift:1")
    debit = desk.adjustments.debit(acme, "30", memo="a fee that was forgotten")
    assert cents(desk) == 8000
    assert (credit.kind, credit.memo, credit.scope, credit.reference) == (
        "manual_credit", "a gift for waiting", "caller", "gift:1",
    )  # fmt: skip
    assert (debit.kind, debit.scope, debit.reference) == ("manual_debit", "system", debit.id)


@pytest.mark.parametrize("memo", ["", "123456789", "  123456789   ", "x" * 501, "a\x00" * 10])
def test_an_adjustment_needs_a_reason_that_can_be_kept(desk: Desk, acme: str, memo: str) -> None:
    with pytest.raises(BadInput, match="memo"):
        desk.adjustments.credit(acme, "10", memo=memo)
    with pytest.raises(BadInput, match="memo"):
        desk.adjustments.debit(acme, "10", memo=memo)
    assert cents(desk) == 10_000


@pytest.mark.parametrize("memo", ["1234567890", "x" * 500])
def test_ten_to_five_hundred_characters_are_a_reason(desk: Desk, acme: str, memo: str) -> None:
    assert desk.adjustments.credit(acme, "10", memo=memo).memo == memo


def test_a_credit_arrives_whatever_the_account_is(desk: Desk, acme: str) -> None:
    desk.wallets.freeze(acme, memo=MEMO)
    desk.adjustments.credit(acme, "1", memo=MEMO)
    desk.accounts.suspend(acme, memo=MEMO)
    desk.adjustments.credit(acme, "1", memo=MEMO)
    assert cents(desk) == 10_200


def test_a_debit_is_guarded_like_a_charge(desk: Desk, acme: str) -> None:
    with pytest.raises(InsufficientFunds):
        desk.adjustments.debit(acme, "100.01", memo=MEMO)
    desk.wallets.freeze(acme, memo=MEMO)
    with pytest.raises(WalletFrozen):
        desk.adjustments.debit(acme, "1", memo=MEMO)
    desk.accounts.suspend(acme, memo=MEMO)
    with pytest.raises(AccountClosed):
        desk.adjustments.debit(acme, "1", memo=MEMO)


def test_an_adjustment_with_a_reference_happens_once(desk: Desk, acme: str) -> None:
    first = desk.adjustments.credit(acme, "10", memo=MEMO, reference="gift:1")
    again = desk.adjustments.credit(acme, "10", memo=MEMO, reference="gift:1")
    assert (again.id, again.replayed, cents(desk)) == (first.id, True, 11_000)
    with pytest.raises(ReferenceReused):
        desk.adjustments.debit(acme, "10", memo=MEMO, reference="gift:1")


def test_adjustments_are_listed_with_reversals_and_nothing_else(
    desk: Desk, charge: ChargeSheet
) -> None:
    desk.adjustments.debit("acme", "1", memo=MEMO)
    desk.reversals.create(charge.id, memo=MEMO)
    assert [row.kind for row in desk.adjustments.list().rows] == [
        "reversal", "manual_debit", "manual_credit",
    ]  # fmt: skip

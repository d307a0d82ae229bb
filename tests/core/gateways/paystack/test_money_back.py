"""Paystack: money goes back once, though a refund there has no name that we could give it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from billdesk.core.rules.gateway import Fact
from billdesk.core.values.clock import MovingClock, parse_instant
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.paystack.conftest import Steps

MINUTE = timedelta(minutes=1)


def its_refund(steps: Steps, fact: Fact) -> dict[str, Any]:
    """Paystack's own record of a refund."""
    return steps.books.refunds[int(fact.object_id)]


def test_a_refund_carries_our_id_in_its_note(steps: Steps) -> None:
    paid = steps.pay()
    pending = steps.refund(paid, 4_000)
    row = its_refund(steps, pending)
    assert row["merchant_note"] == "billdesk ref_1: ordered twice"
    assert (row["amount"], row["currency"], row["transaction_reference"]) == (4_000, "NGN", "pay-1")
    assert (pending.stage, pending.amount) == ("refund_pending", Money(4_000, "NGN"))
    assert (pending.refund_id, pending.payment_id) == ("ref_1", "pay_1")
    assert (pending.payment_external_id, pending.charge_id) == ("pay-1", paid.charge_id)
    assert pending.object_id == pending.occurrence
    assert pending.detail == "ordered twice"


def test_a_refund_arrives_later_and_says_when(steps: Steps, clock: MovingClock) -> None:
    pending = steps.refund(steps.pay(), 4_000)
    began = clock.now()
    [still] = steps.find_refund(external_id=pending.object_id)
    assert still.key == pending.key
    clock.advance(MINUTE)
    [arrived] = steps.find_refund(external_id=pending.object_id)
    assert (arrived.stage, arrived.refund_id) == ("refunded", "ref_1")
    assert arrived.happened_at == began + MINUTE / 2
    assert steps.find_refund() == (arrived,)


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("pending", "refund_pending"),
        ("processing", "refund_pending"),
        ("needs-attention", "refund_pending"),
        ("processed", "refunded"),
        ("failed", "refund_failed"),
        ("lost in thought", "unknown"),
    ],
)
def test_every_status_has_its_stage(steps: Steps, status: str, stage: str) -> None:
    pending = steps.refund(steps.pay(), 4_000)
    its_refund(steps, pending)["status"] = status
    [fact] = steps.find_refund(external_id=pending.object_id)
    assert fact.stage == stage


def test_a_refund_that_needs_the_customers_bank_account_is_news_that_says_so(steps: Steps) -> None:
    pending = steps.refund(steps.pay(), 4_000)
    its_refund(steps, pending)["status"] = "needs-attention"
    [fact] = steps.find_refund(external_id=pending.object_id)
    assert "needs the customer's bank account" in fact.detail
    assert (fact.object_id, fact.stage) == (pending.object_id, pending.stage)
    assert fact.key != pending.key


def test_the_list_is_searched_before_every_refund(steps: Steps) -> None:
    paid = steps.pay()
    steps.asked()
    steps.refund(paid, 4_000)
    assert steps.asked() == [
        ("GET", "/transaction/verify/pay-1"),
        ("GET", "/refund"),
        ("POST", "/refund"),
    ]


def test_the_same_refund_is_sent_once_also_among_many_others(steps: Steps) -> None:
    paid, _ = steps.pay(1, 100_000), steps.pay(2, 100_000)
    first = steps.refund(paid, 500)
    for number in range(2, 62):
        for payment in (1, 2):
            steps.books.add_refund(steps.row(payment), 500, f"billdesk ref_{number}: more")
    sent = len(steps.books.refunds)
    assert sent > 100, "more than one page"
    again = steps.refund(paid, 500)
    assert (again.key, again.refund_id, again.payment_id) == (first.key, "ref_1", "pay_1")
    assert len(steps.books.refunds) == sent


def test_ids_that_begin_alike_are_two_refunds(steps: Steps) -> None:
    paid = steps.pay()
    assert steps.refund(paid, 100, 11).object_id != steps.refund(paid, 100, 1).object_id


def test_an_id_in_a_refund_of_another_payment_does_not_count(steps: Steps) -> None:
    """Whoever wrote our id there, this payment's money has not gone back."""
    first, second = steps.pay(1), steps.pay(2)
    assert steps.refund(first, 100).charge_id == first.charge_id
    assert steps.refund(second, 100).charge_id == second.charge_id
    assert len(steps.books.refunds) == 2


def test_a_known_refund_id_with_another_amount_is_refused(steps: Steps) -> None:
    paid = steps.pay()
    steps.refund(paid, 4_000)
    with pytest.raises(GatewayError, match=r"ref_1 is a refund of 40\.00 NGN at paystack already"):
        steps.refund(paid, 4_001)
    assert len(steps.books.refunds) == 1


def test_a_refund_of_a_payment_that_is_unknown_is_refused(steps: Steps) -> None:
    request = steps.refund_request(steps.open(7), 100)
    del steps.books.transactions["pay-7"]
    with pytest.raises(GatewayError, match="knows no payment 'pay-7'"):
        steps.gateway.refund(request)


def test_more_than_was_paid_is_refused_in_paystacks_words(steps: Steps) -> None:
    paid = steps.pay()
    with pytest.raises(GatewayError, match="cannot be more than the transaction amount"):
        steps.refund(paid, 10_001)
    assert steps.books.refunds == {}


def test_a_refund_whose_reply_was_lost_is_found_and_not_sent_again(steps: Steps) -> None:
    paid = steps.pay()
    steps.scene.lose_next_reply()
    with pytest.raises(GatewayUnreachable):
        steps.refund(paid, 4_000)
    [found] = steps.find_refund()
    assert steps.refund(paid, 4_000).key == found.key
    assert len(steps.books.refunds) == 1


def test_a_refund_that_never_arrived_is_sent_again(steps: Steps) -> None:
    paid = steps.pay()
    steps.scene.lose_next_reply(before_effect=True)
    with pytest.raises(GatewayUnreachable):
        steps.refund(paid, 4_000)
    assert steps.find_refund() == ()
    steps.refund(paid, 4_000)
    assert len(steps.books.refunds) == 1


def test_a_refund_number_that_is_unknown_is_no_refund(steps: Steps) -> None:
    assert steps.find_refund(external_id="12") == ()


def test_a_lost_refund_is_searched_for_from_a_day_before_it_was_written_down(
    steps: Steps, clock: MovingClock
) -> None:
    """Our clock may be ahead of Paystack's, but not by a day."""
    sent = its_refund(steps, steps.refund(steps.pay(), 4_000))
    clock.advance(timedelta(hours=23))
    assert len(steps.find_refund()) == 1
    clock.advance(timedelta(hours=2))
    assert steps.find_refund() == ()
    assert parse_instant(sent["createdAt"]) < clock.now() - timedelta(days=1)


# --- what others do ------------------------------------------------------------------------------


def test_a_payment_that_went_back_is_settled_and_refunded(steps: Steps, clock: MovingClock) -> None:
    paid = steps.pay()
    steps.scene.refund_outside(str(paid.charge_id), 10_000)
    clock.advance(MINUTE)
    settled, refunded = steps.find()
    assert (settled.key, settled.detail) == (paid.key, "paid, and given back since")
    assert (refunded.stage, refunded.amount) == ("refunded", Money(10_000, "NGN"))
    assert (refunded.refund_id, refunded.payment_external_id) == (None, "pay-1")
    assert refunded.detail == "Refund by owner@desk.test"


def test_a_payment_known_to_be_paid_is_asked_for_its_refunds_and_disputes_too(
    steps: Steps, clock: MovingClock
) -> None:
    paid, other = steps.pay(1), steps.pay(2)
    for payment in (paid, other):
        steps.scene.refund_outside(str(payment.charge_id), 1_000)
        steps.scene.dispute(str(payment.charge_id), 2_000)
    clock.advance(MINUTE)
    assert [fact.stage for fact in steps.find()] == ["settled"]
    found = steps.find(1, paid.charge_id)
    assert [fact.stage for fact in found] == ["settled", "disputed", "refunded"]
    assert {fact.charge_id for fact in found} == {paid.charge_id}


def test_a_dispute_says_what_is_contested(steps: Steps) -> None:
    paid = steps.pay()
    number = steps.scene.dispute(str(paid.charge_id), 7_000)
    [disputed] = [fact for fact in steps.read()[0] if fact.stage == "disputed"]
    assert (disputed.object_id, disputed.occurrence, disputed.amount) == (
        number, number, Money(7_000, "NGN"),
    )  # fmt: skip
    assert (disputed.payment_id, disputed.payment_external_id) == ("pay_1", "pay-1")
    assert (disputed.charge_id, disputed.detail) == (paid.charge_id, "chargeback")


def test_a_dispute_without_an_amount_is_about_all_of_the_payment(steps: Steps) -> None:
    paid = steps.pay()
    row = steps.books.open_dispute(str(paid.charge_id), None)
    row["category"] = None
    [disputed] = [fact for fact in steps.read()[0] if fact.stage == "disputed"]
    assert (disputed.amount, disputed.detail) == (Money(10_000, "NGN"), "contested by the payer")


@pytest.mark.parametrize(
    ("status", "resolution", "end"),
    [
        ("resolved", "declined", "dispute_won"),
        ("archived", "declined", "dispute_won"),
        ("resolved", "merchant-accepted", "dispute_lost"),
        ("resolved", "auto-accepted", "dispute_lost"),
        ("resolved", None, "unknown"),
        ("awaiting-bank-feedback", "declined", None),
        ("pending", None, None),
    ],
)
def test_a_dispute_ends_when_it_is_resolved_and_not_when_we_have_answered(
    steps: Steps, clock: MovingClock, status: str, resolution: str | None, end: str | None
) -> None:
    paid = steps.pay()
    row = steps.books.open_dispute(str(paid.charge_id), 7_000)
    opened_at = clock.now()
    closed_at = clock.advance(timedelta(days=3))
    row.update(status=status, resolution=resolution, resolvedAt=f"{closed_at:%Y-%m-%dT%H:%M:%SZ}")
    told: dict[str, Fact] = {
        fact.stage: fact for fact in steps.read()[0] if fact.object_id == str(row["id"])
    }
    assert set(told) == {"disputed", end} - {None}
    assert told["disputed"].happened_at == opened_at
    if end is not None:
        assert told[end].happened_at == closed_at
        assert told[end].amount == Money(7_000, "NGN")


def test_the_money_of_a_lost_dispute_is_told_once(steps: Steps, clock: MovingClock) -> None:
    """Paystack lists it among the refunds as well."""
    paid = steps.pay()
    steps.scene.close_dispute(steps.scene.dispute(str(paid.charge_id), 7_000), won=False)
    clock.advance(MINUTE)
    assert [row["dispute"] for row in steps.books.refunds.values()] != [None]
    for told in (steps.read()[0], steps.find(1, paid.charge_id)):
        assert sorted(fact.stage for fact in told) == ["dispute_lost", "disputed", "settled"]
    rows = list(steps.gateway.rows(clock.now() - timedelta(days=1), clock.now()))
    assert [(row.kind, row.amount_minor) for row in rows] == [
        ("payment", 10_000),
        ("dispute", -7_000),
    ]

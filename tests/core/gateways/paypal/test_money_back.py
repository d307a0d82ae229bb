"""What goes back, by us, by others or by a bank, goes back once and is told as what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billdesk.core.gateways.paypal.objects import Source, refund_fact
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.paypal.steps import told
from tests.core.gateways.till import MINUTE, Till, of_stage
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_shapes import refund_json
from tests.gateway_servers.paypal_wire import Fault, error_body

DAY = timedelta(days=1)


# --- refunds of ours -------------------------------------------------------------------------


def test_a_refund_carries_both_our_ids_and_what_we_say(world: PayPalScene, till: Till) -> None:
    paid = till.pay()
    request = till.refund_request(paid, 2_550)
    refunded = till.gateway.refund(request)
    asked = world.server.requests[-1]
    assert asked.path == f"/v2/payments/captures/{paid.charge_id}/refund"
    assert asked.key == asked.json["invoice_id"] == request.refund_id
    assert asked.json["custom_id"] == f"{paid.request.payment_id},{request.refund_id}"
    assert asked.json["amount"] == {"currency_code": "USD", "value": "25.50"}
    assert (refunded.stage, refunded.refund_id) == ("refunded", request.refund_id)
    assert refunded.detail == asked.json["note_to_payer"] == "asked for by the customer"
    assert (refunded.payment_id, refunded.charge_id) == (paid.request.payment_id, paid.charge_id)
    assert refunded.payment_external_id == paid.opened.object_id
    assert refunded.fee is None


def test_a_refund_needs_no_words_and_cuts_long_ones(world: PayPalScene, till: Till) -> None:
    paid = till.pay()
    till.gateway.refund(replace(till.refund_request(paid, 100), note=""))
    assert "note_to_payer" not in world.server.requests[-1].json
    till.gateway.refund(replace(till.refund_request(paid, 100), note="n" * 300))
    assert world.server.requests[-1].json["note_to_payer"] == "n" * 255


def test_a_refund_finds_the_capture_by_the_order(till: Till) -> None:
    paid = till.pay()
    request = replace(till.refund_request(paid, 100), charge_id=None)
    assert till.gateway.refund(request).charge_id == paid.charge_id


def test_nothing_goes_back_of_what_nobody_paid(till: Till) -> None:
    paid = till.pay()
    opened = till.gateway.open_payment(till.request())
    request = replace(till.refund_request(paid, 100), charge_id=None, external_id=opened.object_id)
    with pytest.raises(GatewayError, match="nothing was paid"):
        till.gateway.refund(request)
    assert till.effects("refund") == 0


def test_the_same_refund_id_for_another_amount_is_refused(till: Till) -> None:
    request = till.refund_request(till.pay(), 100)
    till.gateway.refund(request)
    with pytest.raises(GatewayError, match=r"other content: 1\.00 USD"):
        till.gateway.refund(replace(request, amount=Money(200, "USD")))
    assert till.effects("refund") == 1


@pytest.mark.parametrize(
    ("status", "end"), [("COMPLETED", "refunded"), ("FAILED", "refund_failed")]
)
def test_a_slow_refund_is_pending_until_it_arrives_or_fails(
    world: PayPalScene, till: Till, status: str, end: str
) -> None:
    world.books.pending_refunds = True
    request = till.refund_request(till.pay(), 10_000, whole=True)
    pending = till.gateway.refund(request)
    assert pending.stage == "refund_pending"
    world.books.finish_refund(pending.object_id, status)
    [done] = till.gateway.find_refund(till.refund_query(request, pending))
    assert (done.stage, done.object_id, done.refund_id) == (
        end, pending.object_id, request.refund_id,
    )  # fmt: skip
    assert till.gateway.refund(request).key == done.key, "and PayPal tells the latest"


def test_a_refund_whose_reply_was_lost_is_found_by_our_id_among_others(till: Till) -> None:
    paid = till.pay()
    first, second = till.refund_request(paid, 100), till.refund_request(paid, 200)
    till.gateway.refund(first)
    told = till.gateway.refund(second)
    assert till.gateway.find_refund(till.refund_query(second)) == (
        replace(told, raw=till.gateway.find_refund(till.refund_query(second))[0].raw),
    )


def test_what_paypal_does_not_know_is_not_found(world: PayPalScene, till: Till) -> None:
    paid = till.pay()
    request = till.refund_request(paid, 100)
    unknown = till.refund_query(request)
    assert till.gateway.find_refund(unknown) == ()
    assert till.gateway.find_refund(replace(unknown, external_id="REF404")) == ()
    assert till.gateway.find_refund(replace(unknown, payment_external_id="ORD404")) == ()
    asked = len(world.requests())
    assert till.gateway.find_refund(replace(unknown, payment_external_id="")) == ()
    assert len(world.requests()) == asked


def test_a_refusal_says_what_paypal_says(world: PayPalScene, till: Till) -> None:
    paid = till.pay()
    with pytest.raises(GatewayError, match="paypal said no: REFUND_AMOUNT_EXCEEDED") as refusal:
        till.gateway.refund(till.refund_request(paid, 10_001))
    assert type(refusal.value) is GatewayError, "nothing was done, and that is known"


def test_a_refund_that_paypal_still_works_on_has_an_open_outcome(
    world: PayPalScene, till: Till
) -> None:
    request = till.refund_request(till.pay(), 100)
    body = error_body("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS")
    world.server.faults.append(Fault("POST", "/refund", status=409, body=body))
    with pytest.raises(GatewayUnreachable, match="PREVIOUS_REQUEST_IN_PROGRESS"):
        till.gateway.refund(request)


def test_a_fee_that_paypal_gives_back_is_a_fee_below_zero(world: PayPalScene, till: Till) -> None:
    refunded = till.gateway.refund(till.refund_request(till.pay(), 10_000))
    shape = refund_json(world.books.refunds[refunded.object_id])
    shape["seller_payable_breakdown"]["paypal_fee"]["value"] = "0.49"
    assert refund_fact(Source("paypal", "", "test"), shape).fee == Money(-49, "USD")
    del shape["seller_payable_breakdown"]
    del shape["custom_id"]
    plain = refund_fact(Source("paypal", "", "test"), shape)
    assert (plain.fee, plain.payment_id, plain.refund_id) == (None, None, None)


# --- what others do --------------------------------------------------------------------------


def test_a_refund_made_on_paypals_site_is_not_taken_for_ours(
    world: PayPalScene, till: Till
) -> None:
    paid = till.pay()
    world.refund_outside(paid.charge_id, 2_500)
    [fact] = of_stage(told(till), "refunded")
    assert (fact.payment_id, fact.refund_id) == (paid.request.payment_id, None)


def test_money_paypal_takes_back_without_a_dispute_is_a_refund_from_outside(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    paid = till.pay()
    world.books.reverse(world.books.captures[paid.charge_id], Decimal(30))
    clock.advance(MINUTE)
    [seen] = of_stage(told(till), "refunded")
    assert (seen.amount, seen.charge_id, seen.refund_id) == (
        Money(3_000, "USD"), paid.charge_id, None,
    )  # fmt: skip
    [swept] = of_stage(till.swept(paid.opened.happened_at), "refunded")
    assert swept.key == seen.key
    assert swept.detail == "reversed by PayPal"


def test_money_taken_back_for_a_dispute_is_told_as_that_dispute_and_not_twice(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    paid = till.pay()
    dispute_id = world.dispute(paid.charge_id, 10_000)
    clock.advance(MINUTE)
    world.close_dispute(dispute_id, won=False)
    clock.advance(MINUTE)
    facts = told(till) + till.swept(paid.opened.happened_at)
    assert of_stage(facts, "refunded") == []
    [lost] = of_stage(facts, "dispute_lost")
    assert (lost.object_id, lost.amount) == (dispute_id, Money(10_000, "USD"))
    assert (lost.payment_id, lost.charge_id) == (paid.request.payment_id, paid.charge_id)
    assert lost.detail == "unauthorised"


def test_a_part_lost_is_the_part_that_went(world: PayPalScene, till: Till) -> None:
    paid = till.pay()
    world.dispute(paid.charge_id, 10_000)
    [dispute] = world.books.disputes.values()
    dispute.amount_lost = Decimal(40)
    world.close_dispute(dispute.id, won=False)
    facts = told(till)
    assert [fact.amount for fact in of_stage(facts, "disputed")] == [Money(10_000, "USD")]
    assert [fact.amount for fact in of_stage(facts, "dispute_lost")] == [Money(4_000, "USD")]


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        ("RESOLVED_SELLER_FAVOUR", "dispute_won"),
        ("CANCELED_BY_BUYER", "dispute_won"),
        ("RESOLVED_WITH_PAYOUT", "dispute_won"),
        ("DENIED", "dispute_won"),
        ("ACCEPTED", "dispute_lost"),
    ],
)
def test_every_outcome_of_a_dispute_is_won_or_lost(
    world: PayPalScene, till: Till, outcome: str, end: str
) -> None:
    dispute_id = world.dispute(till.pay().charge_id, 10_000)
    world.books.close_dispute(dispute_id, outcome)
    assert [fact.stage for fact in told(till) if fact.object_id == dispute_id][-1] == end


def test_without_the_right_to_read_disputes_money_taken_back_is_told_plainly(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    paid = till.pay()
    dispute_id = world.dispute(paid.charge_id, 10_000)
    world.close_dispute(dispute_id, won=False)
    world.server.forbidden.add("/v1/customer/disputes")
    clock.advance(MINUTE)
    assert len(of_stage(told(till), "refunded")) == 1
    swept = till.swept(paid.opened.happened_at)
    assert [fact.stage for fact in swept] == ["settled", "refunded"]

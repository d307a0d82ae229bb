"""Stripe: a payment from its opening to its end, and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.rules.gateway import (
    Fact,
    OffSessionRequest,
    PaymentQuery,
    PaymentRequest,
    RefundQuery,
    RefundRequest,
)
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.gateway_servers.stripe_books import JSON
from tests.gateway_servers.stripe_scene import StripeScene
from tests.gateway_servers.stripe_server import Reply

REQUEST = PaymentRequest("pay_1", Money(10_000, "USD"), "acme", "deposit", "a@acme.test")


def query(scene: StripeScene, external_id: str | None, payment_id: str = "pay_1") -> PaymentQuery:
    return PaymentQuery(payment_id, external_id, None, scene.clock.now())


def stages(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.stage for fact in facts]


def session(scene: StripeScene) -> JSON:
    return scene.books.of("checkout.session")[0]


# --- what is asked for -----------------------------------------------------------------------


def test_our_id_goes_wherever_it_can_be_found_again(scene: StripeScene, stripe: Stripe) -> None:
    stripe.open_payment(REQUEST)
    made = session(scene)
    assert made["client_reference_id"] == "pay_1"
    assert made["metadata"] == made["_intent_data"]["metadata"]
    assert made["metadata"] == {
        "billdesk_payment": "pay_1", "billdesk_account": "acme", "billdesk_flow": "checkout",
    }  # fmt: skip
    assert scene.server.keys[-1] == "pay_1"
    assert made["customer_email"] == "a@acme.test"
    assert (made["customer_creation"], made["_intent_data"].get("setup_future_usage")) == (
        None, None,
    )  # fmt: skip


def test_what_is_asked_for_is_paid_at_once_and_in_its_own_currency(
    scene: StripeScene, stripe: Stripe
) -> None:
    """Otherwise Stripe tells the fee later, and may sell in the customer's currency."""
    stripe.open_payment(REQUEST)
    made = session(scene)
    assert made["_intent_data"]["capture_method"] == "automatic"
    assert made["_asked"]["adaptive_pricing"] == {"enabled": "false"}
    assert "expires_at" not in made["_asked"]


def test_a_payment_without_words_still_has_a_line(scene: StripeScene, stripe: Stripe) -> None:
    opened = stripe.open_payment(replace(REQUEST, description="", email=None))
    assert opened.amount == REQUEST.amount


def test_what_was_paid_with_is_kept_when_it_shall_be(scene: StripeScene, stripe: Stripe) -> None:
    opened = stripe.open_payment(replace(REQUEST, save_method=True))
    scene.pay(opened)
    [settled] = stripe.find(query(scene, opened.object_id))
    assert settled.method is not None
    assert (settled.method.label, settled.method.expires) == ("Visa ···· 4242", "2028-04")
    [saved] = stripe.methods(settled.method.customer_id)
    assert saved == settled.method


def test_a_known_customer_pays_as_one(scene: StripeScene, stripe: Stripe) -> None:
    customer_id = stripe.ensure_customer("acme", "Acme", "a@acme.test")
    stripe.open_payment(replace(REQUEST, customer_id=customer_id, save_method=True))
    assert session(scene)["customer"] == customer_id
    assert session(scene)["customer_email"] is None


def test_what_was_paid_with_once_is_no_method(scene: StripeScene, stripe: Stripe) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.pay(opened)
    used = scene.books.of("payment_method")[0]
    used["customer"] = "cus_1"  # known to Stripe, but nobody was asked whether it may be used again
    [settled] = stripe.find(query(scene, opened.object_id))
    assert settled.method is None
    assert settled.fee == Money(320, "USD")
    assert settled.charge_id == settled.occurrence == session(scene)["payment_intent"]


def test_a_fee_kept_in_another_currency_is_no_part_of_the_amount(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.pay(opened)
    scene.books.of("balance_transaction")[0]["currency"] = "eur"
    [settled] = stripe.find(query(scene, opened.object_id))
    assert (settled.amount, settled.fee) == (Money(10_000, "USD"), None)


def test_no_raw_text_carries_what_a_browser_pays_with(scene: StripeScene, stripe: Stripe) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.pay(opened)
    found = stripe.find(query(scene, opened.object_id))
    told = stripe.facts(None)
    raws = [fact.raw for fact in (*found, *told.facts)] + [event.raw for event in told.events]
    assert [raw for raw in raws if "never_shown" in raw] == []


def test_a_lost_opening_is_found_by_our_id_though_clocks_differ(
    scene: StripeScene, stripe: Stripe
) -> None:
    scene.books.skew_seconds = -600
    stripe.open_payment(replace(REQUEST, payment_id="pay_0"))
    opened = stripe.open_payment(REQUEST)
    [found] = stripe.find(query(scene, None))
    assert found.key == opened.key


def test_an_opened_payment_that_stripe_forgot_is_not_found(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = stripe.open_payment(REQUEST)
    del scene.books.objects[opened.object_id]
    assert stripe.find(query(scene, opened.object_id)) == ()


# --- slow banks, refusals ------------------------------------------------------------------------


def test_done_but_unpaid_is_processing_until_the_bank_has_paid(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.books.pay_slowly(opened.object_id)
    assert stages(stripe.find(query(scene, opened.object_id))) == ["processing"]
    scene.books.arrive(opened.object_id)
    found = stripe.find(query(scene, opened.object_id))
    assert stages(found) == ["settled"]
    before = len(scene.requests())
    told = stripe.facts(None).facts
    assert {fact.key for fact in told if fact.stage == "settled"} == {found[0].key}
    assert len(scene.requests()) == before + 2, "two events of one session fetch it once"


def test_a_slow_bank_that_says_no_ends_it(scene: StripeScene, stripe: Stripe) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.books.pay_slowly(opened.object_id)
    scene.books.bounce(opened.object_id)
    [declined] = stripe.find(query(scene, opened.object_id))
    assert declined.stage == "declined"
    told = [fact for fact in stripe.facts(None).facts if fact.stage == "declined"]
    assert {fact.key for fact in told} == {declined.key}


def test_a_slow_payment_taken_back_without_a_reason_is_declined(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.books.pay_slowly(opened.object_id)["status"] = "canceled"
    [declined] = stripe.find(query(scene, opened.object_id))
    assert (declined.stage, declined.detail) == ("declined", "the customer's bank said no")


def test_every_refused_attempt_is_told_once_and_the_payment_is_open_again(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.decline(opened)
    declined, again = stripe.find(query(scene, opened.object_id))
    assert (declined.stage, again.stage) == ("declined", "opened")
    assert declined.occurrence.startswith("ch_")
    assert again.pay_url == opened.pay_url
    assert again.key != opened.key
    scene.decline(opened)
    second, _ = stripe.find(query(scene, opened.object_id))
    scene.pay(opened)
    [settled] = stripe.find(query(scene, opened.object_id))
    told = stripe.facts(None).facts
    refused = {fact.key for fact in told if fact.stage == "declined"}
    assert refused == {declined.key, second.key}
    assert len(refused) == 2
    assert {fact.object_id for fact in told} == {settled.object_id} == {opened.object_id}


def test_an_attempt_that_came_to_no_charge_has_a_name_too(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = stripe.open_payment(REQUEST)
    intent = scene.books.decline(opened.object_id, "authentication_required")
    [declined, _] = stripe.find(query(scene, opened.object_id))
    assert declined.occurrence.startswith(f"{intent['id']}:authentication_required:pm_")
    told = [fact for fact in stripe.facts(None).facts if fact.stage == "declined"]
    assert [fact.key for fact in told] == [declined.key]


def test_an_attempt_is_dated_by_its_own_charge_or_not_at_all(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.decline(opened)
    declined_at = clock.now()
    clock.advance(timedelta(minutes=1))
    assert stripe.find(query(scene, opened.object_id))[0].happened_at == declined_at
    scene.books.decline(opened.object_id, "authentication_required")
    clock.advance(timedelta(minutes=1))
    assert stripe.find(query(scene, opened.object_id))[0].happened_at == clock.now()


# --- without the customer ------------------------------------------------------------------------


def off_session(scene: StripeScene, stripe: Stripe, outcome: str = "pays") -> OffSessionRequest:
    customer_id = stripe.ensure_customer("acme", "Acme", None)
    used = scene.books.save_method(customer_id, outcome)
    return OffSessionRequest(
        "pay_9", Money(5_000, "USD"), "acme", "top-up", customer_id, used["id"]
    )


def test_a_charge_tells_its_fee_and_what_it_was_paid_with(
    scene: StripeScene, stripe: Stripe
) -> None:
    charged = stripe.charge(off_session(scene, stripe))
    assert charged.fee == Money(175, "USD")
    assert charged.method is not None
    assert charged.object_id == charged.charge_id == charged.occurrence
    assert scene.server.keys[-2] == "pay_9"
    asked = scene.server.forms[-2]
    assert (asked["off_session"], asked["confirm"], asked["capture_method"]) == (
        "true", "true", "automatic",
    )  # fmt: skip


def test_a_charge_is_told_even_if_its_fee_cannot_be_asked_for(
    scene: StripeScene, stripe: Stripe
) -> None:
    request = off_session(scene, stripe)
    scene.server.answer, scene.server.answers_after = Reply(500, {"error": {}}), 1
    charged = stripe.charge(request)
    assert (charged.stage, charged.fee) == ("settled", None)
    assert charged.key == stripe.charge(request).key


def test_a_declined_charge_is_the_same_to_who_asks_and_who_polls(
    scene: StripeScene, stripe: Stripe
) -> None:
    request = off_session(scene, stripe, "insufficient_funds")
    declined = stripe.charge(request)
    assert stripe.charge(request) == declined
    [found] = stripe.find(query(scene, None, "pay_9"))
    told = [fact for fact in stripe.facts(None).facts if fact.stage == "declined"]
    assert [fact.key for fact in told] == [found.key] == [declined.key]
    assert found.happened_at == scene.clock.now()


@pytest.mark.parametrize(("outcome", "stage"), [("slow", "processing"), ("asks", "declined")])
def test_a_charge_that_waits(scene: StripeScene, stripe: Stripe, outcome: str, stage: str) -> None:
    charged = stripe.charge(off_session(scene, stripe, outcome))
    assert charged.stage == stage
    [found] = stripe.find(query(scene, charged.object_id, "pay_9"))
    assert found.key == charged.key


def test_a_charge_taken_back_has_expired(scene: StripeScene, stripe: Stripe) -> None:
    charged = stripe.charge(off_session(scene, stripe, "slow"))
    scene.books.get(charged.object_id)["status"] = "canceled"
    assert stages(stripe.find(query(scene, charged.object_id))) == ["expired"]


def test_a_refusal_that_names_no_payment_is_looked_up_or_passed_on(
    scene: StripeScene, stripe: Stripe
) -> None:
    request = off_session(scene, stripe, "card_declined")
    nameless = Reply(402, {"error": {"type": "card_error", "message": "no"}})
    scene.server.answer = nameless
    with pytest.raises(GatewayError, match="no"):
        stripe.charge(request)
    declined = stripe.charge(request)
    scene.server.answer = nameless
    assert stripe.charge(request).key == declined.key


def test_a_receipt_goes_where_it_is_wanted(scene: StripeScene, stripe: Stripe) -> None:
    request = replace(off_session(scene, stripe), email="a@acme.test")
    assert stripe.charge(request).stage == "settled"


# --- keys ------------------------------------------------------------------------------------------


def test_a_failure_kept_under_a_key_does_not_keep_a_customer_from_paying(
    scene: StripeScene, stripe: Stripe
) -> None:
    scene.server.fails_keyed = True
    with pytest.raises(GatewayUnreachable):
        stripe.open_payment(REQUEST)
    opened = stripe.open_payment(REQUEST)
    assert scene.server.keys[-2:] == ["pay_1", "pay_1:again"]
    assert stripe.open_payment(REQUEST).key == opened.key


def test_a_failure_kept_under_a_key_is_never_a_reason_to_charge_twice(
    scene: StripeScene, stripe: Stripe
) -> None:
    request = off_session(scene, stripe)
    scene.server.fails_keyed = True
    for _ in range(2):
        with pytest.raises(GatewayUnreachable):
            stripe.charge(request)
    assert [kind for kind, _, _ in scene.effects()] == ["payment"]
    [found] = stripe.find(query(scene, None, "pay_9"))
    assert found.stage == "settled"


# --- money back ------------------------------------------------------------------------------------


def paid(scene: StripeScene, stripe: Stripe) -> Fact:
    opened = stripe.open_payment(REQUEST)
    scene.pay(opened)
    [settled] = stripe.find(query(scene, opened.object_id))
    return settled


def refund_of(settled: Fact, minor: int = 4_000) -> RefundRequest:
    return RefundRequest(
        "ref_1", "pay_1", settled.object_id, settled.charge_id, Money(minor, "USD"),
        whole=False, note="n" * 600,
    )  # fmt: skip


def refund_query(
    request: RefundRequest, external_id: str | None, clock: MovingClock
) -> RefundQuery:
    return RefundQuery(
        request.refund_id, external_id, request.payment_id, request.external_id, None,
        request.amount, clock.now(),
    )  # fmt: skip


def test_a_refund_carries_our_ids_and_those_of_its_payment(
    scene: StripeScene, stripe: Stripe
) -> None:
    settled = paid(scene, stripe)
    refunded = stripe.refund(refund_of(settled))
    assert (refunded.refund_id, refunded.payment_id) == ("ref_1", "pay_1")
    assert refunded.payment_external_id == settled.object_id
    assert refunded.charge_id == settled.charge_id
    assert scene.server.keys[-1] == "ref_1"


def test_a_refund_finds_what_was_paid_by_itself(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    settled = paid(scene, stripe)
    request = replace(refund_of(settled), charge_id=None)
    refunded = stripe.refund(request)
    assert refunded.charge_id == settled.charge_id
    [found] = stripe.find_refund(refund_query(request, None, clock))
    assert found.key == refunded.key
    of_the_charge = replace(request, external_id=settled.charge_id or "", refund_id="ref_2")
    assert stripe.refund(of_the_charge).charge_id == settled.charge_id


def test_what_was_never_paid_cannot_be_given_back(scene: StripeScene, stripe: Stripe) -> None:
    opened = stripe.open_payment(REQUEST)
    with pytest.raises(GatewayError, match="never paid"):
        stripe.refund(refund_of(opened))
    with pytest.raises(GatewayError, match="never paid"):
        stripe.refund(refund_of(replace(opened, object_id="cs_test_gone")))


def test_a_refund_that_comes_back_later_has_failed(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    settled = paid(scene, stripe)
    request = refund_of(settled)
    refunded = stripe.refund(request)
    clock.advance(timedelta(days=3))
    scene.books.fail_refund(refunded.object_id)
    [failed] = stripe.find_refund(refund_query(request, refunded.object_id, clock))
    assert (failed.stage, failed.detail) == ("refund_failed", "lost_or_stolen_card")
    assert failed.happened_at == clock.now()
    told = [fact for fact in stripe.facts(None).facts if fact.stage == "refund_failed"]
    assert {fact.key for fact in told} == {failed.key}


def test_a_refund_nobody_knows_is_not_found(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    request = refund_of(paid(scene, stripe))
    assert stripe.find_refund(refund_query(request, "re_gone", clock)) == ()
    assert stripe.find_refund(refund_query(request, None, clock)) == ()


def test_a_refund_made_elsewhere_still_names_our_payment(
    scene: StripeScene, stripe: Stripe
) -> None:
    settled = paid(scene, stripe)
    scene.refund_outside(settled.charge_id or "", 2_500)
    told = [fact for fact in stripe.facts(None).facts if fact.stage == "refunded"]
    assert {(fact.payment_id, fact.refund_id, fact.charge_id) for fact in told} == {
        ("pay_1", None, settled.charge_id)
    }


def test_what_became_of_a_payment_is_told_with_it(scene: StripeScene, stripe: Stripe) -> None:
    settled = paid(scene, stripe)
    scene.refund_outside(settled.charge_id or "", 1_000)
    scene.refund_outside(settled.charge_id or "", 2_000)
    dispute_id = scene.dispute(settled.charge_id or "", 7_000)
    scene.close_dispute(dispute_id, won=False)
    found = stripe.find(query(scene, settled.object_id))
    assert stages(found) == ["settled", "refunded", "refunded", "disputed", "dispute_lost"]
    assert [fact.amount for fact in found[1:3]] == [Money(1_000, "USD"), Money(2_000, "USD")]
    assert [fact.fee for fact in found[3:]] == [Money(1_500, "USD"), None]
    assert found[3].payment_id == "pay_1"


def test_an_off_session_payment_is_named_by_what_is_given_back(
    scene: StripeScene, stripe: Stripe
) -> None:
    charged = stripe.charge(off_session(scene, stripe))
    scene.refund_outside(charged.object_id, 5_000)
    _, refunded = stripe.find(query(scene, charged.object_id, "pay_9"))
    assert refunded.payment_external_id == charged.object_id
    assert refunded.payment_id == "pay_9"

"""What Stripe's events say, in today's shape and in others."""

from __future__ import annotations

import pytest

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.rules.gateway import PaymentRequest
from billdesk.core.values.errors import GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.stripe.steps import foreign_intent, pay, read, stages
from tests.gateway_servers.stripe_books import JSON
from tests.gateway_servers.stripe_scene import StripeScene
from tests.gateway_servers.stripe_server import Reply

# --- what events say -----------------------------------------------------------------------------


def test_a_payment_link_of_somebody_else_is_told_once_and_without_an_id_of_ours(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = scene.books.open_session(
        {
            "mode": "payment",
            "client_reference_id": "pay_1",
            "line_items": [{"price_data": {"unit_amount": 700, "currency": "usd"}}],
        }
    )
    intent = scene.books.pay(opened["id"])
    told = [fact for fact in stripe.facts(None).facts if fact.stage == "settled"]
    assert len(told) == 2
    assert len({fact.key for fact in told}) == 1
    assert (told[0].object_id, told[0].payment_id) == (intent["id"], None)
    assert told[0].amount == Money(700, "USD")


def test_what_somebody_else_opened_and_nobody_paid_is_not_told(
    scene: StripeScene, stripe: Stripe
) -> None:
    lines = [{"price_data": {"unit_amount": 700, "currency": "usd"}}]
    scene.books.open_session({"mode": "payment", "line_items": lines})
    gone = scene.books.open_session({"mode": "payment", "line_items": lines})
    scene.books.expire(gone["id"])
    foreign_intent(scene)["status"] = "canceled"
    page = stripe.facts(None)
    assert (page.facts, len(page.events)) == ((), 1)
    swept = [stripe.sweep(scene.clock.now(), None)]
    swept.append(stripe.sweep(scene.clock.now(), swept[0].cursor))
    assert [page.facts for page in swept] == [(), ()]


def test_a_refused_attempt_of_somebody_else_is_told(scene: StripeScene, stripe: Stripe) -> None:
    error = {"type": "card_error", "message": "no"}
    intent = foreign_intent(scene)
    intent |= {"last_payment_error": error, "status": "requires_payment_method"}
    scene.books.tell("payment_intent.payment_failed", intent)
    [declined] = stripe.facts(None).facts
    assert (declined.stage, declined.payment_id) == ("declined", None)
    assert declined.occurrence == f"{intent['id']}:card_error:"


def test_a_refused_attempt_is_told_after_its_session_was_paid(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = stripe.open_payment(PaymentRequest("pay_1", Money(500, "USD"), "acme", "deposit"))
    scene.decline(opened)
    scene.pay(opened)
    page = stripe.facts(None)
    assert stages(page) == ["declined", "settled"]
    assert {fact.object_id for fact in page.facts} == {opened.object_id}


def test_a_session_that_expired_is_told(scene: StripeScene, stripe: Stripe) -> None:
    opened = stripe.open_payment(PaymentRequest("pay_1", Money(500, "USD"), "acme", "deposit"))
    scene.abandon(opened)
    [expired] = stripe.facts(None).facts
    [found] = stripe.sweep(scene.clock.now(), None).facts
    assert (expired.stage, expired.payment_id) == ("expired", "pay_1")
    assert found.key == expired.key


def test_a_card_saved_on_stripes_page_is_told(scene: StripeScene, stripe: Stripe) -> None:
    customer_id = stripe.ensure_customer("acme", "Acme", None)
    page = stripe.method_page(customer_id, "acme")
    assert stripe.facts(None).facts == ()
    assert stripe.sweep(scene.clock.now(), None).facts == (), "an open page has saved nothing"
    method_id = scene.save_method(customer_id)
    [saved] = stripe.facts(None).facts
    assert (saved.stage, saved.object_id) == ("method_saved", method_id)
    assert saved.method is not None
    assert (saved.method.customer_id, saved.method.label) == (customer_id, "Visa ···· 4242")
    assert page.external_id in saved.raw
    assert stripe.methods(customer_id) == (saved.method,)


def test_a_session_of_a_subscription_says_nothing_by_itself(
    scene: StripeScene, stripe: Stripe
) -> None:
    session = scene.books.open_session({"mode": "setup"}) | {"mode": "subscription"}
    scene.books.objects[session["id"]] = session
    scene.books.tell("checkout.session.completed", session)
    page = stripe.facts(None)
    assert (page.facts, len(page.events)) == ((), 1)


def test_a_refund_of_a_charge_tells_each_and_not_their_sum(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = pay(scene, stripe)
    intent_id = scene.books.get(opened.object_id)["payment_intent"]
    cursor = read(stripe, None).cursor
    for minor in (1_000, 2_000):
        scene.refund_outside(intent_id, minor)
    told = [fact for fact in stripe.facts(cursor).facts if fact.stage == "refunded"]
    amounts = {fact.object_id: fact.amount for fact in told}
    assert sorted(amounts.values(), key=str) == [Money(1_000, "USD"), Money(2_000, "USD")]


@pytest.mark.parametrize("status", ["warning_closed", "prevented"])
def test_a_closed_inquiry_took_nothing(scene: StripeScene, stripe: Stripe, status: str) -> None:
    opened = pay(scene, stripe)
    intent_id = scene.books.get(opened.object_id)["payment_intent"]
    dispute = scene.books.dispute(intent_id, 10_000)
    dispute |= {"status": status, "balance_transactions": []}
    scene.books.tell("charge.dispute.closed", dispute)
    told = [fact for fact in stripe.facts(None).facts if fact.object_id == dispute["id"]]
    assert {fact.stage for fact in told} == {"disputed", "dispute_won"}
    assert {fact.fee for fact in told} == {None}


# --- other shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [{}, {"last_payment_error": None}])
def test_an_old_snapshot_without_a_needed_key_is_fetched_anew(
    scene: StripeScene, stripe: Stripe, shown: JSON
) -> None:
    intent = foreign_intent(scene)
    event = scene.books.tell("payment_intent.payment_failed", intent)
    del event["data"]["object"]["last_payment_error"]
    event["data"]["object"] |= shown
    intent |= {
        "status": "requires_payment_method",
        "last_payment_error": {"type": "card_error", "message": "no", "charge": "ch_1"},
    }
    [declined] = stripe.facts(None).facts
    assert (declined.stage, declined.occurrence) == ("declined", "ch_1")


def test_an_object_that_is_gone_is_told_from_its_event(scene: StripeScene, stripe: Stripe) -> None:
    intent = foreign_intent(scene)
    scene.books.tell("payment_intent.succeeded", intent)
    del scene.books.objects[intent["id"]]
    [settled] = stripe.facts(None).facts
    assert (settled.stage, settled.fee) == ("settled", None)


def test_what_nobody_understands_is_kept_and_stops_nothing(
    scene: StripeScene, stripe: Stripe
) -> None:
    gone = foreign_intent(scene)
    event = scene.books.tell("refund.updated", gone, object="refund", metadata=None)
    del scene.books.objects[gone["id"]]
    strange = foreign_intent(scene)
    other = scene.books.tell("payment_intent.succeeded", strange)
    strange["currency"] = None
    pay(scene, stripe)
    first, second, third = stripe.facts(None).facts
    assert (first.stage, first.occurrence) == ("unknown", event["id"])
    assert (second.stage, second.occurrence) == ("unknown", other["id"])
    assert second.detail.startswith("payment_intent.succeeded: ")
    assert third.stage == "settled"


def test_money_finer_than_it_goes_is_kept_unread(scene: StripeScene, stripe: Stripe) -> None:
    intent = foreign_intent(scene)
    intent |= {"amount": 150, "currency": "isk"}
    scene.books.tell("payment_intent.succeeded", intent)
    [fact] = stripe.facts(None).facts
    assert (fact.stage, fact.amount) == ("unknown", None)


def test_an_answer_in_no_known_shape_tells_nothing(scene: StripeScene, stripe: Stripe) -> None:
    scene.server.answer = Reply(200, {"object": "surprise"})
    with pytest.raises(GatewayUnreachable, match="not understood"):
        stripe.facts(None)

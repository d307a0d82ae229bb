"""What Stripe bills by itself: invoices and subscriptions, in events and as they stand."""

from __future__ import annotations

import pytest

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.rules.gateway import Stage
from billdesk.core.values.clock import from_micros
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money
from tests.gateway_servers.stripe_books import JSON
from tests.gateway_servers.stripe_scene import StripeScene


def invoice(scene: StripeScene, **fields: object) -> JSON:
    given = {
        "amount_due": 5_000, "amount_paid": 0, "currency": "usd", "status": "draft",
        "attempted": False, "attempt_count": 0, "last_finalization_error": None,
        "status_transitions": {"finalized_at": 1_700_000_100, "paid_at": 1_700_000_200},
    }  # fmt: skip
    return scene.books.make("in", "invoice", **{**given, **fields})


@pytest.mark.parametrize(
    ("fields", "stage", "minor", "seconds"),
    [
        ({}, "invoice_created", 5_000, None),
        ({"status": "open"}, "invoice_finalized", 5_000, 1_700_000_100),
        ({"status": "paid", "amount_paid": 4_000}, "invoice_paid", 4_000, 1_700_000_200),
        ({"status": "open", "attempted": True}, "invoice_failed", 5_000, None),
        ({"status": "uncollectible"}, "invoice_finalized", 5_000, 1_700_000_100),
    ],
)
def test_an_invoice_as_it_stands(
    scene: StripeScene,
    stripe: Stripe,
    fields: dict[str, object],
    stage: Stage,
    minor: int,
    seconds: int | None,
) -> None:
    made = invoice(scene, **fields)
    fact = stripe.invoice(made["id"])
    assert (fact.stage, fact.object_id, fact.amount) == (stage, made["id"], Money(minor, "USD"))
    expected = from_micros(seconds * 10**6) if seconds else scene.clock.now()
    assert fact.happened_at == expected


def test_a_voided_invoice_is_closed(scene: StripeScene, stripe: Stripe) -> None:
    fact = stripe.invoice(invoice(scene, status="void")["id"])
    assert (fact.stage, fact.detail) == ("invoice_closed", "void")


def test_an_invoice_nobody_knows_is_an_error(stripe: Stripe) -> None:
    with pytest.raises(GatewayError):
        stripe.invoice("in_gone")
    with pytest.raises(GatewayError):
        stripe.subscription("sub_gone")


def test_paid_is_told_once_whichever_event_says_it(scene: StripeScene, stripe: Stripe) -> None:
    made = invoice(scene)
    scene.books.tell("invoice.created", made)
    made |= {"status": "open"}
    scene.books.tell("invoice.finalized", made)
    made |= {"status": "paid", "amount_paid": 5_000}
    scene.books.tell("invoice.payment_succeeded", made)
    scene.books.tell("invoice.paid", made)
    told = stripe.facts(None).facts
    assert [fact.stage for fact in told] == [
        "invoice_created", "invoice_finalized", "invoice_paid", "invoice_paid",
    ]  # fmt: skip
    assert len({fact.key for fact in told}) == 3
    assert told[-1].key == stripe.invoice(made["id"]).key


def test_every_failed_attempt_is_told(scene: StripeScene, stripe: Stripe) -> None:
    made = invoice(scene, status="open", attempted=True)
    made["last_finalization_error"] = {"message": "the tax is unknown"}
    for attempt in (1, 2):
        made["attempt_count"] = attempt
        scene.books.tell("invoice.payment_failed", made)
    told = stripe.facts(None).facts
    assert [fact.occurrence for fact in told] == [f"{made['id']}:1", f"{made['id']}:2"]
    assert told[-1].detail == "the tax is unknown"
    assert stripe.invoice(made["id"]).key == told[-1].key


def test_an_invoice_of_an_older_interface_is_read_from_what_it_is_now(
    scene: StripeScene, stripe: Stripe
) -> None:
    made = invoice(scene)
    event = scene.books.tell("invoice.created", made)
    del event["data"]["object"]["amount_due"]
    [fact] = stripe.facts(None).facts
    assert (fact.stage, fact.amount) == ("invoice_created", Money(5_000, "USD"))


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("active", "subscription_changed"),
        ("past_due", "subscription_changed"),
        ("canceled", "subscription_ended"),
        ("incomplete_expired", "subscription_ended"),
    ],
)
def test_a_subscription_as_it_stands(
    scene: StripeScene, stripe: Stripe, status: str, stage: Stage
) -> None:
    made = scene.books.make("sub", "subscription", status=status, ended_at=None)
    fact = stripe.subscription(made["id"])
    assert (fact.stage, fact.object_id, fact.detail) == (stage, made["id"], status)
    assert stripe.subscription(made["id"]).key == fact.key
    assert fact.happened_at == scene.clock.now()


def test_a_changed_subscription_is_another_occurrence(scene: StripeScene, stripe: Stripe) -> None:
    made = scene.books.make("sub", "subscription", status="active")
    before = stripe.subscription(made["id"])
    made["cancel_at_period_end"] = not made.get("cancel_at_period_end")
    assert stripe.subscription(made["id"]).key != before.key


def test_the_life_of_a_subscription_is_told(scene: StripeScene, stripe: Stripe) -> None:
    made = scene.books.make("sub", "subscription", status="trialing", trial_end=1_700_000_000)
    scene.books.tell("customer.subscription.trial_will_end", made)
    for status in ("active", "past_due", "active"):
        made["status"] = status
        scene.books.tell("customer.subscription.updated", made)
    made |= {"status": "canceled", "ended_at": 1_700_000_500}
    scene.books.tell("customer.subscription.deleted", made)
    told = stripe.facts(None).facts
    assert [fact.stage for fact in told] == [
        "trial_ending", *["subscription_changed"] * 3, "subscription_ended",
    ]  # fmt: skip
    assert len({fact.key for fact in told}) == 5, "back to active is told, too"
    assert told[0].occurrence == f"{made['id']}:1700000000"
    assert stripe.subscription(made["id"]).key == told[-1].key

"""Every event is read as what it says, or kept in sight until somebody understands it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money
from tests.core.gateways.paypal.steps import one_fact, told
from tests.core.gateways.till import Till, keys, of_stage
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_shapes import order_json, refund_json


def test_every_event_is_kept_as_it_came(world: PayPalScene, till: Till) -> None:
    till.pay()
    pages = till.pages(till.gateway.facts, None)
    events = [event for page in pages for event in page.events]
    assert [json.loads(event.raw) for event in events] == world.books.events
    assert [event.type for event in events] == [
        "CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED",
    ]  # fmt: skip
    assert [event.object_id for event in events] == ["ORD00000000000001", "CAP00000000000003"]


def test_an_agreement_is_told_before_the_money_is(world: PayPalScene, till: Till) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.pay(opened)
    [agreed] = told(till)
    assert (agreed.stage, agreed.object_id) == ("opened", opened.object_id)
    assert (agreed.payment_id, agreed.key != opened.key) == (request.payment_id, True)
    assert "agreed" in agreed.detail


def test_a_completed_order_and_a_refund_on_its_way_are_told_as_they_are(
    world: PayPalScene, till: Till
) -> None:
    paid = till.pay()
    order = world.books.orders[paid.opened.object_id]
    done = one_fact(world, till, "CHECKOUT.ORDER.COMPLETED", order_json(order))
    assert done.key == paid.settled.key
    world.books.pending_refunds = True
    pending = till.gateway.refund(till.refund_request(paid, 100))
    refund = world.books.refunds[pending.object_id]
    seen = one_fact(world, till, "PAYMENT.REFUND.PENDING", refund_json(refund))
    assert (seen.key, seen.refund_id) == (pending.key, pending.refund_id)


def test_a_payment_without_our_id_is_known_by_its_capture(world: PayPalScene, till: Till) -> None:
    paid = till.pay()
    [resource] = [one["resource"] for one in world.books.events if "CAPTURE" in one["event_type"]]
    del resource["custom_id"]
    [settled] = of_stage(told(till), "settled")
    assert (settled.object_id, settled.payment_id) == (paid.charge_id, None)


@pytest.mark.parametrize(
    "where", [{"supplementary_data": {"related_ids": {"order_id": "ORDER1"}}}, {"links": []}]
)
def test_a_payment_is_known_by_its_order_as_far_as_it_is_named(
    world: PayPalScene, till: Till, where: dict[str, Any]
) -> None:
    paid = till.pay()
    [resource] = [one["resource"] for one in world.books.events if "CAPTURE" in one["event_type"]]
    resource |= where
    [settled] = of_stage(told(till), "settled")
    assert settled.object_id == ("ORDER1" if "supplementary_data" in where else paid.charge_id)
    assert settled.payment_id == paid.request.payment_id


def test_saved_and_removed_methods_are_told(world: PayPalScene, till: Till) -> None:
    card = {"last_digits": "4242", "brand": "VISA", "expiry": "2030-01"}
    method = world.books.save_method("customer1", "card", card)
    world.books.remove_method(method.id)
    saved, removed = told(till)
    assert (saved.stage, removed.stage) == ("method_saved", "method_removed")
    assert saved.object_id == removed.object_id == method.id
    assert saved.method is not None
    assert (saved.method.label, saved.method.expires) == ("Visa ···· 4242", "2030-01")
    assert saved.method.customer_id == "customer1"
    assert removed.method is None


SUBSCRIPTION = {
    "id": "I-BW452GLLEP1G",
    "status": "ACTIVE",
    "custom_id": "whatever",
    "create_time": "2026-01-02T00:00:00Z",
    "update_time": "2026-01-04T00:00:00Z",
    "billing_info": {
        "outstanding_balance": {"currency_code": "USD", "value": "10.00"},
        "failed_payments_count": 1,
        "last_failed_payment": {
            "amount": {"currency_code": "USD", "value": "10.00"},
            "time": "2026-01-05T08:59:00Z",
            "reason_code": "PAYMENT_DENIED",
        },
    },
}


@pytest.mark.parametrize(
    ("type", "status", "stage"),
    [
        ("BILLING.SUBSCRIPTION.ACTIVATED", "ACTIVE", "subscription_changed"),
        ("BILLING.SUBSCRIPTION.SUSPENDED", "SUSPENDED", "subscription_changed"),
        ("BILLING.SUBSCRIPTION.CANCELLED", "CANCELLED", "subscription_ended"),
        ("BILLING.SUBSCRIPTION.EXPIRED", "EXPIRED", "subscription_ended"),
    ],
)
def test_subscriptions_are_told_the_same_by_event_and_by_asking(
    world: PayPalScene, till: Till, type: str, status: str, stage: str
) -> None:
    subscription = SUBSCRIPTION | {"status": status}
    world.server.subscriptions["I-BW452GLLEP1G"] = subscription
    told = one_fact(world, till, type, subscription)
    asked = till.gateway.subscription("I-BW452GLLEP1G")
    assert (told.stage, told.detail) == (stage, status.lower())
    assert (told.key, told.payment_id) == (asked.key, None)


def test_a_new_subscription_has_changed_when_it_was_made(world: PayPalScene, till: Till) -> None:
    subscription = {name: value for name, value in SUBSCRIPTION.items() if name != "update_time"}
    told = one_fact(world, till, "BILLING.SUBSCRIPTION.CREATED", subscription)
    assert told.happened_at == datetime(2026, 1, 2, tzinfo=UTC)


def test_an_unknown_subscription_is_an_error(till: Till) -> None:
    with pytest.raises(GatewayError, match="INVALID_RESOURCE_ID"):
        till.gateway.subscription("I-UNKNOWN")


def test_money_that_paypal_takes_or_misses_for_a_subscription_is_told(
    world: PayPalScene, till: Till
) -> None:
    missed = one_fact(world, till, "BILLING.SUBSCRIPTION.PAYMENT.FAILED", SUBSCRIPTION)
    assert (missed.stage, missed.detail) == ("invoice_failed", "payment denied")
    assert missed.occurrence == "I-BW452GLLEP1G:2026-01-05T08:59:00Z"
    sale = {
        "id": "SALE1",
        "state": "completed",
        "amount": {"currency": "USD", "total": "10.00"},
        "transaction_fee": {"currency": "USD", "value": "0.59"},
        "billing_agreement_id": "I-BW452GLLEP1G",
        "create_time": "2026-01-05T09:00:00Z",
    }
    paid = one_fact(world, till, "PAYMENT.SALE.COMPLETED", sale)
    assert (paid.stage, paid.amount, paid.fee) == (
        "invoice_paid", Money(1_000, "USD"), Money(59, "USD"),
    )  # fmt: skip
    assert (paid.object_id, paid.detail) == ("SALE1", "subscription I-BW452GLLEP1G")
    del sale["transaction_fee"]
    assert one_fact(world, till, "PAYMENT.SALE.COMPLETED", sale).fee is None
    back = {
        "id": "SREF1",
        "sale_id": "SALE1",
        "amount": {"currency": "USD", "total": "4.00"},
        "create_time": "2026-01-05T09:00:00Z",
    }
    refunded = one_fact(world, till, "PAYMENT.SALE.REFUNDED", back)
    assert (refunded.stage, refunded.charge_id, refunded.detail) == ("refunded", "SALE1", "")
    reversed_ = one_fact(world, till, "PAYMENT.SALE.REVERSED", back)
    assert (reversed_.stage, reversed_.detail) == ("refunded", "reversed by PayPal")


def test_an_event_nobody_understands_is_kept_in_sight(world: PayPalScene, till: Till) -> None:
    fact = one_fact(world, till, "PAYMENT.PAYOUTS-ITEM.HELD", {"id": "PO1"})
    assert (fact.stage, fact.object_id) == ("unknown", "PO1")
    assert "PAYMENT.PAYOUTS-ITEM.HELD" in fact.detail
    assert json.loads(fact.raw)["event_type"] == "PAYMENT.PAYOUTS-ITEM.HELD"
    assert one_fact(world, till, "ODD", {}).object_id.startswith("WH-")


@pytest.mark.parametrize(
    "resource",
    [
        {"id": "CAP1"},
        {"id": "CAP1", "status": "NEW", "amount": {}},
        {
            "id": "CAP1",
            "status": "COMPLETED",
            "amount": {"currency_code": "USD", "value": "1e3"},
            "create_time": "2026-01-05T09:00:00Z",
        },
        {
            "id": "CAP1",
            "status": "COMPLETED",
            "amount": {"currency_code": "USD", "value": "0.001"},
            "create_time": "2026-01-05T09:00:00Z",
        },
        {
            "id": "CAP1",
            "status": "COMPLETED",
            "amount": {"currency_code": "BTC", "value": "1"},
            "create_time": "2026-01-05T09:00:00Z",
        },
    ],
)
def test_an_event_in_a_strange_shape_stops_nothing(
    world: PayPalScene, till: Till, resource: dict[str, Any]
) -> None:
    paid = till.pay()
    fact = one_fact(world, till, "PAYMENT.CAPTURE.COMPLETED", resource)
    assert (fact.stage, fact.object_id) == ("unknown", "CAP1")
    assert paid.settled.key in keys(told(till))


def test_a_dispute_that_does_not_say_what_it_is_about_is_told_all_the_same(
    world: PayPalScene, till: Till
) -> None:
    resource = {
        "dispute_id": "PP-D-1",
        "status": "UNDER_REVIEW",
        "dispute_amount": {"currency_code": "USD", "value": "5.00"},
        "create_time": "2026-01-05T09:00:00.000Z",
    }
    fact = one_fact(world, till, "CUSTOMER.DISPUTE.CREATED", resource)
    assert (fact.stage, fact.object_id, fact.charge_id) == ("disputed", "PP-D-1", None)


def test_a_reversal_in_a_strange_shape_is_kept_in_sight(world: PayPalScene, till: Till) -> None:
    fact = one_fact(world, till, "PAYMENT.CAPTURE.REVERSED", {"id": "REV1"})
    assert fact.stage == "unknown"


def test_a_reversal_of_nobody_knows_what_is_told_plainly(world: PayPalScene, till: Till) -> None:
    resource = {
        "id": "REV1",
        "status": "COMPLETED",
        "amount": {"currency_code": "USD", "value": "1.00"},
        "create_time": "2026-01-05T09:00:00Z",
    }
    fact = one_fact(world, till, "PAYMENT.CAPTURE.REVERSED", resource)
    assert (fact.stage, fact.charge_id) == ("refunded", None)

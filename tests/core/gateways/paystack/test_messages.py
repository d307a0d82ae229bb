"""Paystack: a message brought by hand is believed if it is signed with the key, and young."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from billdesk.core.rules.gateway import FactPage
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput
from billdesk.core.values.money import Money
from tests.core.gateways.paystack.conftest import Steps

MINUTE = timedelta(minutes=1)

SUBSCRIPTION: dict[str, Any] = {
    "domain": "test",
    "status": "active",
    "subscription_code": "SUB_1",
    "amount": 50_000,
    "next_payment_date": "2026-02-05T09:00:00.000Z",
    "createdAt": "2026-01-05T09:00:00.000Z",
}
INVOICE: dict[str, Any] = {
    "invoice_code": "INV_1",
    "amount": 50_000,
    "status": "success",
    "paid": True,
    "description": None,
    "transaction": {"reference": "T1", "status": "success", "amount": 50_000, "currency": "NGN"},
    "created_at": "2026-01-05T09:00:00.000Z",
}


Data = dict[str, Any] | list[dict[str, Any]]


def read(steps: Steps, event: str, data: Data) -> FactPage:
    body, headers = steps.scene.message(event, data)
    return steps.gateway.read_event(body, headers, steps.clock.now())


# --- whether it is genuine -----------------------------------------------------------------------


def test_a_message_about_a_payment_says_what_a_poll_says(steps: Steps) -> None:
    paid = steps.pay()
    body, headers = steps.scene.signed("pay-1")
    page = steps.gateway.read_event(body, headers, steps.clock.now())
    assert page.facts[0].key == paid.key
    assert (page.cursor, page.complete) == ("", True)
    [event] = page.events
    assert (event.type, event.object_id, event.happened_at) == (
        "charge.success", "pay-1", paid.happened_at,
    )  # fmt: skip
    assert event.raw == body.decode()


def test_the_same_message_has_the_same_id_and_another_has_another(steps: Steps) -> None:
    steps.pay()
    body, headers = steps.scene.signed("pay-1")
    first, again = (steps.gateway.read_event(body, headers, steps.clock.now()) for _ in range(2))
    assert first.events == again.events
    other = read(steps, "subscription.create", SUBSCRIPTION)
    assert first.events[0].event_id != other.events[0].event_id


@pytest.mark.parametrize("name", ["x-paystack-signature", "X-Paystack-Signature"])
def test_the_name_of_the_header_may_be_written_either_way(steps: Steps, name: str) -> None:
    steps.pay()
    body, headers = steps.scene.signed("pay-1")
    signature = {name: headers["x-paystack-signature"].upper() + "\n"}
    assert steps.gateway.read_event(body, signature, steps.clock.now()).facts


def test_a_message_without_signature_is_refused(steps: Steps) -> None:
    body, _ = steps.scene.message("charge.success", {})
    with pytest.raises(BadInput, match="came without its header x-paystack-signature"):
        steps.gateway.read_event(body, {"stripe-signature": "x"}, steps.clock.now())


@pytest.mark.parametrize("signature", ["", "00", "ä", "\ud800"])
def test_a_message_with_a_wrong_signature_is_refused(steps: Steps, signature: str) -> None:
    body, _ = steps.scene.message("charge.success", {})
    headers = {"x-paystack-signature": signature}
    with pytest.raises(BadInput, match="not signed with this key"):
        steps.gateway.read_event(body, headers, steps.clock.now())


def test_a_message_that_was_changed_is_refused(steps: Steps) -> None:
    steps.pay()
    body, headers = steps.scene.signed("pay-1")
    changed = body.replace(b"10000", b"90000")
    assert changed != body
    with pytest.raises(BadInput, match="not signed with this key"):
        steps.gateway.read_event(changed, headers, steps.clock.now())


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"{", b"[]", b"7", b'{"data": {}}', b'{"event": "charge.success"}'],
)
def test_what_is_no_message_is_refused(steps: Steps, body: bytes) -> None:
    with pytest.raises(BadInput, match="none of Paystack's"):
        steps.gateway.read_event(body, steps.scene.headers(body), steps.clock.now())


@pytest.mark.parametrize("data", [{}, {"status": "success"}, {"paid_at": "soon"}, []])
def test_a_message_that_says_too_little_is_refused_and_no_crash(steps: Steps, data: Data) -> None:
    with pytest.raises(BadInput, match="cannot be understood"):
        read(steps, "charge.success", data)


# --- how old it is -------------------------------------------------------------------------------


def test_a_message_is_too_old_after_five_minutes(steps: Steps, clock: MovingClock) -> None:
    steps.pay()
    body, headers = steps.scene.signed("pay-1")
    clock.advance(5 * MINUTE)
    assert steps.gateway.read_event(body, headers, clock.now()).facts
    clock.advance(timedelta(seconds=1))
    with pytest.raises(BadInput, match="2026-01-05 09:00:00 UTC and older than five minutes"):
        steps.gateway.read_event(body, headers, clock.now())


def test_what_was_opened_long_ago_and_paid_just_now_is_young(
    steps: Steps, clock: MovingClock
) -> None:
    opened = steps.open()
    clock.advance(60 * MINUTE)
    steps.scene.pay(opened)
    body, headers = steps.scene.signed("pay-1")
    assert steps.gateway.read_event(body, headers, clock.now()).facts


def test_an_old_dispute_that_was_resolved_just_now_is_young(
    steps: Steps, clock: MovingClock
) -> None:
    number = steps.scene.dispute(str(steps.pay().charge_id), 7_000)
    clock.advance(60 * MINUTE)
    steps.scene.close_dispute(number, won=False)
    body, headers = steps.scene.signed(number)
    page = steps.gateway.read_event(body, headers, clock.now())
    assert [fact.stage for fact in page.facts] == ["disputed", "dispute_lost"]


def test_the_end_of_an_old_subscription_tells_no_time_and_is_believed(
    steps: Steps, clock: MovingClock
) -> None:
    clock.advance(timedelta(days=90))
    for kind, stage in (
        ("subscription.disable", "subscription_ended"),
        ("subscription.not_renew", "subscription_changed"),
    ):
        page = read(steps, kind, SUBSCRIPTION)
        assert [fact.stage for fact in page.facts] == [stage]
        assert page.events[0].happened_at == clock.now()
    with pytest.raises(BadInput, match="older than five minutes"):
        read(steps, "subscription.create", SUBSCRIPTION)


# --- what it says --------------------------------------------------------------------------------


def test_a_failed_charge_is_a_decline(steps: Steps) -> None:
    steps.scene.decline(steps.open())
    assert [fact.stage for fact in read(steps, "charge.failed", steps.row()).facts] == ["declined"]


@pytest.mark.parametrize("kind", ["create", "remind"])
def test_a_dispute_is_told_as_by_a_poll(steps: Steps, kind: str) -> None:
    number = steps.scene.dispute(str(steps.pay().charge_id), 7_000)
    page = read(steps, f"charge.dispute.{kind}", steps.books.disputes[int(number)])
    polled = [fact for fact in steps.read()[0] if fact.stage == "disputed"]
    assert [fact.key for fact in page.facts] == [fact.key for fact in polled]


def test_a_refund_without_a_number_is_kept_and_left_to_the_list(
    steps: Steps, clock: MovingClock
) -> None:
    refund = steps.refund(steps.pay(), 4_000)
    clock.advance(60 * MINUTE)
    steps.read()
    body, headers = steps.scene.signed(refund.object_id)
    page = steps.gateway.read_event(body, headers, clock.now())
    assert page.facts == ()
    assert [(event.type, event.object_id) for event in page.events] == [
        ("refund.processed", "pay-1")
    ]


def test_a_refund_with_its_number_is_told_as_by_a_poll(steps: Steps) -> None:
    refund = steps.refund(steps.pay(), 4_000)
    page = read(steps, "refund.pending", steps.books.refunds[int(refund.object_id)])
    assert [fact.key for fact in page.facts] == [refund.key]


@pytest.mark.parametrize(
    ("kind", "status", "stage"),
    [
        ("subscription.create", "active", "subscription_changed"),
        ("subscription.not_renew", "non-renewing", "subscription_changed"),
        ("subscription.create", "attention", "subscription_changed"),
        ("subscription.disable", "complete", "subscription_ended"),
        ("subscription.disable", "active", "subscription_ended"),
        ("subscription.create", "cancelled", "subscription_ended"),
    ],
)
def test_a_subscription_changes_or_ends(steps: Steps, kind: str, status: str, stage: str) -> None:
    [fact] = read(steps, kind, {**SUBSCRIPTION, "status": status}).facts
    assert (fact.object_id, fact.stage, fact.amount) == ("SUB_1", stage, None)
    assert fact.occurrence == f"{status}:2026-02-05T09:00:00.000Z"


@pytest.mark.parametrize(
    ("kind", "paid", "stage"),
    [
        ("invoice.create", False, "invoice_created"),
        ("invoice.update", True, "invoice_paid"),
        ("invoice.update", False, "unknown"),
        ("invoice.payment_failed", False, "invoice_failed"),
    ],
)
def test_an_invoice_is_told_by_its_messages(
    steps: Steps, kind: str, stage: str, *, paid: bool
) -> None:
    [fact] = read(steps, kind, {**INVOICE, "paid": paid}).facts
    assert (fact.object_id, fact.stage, fact.occurrence) == ("INV_1", stage, "T1")
    assert fact.amount == Money(50_000, "NGN")
    assert fact.detail == "success"


def test_an_invoice_before_its_payment_has_no_currency_and_so_no_amount(steps: Steps) -> None:
    bare = {**INVOICE, "transaction": {}, "status": None}
    [fact] = read(steps, "invoice.create", bare).facts
    assert (fact.amount, fact.occurrence, fact.detail) == (None, "INV_1", "")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("transfer.success", {"amount": 1}),
        ("subscription.expiring_cards", [{"expiry_date": "12/2026"}]),
    ],
)
def test_a_message_that_nobody_reads_yet_is_kept(steps: Steps, kind: str, data: Data) -> None:
    page = read(steps, kind, data)
    [fact], [event] = page.facts, page.events
    assert (fact.stage, fact.amount, fact.occurrence) == ("unknown", None, event.event_id)
    assert fact.detail == f"a message of Paystack's that nobody reads yet: {kind}"
    assert json.loads(fact.raw) == (data if isinstance(data, dict) else {"data": data})


# --- subscriptions, asked for --------------------------------------------------------------------


def test_a_subscription_is_told_as_it_is_now(steps: Steps, clock: MovingClock) -> None:
    steps.books.subscriptions["SUB_1"] = {**SUBSCRIPTION, "next_payment_date": None}
    fact = steps.gateway.subscription("SUB_1")
    assert (fact.stage, fact.occurrence, fact.detail) == (
        "subscription_changed", "active:", "active",
    )  # fmt: skip
    assert fact.happened_at == clock.now()
    steps.books.subscriptions["SUB_1"]["status"] = "completed"
    assert steps.gateway.subscription("SUB_1").stage == "subscription_ended"

"""Every request to Paystack keeps to the official description, and what does not is noticed."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest

from billdesk.core.values.clock import MovingClock
from tests.core.gateways.paystack.conftest import EMAIL, Steps
from tests.gateway_servers.paystack_description import Description, description
from tests.gateway_servers.paystack_scene import PaystackScene

AUTHORIZED = {"Authorization": "Bearer sk_test_1"}
JSON = {**AUTHORIZED, "Content-Type": "application/json"}

pytestmark = pytest.mark.skipif(
    not os.environ.get("BILLDESK_SPECS"),
    reason="BILLDESK_SPECS names no folder with the gateways' descriptions",
)


@pytest.fixture
def official() -> Description:
    found = description()
    assert found is not None
    return found


def test_every_kind_of_request_keeps_to_the_description(
    steps: Steps, scene: PaystackScene, clock: MovingClock
) -> None:
    gateway = steps.gateway
    customer_id = gateway.ensure_customer("acme", "Acme", EMAIL)
    gateway.check()
    paid = steps.pay(1, save_method=True)
    steps.charge(scene.save_method(customer_id), customer_id)
    refund = steps.refund(paid, 100)
    steps.find_refund()
    steps.find_refund(external_id=refund.object_id)
    scene.dispute(str(paid.charge_id), 100)
    steps.find(1, paid.charge_id)
    _, cursor = steps.read()
    gateway.facts(cursor)
    gateway.sweep(clock.now(), None)
    list(gateway.rows(clock.now() - timedelta(days=1), clock.now()))
    steps.books.subscriptions["SUB_1"] = {"subscription_code": "SUB_1"}
    gateway.subscription("SUB_1")
    for method in gateway.methods(customer_id):
        gateway.remove_method(method)
    assert scene.violations() == []
    kinds = {(method, path.split("/")[1]) for method, path in scene.requests()}
    assert kinds == {
        ("GET", "transaction"),
        ("POST", "transaction"),
        ("GET", "refund"),
        ("POST", "refund"),
        ("GET", "dispute"),
        ("GET", "customer"),
        ("POST", "customer"),
        ("GET", "subscription"),
    }


@pytest.mark.parametrize(
    ("target", "body", "mistake"),
    [
        ("/transaction/initialize", {"amount": 1}, "'email' is a required property"),
        ("/transaction/initialize", {"email": EMAIL, "amount": "1"}, "not of type 'integer'"),
        ("/transaction/initialize", {"email": EMAIL, "amount": 1, "colour": 2}, "'colour'"),
        ("/transaction/initialize", {"email": EMAIL, "amount": 1, "currency": "EUR"}, "'EUR'"),
        ("/refund", {"transaction": 1}, "not of type 'string'"),
        ("/refund", {"transaction": "1", "reference": "ref-1"}, "'reference'"),
        ("/refunds", {"transaction": "1"}, "Path not found"),
    ],
)
def test_a_body_that_the_description_does_not_know_is_noticed(
    official: Description, target: str, body: dict[str, object], mistake: str
) -> None:
    [found] = official.mistakes("POST", target, JSON, json.dumps(body).encode())
    assert mistake in found


@pytest.mark.parametrize(
    ("target", "mistake"),
    [
        ("/transaction?perPage=100", "no parameter perPage"),
        ("/transaction?per_page=many", "Failed to cast"),
        ("/transaction?from=yesterday", "not a 'date-time'"),
        ("/refund?transaction=12", "no parameter transaction"),
        ("/refund/twelve", "Failed to cast"),
    ],
)
def test_a_parameter_that_the_description_does_not_know_is_noticed(
    official: Description, target: str, mistake: str
) -> None:
    [found] = official.mistakes("GET", target, AUTHORIZED, b"")
    assert mistake in found


def test_a_request_without_key_is_noticed(official: Description) -> None:
    [found] = official.mistakes("GET", "/refund", {}, b"")
    assert "Security" in found


def test_a_server_says_no_to_what_the_description_does_not_know(clock: MovingClock) -> None:
    scene = PaystackScene(clock)
    status, _, _ = scene.server.answer("GET", "/refund?colour=2", AUTHORIZED, b"") or (0, {}, b"")
    scene.close()
    assert status == 599
    assert scene.violations() == ["GET /refund?colour=2: no parameter colour"]

"""The judges that every request passes see what is wrong with one that is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.gateways.till import Till
from tests.gateway_servers.paypal_checks import folder, judge_answer, judge_request
from tests.gateway_servers.paypal_scene import PayPalScene

pytestmark = pytest.mark.skipif(
    folder() is None, reason="needs the gateways' descriptions: set BILLDESK_SPECS to their folder"
)

ORDERS = "/v2/checkout/orders"
HEADERS = {"paypal-request-id": "pay_1"}
GOOD: dict[str, Any] = {
    "intent": "CAPTURE",
    "purchase_units": [{"amount": {"currency_code": "USD", "value": "1.00"}, "custom_id": "pay_1"}],
    "payment_source": {"paypal": {"experience_context": {"user_action": "PAY_NOW"}}},
}


def wrong(changes: dict[str, Any]) -> list[str]:
    return judge_request("POST", ORDERS, HEADERS, json.dumps(GOOD | changes).encode())


def test_a_good_request_passes() -> None:
    assert wrong({}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"intent": "TAKE"},
        {"purchase_units": []},
        {"purchase_units": [{"amount": {"currency_code": "USD", "value": 1.0}}]},
        {"purchase_units": [{"amount": {"currency_code": "USD", "value": "one"}}]},
        {"unheard_of": 1},
        {"purchase_units": [{**GOOD["purchase_units"][0], "account": "acme"}]},
        {"payment_source": {"paypal": {"experience_context": {"landing": "LOGIN"}}}},
        {"payment_source": {"purse": {}}},
    ],
)
def test_a_field_that_is_wrong_or_unknown_is_seen_at_any_depth(changes: dict[str, Any]) -> None:
    assert wrong(changes) != []


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", f"{ORDERS}/lower-case"),
        ("GET", "/v1/reporting/transactions?start_date=2026-01-01T00:00:00Z"),
        ("GET", "/v1/reporting/transactions?start_date=today&end_date=2026-01-01T00:00:00Z"),
        ("GET", "/v1/customer/disputes?page_size=51"),
        ("GET", "/v1/customer/disputes?pages=5"),
        ("GET", "/v3/vault/payment-tokens?customer_id=short"),
        ("DELETE", ORDERS),
        ("GET", "/v1/billing/invented"),
    ],
)
def test_an_address_that_is_wrong_or_unknown_is_seen(method: str, target: str) -> None:
    assert judge_request(method, target, HEADERS, b"") != []


def test_our_own_paypals_answers_are_judged_too() -> None:
    path = "/v2/payments/refunds/R1"
    good = {"id": "R1", "status": "COMPLETED"}
    assert judge_answer("GET", path, {}, b"", 200, good) == []
    assert judge_answer("GET", path, {}, b"", 200, good | {"status": "DONE"}) != []
    assert judge_answer("GET", path, {}, b"", 200, good | {"sum": "1"}) != []


def test_a_request_that_breaks_the_description_fails_and_is_remembered(
    world: PayPalScene, till: Till
) -> None:
    answered = world.paypal()._client.ask("GET", "/v2/checkout/orders/x", accept={599})
    assert answered.status == 599
    assert world.server.violations != []
    world.server.violations.clear()

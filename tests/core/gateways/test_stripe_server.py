"""The pretended Stripe itself: it must not be kinder than the real one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import stripe as sdk

from billdesk.core.rules.gateway import OffSessionRequest, PaymentRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money
from tests.gateway_servers.stripe_books import JSON
from tests.gateway_servers.stripe_forms import described, read_form
from tests.gateway_servers.stripe_scene import StripeScene
from tests.gateway_servers.stripe_server import BREACH, Reply

CLASSES = {
    "balance_transaction": sdk.BalanceTransaction,
    "charge": sdk.Charge,
    "checkout.session": sdk.checkout.Session,
    "customer": sdk.Customer,
    "dispute": sdk.Dispute,
    "event": sdk.Event,
    "payment_intent": sdk.PaymentIntent,
    "payment_method": sdk.PaymentMethod,
    "refund": sdk.Refund,
    "setup_intent": sdk.SetupIntent,
}


@pytest.fixture
def scene(clock: MovingClock) -> Iterator[StripeScene]:
    scene = StripeScene(clock)
    yield scene
    scene.close()


def post(scene: StripeScene, path: str, key: str, **form: str) -> Reply:
    headers = {"Authorization": "Bearer sk_test_scene", "Idempotency-Key": key}
    reply = scene.server.respond("POST", path, urlencode(form), headers)
    assert reply is not None
    return reply


def get(scene: StripeScene, path: str) -> JSON:
    headers = {"Authorization": "Bearer sk_test_scene"}
    reply = scene.server.respond("GET", path, "", headers)
    assert reply is not None
    body: JSON = reply.body
    return body


def test_forms_are_read_as_they_are_written() -> None:
    text = "a[b][0]=1&a[b][1]=2&a[c]=3&d=&line[10][x]=k&line[9][x]=j"
    assert read_form(text) == {
        "a": {"b": ["1", "2"], "c": "3"},
        "d": "",
        "line": [{"x": "j"}, {"x": "k"}],
    }


@pytest.mark.parametrize(
    "form",
    [
        {"mode": "payment", "colour": "red"},
        {"mode": "payment", "payment_intent_data[colour]": "red"},
        {"mode": "payment", "line_items[0][quantity]": "many"},
    ],
)
def test_what_stripe_does_not_know_breaks_the_request(
    scene: StripeScene, form: dict[str, str]
) -> None:
    reply = post(scene, "/v1/checkout/sessions", "key", **form)
    assert reply.status == BREACH
    assert len(scene.violations()) == 1


def test_a_request_without_a_key_or_to_an_unknown_place_is_broken(scene: StripeScene) -> None:
    assert post(scene, "/v1/customers", "", name="Acme").status == BREACH
    assert post(scene, "/v1/charges", "key").status == BREACH
    assert len(scene.violations()) == 2


@pytest.mark.skipif(
    "BILLDESK_SPECS" not in os.environ, reason="BILLDESK_SPECS names no official descriptions"
)
@pytest.mark.parametrize(
    ("form", "breaches"),
    [
        ({"amount": "100", "currency": "usd"}, 0),
        ({"amount": "100", "currency": "usd", "confirm": "true"}, 0),
        ({"amount": "100", "currency": "usd", "confirm": "maybe"}, 1),
        ({"amount": "much", "currency": "usd"}, 1),
        ({"amount": "100"}, 1),
        ({"amount": "100", "currency": "usd", "setup_future_usage": "never"}, 1),
        ({"amount": "100", "currency": "usd", "colour": "red"}, 1),
    ],
)
def test_the_official_description_is_held(form: dict[str, str], breaches: int) -> None:
    description = described("POST", "/v1/payment_intents")
    assert description is not None
    assert len(description.breaches(read_form(urlencode(form)))) == breaches


def test_a_key_stands_for_one_request_for_a_day(scene: StripeScene, clock: MovingClock) -> None:
    first = post(scene, "/v1/customers", "key", name="Acme")
    again = post(scene, "/v1/customers", "key", name="Acme")
    assert again.body == first.body
    assert again.headers == {"Idempotent-Replayed": "true"}
    other = post(scene, "/v1/customers", "key", name="Globex")
    assert (other.status, other.body["error"]["type"]) == (400, "idempotency_error")
    clock.advance(timedelta(days=1))
    assert post(scene, "/v1/customers", "key", name="Globex").body["id"] != first.body["id"]


def test_lists_go_from_the_newest_and_on_after_one(scene: StripeScene) -> None:
    made = [post(scene, "/v1/customers", f"key{n}", name=f"{n}").body["id"] for n in range(5)]
    newest = get(scene, "/v1/customers?limit=2")
    assert [thing["id"] for thing in newest["data"]] == made[:2:-1]
    assert newest["has_more"]
    rest = get(scene, f"/v1/customers?limit=3&starting_after={made[3]}")
    assert [thing["id"] for thing in rest["data"]] == made[2::-1]
    assert not rest["has_more"]


def test_it_shows_only_what_stripe_shows_today(scene: StripeScene) -> None:
    gateway = scene.gateway()
    opened = gateway.open_payment(PaymentRequest("pay_1", Money(900, "USD"), "acme", "deposit"))
    scene.decline(opened)
    scene.pay(opened)
    customer_id = gateway.ensure_customer("acme", "Acme", None)
    used = scene.save_method(customer_id)
    charged = gateway.charge(
        OffSessionRequest("pay_2", Money(900, "USD"), "acme", "top-up", customer_id, used)
    )
    scene.refund_outside(charged.object_id, 100)
    scene.close_dispute(scene.dispute(charged.object_id, 100), won=True)
    shown = {thing["object"]: thing for thing in scene.books.objects.values()}
    assert shown.keys() == CLASSES.keys()
    for kind, thing in shown.items():
        known = {
            name
            for parent in CLASSES[kind].__mro__
            for name in vars(parent).get("__annotations__", {})
        }
        assert {name for name in thing if not name.startswith("_")} <= known, kind
    assert scene.violations() == []

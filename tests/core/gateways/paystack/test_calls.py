"""Paystack: who it is, what it lacks, and what comes of every way in which a request can fail."""

from __future__ import annotations

import gc
import logging
from datetime import timedelta

import pytest

from billdesk.core.gateways.paystack import Paystack
from billdesk.core.rules.gateway import Gateway
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotOffered,
)
from tests.core.gateways.paystack.conftest import EMAIL, Steps
from tests.gateway_servers.paystack_books import INTEGRATION
from tests.gateway_servers.paystack_scene import PaystackScene
from tests.gateway_servers.paystack_server import SECRET_KEY

LIVE_KEY = "sk_live_4f0scripted9c1"


# --- who it is -----------------------------------------------------------------------------------


def test_it_is_a_gateway_whose_mode_follows_from_its_key(scene: PaystackScene) -> None:
    test: Gateway = scene.gateway()
    assert (test.name, test.make, test.account, test.mode) == (
        "paystack", "paystack", "463433", "test",
    )  # fmt: skip
    live = scene.gateway(key=LIVE_KEY, name="paystack-ng", account="")
    assert (live.name, live.account, live.mode) == ("paystack-ng", "", "live")


@pytest.mark.parametrize(
    "key", ["", "pk_test_1", "sk_test_!", "sk_test_ä", "sk_prod_1", "sk_test_1\n"]
)
def test_what_is_no_secret_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(KeyRefused, match="the key of shop was refused") as refusal:
        Paystack("shop", key)
    assert repr(key)[1:-1] not in {*refusal.value.message.split(), *refusal.value.hint.split()}


def test_without_other_orders_it_speaks_with_paystack_itself_by_the_systems_clock() -> None:
    gateway = Paystack("shop", SECRET_KEY)
    assert str(gateway._calls._client.base_url) == "https://api.paystack.co"
    assert gateway._calls._client.timeout.read == 10
    assert gateway._answers.clock.now().tzinfo is not None


def test_a_customer_tells_whose_account_the_key_opens(steps: Steps) -> None:
    steps.gateway.ensure_customer("acme", "Acme", EMAIL)
    steps.asked()
    check = steps.gateway.check()
    assert (check.account, check.mode, check.missing) == (str(INTEGRATION), "test", ())
    assert steps.asked() == [("GET", "/customer")]


def test_before_the_first_customer_a_fingerprint_stands_for_the_account_and_goes_on_to(
    steps: Steps, scene: PaystackScene
) -> None:
    first = scene.gateway(account="").check().account
    assert first.startswith("key ")
    assert SECRET_KEY not in first
    assert scene.gateway(account="").check().account == first
    connected = scene.gateway(account=first)
    steps.gateway.ensure_customer("acme", "Acme", EMAIL)
    assert connected.check().account == first
    assert scene.gateway(account="").check().account == str(INTEGRATION)


def test_a_customer_without_a_number_of_its_integration_tells_nothing(
    steps: Steps, scene: PaystackScene
) -> None:
    fingerprint = scene.gateway(account="").check().account
    code = steps.gateway.ensure_customer("acme", "Acme", EMAIL)
    steps.books.customers[code]["integration"] = None
    assert scene.gateway(account="").check().account == fingerprint


def test_what_it_lacks_it_says_with_a_way_out(steps: Steps) -> None:
    with pytest.raises(NotOffered, match="no page to save") as page:
        steps.gateway.method_page("CUS_1", "acme")
    assert "saved with the payment" in page.value.hint
    with pytest.raises(NotOffered, match="no invoices to ask for"):
        steps.gateway.invoice("INV_1")
    assert steps.asked() == []


def test_a_subscription_that_is_unknown_is_refused(steps: Steps) -> None:
    with pytest.raises(GatewayError, match="Subscription not found"):
        steps.gateway.subscription("SUB_none")


# --- what can go wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_by_its_gateway(steps: Steps, status: int) -> None:
    steps.scene.answer_next(status)
    with pytest.raises(KeyRefused, match="the key of paystack was refused"):
        steps.gateway.check()


def test_a_key_of_somebody_else_is_refused(scene: PaystackScene) -> None:
    with pytest.raises(KeyRefused, match="the key of shop was refused"):
        scene.gateway(name="shop", key=LIVE_KEY).check()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Mon, 05 Jan 2026 09:00:00 GMT"}, 60),
        ({"Retry-After": "²"}, 60),
        ({}, 60),
    ],
)
def test_a_busy_paystack_did_nothing_and_says_how_long_to_wait(
    steps: Steps, headers: dict[str, str], seconds: float
) -> None:
    steps.scene.answer_next(429, headers)
    with pytest.raises(GatewayBusy) as busy:
        steps.open()
    assert busy.value.retry_after_seconds == seconds
    assert not isinstance(busy.value, GatewayUnreachable)
    assert steps.books.transactions == {}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_paystack_that_fails_leaves_the_outcome_open(steps: Steps, status: int) -> None:
    steps.scene.answer_next(status)
    with pytest.raises(GatewayUnreachable, match=f"paystack failed with {status}"):
        steps.open()


@pytest.mark.parametrize("status", [200, 302, 400])
def test_what_is_no_json_leaves_the_outcome_open(steps: Steps, status: int) -> None:
    """A page of a proxy's, say; whether the request got through nobody knows."""
    steps.scene.answer_next(status, body=b"<html>")
    with pytest.raises(
        GatewayUnreachable, match=f"answered {status} with something else than JSON"
    ):
        steps.open()


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"status": "true"}', b'{"status": false}'])
def test_an_answer_that_does_not_say_yes_is_a_no(steps: Steps, body: bytes) -> None:
    steps.scene.answer_next(200, body=body)
    with pytest.raises(GatewayError, match="paystack said no: no reason, with 200") as refusal:
        steps.gateway.check()
    assert refusal.value.hint == "see Paystack's dashboard"


def test_long_words_of_paystacks_are_cut(steps: Steps) -> None:
    steps.scene.answer_next(400, body=b'{"status": false, "message": "' + b"x" * 10_000 + b'"}')
    with pytest.raises(GatewayError) as refusal:
        steps.gateway.check()
    assert len(refusal.value.message) < 300


def test_a_connection_that_drops_leaves_the_outcome_open(steps: Steps) -> None:
    steps.scene.lose_next_reply()
    with pytest.raises(
        GatewayUnreachable, match=r"paystack did not answer \(RemoteProtocolError\)"
    ):
        steps.open()
    assert [fact.stage for fact in steps.find()] == ["opened"]


def test_a_paystack_that_is_silent_is_not_waited_for_for_ever(scene: PaystackScene) -> None:
    scene.server.stalling = True
    with pytest.raises(GatewayUnreachable, match=r"paystack did not answer \(ReadTimeout\)"):
        scene.gateway(timeout_seconds=0.2).check()


def test_a_paystack_that_is_not_there_is_unreachable(clock: MovingClock) -> None:
    scene = PaystackScene(clock)
    gateway = scene.gateway()
    scene.close()
    with pytest.raises(GatewayUnreachable, match=r"paystack did not answer \(ConnectError\)"):
        gateway.facts(None)


def test_nothing_is_ever_sent_twice_by_itself(steps: Steps) -> None:
    steps.scene.answer_next(503)
    with pytest.raises(GatewayUnreachable):
        steps.open()
    assert steps.asked() == [("POST", "/transaction/initialize")]


def test_an_id_of_anybodys_making_stays_inside_its_place_in_the_address(steps: Steps) -> None:
    assert steps.gateway.methods("../balance?x=1#") == ()
    assert steps.asked() == [("GET", "/customer/..%2Fbalance%3Fx%3D1%23")]


def test_the_key_is_in_no_message_no_log_and_no_fact(
    steps: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(steps.gateway), str(vars(steps.gateway)["_calls"])]
    steps.pay()
    for status in (400, 401, 429, 500):
        steps.scene.answer_next(status)
        with pytest.raises(GatewayError) as refusal:
            steps.gateway.facts(None)
        shown += [repr(refusal.value), refusal.value.hint, repr(refusal.value.__cause__)]
    shown += [repr(fact) for fact in steps.read()[0]]
    shown += [record.getMessage() for record in caplog.records]
    assert [text for text in shown if SECRET_KEY in text] == []


def test_a_gateway_that_is_dropped_leaves_no_connection_open(scene: PaystackScene) -> None:
    gateway = scene.gateway()
    gateway.check()
    client = gateway._calls._client
    del gateway
    gc.collect()
    assert client.is_closed


def test_clocks_that_differ_do_no_harm(steps: Steps, scene: PaystackScene) -> None:
    """What is read again follows Paystack's times, never ours."""
    ahead = MovingClock(steps.clock.now() + timedelta(days=400))
    gateway = scene.gateway(clock=ahead)
    cursor = gateway.facts(None).cursor
    steps.pay()
    page = gateway.facts(cursor)
    assert [fact.stage for fact in page.facts] == ["settled"]

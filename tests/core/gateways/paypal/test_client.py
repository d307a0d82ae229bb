"""One token for hours, one request each, and every kind of no is what it means for the desk."""

from __future__ import annotations

import gc
import logging
from datetime import timedelta

import pytest

from billdesk.core.gateways.paypal import PayPal
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
)
from tests.core.gateways.till import Till
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_server import CLIENT_ID, SECRET
from tests.gateway_servers.paypal_wire import Fault

TOKEN = ("POST", "/v1/oauth2/token")
HOUR = timedelta(hours=1)


def tokens(world: PayPalScene) -> int:
    return world.requests().count(TOKEN)


# --- the token -----------------------------------------------------------------------------------


def test_a_token_is_fetched_once_and_kept_until_shortly_before_its_end(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    for _ in range(3):
        till.gateway.facts(None)
    assert tokens(world) == 1
    clock.advance(9 * HOUR - timedelta(seconds=61))
    till.gateway.facts(None)
    assert tokens(world) == 1
    clock.advance(timedelta(seconds=1))
    till.gateway.facts(None)
    assert tokens(world) == 2


def test_a_token_that_paypal_no_longer_takes_is_fetched_anew_once(
    world: PayPalScene, till: Till
) -> None:
    request = till.request()
    till.gateway.check()
    world.server.tokens.clear()
    opened = till.gateway.open_payment(request)
    assert (opened.stage, tokens(world)) == ("opened", 2)
    world.server.faults += [Fault(status=401), Fault(status=401)]
    with pytest.raises(KeyRefused, match="the key of paypal was refused"):
        till.gateway.open_payment(till.request())
    assert tokens(world) == 3
    assert world.server.faults == []


def test_wrong_keys_are_refused_by_name(world: PayPalScene) -> None:
    gateway = world.paypal(name="paypal-eu", secret="wrong")
    with pytest.raises(KeyRefused, match="the key of paypal-eu was refused"):
        gateway.check()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(*TOKEN, status=500), GatewayUnreachable),
        (Fault(*TOKEN, status=429), GatewayBusy),
        (Fault(*TOKEN, status=200, body=b'{"scope": ""}'), GatewayUnreachable),
        (Fault(*TOKEN, status=400), GatewayError),
        (Fault(*TOKEN), GatewayUnreachable),
    ],
)
def test_what_goes_wrong_with_the_token_is_told_as_what_it_is(
    world: PayPalScene, fault: Fault, error: type[GatewayError]
) -> None:
    world.server.faults.append(fault)
    with pytest.raises(error) as raised:
        world.paypal().facts(None)
    assert type(raised.value) is error


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Mon, 05 Jan 2026 09:00:30 GMT"}, 30),
        ({"Retry-After": "Mon, 05 Jan 2026 08:00:00 GMT"}, 0),
        ({"Retry-After": "Mon, 05 Jan 2026 09:00:30 -0000"}, 60),
        ({"Retry-After": "soon"}, 60),
        ({}, 60),
    ],
)
def test_a_busy_paypal_says_how_long_to_wait(
    world: PayPalScene, till: Till, headers: dict[str, str], seconds: float
) -> None:
    till.gateway.check()
    world.answer_next(429, headers)
    with pytest.raises(GatewayBusy) as busy:
        till.gateway.open_payment(till.request())
    assert busy.value.retry_after_seconds == seconds
    assert not isinstance(busy.value, GatewayUnreachable), "it did nothing"
    assert world.books.orders == {}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_paypal_leaves_the_outcome_open_and_is_asked_once(
    world: PayPalScene, till: Till, status: int
) -> None:
    till.gateway.check()
    world.server.requests.clear()
    world.answer_next(status)
    with pytest.raises(GatewayUnreachable):
        till.gateway.open_payment(till.request())
    assert len(world.server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"text"'])
def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(
    world: PayPalScene, till: Till, body: bytes
) -> None:
    world.server.faults.append(Fault("POST", "/orders", status=201, body=body))
    with pytest.raises(GatewayUnreachable, match="cannot be read"):
        till.gateway.open_payment(till.request())


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id": "1", "purchase_units": []}', b'{"id": 5}'])
def test_an_answer_in_a_strange_shape_leaves_the_outcome_open(
    world: PayPalScene, till: Till, body: bytes
) -> None:
    world.server.faults.append(Fault("POST", "/orders", status=201, body=body))
    with pytest.raises(GatewayUnreachable, match="cannot be read"):
        till.gateway.open_payment(till.request())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>gateway</html>", "HTTP 400"),
        (
            b'{"name": "INVALID_REQUEST", "message": "Not well-formed."}',
            "INVALID_REQUEST: Not well",
        ),
        (b'{"name": "X", "details": [{"issue": "ISSUE", "description": "words"}]}', "ISSUE: words"),
        (b'{"name": "X", "details": [{"issue": "ISSUE"}]}', "ISSUE"),
    ],
)
def test_a_refusal_is_told_in_paypals_words(
    world: PayPalScene, till: Till, body: bytes, words: str
) -> None:
    world.server.faults.append(Fault("POST", "/orders", status=400, body=body))
    with pytest.raises(GatewayError, match=f"paypal said no: {words}") as refusal:
        till.gateway.open_payment(till.request())
    assert type(refusal.value) is GatewayError


def test_a_right_that_is_lacking_is_named(world: PayPalScene, till: Till) -> None:
    world.server.forbidden.add("/v2/checkout/orders")
    with pytest.raises(KeyRefused, match=r"lacks a right .*PERMISSION_DENIED"):
        till.gateway.open_payment(till.request())


def test_a_redirect_is_not_followed(world: PayPalScene, till: Till) -> None:
    fault = Fault("POST", "/orders", status=302, headers={"Location": "https://evil.example/"})
    world.server.faults.append(fault)
    with pytest.raises(GatewayError, match="said no"):
        till.gateway.open_payment(till.request())


def test_nobody_there_is_unreachable(world: PayPalScene, till: Till) -> None:
    gateway = world.paypal(base_url="http://127.0.0.1:9")
    with pytest.raises(GatewayUnreachable, match="paypal did not answer"):
        gateway.facts(None)


def test_a_slow_answer_is_not_waited_for_longer_than_said(world: PayPalScene, till: Till) -> None:
    gateway = world.paypal(timeout_seconds=0.2)
    gateway.check()
    world.server.faults.append(Fault("POST", "/orders", seconds=1.0))
    with pytest.raises(GatewayUnreachable, match="ReadTimeout"):
        gateway.open_payment(till.request())


# --- who it is -----------------------------------------------------------------------------------


def test_the_two_worlds_of_paypal_have_addresses_of_their_own() -> None:
    live = PayPal("paypal", "id", "secret", mode="live")
    test = PayPal("paypal", "id", "secret", mode="test")
    assert str(live._client._http.base_url) == "https://api-m.paypal.com"
    assert str(test._client._http.base_url) == "https://api-m.sandbox.paypal.com"


def test_check_names_the_rights_that_are_lacking(world: PayPalScene) -> None:
    world.server.scopes = [scope for scope in world.server.scopes if "report" not in scope]
    world.server.scopes = [scope for scope in world.server.scopes if "refund" not in scope]
    check = world.paypal().check()
    assert check.missing == ("send refunds", "search transactions")
    assert check.mode == "test"


def test_an_account_that_does_not_say_its_name_is_the_one_it_was_connected_as(
    world: PayPalScene,
) -> None:
    assert world.paypal(account="").check().account == "M3RCHANTACC22"
    world.server.forbidden.add("/v1/reporting/balances")
    assert world.paypal(account="MINE").check().account == "MINE"
    unnamed = world.paypal(account="").check().account
    assert unnamed == world.paypal(account="").check().account
    assert unnamed.startswith("app-")
    assert CLIENT_ID not in unnamed


def test_check_tries_the_key_anew(world: PayPalScene) -> None:
    gateway = world.paypal()
    gateway.check()
    gateway.check()
    assert tokens(world) == 2


# --- secrets ---------------------------------------------------------------------------------


def test_no_secret_is_in_what_is_shown_or_logged(
    world: PayPalScene, till: Till, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        till.pay()
        world.answer_next(500)
        with pytest.raises(GatewayUnreachable) as error:
            till.gateway.facts(None)
    shown = [repr(till.gateway), str(error.value), repr(error.value), caplog.text]
    kept = [CLIENT_ID, SECRET, *world.server.tokens]
    assert [secret for secret in kept for text in shown if secret in text] == []
    assert repr(till.gateway) == "PayPal('paypal', mode='test', account='M3RCHANTACC22')"


def test_connections_are_closed_when_nobody_holds_the_gateway(world: PayPalScene) -> None:
    gateway = world.paypal()
    gateway.check()
    http = gateway._client._http
    del gateway
    gc.collect()
    assert http.is_closed

"""The adapter against a Stripe that somebody else imagined: localstripe, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.rules.gateway import (
    OffSessionRequest,
    PaymentQuery,
    RefundQuery,
    RefundRequest,
)
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money

pytest.importorskip("localstripe", reason="localstripe is not installed")

NUMBERS = count(1)
CARD = "4242424242424242"
CARD_THAT_DECLINES_LATER = "4000000000000341"


@pytest.fixture(scope="module")
def local_url() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.gateway_servers.stripe_local"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@pytest.fixture
def gateway(local_url: str) -> Iterator[Stripe]:
    gateway = Stripe("stripe", "sk_test_local", base_url=local_url)
    yield gateway
    gateway.close()


def asked(local_url: str, path: str, **form: str) -> dict[str, str]:
    """What a customer's browser would have sent."""
    request = Request(
        f"{local_url}{path}",
        data=urlencode(form).encode(),
        headers={"Authorization": "Bearer sk_test_local"},
    )
    with urlopen(request) as response:
        answer: dict[str, str] = json.load(response)
        return answer


def saved(local_url: str, customer_id: str, number: str = CARD) -> str:
    card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
    form = {f"card[{name}]": value for name, value in card.items()}
    method_id = asked(local_url, "/v1/payment_methods", type="card", **form)["id"]
    asked(local_url, f"/v1/payment_methods/{method_id}/attach", customer=customer_id)
    return method_id


def off_session(customer_id: str, method_id: str, minor: int = 2_500) -> OffSessionRequest:
    payment_id = f"pay_{next(NUMBERS)}"
    return OffSessionRequest(
        payment_id, Money(minor, "USD"), "acme", "top-up", customer_id, method_id, "a@acme.test"
    )


def query(request: OffSessionRequest) -> PaymentQuery:
    return PaymentQuery(request.payment_id, None, None, datetime.now(UTC) - timedelta(minutes=1))


def test_a_saved_card_is_listed_charged_and_removed(local_url: str, gateway: Stripe) -> None:
    customer_id = gateway.ensure_customer("acme", "Acme", None)
    method_id = saved(local_url, customer_id)
    [method] = gateway.methods(customer_id)
    assert (method.method_id, method.label, method.expires) == (
        method_id, "Visa ···· 4242", "2030-12",
    )  # fmt: skip
    request = off_session(customer_id, method_id)
    charged = gateway.charge(request)
    assert (charged.stage, charged.amount) == ("settled", Money(2_500, "USD"))
    assert charged.payment_id == request.payment_id
    [found] = gateway.find(query(request))
    assert found.key == charged.key
    gateway.remove_method(method)
    gateway.remove_method(method)
    assert gateway.methods(customer_id) == ()


def test_a_declined_charge_is_a_fact_with_the_same_key_when_it_is_found(
    local_url: str, gateway: Stripe
) -> None:
    customer_id = gateway.ensure_customer("globex", "Globex", None)
    request = off_session(customer_id, saved(local_url, customer_id, CARD_THAT_DECLINES_LATER))
    declined = gateway.charge(request)
    assert (declined.stage, declined.detail) == ("declined", "Your card was declined.")
    assert declined.occurrence.startswith("ch_")
    [found] = gateway.find(query(request))
    assert found.key == declined.key


def test_a_charge_is_refunded_and_the_refund_is_found(local_url: str, gateway: Stripe) -> None:
    customer_id = gateway.ensure_customer("initech", "Initech", None)
    charged = gateway.charge(off_session(customer_id, saved(local_url, customer_id)))
    request = RefundRequest(
        "ref_1", charged.payment_id or "", charged.object_id, charged.charge_id,
        Money(1_000, "USD"), whole=False, note="",
    )  # fmt: skip
    refunded = gateway.refund(request)
    assert (refunded.stage, refunded.amount) == ("refunded", Money(1_000, "USD"))
    asked_again = RefundQuery(
        "ref_1", None, request.payment_id, request.external_id, request.charge_id,
        request.amount, datetime.now(UTC),
    )  # fmt: skip
    [found] = gateway.find_refund(asked_again)
    assert found.key == refunded.key


def test_a_customer_that_is_not_there_is_an_error(gateway: Stripe) -> None:
    with pytest.raises(GatewayError):
        gateway.charge(off_session("cus_nobody", "pm_card_visa"))

"""A message brought by hand counts when PayPal says that it signed it, a moment ago."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from billdesk.core.rules.gateway import FactPage
from billdesk.core.values.errors import BadInput, GatewayUnreachable
from tests.core.gateways.till import MINUTE, Till, keys
from tests.gateway_servers.paypal_scene import PayPalScene


def take(till: Till, body: bytes, headers: dict[str, str], now: datetime | None = None) -> FactPage:
    return till.gateway.read_event(body, headers, now or till.clock.now())


def test_a_message_is_proved_by_paypal_byte_for_byte(world: PayPalScene, till: Till) -> None:
    paid = till.pay()
    body, headers = world.signed(paid.charge_id)
    page = take(till, body, headers)
    assert keys(page.facts) == {paid.settled.key}
    assert [event.type for event in page.events] == ["PAYMENT.CAPTURE.COMPLETED"]
    asked = world.server.requests[-1]
    assert asked.json["webhook_id"] == "5GP028458E2496506"
    assert asked.body.endswith(body + b"}"), "as it was sent, since the bytes were signed"


def test_a_message_for_a_gateway_without_a_webhook_cannot_be_proved(
    world: PayPalScene, till: Till
) -> None:
    body, headers = world.signed(till.pay().charge_id)
    with pytest.raises(BadInput, match="knows no webhook id"):
        world.paypal(webhook_id=None).read_event(body, headers, till.clock.now())


@pytest.mark.parametrize("name", ["Auth-Algo", "Cert-Url", "Transmission-Id", "Transmission-Sig"])
def test_a_message_needs_all_of_its_signature(world: PayPalScene, till: Till, name: str) -> None:
    body, headers = world.signed(till.pay().charge_id)
    del headers[f"PayPal-{name}"]
    world.server.requests.clear()
    with pytest.raises(BadInput, match=f"without paypal-{name.lower()}"):
        take(till, body, headers)
    assert world.server.requests == []


@pytest.mark.parametrize(
    ("moved", "good"),
    [
        (5 * MINUTE, True),
        (-5 * MINUTE, True),
        (5 * MINUTE + timedelta(seconds=1), False),
        (-5 * MINUTE - timedelta(seconds=1), False),
    ],
)
def test_a_message_is_good_for_five_minutes(
    world: PayPalScene, till: Till, moved: timedelta, *, good: bool
) -> None:
    body, headers = world.signed(till.pay().charge_id)
    now = till.clock.now() + moved
    if good:
        assert take(till, body, headers, now).facts
        return
    with pytest.raises(BadInput, match="more than five minutes"):
        take(till, body, headers, now)


def test_a_message_signed_at_no_time_is_refused(world: PayPalScene, till: Till) -> None:
    body, headers = world.signed(till.pay().charge_id)
    with pytest.raises(BadInput):
        take(till, body, headers | {"PayPal-Transmission-Time": "yesterday"})


@pytest.mark.parametrize("body", [b"", b"<xml>", b"[]", b'{"id": "WH-1"}', b"\xff"])
def test_a_message_that_is_no_event_is_refused_without_asking(
    world: PayPalScene, till: Till, body: bytes
) -> None:
    _, headers = world.signed(till.pay().charge_id)
    world.server.requests.clear()
    with pytest.raises(BadInput, match="no event of PayPal's"):
        take(till, body, headers)
    assert world.server.requests == []


def test_a_forged_message_is_refused(world: PayPalScene, till: Till) -> None:
    body, headers = world.signed(till.pay().charge_id)
    with pytest.raises(BadInput, match="did not sign"):
        take(till, body.replace(b"100.00", b"900.00"), headers)


def test_a_message_that_nobody_can_prove_now_is_neither_taken_nor_refused(
    world: PayPalScene, till: Till
) -> None:
    body, headers = world.signed(till.pay().charge_id)
    world.answer_next(503)
    with pytest.raises(GatewayUnreachable):
        take(till, body, headers)

"""A saved method is charged once, as what it is, and a no is told as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.till import Till
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_wire import Fault, error_body

HOUR = timedelta(hours=1)
CAPTURE = ("POST", "/capture")


def test_a_saved_card_is_charged_as_what_it_is(world: PayPalScene, till: Till) -> None:
    customer_id = till.customer()
    card = {"last_digits": "1111", "brand": "VISA", "expiry": "2030-01"}
    method = world.books.save_method(customer_id, "card", card)
    charged = till.gateway.charge(till.off_session(customer_id, method.id))
    source = world.server.requests[-1].json["payment_source"]
    assert source["card"]["vault_id"] == method.id
    assert source["card"]["stored_credential"]["payment_initiator"] == "MERCHANT"
    assert (charged.stage, charged.fee) == ("settled", Money(224, "USD"))


def test_a_wallet_is_charged_without_what_only_cards_have(world: PayPalScene, till: Till) -> None:
    customer_id = till.customer()
    method_id = world.save_method(customer_id)
    till.gateway.charge(till.off_session(customer_id, method_id))
    assert world.server.requests[-1].json["payment_source"] == {"paypal": {"vault_id": method_id}}


def test_a_charge_on_a_method_that_is_gone_is_declined(till: Till) -> None:
    declined = till.gateway.charge(till.off_session(till.customer(), "tok00000000000000"))
    assert (declined.stage, declined.detail) == ("declined", "token id not found")
    assert declined.amount == Money(5_000, "USD")


def test_a_charge_that_went_through_is_told_though_its_method_went_since(
    world: PayPalScene, till: Till
) -> None:
    customer_id = till.customer()
    request = till.off_session(customer_id, world.save_method(customer_id))
    world.lose_next_reply()
    with pytest.raises(GatewayUnreachable):
        till.gateway.charge(request)
    world.books.remove_method(request.method_id)
    assert till.gateway.charge(request).stage == "settled"


def test_a_charge_that_wants_the_customer_is_declined(world: PayPalScene, till: Till) -> None:
    customer_id = till.customer()
    world.books.methods_want = "PAYER_ACTION_REQUIRED"
    declined = till.gateway.charge(till.off_session(customer_id, world.save_method(customer_id)))
    assert (declined.stage, declined.pay_url) == ("declined", None)


def test_a_charge_that_is_only_approved_is_captured(world: PayPalScene, till: Till) -> None:
    customer_id = till.customer()
    world.books.methods_want = "APPROVED"
    charged = till.gateway.charge(till.off_session(customer_id, world.save_method(customer_id)))
    assert (charged.stage, till.effects("payment")) == ("settled", 1)


def test_a_charge_that_paypal_refuses_for_a_reason_of_ours_is_an_error(
    world: PayPalScene, till: Till
) -> None:
    customer_id = till.customer()
    request = till.off_session(customer_id, world.save_method(customer_id))
    world.server.faults.append(
        Fault(
            "POST",
            "/orders",
            status=422,
            body=error_body("UNPROCESSABLE_ENTITY", "NOT_ENABLED_FOR_CARD_PROCESSING"),
        )
    )
    with pytest.raises(GatewayError, match="NOT_ENABLED_FOR_CARD_PROCESSING"):
        till.gateway.charge(request)


def test_a_known_charge_id_with_another_amount_is_refused(world: PayPalScene, till: Till) -> None:
    customer_id = till.customer()
    request = till.off_session(customer_id, world.save_method(customer_id))
    till.gateway.charge(request)
    with pytest.raises(GatewayError, match="other content"):
        till.gateway.charge(replace(request, amount=Money(1, "USD")))
    assert till.effects("payment") == 1


def test_a_charge_whose_reply_was_lost_for_ever_is_found_in_the_report(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    customer_id = till.customer()
    request = till.off_session(customer_id, world.save_method(customer_id))
    world.lose_next_reply()
    with pytest.raises(GatewayUnreachable):
        till.gateway.charge(request)
    till.pay()  # others are not taken for it
    world.server.reporting_delay = 3 * HOUR
    clock.advance(6 * HOUR)
    [settled] = till.gateway.find(till.query(request))
    assert (settled.stage, settled.amount) == ("settled", request.amount)
    assert settled.key == till.gateway.charge(request).key

"""What customers saved is listed whole, shown so that they know it, and forgotten for good."""

from __future__ import annotations

import json
import re

import pytest

from billdesk.core.rules.gateway import Method
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayUnreachable, KeyRefused, NotOffered
from tests.core.gateways.till import MINUTE, Till
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_wire import Fault

VISA = {"last_digits": "4242", "brand": "VISA", "expiry": "2028-04"}
UNION_PAY = {"last_digits": "0005", "brand": "CHINA_UNION_PAY"}


def test_a_customers_id_follows_from_the_reference_and_fits_paypal(
    world: PayPalScene, till: Till
) -> None:
    ids = {till.gateway.ensure_customer(f"account {number}", "", None) for number in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch("[0-9a-zA-Z_-]{7,22}", one) for one in ids)
    assert till.gateway.ensure_customer("account 7", "Other name", "x@y.test") in ids
    assert world.requests() == []


def test_all_that_is_saved_is_listed_over_all_pages(world: PayPalScene, till: Till) -> None:
    customer_id = till.customer()
    saved = [world.save_method(customer_id) for _ in range(45)]
    world.save_method("somebody-else")
    methods = till.gateway.methods(customer_id)
    assert [method.method_id for method in methods] == saved
    assert {method.customer_id for method in methods} == {customer_id}


@pytest.mark.parametrize(
    ("kind", "inside", "label", "expires"),
    [
        ("card", VISA, "Visa ···· 4242", "2028-04"),
        ("card", UNION_PAY, "China Union Pay ···· 0005", None),
        ("card", {"last_digits": "0005"}, "Card ···· 0005", None),
        ("paypal", {"email_address": "buyer@example.com"}, "PayPal buyer@example.com", None),
        ("paypal", {}, "PayPal", None),
        ("venmo", {"user_name": "venmo-user"}, "Venmo venmo-user", None),
        ("apple_pay", {}, "Apple Pay", None),
    ],
)  # fmt: skip
def test_a_method_is_shown_as_its_owner_knows_it(
    world: PayPalScene, till: Till, kind: str, inside: dict[str, str], label: str, expires: str
) -> None:
    customer_id = till.customer()
    method = world.books.save_method(customer_id, kind, inside)
    assert till.gateway.methods(customer_id) == (Method(method.id, customer_id, label, expires),)


def test_a_removed_method_is_gone_and_may_be_removed_again(world: PayPalScene, till: Till) -> None:
    customer_id = till.customer()
    world.save_method(customer_id)
    [method] = till.gateway.methods(customer_id)
    till.gateway.remove_method(method)
    till.gateway.remove_method(method)
    assert till.gateway.methods(customer_id) == ()
    assert world.books.methods == {}


def test_a_page_to_save_a_wallet_on_keeps_it_as_soon_as_the_customer_agrees(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    customer_id = till.customer()
    page = till.gateway.method_page(customer_id, "acme")
    asked = world.server.requests[-1]
    context = asked.json["payment_source"]["paypal"]["experience_context"]
    assert asked.json["customer"] == {"id": customer_id}
    assert context["vault_instruction"] == "ON_PAYER_APPROVAL"
    assert page.url.startswith("https://www.sandbox.paypal.com/agreements/approve")
    assert page.external_id == "set00000000000001"
    clock.advance(MINUTE)
    assert till.gateway.method_page(customer_id, "acme").external_id != page.external_id
    assert world.server.requests[-1].key != asked.key, "a new page, not the old one again"


def test_a_page_without_an_address_is_no_page(world: PayPalScene, till: Till) -> None:
    body = json.dumps({"id": "set1", "links": []}).encode()
    world.server.faults.append(Fault("POST", "/setup-tokens", status=201, body=body))
    with pytest.raises(GatewayUnreachable, match="a setup token cannot be read"):
        till.gateway.method_page(till.customer(), "acme")


def test_saved_methods_need_the_right_to_read_them(world: PayPalScene, till: Till) -> None:
    world.server.forbidden.add("/v3/vault")
    with pytest.raises(KeyRefused, match="lacks a right"):
        till.gateway.methods(till.customer())


def test_invoices_are_not_offered(till: Till) -> None:
    with pytest.raises(NotOffered):
        till.gateway.invoice("INV2-0001")

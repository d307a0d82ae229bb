"""An order is made once, captured once the customer agreed, and told as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billdesk.core.rules.gateway import Gateway
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.paypal.steps import told
from tests.core.gateways.till import MINUTE, Till
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_wire import Fault, error_body

HOUR = timedelta(hours=1)
CAPTURE = ("POST", "/capture")


def stages(till: Till, request: object, known: object) -> list[str]:
    return [fact.stage for fact in till.gateway.find(till.query(request, known))]  # type: ignore[arg-type]  # either


# --- asking ----------------------------------------------------------------------------------


def test_it_is_a_gateway(world: PayPalScene) -> None:
    gateway: Gateway = world.paypal(name="paypal-eu")
    assert (gateway.name, gateway.make, gateway.mode) == ("paypal-eu", "paypal", "test")


def test_our_id_is_on_everything_that_paypal_keeps_of_a_payment(
    world: PayPalScene, till: Till
) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    asked = world.server.requests[-1]
    [unit] = asked.json["purchase_units"]
    assert asked.json["intent"] == "CAPTURE"
    assert asked.key == unit["custom_id"] == unit["invoice_id"] == request.payment_id
    assert unit["amount"] == {"currency_code": "USD", "value": "100.00"}
    assert asked.headers["prefer"] == "return=representation"
    assert (opened.object_id, opened.charge_id) == ("ORD00000000000001", None)
    assert opened.pay_url == "https://www.sandbox.paypal.com/checkoutnow?token=ORD00000000000001"


def test_customers_come_back_to_where_the_desk_says(world: PayPalScene, till: Till) -> None:
    gateway = world.paypal(return_url="https://desk.example/thanks")
    gateway.open_payment(replace(till.request(), description=""))
    asked = world.server.requests[-1].json
    context = asked["payment_source"]["paypal"]["experience_context"]
    assert context["return_url"] == context["cancel_url"] == "https://desk.example/thanks"
    assert "attributes" not in asked["payment_source"]["paypal"]
    assert "description" not in asked["purchase_units"][0]


def test_a_long_description_is_cut_to_what_paypal_takes(world: PayPalScene, till: Till) -> None:
    till.gateway.open_payment(replace(till.request(), description="d" * 300))
    assert world.server.requests[-1].json["purchase_units"][0]["description"] == "d" * 127


@pytest.mark.parametrize(
    ("minor", "asset", "value"),
    [
        (1, "USD", "0.01"),
        (123_456_789, "EUR", "1234567.89"),
        (500, "JPY", "500"),
        (12_300, "HUF", "123"),
        (70_000, "TWD", "700"),
    ],
)
def test_amounts_are_written_and_read_exactly(
    world: PayPalScene, till: Till, minor: int, asset: str, value: str
) -> None:
    paid = till.pay(minor, asset)
    asked = next(one for one in world.server.requests if one.path == "/v2/checkout/orders")
    assert asked.json["purchase_units"][0]["amount"] == {"currency_code": asset, "value": value}
    assert paid.settled.amount == Money(minor, asset)


@pytest.mark.parametrize(
    "amount",
    [Money(12_345, "HUF"), Money(1, "TWD"), Money(5, "CREDIT"), Money(0, "USD"), Money(-1, "USD")],
)
def test_what_paypal_cannot_take_is_refused_before_it_is_asked(
    world: PayPalScene, till: Till, amount: Money
) -> None:
    with pytest.raises(GatewayError, match="PayPal takes"):
        till.gateway.open_payment(replace(till.request(), amount=amount))
    assert world.requests() == []


def test_a_currency_that_paypal_does_not_know_is_its_refusal(till: Till) -> None:
    with pytest.raises(GatewayError, match="INVALID_CURRENCY_CODE"):
        till.gateway.open_payment(till.request(1_000, "KWD"))


# --- asking again --------------------------------------------------------------------------------


def test_the_same_id_tells_how_far_the_payment_has_come(world: PayPalScene, till: Till) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.pay(opened)
    assert till.gateway.open_payment(request).key == opened.key
    [settled] = till.gateway.find(till.query(request, opened))
    assert till.gateway.open_payment(request).key == settled.key
    assert len(world.books.orders) == 1


def test_the_same_id_for_another_amount_is_refused_and_opens_nothing(
    world: PayPalScene, till: Till
) -> None:
    request = till.request()
    till.gateway.open_payment(request)
    with pytest.raises(GatewayError, match=r"other content: 100\.00 USD"):
        till.gateway.open_payment(replace(request, amount=Money(9_999, "USD")))
    assert len(world.books.orders) == 1


# --- capturing -------------------------------------------------------------------------------


def test_nothing_is_captured_before_the_customer_agrees(world: PayPalScene, till: Till) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    assert till.gateway.find(till.query(request, opened)) == (opened,)
    assert [path for _, path in world.requests() if path.endswith("/capture")] == []


def test_an_agreed_payment_is_captured_under_its_own_key_and_settled_with_its_fee(
    world: PayPalScene, till: Till
) -> None:
    paid = till.pay()
    asked = world.server.requests[-1]
    assert asked.key == f"{paid.request.payment_id}:capture"
    assert (paid.settled.amount, paid.settled.fee) == (Money(10_000, "USD"), Money(398, "USD"))
    assert paid.settled.object_id == paid.opened.object_id
    assert paid.settled.charge_id == paid.settled.occurrence == "CAP00000000000003"
    assert paid.settled.method is None


def test_a_capture_whose_reply_is_lost_is_found_and_made_once(
    world: PayPalScene, till: Till
) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.pay(opened)
    world.server.faults.append(Fault(*CAPTURE, effect=True))
    with pytest.raises(GatewayUnreachable):
        till.gateway.find(till.query(request, opened))
    [settled] = till.gateway.find(till.query(request, opened))
    assert (settled.stage, till.effects("payment")) == ("settled", 1)


def test_what_somebody_else_captured_first_is_looked_up(world: PayPalScene, till: Till) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.pay(opened)
    order = world.books.orders[opened.object_id]
    world.books.capture(order)
    order.status = "APPROVED"  # as it looked a moment ago
    [settled] = till.gateway.find(till.query(request, opened))
    assert (settled.stage, till.effects("payment")) == ("settled", 1)


def test_a_customer_whose_card_is_declined_may_take_another(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    query = till.query(request, opened)
    world.books.approve(opened.object_id, will="instrument")
    [again] = till.gateway.find(query)
    assert (again.stage, again.detail) == ("opened", "instrument declined")
    assert (again.pay_url or "").endswith("&again=1")
    assert again.key != opened.key, "news, so that the desk shows it"
    clock.advance(MINUTE)
    world.pay(opened)
    [settled] = till.gateway.find(query)
    assert settled.stage == "settled"


def test_a_payer_who_cannot_pay_is_declined_once_however_often_we_ask(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.books.approve(opened.object_id, will="PAYER_CANNOT_PAY")
    [declined] = till.gateway.find(till.query(request, opened))
    clock.advance(MINUTE)
    [asked_again] = till.gateway.find(till.query(request, opened))
    assert (declined.stage, declined.detail) == ("declined", "payer cannot pay")
    assert declined.pay_url is None
    assert declined.key == asked_again.key


def test_a_refusal_that_is_about_us_leaves_the_payment_open_and_says_why(
    world: PayPalScene, till: Till
) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.books.approve(opened.object_id, will="PAYEE_ACCOUNT_RESTRICTED")
    [open_still] = till.gateway.find(till.query(request, opened))
    assert open_still.stage == "opened"
    assert "PAYEE_ACCOUNT_RESTRICTED" in open_still.detail
    world.books.orders[opened.object_id].will = "pay"
    assert stages(till, request, opened) == ["settled"]


def test_an_order_that_is_not_agreed_to_after_all_stays_open(
    world: PayPalScene, till: Till
) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.pay(opened)
    body = error_body("UNPROCESSABLE_ENTITY", "ORDER_NOT_APPROVED")
    world.server.faults.append(Fault(*CAPTURE, status=422, body=body))
    [found] = till.gateway.find(till.query(request, opened))
    assert found.key == opened.key


@pytest.mark.parametrize(
    ("status", "issue"), [(400, "DUPLICATE_REQUEST_ID"), (404, "INVALID_RESOURCE_ID")]
)
def test_no_refusal_of_a_capture_keeps_the_desk_from_asking_on(
    world: PayPalScene, till: Till, status: int, issue: str
) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.pay(opened)
    body = error_body("INVALID_REQUEST", issue)
    world.server.faults.append(Fault(*CAPTURE, status=status, body=body))
    [open_still] = till.gateway.find(till.query(request, opened))
    assert (open_still.stage, issue in open_still.detail) == ("opened", True)
    assert stages(till, request, opened) == ["settled"]


@pytest.mark.parametrize(("accepted", "end"), [(True, "settled"), (False, "declined")])
def test_a_slow_payment_is_processing_until_it_comes_or_does_not(
    world: PayPalScene, till: Till, end: str, *, accepted: bool
) -> None:
    world.books.pending_captures = True
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.pay(opened)
    [slow] = till.gateway.find(till.query(request, opened))
    assert (slow.stage, slow.detail, slow.fee) == ("processing", "echeck", None)
    world.books.clear(slow.occurrence, accepted=accepted)
    [done] = till.gateway.find(till.query(request, opened))
    assert (done.stage, done.occurrence) == (end, slow.occurrence)
    assert {fact.key for fact in told(till) if fact.charge_id} == {slow.key, done.key}


def test_a_saved_method_comes_with_the_money(world: PayPalScene, till: Till) -> None:
    customer_id = till.customer()
    paid = till.pay(customer_id=customer_id)
    assert paid.settled.method is not None
    assert paid.settled.method.customer_id == customer_id
    assert paid.settled.method.label == "PayPal buyer@example.com"
    assert till.gateway.methods(customer_id) == (paid.settled.method,)


def test_a_method_may_be_saved_for_a_customer_that_paypal_names(
    world: PayPalScene, till: Till
) -> None:
    request = replace(till.request(), save_method=True)
    opened = till.gateway.open_payment(request)
    asked = world.server.requests[-1].json["payment_source"]["paypal"]["attributes"]
    assert asked == {"vault": {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}}
    world.pay(opened)
    [settled] = till.gateway.find(till.query(request, opened))
    assert settled.method is not None
    assert settled.method.customer_id


# --- ends ----------------------------------------------------------------------------------------


def test_a_voided_order_has_expired(world: PayPalScene, till: Till) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    world.abandon(opened)
    [expired] = till.gateway.find(till.query(request, opened))
    assert (expired.stage, expired.pay_url) == ("expired", None)


def test_an_order_that_paypal_forgot_has_expired_once_it_was_old_enough(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    del world.books.orders[opened.object_id]
    clock.advance(3 * HOUR - MINUTE)
    assert till.gateway.find(till.query(request, opened)) == ()
    clock.advance(MINUTE)
    [expired] = till.gateway.find(till.query(request, opened))
    assert (expired.stage, expired.object_id) == ("expired", opened.object_id)
    assert (expired.payment_id, expired.happened_at) == (request.payment_id, clock.now())


def test_a_payment_is_told_by_its_capture_when_paypal_forgot_its_order(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    paid = till.pay()
    del world.books.orders[paid.opened.object_id]
    clock.advance(1_000 * HOUR)
    query = till.query(paid.request, paid.settled)
    [told_later] = till.gateway.find(query)
    assert told_later.key == paid.settled.key
    assert till.gateway.find(replace(query, charge_id="CAP404")) == (), "but never expired"


# --- a lost order ----------------------------------------------------------------------------


def test_a_payment_without_an_order_is_never_made_by_looking_for_it(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    request = till.request()
    assert till.gateway.find(till.query(request)) == ()
    assert world.requests() == []
    till.pay()
    world.server.requests.clear()
    clock.advance(6 * HOUR)
    assert till.gateway.find(till.query(request)) == ()
    assert {method for method, path in world.requests() if "oauth2" not in path} == {"GET"}


def test_without_the_right_to_search_a_lost_charge_stays_unknown(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    world.server.forbidden.add("/v1/reporting/transactions")
    request = till.request()
    clock.advance(6 * HOUR)
    assert till.gateway.find(till.query(request)) == ()


def test_the_books_of_our_own_paypal_keep_a_fee_and_never_more_than_the_whole(
    world: PayPalScene, till: Till
) -> None:
    paid = till.pay(10)
    assert paid.settled.fee == paid.settled.amount == Money(10, "USD")
    assert world.books.captures[paid.charge_id].fee == Decimal("0.10")

"""Stripe: keys, errors, messages brought by hand, customers, and Stripe's own books."""

from __future__ import annotations

import gc
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.rules.gateway import Method, PaymentQuery, PaymentRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
)
from billdesk.core.values.money import Money
from tests.gateway_servers.stripe_books import ACCOUNT
from tests.gateway_servers.stripe_scene import StripeScene
from tests.gateway_servers.stripe_server import Reply

REQUEST = PaymentRequest("pay_1", Money(10_000, "USD"), "acme", "deposit", "a@acme.test")


# --- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "mode"),
    [("sk_live_x", "live"), ("rk_live_x", "live"), ("sk_test_x", "test"), ("rk_test_x", "test")],
)
def test_the_key_says_whether_the_money_is_real(key: str, mode: str) -> None:
    gateway = Stripe("stripe", key)
    assert (gateway.mode, gateway.make, gateway.name) == (mode, "stripe", "stripe")
    assert key not in repr(gateway)
    gateway.close()


@pytest.mark.parametrize("key", ["pk_live_x", "", "whsec_x"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(BadInput) as refused:
        Stripe("stripe", key)
    assert not key or key not in str(refused.value)


def test_a_key_never_leaves_the_machine_unencrypted() -> None:
    with pytest.raises(BadInput, match="not encrypted"):
        Stripe("stripe", "sk_test_x", base_url="http://stripe.example.com")
    Stripe("stripe", "sk_test_x", base_url="https://stripe.example.com").close()


def test_a_gateway_that_nobody_holds_hangs_up(scene: StripeScene, clock: MovingClock) -> None:
    stripe = Stripe("stripe", "sk_test_scene", base_url=scene.server.url, clock=clock)
    assert stripe.check().account == ACCOUNT
    del stripe
    gc.collect()  # an open socket would warn here, and warnings fail the tests


def test_a_check_tells_what_the_key_may_not_read(scene: StripeScene, stripe: Stripe) -> None:
    scene.server.lacking = {"events", "disputes", "checkout"}
    assert stripe.check().missing == ("events", "checkout sessions", "disputes")
    scene.server.lacking = {"account"}
    check = scene.gateway(account="acct_given").check()
    assert (check.account, check.missing) == ("acct_given", ("account",))
    scene.server.names_account = True
    check = scene.gateway(account="").check()
    assert (check.account, check.missing) == (ACCOUNT, ())


def test_a_wrong_key_fails_the_check(scene: StripeScene) -> None:
    with pytest.raises(KeyRefused, match="the key of stripe was refused"):
        scene.gateway(key="sk_test_wrong").check()


def test_a_key_without_the_balance_learns_everything_but_fees(
    scene: StripeScene, stripe: Stripe
) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.pay(opened)
    message = "Having the 'rak_balance_transaction_source_read' permission would allow this."
    scene.server.answer = Reply(403, {"error": {"message": message}})
    [settled] = stripe.find(PaymentQuery("pay_1", opened.object_id, None, scene.clock.now()))
    assert (settled.stage, settled.fee) == ("settled", None)
    scene.server.answer = Reply(403, {"error": {"message": message}})
    [swept] = stripe.sweep(scene.clock.now(), None).facts
    assert (swept.key, swept.fee) == (settled.key, None)
    scene.server.answer = Reply(403, {"error": {"message": "'rak_customer_read' is wanted"}})
    with pytest.raises(KeyRefused) as refused:
        stripe.find(PaymentQuery("pay_1", opened.object_id, None, scene.clock.now()))
    assert "rak_customer_read" in refused.value.hint
    scene.server.answer = Reply(403, {"error": {"message": message}})
    with pytest.raises(KeyRefused):
        stripe.facts(None)


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(409, {"error": {"message": "in use"}}), GatewayUnreachable),
        (Reply(500, {"error": {"message": "failed"}}), GatewayUnreachable),
        (Reply(502, "<html>"), GatewayUnreachable),
        (Reply(200, "<html>"), GatewayUnreachable),
        (Reply(200, []), GatewayUnreachable),
        (Reply(400, {"error": {"message": "no"}}), GatewayError),
        (Reply(405, {"error": {"message": "no"}}), GatewayError),
        (Reply(401, {"error": {"message": "no"}}), KeyRefused),
        (Reply(429, {"error": {"message": "no"}}), GatewayBusy),
        (Reply(400, {"error": {"message": "no", "code": "rate_limit"}}), GatewayBusy),
    ],
)
def test_every_answer_has_one_meaning(
    scene: StripeScene, stripe: Stripe, reply: Reply, error: type[GatewayError]
) -> None:
    scene.server.answer = reply
    with pytest.raises(GatewayError) as raised:
        stripe.open_payment(REQUEST)
    assert type(raised.value) is error
    assert raised.value.message
    assert raised.value.hint


def test_what_stripe_says_is_passed_on_without_the_key(scene: StripeScene, stripe: Stripe) -> None:
    scene.server.answer = Reply(400, {"error": {"message": "sk_test_scene is no amount"}})
    with pytest.raises(GatewayError, match=r"refused: \(key\) is no amount"):
        stripe.open_payment(REQUEST)
    scene.server.answer = Reply(400, {"error": {}})
    with pytest.raises(GatewayError, match="without a reason"):
        stripe.open_payment(REQUEST)


def test_a_busy_stripe_says_how_long_it_wants_to_be_left_alone(
    scene: StripeScene, stripe: Stripe
) -> None:
    scene.answer_next(429, {"Retry-After": "7"})
    with pytest.raises(GatewayBusy) as busy:
        stripe.facts(None)
    assert busy.value.retry_after_seconds == 7


def test_where_nobody_listens_the_outcome_is_open() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    stripe = Stripe("stripe", "sk_test_x", base_url=url, timeout_seconds=1)
    with pytest.raises(GatewayUnreachable, match="could not be reached"):
        stripe.open_payment(REQUEST)


def test_who_answers_too_late_has_not_answered(clock: MovingClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        stripe = Stripe("stripe", "sk_test_x", base_url=url, timeout_seconds=0.1, clock=clock)
        with pytest.raises(GatewayUnreachable):
            stripe.find(PaymentQuery("pay_1", "cs_1", None, clock.now()))
        stripe.close()


def test_an_answer_without_a_time_happened_by_our_clock(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.abandon(opened)
    query = PaymentQuery("pay_1", opened.object_id, None, clock.now())
    scene.books.skew_seconds = 60
    [by_stripe] = stripe.find(query)
    scene.server.tells_time = False
    [by_us] = stripe.find(query)
    assert by_stripe.happened_at == clock.now() + timedelta(seconds=60)
    assert by_us.happened_at == clock.now()


# --- messages brought by hand ----------------------------------------------------------------------


def test_one_right_signature_among_several_is_enough(scene: StripeScene, stripe: Stripe) -> None:
    scene.pay(stripe.open_payment(REQUEST))
    event_id = scene.books.of("event")[0]["id"]
    body, headers = scene.signed(event_id)
    stamp, right = headers["Stripe-Signature"].split(",")[:2]
    both = {"stripe-signature": f"{stamp}, v1=0123, {right}"}
    assert stripe.read_event(body, both, scene.clock.now()).facts


@pytest.mark.parametrize(
    "signature", ["", "t=1", "v1=00", "t=x,v1=00", "t=1,t=2,v1=00", "t=²,v1=00", "t=1,v1=é"]
)
def test_a_signature_that_is_none_is_refused(
    scene: StripeScene, stripe: Stripe, signature: str
) -> None:
    with pytest.raises(BadInput):
        stripe.read_event(b"{}", {"Stripe-Signature": signature}, scene.clock.now())


def test_without_a_secret_nothing_is_believed(scene: StripeScene) -> None:
    stripe = scene.gateway(webhook_secret=None)
    body, headers = scene.sign(b"{}", "")
    with pytest.raises(BadInput, match="no signing secret"):
        stripe.read_event(body, headers, scene.clock.now())


def test_another_secret_is_wrong_and_a_message_of_the_future_too(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    body, headers = scene.sign(b"{}", "whsec_other")
    with pytest.raises(BadInput, match="wrong"):
        stripe.read_event(body, headers, clock.now())
    body, headers = scene.sign(b"{}")
    with pytest.raises(BadInput, match="five minutes"):
        stripe.read_event(body, headers, clock.now() - timedelta(minutes=5, seconds=1))
    with pytest.raises(BadInput, match="no event"):
        stripe.read_event(body, headers, clock.now() - timedelta(minutes=5))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":"evt_1","data":{"object":null}}'])
def test_a_signed_message_that_is_no_event_is_refused(
    scene: StripeScene, stripe: Stripe, body: bytes
) -> None:
    with pytest.raises(BadInput, match="no event"):
        stripe.read_event(*scene.sign(body), scene.clock.now())


def event(**fields: object) -> bytes:
    given = {
        "id": "evt_1", "type": "payout.paid", "created": 1_700_000_000, "livemode": False,
        "data": {"object": {"id": "po_1", "object": "payout"}},
    }  # fmt: skip
    return json.dumps({**given, **fields}).encode()


def test_a_message_for_somebody_else_is_refused(scene: StripeScene, stripe: Stripe) -> None:
    for body in (event(livemode=True), event(account="acct_other")):
        with pytest.raises(BadInput, match="not for stripe"):
            stripe.read_event(*scene.sign(body), scene.clock.now())
    for body in (event(account=ACCOUNT), event()):
        assert stripe.read_event(*scene.sign(body), scene.clock.now()).complete
    anyone = scene.gateway(account="")
    assert anyone.read_event(*scene.sign(event(account="acct_any")), scene.clock.now()).facts


def test_a_message_of_an_unknown_type_is_kept(scene: StripeScene, stripe: Stripe) -> None:
    page = stripe.read_event(*scene.sign(event()), scene.clock.now())
    [fact], [kept] = page.facts, page.events
    assert (fact.stage, fact.object_id, fact.occurrence) == ("unknown", "po_1", "evt_1")
    assert (kept.event_id, kept.type, kept.object_id) == ("evt_1", "payout.paid", "po_1")
    assert kept.happened_at == datetime.fromtimestamp(1_700_000_000, UTC)
    nameless = stripe.read_event(*scene.sign(event(data={"object": {}})), scene.clock.now())
    assert nameless.facts[0].object_id == "evt_1"
    assert nameless.events[0].object_id == ""


# --- customers -------------------------------------------------------------------------------------


def test_a_customer_known_by_mail_is_not_made_again(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    first = stripe.ensure_customer("acme", "Acme", "a@acme.test")
    clock.advance(timedelta(days=30))
    assert stripe.ensure_customer("acme", "Acme & Sons", "a@acme.test") == first
    other = stripe.ensure_customer("globex", "Globex", "a@acme.test")
    assert other != first


def test_a_customer_whose_name_changed_at_once_is_the_same(
    scene: StripeScene, stripe: Stripe
) -> None:
    stripe.ensure_customer("globex", "Globex", None)
    first = stripe.ensure_customer("acme", "Acme", None)
    assert stripe.ensure_customer("acme", "Acme & Sons", None) == first


def test_a_customer_that_went_away_at_once_cannot_be_made_with_another_name(
    scene: StripeScene, stripe: Stripe
) -> None:
    first = stripe.ensure_customer("acme", "Acme", None)
    del scene.books.objects[first]
    with pytest.raises(GatewayError, match="other content"):
        stripe.ensure_customer("acme", "Acme & Sons", None)


def test_methods_are_shown_as_people_know_them(scene: StripeScene, stripe: Stripe) -> None:
    customer_id = stripe.ensure_customer("acme", "Acme", None)
    for kind, details in (
        ("sepa_debit", {"last4": "3000", "bank_code": "37040044"}),
        ("us_bank_account", {"last4": "6789", "bank_name": "STRIPE TEST BANK"}),
        ("link", {"email": "a@acme.test"}),
        ("paypal", {}),
    ):
        scene.books.save_method(customer_id)
        used = scene.books.of("payment_method")[0]
        used |= {"type": kind, kind: details}
    methods = stripe.methods(customer_id)
    assert [(method.label, method.expires) for method in reversed(methods)] == [
        ("Sepa debit ···· 3000", None),
        ("STRIPE TEST BANK ···· 6789", None),
        ("Link a@acme.test", None),
        ("Paypal", None),
    ]
    assert {method.customer_id for method in methods} == {customer_id}


def test_a_method_that_is_gone_is_removed_already(scene: StripeScene, stripe: Stripe) -> None:
    stripe.remove_method(Method("pm_gone", "cus_1", "Visa ···· 4242"))
    customer_id = stripe.ensure_customer("acme", "Acme", None)
    method = Method(scene.save_method(customer_id), customer_id, "Visa ···· 4242")
    scene.answer_next(500)
    with pytest.raises(GatewayUnreachable):
        stripe.remove_method(method)
    assert len(stripe.methods(customer_id)) == 1
    scene.lose_next_reply()
    stripe.remove_method(method)
    assert stripe.methods(customer_id) == ()


def test_a_method_that_stripe_forgot_while_it_failed_is_an_error(
    scene: StripeScene, stripe: Stripe
) -> None:
    scene.answer_next(500)
    with pytest.raises(GatewayUnreachable):
        stripe.remove_method(Method("pm_gone", "cus_1", "Visa ···· 4242"))


# --- Stripe's own books ------------------------------------------------------------------------------


def test_rows_are_in_the_currency_that_was_paid_in(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    began = clock.now()
    opened = stripe.open_payment(replace(REQUEST, amount=Money(10_000, "EUR")))
    scene.pay(opened)
    stripe.find(PaymentQuery("pay_1", opened.object_id, None, clock.now()))
    scene.refund_outside(scene.books.get(opened.object_id)["payment_intent"], 2_000)
    for line in scene.books.of("balance_transaction"):
        line |= {"currency": "usd", "amount": line["amount"] * 11 // 10}
    clock.advance(timedelta(seconds=1))
    refund, payment = stripe.rows(began, clock.now())
    assert (payment.kind, payment.asset, payment.amount_minor, payment.fee_minor) == (
        "payment", "EUR", 10_000, 0,
    )  # fmt: skip
    assert (refund.kind, refund.asset, refund.amount_minor) == ("refund", "EUR", -2_000)
    assert payment.external_id == opened.object_id


def test_rows_are_of_a_half_open_span_to_the_second(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    for payment_id in ("pay_1", "pay_2"):
        scene.pay(stripe.open_payment(replace(REQUEST, payment_id=payment_id)))
    paid_at = clock.now()
    tick = timedelta(microseconds=1)
    clock.advance(timedelta(seconds=2))
    assert len(list(stripe.rows(paid_at, paid_at + tick))) == 2
    assert list(stripe.rows(paid_at + tick, clock.now())) == []
    assert list(stripe.rows(paid_at - timedelta(seconds=2), paid_at)) == []


def test_what_is_no_movement_of_a_payment_is_left_out(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    payout = scene.books.make("po", "payout", amount=5, currency="usd")
    scene.books._book(payout, -5, 0, "payout")
    line = scene.books._book(payout, -1, 0, "stripe_fee")
    line["source"] = None
    assert list(stripe.rows(clock.now(), clock.now() + timedelta(seconds=1))) == []


def test_a_row_in_no_known_shape_stops_the_reading(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    began = clock.now()
    scene.pay(stripe.open_payment(REQUEST))
    del scene.books.of("balance_transaction")[0]["fee"]
    with pytest.raises(GatewayUnreachable, match="not understood"):
        list(stripe.rows(began, began + timedelta(seconds=1)))


def test_a_row_is_named_by_the_session_even_if_that_is_old(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    opened = stripe.open_payment(REQUEST)
    scene.books.pay_slowly(opened.object_id)
    clock.advance(timedelta(days=7))
    began = clock.now()
    scene.books.arrive(opened.object_id)
    clock.advance(timedelta(seconds=1))
    [row] = stripe.rows(began, clock.now())
    assert (row.external_id, row.payment_id) == (opened.object_id, "pay_1")


def test_a_row_of_somebody_else_is_named_by_what_stripe_calls_it(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    began = clock.now()
    lonely = scene.books.make("ch", "charge", amount=5, currency="usd", payment_intent=None)
    scene.books._book(lonely, 5, 0, "charge")
    opened = stripe.open_payment(REQUEST)
    scene.pay(opened)
    session = scene.books.get(opened.object_id)
    del scene.books.objects[session["id"]]
    clock.advance(timedelta(seconds=1))
    ours, theirs = stripe.rows(began, clock.now())
    assert (theirs.external_id, theirs.charge_id, theirs.payment_id) == (lonely["id"], None, None)
    assert ours.external_id == ours.charge_id == session["payment_intent"]

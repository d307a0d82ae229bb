"""What every gateway promises, whatever its make: one suite over all four.

Each speaks with a counterpart that keeps books of its own; what the books hold is what counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from billdesk.core.rules.gateway import (
    DISPUTE_STAGES,
    PAYMENT_STAGES,
    REFUND_STAGES,
    Stage,
)
from billdesk.core.rules.mirrors import GatewayLine, InvoiceRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotOffered,
)
from billdesk.core.values.money import Money
from tests.core.gateways.till import MINUTE, Till, keys, of_stage
from tests.gateway_servers.scene import Scene

CURRENCIES = {
    "sandbox": ("USD", "EUR", "JPY", "KWD"),
    "stripe": ("USD", "EUR", "JPY", "KWD"),
    "paypal": ("USD", "EUR", "JPY"),
    "paystack": ("USD", "NGN"),
}
LACKS = {
    "sandbox": set[str](),
    "stripe": set[str](),
    "paypal": {"invoice", "send_invoice"},
    "paystack": {"method_page", "invoice", "send_invoice"},
}
MONEY_STAGES: tuple[Stage, ...] = ("settled", "refunded", "disputed", "dispute_won", "dispute_lost")


@pytest.fixture
def till(scene: Scene, clock: MovingClock) -> Till:
    return Till(scene, clock)


# --- who it is -----------------------------------------------------------------------------------


def test_it_says_who_it_is_and_whose_account_its_key_opens(till: Till) -> None:
    gateway, check = till.gateway, till.gateway.check()
    assert (gateway.name, gateway.make) == (till.scene.make, till.scene.make)
    assert (check.mode, check.missing) == (gateway.mode, ()) == ("test", ())
    assert check.account


def test_every_fact_carries_whose_word_it_is(till: Till) -> None:
    paid = till.pay()
    for fact in (paid.opened, paid.settled, *till.read()[0]):
        assert (fact.gateway, fact.account, fact.mode) == (
            till.gateway.name, till.gateway.account, till.gateway.mode,
        )  # fmt: skip
        assert fact.raw.startswith("{")
        assert fact.occurrence


# --- a payment -----------------------------------------------------------------------------------


def test_an_opened_payment_says_where_to_pay_and_moves_no_money(till: Till) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    assert (opened.stage, opened.payment_id) == ("opened", request.payment_id)
    assert (opened.pay_url or "").startswith("http")
    assert till.scene.totals().get("USD", (0, 0, 0)) == (0, 0, 0)


def test_a_paid_payment_is_settled_once_the_same_to_who_asks_and_who_polls(till: Till) -> None:
    paid = till.pay()
    assert paid.settled.amount == paid.request.amount
    assert paid.settled.payment_id == paid.request.payment_id
    assert paid.settled.object_id == paid.opened.object_id
    again = till.gateway.find(till.query(paid.request, paid.settled))
    polled = of_stage(till.read()[0], "settled")
    assert keys(of_stage(again, "settled")) == keys(polled) == {paid.settled.key}
    assert polled[0].amount == paid.request.amount
    assert polled[0].payment_id == paid.request.payment_id
    assert till.effects("payment") == 1


def test_the_same_request_twice_is_one_payment(till: Till) -> None:
    request = till.request()
    first, second = till.gateway.open_payment(request), till.gateway.open_payment(request)
    assert (first.object_id, first.key) == (second.object_id, second.key)
    till.scene.pay(first)
    till.clock.advance(MINUTE)
    assert len(of_stage(till.gateway.find(till.query(request, first)), "settled")) == 1
    assert till.effects("payment") == 1


def test_a_known_payment_id_with_another_amount_is_refused(till: Till) -> None:
    request = till.request()
    till.gateway.open_payment(request)
    with pytest.raises(GatewayError):
        till.gateway.open_payment(replace(request, amount=Money(10_001, "USD")))


def test_a_declined_payment_says_why_and_moves_no_money(till: Till) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    till.scene.decline(opened)
    till.clock.advance(MINUTE)
    found = till.gateway.find(till.query(request, opened))
    [declined] = of_stage(found, "declined")
    assert declined.detail
    assert declined.payment_id == request.payment_id
    assert of_stage(found, "settled") == []
    assert till.effects("payment") == 0


def test_a_payment_that_nobody_pays_expires(till: Till) -> None:
    request = till.request()
    opened = till.gateway.open_payment(request)
    till.scene.abandon(opened)
    till.clock.advance(timedelta(days=2))
    found = till.gateway.find(till.query(request, opened))
    assert found[-1].stage == "expired"
    assert of_stage(found, "settled") == []


def test_a_payment_nobody_asked_for_is_not_found(till: Till) -> None:
    assert till.gateway.find(till.query(till.request())) == ()


def test_a_request_that_never_arrived_has_done_nothing_and_may_be_sent_again(till: Till) -> None:
    request = till.request()
    till.gateway.check()
    till.scene.lose_next_reply(before_effect=True)
    with pytest.raises(GatewayUnreachable):
        till.gateway.open_payment(request)
    assert till.gateway.find(till.query(request)) == ()
    opened = till.gateway.open_payment(request)
    till.scene.pay(opened)
    till.clock.advance(MINUTE)
    assert len(of_stage(till.gateway.find(till.query(request, opened)), "settled")) == 1
    assert till.effects("payment") == 1


def test_a_lost_reply_is_healed_by_asking_or_by_the_same_request(till: Till) -> None:
    request = till.request()
    till.gateway.check()
    till.scene.lose_next_reply()
    with pytest.raises(GatewayUnreachable):
        till.gateway.open_payment(request)
    found = till.gateway.find(till.query(request))
    again = till.gateway.open_payment(request)
    assert {fact.object_id for fact in found} <= {again.object_id}, "there is one, not two"
    till.scene.pay(again)
    till.clock.advance(MINUTE)
    assert len(of_stage(till.gateway.find(till.query(request, again)), "settled")) == 1
    assert till.effects("payment") == 1


def test_every_currency_keeps_its_own_smallest_unit(till: Till) -> None:
    for asset in CURRENCIES[till.scene.make]:
        minor = 12_340  # 123.40 USD, 12340 JPY, 12.340 KWD
        paid = till.pay(minor, asset)
        assert paid.settled.amount == Money(minor, asset)
        assert till.give_back(paid, 1_230).amount == Money(1_230, asset)
        paid_minor, _, back_minor = till.scene.totals()[asset]
        assert (paid_minor, back_minor) == (minor, 1_230)


# --- money back ----------------------------------------------------------------------------------


def test_a_whole_refund_arrives_and_everybody_tells_the_same(till: Till) -> None:
    paid = till.pay()
    request = till.refund_request(paid, 10_000, whole=True)
    told = till.gateway.refund(request)
    assert told.stage in {"refund_pending", "refunded"}
    assert (told.refund_id, told.amount) == (request.refund_id, request.amount)
    till.clock.advance(MINUTE)
    found = till.gateway.find_refund(till.refund_query(request, told))
    assert found[-1].stage == "refunded"
    assert {fact.object_id for fact in found} == {told.object_id}
    [refunded] = of_stage(till.gateway.find(till.query(paid.request, paid.settled)), "refunded")
    assert refunded.key == found[-1].key
    assert refunded.amount == Money(10_000, "USD")
    polled = of_stage(till.read()[0] + till.swept(paid.opened.happened_at), "refunded")
    assert keys(polled) == {refunded.key}
    assert till.scene.totals()["USD"][2] == 10_000


def test_parts_go_back_one_by_one_but_never_more_than_was_paid(till: Till) -> None:
    paid = till.pay()
    first, second = till.give_back(paid, 4_000), till.give_back(paid, 6_000)
    assert (first.amount, second.amount) == (Money(4_000, "USD"), Money(6_000, "USD"))
    assert first.object_id != second.object_id
    with pytest.raises(GatewayError):
        till.gateway.refund(till.refund_request(paid, 1))
    assert till.effects("refund") == 2
    assert till.scene.totals()["USD"][2] == 10_000


def test_the_same_refund_id_twice_is_one_refund(till: Till) -> None:
    paid = till.pay()
    request = till.refund_request(paid, 4_000)
    first, second = till.gateway.refund(request), till.gateway.refund(request)
    assert first.object_id == second.object_id
    assert till.effects("refund") == 1


def test_a_refund_whose_reply_was_lost_is_found_or_asked_for_again(till: Till) -> None:
    paid = till.pay()
    request = till.refund_request(paid, 4_000)
    till.scene.lose_next_reply()
    with pytest.raises(GatewayUnreachable):
        till.gateway.refund(request)
    found = till.gateway.find_refund(till.refund_query(request))
    again = till.gateway.refund(request)
    assert {fact.object_id for fact in found} <= {again.object_id}
    assert again.refund_id == request.refund_id
    assert till.effects("refund") == 1


def test_a_refund_that_never_arrived_is_not_found_and_may_be_sent_again(till: Till) -> None:
    paid = till.pay()
    request = till.refund_request(paid, 4_000)
    till.scene.lose_next_reply(before_effect=True)
    with pytest.raises(GatewayUnreachable):
        till.gateway.refund(request)
    assert till.gateway.find_refund(till.refund_query(request)) == ()
    assert till.gateway.refund(request).refund_id == request.refund_id
    assert till.effects("refund") == 1


def test_a_refund_made_outside_shows_up_without_an_id_of_ours(till: Till) -> None:
    paid = till.pay()
    till.scene.refund_outside(paid.charge_id, 2_500)
    till.clock.advance(MINUTE)
    [seen] = of_stage(till.gateway.find(till.query(paid.request, paid.settled)), "refunded")
    assert (seen.amount, seen.refund_id) == (Money(2_500, "USD"), None)
    assert paid.opened.object_id == seen.payment_external_id or paid.charge_id == seen.charge_id
    polled = of_stage(till.read()[0] + till.swept(paid.opened.happened_at), "refunded")
    assert keys(polled) == {seen.key}


@pytest.mark.parametrize(("won", "end"), [(True, "dispute_won"), (False, "dispute_lost")])
def test_a_dispute_shows_up_when_it_is_opened_and_when_it_is_decided(
    till: Till, end: Stage, *, won: bool
) -> None:
    paid = till.pay()
    dispute_id = till.scene.dispute(paid.charge_id, 10_000)
    till.clock.advance(MINUTE)
    told, cursor = till.read()
    told += till.swept(paid.opened.happened_at)
    [opened] = of_stage(told, "disputed")
    assert (opened.object_id, opened.amount) == (dispute_id, Money(10_000, "USD"))
    assert paid.opened.object_id == opened.payment_external_id or paid.charge_id == opened.charge_id
    till.scene.close_dispute(dispute_id, won=won)
    till.clock.advance(MINUTE)
    told = till.read(cursor)[0] + till.swept(paid.opened.happened_at)
    [closed] = of_stage(told, "dispute_won", "dispute_lost")
    assert (closed.stage, closed.object_id) == (end, dispute_id)
    assert till.scene.totals()["USD"][2] == (0 if won else 10_000)


# --- what is told --------------------------------------------------------------------------------


def test_what_is_told_twice_has_the_same_keys(till: Till) -> None:
    paid = till.pay()
    till.give_back(paid, 4_000)
    first, cursor = till.read()
    assert keys(till.read()[0]) == keys(first)
    again, _ = till.read(cursor)
    assert keys(again) <= keys(first)


def test_an_object_is_told_once_per_stage_and_occurrence(till: Till) -> None:
    paid = till.pay()
    till.give_back(paid, 10_000, whole=True)
    told = till.read()[0] + till.swept(paid.opened.happened_at)
    told += till.gateway.find(till.query(paid.request, paid.settled))
    money = Counter((fact.object_id, fact.stage) for fact in of_stage(told, *MONEY_STAGES))
    assert set(money.values()) == {1}


def test_a_long_feed_loses_nothing_and_a_pass_cut_short_begins_again(till: Till) -> None:
    _, mark = till.read()
    paid = {till.pay(1_000 + number).settled.key for number in range(110)}
    pages = till.pages(till.gateway.facts, mark)
    assert paid <= {fact.key for page in pages for fact in page.facts}
    cut_short = pages[0].cursor
    assert paid <= keys([*pages[0].facts, *till.read(cut_short)[0]]), "a pass goes on where it was"
    assert paid <= keys(till.read(mark)[0]), "or begins again"
    times = [fact.happened_at for page in pages for fact in of_stage(page.facts, "settled")]
    assert times == sorted(times)


def test_a_cursor_of_another_make_is_refused(till: Till) -> None:
    with pytest.raises(GatewayError):
        till.gateway.facts("never a cursor of yours")


def test_a_sweep_finds_what_the_feed_told(till: Till) -> None:
    began = till.clock.now() - timedelta(hours=1)
    first, second, third = till.pay(), till.pay(), till.pay()
    till.give_back(first, 4_000)
    till.scene.close_dispute(till.scene.dispute(second.charge_id, 10_000), won=False)
    till.clock.advance(MINUTE)
    swept = till.swept(began)
    assert keys(of_stage(till.read()[0], *MONEY_STAGES)) <= keys(swept)
    assert {first.settled.key, second.settled.key, third.settled.key} <= keys(swept)
    assert len(of_stage(swept, "refunded")) == len(of_stage(swept, "dispute_lost")) == 1


# --- what goes wrong -----------------------------------------------------------------------------


# PayPal keeps no customers to ask for, and lists events only for an app that may read them.
UNASKED = {("paypal", "customer", 0), ("paypal", "facts", 403)}


def asking(till: Till, what: str) -> Callable[[], object]:
    """One request of the kind that is named, to be sent when something is to go wrong with it."""
    paid, gateway = till.pay(), till.gateway
    refund, payment = till.refund_request(paid, 1_000), till.request()
    ways: dict[str, Callable[[], object]] = {
        "feed": lambda: gateway.facts(None),
        "find": lambda: gateway.find(till.query(paid.request, paid.opened)),
        "open": lambda: gateway.open_payment(payment),
        "refund": lambda: gateway.refund(refund),
    }
    return ways[what]


@pytest.mark.parametrize("what", ["feed", "find", "open", "refund"])
def test_a_busy_gateway_says_how_long_to_leave_it_alone(till: Till, what: str) -> None:
    ask = asking(till, what)
    till.scene.answer_next(429, {"Retry-After": "7"})
    with pytest.raises(GatewayBusy) as busy:
        ask()
    assert busy.value.retry_after_seconds == 7
    assert till.effects("refund") == 0, "it did nothing"
    ask()


@pytest.mark.parametrize("what", ["feed", "find", "open", "refund"])
def test_a_refused_key_is_named_by_its_gateway(till: Till, what: str) -> None:
    ask = asking(till, what)
    till.refuse_next(401)
    with pytest.raises(KeyRefused, match=f"the key of {till.gateway.name} was refused"):
        ask()


@pytest.mark.parametrize("what", ["feed", "find", "open", "refund"])
@pytest.mark.parametrize("status", [500, 503])
def test_a_gateway_that_is_down_leaves_the_outcome_open(till: Till, what: str, status: int) -> None:
    ask = asking(till, what)
    till.scene.answer_next(status)
    with pytest.raises(GatewayUnreachable):
        ask()


def test_no_secret_is_ever_shown(till: Till) -> None:
    secrets = till.secrets()
    assert secrets or till.scene.make == "sandbox", "a sandbox has no key; its own tests see to it"
    shown = [repr(till.gateway), str(till.gateway)]
    till.pay()
    for status in (403, 429, 500):
        till.scene.answer_next(status)
        with pytest.raises(GatewayError) as refusal:
            till.gateway.open_payment(till.request())
        shown += [refusal.value.message, refusal.value.hint, repr(refusal.value)]
    shown += [repr(fact) for fact in till.read()[0]]
    assert [text for text in shown if any(secret in text for secret in secrets)] == []


# --- messages brought by hand --------------------------------------------------------------------


def test_a_signed_message_says_what_the_feed_says(till: Till) -> None:
    paid = till.pay()
    body, headers = till.scene.signed(paid.settled.object_id)
    page = till.gateway.read_event(body, headers, till.clock.now())
    assert (page.complete, page.cursor) == (True, "")
    assert keys(of_stage(page.facts, "settled")) == {paid.settled.key}
    shouted = {name.upper(): value for name, value in headers.items()}
    assert till.gateway.read_event(body, shouted, till.clock.now()) == page


def test_a_message_without_its_signature_is_refused(till: Till) -> None:
    paid = till.pay()
    body, headers = till.scene.signed(paid.settled.object_id)
    with pytest.raises(BadInput):
        till.gateway.read_event(body, {}, till.clock.now())
    with pytest.raises(BadInput):
        till.gateway.read_event(body + b" ", headers, till.clock.now())


def test_a_message_from_long_ago_is_refused(till: Till) -> None:
    body, headers = till.scene.signed(till.pay().settled.object_id)
    till.clock.advance(timedelta(minutes=6))
    with pytest.raises(BadInput):
        till.gateway.read_event(body, headers, till.clock.now())


# --- saved methods -------------------------------------------------------------------------------


def test_the_same_account_is_the_same_customer(till: Till) -> None:
    other = till.gateway.ensure_customer("globex", "Globex", "pay@globex.test")
    assert till.customer() == till.customer() != other


def test_a_saved_method_is_listed_charged_and_removed(till: Till) -> None:
    customer_id = till.customer()
    assert till.gateway.methods(customer_id) == ()
    method_id = till.scene.save_method(customer_id)
    [method] = till.gateway.methods(customer_id)
    assert (method.method_id, method.customer_id) == (method_id, customer_id)
    assert method.label
    request = till.off_session(customer_id, method_id)
    charged = till.gateway.charge(request)
    assert (charged.stage, charged.amount) == ("settled", request.amount)
    assert charged.payment_id == request.payment_id
    assert till.gateway.charge(request).key == charged.key
    [found] = of_stage(till.gateway.find(till.query(request, charged)), "settled")
    till.clock.advance(MINUTE)
    assert {found.key} == keys(of_stage(till.read()[0], "settled")) == {charged.key}
    assert till.effects("payment") == 1
    till.gateway.remove_method(method)
    till.gateway.remove_method(method)
    assert till.gateway.methods(customer_id) == ()


def test_a_payment_may_leave_its_method_behind(till: Till) -> None:
    customer_id = till.customer()
    paid = till.pay(customer_id=customer_id)
    [method] = till.gateway.methods(customer_id)
    assert paid.settled.method == method
    charged = till.gateway.charge(till.off_session(customer_id, method.method_id))
    assert charged.stage == "settled"


def test_a_charge_that_the_bank_declines_is_a_fact_and_moves_no_money(till: Till) -> None:
    customer_id = till.customer()
    method_id = till.scene.save_method(customer_id, declines=True)
    request = till.off_session(customer_id, method_id)
    declined = till.gateway.charge(request)
    assert declined.stage == "declined"
    assert declined.detail
    assert declined.payment_id == request.payment_id
    assert till.effects("payment") == 0


def test_a_charge_whose_reply_was_lost_is_found_or_asked_for_again(till: Till) -> None:
    customer_id = till.customer()
    request = till.off_session(customer_id, till.scene.save_method(customer_id))
    till.scene.lose_next_reply()
    with pytest.raises(GatewayUnreachable):
        till.gateway.charge(request)
    found = of_stage(till.gateway.find(till.query(request)), "settled")
    again = till.gateway.charge(request)
    assert keys(found) <= {again.key}
    assert again.stage == "settled"
    assert till.effects("payment") == 1


# --- books ---------------------------------------------------------------------------------------


def test_the_rows_add_up_to_the_books(till: Till) -> None:
    began = till.clock.now() - MINUTE
    first, second, _ = till.pay(), till.pay(20_000), till.pay(30_000)
    till.give_back(first, 10_000, whole=True)
    till.give_back(second, 5_000)
    till.scene.close_dispute(till.scene.dispute(second.charge_id, 15_000), won=False)
    till.clock.advance(MINUTE)
    ended = till.clock.now()
    rows = list(till.gateway.rows(began, ended))
    paid = sum(row.amount_minor for row in rows if row.kind == "payment")
    back = -sum(row.amount_minor for row in rows if row.kind in {"refund", "dispute"})
    fees = sum(row.fee_minor for row in rows)
    assert till.scene.totals() == {"USD": (paid, fees, back)}
    assert (paid, back) == (60_000, 30_000)
    known = {
        name for row in rows if row.kind == "payment" for name in (row.external_id, row.charge_id)
    }
    assert known & {first.settled.object_id, first.charge_id}
    assert {row.payment_id for row in rows if row.kind == "payment"} >= {first.request.payment_id}
    till.clock.advance(timedelta(days=1))
    assert list(till.gateway.rows(ended, till.clock.now())) == []


# --- what it lacks -------------------------------------------------------------------------------


def test_a_page_to_save_a_method_on_lies_at_the_gateway_if_it_has_one(till: Till) -> None:
    customer_id = till.customer()
    if "method_page" in LACKS[till.scene.make]:
        with pytest.raises(NotOffered):
            till.gateway.method_page(customer_id, "acme")
    else:
        page = till.gateway.method_page(customer_id, "acme")
        assert page.url.startswith("http")
        assert page.external_id


@pytest.mark.parametrize("what", ["subscription", "invoice"])
def test_what_the_gateway_bills_by_itself_is_asked_for_or_not_offered(
    till: Till, what: str
) -> None:
    ask = till.gateway.subscription if what == "subscription" else till.gateway.invoice
    refusal = NotOffered if what in LACKS[till.scene.make] else GatewayError
    with pytest.raises(refusal) as refused:
        ask("there is no such thing")
    assert isinstance(refused.value, NotOffered) == (refusal is NotOffered)


def sendable(customer_id: str, minor: int = 10_000) -> InvoiceRequest:
    line = GatewayLine("Setup", "1", "", minor, minor, 0)
    return InvoiceRequest(
        "inv_1", "INV-000001", customer_id, "acme", "USD", minor, (line,), "", None
    )


def test_an_invoice_of_ours_is_sent_once_or_not_at_all(till: Till) -> None:
    request = sendable(till.customer())
    if "send_invoice" in LACKS[till.scene.make]:
        with pytest.raises(NotOffered):
            till.gateway.send_invoice(request)
        return
    sent = till.gateway.send_invoice(request)
    assert (sent.stage, sent.amount) == ("invoice_finalized", Money(10_000, "USD"))
    assert sent.invoice is not None
    assert (sent.invoice.invoice_id, sent.invoice.number) == ("inv_1", "INV-000001")
    assert sent.pay_url is not None
    again = till.gateway.send_invoice(request)
    assert (again.key, again.object_id) == (sent.key, sent.object_id)
    assert till.gateway.invoice(sent.object_id).key == sent.key


def test_the_same_invoice_with_another_total_is_refused(till: Till) -> None:
    if "send_invoice" in LACKS[till.scene.make]:
        pytest.skip("it sends none")
    customer_id = till.customer()
    till.gateway.send_invoice(sendable(customer_id))
    with pytest.raises(GatewayError):
        till.gateway.send_invoice(sendable(customer_id, 10_001))


def test_every_stage_it_tells_is_one_that_the_desk_knows(till: Till) -> None:
    paid = till.pay()
    till.give_back(paid, 1_000)
    stages = {fact.stage for fact in till.read()[0]} - {"unknown"}
    known = PAYMENT_STAGES | REFUND_STAGES | DISPUTE_STAGES | {"method_saved", "method_removed"}
    assert stages <= known

"""Paystack: a payment is asked for, found by its reference, and charged without the customer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from billdesk.core.rules.gateway import Method, OffSessionRequest, PaymentQuery
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.paystack.conftest import EMAIL, Steps


def test_what_is_asked_for_is_in_whole_subunits_under_our_own_reference(steps: Steps) -> None:
    request = steps.request(1, 12_345, asset="KES", save_method=True)
    opened = steps.gateway.open_payment(request)
    row = steps.row()
    assert (row["amount"], row["currency"], row["reference"]) == (12_345, "KES", "pay-1")
    assert row["metadata"] == {
        "payment_id": "pay_1",
        "account": "acme",
        "description": "deposit",
        "save_method": True,
    }
    assert row["customer"]["email"] == EMAIL
    assert (opened.object_id, opened.occurrence, opened.stage) == ("pay-1", "pay-1", "opened")
    assert opened.pay_url == f"https://checkout.paystack.test/access{row['id']}"
    assert opened.amount == Money(12_345, "KES")
    assert json.loads(opened.raw)["access_code"] == f"access{row['id']}"


@pytest.mark.parametrize("asset", ["NGN", "GHS", "ZAR", "KES", "USD"])
def test_five_currencies_are_taken(steps: Steps, asset: str) -> None:
    assert steps.pay(1, 999, asset=asset).amount == Money(999, asset)


def test_another_currency_is_refused_in_words_before_anything_is_asked(steps: Steps) -> None:
    with pytest.raises(GatewayError, match="takes no EUR") as refusal:
        steps.gateway.open_payment(steps.request(asset="EUR"))
    assert refusal.value.hint == "it takes NGN, GHS, ZAR, KES, USD"
    with pytest.raises(GatewayError, match="takes no EUR"):
        steps.gateway.charge(
            OffSessionRequest("pay_9", Money(1, "EUR"), "acme", "top-up", "CUS_1", "AUTH_1")
        )
    assert steps.asked() == []


@pytest.mark.parametrize("email", [None, ""])
def test_an_account_without_email_is_refused_in_words(steps: Steps, email: str | None) -> None:
    with pytest.raises(GatewayError, match="needs an e-mail address, and acme has none"):
        steps.gateway.open_payment(steps.request(email=email))
    with pytest.raises(GatewayError, match="needs an e-mail address, and acme has none"):
        steps.gateway.ensure_customer("acme", "Acme", email)
    assert steps.asked() == []


def test_a_settled_payment_says_what_was_paid_what_it_cost_and_when(
    steps: Steps, clock: MovingClock
) -> None:
    opened = steps.open()
    paid_at = clock.advance(timedelta(minutes=3))
    steps.scene.pay(opened)
    clock.advance(timedelta(minutes=3))
    [settled] = steps.find()
    assert (settled.stage, settled.amount, settled.fee) == (
        "settled", Money(10_000, "NGN"), Money(150, "NGN"),
    )  # fmt: skip
    assert settled.happened_at == paid_at
    assert settled.charge_id == settled.occurrence == str(steps.row()["id"])
    assert (settled.payment_id, settled.gateway, settled.account, settled.mode) == (
        "pay_1", "paystack", "463433", "test",
    )  # fmt: skip


def test_the_amount_that_is_told_is_the_one_that_was_paid(steps: Steps) -> None:
    opened = steps.open()
    steps.row().update(amount=9_000, currency="ghs")
    steps.scene.pay(opened)
    assert [fact.amount for fact in steps.find()] == [Money(9_000, "GHS")]


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("success", "settled"),
        ("reversed", "settled"),
        ("failed", "declined"),
        ("abandoned", "opened"),
        ("ongoing", "opened"),
        ("pending", "processing"),
        ("processing", "processing"),
        ("queued", "processing"),
        ("dreaming", "unknown"),
    ],
)
def test_every_status_has_its_stage(steps: Steps, status: str, stage: str) -> None:
    steps.open()
    steps.row().update(status=status, gateway_response="Not today")
    [fact] = steps.find()
    assert fact.stage == stage
    ended = stage in {"settled", "declined"}
    assert fact.occurrence == (str(steps.row()["id"]) if ended else "pay-1")
    assert fact.fee is None
    assert (fact.detail == "Not today") == (status in {"failed", "dreaming"})


def test_an_abandoned_payment_is_open_for_a_day_and_paid_late_it_still_counts(
    steps: Steps, clock: MovingClock
) -> None:
    opened = steps.open()
    clock.advance(timedelta(hours=23))
    [waiting] = steps.find()
    assert waiting.key == opened.key
    assert "can still be paid" in waiting.detail
    clock.advance(timedelta(hours=1))
    [expired] = steps.find()
    assert (expired.stage, expired.payment_id) == ("expired", "pay_1")
    steps.scene.pay(opened)
    assert [fact.stage for fact in steps.find()] == ["settled"]


def test_a_bank_that_takes_days_is_never_given_up(steps: Steps, clock: MovingClock) -> None:
    steps.open()
    steps.row()["status"] = "pending"
    clock.advance(timedelta(days=9))
    assert [fact.stage for fact in steps.find()] == ["processing"]


def test_a_payment_is_asked_for_by_the_id_it_has_at_paystack(steps: Steps) -> None:
    steps.pay()
    query = PaymentQuery("pay_none", "pay-1", None, steps.clock.now())
    assert [fact.object_id for fact in steps.gateway.find(query)] == ["pay-1"]


def test_an_unknown_reference_is_no_payment_whichever_way_paystack_says_so(steps: Steps) -> None:
    assert steps.find(7) == ()
    steps.scene.answer_next(404, body=b'{"status": false, "message": "Entity gone"}')
    assert steps.find(7) == ()


def test_another_refusal_is_no_answer_to_whether_there_is_a_payment(steps: Steps) -> None:
    steps.scene.answer_next(400, body=b'{"status": false, "message": "Bad day"}')
    with pytest.raises(GatewayError, match="Bad day"):
        steps.find(7)


# --- the same again ------------------------------------------------------------------------------


def test_a_second_request_gives_the_open_payment_and_says_that_its_address_is_lost(
    steps: Steps,
) -> None:
    opened = steps.open()
    again = steps.open()
    assert again.key == opened.key
    assert (again.pay_url, again.payment_id) == (None, "pay_1")
    assert "only once, and it is lost" in again.detail
    assert len(steps.books.transactions) == 1


def test_a_second_request_for_a_paid_payment_gives_the_paid_one(steps: Steps) -> None:
    settled = steps.pay()
    assert steps.open() == settled


@pytest.mark.parametrize("change", [{"minor": 10_001}, {"asset": "USD"}])
def test_a_known_id_with_other_money_is_refused(steps: Steps, change: dict[str, Any]) -> None:
    steps.open()
    with pytest.raises(
        GatewayError, match=r"pay_1 is a payment of 100\.00 NGN at paystack already"
    ):
        steps.gateway.open_payment(steps.request(**change))


def test_a_duplicate_is_also_known_by_its_words(steps: Steps) -> None:
    opened = steps.open()
    said = b'{"status": false, "message": "Duplicate Transaction Reference"}'
    steps.scene.answer_next(400, body=said)
    assert steps.open().key == opened.key


def test_a_duplicate_that_nobody_can_find_stays_a_refusal(steps: Steps) -> None:
    said = b'{"status": false, "message": "Used", "code": "duplicate_reference"}'
    steps.scene.answer_next(400, body=said)
    with pytest.raises(GatewayError, match="paystack said no: Used"):
        steps.open()


def test_a_request_that_paystack_does_not_like_is_refused_in_its_words(steps: Steps) -> None:
    said = b'{"status": false, "message": "Invalid Email", "meta": {"nextStep": "Correct it"}}'
    steps.scene.answer_next(400, body=said)
    with pytest.raises(GatewayError, match="paystack said no: Invalid Email") as refusal:
        steps.open()
    assert refusal.value.hint == "Correct it"


# --- whose payment it is -------------------------------------------------------------------------


@pytest.mark.parametrize("metadata", ["", 0, None, [], "no JSON", '"text"', {"payment_id": 7}])
def test_a_payment_made_elsewhere_has_no_id_of_ours(steps: Steps, metadata: object) -> None:
    steps.books.initialize({"email": EMAIL, "amount": 700, "reference": "shop-1"})
    steps.books.transactions["shop-1"]["metadata"] = metadata
    steps.books.settle(steps.books.transactions["shop-1"])
    [fact] = steps.read()[0]
    assert (fact.object_id, fact.payment_id, fact.stage) == ("shop-1", None, "settled")


def test_a_payment_that_claims_the_id_of_another_is_not_believed(steps: Steps) -> None:
    steps.open(1)
    steps.books.initialize(
        {"email": EMAIL, "amount": 1, "reference": "mine", "metadata": {"payment_id": "pay_1"}}
    )
    told = {fact.object_id: fact.payment_id for fact in steps.read()[0]}
    assert told == {"pay-1": "pay_1", "mine": None}


def test_metadata_that_came_back_as_text_is_read_too(steps: Steps) -> None:
    steps.pay(save_method=True)
    steps.row()["metadata"] = json.dumps(steps.row()["metadata"])
    [fact] = steps.find()
    assert fact.payment_id == "pay_1"
    assert fact.method is not None


# --- saved methods -------------------------------------------------------------------------------


def test_what_was_paid_with_is_kept_if_that_was_asked_for(steps: Steps) -> None:
    kept = steps.pay(1, save_method=True).method
    assert kept is not None
    customer_id = steps.row()["customer"]["customer_code"]
    code = steps.row()["authorization"]["authorization_code"]
    assert kept == Method(code, customer_id, "Visa ···· 4081", "2030-12")
    assert kept in steps.gateway.methods(customer_id)
    assert steps.pay(2).method is None


def test_what_cannot_be_charged_again_is_no_saved_method(steps: Steps) -> None:
    steps.pay(save_method=True)
    steps.row()["authorization"]["reusable"] = False
    assert [fact.method for fact in steps.find()] == [None]
    assert steps.gateway.methods(steps.row()["customer"]["customer_code"]) == ()


def test_a_method_without_a_customer_is_not_told(steps: Steps) -> None:
    steps.pay(save_method=True)
    steps.row()["customer"] = None
    assert [fact.method for fact in steps.find()] == [None]


@pytest.mark.parametrize(
    ("parts", "label", "expires"),
    [
        ({"brand": None}, "Visa ···· 4081", "2030-12"),
        ({"brand": "", "card_type": "", "channel": "bank"}, "Bank ···· 4081", "2030-12"),
        ({"brand": None, "card_type": None, "channel": None}, "Card ···· 4081", "2030-12"),
        ({"last4": None, "exp_year": None}, "Visa ···· ????", None),
        ({"exp_month": None}, "Visa ···· 4081", None),
        ({"brand": "verve\n", "exp_month": 3}, "Verve ···· 4081", "2030-03"),
        ({"last4": "\x1b[2J"}, "Visa ····  [2J", "2030-12"),
    ],
)
def test_a_method_shows_what_paystack_knows_of_it(
    steps: Steps, parts: dict[str, object], label: str, expires: str | None
) -> None:
    customer_id = steps.gateway.ensure_customer("acme", "Acme", EMAIL)
    code = steps.scene.save_method(customer_id)
    steps.books.authorizations[code].update(parts)
    assert steps.gateway.methods(customer_id) == (Method(code, customer_id, label, expires),)


def test_a_customer_is_known_by_the_email_address(steps: Steps) -> None:
    first = steps.gateway.ensure_customer("acme", "Acme Inc.", EMAIL)
    assert first == steps.gateway.ensure_customer("acme", "Acme Inc.", EMAIL)
    assert steps.books.customers[first]["first_name"] == "Acme Inc."
    assert first != steps.gateway.ensure_customer("globex", "Globex", "pay@globex.test")


def test_nobody_has_saved_anything_with_a_customer_that_is_unknown(steps: Steps) -> None:
    assert steps.gateway.methods("CUS_none") == ()


def test_a_method_that_is_gone_is_removed_without_error_and_one_that_stays_is_not(
    steps: Steps,
) -> None:
    customer_id = steps.gateway.ensure_customer("acme", "Acme", EMAIL)
    steps.scene.save_method(customer_id)
    [method] = steps.gateway.methods(customer_id)
    steps.scene.answer_next(400, body=b'{"status": false, "message": "Cannot now"}')
    with pytest.raises(GatewayError, match="Cannot now"):
        steps.gateway.remove_method(method)
    steps.gateway.remove_method(method)
    steps.gateway.remove_method(method)
    assert steps.gateway.methods(customer_id) == ()


# --- charges without the customer ----------------------------------------------------------------


def saved(steps: Steps, *, declines: bool = False) -> tuple[str, str]:
    customer_id = steps.gateway.ensure_customer("acme", "Acme", EMAIL)
    return steps.scene.save_method(customer_id, declines=declines), customer_id


def test_a_charge_takes_the_money_under_our_own_reference(steps: Steps) -> None:
    charged = steps.charge(*saved(steps))
    assert (charged.stage, charged.amount, charged.fee) == (
        "settled", Money(5_000, "NGN"), Money(75, "NGN"),
    )  # fmt: skip
    assert (charged.object_id, charged.payment_id) == ("pay-9", "pay_9")
    [found] = steps.find(9)
    assert found.key == charged.key


def test_a_charge_goes_with_the_email_that_the_method_was_saved_with(steps: Steps) -> None:
    """The account's own may be another by now."""
    code, customer_id = saved(steps)
    steps.books.customers[customer_id]["email"] = "old@acme.test"
    assert steps.charge(code, customer_id).stage == "settled"


def test_a_declined_charge_is_a_fact_with_the_words_of_the_bank(steps: Steps) -> None:
    declined = steps.charge(*saved(steps, declines=True))
    assert (declined.stage, declined.detail) == ("declined", "Insufficient Funds")
    assert (declined.fee, declined.charge_id) == (None, None)
    assert [fact.key for fact in steps.find(9)] == [declined.key]


def test_a_charge_that_the_bank_wants_confirmed_is_open_with_an_address(steps: Steps) -> None:
    code, customer_id = saved(steps)
    steps.books.confirming.add(code)
    paused = steps.charge(code, customer_id)
    assert (paused.stage, paused.payment_id, paused.amount) == (
        "opened", "pay_9", Money(5_000, "NGN"),
    )  # fmt: skip
    assert (paused.pay_url or "").startswith("https://checkout.paystack.test/confirm")
    assert "confirm" in paused.detail


def test_a_charge_whose_reply_was_lost_is_found_and_never_taken_twice(steps: Steps) -> None:
    code, customer_id = saved(steps)
    steps.scene.lose_next_reply()
    with pytest.raises(GatewayUnreachable):
        steps.charge(code, customer_id)
    [found] = steps.find(9)
    assert steps.charge(code, customer_id).key == found.key
    assert steps.scene.effects() == [("payment", "pay_9", 5_000)]


def test_a_charge_that_never_arrived_is_not_found(steps: Steps) -> None:
    code, customer_id = saved(steps)
    steps.scene.lose_next_reply(before_effect=True)
    with pytest.raises(GatewayUnreachable):
        steps.charge(code, customer_id)
    assert steps.find(9) == ()


def test_a_charge_of_a_customer_or_method_that_is_unknown_is_refused(steps: Steps) -> None:
    code, customer_id = saved(steps)
    with pytest.raises(GatewayError, match="knows no customer 'CUS_none'"):
        steps.charge(code, "CUS_none")
    with pytest.raises(GatewayError, match="Authorization code not found"):
        steps.charge("AUTH_none", customer_id)
    assert steps.scene.effects() == []

"""The sandbox keeps books like a real gateway, and misbehaves like one when told to."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.gateways.sandbox import PAGE_SIZE, Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, FactPage, Gateway, PaymentRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.sandbox.steps import MINUTE, MONDAY, everything, last, request, stages

# --- a payment's life ----------------------------------------------------------------------------


def test_it_is_a_gateway(sandbox: Sandbox) -> None:
    gateway: Gateway = sandbox
    assert (gateway.name, gateway.account, gateway.mode) == ("sandbox", "sandbox", "test")


def test_an_opened_payment_says_where_to_pay_and_moves_no_money(sandbox: Sandbox) -> None:
    fact = sandbox.open_payment(request())
    assert (fact.stage, fact.amount, fact.fee) == ("opened", Money(10_000, "USD"), None)
    assert fact.pay_url == f"https://sandbox.invalid/pay/{fact.object_id}"
    assert (fact.payment_id, fact.happened_at) == ("pay_1", MONDAY)
    assert sandbox.totals() == {}


def test_a_customer_pays_after_the_delay_and_not_before(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    opened = sandbox.open_payment(request())
    clock.advance(MINUTE - timedelta(microseconds=1))
    assert last(sandbox) == opened
    clock.advance(timedelta(hours=1))
    settled = last(sandbox)
    assert settled is not None
    assert (settled.stage, settled.object_id) == ("settled", opened.object_id)
    assert settled.happened_at == MONDAY + MINUTE, "paid when the customer paid, not when asked"
    assert settled.pay_url is None


@pytest.mark.parametrize(
    ("minor", "asset", "fee_minor"),
    [
        (10_000, "USD", 320),  # 2.9 % and 30
        (50, "USD", 31),  # 1.45 rounds down
        (500, "JPY", 45),  # 14.5 rounds up
        (7, "USD", 7),  # never more than the whole
        (2**63 - 1, "KWD", 267_477_789_068_788_528),  # exact where a float would not be
    ],
)
def test_a_settled_payment_costs_a_fee(
    sandbox: Sandbox, clock: MovingClock, minor: int, asset: str, fee_minor: int
) -> None:
    sandbox.open_payment(request(minor=minor, asset=asset))
    clock.advance(MINUTE)
    settled = last(sandbox)
    assert settled is not None
    assert settled.fee == Money(fee_minor, asset)
    assert sandbox.totals() == {asset: (minor, fee_minor, 0)}


def test_a_declined_payment_says_why_and_moves_no_money(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = replace(sandbox.switches, declines_percent=100)
    sandbox.open_payment(request())
    clock.advance(MINUTE)
    declined = last(sandbox)
    assert declined is not None
    assert (declined.stage, declined.fee) == ("declined", None)
    assert "card" in declined.detail or "bank" in declined.detail
    assert sandbox.totals() == {}


def test_an_abandoned_payment_expires(sandbox: Sandbox, clock: MovingClock) -> None:
    sandbox.switches = replace(sandbox.switches, abandoned_percent=100)
    opened = sandbox.open_payment(request())
    clock.advance(timedelta(hours=23))
    assert last(sandbox) == opened
    clock.advance(timedelta(hours=1))
    expired = last(sandbox)
    assert expired is not None
    assert expired.stage == "expired"


def test_a_payment_nobody_opened_is_not_found(sandbox: Sandbox) -> None:
    assert last(sandbox) is None


def test_opening_again_gives_the_first_answer_even_after_it_settled(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    first = sandbox.open_payment(request())
    clock.advance(timedelta(days=1))
    assert sandbox.open_payment(request()) == first
    assert stages(everything(sandbox)[0]) == [("pay_1", "opened"), ("pay_1", "settled")]


@pytest.mark.parametrize(
    "other",
    [
        replace(request(), amount=Money(10_001, "USD")),
        replace(request(), amount=Money(10_000, "EUR")),
        replace(request(), account_ref="globex"),
        replace(request(), description="another"),
    ],
)
def test_the_same_payment_id_with_other_content_is_refused(
    sandbox: Sandbox, other: PaymentRequest
) -> None:
    first = sandbox.open_payment(request())
    with pytest.raises(GatewayError, match="pay_1 was opened with other content"):
        sandbox.open_payment(other)
    assert last(sandbox) == first


@pytest.mark.parametrize("amount", [Money(500, "CREDIT"), Money(0, "USD"), Money(-1, "USD")])
def test_what_is_no_money_is_refused(sandbox: Sandbox, amount: Money) -> None:
    with pytest.raises(GatewayError, match="takes no"):
        sandbox.open_payment(replace(request(), amount=amount))
    assert last(sandbox) is None


# --- the customer's hand -------------------------------------------------------------------------


def test_a_hand_may_pay_early_and_paying_twice_is_paying_once(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = SandboxSwitches(settles_after=None)
    opened = sandbox.open_payment(request())
    clock.advance(timedelta(hours=2))
    assert last(sandbox) == opened, "nobody pays by himself"
    paid = sandbox.pay(opened.object_id)
    assert (paid.stage, paid.happened_at) == ("settled", clock.now())
    clock.advance(MINUTE)
    assert sandbox.pay(opened.object_id) == paid
    assert sandbox.totals() == {"USD": (10_000, 320, 0)}


def test_a_hand_may_decline_with_a_reason(sandbox: Sandbox, clock: MovingClock) -> None:
    opened = sandbox.open_payment(request())
    declined = sandbox.decline(opened.object_id, "stolen card")
    assert (declined.stage, declined.detail) == ("declined", "stolen card")
    clock.advance(timedelta(days=2))
    assert last(sandbox) == declined, "the plan that was made at first is void"
    with pytest.raises(GatewayError, match="is declined"):
        sandbox.pay(opened.object_id)


def test_a_hand_may_end_a_payment_once_and_not_another_way(sandbox: Sandbox) -> None:
    first, second = sandbox.open_payment(request(1)), sandbox.open_payment(request(2))
    declined = sandbox.decline(first.object_id, "stolen card")
    assert sandbox.decline(first.object_id, "once more") == declined
    expired = sandbox.abandon(second.object_id)
    assert (expired.stage, expired.amount) == ("expired", Money(10_000, "USD"))
    assert sandbox.abandon(second.object_id) == expired
    with pytest.raises(GatewayError, match="is expired"):
        sandbox.decline(second.object_id, "too late")
    with pytest.raises(GatewayError, match="is declined"):
        sandbox.abandon(first.object_id)


def test_an_expired_payment_cannot_be_paid(sandbox: Sandbox, clock: MovingClock) -> None:
    sandbox.switches = SandboxSwitches(settles_after=None, expires_after=MINUTE)
    opened = sandbox.open_payment(request())
    clock.advance(MINUTE)
    with pytest.raises(GatewayError, match="is expired"):
        sandbox.pay(opened.object_id)


def test_an_unknown_payment_cannot_be_paid(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayError, match="knows no payment 'sbx_1'"):
        sandbox.pay("sbx_1")


# --- the feed ------------------------------------------------------------------------------------


def test_the_feed_tells_everything_in_the_order_it_happened(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.open_payment(request(1))
    clock.advance(MINUTE / 2)
    sandbox.open_payment(request(2))
    clock.advance(timedelta(hours=1))
    told, _ = everything(sandbox)
    assert stages(told) == [
        ("pay_1", "opened"),
        ("pay_2", "opened"),
        ("pay_1", "settled"),
        ("pay_2", "settled"),
    ]
    assert [fact.happened_at for fact in told] == sorted(fact.happened_at for fact in told)


def test_a_reply_and_the_feed_say_the_same(sandbox: Sandbox, clock: MovingClock) -> None:
    opened = sandbox.open_payment(request())
    clock.advance(MINUTE)
    settled = last(sandbox)
    assert everything(sandbox)[0] == [opened, settled]


def test_every_fact_has_a_key_of_its_own_and_keeps_the_words_of_the_gateway(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    for number in range(5):
        sandbox.open_payment(request(number))
    clock.advance(MINUTE)
    told, _ = everything(sandbox)
    assert len({fact.key for fact in told}) == len(told) == 10
    raw = json.loads(told[-1].raw)
    assert raw["type"] == "payment.settled"
    assert raw["payment"]["reference"] == "pay_4"


def test_a_second_poll_tells_again_what_lies_in_the_overlap_and_nothing_older(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.open_payment(request(1))
    clock.advance(MINUTE)
    first, cursor = everything(sandbox)
    again, cursor = everything(sandbox, cursor)
    assert again == first
    clock.advance(timedelta(hours=1))
    sandbox.open_payment(request(2))
    clock.advance(MINUTE)
    third, cursor = everything(sandbox, cursor)
    assert third[:2] == first
    assert stages(third[2:]) == [("pay_2", "opened"), ("pay_2", "settled")]
    fourth, _ = everything(sandbox, cursor)
    assert fourth == third[2:]


def test_a_poll_of_nothing_keeps_its_place(sandbox: Sandbox, clock: MovingClock) -> None:
    assert sandbox.facts(None) == FactPage((), "0", complete=True)
    sandbox.open_payment(request())
    _, cursor = everything(sandbox)
    clock.advance(timedelta(seconds=30))
    assert everything(sandbox, cursor)[1] == cursor


def test_a_long_feed_comes_in_pages_none_lost_even_within_one_instant(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    total = 2 * PAGE_SIZE + 1
    sandbox.switches = SandboxSwitches(settles_after=None)
    for number in range(total):
        sandbox.open_payment(request(number))
    first = sandbox.facts(None)
    assert (len(first.facts), first.complete) == (PAGE_SIZE, False)
    told, cursor = everything(sandbox)
    assert [fact.payment_id for fact in told] == [f"pay_{number}" for number in range(total)]
    assert "/" not in cursor


def test_a_pass_of_exactly_one_page_is_whole(sandbox: Sandbox) -> None:
    for number in range(PAGE_SIZE):
        sandbox.open_payment(request(number))
    page = sandbox.facts(None)
    assert (len(page.facts), page.complete) == (PAGE_SIZE, True)


def test_a_pass_cut_short_is_begun_again_from_the_last_whole_one(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    for number in range(PAGE_SIZE + 1):
        sandbox.open_payment(request(number))
    broken_off = sandbox.facts(None).cursor
    assert broken_off.startswith("0/"), "the mark has not moved"


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1/2", "1/2/3/4", "9" * 19, "\u0661", "1 "])
def test_a_foreign_cursor_is_refused(sandbox: Sandbox, cursor: str) -> None:
    with pytest.raises(GatewayError, match="is no cursor of the sandbox"):
        sandbox.facts(cursor)


# --- switches ------------------------------------------------------------------------------------


def test_a_lost_reply_has_done_its_work_and_is_answered_when_asked_again(sandbox: Sandbox) -> None:
    sandbox.switches = replace(sandbox.switches, lost_replies_percent=100)
    with pytest.raises(GatewayUnreachable, match="reply was lost"):
        sandbox.open_payment(request())
    found = last(sandbox)
    assert found is not None
    assert sandbox.open_payment(request()) == found


def test_when_it_is_down_nothing_is_done_and_nothing_is_told(sandbox: Sandbox) -> None:
    opened = sandbox.open_payment(request(1))
    sandbox.switches = replace(sandbox.switches, down=True)
    for ask in (
        lambda: sandbox.open_payment(request(2)),
        lambda: last(sandbox),
        lambda: sandbox.facts(None),
    ):
        with pytest.raises(GatewayUnreachable, match="is down"):
            ask()
    assert sandbox.pay(opened.object_id).stage == "settled", "customers reach it all the same"
    sandbox.switches = replace(sandbox.switches, down=False)
    assert last(sandbox, "pay_2") is None


def test_a_duplicated_fact_is_told_twice_with_one_key(sandbox: Sandbox) -> None:
    sandbox.switches = replace(sandbox.switches, duplicates_percent=100)
    opened = sandbox.open_payment(request())
    assert sandbox.facts(None).facts == (opened, opened)


def test_a_late_fact_is_known_to_who_asks_for_it_before_the_feed_tells_it(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = replace(sandbox.switches, late_percent=100)
    opened = sandbox.open_payment(request())
    assert sandbox.facts(None).facts == ()
    assert last(sandbox) == opened
    clock.advance(timedelta(minutes=5))
    assert sandbox.facts(None).facts == (opened,)


def test_a_late_fact_is_still_told_to_who_polled_past_it(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = SandboxSwitches(settles_after=None, late_percent=100)
    late = sandbox.open_payment(request(1))
    sandbox.switches = SandboxSwitches(settles_after=None)
    clock.advance(MINUTE)
    sandbox.open_payment(request(2))
    told, cursor = everything(sandbox)
    assert late not in told
    clock.advance(timedelta(minutes=5))
    assert late in everything(sandbox, cursor)[0]


@pytest.mark.parametrize(
    ("minor", "end"),
    [(26_601, "declined"), (6_601, "declined"), (26_602, "expired"), (26_600, "settled")],
)
def test_some_amounts_decide_the_ending_themselves(
    sandbox: Sandbox, clock: MovingClock, minor: int, end: str
) -> None:
    sandbox.open_payment(request(minor=minor))
    clock.advance(timedelta(days=1))
    found = last(sandbox)
    assert found is not None
    assert found.stage == end


def test_an_amount_can_lose_the_reply(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayUnreachable, match="reply was lost"):
        sandbox.open_payment(request(minor=26_603))
    assert sandbox.open_payment(request(minor=26_603)).stage == "opened"


def test_shares_are_shares(sandbox: Sandbox, clock: MovingClock) -> None:
    sandbox.switches = replace(sandbox.switches, declines_percent=30, abandoned_percent=20)
    for number in range(200):
        sandbox.open_payment(request(number))
    clock.advance(timedelta(days=2))
    ends = Counter(fact.stage for fact in everything(sandbox)[0])
    assert 30 <= ends["expired"] <= 50
    assert 35 <= ends["declined"] <= 65
    assert ends["opened"] == ends["settled"] + ends["declined"] + ends["expired"] == 200


def test_the_same_seed_gives_the_same_story_and_another_seed_another(
    tmp_path: Path, clock: MovingClock
) -> None:
    def story(name: str, seed: int) -> list[Fact]:
        own_clock = MovingClock(MONDAY)
        sandbox = Sandbox(
            tmp_path / name,
            clock=own_clock,
            seed=seed,
            switches=SandboxSwitches(MINUTE, declines_percent=50),
        )
        for number in range(20):
            sandbox.open_payment(request(number))
        own_clock.advance(timedelta(days=1))
        return everything(sandbox)[0]

    first = story("a.db", 7)
    assert story("b.db", 7) == first
    assert stages(story("c.db", 8)) != stages(first)


def test_a_story_told_by_an_earlier_version_is_told_again(
    tmp_path: Path, clock: MovingClock
) -> None:
    """References of postings hang on these ids, and the demo on what becomes of its deposits."""
    switches = SandboxSwitches(
        MINUTE,
        declines_percent=30,
        abandoned_percent=20,
        duplicates_percent=30,
        late_percent=30,
        late_by=timedelta(days=3),
    )
    sandbox = Sandbox(tmp_path / "a.db", clock=clock, seed=7, switches=switches)
    for number in range(8):
        sandbox.open_payment(request(number))
    clock.advance(timedelta(days=2))
    told = everything(sandbox)[0]
    assert [(fact.payment_id, fact.object_id[:9], fact.stage, fact.detail) for fact in told] == [
        ("pay_0", "sbx_98534", "opened", "waits for the customer"),
        ("pay_1", "sbx_d8567", "opened", "waits for the customer"),
        ("pay_4", "sbx_f9fd9", "opened", "waits for the customer"),
        ("pay_5", "sbx_66bfe", "opened", "waits for the customer"),
        ("pay_5", "sbx_66bfe", "opened", "waits for the customer"),
        ("pay_6", "sbx_dff85", "opened", "waits for the customer"),
        ("pay_1", "sbx_d8567", "settled", ""),
        ("pay_4", "sbx_f9fd9", "settled", ""),
        ("pay_5", "sbx_66bfe", "declined", "the card was declined: not enough money on it"),
        ("pay_5", "sbx_66bfe", "declined", "the card was declined: not enough money on it"),
        ("pay_6", "sbx_dff85", "declined", "the card was declined: expired"),
        ("pay_0", "sbx_98534", "expired", "nobody paid in time"),
    ]
    assert len(told[0].object_id) == 28

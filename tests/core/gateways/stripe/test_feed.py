"""Stripe's events, polled: late, doubled, cut short, too old; and sweeps."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.gateways.stripe.cursors import MOST_SEEN
from billdesk.core.gateways.stripe.events import EVENT_TYPES
from billdesk.core.rules.gateway import Fact
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayBusy, GatewayError
from tests.core.gateways.stripe.steps import foreign_intent, pay, read, stages, subscription
from tests.gateway_servers.stripe_scene import StripeScene
from tests.gateway_servers.stripe_server import Reply

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


# --- passes --------------------------------------------------------------------------------------


def test_no_more_types_are_asked_for_than_stripe_takes() -> None:
    assert len(set(EVENT_TYPES)) == len(EVENT_TYPES) <= 20


def test_a_quiet_account_costs_one_request(scene: StripeScene, stripe: Stripe) -> None:
    pay(scene, stripe)
    page = read(stripe, None)
    assert "settled" in stages(page)
    before = len(scene.requests())
    quiet = stripe.facts(page.cursor)
    assert scene.requests()[before:] == [("GET", "/v1/events")]
    assert (quiet.facts, quiet.events, quiet.complete) == ((), (), True)


def test_an_account_where_nothing_ever_happened_is_asked_from_the_beginning_again(
    scene: StripeScene, stripe: Stripe
) -> None:
    page = read(stripe, None)
    assert page.facts == ()
    pay(scene, stripe)
    assert "settled" in stages(stripe.facts(page.cursor))


def test_an_event_that_becomes_visible_late_is_not_lost(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    scene.books.late_by_seconds = 300
    late = pay(scene, stripe, "pay_late")
    clock.advance(MINUTE)
    scene.books.late_by_seconds = 0
    pay(scene, stripe, "pay_soon")
    page = read(stripe, None)
    assert {fact.payment_id for fact in page.facts} == {"pay_soon"}
    clock.advance(5 * MINUTE)
    [settled] = stripe.facts(page.cursor).facts
    assert (settled.object_id, settled.stage) == (late.object_id, "settled")


def test_what_comes_twice_on_a_page_is_told_once(scene: StripeScene, stripe: Stripe) -> None:
    scene.server.doubled = True
    pay(scene, stripe)
    page = stripe.facts(None)
    assert stages(page) == ["settled"]
    assert len({event.event_id for event in page.events}) == len(page.events) == 2


def test_a_burst_within_one_second_is_told_whole_and_in_order(
    scene: StripeScene, stripe: Stripe
) -> None:
    told_at_all = {pay(scene, stripe, f"pay_{number}").object_id for number in range(60)}
    page = read(stripe, None)
    assert {fact.object_id for fact in page.facts} == told_at_all
    assert len(page.events) == 120
    assert read(stripe, page.cursor).facts == ()


def test_only_a_whole_pass_moves_the_mark_and_new_events_wait_for_the_next(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    began = read(stripe, None).cursor
    for _ in range(600):
        scene.books.tell("customer.subscription.updated", subscription(scene))
        clock.advance(timedelta(seconds=5))
    first = stripe.facts(began)
    assert (first.complete, len(first.events)) == (False, 500)
    assert json.loads(first.cursor)["mark"] is None
    top = json.loads(first.cursor)["running"]["top"]
    pay(scene, stripe, "pay_new")
    second = stripe.facts(first.cursor)
    assert (second.complete, len(second.events)) == (True, 100)
    assert scene.server.forms[-1]["created"] == {"lte": str(top)}, "the top is frozen"
    third = stripe.facts(second.cursor)
    assert stages(third) == ["settled"]
    told = {fact.object_id for page in (first, second) for fact in page.facts}
    assert len(told) == 600


def test_a_busy_stripe_in_the_middle_loses_nothing(scene: StripeScene, stripe: Stripe) -> None:
    pay(scene, stripe)
    scene.server.answer, scene.server.answers_after = Reply(429, {"error": {}}), 1
    with pytest.raises(GatewayBusy) as busy:
        stripe.facts(None)
    assert busy.value.retry_after_seconds > 0
    assert stages(stripe.facts(None)) == ["settled"]


def test_a_clock_that_is_wrong_by_ten_minutes_does_not_matter(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    cursor = read(stripe, None).cursor
    for skew_seconds in (600, -600, 600):
        scene.books.skew_seconds = skew_seconds
        payment_id = f"pay_{len(scene.requests())}"
        pay(scene, stripe, payment_id)
        page = read(stripe, cursor)
        assert payment_id in {fact.payment_id for fact in page.facts}
        assert page.gap_since is None
        cursor = page.cursor
        clock.advance(timedelta(minutes=30))


def test_more_events_than_can_be_remembered_are_not_told_for_ever(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    for number in range(MOST_SEEN + 20):
        scene.books.tell("customer.subscription.updated", {"id": f"sub_{number}", "status": "x"})
        if number % 10 == 9:
            clock.advance(timedelta(seconds=1))
    page = read(stripe, None)
    assert len(page.events) == MOST_SEEN + 20
    before = len(scene.requests())
    quiet = read(stripe, page.cursor)
    assert quiet.events == ()
    assert len(scene.requests()) - before == MOST_SEEN // 100
    scene.books.tell("customer.subscription.updated", {"id": "sub_new", "status": "x"})
    assert [event.object_id for event in read(stripe, quiet.cursor).events] == ["sub_new"]


# --- too long ago --------------------------------------------------------------------------------


def test_a_month_away_leaves_a_gap_and_tells_what_is_still_listed(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    pay(scene, stripe, "pay_old")
    cursor = read(stripe, None).cursor
    left_at = clock.now()
    clock.advance(DAY)
    pay(scene, stripe, "pay_lost")
    clock.advance(20 * DAY)
    pay(scene, stripe, "pay_listed")
    clock.advance(10 * DAY)
    page = read(stripe, cursor)
    assert stripe.facts(cursor).gap_since == left_at - timedelta(minutes=10)
    assert {fact.payment_id for fact in page.facts} == {"pay_listed"}
    swept = stripe.sweep(left_at, None)
    assert {"pay_lost", "pay_listed"} <= {fact.payment_id for fact in swept.facts}
    assert stripe.facts(page.cursor).gap_since is None


def test_a_quiet_account_that_is_asked_now_and_then_has_no_gap(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    pay(scene, stripe)
    cursor = read(stripe, None).cursor
    for _ in range(4):
        clock.advance(20 * DAY)
        page = stripe.facts(cursor)
        assert (page.facts, page.gap_since) == ((), None)
        cursor = page.cursor


@pytest.mark.parametrize("code", [None, "resource_missing"])
def test_a_pass_that_cannot_go_on_begins_again_and_says_so(
    scene: StripeScene, stripe: Stripe, clock: MovingClock, code: str | None
) -> None:
    for _ in range(510):
        scene.books.tell("customer.subscription.updated", subscription(scene))
    began_at = clock.now()
    first = stripe.facts(None)
    if code is None:
        scene.server.unlisted_after.add(json.loads(first.cursor)["running"]["after"])
    else:
        body = {"error": {"message": "No such event", "code": code}}
        scene.server.answer = Reply(400, body)
    again = stripe.facts(first.cursor)
    assert again.gap_since == began_at - 29 * DAY
    assert len(again.events) == 500


@pytest.mark.parametrize(
    "cursor",
    [
        "", "5", "[]", "{}", '{"stripe":"sweep","list":0,"after":""}',
        '{"stripe":"events","mark":"x","asked":1,"seen":[],"floor":0,"running":null}',
        '{"stripe":"events","mark":1,"asked":1,"seen":[],"floor":0,"running":{"top":1}}',
    ],
)  # fmt: skip
def test_a_cursor_that_it_did_not_make_is_refused(stripe: Stripe, cursor: str) -> None:
    with pytest.raises(GatewayError, match="no cursor"):
        stripe.facts(cursor)


@pytest.mark.parametrize(
    "cursor", ["x", '{"stripe":"events"}', '{"stripe":"sweep","list":9,"after":""}', "[1]"]
)
def test_a_sweep_knows_its_own_cursors_only(
    stripe: Stripe, clock: MovingClock, cursor: str
) -> None:
    with pytest.raises(GatewayError, match="no cursor"):
        stripe.sweep(clock.now(), cursor)


# --- sweeps --------------------------------------------------------------------------------------


def test_a_sweep_goes_through_every_list_page_by_page(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    began = clock.now()
    for _ in range(99):
        scene.books.open_session({"mode": "setup"})
    opened = [pay(scene, stripe, f"pay_{number}") for number in range(2)]
    intent_id = scene.books.get(opened[0].object_id)["payment_intent"]
    scene.refund_outside(intent_id, 1_000)
    scene.dispute(intent_id, 2_000)
    foreign = foreign_intent(scene)
    strange = foreign_intent(scene)
    strange["metadata"]["billdesk_flow"] = "checkout"
    told: list[Fact] = []
    cursor, asked = None, 0
    while cursor != "":
        page = stripe.sweep(began, cursor)
        told, cursor, asked = [*told, *page.facts], page.cursor, asked + 1
        assert page.complete == (cursor == "")
    assert asked == 2 + 1 + 1 + 1 + 1 + 1
    assert {fact.object_id for fact in told if fact.stage == "settled"} == {
        *(fact.object_id for fact in opened), foreign["id"],
    }  # fmt: skip
    assert {fact.stage for fact in told} == {"settled", "refunded", "disputed"}
    assert strange["id"] not in {fact.object_id for fact in told}


def test_a_sweep_keeps_what_it_does_not_understand(
    scene: StripeScene, stripe: Stripe, clock: MovingClock
) -> None:
    strange = scene.books.open_session({"mode": "setup"})
    del strange["mode"]
    [fact] = stripe.sweep(clock.now(), None).facts
    assert (fact.stage, fact.object_id) == ("unknown", strange["id"])

"""Paystack has no list of events: what happened is found by listing what there is."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta

import pytest

from billdesk.core.rules.gateway import Fact, FactPage
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayBusy, GatewayError, GatewayUnreachable
from tests.core.gateways.paystack.conftest import EMAIL, Steps

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def pay_many(steps: Steps, clock: MovingClock, count: int, prefix: str = "shop") -> list[str]:
    """Payments from elsewhere, one a second, straight into Paystack's books."""
    references = [f"{prefix}-{number}" for number in range(count)]
    for reference in references:
        steps.books.initialize({"email": EMAIL, "amount": 700, "reference": reference})
        steps.books.settle(steps.books.transactions[reference])
        clock.advance(timedelta(seconds=1))
    return references


def paid(facts: list[Fact] | tuple[Fact, ...]) -> list[str]:
    return [fact.object_id for fact in facts if fact.stage == "settled"]


def step_through(steps: Steps, cursor: str | None) -> list[FactPage]:
    pages = [steps.gateway.facts(cursor)]
    while not pages[-1].complete:
        pages.append(steps.gateway.facts(pages[-1].cursor))
    return pages


# --- how much it asks ----------------------------------------------------------------------------


def test_a_quiet_poll_is_three_requests(steps: Steps, clock: MovingClock) -> None:
    steps.refund(steps.pay(), 100)
    _, cursor = steps.read()
    for _ in range(3):
        clock.advance(DAY)
        steps.asked()
        page = steps.gateway.facts(cursor)
        assert page.complete
        assert steps.asked() == [("GET", "/transaction"), ("GET", "/refund"), ("GET", "/dispute")]
        cursor = page.cursor


def test_an_account_where_nothing_ever_happened_is_asked_as_little(steps: Steps) -> None:
    page = steps.gateway.facts(None)
    assert (page.facts, page.complete, page.gap_since) == ((), True, None)
    assert len(steps.asked()) == 3
    page = steps.gateway.facts(page.cursor)
    assert (page.facts, page.complete) == ((), True)
    steps.pay()
    assert paid(steps.read(page.cursor)[0]) == ["pay-1"]


def test_no_step_makes_more_than_three_requests(steps: Steps, clock: MovingClock) -> None:
    pay_many(steps, clock, 250)
    cursor, complete = None, False
    while not complete:
        steps.asked()
        page = steps.gateway.facts(cursor)
        cursor, complete = page.cursor, page.complete
        assert 1 <= len(steps.asked()) <= 3


# --- the window ----------------------------------------------------------------------------------


def test_what_is_old_and_ended_is_not_read_again(steps: Steps, clock: MovingClock) -> None:
    steps.pay(1)
    clock.advance(HOUR + MINUTE)
    steps.pay(2)
    _, cursor = steps.read()
    assert paid(steps.read(cursor)[0]) == ["pay-2"]


def test_what_was_open_is_heard_of_when_it_is_paid_however_much_came_after(
    steps: Steps, clock: MovingClock
) -> None:
    first = steps.open(1)
    _, cursor = steps.read()
    for number in range(2, 22):
        clock.advance(HOUR)
        steps.pay(number)
        _, cursor = steps.read(cursor)
    steps.scene.pay(first)
    assert "pay-1" in paid(steps.read(cursor)[0])


def test_what_nobody_paid_in_a_day_does_not_hold_the_window_open_for_ever(
    steps: Steps, clock: MovingClock
) -> None:
    steps.open(1)
    _, cursor = steps.read()
    clock.advance(DAY + HOUR)
    steps.pay(2)
    told, cursor = steps.read(cursor)
    assert [(fact.object_id, fact.stage) for fact in told] == [
        ("pay-1", "expired"),
        ("pay-2", "settled"),
    ]
    assert {fact.object_id for fact in steps.read(cursor)[0]} == {"pay-2"}


@pytest.mark.parametrize(("days", "heard"), [(29, True), (31, False)])
def test_a_refund_is_waited_for_a_month(
    steps: Steps, clock: MovingClock, days: int, *, heard: bool
) -> None:
    steps.books.refund_takes = None
    slow = steps.refund(steps.pay(1), 100, 1)
    _, cursor = steps.read()
    clock.advance(timedelta(days=days))
    steps.refund(steps.pay(2), 100, 2)
    _, cursor = steps.read(cursor)
    steps.books.refunds[int(slow.object_id)]["status"] = "processed"
    told = {fact.refund_id for fact in steps.read(cursor)[0] if fact.stage == "refunded"}
    assert told == ({"ref_1"} if heard else set())


def test_a_dispute_is_waited_for_half_a_year(steps: Steps, clock: MovingClock) -> None:
    number = steps.scene.dispute(str(steps.pay(1).charge_id), 100)
    _, cursor = steps.read()
    clock.advance(timedelta(days=170))
    steps.scene.dispute(str(steps.pay(2).charge_id), 100)
    _, cursor = steps.read(cursor)
    steps.scene.close_dispute(number, won=True)
    assert "dispute_won" in {fact.stage for fact in steps.read(cursor)[0]}


def test_a_row_that_shows_up_late_is_heard_of_if_not_more_than_an_hour_late(
    steps: Steps, clock: MovingClock
) -> None:
    """Between others that were seen at once, as lists of several machines do it."""
    steps.pay(1)
    late = steps.row(1)["id"]
    steps.books.hidden.add(late)
    clock.advance(59 * MINUTE)
    steps.pay(2)
    told, cursor = steps.read()
    assert paid(told) == ["pay-2"]
    steps.books.hidden.clear()
    assert paid(steps.read(cursor)[0]) == ["pay-1", "pay-2"]


def test_a_decline_that_is_paid_after_all_is_heard_of(steps: Steps) -> None:
    opened = steps.open()
    steps.scene.decline(opened)
    told, cursor = steps.read()
    assert [fact.stage for fact in told] == ["declined"]
    steps.scene.pay(opened)
    assert paid(steps.read(cursor)[0]) == ["pay-1"]


# --- many pages ----------------------------------------------------------------------------------


def test_many_pages_are_told_oldest_first_and_each_row_once(
    steps: Steps, clock: MovingClock
) -> None:
    references = pay_many(steps, clock, 250)
    told, _ = steps.read()
    assert paid(told) == references


def test_what_is_paid_while_the_pages_are_read_is_told_by_the_next_pass(
    steps: Steps, clock: MovingClock
) -> None:
    references = pay_many(steps, clock, 250)
    more: list[str] = []

    def shift() -> None:
        more.extend(pay_many(steps, clock, 7, f"more{len(more)}"))

    steps.scene.server.before_lists = [shift] * 5
    told, cursor = steps.read()
    assert paid(told)[: len(references)] == references
    again, _ = steps.read(cursor)
    assert set(paid(told)) | set(paid(again)) == {*references, *more}
    assert len(more) == 35


def test_rows_that_show_up_among_those_being_read_lose_none(
    steps: Steps, clock: MovingClock
) -> None:
    references = pay_many(steps, clock, 250)
    late = [steps.books.transactions[reference]["id"] for reference in references[:5]]
    steps.books.hidden.update(late)
    pages: list[FactPage] = [steps.gateway.facts(None)]
    pages.append(steps.gateway.facts(pages[-1].cursor))
    steps.books.hidden.clear()
    pages += step_through(steps, pages[-1].cursor)
    told = [fact for page in pages for fact in page.facts]
    assert set(paid(told)) == set(references)


def test_only_a_whole_pass_moves_the_mark(steps: Steps, clock: MovingClock) -> None:
    pay_many(steps, clock, 3)
    _, mark = steps.read()
    references = pay_many(steps, clock, 250, "later")
    first = steps.gateway.facts(mark)
    second = steps.gateway.facts(first.cursor)
    assert not second.complete
    steps.scene.answer_next(500)
    with pytest.raises(GatewayUnreachable):
        steps.gateway.facts(second.cursor)
    assert set(references) <= set(paid(steps.read(mark)[0])), "begun again"
    rest = step_through(steps, second.cursor)
    told = [fact for page in (first, second, *rest) for fact in page.facts]
    assert set(references) <= set(paid(told)), "gone on with"


def test_a_pass_that_was_interrupted_long_ago_goes_on_and_the_next_one_finds_the_rest(
    steps: Steps, clock: MovingClock
) -> None:
    references = pay_many(steps, clock, 150)
    begun = steps.gateway.facts(None)
    clock.advance(3 * DAY)
    later = pay_many(steps, clock, 150, "later")
    pages = step_through(steps, begun.cursor)
    assert paid([fact for page in pages for fact in page.facts]) == references
    assert set(later) <= set(paid(steps.read(pages[-1].cursor)[0]))


def test_a_busy_paystack_stops_a_pass_where_it_is(steps: Steps, clock: MovingClock) -> None:
    references = pay_many(steps, clock, 150)
    begun = steps.gateway.facts(None)
    steps.scene.answer_next(429, {"Retry-After": "9"})
    with pytest.raises(GatewayBusy) as busy:
        steps.gateway.facts(begun.cursor)
    assert busy.value.retry_after_seconds == 9
    pages = step_through(steps, begun.cursor)
    assert paid([fact for page in pages for fact in page.facts]) == references


# --- sweeps --------------------------------------------------------------------------------------


def sweep(steps: Steps, since: datetime) -> list[Fact]:
    page = steps.gateway.sweep(since, None)
    facts = list(page.facts)
    while not page.complete:
        page = steps.gateway.sweep(since, page.cursor)
        facts += page.facts
    return facts


def test_a_sweep_lists_all_from_a_time_on(steps: Steps, clock: MovingClock) -> None:
    pay_many(steps, clock, 150, "old")
    clock.advance(10 * DAY)
    since = clock.now()
    references = pay_many(steps, clock, 150, "new")
    assert paid(sweep(steps, since)) == references


def test_a_sweep_finds_what_was_begun_before_and_ended_after(
    steps: Steps, clock: MovingClock
) -> None:
    opened, other = steps.open(1), steps.pay(2)
    clock.advance(5 * DAY)
    since = clock.now()
    steps.scene.pay(opened)
    refund = steps.refund(other, 100)
    number = steps.scene.dispute(str(other.charge_id), 200)
    clock.advance(20 * DAY)
    steps.scene.close_dispute(number, won=True)
    assert "pay-1" in paid(sweep(steps, since))
    stages = {fact.object_id: fact.stage for fact in sweep(steps, since + 20 * DAY)}
    assert stages[refund.object_id] == "refunded"
    assert stages[number] == "dispute_won"


# --- cursors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("break_it", ["kind", "list", "page", "order", "time", "length", "none"])
def test_a_cursor_that_paystack_did_not_make_is_refused(steps: Steps, break_it: str) -> None:
    steps.pay()
    cursor = steps.gateway.facts(None).cursor
    lists = json.loads(cursor)["paystack feed"]
    kind = "paystack feed"
    if break_it == "kind":
        kind = "stripe feed"
    elif break_it == "list":
        del lists["refunds"]
    elif break_it == "page":
        lists["refunds"][4] = "2"
    elif break_it == "order":
        lists["refunds"][4] = -2
    elif break_it == "time":
        lists["refunds"][1] = "yesterday"
    elif break_it == "length":
        lists["refunds"].pop()
    else:
        lists = None
    with pytest.raises(GatewayError, match="not where a feed of Paystack's ended"):
        steps.gateway.facts(json.dumps({kind: lists}))


def test_a_feed_does_not_go_on_with_a_sweep_nor_a_sweep_with_a_feed(steps: Steps) -> None:
    feed, swept = steps.gateway.facts(None).cursor, steps.gateway.sweep(steps.clock.now(), None)
    with pytest.raises(GatewayError, match="not where a feed"):
        steps.gateway.facts(swept.cursor)
    with pytest.raises(GatewayError, match="not where a sweep"):
        steps.gateway.sweep(steps.clock.now(), feed)


# --- what lists look like ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": true, "data": {}, "meta": {"total": 0, "pageCount": 0}}',
        b'{"status": true, "data": [7], "meta": {"total": 0, "pageCount": 0}}',
        b'{"status": true, "data": [], "meta": {"total": 0}}',
        b'{"status": true, "data": [], "meta": []}',
        b'{"status": true}',
    ],
)
def test_a_list_that_cannot_be_read_is_an_error_and_never_an_empty_one(
    steps: Steps, body: bytes
) -> None:
    steps.scene.answer_next(200, body=body)
    with pytest.raises(GatewayError):
        steps.gateway.facts(None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", None),
        ("id", 1.5),
        ("id", True),
        ("reference", ""),
        ("reference", 7),
        ("status", None),
        ("amount", -1),
        ("amount", 2**63),
        ("amount", "12.5"),
        ("currency", "XXX"),
        ("created_at", "soon"),
    ],
)
def test_a_row_without_what_matters_is_an_error_that_names_it(
    steps: Steps, name: str, value: object
) -> None:
    steps.open()
    steps.row()[name] = value
    with pytest.raises(GatewayError, match=f"cannot be understood: {name} is missing or strange"):
        steps.find()


def test_a_time_may_go_by_either_of_its_names_and_must_be_there(steps: Steps) -> None:
    opened = steps.open()
    del steps.row()["created_at"]
    [found] = steps.read()[0]
    assert (found.key, found.happened_at) == (opened.key, opened.happened_at)
    del steps.row()["createdAt"]
    with pytest.raises(GatewayError, match="created_at is missing or strange"):
        steps.find()


def test_amounts_are_read_as_text_too(steps: Steps) -> None:
    """As some of Paystack's own samples write them."""
    steps.pay()
    steps.row().update(amount="10000", fees="150")
    [settled] = steps.find()
    assert settled.amount is not None
    assert settled.fee is not None
    assert (settled.amount.minor, settled.fee.minor) == (10_000, 150)


def test_a_currency_without_subunits_comes_in_hundredths_too(steps: Steps) -> None:
    steps.pay()
    steps.row().update(amount=120_000, currency="XOF", fees=None)
    [settled] = steps.find()
    assert str(settled.amount) == "1200 XOF"
    steps.row().update(amount=120_050)
    with pytest.raises(GatewayError, match="amount is missing or strange"):
        steps.find()


# --- books ---------------------------------------------------------------------------------------


def test_rows_are_what_moved_in_the_span_and_each_comes_once(
    steps: Steps, clock: MovingClock
) -> None:
    before = steps.open(1)
    clock.advance(2 * DAY)
    since = clock.now()
    steps.scene.pay(before)
    pay_many(steps, clock, 250)
    first = steps.refund(steps.pay(2), 4_000)
    clock.advance(MINUTE)
    until = clock.now()
    steps.pay(3)
    steps.refund(steps.pay(4), 100, 2)

    def shift() -> None:
        pay_many(steps, clock, 30, f"more{len(steps.books.transactions)}")

    clock.advance(MINUTE)
    steps.scene.server.before_lists = [shift] * 3
    rows = list(steps.gateway.rows(since, until))
    kinds = Counter(row.kind for row in rows)
    assert kinds == {"payment": 252, "refund": 1}
    assert len({row.external_id for row in rows}) == 253
    payment = next(row for row in rows if row.payment_id == "pay_2")
    assert (payment.asset, payment.amount_minor, payment.fee_minor) == ("NGN", 10_000, 150)
    assert (payment.external_id, payment.charge_id) == ("pay-2", str(steps.row(2)["id"]))
    [refund] = [row for row in rows if row.kind == "refund"]
    assert (refund.external_id, refund.amount_minor, refund.fee_minor) == (
        first.object_id, -4_000, 0,
    )  # fmt: skip
    assert all(since <= row.happened_at < until for row in rows)


def test_rows_shift_to_a_later_page_without_being_counted_twice(
    steps: Steps, clock: MovingClock
) -> None:
    """A span that has not ended yet is read while rows are added to it."""
    references = pay_many(steps, clock, 150)

    def shift() -> None:
        pay_many(steps, clock, 30, f"more{len(steps.books.transactions)}")

    steps.scene.server.before_lists = [lambda: None, shift]
    rows = list(steps.gateway.rows(clock.now() - HOUR, clock.now() + DAY))
    counted = Counter(row.external_id for row in rows)
    assert set(references) <= set(counted)
    assert set(counted.values()) == {1}

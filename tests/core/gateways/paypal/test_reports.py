"""The report of transactions: read whole in windows, late as it is, for sweeps and for rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billdesk.core.rules.gateway import FactPage, GatewayRow
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotOffered,
)
from billdesk.core.values.money import Money
from tests.core.gateways.till import MINUTE, Till, keys, of_stage
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_wire import Fault, error_body

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REPORT = ("GET", "/v1/reporting/transactions")
DISPUTES = ("GET", "/v1/customer/disputes")


def asked(world: PayPalScene) -> list[dict[str, str]]:
    """What was asked for of each page of the report."""
    return [one.query for one in world.server.requests if (one.method, one.path) == REPORT]


def swept(till: Till, since: datetime) -> list[FactPage]:
    return till.pages(lambda cursor: till.gateway.sweep(since, cursor), None)


def rows(till: Till, since: datetime, until: datetime) -> list[GatewayRow]:
    return list(till.gateway.rows(since, until))


# --- windows ---------------------------------------------------------------------------------


def test_long_spans_are_asked_in_windows_of_31_days_without_a_gap(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = till.pay()
    clock.advance(31 * DAY - MINUTE)  # the very instant between two windows
    border = till.pay()
    clock.advance(40 * DAY)
    ended = clock.now()
    found = rows(till, began, ended)
    assert [row.payment_id for row in found] == [
        paid.request.payment_id, border.request.payment_id,
    ]  # fmt: skip
    spans = [(query["start_date"], query["end_date"]) for query in asked(world)]
    assert spans == [
        ("2026-01-05T09:00:00Z", "2026-02-05T08:59:59Z"),
        ("2026-02-05T09:00:00Z", "2026-03-08T08:59:59Z"),
        ("2026-03-08T09:00:00Z", "2026-03-17T09:00:59Z"),
    ]


def test_a_span_is_half_open_to_the_fraction_of_a_second(till: Till, clock: MovingClock) -> None:
    paid_at = clock.now() + MINUTE
    till.pay()
    clock.advance(HOUR)
    half = timedelta(milliseconds=500)
    for since, until, there in [
        (paid_at, paid_at + half, True),
        (paid_at - half, paid_at + half, True),
        (paid_at - HOUR, paid_at, False),
        (paid_at + half, paid_at + HOUR, False),
        (paid_at, paid_at, False),
    ]:
        assert bool(rows(till, since, until)) is there, (since, until)


def test_a_window_with_too_much_in_it_is_halved_until_it_fits(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = [till.pay().request.payment_id for _ in range(9)]
    world.server.most_results = 2
    found = rows(till, began, clock.now() + MINUTE)
    assert [row.payment_id for row in found] == paid
    assert len({row.external_id for row in found}) == 9
    clock.advance(MINUTE)
    facts = [fact for page in swept(till, began) for fact in page.facts]
    assert {fact.payment_id for fact in of_stage(facts, "settled")} == set(paid)


def test_a_second_that_is_too_full_is_an_error_and_no_endless_search(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    till.pay()
    world.server.most_results = 0
    with pytest.raises(GatewayError, match="RESULTSET_TOO_LARGE"):
        rows(till, began, clock.now() + HOUR)
    assert len(asked(world)) < 50


def test_any_other_refusal_of_a_span_is_told(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    body = error_body("INVALID_REQUEST", "INVALID_PARAMETER_VALUE")
    world.server.faults.append(Fault(*REPORT, status=400, body=body))
    with pytest.raises(GatewayError, match="INVALID_PARAMETER_VALUE"):
        rows(till, clock.now() - DAY, clock.now())


def test_pages_are_read_to_the_last(world: PayPalScene, till: Till, clock: MovingClock) -> None:
    began = clock.now()
    order = world.books.orders[till.gateway.open_payment(till.request()).object_id]
    for number in range(1_101):
        world.books.report("T0006", f"TX{number}", order, Decimal(1), Decimal(0), clock.now())
    found = rows(till, began, clock.now() + HOUR)
    assert len({row.external_id for row in found}) == len(found) == 1_101
    assert [query["page"] for query in asked(world)] == ["1", "2", "3"]
    assert {query["page_size"] for query in asked(world)} == {"500"}


def test_a_line_that_comes_twice_is_one_row(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    till.pay()
    world.books.lines *= 2
    assert len(rows(till, began, clock.now() + HOUR)) == 1


def test_what_the_report_does_not_know_yet_is_not_asked_for(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    world.server.reporting_delay = 3 * HOUR
    began = clock.now()
    till.pay()
    assert rows(till, began, clock.now() + HOUR) == [], "not even its first second"
    clock.advance(2 * HOUR)
    assert rows(till, began - 40 * DAY, clock.now() + 40 * DAY) == []
    assert len(asked(world)) == 3, "no window after what it knows"
    clock.advance(2 * HOUR)
    assert len(rows(till, began, clock.now())) == 1


# --- rows ----------------------------------------------------------------------------------------


def test_rows_carry_the_names_by_which_our_records_know_them(
    till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = till.pay()
    refunded = till.give_back(paid, 4_000)
    payment, refund = rows(till, began, clock.now() + HOUR)
    assert payment == GatewayRow(
        kind="payment",
        external_id=paid.charge_id,
        charge_id=paid.charge_id,
        payment_id=paid.request.payment_id,
        asset="USD",
        amount_minor=10_000,
        fee_minor=398,
        happened_at=paid.settled.happened_at,
    )
    assert (refund.kind, refund.external_id, refund.charge_id) == (
        "refund", refunded.object_id, paid.charge_id,
    )  # fmt: skip
    assert (refund.amount_minor, refund.fee_minor) == (-4_000, 0)
    assert refund.payment_id == paid.request.payment_id


def test_money_lost_in_a_dispute_is_a_row_of_that_dispute(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = till.pay()
    dispute_id = world.dispute(paid.charge_id, 10_000)
    world.close_dispute(dispute_id, won=False)
    *_, lost = rows(till, began, clock.now() + HOUR)
    assert (lost.kind, lost.external_id, lost.amount_minor) == ("dispute", dispute_id, -10_000)
    assert lost.charge_id == paid.charge_id


def test_money_taken_back_for_no_dispute_is_a_refund(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    capture = world.books.captures[till.pay().charge_id]
    reversal_id = world.books.reverse(capture, Decimal(100))
    *_, taken = rows(till, began, clock.now() + HOUR)
    assert (taken.kind, taken.external_id, taken.charge_id) == ("refund", reversal_id, capture.id)


def test_what_is_about_no_customers_payment_is_left_out(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    order = world.books.orders[till.gateway.open_payment(till.request()).object_id]
    for code, amount in [
        ("T0400", -50),  # a withdrawal to the bank
        ("T0200", 50),  # a conversion
        ("T0006", -50),  # a payment of ours to somebody
        ("T1110", -50),  # a hold, which is not lost
    ]:
        world.books.report(code, f"X{code}", order, Decimal(amount), Decimal(0), clock.now())
    world.books.report("T0006", "XPENDING", order, Decimal(50), Decimal(0), clock.now())
    world.books.lines[-1].info["transaction_status"] = "P"
    assert rows(till, began, clock.now() + HOUR) == []
    assert [fact for page in swept(till, began) for fact in page.facts] == []


def test_rows_need_the_right_to_search(world: PayPalScene, till: Till, clock: MovingClock) -> None:
    world.server.forbidden.add("/v1/reporting")
    with pytest.raises(KeyRefused, match="lacks a right"):
        rows(till, clock.now() - DAY, clock.now())


def test_a_report_in_a_strange_shape_is_no_report(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    body = json.dumps({"transaction_details": [{"transaction_info": {}}]}).encode()
    world.server.faults.append(Fault(*REPORT, status=200, body=body))
    with pytest.raises(GatewayUnreachable, match="transactions cannot be read"):
        rows(till, clock.now() - DAY, clock.now())


def test_a_report_that_does_not_say_how_far_it_reaches_is_read_to_the_end(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    world.server.faults.append(Fault(*REPORT, status=200, body=b"{}"))
    assert rows(till, clock.now() - 40 * DAY, clock.now()) == []
    assert len(asked(world)) == 2


def test_times_and_fees_are_read_as_paypal_really_writes_them(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    info = {
        "transaction_id": "5TY05013RG002845M",
        "transaction_event_code": "T0006",
        "transaction_initiation_date": "2026-01-05T01:00:00-0800",
        "transaction_amount": {"currency_code": "JPY", "value": "1000.00"},
        "transaction_status": "S",
    }
    data = {
        "transaction_details": [{"transaction_info": info}],
        "last_refreshed_datetime": "2026-01-05T09:29:59+0000",
        "page": 1,
        "total_pages": 1,
    }
    world.server.faults.append(Fault(*REPORT, status=200, body=json.dumps(data).encode()))
    [row] = rows(till, clock.now() - DAY, clock.now())
    assert (row.happened_at, row.amount_minor, row.fee_minor) == (clock.now(), 1_000, 0)


# --- sweeps ----------------------------------------------------------------------------------


def test_a_sweep_tells_payments_as_their_orders_do_for_one_request_each(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = [till.pay() for _ in range(3)]
    clock.advance(MINUTE)
    world.server.requests.clear()
    facts = [fact for page in swept(till, began) for fact in page.facts]
    assert keys(facts) == {one.settled.key for one in paid}
    assert [fact.fee for fact in facts] == [Money(398, "USD")] * 3
    assert len(world.server.requests) == 2 + 3


def test_payments_that_are_not_ours_are_told_without_asking_for_them(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = till.pay()
    del world.books.lines[0].info["custom_field"]
    clock.advance(MINUTE)
    world.server.requests.clear()
    [fact] = [fact for page in swept(till, began) for fact in page.facts]
    assert (fact.object_id, fact.charge_id, fact.payment_id) == (
        paid.charge_id, paid.charge_id, None,
    )  # fmt: skip
    assert (fact.amount, fact.fee) == (Money(10_000, "USD"), Money(398, "USD"))
    assert len(world.server.requests) == 2


def test_a_payment_with_an_id_that_is_no_capture_is_told_from_the_report(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = till.pay()
    del world.books.captures[paid.charge_id]
    clock.advance(MINUTE)
    [fact] = [fact for page in swept(till, began) for fact in page.facts]
    assert (fact.stage, fact.object_id) == ("settled", paid.charge_id)
    assert fact.payment_id == paid.request.payment_id


def test_money_that_comes_again_after_it_was_taken_back_is_kept_in_sight(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = till.pay()
    order = world.books.orders[paid.opened.object_id]
    world.books.report(
        "T1202", "AGAIN", order, Decimal(25), Decimal("0.30"), clock.now(), about=paid.charge_id
    )
    world.books.report("T1201", "NOBODYS", order, Decimal(-5), Decimal(0), clock.now(), custom="")
    clock.advance(MINUTE)
    *_, again, taken = [fact for page in swept(till, began) for fact in page.facts]
    assert (again.stage, again.object_id, again.amount) == ("unknown", "AGAIN", Money(2_500, "USD"))
    assert again.fee == Money(-30, "USD")
    assert (taken.stage, taken.charge_id, taken.payment_id) == ("refunded", None, None)
    *_, row = rows(till, began, clock.now())
    assert (row.kind, row.charge_id) == ("refund", None)


def test_a_sweep_goes_on_where_it_was_through_disputes_windows_and_pages(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = [till.pay() for _ in range(3)]
    disputes = [world.dispute(paid[0].charge_id, 100) for _ in range(51)]
    order = world.books.orders[paid[0].opened.object_id]
    for number in range(120):
        world.books.report(
            "T0006", f"TX{number}", order, Decimal(1), Decimal(0), clock.now(), custom=""
        )
    clock.advance(40 * DAY)
    pages = swept(till, began)
    facts = [fact for page in pages for fact in page.facts]
    assert {fact.object_id for fact in of_stage(facts, "disputed")} == set(disputes)
    assert len(of_stage(facts, "settled")) == 123
    assert [page.complete for page in pages] == [False] * 4 + [True]
    assert {query["page_size"] for query in asked(world)} == {"100"}
    assert [query["page"] for query in asked(world)] == ["1", "2", "1"]


def test_a_sweep_whose_clock_moves_on_keeps_its_end(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    till.pay()
    clock.advance(35 * DAY)
    cursor, ends = None, []
    for _ in range(3):
        page = till.gateway.sweep(began, cursor)
        cursor = page.cursor
        ends.append(page.complete)
        clock.advance(35 * DAY)
    assert ends == [False, False, True]
    assert len(asked(world)) == 2


def test_disputes_that_nobody_changed_are_not_swept(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    world.dispute(till.pay().charge_id, 100)
    clock.advance(DAY)
    assert [fact for page in swept(till, clock.now()) for fact in page.facts] == []


def test_without_the_right_to_read_disputes_the_rest_is_swept(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    paid = till.pay()
    world.dispute(paid.charge_id, 100)
    world.server.forbidden.add("/v1/customer/disputes")
    clock.advance(MINUTE)
    assert keys([fact for page in swept(till, began) for fact in page.facts]) == {paid.settled.key}


def test_without_the_right_to_search_a_sweep_is_not_offered_and_disputes_are_told_first(
    world: PayPalScene, till: Till, clock: MovingClock
) -> None:
    began = clock.now()
    dispute_id = world.dispute(till.pay().charge_id, 100)
    world.server.forbidden.add("/v1/reporting")
    page = till.gateway.sweep(began, None)
    assert [fact.object_id for fact in page.facts] == [dispute_id]
    with pytest.raises(NotOffered, match="paypal may not search"):
        till.gateway.sweep(began, page.cursor)


@pytest.mark.parametrize("cursor", ["", "17", "[]", '{"paypal": "facts"}', '{"stripe": "sweep"}'])
def test_a_cursor_that_is_no_sweeps_is_refused(till: Till, cursor: str) -> None:
    with pytest.raises(GatewayError, match="no cursor of PayPal's sweep"):
        till.gateway.sweep(datetime(2026, 1, 1, tzinfo=UTC), cursor)

"""What the desk has against what the gateway says: both ways, item by item and in total."""

from __future__ import annotations

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import psycopg
import pytest

from billdesk.core.desk import Desk, grant, open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.operations.gateways import comparing
from billdesk.core.operations.gateways.reconciling import due
from billdesk.core.rules.gateway import Gateway
from billdesk.core.rules.sheets import ReconcileItemSheet, ReconcileSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    BilldeskError,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotFound,
    ReadOnly,
    ReferenceReused,
    Refused,
)
from billdesk.core.values.money import Money
from tests.core.operations.gateways.bookkeeping import GATEWAY, Books, Records
from tests.new_ledger import START, seeded

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PAID = START - 5 * DAY
KEY = "nightly:2026-01-05"
NOTE = "the gateway moved it to another account"


@pytest.fixture
def books() -> Books:
    """The gateway's own list, empty."""
    return Books()


@pytest.fixture
def desk(ledger_url: str, clock: MovingClock, books: Books) -> Iterator[Desk]:
    """A desk that is connected to that gateway, with an account `acme` without money."""
    with open_desk(
        ledger_url, clock=clock, actor="tester", chance=seeded(), gateways=[cast("Gateway", books)]
    ) as desk:
        desk.accounts.add("acme", name="Acme")
        yield desk


@pytest.fixture
def records(desk: Desk) -> Records:
    """The desk's own payments."""
    return Records(desk, "acme")


def items(desk: Desk, run: ReconcileSheet) -> dict[str, ReconcileItemSheet]:
    """A comparison's items by the gateway's id."""
    return {item.external_id: item for item in desk.reconcile.items(run.id).rows}


def counted(run: ReconcileSheet) -> dict[str, int]:
    """The outcomes that came at all."""
    return {name: count for name, count in run.outcomes.items() if count}


# --- item by item --------------------------------------------------------------------------------


def test_what_both_sides_have_matches_whatever_order_they_tell_it_in(
    desk: Desk, records: Records, books: Books
) -> None:
    for name in ("zeta", "alpha", "Öl", "beta"):
        records.payment(name, 1000, PAID, fee=30)
    for name in ("Öl", "beta", "zeta", "alpha"):
        books.says(name, 1000, PAID, fee=30)
    run = desk.reconcile.run(GATEWAY)
    assert counted(run) == {"matched": 4}
    assert (run.alarm, run.explained, run.matched_kept, run.interrupted) == (False, 0, True, None)
    [total] = run.totals
    assert total.ours == total.theirs == Money(4000, "USD")
    assert total.our_fees == total.their_fees == Money(120, "USD")
    assert total.clearing == Money(3880, "USD")
    assert (total.clearing_difference.minor, total.difference.minor) == (0, 0)
    assert total.limit == Money(100_000, "USD")
    assert [item.external_id for item in desk.reconcile.items(run.id).rows] == [
        "alpha", "beta", "zeta", "Öl",
    ]  # fmt: skip


def test_each_outcome_is_told_with_both_amounts_and_whose_it_is(
    desk: Desk, records: Records, books: Books
) -> None:
    off = records.payment("off", 1000, PAID, fee=30)
    records.payment("near", 1000, PAID, fee=30)
    records.payment("fee", 1000, PAID, fee=30)
    records.payment("ours", 1000, PAID)
    records.payment("late", 1000, START - HOUR)
    books.says("off", 1100, PAID, fee=30)
    books.says("near", 1005, PAID, fee=30)
    books.says("fee", 1000, PAID, fee=31)
    books.says("theirs", 700, PAID, fee=20)
    found = items(desk, desk.reconcile.run(GATEWAY))
    assert {name: item.outcome for name, item in found.items()} == {
        "off": "differs",
        "near": "within_tolerance",
        "fee": "within_tolerance",
        "ours": "missing_there",
        "late": "timing",
        "theirs": "missing_here",
    }
    item = found["off"]
    assert (item.kind, item.our_id, item.account_ref, item.asset) == ("payment", off, "acme", "USD")
    assert (item.ours, item.theirs) == (Money(1000, "USD"), Money(1100, "USD"))
    assert (item.our_fee, item.their_fee) == (Money(30, "USD"), Money(30, "USD"))
    assert (item.happened_at, item.age_days) == (PAID, 5)
    item = found["theirs"]
    assert (item.our_id, item.account_ref, item.ours, item.our_fee) == (None, None, None, None)
    assert (found["ours"].theirs, found["ours"].their_fee) == (None, None)


def test_the_sums_tell_both_sides_and_what_the_ledger_itself_has_booked(
    desk: Desk, records: Records, books: Books
) -> None:
    records.payment("a", 1000, PAID, fee=30)
    records.payment("b", 2000, PAID)
    records.payment("yen", 500, PAID, asset="JPY")
    records.payment("before", 9000, START - 31 * DAY)
    books.says("a", 1100, PAID, fee=30)
    books.says("c", 400, PAID, fee=10)
    books.says("yen", 500, PAID, asset="JPY")
    run = desk.reconcile.run(GATEWAY)
    yen, usd = run.totals
    assert (usd.ours.minor, usd.theirs.minor) == (3000, 1500)
    assert (usd.our_fees.minor, usd.their_fees.minor) == (30, 40)
    assert (usd.clearing.minor, usd.clearing_difference.minor) == (2970, 2970 - 1460)
    assert usd.difference == Money(100 + 2000 + 400, "USD")
    assert (yen.asset, yen.clearing, yen.limit) == ("JPY", Money(500, "JPY"), Money(1000, "JPY"))


def test_what_the_ledger_booked_besides_the_payments_is_said_even_when_all_items_match(
    desk: Desk, records: Records, books: Books
) -> None:
    records.payment("a", 1000, PAID)
    records._book("acme", "fee", "USD", -7, "nobody knows what", PAID)
    books.says("a", 1000, PAID)
    run = desk.reconcile.run(GATEWAY)
    assert counted(run) == {"matched": 1}
    assert run.totals[0].clearing_difference == Money(-7, "USD")


def test_the_alarm_is_raised_above_a_thousand_in_all_and_not_by_what_is_only_late(
    desk: Desk, books: Books, records: Records
) -> None:
    books.says("late", 500_000, START - HOUR)
    books.says("one", 60_000, PAID)
    books.says("two", 40_000, PAID)
    run = desk.reconcile.run(GATEWAY)
    assert (run.alarm, run.totals[0].alarm, run.totals[0].difference.minor) == (
        False,
        False,
        100_000,
    )
    records.payment("cent", 1, PAID)
    run = desk.reconcile.run(GATEWAY)
    assert (run.alarm, run.totals[0].difference.minor) == (True, 100_001)


# --- refunds and disputes --------------------------------------------------------------------------


def test_refunds_are_compared_too_and_one_that_came_back_is_nothing(
    desk: Desk, records: Records, books: Books
) -> None:
    payment = records.payment("a", 5000, PAID)
    refund = records.refund(payment, "re_1", 700, PAID + DAY)
    records.refund(payment, "re_back", 800, PAID + DAY, failed_at=PAID + 2 * DAY)
    records.refund(payment, "re_open", 900, PAID + DAY, status="pending")
    records.refund(payment, "re_never", 900, PAID + DAY, status="failed")
    books.says("a", 5000, PAID)
    books.says("re_1", -700, PAID + DAY, kind="refund")
    books.says("re_back", 800, PAID + 2 * DAY, kind="refund")
    books.says("re_back", -800, PAID + DAY, kind="refund")
    run = desk.reconcile.run(GATEWAY)
    assert counted(run) == {"matched": 3}
    assert items(desk, run)["re_1"].our_id == refund
    assert items(desk, run)["re_1"].ours == Money(-700, "USD")
    assert run.totals[0].clearing == Money(4300, "USD")


def test_a_refund_that_is_still_open_here_may_simply_be_slow(
    desk: Desk, records: Records, books: Books
) -> None:
    payment = records.payment("a", 5000, PAID)
    open_here = records.refund(payment, "re_open", 900, PAID, status="pending")
    failed_here = records.refund(payment, "re_failed", 900, PAID, status="failed")
    for name in ("re_open", "re_failed", "re_unknown"):
        books.says(name, -900, PAID, kind="refund")
    found = items(desk, desk.reconcile.run(GATEWAY))
    assert [(item.outcome, item.our_id) for _, item in sorted(found.items())] == [
        ("missing_there", payment),
        ("missing_here", failed_here),
        ("timing", open_here),
        ("missing_here", None),
    ]


def test_disputes_take_money_when_opened_and_give_it_back_when_won(
    desk: Desk, records: Records, books: Books
) -> None:
    payment = records.payment("a", 5000, PAID)
    books.says("a", 5000, PAID)
    opened, closed = PAID + HOUR, PAID + DAY
    for name, status, ended in (
        ("dp_open", "open", None), ("dp_won", "won", closed), ("dp_lost", "lost", closed),
        ("dp_quiet_won", "won", closed), ("dp_quiet_open", "open", None),
        ("dp_quiet_lost", "lost", closed), ("dp_just_lost", "lost", START - 2 * HOUR),
    ):  # fmt: skip
        records.dispute(payment, name, 500, opened, status=status, closed_at=ended)
    for name in ("dp_open", "dp_won", "dp_lost"):
        books.says(name, -500, opened, kind="dispute")
    books.says("dp_won", 500, closed, kind="dispute")
    books.says("dp_strange", -500, closed, kind="dispute")
    found = items(desk, desk.reconcile.run(GATEWAY))
    assert {name: item.outcome for name, item in found.items() if name != "a"} == {
        "dp_open": "matched",
        "dp_won": "matched",
        "dp_lost": "matched",
        "dp_quiet_won": "matched",
        "dp_quiet_open": "timing",
        "dp_quiet_lost": "missing_there",
        "dp_just_lost": "timing",
        "dp_strange": "missing_here",
    }


def test_a_dispute_known_from_another_span_is_no_stranger(
    desk: Desk, records: Records, books: Books
) -> None:
    payment = records.payment("a", 5000, START - 60 * DAY)
    dispute = records.dispute(payment, "dp_1", 500, START - 50 * DAY, status="lost", closed_at=PAID)
    books.says("dp_1", -500, PAID, kind="dispute")
    item = items(desk, desk.reconcile.run(GATEWAY))["dp_1"]
    assert (item.outcome, item.our_id) == ("timing", dispute)


def test_a_kind_of_movement_that_the_desk_does_not_keep_is_missing_here(
    desk: Desk, books: Books
) -> None:
    books.says("po_1", -500, PAID, kind="payout")
    assert items(desk, desk.reconcile.run(GATEWAY))["po_1"].outcome == "missing_here"


# --- other names -----------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["charge as id", "charge beside", "id as charge", "our id"])
def test_payments_are_found_under_their_other_names(
    desk: Desk, records: Records, books: Books, said: str
) -> None:
    payment = records.payment("cs_1", 1000, PAID, charge_id="pi_1")
    records.payment("cs_2", 1000, PAID, charge_id="pi_2")
    names = {
        "charge as id": ("pi_1", None, None),
        "charge beside": ("ch_1", "pi_1", None),
        "id as charge": ("ch_1", "cs_1", None),
        "our id": ("ch_1", None, payment),
    }
    external_id, charge_id, payment_id = names[said]
    books.says(external_id, 1000, PAID, charge_id=charge_id, payment_id=payment_id)
    found = items(desk, desk.reconcile.run(GATEWAY))
    assert {name: item.outcome for name, item in found.items()} == {
        "cs_1": "matched",
        "cs_2": "missing_there",
    }


def test_a_payment_still_open_here_or_of_another_span_may_follow_and_a_failed_one_may_not(
    desk: Desk, records: Records, books: Books
) -> None:
    ids = {name: records.payment(name, 1000, PAID, status=name) for name in ("pending", "failed")}
    lost_reply = records.payment(None, 1000, PAID, status="pending")
    earlier = records.payment("earlier", 1000, START - 30 * DAY - 1 * HOUR)
    for name in (*ids, "earlier"):
        books.says(name, 1000, PAID)
    books.says("nameless", 1000, PAID, payment_id=lost_reply)
    books.says("stranger", 1000, PAID, payment_id="pay_of_somebody_else")
    found = items(desk, desk.reconcile.run(GATEWAY))
    assert {item.external_id: (item.outcome, item.our_id) for item in found.values()} == {
        "pending": ("timing", ids["pending"]),
        "failed": ("missing_here", ids["failed"]),
        "earlier": ("timing", earlier),
        lost_reply: ("timing", lost_reply),
        "stranger": ("missing_here", None),
    }
    assert found["pending"].account_ref == "acme"


# --- spans, references, repetition -----------------------------------------------------------------


def test_the_usual_span_is_thirty_days_up_to_the_last_full_hour(
    desk: Desk, books: Books, clock: MovingClock
) -> None:
    clock.advance(timedelta(minutes=59, seconds=30))
    run = desk.reconcile.run(GATEWAY)
    assert (run.since, run.until) == (START - 30 * DAY, START)
    assert books.asked == [(run.since, run.until)]
    run = desk.reconcile.run(GATEWAY, until=START - DAY)
    assert (run.since, run.until) == (START - 31 * DAY, START - DAY)


@pytest.mark.parametrize(
    ("since", "until", "why"),
    [
        (None, START + HOUR, "future"),
        (PAID, PAID, "before it begins"),
        (datetime(2026, 1, 1), None, "no zone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_span_that_is_none_is_refused_before_anybody_is_asked(
    desk: Desk, books: Books, since: datetime | None, until: datetime | None, why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        desk.reconcile.run(GATEWAY, since, until)
    assert books.asked == []
    assert desk.reconcile.list().rows == ()


def test_a_reference_gives_the_first_result_for_a_day(
    desk: Desk, books: Books, clock: MovingClock
) -> None:
    first = desk.reconcile.run(GATEWAY, reference=KEY)
    books.says("a", 1000, PAID)
    clock.advance(24 * HOUR)
    assert desk.reconcile.run(GATEWAY, reference=KEY) == first
    assert desk.reconcile.run(GATEWAY, first.since, first.until, reference=KEY) == first
    assert len(books.asked) == 1
    clock.advance(timedelta(microseconds=1))
    assert desk.reconcile.run(GATEWAY, reference=KEY).id != first.id


def test_a_reference_is_for_one_gateway_and_one_span(ledger_url: str, desk: Desk) -> None:
    desk.reconcile.run(GATEWAY, reference=KEY)
    with pytest.raises(ReferenceReused):
        desk.reconcile.run(GATEWAY, START - 3 * DAY, reference=KEY)
    with pytest.raises(ReferenceReused):
        desk.reconcile.run(GATEWAY, until=START - 3 * DAY, reference=KEY)
    other = Books("other")
    with open_desk(
        ledger_url,
        clock=desk.clock, gateways=[cast("Gateway", other)],
    ) as another, pytest.raises(ReferenceReused):  # fmt: skip
        another.reconcile.run("other", reference=KEY)


@pytest.mark.parametrize("key", ["fifteen-letters", "", "sixteen letters ", "ö" * 16])
def test_a_reference_that_might_be_another_s_is_refused(desk: Desk, key: str) -> None:
    with pytest.raises(BadInput):
        desk.reconcile.run(GATEWAY, reference=key)


def test_the_same_comparison_twice_says_the_same(
    desk: Desk, records: Records, books: Books
) -> None:
    for name in ("a", "b", "c"):
        records.payment(name, 1000, PAID)
        books.says(name, 1000 + (name == "b"), PAID)
    first = desk.reconcile.run(GATEWAY)
    books.lines.reverse()
    second = desk.reconcile.run(GATEWAY)
    assert (first.digest, first.totals, first.outcomes) == (
        second.digest, second.totals, second.outcomes,
    )  # fmt: skip
    assert first.id != second.id
    books.says("d", 1, PAID)
    assert desk.reconcile.run(GATEWAY).digest != first.digest


def test_two_at_once_are_harmless(desk: Desk, records: Records, books: Books) -> None:
    for number in range(50):
        records.payment(f"p{number}", 1000, PAID)
        books.says(f"p{number}", 1000, PAID)
    runs: list[ReconcileSheet] = []
    threads = [
        threading.Thread(target=lambda: runs.append(desk.reconcile.run(GATEWAY))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.id for run in runs}) == 2
    assert len({run.digest for run in runs}) == 1
    assert all(len(desk.reconcile.items(run.id).rows) == 50 for run in runs)


def test_how_far_it_has_come_is_told(
    desk: Desk, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "_TELL_EVERY", 2)
    for number in range(5):
        books.says(f"p{number}", 1000, PAID)
    told: list[tuple[int, int]] = []
    desk.reconcile.run(GATEWAY, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 4), (4, 8), (5, 10), (5, 10)]


# --- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [GatewayUnreachable("it broke off"), KeyRefused("the key of books was refused")]
)
def test_a_gateway_that_breaks_off_leaves_a_row_that_says_so_and_nothing_else(
    desk: Desk, books: Books, error: GatewayError
) -> None:
    books.says("a", 1000, PAID)
    books.says("b", 1000, PAID)
    books.fails_after, books.error = 1, error
    with pytest.raises(type(error)):
        desk.reconcile.run(GATEWAY, reference=KEY)
    [run] = desk.reconcile.list().rows
    assert (run.finished_at, run.interrupted, run.totals) == (None, error.message, ())
    assert (run.outcomes, run.digest, run.alarm) == ({}, None, False)
    assert desk.reconcile.items(run.id).rows == ()
    assert desk.audit.list(action="reconcile.run").rows[0].outcome == "refused"
    books.fails_after = None
    again = desk.reconcile.run(GATEWAY, reference=KEY)
    assert (again.id != run.id, counted(again)) == (True, {"missing_here": 2})


def test_a_comparison_that_a_bug_ended_is_not_finished(desk: Desk, books: Books) -> None:
    books.says("a", 1000, PAID)
    books.fails_after, books.error = 0, cast("BilldeskError", ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        desk.reconcile.run(GATEWAY)
    [run] = desk.reconcile.list().rows
    assert (run.finished_at, run.interrupted) == (None, None)


def test_nobody_is_asked_inside_a_transaction_or_by_a_desk_that_only_looks(
    ledger_url: str, desk: Desk, books: Books
) -> None:
    with desk.transaction(), pytest.raises(Refused, match="inside a transaction"):
        desk.reconcile.run(GATEWAY)
    with open_desk(
        ledger_url,
        read_only=True, clock=desk.clock, gateways=[cast("Gateway", books)],
    ) as reader, pytest.raises(ReadOnly):  # fmt: skip
        reader.reconcile.run(GATEWAY)
    with pytest.raises(NotFound, match="no gateway"):
        desk.reconcile.run("nowhere")
    assert books.asked == []


# --- long lists ------------------------------------------------------------------------------------


def test_of_a_long_list_only_what_does_not_match_is_kept(
    desk: Desk, records: Records, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MOST_MATCHED_KEPT", 2)
    for name in ("a", "b", "c"):
        records.payment(name, 1000, PAID)
        books.says(name, 1000 if name != "b" else 2000, PAID)
    run = desk.reconcile.run(GATEWAY)
    assert (counted(run), run.matched_kept) == ({"matched": 2, "differs": 1}, False)
    assert list(items(desk, run)) == ["b"]
    assert run.totals[0].ours == Money(3000, "USD")


def test_more_strangers_than_are_looked_up_at_once_are_all_told(
    desk: Desk, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "_BATCH", 3)
    for number in range(8):
        books.says(f"p{number}", 1000, PAID, kind="payment" if number % 2 else "refund")
    assert counted(desk.reconcile.run(GATEWAY)) == {"missing_here": 8}


# --- explaining ------------------------------------------------------------------------------------


def test_what_was_explained_once_comes_explained_the_next_time_while_it_is_the_same(
    desk: Desk, records: Records, books: Books, clock: MovingClock
) -> None:
    records.payment("ours", 1000, PAID)
    books.says("theirs", 1000, PAID)
    books.says("same", 1000, PAID)
    records.payment("same", 1000, PAID)
    run = desk.reconcile.run(GATEWAY)
    number = items(desk, run)["theirs"].number
    clock.advance(HOUR)
    sheet = desk.reconcile.explain(number, f"  {NOTE} ")
    assert (sheet.note, sheet.explained_by, sheet.explained_at) == (NOTE, "tester", START + HOUR)
    assert desk.reconcile.get(run.id).explained == 1
    [line] = desk.audit.list(action="reconcile.explain").rows
    assert (line.summary, line.data) == (f"payment theirs: {NOTE}", {"item": number})
    clock.advance(DAY)
    later = desk.reconcile.run(GATEWAY)
    item = items(desk, later)["theirs"]
    assert (item.number != number, item.note, item.explained_by) == (True, NOTE, "tester")
    assert (item.explained_at, later.explained) == (START + HOUR, 1)
    assert items(desk, later)["ours"].note is None
    books.lines = [line._replace(amount_minor=1001) for line in books.lines]
    assert items(desk, desk.reconcile.run(GATEWAY))["theirs"].note is None


def test_the_newest_explanation_counts(desk: Desk, books: Books, clock: MovingClock) -> None:
    books.says("theirs", 1000, PAID)
    first, second = desk.reconcile.run(GATEWAY), desk.reconcile.run(GATEWAY)
    desk.reconcile.explain(items(desk, second)["theirs"].number, "said first, and is wrong")
    clock.advance(HOUR)
    desk.reconcile.explain(items(desk, first)["theirs"].number, NOTE)
    assert items(desk, desk.reconcile.run(GATEWAY))["theirs"].note == NOTE
    clock.advance(HOUR)
    desk.reconcile.explain(items(desk, second)["theirs"].number, "said last, and is right")
    assert items(desk, desk.reconcile.run(GATEWAY))["theirs"].note == "said last, and is right"


def test_only_what_does_not_match_can_be_explained_and_in_words(
    desk: Desk, records: Records, books: Books
) -> None:
    records.payment("a", 1000, PAID)
    books.says("a", 1000, PAID)
    number = items(desk, desk.reconcile.run(GATEWAY))["a"].number
    with pytest.raises(Refused, match="agree"):
        desk.reconcile.explain(number, NOTE)
    for note in ("too short", "x" * 501):
        with pytest.raises(BadInput, match="memo"):
            desk.reconcile.explain(number, note)
    with pytest.raises(NotFound, match="no item"):
        desk.reconcile.explain(number + 1, NOTE)


# --- reading ---------------------------------------------------------------------------------------


def test_items_are_listed_by_pages_and_by_outcome(
    desk: Desk, records: Records, books: Books
) -> None:
    for name in ("a", "b", "c", "d", "e"):
        books.says(name, 1000, PAID)
    records.payment("e", 1000, PAID)
    records.payment("f", 1000, PAID)
    run = desk.reconcile.run(GATEWAY)

    def names(outcome: str | None) -> list[str]:
        seen: list[str] = []
        after = None
        for _ in itertools.count():
            page = desk.reconcile.items(run.id, outcome, after, limit=2)
            seen += [item.external_id for item in page.rows]
            after = page.after
            if after is None:
                return seen
        raise AssertionError

    assert names(None) == ["e", "a", "b", "c", "d", "f"]
    assert names("missing_here") == ["a", "b", "c", "d"]
    assert names("missing_there") == ["f"]
    assert names("matched") == ["e"]
    assert names("differs") == []
    desk.reconcile.explain(items(desk, run)["b"].number, NOTE)
    assert names("explained") == ["b"]
    assert names("open") == ["a", "c", "d", "f"]
    with pytest.raises(BadInput, match="no outcome"):
        desk.reconcile.items(run.id, "strange")
    with pytest.raises(BadInput, match="page"):
        desk.reconcile.items(run.id, limit=0)
    with pytest.raises(NotFound, match="no comparison"):
        desk.reconcile.items("rec_none")
    with pytest.raises(NotFound, match="no comparison"):
        desk.reconcile.get("rec_none")


def test_comparisons_are_listed_newest_first(desk: Desk, clock: MovingClock) -> None:
    ids = []
    for _ in range(3):
        ids.append(desk.reconcile.run(GATEWAY).id)
        clock.advance(HOUR)
    page = desk.reconcile.list(limit=2)
    assert [run.id for run in page.rows] == ids[:0:-1]
    assert [run.id for run in desk.reconcile.list(after=page.after).rows] == ids[:1]
    assert len(desk.reconcile.list(gateway=GATEWAY).rows) == 3
    assert desk.reconcile.list(gateway="other").rows == ()
    assert page.rows[0] == desk.reconcile.get(ids[-1])


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_items_are_exported_whole(
    desk: Desk, records: Records, books: Books, tmp_path: Path, format: str
) -> None:
    payment = records.payment("=1+1", 1000, PAID)
    books.says("=1+1", 1000, PAID)
    books.says("theirs", 700, PAID, fee=20)
    run = desk.reconcile.run(GATEWAY)
    number = items(desk, run)["theirs"].number
    desk.reconcile.explain(number, NOTE)
    path = tmp_path / f"run.{format}"
    sheet = desk.reconcile.export(run.id, path, format)
    assert (sheet.path, sheet.format, sheet.rows) == (str(path), format, 2)
    assert sheet.totals == (Money(700, "USD"),)
    text = path.read_text(encoding="utf-8")
    if format == "csv":
        matched, theirs = csv.DictReader(text.splitlines())
        assert matched["external_id"] == "'=1+1"
        assert (theirs["ours_minor"], theirs["theirs_minor"], theirs["theirs"]) == (
            "",
            "700",
            "7.00",
        )
    else:
        matched, theirs = map(json.loads, text.splitlines())
        assert (matched["external_id"], matched["our_id"]) == ("=1+1", payment)
        assert (theirs["ours_minor"], theirs["theirs_minor"]) == (None, 700)
        assert (theirs["their_fee_minor"], theirs["item"]) == (20, number)
    assert (theirs["outcome"], theirs["note"]) == ("missing_here", NOTE)
    assert theirs["explained_at"] == "2026-01-05T09:00:00Z"
    with pytest.raises(AlreadyExists):
        desk.reconcile.export(run.id, path, format)


def test_an_export_that_cannot_be_is_refused(desk: Desk, tmp_path: Path) -> None:
    run = desk.reconcile.run(GATEWAY)
    with pytest.raises(BadInput, match="no format"):
        desk.reconcile.export(run.id, tmp_path / "x", "xml")
    with pytest.raises(NotFound, match="no comparison"):
        desk.reconcile.export("rec_none", tmp_path / "x")
    assert list(tmp_path.glob("x*")) == []


# --- what is due -----------------------------------------------------------------------------------


def test_a_gateway_is_due_once_a_day_and_tried_again_after_an_hour(
    desk: Desk, books: Books, clock: MovingClock
) -> None:
    assert due(desk._office, clock.now()) == (GATEWAY,)
    books.says("a", 1, PAID)
    books.fails_after, books.error = 0, GatewayUnreachable("down")
    with pytest.raises(GatewayUnreachable):
        desk.reconcile.run(GATEWAY)
    assert due(desk._office, clock.now() + HOUR - timedelta(seconds=1)) == ()
    assert due(desk._office, clock.now() + HOUR) == (GATEWAY,)
    books.fails_after = None
    clock.advance(HOUR)
    desk.reconcile.run(GATEWAY)
    assert due(desk._office, clock.now() + 23 * HOUR) == ()
    assert due(desk._office, clock.now() + DAY) == (GATEWAY,)


# --- with a gateway that keeps books ---------------------------------------------------------------


def test_the_sandbox_s_books_and_ours_agree_because_both_are_right(
    ledger_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    sandbox = Sandbox(tmp_path / "books", clock=clock, switches=SandboxSwitches(settles_after=None))
    with open_desk(ledger_url, clock=clock, chance=seeded(), gateways=[sandbox]) as desk:
        desk.accounts.add("acme", name="Acme")
        paid = []
        for amount in ("10", "20.50", "30", "40", "66.06"):
            payment = desk.deposits.start("acme", amount, gateway="sandbox")
            paid.append((payment.id, str(payment.external_id)))
            sandbox.pay(paid[-1][1])
        desk.gateways.poll()
        for payment_id, _ in (paid[0], paid[4]):  # the second one comes back
            desk.card_refunds.create(payment_id, memo="asked for by the customer")
        lost, won = (sandbox.dispute(external_id, 2000).object_id for _, external_id in paid[1:3])
        contested = sandbox.dispute(paid[3][1], 1500).object_id
        desk.gateways.poll()
        for _ in range(5):
            clock.advance(DAY)
            desk.gateways.poll()
        sandbox.close_dispute(lost, won=False)
        sandbox.close_dispute(won, won=True)
        desk.gateways.poll()
        clock.advance(2 * DAY)
        desk.gateways.poll()
        run = desk.reconcile.run("sandbox")
        found = items(desk, run)
        apart = {name: item.outcome for name, item in found.items() if item.outcome != "matched"}
        assert apart == {contested: "timing"}
        assert {item.kind for item in found.values()} == {"payment", "refund", "dispute"}
        assert run.totals[0].clearing_difference.minor == 0
        assert not run.alarm
        assert desk.verify().findings == ()


# --- other processes -------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from datetime import timedelta
from billdesk.core.desk import open_desk
from billdesk.core.values.clock import MovingClock
from tests.core.operations.gateways.bookkeeping import Books
from tests.new_ledger import START

class Killing(Books):
    def rows(self, since, until):
        yield from super().rows(since, until)
        os.kill(os.getpid(), signal.SIGKILL)

books = Killing()
books.says("a", 1000, START - timedelta(days=5))
with open_desk(sys.argv[1], clock=MovingClock(START), gateways=[books]) as desk:
    desk.reconcile.run("books")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_killed_comparison_leaves_a_row_that_is_not_finished_and_is_made_anew(
    ledger_url: str, desk: Desk, books: Books
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, ledger_url], check=False, cwd=Path(__file__).parents[4]
    )
    assert killed.returncode == -signal.SIGKILL
    [run] = desk.reconcile.list().rows
    assert (run.finished_at, run.interrupted) == (None, None)
    assert desk.reconcile.items(run.id).rows == ()
    books.says("a", 1000, PAID)
    assert counted(desk.reconcile.run(GATEWAY)) == {"missing_here": 1}


def test_a_login_that_was_granted_the_desk_can_compare_and_explain(
    postgres_url: str, clock: MovingClock, books: Books
) -> None:
    login = f"comparer_{os.getpid()}"
    parts = urlsplit(postgres_url)
    address = parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}").geturl()
    books.says("a", 1000, PAID)
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {login} LOGIN".encode())
        try:
            grant(login, postgres_url)
            gateways = [cast("Gateway", books)]
            with open_desk(address, clock=clock, gateways=gateways) as desk:
                run = desk.reconcile.run(GATEWAY)
                [item] = desk.reconcile.items(run.id).rows
                assert desk.reconcile.explain(item.number, NOTE).note == NOTE
                assert items(desk, desk.reconcile.run(GATEWAY))["a"].note == NOTE
        finally:
            owner.execute(f"DROP OWNED BY {login}".encode())
            owner.execute(f"DROP ROLE {login}".encode())

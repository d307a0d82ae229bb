"""Changing plans: exact to the minor unit, and a preview is what happens."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.subscriptions.renewing import renew_due
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, InsufficientFunds, NotFound, Refused
from billdesk.core.values.money import Money
from tests.core.operations.subscribed import CATALOG, Club
from tests.new_ledger import START


@pytest.fixture
def club(desk: Desk, clock: MovingClock, tmp_path: Path) -> Club:
    """A desk in Berlin that sells plans."""
    return Club(desk, clock, tmp_path)


def _total(club: Club) -> int:
    """What was invoiced less what was credited, in cents."""
    sheets = club.desk.invoices.list(account="acme").rows
    return sum((-1 if each.kind == "credit_note" else 1) * each.total.minor for each in sheets)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-01-05", 6200),  # the first day: all of the difference
        ("2026-01-20", 3200),  # 16 of 31 days
        ("2026-02-04", 200),  # the last day: one of 31
    ],
)
def test_an_upgrade_costs_the_share_of_the_difference_that_is_left(
    club: Club, day: str, due: int
) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.go_to(day)
    preview = club.desk.subscriptions.preview(sheet.id, "team")
    assert (preview.kind, preview.due_now) == ("upgraded", Money(due, "USD"))
    changed = club.desk.subscriptions.change(sheet.id, "team")
    assert (changed.plan_code, changed.period_until) == ("team", sheet.period_until)
    assert (preview.next_at, preview.next_price) == (changed.period_until, changed.price)
    newest = club.desk.invoices.list(account="acme").rows[0]
    assert (newest.source, newest.status, newest.total) == ("proration", "paid", preview.due_now)
    assert club.desk.invoices.detail(newest.id).lines == preview.lines
    assert [line.amount.minor < 0 for line in preview.lines] == [True, False]
    assert club.desk.subscriptions.changes(sheet.id)[-1].invoice_id == newest.id


def test_there_and_back_on_one_day_costs_nothing_tax_included(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "small", quantity=7)
    club.go_to("2026-01-18")
    had, invoiced = club.has(), _total(club)
    club.desk.subscriptions.change(sheet.id, "large")
    assert club.has() < had
    preview = club.desk.subscriptions.preview(sheet.id, "small", when="now")
    back = club.desk.subscriptions.change(sheet.id, "small", when="now")
    assert (back.plan_code, club.has(), _total(club)) == ("small", had, invoiced)
    assert preview.due_now.minor == -club.desk.invoices.list(account="acme").rows[1].total.minor
    assert club.kinds(sheet.id)[-2:] == ["upgraded", "downgraded"]


def test_credits_come_once_however_often_plans_are_changed(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.go_to("2026-01-20")
    for _ in range(3):
        club.desk.subscriptions.change(sheet.id, "team")
        club.desk.subscriptions.change(sheet.id, "pro", when="now")
    # 16 of 31 days of the 4,000 that Team comes with over Pro, rounded down
    assert club.has("CREDIT") == Money(1000 + 2064, "CREDIT")
    club.go_to("2026-02-05")
    renew_due(club.desk._office, club.clock.now())
    assert club.has("CREDIT") == Money(1000, "CREDIT")


def test_an_upgrade_that_cannot_be_paid_changes_nothing(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.spend("907.01")
    preview = club.desk.subscriptions.preview(sheet.id, "team")
    assert (preview.due_now, preview.available) == (Money(6200, "USD"), Money(6199, "USD"))
    with pytest.raises(InsufficientFunds):
        club.desk.subscriptions.change(sheet.id, "team")
    assert club.desk.subscriptions.get(sheet.id) == sheet
    assert (club.invoiced(), club.kinds(sheet.id)) == (["31.00 USD"], ["created"])
    club.give("0.01")
    club.desk.subscriptions.change(sheet.id, "team")
    assert club.has() == Money(0, "USD"), "what is due is enough, though the lines are more"


def test_a_downgrade_waits_for_the_periods_end_and_can_be_dropped(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "team")
    preview = club.desk.subscriptions.preview(sheet.id, "pro")
    assert (preview.kind, preview.lines, preview.due_now.minor) == ("downgraded", (), 0)
    assert (preview.effective_at, preview.next_at) == (sheet.period_until, sheet.period_until)
    waiting = club.desk.subscriptions.change(sheet.id, "pro")
    assert (waiting.plan_code, waiting.next_plan_code) == ("team", "pro")
    again = club.desk.subscriptions.preview(sheet.id, "free")
    assert "Pro, monthly that waits is dropped" in again.warnings[0]
    assert club.desk.subscriptions.unschedule(sheet.id).next_plan_code is None
    with pytest.raises(Refused, match="no change waits"):
        club.desk.subscriptions.unschedule(sheet.id)
    club.desk.subscriptions.change(sheet.id, "pro", quantity=2)
    club.go_to("2026-02-05", 0)
    assert renew_due(club.desk._office, club.clock.now()).renewed == 1
    changed = club.desk.subscriptions.get(sheet.id)
    assert (changed.plan_code, changed.quantity, changed.next_plan_code) == ("pro", 2, None)
    assert club.invoiced() == ["93.00 USD", "62.00 USD"]
    assert club.kinds(sheet.id)[-1] == "downgraded"


def test_a_downgrade_at_once_gives_the_difference_back(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "team")
    club.go_to("2026-01-20")
    had = club.has().minor
    preview = club.desk.subscriptions.preview(sheet.id, "free", when="now")
    club.desk.subscriptions.change(sheet.id, "free", when="now")
    assert preview.due_now == Money(-4800, "USD")
    assert club.has().minor == had + 4800
    assert club.invoiced() == ["93.00 USD", "-48.00 USD"]


def test_what_goes_back_comes_from_the_periods_own_invoices_only(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "team", paid_by="invoice")
    (invoice,) = club.desk.invoices.list(account="acme").rows
    club.desk.invoices.void(invoice.id, memo="a mistake of ours")
    with pytest.raises(Refused, match="no invoice"):
        club.desk.subscriptions.change(sheet.id, "pro", when="now")
    assert club.desk.subscriptions.get(sheet.id).plan_code == "team"


def test_other_months_begin_a_new_period_today(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.go_to("2026-01-20")
    preview = club.desk.subscriptions.preview(sheet.id, schedule="annual", when="now")
    changed = club.desk.subscriptions.change(sheet.id, schedule="annual", when="now")
    assert preview.due_now == Money(31000 - 1600, "USD")
    assert preview.next_at == changed.period_until
    assert changed.anchor_on.isoformat() == "2026-01-20"
    assert club.days(sheet.id)[-1] == ("2026-01-20", "2027-01-20")
    assert club.has("CREDIT") == Money(1000, "CREDIT")
    assert club.invoiced() == ["31.00 USD", "294.00 USD"]
    back = club.desk.subscriptions.change(sheet.id, schedule="monthly", when="now")
    assert back.period_until == club.go_to("2026-02-20", 0)
    assert club.has().minor == 100000 - 3100 - (31000 - 1600) + (31000 - 3100)


def test_a_waiting_schedule_counts_from_the_day_it_begins(club: Club) -> None:
    club.go_to("2026-01-31")
    sheet = club.desk.subscriptions.create("acme", "pro")
    assert club.desk.subscriptions.change(sheet.id, schedule="annual").next_schedule == "annual"
    club.go_to("2026-03-01")
    renew_due(club.desk._office, club.clock.now())
    assert club.days(sheet.id)[-1] == ("2026-02-28", "2027-02-28")


def test_a_plan_with_one_schedule_only_brings_it(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro", schedule="annual")
    assert club.desk.subscriptions.change(sheet.id, "free").next_schedule == "monthly"
    with pytest.raises(Refused, match="no price"):
        club.desk.subscriptions.change(sheet.id, "free", schedule="quarterly")


def test_more_of_the_same_is_an_upgrade_and_as_much_is_none(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    assert club.desk.subscriptions.change(sheet.id, quantity=3).price == Money(9300, "USD")
    assert club.has("CREDIT") == Money(3000, "CREDIT")
    same_price = club.desk.subscriptions.preview(sheet.id, "team", quantity=1)
    assert (same_price.kind, same_price.due_now.minor) == ("upgraded", 0), "the rank decides"
    with pytest.raises(Refused, match="already"):
        club.desk.subscriptions.change(sheet.id, "pro", quantity=3)


def test_changes_of_a_trial_cost_nothing_and_happen_at_once(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "large")
    changed = club.desk.subscriptions.change(sheet.id, "small")
    assert (changed.plan_code, changed.status, club.invoiced()) == ("small", "trialing", [])
    assert club.desk.subscriptions.periods(sheet.id)[-1].trial
    club.go_to("2026-01-19")
    renew_due(club.desk._office, club.clock.now())
    assert club.invoiced() == ["11.91 USD"]


def test_credits_pay_for_more_and_are_not_given_back(club: Club) -> None:
    club.give("2000 CREDIT")
    sheet = club.desk.subscriptions.create("acme", "pro", paid_by="credits")
    had = club.has("CREDIT").minor
    preview = club.desk.subscriptions.preview(sheet.id, "team")
    assert (preview.due_now, preview.available) == (Money(600, "CREDIT"), Money(had, "CREDIT"))
    club.desk.subscriptions.change(sheet.id, "team")
    assert club.has("CREDIT").minor == had - 600 + 4000
    with pytest.raises(Refused):
        club.desk.subscriptions.change(sheet.id, "pro", when="now")
    assert club.invoiced() == []


def test_as_dear_in_credits_moves_none(club: Club) -> None:
    club.give("2000 CREDIT")
    sheet = club.desk.subscriptions.create("acme", "pro", quantity=3, paid_by="credits")
    had = club.has("CREDIT").minor
    changed = club.desk.subscriptions.change(sheet.id, "team", quantity=1)
    assert (changed.plan_code, club.has("CREDIT").minor) == ("team", had + 2000)


def test_an_invoice_can_wait_so_nothing_need_be_there(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro", paid_by="invoice")
    assert club.desk.subscriptions.preview(sheet.id, "team").available is None
    club.desk.subscriptions.change(sheet.id, "team")
    assert [each.status for each in club.desk.invoices.list(account="acme").rows] == ["open"] * 2


def test_below_what_is_used_is_told_before(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "large", trial_days=0)
    club.desk.usage.record("acme", "calls", "1001", event_id="one")
    club.desk.usage.record("acme", "transfer", "5", event_id="two")
    preview = club.desk.subscriptions.preview(sheet.id, "small")
    assert preview.warnings == ("API calls: 1,001 call used this period, Small includes 1,000",)
    assert club.desk.subscriptions.change(sheet.id, "small").next_plan_code == "small"


def test_who_goes_up_is_not_warned_of_what_was_too_much_before(club: Club) -> None:
    metered = club.desk.subscriptions.create("acme", "small")
    club.desk.usage.record("acme", "calls", "20000", event_id="one")
    assert club.desk.subscriptions.preview(metered.id, "large").warnings == ()
    seats = club.desk.subscriptions.create("acme", "pro")
    club.give("8000 CREDIT")
    club.spend("7000 CREDIT")
    assert club.desk.subscriptions.preview(seats.id, "team").warnings == ()


def test_credits_used_beyond_the_new_plan_are_told_before(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "team")
    club.spend("1001 CREDIT")
    preview = club.desk.subscriptions.preview(sheet.id, "pro")
    assert preview.warnings == ("1,001 credits used this period, Pro comes with 1,000",)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"plan": "gold"}, NotFound),
        ({"plan": "large"}, Refused),  # another family
        ({"quantity": 0}, BadInput),
        ({"plan": "team", "when": "later"}, BadInput),
        ({"schedule": "weekly"}, NotFound),
        ({}, Refused),
    ],
)
def test_what_cannot_be_changed_is_told_before_and_after(
    club: Club, arguments: dict[str, object], error: type[Exception]
) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    for verb in (club.desk.subscriptions.preview, club.desk.subscriptions.change):
        with pytest.raises(error):
            verb(sheet.id, **arguments)  # type: ignore[arg-type]  # some are wrong on purpose
    assert club.desk.subscriptions.get(sheet.id) == sheet


def test_one_that_is_over_is_not_changed(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.desk.subscriptions.cancel(sheet.id, when="now")
    with pytest.raises(Refused, match="canceled"):
        club.desk.subscriptions.change(sheet.id, "team")


def test_a_change_comes_after_the_renewals_that_are_due(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.go_to("2026-03-08")
    with pytest.raises(Refused, match="renewal is due"):
        club.desk.subscriptions.preview(sheet.id, "team")
    club.desk.subscriptions.change(sheet.id, "team")
    # 28 of 31 days of 62.00
    assert club.invoiced() == ["31.00 USD"] * 3 + ["56.00 USD"]


def test_on_the_newest_version_of_a_plan_only_by_a_change(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.sell(CATALOG.replace("31.00 USD", "62.00 USD"))
    club.go_to("2026-02-05")
    renew_due(club.desk._office, club.clock.now())
    assert club.desk.subscriptions.get(sheet.id).price == Money(3100, "USD")
    preview = club.desk.subscriptions.preview(sheet.id, "pro")
    assert (preview.kind, preview.due_now) == ("upgraded", Money(3100, "USD"))
    assert club.desk.subscriptions.change(sheet.id, "pro").plan_version == 2


def test_what_costs_the_same_waits_for_the_periods_end(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.sell(CATALOG.replace("credits = 1000\n", "credits = 1500\n"))
    assert club.desk.subscriptions.preview(sheet.id, "pro").kind == "changed"
    assert club.desk.subscriptions.change(sheet.id, "pro").next_plan_code == "pro"
    club.go_to("2026-02-05")
    renew_due(club.desk._office, club.clock.now())
    assert club.has("CREDIT") == Money(1500, "CREDIT")
    assert club.kinds(sheet.id)[-1] == "changed"


def test_a_waiting_one_resumes_when_a_change_makes_it_cheap_enough(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.spend("950.00")
    club.go_to("2026-02-10")
    assert renew_due(club.desk._office, club.clock.now()).paused == 1
    preview = club.desk.subscriptions.preview(sheet.id, "free")
    assert (preview.lines, preview.effective_at) == ((), club.clock.now())
    dearer = club.desk.subscriptions.change(sheet.id, "team")
    assert (dearer.status, dearer.plan_code) == ("paused", "team")
    free = club.desk.subscriptions.change(sheet.id, "free")
    assert (free.status, free.anchor_on.isoformat()) == ("active", "2026-02-10")


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(["small", "large"]), st.integers(1, 9)), max_size=4),
    st.integers(0, 9),
)
def test_any_way_there_and_back_on_one_day_is_free(
    sqlite_url: str, tmp_path: Path, way: list[tuple[str, int]], days: int
) -> None:
    clock = MovingClock(START)
    with open_desk(sqlite_url, clock=clock, actor="tester") as desk:
        club = Club(desk, clock, tmp_path)
        sheet = club.desk.subscriptions.create("acme", "small", trial_days=0)
        clock.advance(timedelta(days=days))
        had = club.has()
        try:
            for plan, quantity in [*way, ("small", 1)]:
                with suppress(Refused):  # it is on that already, or too dear
                    due = desk.subscriptions.preview(sheet.id, plan, quantity=quantity, when="now")
                    before = club.has().minor
                    desk.subscriptions.change(sheet.id, plan, quantity=quantity, when="now")
                    assert club.has().minor == before - due.due_now.minor
            assert club.has() == had
        finally:
            desk.subscriptions.cancel(sheet.id, when="now")


def test_money_for_the_price_but_not_for_its_tax_is_too_little(club: Club) -> None:
    club.spend("989.99")
    with pytest.raises(InsufficientFunds, match=r"11\.91 USD is needed, 10\.01 USD can be used"):
        club.desk.subscriptions.create("acme", "small")

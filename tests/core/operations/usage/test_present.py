"""The present period says what was used of what is included, in words, and what that costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.catalog import UsageTerms
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, Broken, NotFound, Refused
from billdesk.core.values.money import Money
from tests.core.operations.metered import METERED, STARTER, sell, subscribe
from tests.new_ledger import START

DAY = timedelta(days=1)
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


@pytest.fixture
def metered(desk: Desk, acme: str) -> Desk:
    """A desk with meters, and the account acme on nothing yet."""
    sell(desk)
    return desk


def test_used_limit_share_and_cost_of_the_present_month(metered: Desk) -> None:
    subscription = subscribe(metered, "acme", JANUARY, FEBRUARY)
    metered.usage.record("acme", "calls", 1250, event_id="e1", at="2026-01-01T00:00Z")
    metered.usage.record("acme", "calls", 9000, event_id="e2", at="2025-12-31T23:59Z")
    calls, transfer = metered.usage.period("acme")
    assert (calls.subscription_id, calls.plan_code) == (subscription, "starter")
    assert (calls.period_since, calls.period_until) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
    )
    assert (calls.used, calls.included, calls.over) == ("1250", "1000", "250")
    assert (calls.share, calls.level, calls.cost) == (125, "over", Money(2500, "USD"))
    assert (transfer.used, transfer.included, transfer.over) == ("0.000", "50.000", "0.000")
    assert (transfer.share, transfer.level, transfer.cost) == (0, "ok", Money(0, "USD"))


def test_a_year_that_is_paid_at_once_is_counted_by_the_month(metered: Desk) -> None:
    subscribe(metered, "acme", date(2025, 8, 31), date(2026, 8, 31))
    metered.usage.record("acme", "calls", 5, event_id="e1", at="2025-12-31T00:00Z")
    metered.usage.record("acme", "calls", 7, event_id="e2", at="2025-12-30T23:59Z")
    calls = metered.usage.period("acme")[0]
    assert calls.period_since == datetime(2025, 12, 31, tzinfo=UTC)
    assert calls.period_until == datetime(2026, 1, 31, tzinfo=UTC)
    assert calls.used == "5"


def test_without_a_subscription_the_calendar_month_counts_and_nothing_is_limited(
    metered: Desk,
) -> None:
    subscribe(metered, "acme", date(2025, 11, 1), date(2025, 12, 1))  # ended, or paused since
    subscribe(metered, "acme", JANUARY, FEBRUARY, status="canceled")
    assert metered.usage.period("acme") == ()
    metered.usage.record("acme", "calls", 5, event_id="e1")
    [calls] = metered.usage.period("acme")
    assert (calls.subscription_id, calls.plan_code, calls.included) == (None, None, None)
    assert (calls.share, calls.level, calls.cost) == (None, "ok", Money(0, "USD"))
    assert calls.period_since == datetime(2026, 1, 1, tzinfo=UTC)


def test_in_a_trial_usage_costs_nothing(metered: Desk) -> None:
    subscribe(metered, "acme", JANUARY, FEBRUARY, trial=True)
    metered.usage.record("acme", "calls", 2000, event_id="e1")
    calls = metered.usage.period("acme")[0]
    assert (calls.share, calls.cost) == (200, Money(0, "USD"))


def test_of_two_subscriptions_the_older_one_counts_a_meter(metered: Desk) -> None:
    usage = (
        UsageTerms("transfer", Decimal(10), "none", "USD"),
        UsageTerms("calls", Decimal(5), "none", "USD"),
    )
    traffic = STARTER._replace(code="traffic", usage=usage)
    flat = STARTER._replace(code="flat", usage=())
    sell(metered, METERED._replace(plans={"starter": STARTER, "traffic": traffic, "flat": flat}))
    subscribe(metered, "acme", date(2025, 12, 20), date(2026, 1, 20))
    other = subscribe(metered, "acme", JANUARY, FEBRUARY, plan="traffic")
    subscribe(metered, "acme", JANUARY, FEBRUARY, plan="flat")
    calls, transfer = metered.usage.period("acme")
    assert calls.plan_code == transfer.plan_code == "starter"
    metered.accounts.add("zoo", name="Zoo")
    subscribe(metered, "zoo", JANUARY, FEBRUARY, plan="flat")
    second = subscribe(metered, "zoo", date(2025, 12, 28), date(2026, 1, 28), plan="traffic")
    metered.usage.record("zoo", "transfer", 4, event_id="e1", at="2025-12-29T00:00Z")
    transfer, calls = metered.usage.period("zoo")
    assert transfer.subscription_id == calls.subscription_id == second != other
    assert (transfer.used, transfer.share) == ("4.000", 40)


def test_what_no_plan_has_terms_for_is_shown_all_the_same(metered: Desk) -> None:
    flat = STARTER._replace(code="flat", usage=())
    sell(metered, METERED._replace(plans={"starter": STARTER, "flat": flat}))
    subscription = subscribe(metered, "acme", JANUARY, FEBRUARY, plan="flat")
    metered.usage.record("acme", "calls", 5, event_id="e1")
    [calls] = metered.usage.period("acme")
    assert (calls.subscription_id, calls.plan_code) == (subscription, "flat")
    assert (calls.used, calls.included) == ("5", None)


def test_periods_of_an_account_that_begin_together_are_kept_apart(metered: Desk) -> None:
    calls_only = STARTER._replace(code="talk", usage=STARTER.usage[:1])
    data_only = STARTER._replace(code="data", usage=STARTER.usage[1:])
    sell(metered, METERED._replace(plans={"talk": calls_only, "data": data_only}))
    first = subscribe(metered, "acme", JANUARY, FEBRUARY, plan="data")
    subscribe(metered, "acme", JANUARY, date(2026, 1, 15), plan="talk")
    metered.usage.record_many(
        ("acme", meter, 5, f"{meter}{day}", f"2026-01-0{day}T00:00Z")
        for meter in ("calls", "transfer")
        for day in (1, 2)
    )
    transfer, calls = metered.usage.period("acme")
    assert (transfer.subscription_id, transfer.used) == (first, "10.000")
    assert (calls.used, calls.period_until) == ("10", datetime(2026, 1, 15, tzinfo=UTC))


def test_a_plan_that_is_gone_is_a_broken_ledger(metered: Desk) -> None:
    subscribe(metered, "acme", JANUARY, FEBRUARY, plan="nothing")
    with pytest.raises(Broken, match="is gone"):
        metered.usage.period("acme")


def test_the_last_two_days_are_there_hour_by_hour(metered: Desk, clock: MovingClock) -> None:
    subscribe(metered, "acme", JANUARY, FEBRUARY)
    clock.advance(timedelta(minutes=59))
    for ago, quantity in ((0, 1), (1, 2), (47, 4), (48, 8)):
        metered.usage.record(
            "acme", "calls", quantity, event_id=f"e{ago}", at=START - timedelta(hours=ago)
        )
    hours = metered.usage.period("acme")[0].hours
    assert len(hours) == 48
    assert (hours[0], hours[-2], hours[-1], sum(hours)) == (4, 2, 1, 7)


def test_a_forecast_tells_its_method_and_how_far_off_it_was(
    metered: Desk, clock: MovingClock
) -> None:
    clock.move_to(datetime(2026, 4, 11, 12, tzinfo=UTC))
    subscribe(metered, "acme", date(2026, 4, 1), date(2026, 5, 1))
    every = [date(2026, 1, 1) + n * DAY for n in range(101)]
    metered.usage.record_many(
        ("acme", "calls", 50, f"e{day}", f"{day}T10:00Z")
        for day in every
        if day <= date(2026, 4, 11)
    )
    ahead = metered.usage.forecast("acme", "calls")
    assert (ahead.method, ahead.error_percent, ahead.periods_tested) == (
        "weekday run rate",
        "0.0",
        3,
    )
    assert (ahead.low, ahead.likely, ahead.high, ahead.included) == (1500, 1500, 1500, 1000)
    assert ahead.likely_cost == Money(5000, "USD")
    assert [each.day for each in ahead.days] == [date(2026, 4, day) for day in range(1, 12)]
    # Today is in both: what it has used, and what it will have.
    assert [each.total for each in ahead.days] == list(range(50, 551, 50))
    assert [each.total for each in ahead.expected] == list(range(550, 1501, 50))
    sheet = metered.usage.period("acme")[0]
    assert (sheet.forecast, sheet.forecast_cost) == ("1500", Money(5000, "USD"))
    with pytest.raises(NotFound, match="uses no 'steps'"):
        metered.usage.forecast("acme", "steps")


def test_what_was_used_before_the_period_began_on_its_first_day_is_not_in_it(
    metered: Desk, clock: MovingClock
) -> None:
    clock.move_to(datetime(2026, 1, 10, 13, tzinfo=UTC))
    subscription = subscribe(metered, "acme", date(2026, 1, 10), date(2026, 2, 10))
    noon = int(datetime(2026, 1, 10, 12, tzinfo=UTC).timestamp()) * 10**6
    with metered._office.database.write() as session:
        session.run(
            "UPDATE billing_period SET since = ? WHERE subscription_id = ?", (noon, subscription)
        )
    metered.usage.record("acme", "calls", 3, event_id="e1", at="2026-01-10T09:00Z")
    metered.usage.record("acme", "calls", 4, event_id="e2", at="2026-01-10T12:30Z")
    assert metered.usage.period("acme")[0].used == "4"
    assert metered.usage.forecast("acme", "calls").days[-1].total == 4


def test_the_overview_goes_through_accounts_that_use_something_by_ref(metered: Desk) -> None:
    for ref in ("beta", "gamma", "idle", "100%"[:3]):
        metered.accounts.add(ref, name=f"{ref} Ltd")
    for ref in ("acme", "beta", "gamma", "100"):
        metered.usage.record(ref, "calls", 5, event_id=f"e-{ref}")
    first = metered.usage.overview(limit=3)
    assert [sheet.account_ref for sheet in first.rows] == ["100", "acme", "beta"]
    second = metered.usage.overview(first.after, 3)
    assert [sheet.account_ref for sheet in second.rows] == ["gamma"]
    assert second.after is None
    assert [s.account_ref for s in metered.usage.overview(text="GAMMA l").rows] == ["gamma"]
    assert metered.usage.overview(text="%").rows == ()
    with pytest.raises(BadInput):
        metered.usage.overview(limit=0)


def test_events_are_listed_newest_first_page_by_page(
    metered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    metered.accounts.add("zoo", name="Zoo")
    metered.usage.record_many(
        (ref, meter, 1, f"{ref}-{meter}-{n}", START)
        for n in range(10)
        for ref, meter in (("acme", "calls"), ("acme", "transfer"), ("zoo", "calls"))
    )
    monkeypatch.setattr("billdesk.core.store.usage._STRETCH", 4)
    page = metered.usage.events("acme", "calls", limit=4)
    assert [sheet.event_id for sheet in page.rows] == [f"acme-calls-{n}" for n in (9, 8, 7, 6)]
    rest = metered.usage.events("acme", "calls", after=page.after, limit=10)
    assert [sheet.event_id for sheet in rest.rows] == [f"acme-calls-{n}" for n in range(5, -1, -1)]
    assert rest.after is None
    assert len(metered.usage.events("acme").rows) == 20
    assert metered.usage.events("acme", "steps") == ((), None)
    monkeypatch.setattr("billdesk.core.store.usage._LOOKED_THROUGH", 8)
    found, after, pages = [], None, 0
    while True:
        page = metered.usage.events("zoo", after=after, limit=4)
        found += [sheet.event_id for sheet in page.rows]
        pages += 1
        if page.after is None:
            break
        after = page.after
    assert found == [f"zoo-calls-{n}" for n in range(9, -1, -1)]
    assert pages > 3
    event = metered.usage.event("acme-transfer-3")
    assert (event.account_ref, event.meter, event.quantity) == ("acme", "transfer", "1.000")
    with pytest.raises(NotFound):
        metered.usage.event("nothing")


def test_a_budget_says_what_is_spent_and_what_will_be(metered: Desk) -> None:
    subscribe(metered, "acme", JANUARY, FEBRUARY)
    assert metered.usage.budget("acme").budget is None
    metered.usage.record("acme", "calls", 1100, event_id="e1", at="2026-01-04T00:00Z")
    sheet = metered.usage.set_budget("acme", "40.00")
    assert (sheet.budget, sheet.spent, sheet.percent) == (
        Money(4000, "USD"),
        Money(1000, "USD"),
        25,
    )
    # A day's 1100, and 27 more days of it.
    assert sheet.forecast == Money((1100 * 28 - 1000) * 10, "USD")
    assert sheet.told_at is None
    assert metered.usage.set_budget("acme", "40.00") == sheet
    lines = metered.audit.list(action="usage.budget").rows
    assert [line.summary for line in lines] == ["40.00 USD a period"]
    assert metered.usage.set_budget("acme", None).budget is None
    assert metered.usage.set_budget("acme", "1 EUR").spent == Money(0, "EUR")
    for wrong in ("0", "-5", "x"):
        with pytest.raises(BadInput):
            metered.usage.set_budget("acme", wrong)
    with pytest.raises(Refused, match="house"):
        metered.usage.set_budget("house", "5.00")

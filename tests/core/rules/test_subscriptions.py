"""What changes of subscriptions come to, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billdesk.core.rules.catalog import Plan, PlanPrice, TaxRate
from billdesk.core.rules.periods import day_start, period_bounds
from billdesk.core.rules.proration import Share
from billdesk.core.rules.subscriptions import (
    Change,
    Subscription,
    Terms,
    change_now,
    credits_for_change,
    kind_of_change,
    period_line,
)
from billdesk.core.rules.tax import tax_line
from billdesk.core.values.clock import EPOCH

BERLIN = ZoneInfo("Europe/Berlin")
VAT = TaxRate("vat", "VAT", "Germany", Decimal(19), inclusive=False)
HELD = TaxRate("held", "Tax", "Japan", Decimal(10), inclusive=True)


def terms(
    price_minor: int, months: int = 1, *, rank: int = 1, asset: str = "USD", quantity: int = 1,
    tax: TaxRate | None = None,
) -> Terms:  # fmt: skip
    """Terms of a plan at that price."""
    schedule = {1: "monthly", 3: "quarterly", 12: "annual"}[months]
    price = PlanPrice(schedule, asset, price_minor // quantity)
    plan = Plan(f"p{price_minor}", 1, f"P{price_minor}", "", rank, (price,))
    return Terms(plan, schedule, months, quantity, asset, price_minor, tax)


def subscription(since: str, months: int = 1, *, trial: bool = False) -> Subscription:
    """One whose period begins on that day."""
    anchor = date.fromisoformat(since)
    bounds = period_bounds(anchor, months, 0, BERLIN)
    blank: dict[str, Any] = dict.fromkeys(Subscription._fields)
    known = {
        "anchor_on": anchor,
        "period_since": bounds[0],
        "period_until": bounds[1],
        "trial_until": bounds[1] if trial else None,
    }
    return Subscription(**(blank | known))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (terms(1000), terms(1001), "upgraded"),
        (terms(1001), terms(1000), "downgraded"),
        (terms(1000), terms(10000, 12), "downgraded"),  # dearer at once, cheaper by the month
        (terms(10000, 12), terms(1000), "upgraded"),
        (terms(1000), terms(3000, 3), "changed"),
        (terms(1000, rank=1), terms(1000, rank=2), "upgraded"),
        (terms(1000, rank=2), terms(1000, rank=1), "downgraded"),
        (terms(1000, rank=9), terms(2000, rank=1), "upgraded"),
    ],
)
def test_more_is_what_costs_more_by_the_month_and_then_what_ranks_higher(
    old: Terms, new: Terms, kind: str
) -> None:
    assert kind_of_change(old, new) == kind


@pytest.mark.parametrize(
    ("since", "months", "on", "old", "new", "amounts"),
    [
        # the night in which the clocks go forward lies between: still 3 of 31 days
        ("2026-03-01", 1, "2026-03-29", 3100, 6200, [-300, 600]),
        ("2028-02-01", 1, "2028-02-29", 2900, 5800, [-100, 200]),
        ("2026-01-01", 3, "2026-03-31", 9000, 18000, [-100, 200]),
        ("2028-01-01", 12, "2028-12-31", 36600, 73200, [-100, 200]),
        ("2026-01-31", 1, "2026-02-14", 2800, 0, [-1400]),
        ("2026-01-31", 1, "2026-02-14", 0, 2800, [1400]),
        ("2026-01-01", 1, "2026-01-01", 1000, 3333, [-1000, 3333]),
    ],
)
def test_the_rest_of_a_period_on_other_terms(
    since: str, months: int, on: str, old: int, new: int, amounts: list[int]
) -> None:
    now = day_start(date.fromisoformat(on), BERLIN)
    one = subscription(since, months)
    change = change_now(one, terms(old, months), terms(new, months), now, BERLIN)
    assert [line.amount_minor for line in change.lines] == amounts
    assert (change.since, change.until, change.restarts) == (now, one.period_until, False)
    assert all(line.period_until == one.period_until for line in change.lines)


@pytest.mark.parametrize(
    ("asset", "tax", "lines", "total"),
    [
        # 15 of 28 days of 999 and 4,999, rounded once each; tax by the line
        ("JPY", HELD, [(-486, -49), (2435, 243)], 2143),
        ("JPY", VAT, [(-535, -102), (2678, 509)], 2550),
        ("KWD", VAT, [(-535, -102), (2678, 509)], 2550),
        ("USD", None, [(-535, 0), (2678, 0)], 2143),
    ],
)
def test_tax_is_worked_out_by_the_line_in_any_currency(
    asset: str, tax: TaxRate | None, lines: list[tuple[int, int]], total: int
) -> None:
    change = change_now(
        subscription("2026-02-01"),
        terms(999, asset=asset, tax=tax),
        terms(4999, asset=asset, tax=tax),
        day_start(date(2026, 2, 14), BERLIN),
        BERLIN,
    )
    taxed = [tuple(tax_line(line.amount_minor, line.tax)) for line in change.lines]
    assert taxed == lines
    assert sum(map(sum, taxed)) == total


def test_other_months_begin_anew_today_at_the_full_price() -> None:
    one = subscription("2026-01-01", 12)
    now = day_start(date(2026, 7, 1), BERLIN)
    change = change_now(one, terms(36500, 12), terms(5000), now, BERLIN)
    assert [line.amount_minor for line in change.lines] == [-18400, 5000]
    assert (change.since, change.until) == period_bounds(date(2026, 7, 1), 1, 0, BERLIN)
    assert change.restarts


def test_a_trial_has_no_lines_and_keeps_its_days() -> None:
    one = subscription("2026-01-01", trial=True)
    now = day_start(date(2026, 1, 9), BERLIN)
    change = change_now(one, terms(1000), terms(12000, 12), now, BERLIN)
    assert (change.lines, change.until, change.restarts) == ((), one.period_until, False)


def test_credits_come_for_what_is_more_than_the_most_so_far() -> None:
    half = Change((), EPOCH, EPOCH, Share(1, 2), restarts=False)
    assert credits_for_change(1000, 5001, half) == 2000
    assert credits_for_change(5000, 1000, half) == 0
    assert credits_for_change(5000, 1000, half._replace(restarts=True)) == 1000


def test_a_line_names_one_price_and_how_many() -> None:
    line = period_line(terms(3000, quantity=3, asset="JPY"), EPOCH, EPOCH)
    assert (line.text, line.quantity, line.unit_price) == ("P3000, monthly", "3", "1000")
    assert line.revenue == "revenue:plan:p3000"
    assert terms(3000, quantity=3).words == "3 × P3000, monthly"

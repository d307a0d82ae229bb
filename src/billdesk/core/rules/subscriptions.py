"""Subscriptions without a database: what they are, and what a change of one comes to.

A subscription is billed for whole periods, ahead. A change at once is prorated (see `proration`); one
for less money waits for the period's end unless it is asked for at once. A trial is a period that
costs nothing; its changes cost nothing either.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.rules.catalog import Plan, TaxRate
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.rules.periods import day_of, day_start, period_bounds
from billdesk.core.rules.proration import Share, share_left
from billdesk.core.values.money import Money, format_minor

STATUSES = ("trialing", "active", "past_due", "paused", "canceled")
RUNNING = ("trialing", "active", "past_due")
PAID_BY = ("wallet", "credits", "gateway", "invoice")
"""Ways to pay that can be chosen; those kept at a gateway are `elsewhere`."""

When = Literal["now", "period_end"]
ChangeKind = Literal["upgraded", "downgraded", "changed"]


class Subscription(NamedTuple):
    """An account on a plan, as the store has it: the fields of `SubscriptionSheet` and a few more."""

    id: str
    account_id: str
    account_ref: str
    account_name: str
    reference: str | None
    plan_code: str
    plan_version: int
    schedule: str
    quantity: int
    asset: str
    paid_by: str
    status: str
    anchor_on: date
    period_seq: int
    period_since: datetime
    period_until: datetime
    trial_until: datetime | None
    trial_told_at: datetime | None
    cancel_at: datetime | None
    canceled_at: datetime | None
    paused_why: str | None
    paused_at: datetime | None
    next_plan_code: str | None
    next_plan_version: int | None
    next_schedule: str | None
    next_quantity: int | None
    gateway: str | None
    mode: str | None
    external_id: str | None
    memo: str
    actor: str
    created_at: datetime
    changed_at: datetime

    @property
    def is_in_trial(self) -> bool:
        """Whether the present period is the trial."""
        return self.trial_until is not None and self.period_until <= self.trial_until


class Terms(NamedTuple):
    """What a subscription is for: one version of a plan, how often it is due, how many, in what.

    `price_minor` is for all of the quantity and a whole period; `tax` is what the plan's price is
    taxed by.
    """

    plan: Plan
    schedule: str
    months: int
    quantity: int
    asset: str
    price_minor: int
    tax: TaxRate | None = None

    @property
    def price(self) -> Money:
        """What a period costs, before tax is added."""
        return Money(self.price_minor, self.asset)

    @property
    def credits(self) -> int:
        """The credits that come with a period."""
        return self.plan.credits * self.quantity

    @property
    def words(self) -> str:
        """The terms for a person: `Pro, monthly` or `3 × Pro, monthly`."""
        times = f"{self.quantity} × " if self.quantity != 1 else ""
        return f"{times}{self.plan.name}, {self.schedule}"

    @property
    def revenue(self) -> str:
        """The counterparty that earns it."""
        return f"revenue:plan:{self.plan.code}"


class Change(NamedTuple):
    """What a change at once comes to: its lines, the period it is for, and how much of that is left.

    `restarts`: a new period begins today, because the new schedule has other months.
    """

    lines: tuple[LineDraft, ...]
    since: datetime
    until: datetime
    left: Share
    restarts: bool


def kind_of_change(old: Terms, new: Terms) -> ChangeKind:
    """Whether `new` is more or less: by its price per month, then by the plan's rank."""
    before, after = old.price_minor * new.months, new.price_minor * old.months
    if (after, new.plan.rank) == (before, old.plan.rank):
        return "changed"
    return "upgraded" if (after, new.plan.rank) > (before, old.plan.rank) else "downgraded"


def period_line(terms: Terms, since: datetime, until: datetime) -> LineDraft:
    """The line that a whole period is billed by."""
    return LineDraft(
        text=f"{terms.plan.name}, {terms.schedule}",
        amount_minor=terms.price_minor,
        quantity=str(terms.quantity),
        unit_price=_each(terms),
        tax=terms.tax,
        revenue=terms.revenue,
        period_since=since,
        period_until=until,
    )


def change_now(
    subscription: Subscription, old: Terms, new: Terms, now: datetime, zone: ZoneInfo
) -> Change:
    """What it comes to when the rest of the present period, today included, is on other terms.

    What is unused of the old price comes back; the rest costs the same share of the new one, or, with
    other months, a whole new period that begins today. In a trial nothing was paid and nothing is due.
    """
    since, until = subscription.period_since, subscription.period_until
    left = share_left(since, until, now, zone)
    today = day_of(now, zone)
    restarts = new.months != old.months and not subscription.is_in_trial
    unused = unused_line(old, left, day_start(today, zone), until)
    if restarts:
        since, until = period_bounds(today, new.months, 0, zone)
        rest = period_line(new, since, until)
    else:
        since = max(since, min(day_start(today, zone), until))
        rest = _part(new, left.of(new.price_minor), left, since, until, "rest")
    lines = () if subscription.is_in_trial else (unused, rest)
    return Change(tuple(line for line in lines if line.amount_minor), since, until, left, restarts)


def unused_line(terms: Terms, left: Share, since: datetime, until: datetime) -> LineDraft:
    """The line by which what is left of a period is given back."""
    return _part(terms, -left.of(terms.price_minor), left, since, until, "unused")


def credits_for_change(highest: int, new: int, change: Change) -> int:
    """The credits that come with a change at once to terms that come with `new` of them a period.

    Those over the `highest` that the period came with so far, by the share that is left, rounded down;
    where a new period begins, all of them.
    """
    return new if change.restarts else change.left.whole_of(max(new - highest, 0))


def _part(
    terms: Terms, amount_minor: int, left: Share, since: datetime, until: datetime, what: str
) -> LineDraft:
    """A line for what is left of a period."""
    return LineDraft(
        text=f"{terms.plan.name}, {terms.schedule}: {what}, {left.days_left} of {left.days} days",
        amount_minor=amount_minor,
        quantity=str(terms.quantity),
        unit_price=_each(terms),
        tax=terms.tax,
        revenue=terms.revenue,
        period_since=since,
        period_until=until,
    )


def _each(terms: Terms) -> str:
    """The price of one, as it stands on paper."""
    return format_minor(terms.price_minor // terms.quantity, terms.asset)

"""Sheets of what was used: events taken in, meters in a period, forecasts, and runs that bill it."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from billdesk.core.rules.sheets.desk import RowError
from billdesk.core.values.money import Money


class IngestSheet(NamedTuple):
    """What a file or batch of usage came to. `errors` are the first of `rejected` lines, told by line.

    `new` events were kept, `known` ones had been told before; `late` of the new ones belong to periods
    that are billed already, and come with the next run.
    """

    read: int
    new: int
    known: int
    rejected: int
    errors: tuple[RowError, ...]
    milliseconds: int
    late: int = 0


class MeterUseSheet(NamedTuple):
    """One meter in a subscription's current period.

    `used`, `included`, `over` and `forecast` are exact text in the meter's unit; `share` is used of
    included in percent (None: nothing is included or all is). `level` in words: ok, warning (75 %),
    high (90 %), over (100 %). `hours` are the last 48 hours' use, oldest first, whole numbers of the
    meter's smallest part.
    """

    account_ref: str
    account_name: str
    subscription_id: str | None
    plan_code: str | None
    meter: str
    meter_name: str
    unit: str
    period_since: datetime
    period_until: datetime
    used: str
    included: str | None
    over: str
    share: int | None
    level: str
    cost: Money
    hours: tuple[int, ...] = ()
    forecast: str | None = None
    forecast_cost: Money | None = None


class UsageDaySheet(NamedTuple):
    """One day of one meter: what was used, and the running sum of the period, in smallest parts."""

    day: date
    quantity: int
    total: int


class ForecastSheet(NamedTuple):
    """Where a meter will be at the period's end: the method by name, and how far off it was before.

    `error_percent` (text such as `3.4`) is the mean absolute error over `periods_tested` past periods,
    None when there were none. `days` are what was used up to now, `expected` the days from today on, as
    whole days: today is in both. Quantities are in the meter's smallest part.
    """

    account_ref: str
    meter: str
    unit: str
    decimals: int
    method: str
    error_percent: str | None
    periods_tested: int
    days: tuple[UsageDaySheet, ...]
    expected: tuple[UsageDaySheet, ...]
    included: int | None
    low: int
    likely: int
    high: int
    likely_cost: Money


class BudgetSheet(NamedTuple):
    """What an account means to spend on usage in a period, what it has spent, and what it will."""

    account_ref: str
    budget: Money | None
    spent: Money
    forecast: Money
    percent: int | None
    told_at: datetime | None


class UsageAlertSheet(NamedTuple):
    """A threshold that was crossed. An empty `meter` is the budget."""

    number: int
    account_ref: str
    account_name: str
    subscription_id: str
    meter: str
    period_since: datetime
    percent: int
    summary: str
    at: datetime


class UsageLineSheet(NamedTuple):
    """One line of a usage run; `seq` above 1 is a correction of a period that was billed before."""

    number: int | None
    account_ref: str
    account_name: str
    subscription_id: str
    plan_code: str
    meter: str
    seq: int
    period_since: datetime
    period_until: datetime
    quantity: str
    billable: str
    unit: str
    amount: Money
    posting_id: str | None
    invoice_id: str | None
    detail: str


class UsageRunSheet(NamedTuple):
    """A run that bills usage, or its preview (`id` None). `status`: preview, running, done, stopped.

    `done` of `subscriptions` are worked through; `totals` per asset; `failed` accounts could not be
    billed and say why in their lines (they come again with the next run).
    """

    id: str | None
    reference: str | None
    status: str
    until: datetime
    account_ref: str | None
    post_to: str
    subscriptions: int
    done: int
    periods: int
    lines: int
    corrections: int
    failed: int
    totals: tuple[Money, ...]
    actor: str
    started_at: datetime
    finished_at: datetime | None
    replayed: bool = False


class UsageEventSheet(NamedTuple):
    """One event as it was kept; `replayed` when the same had been told before."""

    account_ref: str
    meter: str
    unit: str
    quantity: str
    event_id: str
    at: datetime
    received_at: datetime
    replayed: bool = False

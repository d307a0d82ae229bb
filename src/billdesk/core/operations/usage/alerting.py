"""Telling when usage crosses a threshold, or a budget: once each per period, and only of what moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from billdesk.core.operations.office import Office
from billdesk.core.operations.usage.present import AccountUse, Present
from billdesk.core.rules.thresholds import crossed
from billdesk.core.store import usage_alerts as store
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage_runs import newest_event
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import StoreBusy
from billdesk.core.values.money import Money

EVENTS_AT_ONCE = 50_000
_STEPS = 40
_ACCOUNTS_AT_ONCE = 200

BUDGET = ""
"""The meter of an alert that is about the budget."""
SPENT = 100
EXPECTED = 0
"""The percent of an alert that the budget will not last, by the forecast."""


class Crossing(NamedTuple):
    """A threshold that a meter, or an account's spending, is beyond."""

    account: store.Account
    key: str
    meter: str
    since: int
    percent: int
    summary: str


def alert_due(office: Office, now: datetime) -> int:
    """Look at what was used since the last time; how many thresholds were crossed.

    Raises ReadOnly, StoreError kinds.
    """
    with office.database.read() as session:
        if not store.has_news(session):
            return 0
    try:
        with office.database.write() as session:
            looked, newest = store.looked_up_to(session), newest_event(session)
    except StoreBusy:  # somebody is writing events for so long: they are looked at next time
        return 0
    told = 0
    for _ in range(_STEPS):
        if looked >= newest:
            break
        up_to = min(looked + EVENTS_AT_ONCE, newest)
        with office.database.read() as session:
            accounts = store.accounts_that_used(session, looked, up_to)
        for start in range(0, len(accounts), _ACCOUNTS_AT_ONCE):
            told += _look(office, accounts[start : start + _ACCOUNTS_AT_ONCE], now)
        with office.database.write() as session:
            store.have_looked(session, up_to)
        looked = up_to
    return told


def _look(office: Office, accounts: Sequence[store.Account], now: datetime) -> int:
    with office.database.read() as session:
        present = Present(session, to_micros(now), office.default_asset)
        budgets = store.budgets_of(session, [account.id for account in accounts])
        crossings: list[Crossing] = []
        for use in present.of(accounts):
            crossings += _thresholds(use)
            if use.account.id in budgets:
                crossings += _budget(present, use, budgets[use.account.id])
    if not crossings:
        return 0
    with office.database.write() as session:
        return sum(_tell(office, session, crossing, now) for crossing in crossings)


def _thresholds(use: AccountUse) -> Iterator[Crossing]:
    for meter in use.meters:
        for percent in crossed(meter.share):
            yield Crossing(
                use.account,
                meter.subscription_id or use.account.id,
                meter.meter.code,
                meter.since,
                percent,
                f"{meter.meter.name}: {percent} % of {meter.words(meter.included or 0)}"
                f" {meter.meter.unit} reached ({meter.words(meter.used)} used)",
            )


def spending(present: Present, use: AccountUse, asset: str) -> tuple[Money, Money]:
    """What an account has spent on usage in its present period in an asset, and what it will have."""
    meters = [meter for meter in use.meters if meter.asset == asset]
    spent = sum(meter.cost.minor for meter in meters)
    expected = sum(present.forecast(meter).likely_cost.minor for meter in meters)
    return Money(spent, asset), Money(expected, asset)


def _budget(present: Present, use: AccountUse, budget: store.Budget) -> Iterator[Crossing]:
    spent, expected = spending(present, use, budget.asset)
    most = Money(budget.amount_minor, budget.asset)
    crossing = Crossing(use.account, use.key, BUDGET, use.since, SPENT, "")
    if spent.minor >= most.minor:
        yield crossing._replace(summary=f"the budget of {most} is spent ({spent})")
    elif expected.minor >= most.minor:
        yield crossing._replace(
            percent=EXPECTED, summary=f"the budget of {most} will not last: {expected} expected"
        )


def _tell(office: Office, session: Session, crossing: Crossing, now: datetime) -> bool:
    fresh = store.keep_alert(
        session,
        account_id=crossing.account.id,
        subscription_id=crossing.key,
        meter=crossing.meter,
        period_since=crossing.since,
        percent=crossing.percent,
        summary=crossing.summary,
        at=to_micros(now),
    )
    if fresh:
        office.audit(
            session, now=now, action="usage.threshold", summary=crossing.summary,
            account_id=crossing.account.id,
            data={"meter": crossing.meter, "percent": crossing.percent},
        )  # fmt: skip
    return fresh

"""Subscriptions that were paid for month by month, written straight down, for runs to bill their use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.desk import Desk
from billdesk.core.rules.periods import period_bounds
from billdesk.core.values.clock import to_micros

UTC = ZoneInfo("UTC")


class Paid(NamedTuple):
    """A stretch that was paid for."""

    since: datetime
    until: datetime
    plan: str = "starter"
    version: int = 1
    trial: bool = False
    anchor_on: date = date(2026, 1, 1)


def months(anchor_on: date, count: int, *, each: int = 1, **terms: str | int | bool) -> list[Paid]:
    """So many periods of `each` months from an anchor."""
    return [
        Paid(*period_bounds(anchor_on, each, index, UTC), anchor_on=anchor_on, **terms)  # type: ignore[arg-type]  # the names are those of Paid
        for index in range(count)
    ]


def subscribe(
    desk: Desk,
    account: str,
    paid: Iterable[Paid],
    *,
    id: str | None = None,
    canceled_at: datetime | None = None,
    paid_by: str = "wallet",
) -> str:
    """Write a subscription down with what was paid for; its id."""
    stretches = list(paid)
    first, last = stretches[0], stretches[-1]
    name = id or f"sub_{account}"
    at = to_micros(desk.now())
    with desk._office.database.write() as session:
        session.run(
            "INSERT INTO subscription (id, account_id, plan_code, plan_version, schedule, asset,"
            " paid_by, status, anchor_on, period_since, period_until, canceled_at, actor, created_at,"
            " changed_at) VALUES (?, ?, ?, ?, 'monthly', 'USD', ?, ?, ?, ?, ?, ?, 'tester', ?, ?)",
            (
                *(name, desk.accounts.get(account).id, last.plan, last.version, paid_by),
                "active" if canceled_at is None else "canceled",
                *(first.anchor_on.isoformat(), to_micros(last.since), to_micros(last.until)),
                *(None if canceled_at is None else to_micros(canceled_at), at, at),
            ),
        )
    pay_for(desk, name, stretches)
    return name


def pay_for(desk: Desk, subscription_id: str, paid: Iterable[Paid]) -> None:
    """Go on with a subscription."""
    with desk._office.database.write() as session:
        for each in paid:
            session.run(
                "INSERT INTO billing_period (subscription_id, seq, since, until, plan_code,"
                " plan_version, schedule, quantity, trial, created_at, anchor_on)"
                " SELECT ?, count(*) + 1, ?, ?, ?, ?, 'monthly', 1, ?, ?, ? FROM billing_period"
                " WHERE subscription_id = ?",
                (
                    *(subscription_id, to_micros(each.since), to_micros(each.until), each.plan),
                    *(each.version, int(each.trial), to_micros(desk.now())),
                    *(each.anchor_on.isoformat(), subscription_id),
                ),
            )

"""Whether use before a day is still to be billed in credits: until then a lot of that day must wait."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from billdesk.core.rules.periods import index_at, period_bounds
from billdesk.core.store.catalogs import plan_version
from billdesk.core.store.credit_questions import (
    SubscribedTo,
    billed_until,
    plans_before,
    subscriptions_of,
)
from billdesk.core.store.meta import read_meta
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage import PeriodKey, period_quantities
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.money import CREDIT


def use_is_unbilled(session: Session, account_id: str, before: int, now: datetime) -> bool:
    """Whether a usage period that began `before` an instant (microseconds) may yet be billed in credits.

    A period that goes on may be used until its end; one that is over counts when something was used.
    """
    zone = ZoneInfo(read_meta(session)["zone"])
    return any(
        _is_unbilled(session, subscription, account_id, before, now, zone)
        for subscription in subscriptions_of(session, account_id)
    )


def _is_unbilled(
    session: Session,
    subscription: SubscribedTo,
    account_id: str,
    before: int,
    now: datetime,
    zone: ZoneInfo,
) -> bool:
    meters = _meters_in_credits(session, subscription.id, before)
    if not meters:
        return False
    anchor_on = date.fromisoformat(subscription.anchor_on)
    index = index_at(anchor_on, 1, from_micros(before - 1), zone)
    since, until = (to_micros(bound) for bound in period_bounds(anchor_on, 1, index, zone))
    ended_at = subscription.canceled_at
    goes_on = to_micros(now) < until and (ended_at is None or ended_at > since)
    for meter in meters:
        billed = billed_until(session, subscription.id, meter)
        if billed > since:
            continue
        if goes_on:
            return True
        used = period_quantities(session, [PeriodKey(account_id, billed, until)])
        if (account_id, meter, billed) in used:
            return True
    return False


def _meters_in_credits(session: Session, subscription_id: str, before: int) -> set[str]:
    """What the plans of a subscription price in credits, as far as its periods began before."""
    plans = [
        plan_version(session, *each) for each in plans_before(session, subscription_id, before)
    ]
    return {
        terms.meter
        for plan in plans
        if plan is not None
        for terms in plan.usage
        if terms.asset == CREDIT and terms.pricing != "none"
    }

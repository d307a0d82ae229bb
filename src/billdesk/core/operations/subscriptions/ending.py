"""Ending subscriptions: what of the period is unused, and giving it back."""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.credits.granting import reset_cycle
from billdesk.core.operations.office import Office
from billdesk.core.operations.subscriptions.billing import give_back, total_of
from billdesk.core.operations.subscriptions.changing import (
    WHEN,
    check_ours,
    line_sheets,
    what_can_pay,
)
from billdesk.core.operations.subscriptions.terms import terms_of, zone_of
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.rules.periods import day_of, day_start
from billdesk.core.rules.proration import share_left
from billdesk.core.rules.sheets import ChangePreviewSheet
from billdesk.core.rules.subscriptions import RUNNING, Subscription, Terms, unused_line
from billdesk.core.store.sessions import Session
from billdesk.core.values.errors import BadInput
from billdesk.core.values.money import Money


def check_ending(when: str, *, with_refund: bool) -> None:
    """Raises BadInput for a time at which nothing can end, or end with something given back."""
    if when not in WHEN:
        raise BadInput(f"{when[:30]!r} is no time to cancel", "now or period_end")
    if with_refund and when != "now":
        raise BadInput(
            "at its end nothing of the period is unused", "cancel it now to give it back"
        )


def preview_ending(
    session: Session, subscription: Subscription, now: datetime, *, when: str, with_refund: bool
) -> ChangePreviewSheet:
    """What ending a subscription would do; what it gives back is below zero. Raises Refused."""
    check_ours(subscription)
    terms = terms_of(session, subscription)
    at_end = when == "period_end" and subscription.status in RUNNING
    lines = _unused(session, subscription, terms, now) if with_refund else ()
    return ChangePreviewSheet(
        subscription_id=subscription.id,
        kind="canceled",
        summary=terms.words,
        lines=line_sheets(lines, terms.asset),
        due_now=Money(total_of(lines), terms.asset),
        available=what_can_pay(session, subscription),
        effective_at=subscription.period_until if at_end else now,
        next_at=None,
        next_price=None,
    )


def end_period_today(
    office: Office, session: Session, subscription: Subscription, now: datetime
) -> Subscription:
    """Give the rest of a locked subscription's period back, with its credits: it is over (not saved yet).

    Raises Refused when its invoices hold less than that.
    """
    lines = _unused(session, subscription, terms_of(session, subscription), now)
    if lines:
        give_back(office, session, subscription, -total_of(lines), lines[0].text, now)
    reset_cycle(
        office, session, subscription.account_id, subscription.id, 0,
        since=now, until=now, now=now, key=f"{subscription.period_seq}:back",
    )  # fmt: skip
    return subscription._replace(period_until=max(now, subscription.period_since))


def _unused(
    session: Session, subscription: Subscription, terms: Terms, now: datetime
) -> tuple[LineDraft, ...]:
    """The line for what is unused of the present period, if anything was paid."""
    if subscription.is_in_trial:
        return ()
    since, until = subscription.period_since, subscription.period_until
    zone = zone_of(session)
    left = share_left(since, until, now, zone)
    line = unused_line(terms, left, day_start(day_of(now, zone), zone), until)
    return (line,) if line.amount_minor else ()

"""Changing what a subscription is for: decided once, for the preview and for the change itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from billdesk.core.operations.credits.granting import grant_lot, reset_cycle
from billdesk.core.operations.office import Office
from billdesk.core.operations.subscriptions.billing import bill, total_of
from billdesk.core.operations.subscriptions.terms import (
    available_for,
    keep,
    next_terms_of,
    on_terms,
    plan_sold,
    terms_for,
    terms_of,
    zone_of,
)
from billdesk.core.rules.catalog import Plan
from billdesk.core.rules.invoices import LineDraft, line_record
from billdesk.core.rules.periods import day_of, index_at, period_bounds
from billdesk.core.rules.proration import Share
from billdesk.core.rules.sheets import ChangePreviewSheet, InvoiceLineSheet
from billdesk.core.rules.subscriptions import (
    RUNNING,
    Change,
    Subscription,
    Terms,
    change_now,
    credits_for_change,
    kind_of_change,
)
from billdesk.core.store import subscriptions as store
from billdesk.core.store.catalogs import catalog_now, plan_version
from billdesk.core.store.credit_questions import moved_since
from billdesk.core.store.invoices import line_sheet
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage import PeriodKey, period_quantities
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import BadInput, Refused
from billdesk.core.values.money import Money

MOST_QUANTITY = 1_000_000
WHEN = ("now", "period_end")


class Wanted(NamedTuple):
    """What a subscription shall be for; None leaves as it is. `when` None: now if it costs more."""

    plan: str | None = None
    schedule: str | None = None
    quantity: int | None = None
    when: str | None = None


class Decision(NamedTuple):
    """What is wanted, worked out: `change` when it is done at once, else it waits.

    `kind` is upgraded, downgraded or changed.
    """

    kind: str
    old: Terms
    new: Terms
    change: Change | None
    warnings: tuple[str, ...]

    @property
    def summary(self) -> str:
        """From what to what."""
        return f"{self.old.words} → {self.new.words}"


def check_quantity(quantity: int) -> int:
    """A quantity that can be subscribed to. Raises BadInput."""
    if not 1 <= quantity <= MOST_QUANTITY:
        raise BadInput(f"the quantity {quantity} cannot be", f"1 to {MOST_QUANTITY}")
    return quantity


def check_ours(subscription: Subscription) -> None:
    """Raises Refused for one that is kept at a gateway, or over."""
    if subscription.paid_by == "elsewhere":
        raise Refused(
            f"{subscription.id} is kept at {subscription.gateway}", "change it there; it follows"
        )
    if subscription.status == "canceled":
        raise Refused("the subscription is canceled", "reactivate it, or create another")


def decide(session: Session, subscription: Subscription, wanted: Wanted, now: datetime) -> Decision:
    """Work out what a change would do. Raises BadInput, NotFound, Refused when it cannot be."""
    check_ours(subscription)
    if subscription.paused_why == "hand":
        raise Refused("the subscription is paused by hand", "resume it first")
    if subscription.cancel_at is not None:
        raise Refused("the subscription ends with its period", "reactivate it first")
    if wanted.when is not None and wanted.when not in WHEN:
        raise BadInput(f"{wanted.when[:30]!r} is no time for a change", "now or period_end")
    old = terms_of(session, subscription)
    new = _wanted_terms(session, subscription, old, wanted)
    kind = kind_of_change(old, new)
    is_free = subscription.status not in RUNNING or subscription.is_in_trial
    when = wanted.when or ("now" if kind == "upgraded" else "period_end")
    warnings = tuple(_warnings(session, subscription, old, new, now))
    if when == "period_end" and not is_free:
        return Decision(kind, old, new, None, warnings)
    if subscription.status in RUNNING:
        change = change_now(subscription, old, new, now, zone_of(session))
    else:  # it waits for money: the period that it begins with then is on the new terms
        since, until = subscription.period_since, subscription.period_until
        change = Change((), since, until, Share(0, 0), restarts=False)
    return Decision(kind, old, new, change, warnings)


def _wanted_terms(
    session: Session, subscription: Subscription, old: Terms, wanted: Wanted
) -> Terms:
    plan = old.plan if wanted.plan is None else plan_sold(session, wanted.plan)
    if plan.family != old.plan.family:
        raise Refused(
            f"{plan.name} is of another family than {old.plan.name}",
            "cancel this one, and create another",
        )
    new = terms_for(
        session,
        subscription.account_id,
        plan,
        wanted.schedule or _schedule_of(plan, old),
        old.quantity if wanted.quantity is None else check_quantity(wanted.quantity),
        old.asset,
    )
    if new == old:
        raise Refused(f"the subscription is {old.words} already", "name what shall change")
    return new


def _schedule_of(plan: Plan, old: Terms) -> str:
    """The schedule it stays on; where the plan has another one only, that."""
    offered = [price.schedule for price in plan.prices if price.asset == old.asset]
    return old.schedule if old.schedule in offered or len(offered) != 1 else offered[0]


def _warnings(
    session: Session, subscription: Subscription, old: Terms, new: Terms, now: datetime
) -> Iterator[str]:
    """What should be known before: what is used already beyond the new plan, and what is dropped."""
    if subscription.next_plan_code is not None:
        yield f"the change to {next_terms_of(session, subscription).words} that waits is dropped"
    zone = zone_of(session)
    index = index_at(subscription.anchor_on, 1, now, zone)
    since, until = map(to_micros, period_bounds(subscription.anchor_on, 1, index, zone))
    key = PeriodKey(subscription.account_id, since, until)
    used = period_quantities(session, [key])
    meters = catalog_now(session).meters
    for terms in new.plan.usage:
        before, meter = old.plan.terms(terms.meter), meters.get(terms.meter)
        found = used.get((subscription.account_id, terms.meter, since))
        if before is None or meter is None or found is None or terms.included >= before.included:
            continue
        quantity = Decimal(found.quantity).scaleb(-meter.decimals)
        if quantity > terms.included:
            yield (
                f"{meter.name}: {quantity:,f} {meter.unit} used this period,"
                f" {new.plan.name} includes {terms.included:,f}"
            )
    _, used_credits = moved_since(
        session, subscription.account_id, to_micros(subscription.period_since)
    )
    if new.credits < min(old.credits, used_credits):
        yield (
            f"{used_credits:,} credits used this period, {new.plan.name} comes with {new.credits:,}"
        )


def preview_sheet(
    session: Session, subscription: Subscription, decision: Decision, now: datetime
) -> ChangePreviewSheet:
    """What a decision would do, for the doors."""
    change = decision.change
    lines = change.lines if change else ()
    starts_anew = change is not None and subscription.status in RUNNING
    return ChangePreviewSheet(
        subscription_id=subscription.id,
        kind=decision.kind,
        summary=decision.summary,
        lines=line_sheets(lines, subscription.asset),
        due_now=Money(total_of(lines), subscription.asset),
        available=what_can_pay(session, subscription),
        effective_at=now if change else subscription.period_until,
        next_at=change.until if change and starts_anew else subscription.period_until,
        next_price=decision.new.price,
        warnings=decision.warnings,
    )


def line_sheets(lines: tuple[LineDraft, ...], asset: str) -> tuple[InvoiceLineSheet, ...]:
    """Lines as they will stand on the invoice, with their tax."""
    return tuple(
        line_sheet(line_record(line, "", place), asset) for place, line in enumerate(lines, 1)
    )


def what_can_pay(session: Session, subscription: Subscription) -> Money | None:
    """What there is to pay it at once; None where it need not be, or there is no floor."""
    if subscription.paid_by not in ("wallet", "credits"):
        return None
    return available_for(session, subscription.account_id, subscription.asset)


def carry_out(
    office: Office, session: Session, subscription: Subscription, decision: Decision, now: datetime
) -> Subscription:
    """Do what was decided, in the open block, to a locked subscription.

    Raises InsufficientFunds, WalletFrozen, AccountClosed; Refused when money cannot be given back.
    """
    change, new = decision.change, decision.new
    if change is None:
        waiting = subscription._replace(
            next_plan_code=new.plan.code,
            next_plan_version=new.plan.version,
            next_schedule=new.schedule,
            next_quantity=new.quantity,
        )
        return keep(office, session, waiting, "scheduled", decision.summary, now)
    if subscription.status not in RUNNING:
        changed = on_terms(subscription, new)
        return keep(office, session, changed, decision.kind, decision.summary, now)
    highest = highest_credits(session, subscription)
    changed = subscription._replace(period_seq=subscription.period_seq + 1)
    if total_of(change.lines) < 0:  # from the invoices of the period as it was
        invoice_id = bill(office, session, changed, change.lines, "proration", now)
        changed = _move(session, changed, new, change, now)
    else:
        changed = _move(session, changed, new, change, now)
        invoice_id = bill(office, session, changed, change.lines, "proration", now)
    is_trial = changed.is_in_trial
    store.add_stretch(session, changed, change.since, now, trial=is_trial, invoice_id=invoice_id)
    _grant(office, session, changed, credits_for_change(highest, new.credits, change), change, now)
    return keep(
        office,
        session,
        changed,
        decision.kind,
        decision.summary,
        now,
        invoice_id=invoice_id,
        data={"due": str(Money(total_of(change.lines), new.asset))},
    )


def _move(
    session: Session, subscription: Subscription, new: Terms, change: Change, now: datetime
) -> Subscription:
    """The subscription on its new terms, in a new period where one begins."""
    subscription = on_terms(subscription, new)
    if not change.restarts:
        return subscription
    return subscription._replace(
        anchor_on=day_of(now, zone_of(session)),
        period_since=change.since,
        period_until=change.until,
    )


def highest_credits(session: Session, subscription: Subscription) -> int:
    """The most credits that any terms of the present period come with: they were granted already."""
    highest = 0
    plans: dict[tuple[str, int], Plan | None] = {}
    for stretch in store.stretches_of(
        session, subscription.id, to_micros(subscription.period_until)
    ):
        key = stretch.plan_code, stretch.plan_version
        if key not in plans:
            plans[key] = plan_version(session, *key)
        plan = plans[key]
        highest = max(highest, plan.credits * stretch.quantity if plan else 0)
    return highest


def _grant(
    office: Office,
    session: Session,
    subscription: Subscription,
    amount: int,
    change: Change,
    now: datetime,
) -> None:
    """The credits that come with a change: on top, or those of a new period."""
    if change.restarts:
        reset_cycle(
            office,
            session,
            subscription.account_id,
            subscription.id,
            amount,
            since=change.since,
            until=change.until,
            now=now,
            key=str(subscription.period_seq),
        )
    elif amount:
        grant_lot(
            office,
            session,
            subscription.account_id,
            amount,
            source="plan",
            about=subscription.id,
            now=now,
            expires_at=change.until,
            reference=f"plan:{subscription.id}:{subscription.period_seq}",
        )

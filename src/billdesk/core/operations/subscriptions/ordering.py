"""Beginning subscriptions: what is ordered is worked out first, for the preview and for the act."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.operations.accounts.enrolling import HOUSE
from billdesk.core.operations.office import Office
from billdesk.core.operations.subscriptions.billing import open_period, total_of
from billdesk.core.operations.subscriptions.changing import check_quantity, line_sheets
from billdesk.core.operations.subscriptions.terms import (
    available_for,
    keep,
    plan_sold,
    subscription_sheet,
    terms_for,
    terms_of,
    zone_of,
)
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.rules.periods import day_of, day_start, period_bounds
from billdesk.core.rules.sheets import AccountSheet, ChangePreviewSheet, SubscriptionSheet
from billdesk.core.rules.subscriptions import PAID_BY, Subscription, Terms, period_line
from billdesk.core.store import subscriptions as store
from billdesk.core.store.methods import method_in_role
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import aware
from billdesk.core.values.errors import (
    AccountClosed,
    AlreadyExists,
    BadInput,
    ReferenceReused,
    Refused,
)
from billdesk.core.values.money import CREDIT, Money

MOST_TRIAL_DAYS = 731
EARLIEST_START = timedelta(days=2 * 366)
"""So far back a subscription may be said to have begun: its periods since then are all billed."""


class Asked(NamedTuple):
    """A subscription as it is asked for; `trial_days` None takes the plan's, `asset` the desk's."""

    account: str
    plan: str
    schedule: str
    quantity: int
    asset: str | None
    paid_by: str
    trial_days: int | None
    starts_at: datetime | date | None
    reference: str | None = None
    memo: str = ""


class _Order(NamedTuple):
    """What is asked for, worked out: the terms, how many days cost nothing, and the first period."""

    account: AccountSheet
    terms: Terms
    trial_days: int
    bounds: tuple[datetime, datetime]

    @property
    def lines(self) -> tuple[LineDraft, ...]:
        """What is billed at once."""
        return () if self.trial_days else (period_line(self.terms, *self.bounds),)


def _work_out(office: Office, session: Session, asked: Asked, now: datetime) -> _Order:
    """What is ordered, if it can be. Raises BadInput, NotFound, AlreadyExists, AccountClosed, Refused."""
    account = office.account(session, asked.account)
    plan = plan_sold(session, asked.plan)
    check_payer(session, account, asked.paid_by)
    check_family(session, account, plan.family)
    by_credits = asked.paid_by == "credits"
    asset = asked.asset or (CREDIT if by_credits else office.default_asset)
    if (asset == CREDIT) != by_credits:
        raise BadInput(
            f"{asset} cannot be paid by {asked.paid_by}",
            "credits are paid by credits, money otherwise",
        )
    quantity = check_quantity(asked.quantity)
    terms = terms_for(session, account.id, plan, asked.schedule, quantity, asset)
    trial_days = plan.trial_days if asked.trial_days is None else asked.trial_days
    if not 0 <= trial_days <= MOST_TRIAL_DAYS:
        raise BadInput(f"a trial of {trial_days} days", f"0 to {MOST_TRIAL_DAYS} days")
    zone = zone_of(session)
    first = _first_day(asked.starts_at, now, zone)
    bounds = period_bounds(first, terms.months, 0, zone)
    if trial_days:
        bounds = bounds[0], day_start(first + timedelta(days=trial_days), zone)
    return _Order(account, terms, trial_days, bounds)


def _first_day(starts_at: datetime | date | None, now: datetime, zone: ZoneInfo) -> date:
    """The day with which it begins. Raises BadInput for one that is ahead, or too long ago."""
    today = day_of(now, zone)
    if starts_at is None:
        return today
    day = day_of(aware(starts_at), zone) if isinstance(starts_at, datetime) else starts_at
    if not today - EARLIEST_START <= day <= today:
        raise BadInput(
            "a subscription begins today, or up to two years ago",
            "for days that cost nothing give it a trial",
        )
    return day


def check_payer(session: Session, account: AccountSheet, paid_by: str) -> None:
    """Raises BadInput, Refused, AccountClosed unless an account can subscribe and pay that way."""
    if account.ref == HOUSE:
        raise Refused("the house subscribes to nothing", "name a customer's account")
    if account.status != "open":
        raise AccountClosed(f"the account is {account.status}", "reopen it, or use another account")
    if paid_by not in PAID_BY:
        raise BadInput(f"nothing is paid by {paid_by[:30]!r}", f"one of {', '.join(PAID_BY)}")
    if paid_by == "gateway" and method_in_role(session, account.id, "default") is None:
        raise Refused(
            f"{account.ref} has saved nothing that could be charged",
            "see billdesk method add, or choose another way to pay",
        )


def check_family(session: Session, account: AccountSheet, family: str) -> None:
    """Raises AlreadyExists for an account that is on a plan of that family."""
    for each in store.live_subscriptions(session, account.id):
        if each.paid_by != "elsewhere" and terms_of(session, each).plan.family == family:
            raise AlreadyExists(
                f"{account.ref} is on {terms_of(session, each).words} already ({each.id})",
                "change that one",
            )


def preview_order(
    office: Office, session: Session, asked: Asked, now: datetime
) -> ChangePreviewSheet:
    """What an order would do and bill at once. Raises as `begin`, but for what cannot be paid."""
    order = _work_out(office, session, asked, now)
    terms, (since, until) = order.terms, order.bounds
    free = f", after {order.trial_days} days for nothing" if order.trial_days else ""
    pays_now = asked.paid_by in ("wallet", "credits")
    return ChangePreviewSheet(
        subscription_id=None,
        kind="created",
        summary=f"{terms.words}: {terms.price} a period{free}",
        lines=line_sheets(order.lines, terms.asset),
        due_now=Money(total_of(order.lines), terms.asset),
        available=available_for(session, order.account.id, terms.asset) if pays_now else None,
        effective_at=since,
        next_at=until,
        next_price=terms.price,
    )


def first_of(office: Office, session: Session, asked: Asked) -> SubscriptionSheet | None:
    """What the reference made the first time, if this asks for the same. Raises ReferenceReused."""
    if asked.reference is None:
        return None
    known = store.subscription_by_reference(session, asked.reference)
    if known is None:
        return None
    began = store.stretches_of(session, known.id)[0]
    same_account = known.account_id == office.account(session, asked.account).id
    first_terms = (began.plan_code, began.schedule, began.quantity)
    if not same_account or first_terms != (asked.plan, asked.schedule, asked.quantity):
        raise reference_reused(asked.reference)
    return subscription_sheet(session, known, replayed=True)


def reference_reused(reference: str | None) -> ReferenceReused:
    """What is raised for a reference that belongs to something else."""
    return ReferenceReused(
        f"the reference {reference} was used for another subscription", "use a new reference"
    )


def begin(office: Office, session: Session, asked: Asked, now: datetime) -> Subscription:
    """Put a locked account on a plan, in the open block, and bill its first period.

    Raises BadInput, NotFound, AlreadyExists, InsufficientFunds, WalletFrozen, AccountClosed, Refused;
    KeyTaken for a reference that another process takes at this moment.
    """
    order = _work_out(office, session, asked, now)
    subscription = _new(office, order, asked, zone_of(session), now)
    store.add_subscription(session, subscription)
    subscription, invoice_id = open_period(
        office, session, subscription, order.terms, order.bounds, now,
        trial=order.trial_days > 0,
    )  # fmt: skip
    summary = f"{order.terms.words}: {order.terms.price} a period"
    return keep(office, session, subscription, "created", summary, now, invoice_id=invoice_id)


def _new(
    office: Office, order: _Order, asked: Asked, zone: ZoneInfo, now: datetime
) -> Subscription:
    """A subscription before its first period. Periods are counted from the day its trial ends."""
    terms = order.terms
    since, until = order.bounds
    trial_until = until if order.trial_days else None
    return Subscription(
        id=office.ids.make("sub", now),
        account_id=order.account.id,
        account_ref=order.account.ref,
        account_name=order.account.name,
        reference=asked.reference,
        plan_code=terms.plan.code,
        plan_version=terms.plan.version,
        schedule=terms.schedule,
        quantity=terms.quantity,
        asset=terms.asset,
        paid_by=asked.paid_by,
        status="trialing" if trial_until else "active",
        anchor_on=day_of(trial_until or since, zone),
        period_seq=0,
        period_since=since,
        period_until=until,
        trial_until=trial_until,
        trial_told_at=None,
        cancel_at=None,
        canceled_at=None,
        paused_why=None,
        paused_at=None,
        next_plan_code=None,
        next_plan_version=None,
        next_schedule=None,
        next_quantity=None,
        gateway=None,
        mode=None,
        external_id=None,
        memo=asked.memo,
        actor=office.actor,
        created_at=now,
        changed_at=now,
    )

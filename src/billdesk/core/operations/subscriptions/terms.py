"""What subscriptions are for and what they look like: their terms, read from the catalog's versions.

Those who are on a version of a plan stay on it, whether it is sold now or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from billdesk.core.operations.invoices.issuing import tax_for
from billdesk.core.operations.office import Office
from billdesk.core.rules.catalog import Plan
from billdesk.core.rules.ledger import purpose_of
from billdesk.core.rules.sheets import SubscriptionSheet
from billdesk.core.rules.subscriptions import Subscription, Terms
from billdesk.core.store import subscriptions as store
from billdesk.core.store.catalogs import current_plan, plan_version
from billdesk.core.store.meta import read_meta
from billdesk.core.store.mirrors import gateway_price
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Broken, NotFound, Refused
from billdesk.core.values.money import CREDIT, Money


def zone_of(session: Session) -> ZoneInfo:
    """The desk's zone."""
    return ZoneInfo(read_meta(session)["zone"])


def plan_sold(session: Session, code: str) -> Plan:
    """A plan that is sold now. Raises NotFound."""
    plan = current_plan(session, code)
    if plan is None:
        raise NotFound(f"no plan {code[:40]!r} is sold", "see billdesk plan list")
    return plan


def terms_for(
    session: Session, account_id: str, plan: Plan, schedule: str, quantity: int, asset: str
) -> Terms:
    """What that many of a plan are for an account. Raises NotFound, Refused without such a price."""
    known = store.schedule_named(session, schedule)
    if known is None:
        raise NotFound(f"there is no schedule {schedule[:40]!r}", "see billdesk catalog show")
    price = plan.price(schedule, asset)
    if price is None:
        offered = ", ".join(f"{each.schedule} in {each.asset}" for each in plan.prices)
        raise Refused(
            f"{plan.name} has no price {known.name.lower()} in {asset}",
            f"it has {offered or 'none'}",
        )
    return Terms(
        plan=plan,
        schedule=schedule,
        months=known.months,
        quantity=quantity,
        asset=asset,
        price_minor=price.amount_minor * quantity,
        tax=None if asset == CREDIT else tax_for(session, account_id, plan.tax_code),
    )


def terms_of(session: Session, subscription: Subscription) -> Terms:
    """What a subscription is for now."""
    plan = plan_version(session, subscription.plan_code, subscription.plan_version)
    if plan is None:
        raise Broken(f"{subscription.id} is on a plan that was never sold")
    return terms_for(
        session,
        subscription.account_id,
        plan,
        subscription.schedule,
        subscription.quantity,
        subscription.asset,
    )


def next_terms_of(session: Session, subscription: Subscription) -> Terms:
    """What it will be for when its period ends: what waits, else the same."""
    if subscription.next_plan_code is None:
        return terms_of(session, subscription)
    return terms_of(session, with_next_terms(subscription))


def with_next_terms(subscription: Subscription) -> Subscription:
    """A subscription on the terms that wait for its period's end; unchanged when none do."""
    if subscription.next_plan_code is None:
        return subscription
    return without_next_terms(
        subscription._replace(
            plan_code=subscription.next_plan_code,
            plan_version=subscription.next_plan_version or 0,
            schedule=subscription.next_schedule or subscription.schedule,
            quantity=subscription.next_quantity or subscription.quantity,
        )
    )


def without_next_terms(subscription: Subscription) -> Subscription:
    """A subscription for which nothing waits."""
    return subscription._replace(
        next_plan_code=None, next_plan_version=None, next_schedule=None, next_quantity=None
    )


def on_terms(subscription: Subscription, terms: Terms) -> Subscription:
    """A subscription on these terms, for which nothing waits."""
    return without_next_terms(
        subscription._replace(
            plan_code=terms.plan.code,
            plan_version=terms.plan.version,
            schedule=terms.schedule,
            quantity=terms.quantity,
        )
    )


def locked(session: Session, subscription_id: str) -> Subscription:
    """A subscription, its wallet and itself kept from others until the block ends. Raises NotFound.

    The wallet comes first, as it does for whoever pays an invoice and then looks at the subscription.
    """
    known = store.subscription_by_id(session, subscription_id)
    if known is not None:
        wallet_state(session, known.account_id, purpose_of(known.asset), known.asset, lock=True)
        known = store.subscription_by_id(session, subscription_id, lock=True)
    if known is None:
        raise no_subscription(subscription_id)
    return known


def no_subscription(subscription_id: str) -> NotFound:
    """What is raised where there is none."""
    return NotFound(
        f"there is no subscription {subscription_id[:64]!r}", "see billdesk subscription list"
    )


def available_for(session: Session, account_id: str, asset: str) -> Money | None:
    """What an account's own wallet can pay; None where it has no floor, and can pay anything."""
    wallet = wallet_state(session, account_id, purpose_of(asset), asset)
    if wallet is None:
        return Money(0, asset)
    if wallet.floor_minor is None:
        return None
    return Money(wallet.balance_minor - wallet.held_minor - wallet.floor_minor, asset)


def keep(
    office: Office,
    session: Session,
    subscription: Subscription,
    kind: str,
    summary: str,
    now: datetime,
    *,
    invoice_id: str | None = None,
    data: Mapping[str, object] | None = None,
) -> Subscription:
    """Write a locked subscription back, with what happened to it, in its history and the audit log."""
    subscription = subscription._replace(changed_at=now)
    store.save_subscription(session, subscription)
    store.add_change(
        session,
        subscription.id,
        kind=kind,
        at=to_micros(now),
        actor=office.actor,
        summary=summary,
        data=data or {},
        invoice_id=invoice_id,
    )
    office.audit(
        session,
        now=now,
        action=f"subscription.{kind}",
        summary=summary,
        account_id=subscription.account_id,
        data={"subscription": subscription.id, **(data or {})},
    )
    return subscription


def subscription_sheet(
    session: Session, subscription: Subscription, *, replayed: bool = False
) -> SubscriptionSheet:
    """A subscription as the doors see it; one that is mirrored costs what its gateway says."""
    plan = plan_version(session, subscription.plan_code, subscription.plan_version)
    price = plan.price(subscription.schedule, subscription.asset) if plan else None
    price_minor = price.amount_minor * subscription.quantity if price else 0
    if subscription.external_id is not None:
        price_minor = gateway_price(session, subscription.id) or price_minor
    fields = {
        name: getattr(subscription, name)
        for name in SubscriptionSheet._fields
        if name not in ("plan_name", "price", "replayed")
    }
    return SubscriptionSheet(
        **fields,
        plan_name=plan.name if plan else subscription.memo or subscription.plan_code,
        price=Money(price_minor, subscription.asset),
        replayed=replayed,
    )

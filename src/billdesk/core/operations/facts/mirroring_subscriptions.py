"""Subscriptions that are kept at a gateway: what its facts say becomes a row here, and is never billed.

What is older than what is known changes nothing. A subscription whose customer nobody here is waits in
sight until its account is named.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from billdesk.core.operations.facts.outcomes import APPLIED, Outcome, waits
from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import SUBSCRIPTION_STAGES, Fact
from billdesk.core.rules.mirrors import GatewayInvoice, GatewaySubscription
from billdesk.core.rules.subscriptions import Subscription
from billdesk.core.store import subscriptions as store
from billdesk.core.store.accounts import find_account
from billdesk.core.store.catalogs import current_plan
from billdesk.core.store.facts import is_older
from billdesk.core.store.meta import read_meta
from billdesk.core.store.methods import account_of_customer, keep_customer
from billdesk.core.store.mirrors import set_gateway_price
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros

ELSEWHERE = "elsewhere"
"""How a subscription that is kept at a gateway is paid."""

UNTOLD = "untold"
"""The schedule of one whose gateway has not said yet how often it is due."""

_TELLS_NOTHING = "it does not show the subscription: sync it to ask again"


def apply_to_subscription(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    """Do what a fact says of a subscription that its gateway keeps."""
    state = fact.subscription
    if state is None:
        return waits(_TELLS_NOTHING)
    if not state.status or is_older(session, fact, _TOLD_BY):
        return APPLIED
    external_id = fact.object_id
    known = store.subscription_by_external(session, fact.gateway, fact.mode, external_id)
    account_id = known.account_id if known is not None else whose(session, fact, state)
    if account_id is None:
        return waits(unknown_customer(fact, state))
    if known is None:
        store.lock_account(session, account_id)
        # Another process may have been faster.
        known = store.subscription_by_external(session, fact.gateway, fact.mode, external_id)
    if known is None:
        _begin(office, session, fact, state, account_id, now)
        return APPLIED
    locked = store.subscription_by_id(session, known.id, lock=True)
    _move(office, session, fact, state, locked or known, now)
    return APPLIED


_TOLD_BY = (*SUBSCRIPTION_STAGES, "invoice_failed")


def whose(session: Session, fact: Fact, state: GatewaySubscription | GatewayInvoice) -> str | None:
    """The account of ours that a gateway's customer is: the one known as it, or noted there by us."""
    customer_id = state.customer_id
    if customer_id is not None:
        account_id = account_of_customer(session, fact.gateway, fact.mode, customer_id)
        if account_id is not None:
            return account_id
    account = find_account(session, state.account_ref) if state.account_ref else None
    if account is None or account.ref == "house":
        return None
    if customer_id is not None:
        keep_customer(
            session, account_id=account.id, gateway=fact.gateway, mode=fact.mode,
            external_id=customer_id, at=to_micros(fact.happened_at),
        )  # fmt: skip
    return account.id


def unknown_customer(fact: Fact, state: GatewaySubscription | GatewayInvoice) -> str:
    """Why a fact waits whose customer nobody here is, and what helps, in words."""
    who = f"the customer {state.customer_id}" if state.customer_id else "its customer"
    what = "subscription" if isinstance(state, GatewaySubscription) else "invoice"
    return (
        f"no account of ours is {who}: name it with"
        f" billdesk {what} sync {fact.gateway} {fact.object_id} --account"
    )


def _begin(
    office: Office,
    session: Session,
    fact: Fact,
    state: GatewaySubscription,
    account_id: str,
    now: datetime,
) -> None:
    subscription = _as_row(office, session, fact, state, account_id, now)
    store.add_subscription(session, subscription)
    set_gateway_price(session, subscription.id, state.price_minor)
    _add_stretch(session, subscription, state.since, now)
    _tell(office, session, subscription, "mirrored", f"{subscription.memo}, {state.status}", now)
    if fact.stage == "trial_ending":
        _tell(office, session, subscription, "trial_ending", _trial_words(state), now)


def _as_row(
    office: Office,
    session: Session,
    fact: Fact,
    state: GatewaySubscription,
    account_id: str,
    now: datetime,
) -> Subscription:
    """A gateway's subscription as one of ours."""
    account = office.account(session, account_id)
    code, version = _plan(session, state, None)
    return Subscription(
        id=office.ids.make("sub", now),
        account_id=account.id,
        account_ref=account.ref,
        account_name=account.name,
        reference=None,
        plan_code=code,
        plan_version=version,
        schedule=state.schedule or UNTOLD,
        quantity=state.quantity,
        asset=state.asset,
        paid_by=ELSEWHERE,
        status=state.status,
        anchor_on=state.since.astimezone(ZoneInfo(read_meta(session)["zone"])).date(),
        period_seq=1,
        period_since=state.since,
        period_until=state.until,
        trial_until=state.trial_until,
        trial_told_at=now if fact.stage == "trial_ending" else None,
        cancel_at=state.cancel_at,
        canceled_at=_canceled_at(fact, state),
        paused_why=None,
        paused_at=fact.happened_at if state.status == "paused" else None,
        next_plan_code=None,
        next_plan_version=None,
        next_schedule=None,
        next_quantity=None,
        gateway=fact.gateway,
        mode=fact.mode,
        external_id=fact.object_id,
        memo=state.plan_name or state.plan_id,
        actor=f"gateway:{fact.gateway}",
        created_at=state.started_at or fact.happened_at,
        changed_at=now,
    )


def _move(
    office: Office,
    session: Session,
    fact: Fact,
    state: GatewaySubscription,
    known: Subscription,
    now: datetime,
) -> None:
    code, version = _plan(session, state, known)
    renewed = state.since > known.period_since
    moved = known._replace(
        plan_code=code,
        plan_version=version,
        schedule=state.schedule or known.schedule,
        quantity=state.quantity,
        status=state.status,
        period_since=max(state.since, known.period_since),
        period_until=state.until if state.since >= known.period_since else known.period_until,
        trial_until=state.trial_until,
        trial_told_at=now if fact.stage == "trial_ending" else known.trial_told_at,
        cancel_at=state.cancel_at,
        canceled_at=_canceled_at(fact, state),
        paused_at=(known.paused_at or fact.happened_at) if state.status == "paused" else None,
        memo=state.plan_name or known.memo,
        changed_at=now,
    )
    terms = (moved.plan_code, moved.plan_version, moved.schedule, moved.quantity)
    changed = terms != (known.plan_code, known.plan_version, known.schedule, known.quantity)
    if renewed or changed:
        moved = moved._replace(period_seq=known.period_seq + 1)
        since = moved.period_since if renewed else max(fact.happened_at, moved.period_since)
        _add_stretch(session, moved, since, now)
    store.save_subscription(session, moved)
    set_gateway_price(session, moved.id, state.price_minor)
    if fact.stage == "trial_ending" and known.trial_told_at is None:
        _tell(office, session, moved, "trial_ending", _trial_words(state), now)
    for kind, words in _differences(known, moved):
        _tell(office, session, moved, kind, words, now)


def _differences(known: Subscription, moved: Subscription) -> list[tuple[str, str]]:
    """What happened to a subscription, by what is another now: (kind, in words)."""
    told = []
    if moved.status != known.status:
        kind = "canceled" if moved.status == "canceled" else "status"
        told.append((kind, f"{known.status} → {moved.status}"))
    if moved.period_since != known.period_since:
        told.append(("renewed", f"until {moved.period_until:%Y-%m-%d}"))
    if (moved.plan_code, moved.quantity) != (known.plan_code, known.quantity):
        old, new = (f"{each.quantity} × {each.memo}" for each in (known, moved))
        told.append(("changed", f"{old} → {new}"))
    if moved.cancel_at != known.cancel_at:
        until = f"{moved.cancel_at:%Y-%m-%d}" if moved.cancel_at else ""
        told.append(("cancel", f"ends {until}" if until else "goes on"))
    return told


def _plan(
    session: Session, state: GatewaySubscription, known: Subscription | None
) -> tuple[str, int]:
    """Our plan in its version, if the gateway names one that we have; else the gateway's, version 0."""
    if state.plan_code is not None:
        if known is not None and known.plan_code == state.plan_code:
            return known.plan_code, known.plan_version
        plan = current_plan(session, state.plan_code)
        if plan is not None:
            return plan.code, plan.version
    return f"gateway:{state.plan_id}", 0


def _canceled_at(fact: Fact, state: GatewaySubscription) -> datetime | None:
    return (state.ended_at or fact.happened_at) if state.status == "canceled" else None


def _trial_words(state: GatewaySubscription) -> str:
    return f"the trial ends {state.trial_until or state.until:%Y-%m-%d}"


def _add_stretch(
    session: Session, subscription: Subscription, since: datetime, now: datetime
) -> None:
    trial = subscription.status == "trialing"
    store.add_stretch(session, subscription, since, now, trial=trial, invoice_id=None)


def _tell(
    office: Office,
    session: Session,
    subscription: Subscription,
    kind: str,
    words: str,
    now: datetime,
) -> None:
    """Say what happened where people look: on the subscription and in the audit log."""
    store.add_change(
        session, subscription.id, kind=kind, at=to_micros(now),
        actor=f"gateway:{subscription.gateway}", summary=words, data={}, invoice_id=None,
    )  # fmt: skip
    office.audit(
        session, now=now, action=f"subscription.{kind}",
        summary=f"{subscription.memo} at {subscription.gateway}: {words}",
        account_id=subscription.account_id, data={"subscription": subscription.id},
    )  # fmt: skip

"""What each fact does: to a payment, a refund, a saved method or what is mirrored. One fact at a time.

Runs inside the write block in which the fact was kept. A fact that cannot be placed waits in sight; a
fact that is older than what is known already changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from billdesk.core.operations.facts.mirroring_invoices import apply_to_invoice
from billdesk.core.operations.facts.mirroring_subscriptions import apply_to_subscription
from billdesk.core.operations.facts.outcomes import (
    APPLIED,
    CREDITED,
    LATER,
    NO_PAYMENT,
    UNSETTLED,
    Outcome,
    audit_fact,
    settled_drafts,
    waits,
)
from billdesk.core.operations.facts.saving import forget_method, keep_method
from billdesk.core.operations.facts.undoing import apply_to_dispute, apply_to_refund
from billdesk.core.operations.invoices.settling import (
    invoice_money_came,
    invoice_payment_failed,
)
from billdesk.core.operations.ledger.booking import book
from billdesk.core.operations.ledger.settling import book_credit
from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import (
    DISPUTE_STAGES,
    INVOICE_STAGES,
    METHOD_STAGES,
    PAYMENT_STAGES,
    REFUND_STAGES,
    SUBSCRIPTION_STAGES,
    Fact,
)
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.store import payments as payment_store
from billdesk.core.store.facts import last_declined_at, mark_fact
from billdesk.core.store.methods import account_of_customer
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros


def apply_fact(office: Office, session: Session, number: int, fact: Fact, now: datetime) -> str:
    """Do what a fact says; what came of it: applied, credited, or waiting."""
    outcome, why = _applier(fact)(office, session, fact, now)
    state = "waiting" if outcome == "waiting" else "applied"
    mark_fact(session, number, state=state, detail=why or fact.detail)
    return outcome


_Applier = Callable[[Office, Session, Fact, datetime], Outcome]


def _applier(fact: Fact) -> _Applier:
    if fact.subscription is not None:
        return apply_to_subscription
    for stages, apply in _APPLIERS:
        if fact.stage in stages:
            return apply
    return lambda *_: waits(LATER)


# --- payments ------------------------------------------------------------------------------------


def why_it_waits(fact: Fact, payment: PaymentSheet | None) -> str:
    """Why a payment's fact is held for a human, in words; empty when it can be applied."""
    if payment is None:
        return NO_PAYMENT
    if (payment.gateway, payment.mode) != (fact.gateway, fact.mode):
        return f"it names a payment of {payment.gateway} in {payment.mode} mode"
    if fact.stage == "settled" and fact.amount != payment.amount:
        return (
            f"{fact.amount} was paid where {payment.amount} was asked for: credited by nobody yet"
        )
    return ""


def _apply_to_payment(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    payment = payment_store.payment_of_fact(session, fact)
    why = why_it_waits(fact, payment)
    if payment is None or why:
        return waits(why)
    at = to_micros(now)
    if fact.stage == "settled":
        if payment.status in UNSETTLED:
            posting_id = _credit(office, fact, payment, now)
            payment_store.move_payment(
                session, payment.id, status="succeeded", detail=fact.detail, at=at,
                fee_minor=fact.fee.minor if fact.fee else None, posting_id=posting_id,
                external_id=fact.object_id, charge_id=fact.charge_id,
            )  # fmt: skip
            _keep_method(office, session, fact, payment, now)
            invoice_money_came(office, session, payment, now)
            return CREDITED
    elif payment.status == "pending" or _can_be_paid_again(session, fact, payment):
        status = {"declined": "failed", "expired": "expired"}.get(fact.stage, "pending")
        payment_store.move_payment(
            session, payment.id, status=status, detail=fact.detail, at=at, pay_url=fact.pay_url,
            external_id=fact.object_id, charge_id=fact.charge_id,
        )  # fmt: skip
        if status != "pending":
            audit_fact(
                office, session, f"{payment.purpose}.{status}", payment.amount, fact, payment, now
            )
            invoice_payment_failed(office, session, payment, fact.detail or status, now)
    return APPLIED


def _can_be_paid_again(session: Session, fact: Fact, payment: PaymentSheet) -> bool:
    """Whether a payment that was declined is open again, by a word that is newer than the decline."""
    if payment.status != "failed" or fact.stage not in ("opened", "processing"):
        return False
    declined_at = last_declined_at(session, fact)
    return declined_at is not None and to_micros(fact.happened_at) >= declined_at


def _credit(office: Office, fact: Fact, payment: PaymentSheet, now: datetime) -> str:
    deposit, *fees = settled_drafts(office, fact, payment, now)
    booked = book_credit(office, deposit, now)
    for fee in fees:
        book(office, fee, now)
    return booked.id


def _keep_method(
    office: Office, session: Session, fact: Fact, payment: PaymentSheet, now: datetime
) -> None:
    """What a customer paid with and let us keep can be charged again."""
    if fact.method is not None:
        account_id = office.account(session, payment.account_ref).id
        keep_method(
            office, session, account_id, fact.gateway, fact.mode, fact.method, now,
            seen_at=fact.happened_at,
        )  # fmt: skip


# --- saved methods -------------------------------------------------------------------------------


def _apply_to_method(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    if fact.method is None:
        return waits("it does not say which method")
    if fact.stage == "method_removed":
        forget_method(office, session, fact.gateway, fact.mode, fact.method, now)
        return APPLIED
    account_id = account_of_customer(session, fact.gateway, fact.mode, fact.method.customer_id)
    if account_id is None:
        return waits("no account of ours is that customer")
    keep_method(
        office, session, account_id, fact.gateway, fact.mode, fact.method, now,
        seen_at=fact.happened_at,
    )  # fmt: skip
    return APPLIED


_APPLIERS: tuple[tuple[frozenset[str], _Applier], ...] = (
    (PAYMENT_STAGES, _apply_to_payment),
    (REFUND_STAGES, apply_to_refund),
    (DISPUTE_STAGES, apply_to_dispute),
    (METHOD_STAGES, _apply_to_method),
    (SUBSCRIPTION_STAGES, apply_to_subscription),
    (INVOICE_STAGES, apply_to_invoice),
)

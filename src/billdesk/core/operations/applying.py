"""What each fact does: to a payment, a refund, a dispute or a saved method. One fact at a time.

Runs inside the write block in which the fact was kept. A fact that cannot be placed waits in sight; a
fact that is older than what is known already changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from billdesk.core.operations.booking import book
from billdesk.core.operations.correcting import reverse_posting
from billdesk.core.operations.office import Office
from billdesk.core.operations.saving import forget_method, keep_method
from billdesk.core.operations.settling import book_credit
from billdesk.core.operations.taking_back import available_minor, set_aside, set_free, take_back
from billdesk.core.rules.gateway import (
    DISPUTE_STAGES,
    METHOD_STAGES,
    PAYMENT_STAGES,
    REFUND_STAGES,
    Fact,
)
from billdesk.core.rules.ledger import Draft, Leg, digest_of
from billdesk.core.rules.sheets import CardRefundSheet, DisputeSheet, PaymentSheet
from billdesk.core.store import money_back
from billdesk.core.store import payments as payment_store
from billdesk.core.store.facts import mark_fact
from billdesk.core.store.methods import account_of_customer
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Broken
from billdesk.core.values.money import Money

NO_PAYMENT = "no payment of ours is known for it"
NOT_CREDITED = "its payment is not credited yet"
LATER = "waits for what this desk does not keep yet"

UNSETTLED = ("pending", "failed", "expired")


def apply_fact(office: Office, session: Session, number: int, fact: Fact, now: datetime) -> str:
    """Do what a fact says; what came of it: applied, credited, or waiting."""
    outcome, why = _applier(fact)(office, session, fact, now)
    state = "waiting" if outcome == "waiting" else "applied"
    mark_fact(session, number, state=state, detail=why or fact.detail)
    return outcome


class Outcome(NamedTuple):
    """What came of a fact: applied, credited or waiting; and why it must wait, in words."""

    outcome: str
    why: str = ""


APPLIED, CREDITED = Outcome("applied"), Outcome("credited")

_Applier = Callable[[Office, Session, Fact, datetime], Outcome]


def _waits(why: str) -> Outcome:
    return Outcome("waiting", why)


def _applier(fact: Fact) -> _Applier:
    if fact.stage in PAYMENT_STAGES:
        return _apply_to_payment
    if fact.stage in REFUND_STAGES:
        return _apply_to_refund
    if fact.stage in DISPUTE_STAGES:
        return _apply_to_dispute
    if fact.stage in METHOD_STAGES:
        return _apply_to_method
    return lambda *_: _waits(LATER)


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
    waits = why_it_waits(fact, payment)
    if payment is None or waits:
        return _waits(waits)
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
            return CREDITED
    elif payment.status == "pending":
        status = {"declined": "failed", "expired": "expired"}.get(fact.stage, "pending")
        payment_store.move_payment(
            session, payment.id, status=status, detail=fact.detail, at=at, pay_url=fact.pay_url,
            external_id=fact.object_id, charge_id=fact.charge_id,
        )  # fmt: skip
        if status != "pending":
            _audit(
                office, session, f"{payment.purpose}.{status}", payment.amount, fact, payment, now
            )
    return APPLIED


def settled_drafts(
    office: Office, fact: Fact, payment: PaymentSheet, now: datetime
) -> tuple[Draft, ...]:
    """What a settled payment posts: its money to the wallet, the gateway's fee to the house."""
    party = f"gateway:{fact.gateway}"
    amount = payment.amount
    legs = (Leg(payment.account_ref, "cash", amount.asset, amount.minor, 0, party),)
    deposit = Draft(
        id=office.ids.make("dep", now),
        kind="deposit",
        scope=_scope(fact),
        reference=f"settled:{fact.object_id}:{fact.occurrence}",
        digest=digest_of("deposit", legs, payment.id),
        actor=office.actor,
        legs=legs,
        happened_at=to_micros(fact.happened_at),
        recorded_at=office.recorded_at(now),
        about=payment.id,
        guarded=False,
    )
    if fact.fee is None or fact.fee.minor == 0:
        return (deposit,)
    fee_legs = (Leg("house", "cash", amount.asset, -fact.fee.minor, 0, party),)
    fee = deposit._replace(
        id=office.ids.make("fee", now),
        kind="fee",
        reference=f"fee:{fact.object_id}:{fact.occurrence}",
        digest=digest_of("fee", fee_legs, payment.id),
        legs=fee_legs,
    )
    return (deposit, fee)


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


# --- refunds -------------------------------------------------------------------------------------


def _apply_to_refund(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    refund = _refund_of(session, fact)
    payment = (
        payment_store.payment_by_id(session, refund.payment_id)
        if refund
        else payment_store.payment_of_fact(session, fact)
    )
    if payment is None:
        return _waits(NO_PAYMENT)
    if payment.status in UNSETTLED:
        return _waits(NOT_CREDITED)
    if fact.amount is not None and fact.amount.asset != payment.amount.asset:
        return _waits(f"{fact.amount} went back of a payment in {payment.amount.asset}")
    if refund is None:
        refund = _found_outside(office, session, fact, payment, now)
    if refund.amount != (fact.amount or refund.amount):
        return _waits(f"{fact.amount} went back where {refund.amount} was to")
    if fact.stage == "refund_pending":
        status = refund.status
    elif fact.stage == "refunded":
        status = _refunded(office, session, fact, refund, payment, now)
    else:
        status = _refund_failed(office, session, fact, refund, payment, now)
    if status == refund.status == "pending" or status != refund.status:
        money_back.move_card_refund(
            session, refund.id, status=status, detail=fact.detail, at=to_micros(now),
            external_id=fact.object_id,
        )  # fmt: skip
    return APPLIED


def _refund_of(session: Session, fact: Fact) -> CardRefundSheet | None:
    """The refund a fact speaks of, if we have it: by our id, else by the gateway's."""
    refund = money_back.card_refund_by_id(session, fact.refund_id) if fact.refund_id else None
    return refund or money_back.card_refund_at(session, fact.gateway, fact.mode, fact.object_id)


def _found_outside(
    office: Office, session: Session, fact: Fact, payment: PaymentSheet, now: datetime
) -> CardRefundSheet:
    """Write down a refund that somebody made on the gateway's own site."""
    refund_id = office.ids.make("rfd", now)
    money_back.add_card_refund(
        session, id=refund_id, payment_id=payment.id, gateway=fact.gateway, mode=fact.mode,
        amount=fact.amount or payment.amount, memo="made at the gateway, not by this desk",
        actor=f"gateway:{fact.gateway}", at=to_micros(now), external_id=fact.object_id,
    )  # fmt: skip
    refund = money_back.card_refund_by_id(session, refund_id)
    if refund is None:
        raise Broken("a refund that was just written down is not there")
    return refund


def _refunded(
    office: Office,
    session: Session,
    fact: Fact,
    refund: CardRefundSheet,
    payment: PaymentSheet,
    now: datetime,
) -> str:
    """The money is gone: debit the account. A refund that failed since stays failed."""
    if refund.status != "pending":
        return refund.status
    posting_id = take_back(
        office, session, payment.account_ref, refund.amount, kind="card_refund", scope=_scope(fact),
        reference=f"refunded:{fact.object_id}", party=f"gateway:{fact.gateway}", about=refund.id,
        hold_id=hold_of(session, refund.id), happened_at=fact.happened_at, now=now,
    )  # fmt: skip
    money_back.move_card_refund(
        session, refund.id, status="pending", detail=fact.detail, at=to_micros(now),
        posting_id=posting_id,
    )  # fmt: skip
    payment_store.give_back(session, payment.id, refunded_minor=refund.amount.minor)
    _audit(office, session, "card_refund.succeeded", refund.amount, fact, payment, now)
    return "succeeded"


def _refund_failed(
    office: Office,
    session: Session,
    fact: Fact,
    refund: CardRefundSheet,
    payment: PaymentSheet,
    now: datetime,
) -> str:
    """The money came back to us: free what was held, or credit again what was debited."""
    if refund.status == "failed":
        return "failed"
    if refund.status == "succeeded" and refund.posting_id is not None:
        reverse_posting(office, session, refund.posting_id, f"the refund failed: {refund.id}", now)
        payment_store.give_back(session, payment.id, refunded_minor=-refund.amount.minor)
    set_free(office, session, hold_of(session, refund.id), now)
    _audit(office, session, "card_refund.failed", refund.amount, fact, payment, now)
    return "failed"


def hold_of(session: Session, about: str) -> str | None:
    """The hold that was placed for something, by what it is about."""
    row = session.one(
        "SELECT id FROM posting WHERE reference = ? AND scope = 'system'", (f"hold:{about}",)
    )
    return row[0] if row else None


# --- disputes ------------------------------------------------------------------------------------


def _apply_to_dispute(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    known = money_back.dispute_at(session, fact.gateway, fact.mode, fact.object_id)
    payment = (
        payment_store.payment_by_id(session, known[0].payment_id)
        if known
        else payment_store.payment_of_fact(session, fact)
    )
    if payment is None:
        return _waits(NO_PAYMENT)
    if payment.status in UNSETTLED:
        return _waits(NOT_CREDITED)
    if fact.amount is not None and fact.amount.asset != payment.amount.asset:
        return _waits(f"{fact.amount} is contested of a payment in {payment.amount.asset}")
    if known is None:
        known = _contest(office, session, fact, payment, now)
    dispute, hold_id, posting_id = known
    if fact.stage == "dispute_lost" and dispute.status != "lost":
        _lose(office, session, fact, dispute, hold_id, payment, now)
    elif fact.stage == "dispute_won" and dispute.status != "won":
        if dispute.status == "lost" and posting_id is not None:
            reverse_posting(office, session, posting_id, f"the dispute was won: {dispute.id}", now)
        _win(office, session, fact, dispute, hold_id, payment, now)
    return APPLIED


def _contest(
    office: Office, session: Session, fact: Fact, payment: PaymentSheet, now: datetime
) -> tuple[DisputeSheet, str | None, str | None]:
    """Hold what is left of what the payment brought: the lesser of available and disputed."""
    amount = fact.amount or payment.amount
    dispute_id = office.ids.make("dsp", now)
    held_minor = min(
        available_minor(office, session, payment.account_ref, amount.asset, now), amount.minor
    )
    hold_id = None
    if held_minor > 0:
        hold_id = set_aside(
            office, payment.account_ref, Money(held_minor, amount.asset), about=dispute_id,
            guarded=False, now=now,
        )  # fmt: skip
    money_back.add_dispute(
        session, id=dispute_id, payment_id=payment.id, gateway=fact.gateway, mode=fact.mode,
        external_id=fact.object_id, amount=amount, hold_id=hold_id, detail=fact.detail,
        opened_at=to_micros(fact.happened_at),
    )  # fmt: skip
    payment_store.give_back(session, payment.id, disputed_minor=amount.minor)
    _audit(office, session, "dispute.opened", amount, fact, payment, now)
    known = money_back.dispute_at(session, fact.gateway, fact.mode, fact.object_id)
    if known is None:
        raise Broken("a dispute that was just written down is not there")
    return known


def _lose(
    office: Office,
    session: Session,
    fact: Fact,
    dispute: DisputeSheet,
    hold_id: str | None,
    payment: PaymentSheet,
    now: datetime,
) -> None:
    posting_id = take_back(
        office, session, payment.account_ref, dispute.amount, kind="chargeback", scope=_scope(fact),
        reference=f"lost:{fact.object_id}:{fact.occurrence}", party=f"gateway:{fact.gateway}",
        about=dispute.id, hold_id=hold_id, happened_at=fact.happened_at, now=now,
    )  # fmt: skip
    _close(session, dispute, "lost", posting_id, fact)
    if dispute.status == "won":
        payment_store.give_back(session, payment.id, disputed_minor=dispute.amount.minor)
    _audit(office, session, "dispute.lost", dispute.amount, fact, payment, now)


def _win(
    office: Office,
    session: Session,
    fact: Fact,
    dispute: DisputeSheet,
    hold_id: str | None,
    payment: PaymentSheet,
    now: datetime,
) -> None:
    set_free(office, session, hold_id, now)
    _close(session, dispute, "won", None, fact)
    payment_store.give_back(session, payment.id, disputed_minor=-dispute.amount.minor)
    _audit(office, session, "dispute.won", dispute.amount, fact, payment, now)


def _close(
    session: Session, dispute: DisputeSheet, status: str, posting_id: str | None, fact: Fact
) -> None:
    money_back.close_dispute(
        session, dispute.id, status=status, posting_id=posting_id, detail=fact.detail,
        at=to_micros(fact.happened_at),
    )  # fmt: skip


# --- saved methods -------------------------------------------------------------------------------


def _apply_to_method(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    if fact.method is None:
        return _waits("it does not say which method")
    if fact.stage == "method_removed":
        forget_method(office, session, fact.gateway, fact.mode, fact.method, now)
        return APPLIED
    account_id = account_of_customer(session, fact.gateway, fact.mode, fact.method.customer_id)
    if account_id is None:
        return _waits("no account of ours is that customer")
    keep_method(
        office, session, account_id, fact.gateway, fact.mode, fact.method, now,
        seen_at=fact.happened_at,
    )  # fmt: skip
    return APPLIED


# --- all -----------------------------------------------------------------------------------------


def _scope(fact: Fact) -> str:
    return f"gateway:{fact.account}:{fact.mode}"


def _audit(
    office: Office,
    session: Session,
    action: str,
    amount: Money,
    fact: Fact,
    payment: PaymentSheet,
    now: datetime,
) -> None:
    office.audit(
        session, now=now, action=action, summary=f"{amount}: {fact.detail or fact.stage}",
        account_id=office.account(session, payment.account_ref).id, data={"payment": payment.id},
    )  # fmt: skip

"""What facts about refunds and disputes do: to the payment, to what is held, to the account.

Money that is gone is taken from the account, what is no longer there becomes debt; money that came back
is credited again by a counter-entry. A fact that is older than what is known changes nothing.
"""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.facts.outcomes import (
    APPLIED,
    NO_PAYMENT,
    NOT_CREDITED,
    UNSETTLED,
    Outcome,
    audit_fact,
    fee_drafts,
    scope_of,
    waits,
)
from billdesk.core.operations.ledger.booking import book
from billdesk.core.operations.ledger.correcting import reverse_posting
from billdesk.core.operations.ledger.taking_back import (
    available_minor,
    set_aside,
    set_free,
    take_back,
)
from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.sheets import CardRefundSheet, DisputeSheet, PaymentSheet
from billdesk.core.store import money_back
from billdesk.core.store import payments as payment_store
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Broken
from billdesk.core.values.money import Money

# --- refunds -------------------------------------------------------------------------------------


def apply_to_refund(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    """Do what a fact says of money on its way back."""
    refund = _refund_of(session, fact)
    payment = (
        payment_store.payment_by_id(session, refund.payment_id)
        if refund
        else payment_store.payment_of_fact(session, fact)
    )
    if payment is None:
        return waits(NO_PAYMENT)
    if payment.status in UNSETTLED:
        return waits(NOT_CREDITED)
    if fact.amount is not None and fact.amount.asset != payment.amount.asset:
        return waits(f"{fact.amount} went back of a payment in {payment.amount.asset}")
    if refund is None:
        refund = _found_outside(office, session, fact, payment, now)
    if refund.amount != (fact.amount or refund.amount):
        return waits(f"{fact.amount} went back where {refund.amount} was to")
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
        office, session, payment.account_ref, refund.amount, kind="card_refund", scope=scope_of(fact),
        reference=f"refunded:{fact.object_id}", party=f"gateway:{fact.gateway}", about=refund.id,
        hold_id=hold_of(session, refund.id), happened_at=fact.happened_at, now=now,
    )  # fmt: skip
    money_back.move_card_refund(
        session, refund.id, status="pending", detail=fact.detail, at=to_micros(now),
        posting_id=posting_id,
    )  # fmt: skip
    payment_store.give_back(session, payment.id, refunded_minor=refund.amount.minor)
    audit_fact(office, session, "card_refund.succeeded", refund.amount, fact, payment, now)
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
    audit_fact(office, session, "card_refund.failed", refund.amount, fact, payment, now)
    return "failed"


def hold_of(session: Session, about: str) -> str | None:
    """The hold that was placed for something, by what it is about."""
    row = session.one(
        "SELECT id FROM posting WHERE reference = ? AND scope = 'system'", (f"hold:{about}",)
    )
    return row[0] if row else None


# --- disputes ------------------------------------------------------------------------------------


def apply_to_dispute(office: Office, session: Session, fact: Fact, now: datetime) -> Outcome:
    """Do what a fact says of a contested payment."""
    known = money_back.dispute_at(session, fact.gateway, fact.mode, fact.object_id)
    payment = (
        payment_store.payment_by_id(session, known[0].payment_id)
        if known
        else payment_store.payment_of_fact(session, fact)
    )
    if payment is None:
        return waits(NO_PAYMENT)
    if payment.status in UNSETTLED:
        return waits(NOT_CREDITED)
    if fact.amount is not None and fact.amount.asset != payment.amount.asset:
        return waits(f"{fact.amount} is contested of a payment in {payment.amount.asset}")
    if known is None:
        known = _contest(office, session, fact, payment, now)
    dispute, hold_id, posting_id = known
    for fee in fee_drafts(office, fact, dispute.id, now):
        book(office, fee, now)
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
    audit_fact(office, session, "dispute.opened", amount, fact, payment, now)
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
        office, session, payment.account_ref, dispute.amount, kind="chargeback", scope=scope_of(fact),
        reference=f"lost:{fact.object_id}:{fact.occurrence}", party=f"gateway:{fact.gateway}",
        about=dispute.id, hold_id=hold_id, happened_at=fact.happened_at, now=now,
    )  # fmt: skip
    _close(session, dispute, "lost", posting_id, fact)
    if dispute.status == "won":
        payment_store.give_back(session, payment.id, disputed_minor=dispute.amount.minor)
    audit_fact(office, session, "dispute.lost", dispute.amount, fact, payment, now)


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
    audit_fact(office, session, "dispute.won", dispute.amount, fact, payment, now)


def _close(
    session: Session, dispute: DisputeSheet, status: str, posting_id: str | None, fact: Fact
) -> None:
    money_back.close_dispute(
        session, dispute.id, status=status, posting_id=posting_id, detail=fact.detail,
        at=to_micros(fact.happened_at),
    )  # fmt: skip

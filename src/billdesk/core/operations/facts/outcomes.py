"""What the appliers of facts share: outcomes, fees, and the audit line."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from billdesk.core.operations.office import Office
from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.ledger import Draft, Leg, digest_of
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.money import Money

NO_PAYMENT = "no payment of ours is known for it"
NOT_CREDITED = "its payment is not credited yet"
LATER = "waits for what this desk does not keep yet"

UNSETTLED = ("pending", "failed", "expired")


class Outcome(NamedTuple):
    """What came of a fact: applied, credited or waiting; and why it must wait, in words."""

    outcome: str
    why: str = ""


APPLIED, CREDITED = Outcome("applied"), Outcome("credited")


def waits(why: str) -> Outcome:
    """A fact that has no place yet, and why, in words."""
    return Outcome("waiting", why)


def fee_drafts(office: Office, fact: Fact, about: str, now: datetime) -> tuple[Draft, ...]:
    """What the gateway keeps for itself: the house pays it. Nothing when there is no fee."""
    if fact.fee is None or fact.fee.minor == 0:
        return ()
    party = f"gateway:{fact.gateway}"
    legs = (Leg("house", "cash", fact.fee.asset, -fact.fee.minor, 0, party),)
    draft = Draft(
        id=office.ids.make("fee", now),
        kind="fee",
        scope=scope_of(fact),
        reference=f"fee:{fact.object_id}:{fact.occurrence}",
        digest=digest_of("fee", legs, about),
        actor=office.actor,
        legs=legs,
        happened_at=to_micros(fact.happened_at),
        recorded_at=office.recorded_at(now),
        about=about,
        guarded=False,
    )
    return (draft,)


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
        scope=scope_of(fact),
        reference=f"settled:{fact.object_id}:{fact.occurrence}",
        digest=digest_of("deposit", legs, payment.id),
        actor=office.actor,
        legs=legs,
        happened_at=to_micros(fact.happened_at),
        recorded_at=office.recorded_at(now),
        about=payment.id,
        guarded=False,
    )
    return (deposit, *fee_drafts(office, fact, payment.id, now))


def scope_of(fact: Fact) -> str:
    """The scope of the references that its postings have."""
    return f"gateway:{fact.account}:{fact.mode}"


def audit_fact(
    office: Office,
    session: Session,
    action: str,
    amount: Money,
    fact: Fact,
    payment: PaymentSheet,
    now: datetime,
) -> None:
    """Write what a fact did to a payment into the audit log."""
    office.audit(
        session, now=now, action=action, summary=f"{amount}: {fact.detail or fact.stage}",
        account_id=office.account(session, payment.account_ref).id, data={"payment": payment.id},
    )  # fmt: skip

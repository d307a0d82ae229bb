"""Stripe's objects, as they are now, read as facts. Nothing here asks anything.

A payment opened by the desk is known by its Checkout Session, one taken off session by its payment
intent; so is one that nobody here opened. It settles once, so its payment intent is the occurrence;
declined attempts are told apart by their charges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Unpack

from billdesk.core.gateways.stripe.amounts import kept_fee, money_of
from billdesk.core.gateways.stripe.billing import invoice_state, subscription_state
from billdesk.core.gateways.stripe.client import JSON
from billdesk.core.gateways.stripe.shapes import (
    EXTERNAL_KEY,
    FLOW_KEY,
    OFF_SESSION,
    PAYMENT_KEY,
    REFUND_KEY,
    digest_of,
    id_of,
    instant_or,
    notes_of,
    object_of,
    raw_text,
    saved_method,
)
from billdesk.core.rules.gateway import Fact, Method, Mode, Stage, Ties
from billdesk.core.values.money import Money

_REFUND_STAGES: dict[str, Stage] = {
    "pending": "refund_pending",
    "requires_action": "refund_pending",
    "succeeded": "refunded",
    "failed": "refund_failed",
    "canceled": "refund_failed",
}
# An inquiry that is closed took no money, like a dispute that was won or prevented.
_DISPUTE_ENDS: dict[str, Stage] = {
    "won": "dispute_won",
    "warning_closed": "dispute_won",
    "prevented": "dispute_won",
    "lost": "dispute_lost",
}
_UNPAID_ENDS = ("requires_payment_method", "canceled")


class FactReader:
    """Reads objects of one connected account. Every method raises KeyError where a key is missing.

    `at` is the time by Stripe's clock, for what the object itself does not date.
    """

    def __init__(self, gateway: str, account: str, mode: Mode) -> None:
        self._gateway = gateway
        self._account = account
        self._mode = mode

    # --- payments ----------------------------------------------------------------------------

    def session(self, session: JSON, at: datetime) -> tuple[Fact, ...]:
        """A Checkout Session, best with its payment intent or setup intent expanded."""
        if session["mode"] == "setup":
            return self._saved(session, at)
        if session["mode"] != "payment":
            return ()
        intent = object_of(session.get("payment_intent"))
        declined = self.declined(session, intent, at)
        now = self._session_now(session, intent, at, declined)
        return _worth_telling((*declined, *now))

    def declined(self, session: JSON, intent: JSON, at: datetime) -> tuple[Fact, ...]:
        """The attempt that a payment intent remembers as refused, if there is one."""
        error = intent.get("last_payment_error")
        if not error:
            return ()
        charge = object_of(intent.get("latest_charge"))
        dated = charge if charge.get("id") == error.get("charge") else {}
        return (
            self._payment(
                session or intent,
                intent,
                "declined",
                occurrence=_attempt(intent, error),
                at=instant_or(dated.get("created"), at),
                detail=error.get("message") or error.get("code") or "declined",
            ),
        )

    def reopened(self, session: JSON, intent: JSON, at: datetime) -> tuple[Fact, ...]:
        """That a session can still be paid, after the attempt it remembers was refused or before."""
        error = intent.get("last_payment_error")
        attempt = f":{_attempt(intent, error)}" if error else ""
        return (
            self._payment(
                session,
                intent,
                "opened",
                occurrence=f"{session['id']}{attempt}",
                at=at if error else instant_or(session["created"], at),
                pay_url=session.get("url"),
            ),
        )

    def intent(self, intent: JSON, at: datetime) -> tuple[Fact, ...]:
        """A payment intent that has no session of ours."""
        declined = self.declined({}, intent, at)
        match intent["status"]:
            case "succeeded":
                return (*declined, self._settled(intent, intent, at))
            case "processing":
                return (*declined, self._payment(intent, intent, "processing", at=at))
            case "canceled":
                expired = self._payment(intent, intent, "expired", at=at)
                return _worth_telling((*declined, expired))
            case status if not declined and notes_of(intent).get(FLOW_KEY) == OFF_SESSION:
                # It waits for the customer, and nobody is there.
                detail = "the bank wants the customer to confirm"
                occurrence = f"{intent['id']}:{status}"
                return (
                    self._payment(
                        intent, intent, "declined", occurrence=occurrence, at=at, detail=detail
                    ),
                )
            case _:
                return declined

    def _session_now(
        self, session: JSON, intent: JSON, at: datetime, declined: tuple[Fact, ...]
    ) -> tuple[Fact, ...]:
        match session["status"], session["payment_status"]:
            case "complete", "paid" | "no_payment_required":
                return (self._settled(session, intent, at),)
            case "expired", _:
                occurrence = session["id"]
                return (self._payment(session, intent, "expired", occurrence=occurrence, at=at),)
            case "complete", _ if intent.get("status") not in _UNPAID_ENDS:
                return (self._payment(session, intent, "processing", at=at),)
            case "complete", _ if not declined:
                detail = "the customer's bank said no"
                return (self._payment(session, intent, "declined", at=at, detail=detail),)
            case "complete", _:
                return ()
            case _:
                return self.reopened(session, intent, at)

    def _settled(self, thing: JSON, intent: JSON, at: datetime) -> Fact:
        charge = object_of(intent.get("latest_charge"))
        used = object_of(intent.get("payment_method"))
        keeps = (
            intent.get("setup_future_usage") == "off_session"
            or notes_of(intent).get(FLOW_KEY) == OFF_SESSION
        )
        return self._payment(
            thing,
            intent,
            "settled",
            at=instant_or(charge.get("created"), at),
            fee=_fee(charge),
            method=saved_method(used) if keeps and used.get("customer") else None,
        )

    def _payment(
        self,
        thing: JSON,
        intent: JSON,
        stage: Stage,
        *,
        at: datetime,
        occurrence: str | None = None,
        fee: Money | None = None,
        detail: str = "",
        pay_url: str | None = None,
        method: Method | None = None,
    ) -> Fact:
        """A fact of a payment: `thing` is its session, or the intent itself."""
        intent_id = intent.get("id") or id_of(thing.get("payment_intent")) or None
        # Not client_reference_id: the address of a payment link lets strangers choose that.
        payment_id = notes_of(thing).get(PAYMENT_KEY)
        total = thing["amount"] if thing["object"] == "payment_intent" else thing["amount_total"]
        return self._fact(
            # What somebody else opened has no session that we know.
            thing["id"] if payment_id or not intent_id else intent_id,
            stage,
            occurrence or intent_id or thing["id"],
            raw=thing if thing is intent or not intent else {**thing, "payment_intent": intent},
            at=at,
            amount=money_of(total, thing["currency"]),
            fee=fee,
            detail=detail,
            payment_id=payment_id,
            pay_url=pay_url,
            charge_id=intent_id,
            method=method,
        )

    # --- money on its way back -----------------------------------------------------------------

    def refund(self, refund: JSON, at: datetime) -> Fact:
        """A refund, best with its payment intent expanded."""
        stage = _REFUND_STAGES[refund["status"]]
        intent, meta = object_of(refund.get("payment_intent")), notes_of(refund)
        charge_id = id_of(refund.get("payment_intent")) or id_of(refund["charge"])
        return self._fact(
            refund["id"],
            stage,
            refund["id"],
            raw=refund,
            at=at if stage == "refund_failed" else instant_or(refund["created"], at),
            amount=money_of(refund["amount"], refund["currency"]),
            detail=refund.get("failure_reason") or refund.get("pending_reason") or "",
            payment_id=meta.get(PAYMENT_KEY) or notes_of(intent).get(PAYMENT_KEY),
            refund_id=meta.get(REFUND_KEY),
            payment_external_id=meta.get(EXTERNAL_KEY) or _external_id(intent),
            charge_id=charge_id,
        )

    def dispute(self, dispute: JSON, at: datetime) -> tuple[Fact, ...]:
        """A dispute, best with its payment intent expanded: that it was opened, and how it ended."""
        intent = object_of(dispute.get("payment_intent"))
        opened = self._fact(
            dispute["id"],
            "disputed",
            dispute["id"],
            raw=dispute,
            at=instant_or(dispute["created"], at),
            amount=money_of(dispute["amount"], dispute["currency"]),
            fee=_dispute_fee(dispute),
            detail=dispute.get("reason") or "",
            payment_id=notes_of(intent).get(PAYMENT_KEY),
            payment_external_id=_external_id(intent),
            charge_id=id_of(dispute.get("payment_intent")) or id_of(dispute["charge"]),
        )
        end = _DISPUTE_ENDS.get(dispute["status"])
        if end is None:
            return (opened,)
        return opened, replace(opened, stage=end, happened_at=at, fee=None)

    # --- saved ways to pay -----------------------------------------------------------------------

    def _saved(self, session: JSON, at: datetime) -> tuple[Fact, ...]:
        used = object_of(object_of(session.get("setup_intent")).get("payment_method"))
        if session["status"] != "complete" or not used:
            return ()
        method = saved_method(used, session.get("customer"))
        return (
            self._fact(
                method.method_id,
                "method_saved",
                id_of(session["setup_intent"]),
                raw=session,
                at=instant_or(object_of(session["setup_intent"]).get("created"), at),
                method=method,
                detail=method.label,
            ),
        )

    # --- what Stripe bills by itself --------------------------------------------------------------

    def invoice(
        self,
        invoice: JSON,
        stage: Stage,
        at: datetime,
        whole: JSON | None = None,
        intents: Mapping[str, JSON] = {},
    ) -> Fact:
        """An invoice of which `stage` is said; `whole` as it is now, `intents` what it was paid with."""
        attempt = f":{invoice['attempt_count']}" if stage == "invoice_failed" else ""
        paid, dates = stage == "invoice_paid", object_of(invoice.get("status_transitions"))
        dated = {
            "invoice_created": invoice["created"],
            "invoice_finalized": dates.get("finalized_at"),
            "invoice_paid": dates.get("paid_at"),
            "invoice_closed": dates.get("voided_at"),
        }.get(stage)
        error = object_of(invoice.get("last_finalization_error"))
        return self._fact(
            invoice["id"],
            stage,
            f"{invoice['id']}{attempt}",
            raw=invoice,
            at=instant_or(dated, at),
            amount=money_of(
                invoice["amount_paid"] if paid else invoice["amount_due"], invoice["currency"]
            ),
            detail=error.get("message") or invoice.get("status") or "",
            pay_url=invoice.get("hosted_invoice_url"),
            invoice=invoice_state(whole or invoice, intents),
        )

    def invoice_now(self, invoice: JSON, at: datetime, intents: Mapping[str, JSON] = {}) -> Fact:
        """An invoice as it stands."""
        stages: dict[str, Stage] = {
            "draft": "invoice_created",
            "paid": "invoice_paid",
            "void": "invoice_closed",
            "open": "invoice_failed" if invoice["attempted"] else "invoice_finalized",
        }
        stages["uncollectible"] = stages["open"]
        stage = stages.get(invoice["status"])
        if stage is None:
            return self.unknown(invoice["id"], digest_of(invoice), invoice, at, invoice["status"])
        return self.invoice(invoice, stage, at, invoice, intents)

    def subscription(
        self, subscription: JSON, stage: Stage, occurrence: str | None, at: datetime
    ) -> Fact:
        """A subscription of which `stage` is said; without an occurrence its content is one."""
        return self._fact(
            subscription["id"],
            stage,
            occurrence or digest_of(subscription),
            raw=subscription,
            at=at,
            detail=subscription["status"],
            subscription=subscription_state(subscription),
        )

    def subscription_now(self, subscription: JSON, at: datetime) -> Fact:
        """A subscription as it stands."""
        if subscription["status"] in {"canceled", "incomplete_expired"}:
            ended_at = instant_or(subscription.get("ended_at"), at)
            return self.subscription(
                subscription, "subscription_ended", subscription["id"], ended_at
            )
        return self.subscription(subscription, "subscription_changed", None, at)

    # --- the rest -----------------------------------------------------------------------------------

    def unknown(
        self, object_id: str, occurrence: str, raw: JSON, at: datetime, detail: str
    ) -> Fact:
        """Something that is kept until somebody understands it."""
        return self._fact(object_id, "unknown", occurrence, raw=raw, at=at, detail=detail)

    def _fact(
        self,
        object_id: str,
        stage: Stage,
        occurrence: str,
        *,
        raw: JSON,
        at: datetime,
        amount: Money | None = None,
        fee: Money | None = None,
        detail: str = "",
        **ties: Unpack[Ties],
    ) -> Fact:
        if fee is not None and amount is not None and fee.asset != amount.asset:
            fee = None  # kept from a balance in another currency: no part of this amount
        return Fact(
            gateway=self._gateway,
            account=self._account,
            mode=self._mode,
            object_id=object_id,
            stage=stage,
            occurrence=occurrence,
            amount=amount,
            fee=fee,
            happened_at=at,
            detail=detail,
            raw=raw_text(raw),
            **ties,
        )


def _worth_telling(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """What somebody else opened and nobody paid is nothing to us."""
    idle = ("opened", "expired")
    return tuple(fact for fact in facts if fact.payment_id or fact.stage not in idle)


def _external_id(intent: JSON) -> str | None:
    """The id by which we know a payment, as far as its intent tells: not that of its session."""
    return intent.get("id") if notes_of(intent).get(FLOW_KEY) == OFF_SESSION else None


def _attempt(intent: JSON, error: JSON) -> str:
    """What tells one refused attempt from the next: its charge, where it came to one."""
    used = id_of(error.get("payment_method"))
    return error.get("charge") or f"{intent['id']}:{error.get('code') or error['type']}:{used}"


def _fee(charge: JSON) -> Money | None:
    """What Stripe kept of a charge, once its balance tells."""
    booked = object_of(charge.get("balance_transaction"))
    return kept_fee(booked["fee"], booked["currency"]) if booked else None


def _dispute_fee(dispute: JSON) -> Money | None:
    booked = [object_of(line) for line in dispute.get("balance_transactions") or []]
    if not booked or not all(booked):
        return None
    return kept_fee(sum(line["fee"] for line in booked), booked[0]["currency"])

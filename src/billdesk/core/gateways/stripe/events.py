"""Stripe's events, read as facts.

An event is a hint: what it shows is as old as the event and in the shape of the account's own version
of the interface. So payments and invoices are fetched again, which also tells the fee, and everything
else where its snapshot lacks a key.
"""

from __future__ import annotations

from datetime import datetime

from billdesk.core.gateways.stripe.billing import paying_intents
from billdesk.core.gateways.stripe.client import JSON, STRANGE, RightMissing, StripeCaller
from billdesk.core.gateways.stripe.facts import FactReader
from billdesk.core.gateways.stripe.objects import (
    Kind,
    everything,
    fetched,
    whole_invoice,
)
from billdesk.core.gateways.stripe.shapes import (
    PAYMENT_KEY,
    instant_of,
    is_checkout,
    notes_of,
    raw_text,
)
from billdesk.core.rules.gateway import Event, Fact, Stage

EVENT_TYPES = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.refunded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.subscription.deleted",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
)
"""What the desk asks for: Stripe takes no more than twenty names in one request."""

_INVOICE_STAGES: dict[str, Stage] = {
    "invoice.created": "invoice_created",
    "invoice.finalized": "invoice_finalized",
    "invoice.paid": "invoice_paid",
    "invoice.payment_action_required": "invoice_failed",
    "invoice.payment_failed": "invoice_failed",
    "invoice.payment_succeeded": "invoice_paid",
}
_SUBSCRIPTION_STAGES: dict[str, Stage] = {
    "customer.subscription.deleted": "subscription_ended",
    "customer.subscription.trial_will_end": "trial_ending",
    "customer.subscription.updated": "subscription_changed",
}


def event_of(event: JSON) -> Event:
    """An event as the desk keeps it. Raises KeyError, TypeError for what is none."""
    return Event(
        event_id=event["id"],
        type=event["type"],
        object_id=event["data"]["object"].get("id") or "",
        happened_at=instant_of(event["created"]),
        raw=raw_text(event),
    )


class EventReader:
    """Reads the events of one page; what several of them speak of is fetched once."""

    def __init__(self, stripe: StripeCaller, reader: FactReader) -> None:
        self._stripe = stripe
        self._reader = reader
        self._known: dict[str, JSON | None] = {}
        self._by_type = (
            ("checkout.session.", self._session),
            ("payment_intent.succeeded", self._succeeded),
            ("payment_intent.payment_failed", self._failed),
            ("charge.refunded", self._refunded),
            ("charge.dispute.", self._dispute),
            ("refund.", self._refund),
        )

    def facts(self, event: JSON) -> tuple[Fact, ...]:
        """What an event says, the oldest first; `unknown` where nobody understands it.

        Raises GatewayError when an object cannot be fetched.
        """
        shown, at = event["data"]["object"], instant_of(event["created"])
        try:
            return self._read(event, shown, at)
        except STRANGE:
            # Of another version of the interface, most likely.
            pass
        detail = str(event["type"])
        try:
            now = self._now(shown["object"], shown["id"])
            if now is not None:
                return self._read(event, now, at)
        except STRANGE as error:
            detail = f"{detail}: {error!r}"
        object_id = shown.get("id") or event["id"]
        return (self._reader.unknown(object_id, event["id"], event, at, detail),)

    def _read(self, event: JSON, shown: JSON, at: datetime) -> tuple[Fact, ...]:
        kind = event["type"]
        if kind in _INVOICE_STAGES:
            return self._invoice(shown, _INVOICE_STAGES[kind], at)
        if kind in _SUBSCRIPTION_STAGES:
            return (self._subscription(event, shown, at),)
        for beginning, read in self._by_type:
            if kind.startswith(beginning):
                return read(shown, at)
        raise KeyError(kind)

    def _invoice(self, shown: JSON, stage: Stage, at: datetime) -> tuple[Fact, ...]:
        """An invoice, and the subscription that it is the first of, whose making no event tells."""
        whole = self._allowed("invoice", shown["id"]) or shown
        intents = {
            intent_id: self._now("payment_intent", intent_id) or {}
            for intent_id in paying_intents(whole)
        }
        fact = self._reader.invoice(shown, stage, at, whole, intents)
        begun = fact.invoice.subscription_id if fact.invoice else None
        if stage != "invoice_created" or shown.get("billing_reason") != "subscription_create":
            begun = None
        now = self._allowed("subscription", begun) if begun else None
        return (*((self._reader.subscription_now(now, at),) if now else ()), fact)

    def _allowed(self, kind: Kind, object_id: str) -> JSON | None:
        """An object that a key need not be allowed to read; None where it is not, or it is gone."""
        try:
            return self._now(kind, object_id)
        except RightMissing:
            return None

    def _whole_invoice(self, invoice_id: str) -> JSON | None:
        if invoice_id not in self._known:
            answer = whole_invoice(self._stripe, invoice_id)
            self._known[invoice_id] = answer.data if answer else None
        return self._known[invoice_id]

    def _session(self, shown: JSON, at: datetime) -> tuple[Fact, ...]:
        return self._reader.session(self._now("checkout.session", shown["id"]) or shown, at)

    def _dispute(self, shown: JSON, at: datetime) -> tuple[Fact, ...]:
        return self._reader.dispute(self._now("dispute", shown["id"]) or shown, at)

    def _succeeded(self, shown: JSON, at: datetime) -> tuple[Fact, ...]:
        if is_checkout(shown):
            return ()  # its session says so
        return self._reader.intent(self._now("payment_intent", shown["id"]) or shown, at)

    def _failed(self, shown: JSON, at: datetime) -> tuple[Fact, ...]:
        """A refused attempt: only this event shows it, since the next one takes its place."""
        if not shown["last_payment_error"]:
            raise KeyError("last_payment_error")
        if not is_checkout(shown):
            return self._reader.declined({}, shown, at)
        found = everything(self._stripe, "checkout.session", payment_intent=shown["id"])
        session = next(found, {})
        again = self._reader.reopened(session, shown, at) if session.get("status") == "open" else ()
        return (*self._reader.declined(session, shown, at), *again)

    def _refunded(self, charge: JSON, at: datetime) -> tuple[Fact, ...]:
        """Every refund of a charge; it shows only their sum."""
        found = list(everything(self._stripe, "refund", charge=charge["id"]))
        return tuple(self._reader.refund(refund, at) for refund in reversed(found))

    def _refund(self, shown: JSON, at: datetime) -> tuple[Fact, ...]:
        if not notes_of(shown).get(PAYMENT_KEY):
            # Made elsewhere: the payment tells whether it is one of ours.
            shown = self._now("refund", shown["id"]) or shown
        return (self._reader.refund(shown, at),)

    def _subscription(self, event: JSON, shown: JSON, at: datetime) -> Fact:
        stage = _SUBSCRIPTION_STAGES[event["type"]]
        occurrence = {
            "subscription_ended": shown["id"],
            "trial_ending": f"{shown['id']}:{shown.get('trial_end')}",
        }.get(stage, event["id"])
        return self._reader.subscription(shown, stage, occurrence, at)

    def _now(self, kind: Kind, object_id: str) -> JSON | None:
        """An object as it is now; None where it is gone."""
        if kind == "invoice":
            return self._whole_invoice(object_id)
        if object_id not in self._known:
            answer = fetched(self._stripe, kind, object_id)
            self._known[object_id] = answer.data if answer else None
        return self._known[object_id]

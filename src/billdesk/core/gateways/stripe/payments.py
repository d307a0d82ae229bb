"""Money in at Stripe: sessions for customers to pay in, charges of what they saved, and the look back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from billdesk.core.gateways.stripe.client import JSON, Answer, CardRefused, StripeCaller
from billdesk.core.gateways.stripe.facts import FactReader
from billdesk.core.gateways.stripe.objects import Kind, everything, fetched, made
from billdesk.core.gateways.stripe.requests import charge_params, key_option, session_params
from billdesk.core.gateways.stripe.shapes import (
    PAYMENT_KEY,
    id_with_note,
    is_checkout,
    seconds_of,
)
from billdesk.core.rules.gateway import Fact, OffSessionRequest, PaymentQuery, PaymentRequest
from billdesk.core.values.clock import Clock
from billdesk.core.values.errors import GatewayError

SEARCH_OVERLAP = timedelta(hours=1)  # our clock and Stripe's need not agree


class Payments:
    """The payments of one account; customers come back to `return_url`."""

    def __init__(
        self, stripe: StripeCaller, facts: FactReader, clock: Clock, return_url: str
    ) -> None:
        self._stripe = stripe
        self._facts = facts
        self._clock = clock
        self._return_url = return_url

    def open(self, request: PaymentRequest) -> Fact:
        """Open a Checkout Session. Raises GatewayError, GatewayUnreachable."""
        params = session_params(request, self._return_url)
        answer = made(
            self._stripe,
            request.payment_id,
            lambda api, key: api.checkout.sessions.create(params, key),
        )
        return self._facts.session(answer.data, answer.at)[-1]

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """A payment with what became of it; nothing for an unknown one."""
        external_id = query.external_id or self._external_id(query)
        if external_id is None:
            return ()
        kind: Kind = "payment_intent" if external_id.startswith("pi_") else "checkout.session"
        answer = fetched(self._stripe, kind, external_id)
        if answer is None:
            return ()
        if kind == "payment_intent":
            known, intent = self._facts.intent(answer.data, answer.at), answer.data
        else:
            known = self._facts.session(answer.data, answer.at)
            intent = answer.data.get("payment_intent") or {}
        return (*known, *self._given_back(intent, answer.at))

    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method. Raises GatewayError, GatewayUnreachable."""
        params, key = charge_params(request), key_option(request.payment_id)
        try:
            answer = self._stripe.call(lambda api: api.payment_intents.create(params, key))
        except CardRefused as refused:
            if refused.intent is None:
                return self._refused_charge(request, refused)
            answer = Answer(refused.intent, refused.at)
        return self._facts.intent(self._with_fee(answer).data, answer.at)[-1]

    # --- inside ------------------------------------------------------------------------------

    def _with_fee(self, taken: Answer) -> Answer:
        """A payment intent with its charge. Nothing of that may hide that money was taken."""
        if taken.data["status"] != "succeeded":
            return taken
        try:
            return fetched(self._stripe, "payment_intent", taken.data["id"]) or taken
        except GatewayError:
            return taken

    def _refused_charge(self, request: OffSessionRequest, refused: CardRefused) -> Fact:
        """The payment that was refused, where the refusal does not name it."""
        query = PaymentQuery(request.payment_id, None, None, self._clock.now())
        found = self.find(query)
        if not found:
            raise refused
        return found[-1]

    def _external_id(self, query: PaymentQuery) -> str | None:
        """The id of a payment whose opening was never answered."""
        created = {"gte": seconds_of(query.created_at - SEARCH_OVERLAP)}
        sessions = everything(self._stripe, "checkout.session", created=created)
        found = id_with_note(sessions, PAYMENT_KEY, query.payment_id)
        if found:
            return found
        intents = everything(self._stripe, "payment_intent", created=created)
        taken = (intent for intent in intents if not is_checkout(intent))
        return id_with_note(taken, PAYMENT_KEY, query.payment_id)

    def _given_back(self, intent: JSON, at: datetime) -> Iterator[Fact]:
        """What became of a payment after it was paid, the oldest first."""
        charge = intent.get("latest_charge") or {}
        if charge.get("amount_refunded"):
            refunds = everything(self._stripe, "refund", payment_intent=intent["id"])
            yield from (self._facts.refund(refund, at) for refund in reversed(list(refunds)))
        if charge.get("disputed"):
            disputes = everything(self._stripe, "dispute", payment_intent=intent["id"])
            for dispute in reversed(list(disputes)):
                yield from self._facts.dispute(dispute, at)

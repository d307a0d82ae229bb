"""Money that goes back at Stripe: refunds of ours."""

from __future__ import annotations

from billdesk.core.gateways.stripe.client import StripeCaller
from billdesk.core.gateways.stripe.facts import FactReader
from billdesk.core.gateways.stripe.objects import everything, fetched
from billdesk.core.gateways.stripe.requests import key_option, refund_params
from billdesk.core.gateways.stripe.shapes import REFUND_KEY, id_with_note
from billdesk.core.rules.gateway import Fact, RefundQuery, RefundRequest
from billdesk.core.values.errors import GatewayError


class MoneyBack:
    """The refunds of one account."""

    def __init__(self, stripe: StripeCaller, facts: FactReader) -> None:
        self._stripe = stripe
        self._facts = facts

    def refund(self, request: RefundRequest) -> Fact:
        """Send money back. Raises GatewayError, GatewayUnreachable."""
        intent_id = request.charge_id or self._intent_of(request.external_id)
        params, key = refund_params(request, intent_id), key_option(request.refund_id)
        answer = self._stripe.call(lambda api: api.refunds.create(params, key))
        return self._facts.refund(answer.data, answer.at)

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """A refund by its own id, or by ours among those of its payment."""
        external_id = query.external_id
        if external_id is None:
            intent_id = query.charge_id or self._intent_of(query.payment_external_id)
            refunds = everything(self._stripe, "refund", payment_intent=intent_id)
            external_id = id_with_note(refunds, REFUND_KEY, query.refund_id)
        answer = external_id and fetched(self._stripe, "refund", external_id)
        return (self._facts.refund(answer.data, answer.at),) if answer else ()

    def _intent_of(self, external_id: str) -> str:
        """The payment intent of a payment. Raises GatewayError where nothing was paid yet."""
        if external_id.startswith("pi_"):
            return external_id
        answer = fetched(self._stripe, "checkout.session", external_id)
        intent = answer.data.get("payment_intent") if answer else None
        if not intent:
            raise GatewayError(f"{external_id} was never paid", "see what became of it")
        return str(intent["id"])

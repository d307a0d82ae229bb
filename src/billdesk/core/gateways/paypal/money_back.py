"""Money that goes back at PayPal: refunds of ours, and what PayPal or a bank takes back."""

from __future__ import annotations

from billdesk.core.gateways.paypal.amounts import reading, write_amount
from billdesk.core.gateways.paypal.client import CAPTURES_PATH, ORDERS_PATH, Client, path_of
from billdesk.core.gateways.paypal.objects import (
    Json,
    Source,
    dispute_facts,
    order_facts,
    refund_fact,
)
from billdesk.core.rules.gateway import REFUND_STAGES, Fact, RefundQuery, RefundRequest
from billdesk.core.values.errors import GatewayError

REFUNDS_PATH = "/v2/payments/refunds"
DISPUTES_PATH = "/v1/customer/disputes"

_LONGEST_NOTE = 255


class MoneyBack:
    """The refunds and disputes of one account."""

    def __init__(self, client: Client, source: Source) -> None:
        self._client = client
        self._source = source

    def refund(self, request: RefundRequest) -> Fact:
        """Send money of a capture back; PayPal knows the refund id for 45 days.

        Raises GatewayError for a payment with nothing captured, for a known refund id with another
        amount, for what PayPal refuses, and as `Client.ask`.
        """
        charge_id = request.charge_id or self._captured(request.external_id)
        body = {
            "amount": write_amount(request.amount),
            "custom_id": f"{request.payment_id},{request.refund_id}",
            "invoice_id": request.refund_id,
        }
        if request.note:
            body["note_to_payer"] = request.note[:_LONGEST_NOTE]
        path = f"{path_of(CAPTURES_PATH, charge_id)}/refund"
        answer = self._client.ask("POST", path, body=body, key=request.refund_id)
        fact = self._told(answer.data, request.external_id)
        if fact.amount != request.amount:
            raise GatewayError(
                f"{request.refund_id} was asked for with other content: {fact.amount}",
                "use a new refund id",
            )
        return fact

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """What is known of a refund: by its own id, or by ours among those of its order."""
        if query.external_id is not None:
            path = path_of(REFUNDS_PATH, query.external_id)
            answer = self._client.ask("GET", path, accept={404})
            if answer.status == 404:
                return ()
            return (self._told(answer.data, query.payment_external_id),)
        if not query.payment_external_id:
            return ()
        path = path_of(ORDERS_PATH, query.payment_external_id)
        answer = self._client.ask("GET", path, accept={404})
        if answer.status == 404:
            return ()
        with reading("an order"):
            facts = order_facts(self._source, answer.data)
        return tuple(
            fact
            for fact in facts
            if fact.stage in REFUND_STAGES and fact.refund_id == query.refund_id
        )

    def reversal(self, taken: Fact) -> tuple[Fact, ...]:
        """What money that was taken back is part of: the payment's disputes, if it has any.

        Told as the dispute it belongs to, it is not taken twice.
        """
        disputes = self.disputes_about(taken.charge_id) if taken.charge_id else []
        with reading("disputes"):
            told = [fact for one in disputes for fact in dispute_facts(self._source, one)]
        return tuple(told) or (taken,)

    def disputes_about(self, charge_id: str) -> list[Json]:
        """The disputes about a capture; none, if we may not read them."""
        answer = self._client.ask(
            "GET",
            DISPUTES_PATH,
            params={"disputed_transaction_id": charge_id},
            accept={403, 404},
        )
        if answer.status >= 400:
            return []
        with reading("disputes"):
            return [self.dispute(item["dispute_id"]) for item in answer.data.get("items", [])]

    def dispute(self, dispute_id: str) -> Json:
        """A dispute with all that belongs to it; lists leave out which payment it is about."""
        return self._client.ask("GET", path_of(DISPUTES_PATH, dispute_id)).data

    # --- inside ------------------------------------------------------------------------------

    def _captured(self, order_id: str) -> str:
        order = self._client.ask("GET", path_of(ORDERS_PATH, order_id)).data
        with reading("an order"):
            facts = order_facts(self._source, order)
        for fact in facts:
            if fact.stage == "settled" and fact.charge_id:
                return fact.charge_id
        raise GatewayError(f"nothing was paid on {order_id}", "there is nothing to send back")

    def _told(self, refund: Json, order_id: str) -> Fact:
        with reading("a refund"):
            return refund_fact(self._source, refund, order_id=order_id)

"""Payments at PayPal: an order is made, agreed to by the customer, and captured by us."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from billdesk.core.gateways.paypal.amounts import reading, write_amount
from billdesk.core.gateways.paypal.client import (
    CAPTURES_PATH,
    ORDERS_PATH,
    PAYMENT_TOKENS_PATH,
    Answer,
    Client,
    path_of,
)
from billdesk.core.gateways.paypal.objects import (
    Json,
    Source,
    capture_fact,
    link,
    order_facts,
    words,
)
from billdesk.core.gateways.paypal.reports import everything, paid_fact
from billdesk.core.rules.gateway import (
    PAYMENT_STAGES,
    Fact,
    OffSessionRequest,
    PaymentQuery,
    PaymentRequest,
)
from billdesk.core.values.clock import Clock
from billdesk.core.values.errors import GatewayError, KeyRefused
from billdesk.core.values.money import Money

KEY_LIFE = timedelta(hours=6)
"""How long PayPal knows a PayPal-Request-Id of an order."""
ORDER_LIFE = timedelta(hours=3)
"""How long PayPal keeps an order that nobody agrees to, at least."""

_LONGEST_DESCRIPTION = 127
_SEARCH_MARGIN = timedelta(minutes=10)

# The customer's side says no: the payment failed. Anything else is about us.
_DECLINES = frozenset(
    "AGREEMENT_ALREADY_CANCELLED BILLING_AGREEMENT_NOT_FOUND CARD_CLOSED CARD_EXPIRED "
    "COMPLIANCE_VIOLATION DECLINED_DUE_TO_RELATED_TXN INSTRUMENT_DECLINED "
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED PAYER_ACCOUNT_LOCKED_OR_CLOSED "
    "PAYER_ACCOUNT_RESTRICTED PAYER_CANNOT_PAY REDIRECT_PAYER_FOR_ALTERNATE_FUNDING "
    "REFERENCED_CARD_EXPIRED TOKEN_ID_NOT_FOUND TRANSACTION_LIMIT_EXCEEDED "
    "TRANSACTION_REFUSED".split()
)
# With another card or account the same order can still be paid.
_TRY_ANOTHER = frozenset({"INSTRUMENT_DECLINED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"})
_NOT_AGREED = frozenset({"ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"})
_CAPTURED = frozenset({"ORDER_ALREADY_CAPTURED", "ORDER_COMPLETION_IN_PROGRESS"})


class Orders:
    """The orders of one account; customers come back to `return_url`."""

    def __init__(self, client: Client, source: Source, clock: Clock, return_url: str) -> None:
        self._client = client
        self._source = source
        self._clock = clock
        self._return_url = return_url

    def open(self, request: PaymentRequest) -> Fact:
        """Make an order, or get the one that was made for this payment id.

        PayPal answers a known id with the order as it is now, so this is safe to repeat for 6 hours;
        after that the same id would make a second order. Raises GatewayError for a known id with
        another amount, and as `Client.ask`.
        """
        wallet: dict[str, Any] = {
            "experience_context": {
                "return_url": self._return_url,
                "cancel_url": self._return_url,
                "shipping_preference": "NO_SHIPPING",
                "user_action": "PAY_NOW",
            }
        }
        if request.save_method:
            wallet["attributes"] = {
                "vault": {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}
            }
            if request.customer_id is not None:
                wallet["attributes"]["customer"] = {"id": request.customer_id}
        body = _order_body(request, {"paypal": wallet})
        answer = self._client.ask("POST", ORDERS_PATH, body=body, key=request.payment_id)
        return self._same_payment(self._told(answer.data)[0], request.payment_id, request.amount)

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """What is known of a payment; an order that the customer agreed to is captured first."""
        if query.external_id is None:
            return self._find_reported(query)
        answer = self._client.ask("GET", path_of(ORDERS_PATH, query.external_id), accept={404})
        if answer.status != 404:
            return self._finished(answer.data, query.payment_id)
        if query.charge_id is not None:
            return self._captured(query.external_id, query.charge_id)
        if self._clock.now() - query.created_at < ORDER_LIFE:
            return ()
        expired = self._source.fact(
            query.external_id,
            "expired",
            query.external_id,
            happened_at=answer.at,
            detail="PayPal no longer knows it: nobody paid in time",
            raw=answer.data,
            payment_id=query.payment_id,
        )
        return (expired,)

    def charge(self, request: OffSessionRequest) -> Fact:
        """Make and capture an order on a saved method; PayPal asks nobody."""
        path = path_of(PAYMENT_TOKENS_PATH, request.method_id)
        token = self._client.ask("GET", path, accept={404})
        with reading(f"payment token {request.method_id}"):
            # One that is gone may have been charged by this very request: PayPal knows the key.
            [kind, *_] = token.data.get("payment_source", {"paypal": {}})
        method = {"vault_id": request.method_id}
        stored = {"payment_initiator": "MERCHANT", "payment_type": "UNSCHEDULED"}
        inside = method | ({"stored_credential": stored} if kind == "card" else {})
        answer = self._client.ask(
            "POST",
            ORDERS_PATH,
            body=_order_body(request, {kind: inside}),
            key=request.payment_id,
            accept={422},
        )
        if answer.status == 422:
            return self._declined(request, answer)
        facts = self._finished(answer.data, request.payment_id)
        last = [fact for fact in facts if fact.stage in PAYMENT_STAGES][-1]
        if last.stage == "opened":
            # PayPal wants the customer, who is away.
            last = replace(last, stage="declined", pay_url=None)
        return self._same_payment(last, request.payment_id, request.amount)

    # --- inside ------------------------------------------------------------------------------

    def _finished(self, order: Json, payment_id: str) -> tuple[Fact, ...]:
        """What an order tells, after its money was asked for if that was still to be done."""
        if order.get("status") != "APPROVED":
            return self._told(order)
        with reading("an order"):
            path = path_of(ORDERS_PATH, order["id"])
            agreed_at = order.get("update_time") or order["create_time"]
        answer = self._client.ask(
            "POST",
            f"{path}/capture",
            body={},
            key=f"{payment_id}:capture",
            # What PayPal says of one order shall not keep others from being asked for.
            accept={400, 404, 422},
        )
        if answer.status < 300:
            return self._told(answer.data)
        if answer.issue in _CAPTURED:
            return self._told(self._client.ask("GET", path).data)
        [opened] = self._told(order)
        return (_uncaptured(opened, answer, f"{opened.object_id}:{agreed_at}"),)

    def _captured(self, order_id: str, charge_id: str) -> tuple[Fact, ...]:
        """A payment whose order PayPal forgot, though money moved: its capture still tells."""
        path = path_of(CAPTURES_PATH, charge_id)
        answer = self._client.ask("GET", path, accept={404})
        if answer.status == 404:
            return ()
        with reading("a capture"):
            return (capture_fact(self._source, answer.data, order_id=order_id),)

    def _find_reported(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """A payment whose order we were never told: nothing, until the report must show it.

        While PayPal knows the key, asking again with it is the way to learn what came of it.
        Later nobody can have paid, except for a charge without the customer; that one the report of
        transactions knows by our id. Without the right to read it, nothing is known.
        """
        if self._clock.now() - query.created_at < KEY_LIFE:
            return ()
        since, until = query.created_at - _SEARCH_MARGIN, query.created_at + 2 * KEY_LIFE
        try:
            moved = list(everything(self._client, since, min(until, self._clock.now())))
        except KeyRefused:
            return ()
        for movement in moved:
            if movement.kind == "payment" and movement.custom_id == query.payment_id:
                return (paid_fact(self._client, self._source, movement),)
        return ()

    def _told(self, order: Json) -> tuple[Fact, ...]:
        with reading("an order"):
            return order_facts(self._source, order)

    def _declined(self, request: OffSessionRequest, answer: Answer) -> Fact:
        """A charge that the customer's side refuses: there is no order. Raises any other refusal."""
        if answer.issue not in _DECLINES:
            raise self._client.refusal(answer)
        return self._source.fact(
            request.payment_id,
            "declined",
            request.payment_id,
            amount=request.amount,
            happened_at=answer.at,
            detail=words(answer.issue),
            raw=answer.data,
            payment_id=request.payment_id,
        )

    def _same_payment(self, fact: Fact, payment_id: str, amount: Money) -> Fact:
        if (fact.payment_id, fact.amount) != (payment_id, amount):
            raise GatewayError(
                f"{payment_id} was opened with other content: {fact.amount}", "use a new payment id"
            )
        return fact


def _uncaptured(opened: Fact, answer: Answer, attempt: str) -> Fact:
    """What becomes of an order that PayPal does not capture.

    `attempt` is the same for each time the customer agreed, however often we ask for the money.
    """
    if answer.issue in _NOT_AGREED:
        return opened
    if answer.issue not in _DECLINES:
        # About us, not about the customer: still open until it is mended or the order is void.
        why = f"PayPal does not hand the money over: {answer.words}"
        return replace(opened, occurrence=f"{opened.object_id}:{answer.issue}", detail=why)
    told = replace(opened, occurrence=attempt, happened_at=answer.at, detail=words(answer.issue))
    if answer.issue in _TRY_ANOTHER:
        # No end: who is told `declined` no longer asks, and nobody would capture the next try.
        return replace(told, pay_url=link(answer.data, "redirect") or opened.pay_url)
    return replace(told, stage="declined", raw=json.dumps(answer.data), pay_url=None)


def _order_body(request: PaymentRequest | OffSessionRequest, source: Json) -> dict[str, Any]:
    """An order for all of the money at once; PayPal refuses a second one with the same invoice id."""
    unit = {
        "custom_id": request.payment_id,
        "invoice_id": request.payment_id,
        "amount": write_amount(request.amount),
    }
    if request.description:
        unit["description"] = request.description[:_LONGEST_DESCRIPTION]
    return {"intent": "CAPTURE", "purchase_units": [unit], "payment_source": source}

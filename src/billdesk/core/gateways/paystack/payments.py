"""Money in at Paystack: asking a customer for it, taking it from a saved method, looking for it."""

from __future__ import annotations

import json
from dataclasses import replace

from billdesk.core.gateways.paystack.answers import Answers
from billdesk.core.gateways.paystack.calls import Calls, Refusal, Row
from billdesk.core.gateways.paystack.objects import customer, refunds_of, transaction
from billdesk.core.gateways.paystack.parts import number, row_of, rows_of, text
from billdesk.core.gateways.paystack.passes import DISPUTES, REFUNDS
from billdesk.core.gateways.paystack.references import to_reference
from billdesk.core.rules.gateway import Fact, OffSessionRequest, PaymentQuery, PaymentRequest
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money

CURRENCIES = ("NGN", "GHS", "ZAR", "KES", "USD")


class Payments:
    """The payments of one integration; customers come back to `return_url`."""

    def __init__(self, name: str, calls: Calls, answers: Answers, return_url: str) -> None:
        self._name = name
        self._calls = calls
        self._answers = answers
        self._return_url = return_url

    def open(self, request: PaymentRequest) -> Fact:
        """Ask a customer for money. Raises GatewayError, GatewayUnreachable."""
        if not request.email:
            raise GatewayError(
                f"{self._name} needs an e-mail address, and {request.account_ref} has none",
                "give the account an address, or take another gateway",
            )
        self._check_currency(request.amount)
        body: Row = {
            "email": request.email,
            "amount": request.amount.minor,
            "currency": request.amount.asset,
            "reference": to_reference(request.payment_id),
            "callback_url": self._return_url,
            "metadata": {
                "payment_id": request.payment_id,
                "account": request.account_ref,
                "description": request.description,
                "save_method": request.save_method,
            },
        }
        try:
            row = row_of(self._calls.post("/transaction/initialize", body).data)
        except Refusal as refusal:
            return self._known(request.payment_id, request.amount, refusal)
        return self._answers.opened(row, request.payment_id, request.amount)

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """A payment with what became of it, the oldest first; nothing for an unknown one."""
        row = transaction(self._calls, query.external_id or to_reference(query.payment_id))
        if row is None:
            return ()
        facts = [self._answers.transaction(row)]
        if query.charge_id or text(row, "status") == "reversed":
            charge_id = number(row, "id")
            for refund in refunds_of(self._calls, row):
                facts += REFUNDS.facts(self._answers, refund)
            disputes = self._calls.get(DISPUTES.path, {"transaction": str(charge_id)}).data
            for dispute in rows_of(disputes):
                facts += self._answers.dispute(dispute)
        return tuple(sorted(facts, key=lambda fact: fact.happened_at))

    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method. Raises GatewayError, GatewayUnreachable."""
        self._check_currency(request.amount)
        payer = customer(self._calls, request.customer_id)
        if payer is None:
            raise GatewayError(
                f"{self._name} knows no customer {request.customer_id[:40]!r}",
                "have the customer pay once more, and the method is saved again",
            )
        body: Row = {
            "email": text(payer, "email"),
            "amount": request.amount.minor,
            "currency": request.amount.asset,
            "authorization_code": request.method_id,
            "reference": to_reference(request.payment_id),
            "metadata": json.dumps(
                {
                    "payment_id": request.payment_id,
                    "account": request.account_ref,
                    "description": request.description,
                }
            ),
        }
        try:
            row = row_of(self._calls.post("/transaction/charge_authorization", body).data)
        except Refusal as refusal:
            return self._known(request.payment_id, request.amount, refusal)
        if row.get("paused") is True:
            detail = "the bank wants the customer to confirm this charge"
            return self._answers.opened(row, request.payment_id, request.amount, detail)
        fact = self._answers.transaction(row)
        return replace(fact, payment_id=request.payment_id)

    # --- inside ------------------------------------------------------------------------------

    def _check_currency(self, amount: Money) -> None:
        if amount.asset not in CURRENCIES:
            raise GatewayError(
                f"{self._name} takes no {amount.asset}", f"it takes {', '.join(CURRENCIES)}"
            )

    def _known(self, payment_id: str, amount: Money, refusal: Refusal) -> Fact:
        """The payment that has our reference already. Raises the refusal if that is not why."""
        row = transaction(self._calls, to_reference(payment_id)) if refusal.is_duplicate else None
        if row is None:
            raise refusal
        fact = self._answers.transaction(row)
        if fact.amount != amount:
            raise GatewayError(
                f"{payment_id} is a payment of {fact.amount} at {self._name} already",
                "use another id",
            )
        if fact.stage == "opened":
            lost = "open, but Paystack tells the address to pay at only once, and it is lost"
            fact = replace(fact, detail=lost)
        return replace(fact, payment_id=payment_id)

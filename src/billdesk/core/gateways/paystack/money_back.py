"""Money that goes back at Paystack. No refund is asked for before it was looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from billdesk.core.gateways.paystack.answers import Answers
from billdesk.core.gateways.paystack.calls import Calls, Row
from billdesk.core.gateways.paystack.objects import one, refunds_of, transaction
from billdesk.core.gateways.paystack.parts import row_of, text
from billdesk.core.gateways.paystack.passes import REFUNDS, read_all
from billdesk.core.gateways.paystack.references import refund_id_of, to_note
from billdesk.core.rules.gateway import Fact, RefundQuery, RefundRequest
from billdesk.core.values.errors import GatewayError

_CLOCKS_APART = timedelta(days=1)  # ours and theirs, at most


class MoneyBack:
    """The refunds of one integration."""

    def __init__(self, name: str, calls: Calls, answers: Answers) -> None:
        self._name = name
        self._calls = calls
        self._answers = answers

    def refund(self, request: RefundRequest) -> Fact:
        """Send money back, once for an id. Raises GatewayError, GatewayUnreachable."""
        payment = transaction(self._calls, request.external_id)
        if payment is None:
            raise GatewayError(
                f"{self._name} knows no payment {request.external_id[:60]!r}", "see its facts"
            )
        known = _with_id(request.refund_id, refunds_of(self._calls, payment))
        if known is not None:
            fact = self._answers.refund(known)
            if fact.amount != request.amount:
                raise GatewayError(
                    f"{request.refund_id} is a refund of {fact.amount} at {self._name} already",
                    "use another id",
                )
        else:
            body: Row = {
                "transaction": text(payment, "reference"),
                "amount": request.amount.minor,
                "currency": request.amount.asset,
                "merchant_note": to_note(request.refund_id, request.note),
            }
            fact = self._answers.refund(row_of(self._calls.post("/refund", body).data))
        return replace(fact, refund_id=request.refund_id, payment_id=request.payment_id)

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """A refund by its own id, or by ours in its note; nothing for an unknown one."""
        if query.external_id is not None:
            row = one(self._calls, "/refund", query.external_id)
        else:
            since = query.created_at - _CLOCKS_APART
            row = _with_id(query.refund_id, read_all(self._calls, REFUNDS, since))
        return () if row is None else (self._answers.refund(row),)


def _with_id(refund_id: str, refunds: Iterator[Row]) -> Row | None:
    return next((row for row in refunds if refund_id_of(row) == refund_id), None)

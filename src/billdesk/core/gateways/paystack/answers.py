"""What Paystack's JSON means: transactions, refunds, disputes and subscriptions as facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, Unpack

from billdesk.core.gateways.paystack.billing import (
    charge_state,
    invoice_state,
    subscription_state,
)
from billdesk.core.gateways.paystack.calls import Row
from billdesk.core.gateways.paystack.parts import (
    CHANGED,
    MADE,
    PAID,
    instant,
    money,
    number,
    part,
    plain,
    text,
)
from billdesk.core.gateways.paystack.references import (
    note_of,
    payment_id_of,
    payment_of,
    refund_id_of,
)
from billdesk.core.rules.gateway import Fact, Method, Mode, Stage, Ties
from billdesk.core.values.clock import Clock
from billdesk.core.values.money import Money

PAYABLE = timedelta(days=1)
"""How long a payment waits for its customer here. Paystack calls it `abandoned` from the first moment
on and never ends it; one that is paid later still is told, as settled."""

_TRANSACTION_STAGES: Mapping[str, Stage] = {
    "success": "settled",
    "reversed": "settled",  # and given back since, which its refund or dispute tells
    "failed": "declined",
    "abandoned": "opened",
    "ongoing": "opened",
    "pending": "processing",
    "processing": "processing",
    "queued": "processing",
}
_TRANSACTION_DETAILS: Mapping[str, str] = {
    "success": "",
    "reversed": "paid, and given back since",
    "abandoned": "not paid yet; Paystack calls that abandoned, and it can still be paid",
    "ongoing": "the customer is paying",
    "pending": "the payment is on its way",
    "processing": "the bank is working on it",
    "queued": "Paystack will charge it later",
}
_REFUND_STAGES: Mapping[str, Stage] = {
    "pending": "refund_pending",
    "processing": "refund_pending",
    "needs-attention": "refund_pending",
    "processed": "refunded",
    "failed": "refund_failed",
}
_NEEDS_ATTENTION = (
    "Paystack needs the customer's bank account to go on; give it on Paystack's dashboard, "
    "under this refund"
)
_DISPUTE_ENDED = frozenset({"resolved", "archived"})
_DISPUTE_STAGES: Mapping[str, Stage] = {
    "declined": "dispute_won",  # the claim was
    "merchant-accepted": "dispute_lost",
    "auto-accepted": "dispute_lost",
}
_SUBSCRIPTION_ENDED = frozenset({"cancelled", "complete", "completed"})
_INVOICE_STAGES: Mapping[str, Stage] = {
    "invoice.create": "invoice_created",
    "invoice.payment_failed": "invoice_failed",
}


class Answers(NamedTuple):
    """Reads answers as facts of one connected account."""

    gateway: str
    account: str
    mode: Mode
    clock: Clock

    def opened(self, row: Row, payment_id: str, amount: Money, detail: str = "") -> Fact:
        """A payment that waits for its customer at the address in the answer."""
        reference = text(row, "reference")
        return self._fact(
            row,
            object_id=reference,
            stage="opened",
            occurrence=reference,
            amount=amount,
            happened_at=self.clock.now(),
            detail=detail,
            payment_id=payment_id,
            pay_url=text(row, "authorization_url"),
        )

    def transaction(self, row: Row) -> Fact:
        """A payment as it stands. Raises GatewayError for what no transaction looks like."""
        status, reference = text(row, "status"), text(row, "reference")
        stage = _TRANSACTION_STAGES.get(status, "unknown")
        charge_id, currency = str(number(row, "id")), text(row, "currency")
        settled = stage == "settled"
        detail = _TRANSACTION_DETAILS.get(status)
        if detail is None:
            detail = str(row.get("gateway_response") or row.get("message") or status)
        if status == "abandoned" and self.clock.now() - instant(row, *MADE) >= PAYABLE:
            stage, detail = "expired", "nobody paid in a day; one that is paid later still counts"
        return self._fact(
            row,
            object_id=reference,
            stage=stage,
            # Before an end there is no number yet: the first answer gives none.
            occurrence=charge_id if stage in {"settled", "declined"} else reference,
            amount=money(row, "amount", currency),
            happened_at=instant(row, *(PAID if settled else MADE)),
            detail=detail,
            fee=money(row, "fees", currency) if settled and row.get("fees") is not None else None,
            payment_id=payment_id_of(row),
            charge_id=charge_id if settled else None,
            method=_saved_method_of(row) if settled else None,
        )

    def charged(self, row: Row) -> tuple[Fact, ...]:
        """A payment as it stands; before it, what it was charged for if that was a plan."""
        fact = self.transaction(row)
        if fact.stage != "settled" or fact.payment_id is not None or fact.amount is None:
            return (fact,)
        state = charge_state(row, fact.amount, fact.fee, fact.happened_at)
        if state is None:
            return (fact,)
        return replace(fact, stage="invoice_paid", method=None, invoice=state), fact

    def refund(self, row: Row) -> Fact:
        """A refund as it stands. Raises GatewayError for what no refund looks like."""
        status, refund_number = text(row, "status"), str(number(row, "id"))
        stage = _REFUND_STAGES.get(status, "unknown")
        attention = status == "needs-attention"
        payment = payment_of(row)
        return self._fact(
            row,
            object_id=refund_number,
            stage=stage,
            # The same stage as pending, and news for whoever waits.
            occurrence=f"{refund_number}:attention" if attention else refund_number,
            amount=money(row, "amount", text(row, "currency")),
            happened_at=instant(row, *(MADE if stage == "refund_pending" else CHANGED)),
            detail=_NEEDS_ATTENTION if attention else note_of(row) or status,
            refund_id=refund_id_of(row),
            payment_external_id=payment.get("reference"),
            charge_id=str(number(payment, "id")),
        )

    def dispute(self, row: Row) -> tuple[Fact, ...]:
        """A dispute: that it was opened, and how it ended if it has."""
        payment = part(row, "transaction")
        currency = str(row.get("currency") or payment.get("currency") or "")
        asked = row if row.get("refund_amount") is not None else payment
        opened = self._fact(
            row,
            object_id=str(number(row, "id")),
            stage="disputed",
            occurrence=str(number(row, "id")),
            amount=money(asked, "refund_amount" if asked is row else "amount", currency),
            happened_at=instant(row, *MADE),
            detail=str(row.get("category") or "contested by the payer"),
            payment_id=payment_id_of(payment),
            payment_external_id=text(payment, "reference"),
            charge_id=str(number(payment, "id")),
        )
        if text(row, "status") not in _DISPUTE_ENDED:
            return (opened,)
        resolution = str(row.get("resolution"))
        ended = replace(
            opened,
            stage=_DISPUTE_STAGES.get(resolution, "unknown"),
            happened_at=instant(row, *CHANGED),
            detail=f"resolved: {resolution}",
        )
        return (opened, ended)

    def subscription(self, row: Row, *, ended: bool = False) -> Fact:
        """A subscription kept at Paystack, as it is now; `ended` when its end was the message."""
        status = str(row.get("status") or "")
        over = ended or status in _SUBSCRIPTION_ENDED
        until = row.get("next_payment_date") or ""
        return self._fact(
            row,
            object_id=text(row, "subscription_code"),
            stage="subscription_ended" if over else "subscription_changed",
            occurrence=f"{status}:{until}",
            amount=None,
            happened_at=self.clock.now(),
            detail=status,
            subscription=subscription_state(row, ended=over),
        )

    def invoice(self, row: Row, kind: str) -> Fact:
        """An invoice of a subscription at Paystack, from a message of this kind."""
        code, payment = text(row, "invoice_code"), part(row, "transaction")
        paid = kind == "invoice.update" and bool(row.get("paid"))
        currency = payment.get("currency")
        detail = str(row.get("description") or row.get("status") or "")
        failure = detail if kind == "invoice.payment_failed" else ""
        return self._fact(
            row,
            object_id=code,
            stage="invoice_paid" if paid else _INVOICE_STAGES.get(kind, "unknown"),
            occurrence=str(payment.get("reference") or code),
            amount=money(row, "amount", currency) if isinstance(currency, str) else None,
            happened_at=self.clock.now(),
            detail=detail,
            invoice=invoice_state(row, paid=paid, failure=failure),
        )

    def unknown(self, row: Row, kind: str, number: str) -> Fact:
        """A message of a kind that nobody reads yet."""
        return self._fact(
            row,
            object_id=number,
            stage="unknown",
            occurrence=number,
            amount=None,
            happened_at=self.clock.now(),
            detail=f"a message of Paystack's that nobody reads yet: {kind}",
        )

    def _fact(
        self,
        row: Row,
        *,
        object_id: str,
        stage: Stage,
        occurrence: str,
        amount: Money | None,
        happened_at: datetime,
        detail: str,
        fee: Money | None = None,
        **ties: Unpack[Ties],
    ) -> Fact:
        return Fact(
            gateway=self.gateway,
            account=self.account,
            mode=self.mode,
            object_id=object_id,
            stage=stage,
            occurrence=occurrence,
            amount=amount,
            fee=fee,
            happened_at=happened_at,
            detail=plain(detail),
            raw=json.dumps(row, sort_keys=True),
            **ties,
        )


def _saved_method_of(transaction: Row) -> Method | None:
    """What was paid with, if it was to be kept: Paystack keeps more than it was asked to."""
    if part(transaction, "metadata").get("save_method") is not True:
        return None
    customer_id = part(transaction, "customer").get("customer_code")
    if not isinstance(customer_id, str):
        return None
    return method_of(part(transaction, "authorization"), customer_id)


def method_of(row: Row, customer_id: str) -> Method | None:
    """A saved way to pay, or None for one that cannot be charged again."""
    code = row.get("authorization_code")
    if not isinstance(code, str) or row.get("reusable") is not True:
        return None
    make = str(row.get("brand") or row.get("card_type") or row.get("channel") or "card").strip()
    year, month = row.get("exp_year"), row.get("exp_month")
    return Method(
        code,
        customer_id,
        plain(f"{make[:1].upper()}{make[1:]} ···· {row.get('last4') or '????'}"),
        f"{year}-{str(month).zfill(2)}" if year and month else None,
    )

"""Paystack, asked over HTTP with a secret key.

A payment is found by its reference, which is our payment id in Paystack's alphabet; Paystack refuses
to use one twice, and that is what makes asking for a payment and charging safe to repeat. A refund
has no reference: our id stands in its note for the merchant, and no refund is asked for before the
list of refunds was searched for it. There is no list of events either: polling lists transactions,
refunds and disputes (`passes.py`). A quiet poll makes three requests.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import quote

from billdesk.core.gateways.paystack.answers import (
    MADE,
    Answers,
    instant,
    method_of,
    number,
    part,
    payment_of,
    refund_id_of,
    text,
    to_note,
    to_reference,
)
from billdesk.core.gateways.paystack.calls import Calls, Refusal, Row
from billdesk.core.gateways.paystack.messages import read_message
from billdesk.core.gateways.paystack.passes import (
    DISPUTES,
    REFUNDS,
    TRANSACTIONS,
    Pass,
    read_all,
)
from billdesk.core.rules.gateway import (
    Fact,
    FactPage,
    GatewayCheck,
    GatewayRow,
    HostedPage,
    Make,
    Method,
    Mode,
    OffSessionRequest,
    PaymentQuery,
    PaymentRequest,
    RefundQuery,
    RefundRequest,
)
from billdesk.core.rules.mirrors import InvoiceRequest
from billdesk.core.values.clock import Clock, SystemClock
from billdesk.core.values.errors import GatewayError, KeyRefused, NotOffered
from billdesk.core.values.money import Money

__all__ = ["Paystack"]

BASE_URL = "https://api.paystack.co"
RETURN_URL = "https://paystack.com"
CURRENCIES = ("NGN", "GHS", "ZAR", "KES", "USD")

_KEY = re.compile(r"sk_(test|live)_[A-Za-z0-9_]+", re.ASCII)
_CLOCKS_APART = timedelta(days=1)  # ours and theirs, at most


class Paystack:
    """A Paystack integration, connected under a name. Its mode follows from its secret key."""

    make: Make = "paystack"

    def __init__(
        self,
        name: str,
        key: str,
        *,
        account: str = "",
        clock: Clock | None = None,
        base_url: str | None = None,
        return_url: str = RETURN_URL,
        timeout_seconds: float = 10,
    ) -> None:
        mode = _KEY.fullmatch(key)
        if mode is None:
            raise KeyRefused(
                f"the key of {name} was refused: it is no secret key of Paystack's",
                "give the one that begins with sk_test_ or sk_live_",
            )
        self.name = name
        self.account = account
        self.mode = cast("Mode", mode[1])
        self._key = key
        self._return_url = return_url
        self._answers = Answers(name, account, self.mode, clock or SystemClock())
        self._calls = Calls(name, key, base_url or BASE_URL, timeout_seconds)

    def __repr__(self) -> str:
        return f"Paystack({self.name!r}, account={self.account!r}, mode={self.mode!r})"

    def check(self) -> GatewayCheck:
        """Try the key, and tell the number of its integration.

        Paystack tells that with a customer only. Until there is one, a fingerprint of the key stands
        for the account, and does so for as long as this is connected under it.
        """
        customers = _rows(self._calls.get("/customer", {"perPage": "1"}).data)
        fingerprint = f"key {hashlib.sha256(self._key.encode()).hexdigest()[:8]}"
        told = customers and customers[0].get("integration")
        account = str(told) if told and self.account != fingerprint else fingerprint
        return GatewayCheck(account, self.mode)

    # --- money in ----------------------------------------------------------------------------

    def open_payment(self, request: PaymentRequest) -> Fact:
        """Have a customer asked for money; the answer carries the address to pay at.

        Paystack tells that address once: the same request again gives the payment without it.
        Raises GatewayError for an account without e-mail address, another currency than Paystack's
        five, or a known payment id with other content; GatewayUnreachable.
        """
        if not request.email:
            raise GatewayError(
                f"{self.name} needs an e-mail address, and {request.account_ref} has none",
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
            row = _row(self._calls.post("/transaction/initialize", body).data)
        except Refusal as refusal:
            return self._known(request.payment_id, request.amount, refusal)
        return self._answers.opened(row, request.payment_id, request.amount)

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """What is known now of one of our payments; nothing if it was never heard of.

        Once it is known to be paid, its refunds and disputes are asked for too.
        """
        row = self._transaction(query.external_id or to_reference(query.payment_id))
        if row is None:
            return ()
        facts = [self._answers.transaction(row)]
        if query.charge_id or text(row, "status") == "reversed":
            charge_id = number(row, "id")
            for refund in self._refunds_of(row):
                facts += REFUNDS.facts(self._answers, refund)
            disputes = self._calls.get(DISPUTES.path, {"transaction": str(charge_id)}).data
            for dispute in _rows(disputes):
                facts += self._answers.dispute(dispute)
        return tuple(sorted(facts, key=lambda fact: fact.happened_at))

    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method: settled, declined or processing; same id, same payment.

        Paystack takes a method only together with the e-mail address that it was saved with, so the
        customer is asked for first. Raises GatewayError, GatewayUnreachable.
        """
        self._check_currency(request.amount)
        customer = self._customer(request.customer_id)
        if customer is None:
            raise GatewayError(
                f"{self.name} knows no customer {request.customer_id[:40]!r}",
                "have the customer pay once more, and the method is saved again",
            )
        body: Row = {
            "email": text(customer, "email"),
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
            row = _row(self._calls.post("/transaction/charge_authorization", body).data)
        except Refusal as refusal:
            return self._known(request.payment_id, request.amount, refusal)
        if row.get("paused") is True:
            detail = "the bank wants the customer to confirm this charge"
            return self._answers.opened(row, request.payment_id, request.amount, detail)
        fact = self._answers.transaction(row)
        return replace(fact, payment_id=request.payment_id)

    # --- money back --------------------------------------------------------------------------

    def refund(self, request: RefundRequest) -> Fact:
        """Send money back; same id, same refund.

        The payment's refunds are searched for our id first, always. Paystack might not list a refund
        at once whose answer was lost: who lost one asks `find_refund` first, and not at once.
        Raises GatewayError, GatewayUnreachable.
        """
        payment = self._transaction(request.external_id)
        if payment is None:
            raise GatewayError(
                f"{self.name} knows no payment {request.external_id[:60]!r}", "see its facts"
            )
        known = _with_id(request.refund_id, self._refunds_of(payment))
        if known is not None:
            fact = self._answers.refund(known)
            if fact.amount != request.amount:
                raise GatewayError(
                    f"{request.refund_id} is a refund of {fact.amount} at {self.name} already",
                    "use another id",
                )
        else:
            body: Row = {
                "transaction": text(payment, "reference"),
                "amount": request.amount.minor,
                "currency": request.amount.asset,
                "merchant_note": to_note(request.refund_id, request.note),
            }
            fact = self._answers.refund(_row(self._calls.post("/refund", body).data))
        return replace(fact, refund_id=request.refund_id, payment_id=request.payment_id)

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """What is known now of one of our refunds; nothing if it was never heard of."""
        if query.external_id is not None:
            row = self._one(f"/refund/{quote(query.external_id, safe='')}")
        else:
            since = query.created_at - _CLOCKS_APART
            row = _with_id(query.refund_id, read_all(self._calls, REFUNDS, since))
        return () if row is None else (self._answers.refund(row),)

    # --- what happened -----------------------------------------------------------------------

    def facts(self, cursor: str | None) -> FactPage:
        """What happened since `cursor`, by listing transactions, refunds and disputes.

        Three requests when there is nothing new, and never more than three at a time. Raises
        GatewayError for a cursor that is none of Paystack's, GatewayUnreachable.
        """
        return Pass.feed(cursor).step(self._calls, self._answers)

    def sweep(self, since: datetime, cursor: str | None) -> FactPage:
        """The same lists from `since` on, and from as long before as one of them takes to end."""
        return Pass.sweep(since, cursor).step(self._calls, self._answers)

    def read_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> FactPage:
        """A message brought by hand. Raises BadInput; see `messages.py` for its age."""
        return read_message(body, headers, now, self._key, self._answers)

    # --- customers and what they saved -------------------------------------------------------

    def ensure_customer(self, account_ref: str, name: str, email: str | None) -> str:
        """The code of the customer with this e-mail address, which is what tells customers apart.

        Raises GatewayError for an account without one, GatewayUnreachable.
        """
        if not email:
            raise GatewayError(
                f"{self.name} needs an e-mail address, and {account_ref} has none",
                "give the account an address",
            )
        metadata = json.dumps({"account": account_ref})
        body = {"email": email, "first_name": name, "metadata": metadata}
        return text(_row(self._calls.post("/customer", body).data), "customer_code")

    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        """Raises NotOffered: Paystack saves what a customer pays with, and needs a payment for it."""
        raise NotOffered(
            f"{self.name} has no page to save a way to pay on",
            "have the customer pay a deposit and keep the method: it is saved with the payment",
        )

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What the customer has saved and can be charged again."""
        customer = self._customer(customer_id)
        saved = [] if customer is None else _rows(customer.get("authorizations"))
        methods = (method_of(row, customer_id) for row in saved)
        return tuple(method for method in methods if method is not None)

    def remove_method(self, method: Method) -> None:
        """Forget a saved method; one that is gone already is no error."""
        body = {"authorization_code": method.method_id}
        try:
            self._calls.post("/customer/authorization/deactivate", body)
        except Refusal:
            left = {known.method_id for known in self.methods(method.customer_id)}
            if method.method_id in left:
                raise

    # --- books and what Paystack bills by itself ---------------------------------------------

    def rows(self, since: datetime, until: datetime) -> Iterator[GatewayRow]:
        """What was paid, given back and lost in disputes in a half-open span.

        Lists go by when a row was made; so they are read from earlier on, and what moved no money in
        the span is left out.
        """
        for listing, stage, kind, sign in (
            (TRANSACTIONS, "settled", "payment", 1),
            (REFUNDS, "refunded", "refund", -1),
            (DISPUTES, "dispute_lost", "dispute", -1),
        ):
            for row in read_all(self._calls, listing, since - listing.reach, until):
                for fact in listing.facts(self._answers, row):
                    if fact.stage == stage and since <= fact.happened_at < until:
                        yield _to_row(fact, kind, sign)

    def subscription(self, external_id: str) -> Fact:
        """A subscription kept at Paystack, as it is now. Raises GatewayError."""
        path = f"/subscription/{quote(external_id, safe='')}"
        return self._answers.subscription(_row(self._calls.get(path).data))

    def invoice(self, external_id: str) -> Fact:
        """Raises NotOffered: invoices of subscriptions come in messages, and cannot be asked for."""
        raise NotOffered(f"{self.name} has no invoices to ask for", "ask for the subscription")

    def send_invoice(self, request: InvoiceRequest) -> Fact:
        """Raise NotOffered: a request for payment of Paystack's knows no finished invoice."""
        raise NotOffered(f"{self.name} sends no invoices of the desk's", "send its PDF by mail")

    # --- the parts ---------------------------------------------------------------------------

    def _check_currency(self, amount: Money) -> None:
        if amount.asset not in CURRENCIES:
            raise GatewayError(
                f"{self.name} takes no {amount.asset}", f"it takes {', '.join(CURRENCIES)}"
            )

    def _known(self, payment_id: str, amount: Money, refusal: Refusal) -> Fact:
        """The payment that has our reference already. Raises the refusal if that is not why."""
        row = self._transaction(to_reference(payment_id)) if refusal.is_duplicate else None
        if row is None:
            raise refusal
        fact = self._answers.transaction(row)
        if fact.amount != amount:
            raise GatewayError(
                f"{payment_id} is a payment of {fact.amount} at {self.name} already",
                "use another id",
            )
        if fact.stage == "opened":
            lost = "open, but Paystack tells the address to pay at only once, and it is lost"
            fact = replace(fact, detail=lost)
        return replace(fact, payment_id=payment_id)

    def _transaction(self, reference: str) -> Row | None:
        return self._one(f"/transaction/verify/{quote(reference, safe='')}")

    def _customer(self, customer_id: str) -> Row | None:
        return self._one(f"/customer/{quote(customer_id, safe='')}")

    def _refunds_of(self, payment: Row) -> Iterator[Row]:
        """Refunds can be listed by their time alone, and none is older than its payment."""
        charge_id = number(payment, "id")
        for row in read_all(self._calls, REFUNDS, instant(payment, *MADE)):
            if number(payment_of(row), "id") == charge_id:
                yield row

    def _one(self, path: str) -> Row | None:
        """One object, or None if there is none."""
        try:
            return _row(self._calls.get(path).data)
        except Refusal as refusal:
            if refusal.is_not_found:
                return None
            raise


def _with_id(refund_id: str, refunds: Iterator[Row]) -> Row | None:
    return next((row for row in refunds if refund_id_of(row) == refund_id), None)


def _row(data: object) -> Row:
    return part({"data": data}, "data")


def _rows(data: object) -> list[Row]:
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def _to_row(fact: Fact, kind: str, sign: int) -> GatewayRow:
    amount = cast("Money", fact.amount)  # what moves money says how much
    return GatewayRow(
        kind=kind,
        external_id=fact.object_id,
        charge_id=fact.charge_id,
        payment_id=fact.payment_id,
        asset=amount.asset,
        amount_minor=sign * amount.minor,
        fee_minor=fact.fee.minor if fact.fee else 0,
        happened_at=fact.happened_at,
    )

"""Paystack, asked over HTTP with a secret key.

A payment is found by its reference, which is our payment id in Paystack's alphabet; Paystack refuses
to use one twice, and that is what makes asking for a payment and charging safe to repeat. A refund
has no reference: our id stands in its note for the merchant, and no refund is asked for before the
list of refunds was searched for it. There is no list of events either: polling lists transactions,
refunds and disputes (`passes.py`). A quiet poll makes three requests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import cast
from urllib.parse import quote

from billdesk.core.gateways.paystack.answers import Answers
from billdesk.core.gateways.paystack.calls import Calls
from billdesk.core.gateways.paystack.customers import Customers
from billdesk.core.gateways.paystack.messages import read_message
from billdesk.core.gateways.paystack.money_back import MoneyBack
from billdesk.core.gateways.paystack.parts import row_of, rows_of
from billdesk.core.gateways.paystack.passes import (
    DISPUTES,
    REFUNDS,
    TRANSACTIONS,
    Pass,
    read_all,
)
from billdesk.core.gateways.paystack.payments import Payments
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
from billdesk.core.values.errors import KeyRefused, NotOffered
from billdesk.core.values.money import Money

__all__ = ["Paystack"]

BASE_URL = "https://api.paystack.co"
RETURN_URL = "https://paystack.com"

_KEY = re.compile(r"sk_(test|live)_[A-Za-z0-9_]+", re.ASCII)


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
        self._answers = Answers(name, account, self.mode, clock or SystemClock())
        self._calls = Calls(name, key, base_url or BASE_URL, timeout_seconds)
        self._payments = Payments(name, self._calls, self._answers, return_url)
        self._money_back = MoneyBack(name, self._calls, self._answers)
        self._customers = Customers(name, self._calls)

    def __repr__(self) -> str:
        return f"Paystack({self.name!r}, account={self.account!r}, mode={self.mode!r})"

    def check(self) -> GatewayCheck:
        """Try the key, and tell the number of its integration.

        Paystack tells that with a customer only. Until there is one, a fingerprint of the key stands
        for the account, and does so for as long as this is connected under it.
        """
        customers = rows_of(self._calls.get("/customer", {"perPage": "1"}).data)
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
        return self._payments.open(request)

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """What is known now of one of our payments; nothing if it was never heard of.

        Once it is known to be paid, its refunds and disputes are asked for too.
        """
        return self._payments.find(query)

    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method: settled, declined or processing; same id, same payment.

        Paystack takes a method only together with the e-mail address that it was saved with, so the
        customer is asked for first. Raises GatewayError, GatewayUnreachable.
        """
        return self._payments.charge(request)

    # --- money back --------------------------------------------------------------------------

    def refund(self, request: RefundRequest) -> Fact:
        """Send money back; same id, same refund.

        The payment's refunds are searched for our id first, always. Paystack might not list a refund
        at once whose answer was lost: who lost one asks `find_refund` first, and not at once.
        Raises GatewayError, GatewayUnreachable.
        """
        return self._money_back.refund(request)

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """What is known now of one of our refunds; nothing if it was never heard of."""
        return self._money_back.find_refund(query)

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
        return self._customers.ensure(account_ref, name, email)

    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        """Raises NotOffered: Paystack saves what a customer pays with, and needs a payment for it."""
        raise NotOffered(
            f"{self.name} has no page to save a way to pay on",
            "have the customer pay a deposit and keep the method: it is saved with the payment",
        )

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What the customer has saved and can be charged again."""
        return self._customers.methods(customer_id)

    def remove_method(self, method: Method) -> None:
        """Forget a saved method; one that is gone already is no error."""
        self._customers.remove(method)

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
        return self._answers.subscription(row_of(self._calls.get(path).data))

    def invoice(self, external_id: str) -> Fact:
        """Raises NotOffered: invoices of subscriptions come in messages, and cannot be asked for."""
        raise NotOffered(f"{self.name} has no invoices to ask for", "ask for the subscription")

    def send_invoice(self, request: InvoiceRequest) -> Fact:
        """Raise NotOffered: a request for payment of Paystack's knows no finished invoice."""
        raise NotOffered(f"{self.name} sends no invoices of the desk's", "send its PDF by mail")


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

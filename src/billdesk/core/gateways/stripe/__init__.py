"""Stripe, polled: Checkout Sessions, payment intents, refunds and events, through the stripe SDK.

Every request that makes something carries an idempotency key that follows from our own id. Stripe
remembers keys for a day; so does nobody repeat a request later without having looked for its outcome
with `find` or `find_refund`, which read lists and never Stripe's search, whose index is late.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from billdesk.core.gateways.stripe.billing import paying_intents
from billdesk.core.gateways.stripe.books import book_rows
from billdesk.core.gateways.stripe.client import (
    JSON,
    STRANGE,
    Answer,
    RightMissing,
    StripeCaller,
    understood,
)
from billdesk.core.gateways.stripe.customers import Customers
from billdesk.core.gateways.stripe.events import EventReader, event_of
from billdesk.core.gateways.stripe.facts import FactReader
from billdesk.core.gateways.stripe.feed import event_page, sweep_page
from billdesk.core.gateways.stripe.money_back import MoneyBack
from billdesk.core.gateways.stripe.objects import Kind, fetched, first, whole_invoice
from billdesk.core.gateways.stripe.payments import Payments
from billdesk.core.gateways.stripe.sending import sent_invoice
from billdesk.core.gateways.stripe.signatures import check_signature
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
from billdesk.core.values.errors import BadInput, GatewayError

__all__ = ["Stripe"]

# What a restricted key must be allowed to read, each tried with the smallest list there is.
_RIGHTS: tuple[tuple[str, Kind], ...] = (
    ("events", "event"),
    ("checkout sessions", "checkout.session"),
    ("payment intents", "payment_intent"),
    ("refunds", "refund"),
    ("disputes", "dispute"),
    ("customers", "customer"),
    ("balance transactions", "balance_transaction"),
    ("invoices", "invoice"),
    ("subscriptions", "subscription"),
)


class Stripe:
    """One Stripe account, asked with a secret or restricted key; its mode follows from the key.

    Stripe repeats even its own failures under a key. What moves money is then left open until the
    key is forgotten, or a poll finds out; only what does no harm twice is tried under another key.

    `account` is the account's id at Stripe (`check` tells it), `webhook_secret` what messages brought
    by hand are signed with, `return_url` where customers are sent after paying, `base_url` another
    server than Stripe's own. Raises BadInput for a key of another kind.
    """

    make: Make = "stripe"

    def __init__(
        self,
        name: str,
        key: str,
        *,
        account: str = "",
        clock: Clock | None = None,
        base_url: str | None = None,
        webhook_secret: str | None = None,
        return_url: str = "https://example.com/",
        timeout_seconds: float = 10,
    ) -> None:
        self.name = name
        self.account = account
        self.mode: Mode = _mode_of(key)
        clock = clock or SystemClock()
        self._clock = clock
        self._webhook_secret = webhook_secret
        self._stripe = StripeCaller(
            name, key, clock=clock, base_url=base_url, timeout_seconds=timeout_seconds
        )
        self._facts = FactReader(name, account, self.mode)
        self._payments = Payments(self._stripe, self._facts, clock, return_url)
        self._money_back = MoneyBack(self._stripe, self._facts)
        self._customers = Customers(self._stripe, clock, return_url)

    def __repr__(self) -> str:
        return f"Stripe({self.name!r}, account={self.account!r}, mode={self.mode!r})"

    def close(self) -> None:
        """Hang up; also done when nobody holds this any more."""
        self._stripe.close()

    @understood()
    def check(self) -> GatewayCheck:
        """Try the key: its account, its mode, and what it may not read.

        Raises KeyRefused, GatewayUnreachable.
        """
        missing, account = [], self.account
        try:
            account = self._stripe.call(lambda api: api.accounts.retrieve_current()).data["id"]
        except RightMissing as refusal:
            # Many restricted keys may never read their account, but the refusal names it.
            if refusal.account:
                account = refusal.account
            else:
                missing.append("account")
        for right, kind in _RIGHTS:
            try:
                first(self._stripe, kind)
            except RightMissing:
                missing.append(right)
        return GatewayCheck(account, self.mode, tuple(missing))

    # --- money in ------------------------------------------------------------------------------

    @understood()
    def open_payment(self, request: PaymentRequest) -> Fact:
        """Open a Checkout Session; the same request again gives the same one for a day.

        Raises GatewayError for a known payment id with other content and for amounts that Stripe
        does not take, GatewayUnreachable.
        """
        return self._payments.open(request)

    @understood()
    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """What is known now of a payment: asked by its id, or looked for in what was made since.

        Raises GatewayError, GatewayUnreachable.
        """
        return self._payments.find(query)

    @understood()
    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method: settled, declined or processing.

        Raises GatewayError, GatewayUnreachable.
        """
        return self._payments.charge(request)

    # --- money back ------------------------------------------------------------------------------

    @understood()
    def refund(self, request: RefundRequest) -> Fact:
        """Send money back. Raises GatewayError, GatewayUnreachable."""
        return self._money_back.refund(request)

    @understood()
    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """What is known now of a refund. Raises GatewayError, GatewayUnreachable."""
        return self._money_back.find_refund(query)

    # --- what happened ---------------------------------------------------------------------------

    @understood()
    def facts(self, cursor: str | None) -> FactPage:
        """What happened since `cursor`, a hundred events a page, from the newest page on.

        Raises GatewayError (also for a cursor of another make), GatewayUnreachable.
        """
        return event_page(self._stripe, self._facts, cursor, self._clock.now())

    @understood()
    def sweep(self, since: datetime, cursor: str | None) -> FactPage:
        """Every session, payment intent, refund and dispute from `since` on, a hundred a page.

        Raises GatewayError (also for a cursor of `facts`), GatewayUnreachable.
        """
        return sweep_page(self._stripe, self._facts, since, cursor)

    def read_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> FactPage:
        """A message brought by hand.

        Raises BadInput when it is not signed, not understood or not for this account and mode;
        GatewayError when what it speaks of cannot be fetched.
        """
        check_signature(body, headers, self._webhook_secret, now)
        try:
            event = json.loads(body)
            event_read = event_of(event)
            mode = "live" if event["livemode"] else "test"
            account = event.get("account") or self.account
        except STRANGE as error:
            raise BadInput("the message is no event of Stripe's", "give it as it came") from error
        if mode != self.mode or (self.account and account != self.account):
            raise BadInput(f"the message is not for {self.name}", "choose its own gateway")
        facts = EventReader(self._stripe, self._facts).facts(event)
        return FactPage(facts, "", complete=True, events=(event_read,))

    # --- customers and what they saved -----------------------------------------------------------

    @understood()
    def ensure_customer(self, account_ref: str, name: str, email: str | None) -> str:
        """Stripe's id for a customer of ours. Raises GatewayError, GatewayUnreachable."""
        return self._customers.ensure(account_ref, name, email)

    @understood()
    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        """A page of Stripe's where the customer saves a card. Raises GatewayError.

        Each call makes a new page, so its key is a random one.
        """
        return self._customers.page(customer_id, account_ref)

    @understood()
    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What the customer has saved. Raises GatewayError, GatewayUnreachable."""
        return self._customers.methods(customer_id)

    def remove_method(self, method: Method) -> None:
        """Forget a saved method. Raises GatewayError, GatewayUnreachable."""
        self._customers.remove(method)

    # --- the rest --------------------------------------------------------------------------------

    def rows(self, since: datetime, until: datetime) -> Iterator[GatewayRow]:
        """Stripe's balance of a half-open span. Raises GatewayError, GatewayUnreachable."""
        return book_rows(self._stripe, since, until)

    @understood()
    def subscription(self, external_id: str) -> Fact:
        """A subscription as it is now. Raises GatewayError, GatewayUnreachable."""
        answer = self._stripe.call(lambda api: api.subscriptions.retrieve(external_id))
        return self._facts.subscription_now(answer.data, answer.at)

    @understood()
    def invoice(self, external_id: str) -> Fact:
        """An invoice as it is now. Raises GatewayError, GatewayUnreachable."""
        answer = whole_invoice(self._stripe, external_id)
        if answer is None:
            raise GatewayError(f"Stripe knows no invoice {external_id[:64]!r}", "see the id there")
        return self._invoice_now(answer)

    @understood()
    def send_invoice(self, request: InvoiceRequest) -> Fact:
        """Make an invoice of ours at Stripe and finalize it; same id, same invoice.

        Raises GatewayError where Stripe would come to another total, GatewayUnreachable.
        """
        return self._invoice_now(sent_invoice(self._stripe, request))

    # --- inside ------------------------------------------------------------------------------------

    def _invoice_now(self, answer: Answer) -> Fact:
        intents: dict[str, JSON] = {}
        for intent_id in paying_intents(answer.data):
            found = fetched(self._stripe, "payment_intent", intent_id)
            intents[intent_id] = found.data if found else {}
        return self._facts.invoice_now(answer.data, answer.at, intents)


def _mode_of(key: str) -> Mode:
    if key.startswith(("sk_live_", "rk_live_")):
        return "live"
    if key.startswith(("sk_test_", "rk_test_")):
        return "test"
    raise BadInput("that is no key for Stripe's interface", "use one that begins with sk_ or rk_")

"""Stripe, polled: Checkout Sessions, payment intents, refunds and events, through the stripe SDK.

Every request that makes something carries an idempotency key that follows from our own id. Stripe
remembers keys for a day; so does nobody repeat a request later without having looked for its outcome
with `find` or `find_refund`, which read lists and never Stripe's search, whose index is late.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from billdesk.core.gateways.stripe.billing import paying_intents
from billdesk.core.gateways.stripe.books import book_rows
from billdesk.core.gateways.stripe.client import (
    JSON,
    STRANGE,
    Answer,
    CardRefused,
    FailureReplayed,
    Gone,
    KeyReused,
    RightMissing,
    StripeCaller,
    understood,
)
from billdesk.core.gateways.stripe.events import EventReader, event_of
from billdesk.core.gateways.stripe.facts import FactReader
from billdesk.core.gateways.stripe.feed import event_page, sweep_page
from billdesk.core.gateways.stripe.objects import (
    Kind,
    everything,
    fetched,
    first,
    whole_invoice,
)
from billdesk.core.gateways.stripe.requests import (
    charge_params,
    customer_key,
    customer_params,
    key_option,
    method_page_params,
    refund_params,
    session_params,
)
from billdesk.core.gateways.stripe.sending import sent_invoice
from billdesk.core.gateways.stripe.shapes import (
    ACCOUNT_KEY,
    PAYMENT_KEY,
    REFUND_KEY,
    is_checkout,
    notes_of,
    saved_method,
    seconds_of,
)
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

if TYPE_CHECKING:
    from stripe._v1_services import V1Services

__all__ = ["Stripe"]

SEARCH_OVERLAP = timedelta(hours=1)  # our clock and Stripe's need not agree
KEYS_LAST = timedelta(hours=25)

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
        self._clock = clock or SystemClock()
        self._webhook_secret = webhook_secret
        self._return_url = return_url
        self._stripe = StripeCaller(
            name, key, clock=self._clock, base_url=base_url, timeout_seconds=timeout_seconds
        )
        self._facts = FactReader(name, account, self.mode)

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
        params = session_params(request, self._return_url)
        answer = self._make(
            request.payment_id, lambda api, key: api.checkout.sessions.create(params, key)
        )
        return self._facts.session(answer.data, answer.at)[-1]

    @understood()
    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """What is known now of a payment: asked by its id, or looked for in what was made since.

        Raises GatewayError, GatewayUnreachable.
        """
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

    @understood()
    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method: settled, declined or processing.

        Raises GatewayError, GatewayUnreachable.
        """
        params, key = charge_params(request), key_option(request.payment_id)
        try:
            answer = self._stripe.call(lambda api: api.payment_intents.create(params, key))
        except CardRefused as refused:
            if refused.intent is None:
                return self._refused_charge(request, refused)
            answer = Answer(refused.intent, refused.at)
        return self._facts.intent(self._with_fee(answer).data, answer.at)[-1]

    # --- money back ------------------------------------------------------------------------------

    @understood()
    def refund(self, request: RefundRequest) -> Fact:
        """Send money back. Raises GatewayError, GatewayUnreachable."""
        intent_id = request.charge_id or self._intent_of(request.external_id)
        params, key = refund_params(request, intent_id), key_option(request.refund_id)
        answer = self._stripe.call(lambda api: api.refunds.create(params, key))
        return self._facts.refund(answer.data, answer.at)

    @understood()
    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """What is known now of a refund. Raises GatewayError, GatewayUnreachable."""
        external_id = query.external_id
        if external_id is None:
            intent_id = query.charge_id or self._intent_of(query.payment_external_id)
            refunds = everything(self._stripe, "refund", payment_intent=intent_id)
            external_id = _first_with(refunds, REFUND_KEY, query.refund_id)
        answer = external_id and fetched(self._stripe, "refund", external_id)
        return (self._facts.refund(answer.data, answer.at),) if answer else ()

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
        params = customer_params(account_ref, name, email)
        if email:
            same = everything(self._stripe, "customer", email=email)
            known = _first_with(same, ACCOUNT_KEY, account_ref)
            if known:
                return known
        try:
            answer = self._make(
                customer_key(account_ref),
                lambda api, key: api.customers.create(params, key),
            )
        except KeyReused:
            # Made within the last day, under another name or address.
            since = {"gte": seconds_of(self._clock.now() - KEYS_LAST)}
            known = _first_with(
                everything(self._stripe, "customer", created=since), ACCOUNT_KEY, account_ref
            )
            if known is None:
                raise
            return known
        return str(answer.data["id"])

    @understood()
    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        """A page of Stripe's where the customer saves a card. Raises GatewayError.

        Each call makes a new page, so its key is a random one.
        """
        params = method_page_params(customer_id, account_ref, self._return_url)
        made = self._stripe.call(lambda api: api.checkout.sessions.create(params)).data
        return HostedPage(made["url"], made["id"])

    @understood()
    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What the customer has saved. Raises GatewayError, GatewayUnreachable."""
        found = everything(self._stripe, "payment_method", customer=customer_id)
        return tuple(saved_method(used, customer_id) for used in found)

    def remove_method(self, method: Method) -> None:
        """Forget a saved method. Raises GatewayError, GatewayUnreachable."""
        try:
            self._stripe.call(lambda api: api.payment_methods.detach(method.method_id))
        except Gone:
            return
        except GatewayError:
            # Detached methods are still shown, but belong to nobody.
            answer = fetched(self._stripe, "payment_method", method.method_id)
            if answer is None or answer.data.get("customer"):
                raise

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

    def _make(self, key: str, ask: Callable[[V1Services, Any], Any]) -> Answer:
        """Make something that does no harm if it is made twice.

        Stripe repeats even its own failures under a key, so the second try then has another one.
        """
        try:
            return self._stripe.call(lambda api: ask(api, key_option(key)))
        except FailureReplayed:
            return self._stripe.call(lambda api: ask(api, key_option(f"{key}:again")))

    def _invoice_now(self, answer: Answer) -> Fact:
        intents: dict[str, JSON] = {}
        for intent_id in paying_intents(answer.data):
            found = fetched(self._stripe, "payment_intent", intent_id)
            intents[intent_id] = found.data if found else {}
        return self._facts.invoice_now(answer.data, answer.at, intents)

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
        found = _first_with(sessions, PAYMENT_KEY, query.payment_id)
        if found:
            return found
        intents = everything(self._stripe, "payment_intent", created=created)
        taken = (intent for intent in intents if not is_checkout(intent))
        return _first_with(taken, PAYMENT_KEY, query.payment_id)

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

    def _intent_of(self, external_id: str) -> str:
        """The payment intent of a payment. Raises GatewayError where nothing was paid yet."""
        if external_id.startswith("pi_"):
            return external_id
        answer = fetched(self._stripe, "checkout.session", external_id)
        intent = answer.data.get("payment_intent") if answer else None
        if not intent:
            raise GatewayError(f"{external_id} was never paid", "see what became of it")
        return str(intent["id"])


def _first_with(found: Iterator[JSON], key: str, value: str) -> str | None:
    """The id of the first object that carries a note of ours."""
    ids = (thing["id"] for thing in found if notes_of(thing).get(key) == value)
    return next(ids, None)


def _mode_of(key: str) -> Mode:
    if key.startswith(("sk_live_", "rk_live_")):
        return "live"
    if key.startswith(("sk_test_", "rk_test_")):
        return "test"
    raise BadInput("that is no key for Stripe's interface", "use one that begins with sk_ or rk_")

"""Stripe, polled: Checkout Sessions, payment intents, refunds and events, through the stripe SDK.

Every request that makes something carries an idempotency key that follows from our own id. Stripe
remembers keys for a day; so does nobody repeat a request later without having looked for its outcome
with `find` or `find_refund`, which read lists and never Stripe's search, whose index is late.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from billdesk.core.gateways.stripe.amounts import stripe_amount
from billdesk.core.gateways.stripe.books import book_rows
from billdesk.core.gateways.stripe.client import (
    JSON,
    Answer,
    CardRefused,
    FailureReplayed,
    Gone,
    KeyReused,
    RightMissing,
    StripeCaller,
)
from billdesk.core.gateways.stripe.events import EventReader, event_of
from billdesk.core.gateways.stripe.facts import (
    ACCOUNT_KEY,
    CHECKOUT,
    EXTERNAL_KEY,
    FLOW_KEY,
    OFF_SESSION,
    PAYMENT_KEY,
    REFUND_KEY,
    FactReader,
    is_checkout,
    saved_method,
)
from billdesk.core.gateways.stripe.feed import event_page, sweep_page
from billdesk.core.gateways.stripe.objects import Kind, everything, fetched, page
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
from billdesk.core.values.clock import EPOCH, Clock, SystemClock
from billdesk.core.values.errors import BadInput, GatewayError

if TYPE_CHECKING:
    from stripe._v1_services import V1Services

__all__ = ["Stripe"]

OVERLAP = timedelta(minutes=10)
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

    def check(self) -> GatewayCheck:
        """Try the key: its account, its mode, and what it may not read.

        Raises KeyRefused, GatewayUnreachable.
        """
        missing, account = [], self.account
        try:
            account = self._stripe.call(lambda api: api.accounts.retrieve_current()).data["id"]
        except RightMissing:
            missing.append("account")
        for right, kind in _RIGHTS:
            try:
                page(self._stripe, kind, limit=1)
            except RightMissing:
                missing.append(right)
        return GatewayCheck(account, self.mode, tuple(missing))

    # --- money in ------------------------------------------------------------------------------

    def open_payment(self, request: PaymentRequest) -> Fact:
        """Open a Checkout Session; the same request again gives the same one for a day.

        Raises GatewayError for a known payment id with other content and for amounts that Stripe
        does not take, GatewayUnreachable.
        """
        amount, meta = request.amount, _payment_meta(request, CHECKOUT)
        intent: JSON = {"metadata": meta, "description": request.description}
        params: Any = {
            "mode": "payment",
            "client_reference_id": request.payment_id,
            "metadata": meta,
            "payment_intent_data": intent,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": amount.asset.lower(),
                        "unit_amount": stripe_amount(amount),
                        "product_data": {"name": request.description or "Payment"},
                    },
                }
            ],
            "success_url": self._return_url,
            **self._payer(request),
        }
        if request.save_method:
            intent["setup_future_usage"] = "off_session"
        answer = self._make(
            request.payment_id, lambda api, key: api.checkout.sessions.create(params, key)
        )
        return self._facts.session(answer.data, answer.at)[-1]

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

    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method: settled, declined or processing.

        Raises GatewayError, GatewayUnreachable.
        """
        params: Any = {
            "amount": stripe_amount(request.amount),
            "currency": request.amount.asset.lower(),
            "customer": request.customer_id,
            "payment_method": request.method_id,
            "description": request.description,
            "metadata": _payment_meta(request, OFF_SESSION),
            "off_session": True,
            "confirm": True,
            # Nobody is there to be sent to another page.
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "expand": ["latest_charge.balance_transaction", "payment_method"],
        }
        if request.email:
            params["receipt_email"] = request.email
        key: Any = {"idempotency_key": request.payment_id}
        try:
            answer = self._stripe.call(lambda api: api.payment_intents.create(params, key))
        except CardRefused as refused:
            if refused.intent is None:
                since = PaymentQuery(request.payment_id, None, None, self._clock.now())
                found = self.find(since)
                if not found:
                    raise
                return found[-1]
            answer = Answer(refused.intent, refused.at)
        return self._facts.intent(answer.data, answer.at)[-1]

    # --- money back ------------------------------------------------------------------------------

    def refund(self, request: RefundRequest) -> Fact:
        """Send money back. Raises GatewayError, GatewayUnreachable."""
        params: Any = {
            "payment_intent": request.charge_id or self._intent_of(request.external_id),
            "amount": stripe_amount(request.amount),
            "metadata": {
                REFUND_KEY: request.refund_id,
                PAYMENT_KEY: request.payment_id,
                EXTERNAL_KEY: request.external_id,
                "note": request.note[:500],
            },
        }
        key: Any = {"idempotency_key": request.refund_id}
        answer = self._stripe.call(lambda api: api.refunds.create(params, key))
        return self._facts.refund(answer.data, answer.at)

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

    def facts(self, cursor: str | None) -> FactPage:
        """What happened since `cursor`, a hundred events a page, from the newest page on.

        Raises GatewayError (also for a cursor of another make), GatewayUnreachable.
        """
        return event_page(self._stripe, self._facts, cursor, self._clock.now())

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
            live = bool(event["livemode"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadInput("the message is no event of Stripe's", "give it as it came") from error
        ours = event.get("account") in {None, "", self.account or event.get("account")}
        if live != (self.mode == "live") or not ours:
            raise BadInput(f"the message is not for {self.name}", "choose its own gateway")
        facts = EventReader(self._stripe, self._facts).facts(event)
        return FactPage(facts, "", complete=True, events=(event_read,))

    # --- customers and what they saved -----------------------------------------------------------

    def ensure_customer(self, account_ref: str, name: str, email: str | None) -> str:
        """Stripe's id for a customer of ours. Raises GatewayError, GatewayUnreachable."""
        params: Any = {"name": name, "metadata": {ACCOUNT_KEY: account_ref}}
        if email:
            params["email"] = email
            same = everything(self._stripe, "customer", email=email)
            known = _first_with(same, ACCOUNT_KEY, account_ref)
            if known:
                return known
        try:
            answer = self._make(
                f"customer:{_short(account_ref)}",
                lambda api, key: api.customers.create(params, key),
            )
        except KeyReused:
            # Made within the last day, under another name or address.
            since = {"gte": _seconds(self._clock.now() - KEYS_LAST)}
            known = _first_with(
                everything(self._stripe, "customer", created=since), ACCOUNT_KEY, account_ref
            )
            if known is None:
                raise
            return known
        return str(answer.data["id"])

    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        """A page of Stripe's where the customer saves a card. Raises GatewayError.

        Each call makes a new page, so its key is a random one.
        """
        meta = {ACCOUNT_KEY: account_ref}
        params: Any = {
            "mode": "setup",
            "customer": customer_id,
            "allowed_payment_method_types": ["card"],
            "metadata": meta,
            "setup_intent_data": {"metadata": meta},
            "success_url": self._return_url,
        }
        made = self._stripe.call(lambda api: api.checkout.sessions.create(params)).data
        return HostedPage(made["url"], made["id"])

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

    def subscription(self, external_id: str) -> Fact:
        """A subscription as it is now. Raises GatewayError, GatewayUnreachable."""
        answer = self._stripe.call(lambda api: api.subscriptions.retrieve(external_id))
        return self._facts.subscription_now(answer.data, answer.at)

    def invoice(self, external_id: str) -> Fact:
        """An invoice as it is now. Raises GatewayError, GatewayUnreachable."""
        answer = self._stripe.call(lambda api: api.invoices.retrieve(external_id))
        return self._facts.invoice_now(answer.data, answer.at)

    # --- inside ------------------------------------------------------------------------------------

    def _make(self, key: str, ask: Callable[[V1Services, Any], Any]) -> Answer:
        """Make something that does no harm if it is made twice.

        Stripe repeats even its own failures under a key, so the second try then has another one.
        """
        try:
            return self._stripe.call(lambda api: ask(api, {"idempotency_key": key}))
        except FailureReplayed:
            return self._stripe.call(lambda api: ask(api, {"idempotency_key": f"{key}:again"}))

    def _payer(self, request: PaymentRequest) -> JSON:
        if request.customer_id:
            return {"customer": request.customer_id}
        payer: JSON = {"customer_email": request.email} if request.email else {}
        return {**payer, "customer_creation": "always"} if request.save_method else payer

    def _external_id(self, query: PaymentQuery) -> str | None:
        """The id of a payment whose opening was never answered."""
        created = {"gte": _seconds(query.created_at - OVERLAP)}
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


def _payment_meta(request: PaymentRequest | OffSessionRequest, flow: str) -> dict[str, str]:
    return {
        PAYMENT_KEY: request.payment_id,
        ACCOUNT_KEY: request.account_ref,
        FLOW_KEY: flow,
    }


def _first_with(found: Iterator[JSON], key: str, value: str) -> str | None:
    """The id of the first object that carries a note of ours."""
    ids = (thing["id"] for thing in found if (thing.get("metadata") or {}).get(key) == value)
    return next(ids, None)


def _mode_of(key: str) -> Mode:
    if key.startswith(("sk_live_", "rk_live_")):
        return "live"
    if key.startswith(("sk_test_", "rk_test_")):
        return "test"
    raise BadInput("that is no key for Stripe's interface", "use one that begins with sk_ or rk_")


def _short(account_ref: str) -> str:
    """What stands for a reference in a key, whose length is limited."""
    return hashlib.sha256(account_ref.encode()).hexdigest()[:32]


def _seconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(seconds=1)

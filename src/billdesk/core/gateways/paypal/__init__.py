"""PayPal, spoken to through its REST interface.

A payment is an order: the customer agrees at PayPal, and `find` then asks for the money (a capture).
An approval that nobody captures is void after three hours, so open payments want polling well within
that. Facts come from the open objects themselves; the list of events is a hint that may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from billdesk.core.gateways.paypal.amounts import reading
from billdesk.core.gateways.paypal.client import Client, path_of
from billdesk.core.gateways.paypal.feed import Feed
from billdesk.core.gateways.paypal.money_back import MoneyBack
from billdesk.core.gateways.paypal.objects import Source, subscription_fact
from billdesk.core.gateways.paypal.orders import Orders
from billdesk.core.gateways.paypal.reports import Movement, everything
from billdesk.core.gateways.paypal.vault import Vault, customer_id_of
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
from billdesk.core.values.errors import NotOffered

__all__ = ["PayPal"]

BASE_URLS: dict[Mode, str] = {
    "live": "https://api-m.paypal.com",
    "test": "https://api-m.sandbox.paypal.com",
}

_SERVICES = "https://uri.paypal.com/services"
_RIGHTS = {
    "take payments": (
        f"{_SERVICES}/payments/payment",
        f"{_SERVICES}/payments/realtimepayment",
        "https://api.paypal.com/v1/payments/.*",
    ),
    "send refunds": (f"{_SERVICES}/payments/refund",),
    "read disputes": (f"{_SERVICES}/disputes/read-seller", f"{_SERVICES}/disputes/read"),
    "search transactions": (f"{_SERVICES}/reporting/search/read",),
    "keep saved methods": (f"{_SERVICES}/vault/payment-tokens/readwrite",),
    "read events": (f"{_SERVICES}/applications/webhooks",),
}


class PayPal:
    """A PayPal account, connected as `name`; `mode` says which of PayPal's two worlds it is in.

    `account`: its payer id there, if known. `webhook_id`: of the webhook whose messages may be
    brought by hand. `return_url`: where customers come back to. Each request has `timeout_seconds`.
    """

    make: Make = "paypal"

    def __init__(
        self,
        name: str,
        client_id: str,
        secret: str,
        *,
        mode: Mode,
        account: str = "",
        clock: Clock | None = None,
        base_url: str | None = None,
        webhook_id: str | None = None,
        return_url: str = "https://www.paypal.com",
        timeout_seconds: float = 10,
    ) -> None:
        self.name = name
        self.account = account
        self.mode = mode
        clock = clock or SystemClock()
        source = Source(name, account, mode)
        self._source = source
        self._client = Client(
            name,
            client_id,
            secret,
            base_url=base_url or BASE_URLS[mode],
            clock=clock,
            timeout_seconds=timeout_seconds,
        )
        self._orders = Orders(self._client, source, clock, return_url)
        self._money_back = MoneyBack(self._client, source)
        self._vault = Vault(self._client, clock, return_url)
        self._feed = Feed(self._client, source, clock, self._money_back, webhook_id)

    def __repr__(self) -> str:
        return f"PayPal({self.name!r}, mode={self.mode!r}, account={self.account!r})"

    def check(self) -> GatewayCheck:
        """Try the key: two requests, for a token with its rights, and for whose account it is.

        Without the right to read balances the account is the one it was connected as, or else a name
        made of the app's. Raises KeyRefused, GatewayUnreachable.
        """
        token = self._client.token(fresh=True)
        missing = tuple(
            right for right, scopes in _RIGHTS.items() if token.scopes.isdisjoint(scopes)
        )
        answer = self._client.ask("GET", "/v1/reporting/balances", accept={400, 403, 404})
        account = answer.data.get("account_id") or self.account or self._client.app
        return GatewayCheck(str(account), self.mode, missing)

    # --- payments ----------------------------------------------------------------------------

    def open_payment(self, request: PaymentRequest) -> Fact:
        """Have a customer asked for money at PayPal.

        Safe to repeat with the same id for six hours, and the only way to learn of an order whose
        reply was lost: PayPal then tells the order as it is now. Raises GatewayError for a known id
        with another amount and for amounts PayPal does not take, KeyRefused, GatewayBusy,
        GatewayUnreachable.
        """
        return self._orders.open(request)

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """What is known now of one of our payments; one that the customer agreed to is captured.

        An order is void when PayPal says so, or when it forgot one of more than three hours. Nothing
        for an order whose reply was lost: ask again with `open_payment` or `charge` and the same id
        within six hours, and take it for expired later. Older ones are looked up in the report of
        transactions, where a charge that went through shows after three hours at most. A payment
        that PayPal does not capture for a reason of ours stays `opened` and says why. Raises
        KeyRefused, GatewayBusy, GatewayUnreachable.
        """
        return self._orders.find(query)

    def charge(self, request: OffSessionRequest) -> Fact:
        """Take money from a saved method: settled, declined or processing.

        Safe to repeat with the same id for six hours. Raises as `open_payment`.
        """
        return self._orders.charge(request)

    def refund(self, request: RefundRequest) -> Fact:
        """Send money back; safe to repeat with the same id for 45 days.

        Raises GatewayError for a known id with another amount and for what PayPal refuses,
        KeyRefused, GatewayBusy, GatewayUnreachable.
        """
        return self._money_back.refund(request)

    def find_refund(self, query: RefundQuery) -> tuple[Fact, ...]:
        """What is known now of one of our refunds, by its own id or among those of its order.

        Raises KeyRefused, GatewayBusy, GatewayUnreachable.
        """
        return self._money_back.find_refund(query)

    # --- what happened -------------------------------------------------------------------------

    def facts(self, cursor: str | None) -> FactPage:
        """The events of this app's webhook since `cursor`, of the last 30 days at most.

        A quiet poll makes one request (and one for a token every few hours). An app without a
        webhook, or without the right, has no events: its pages are empty and complete. Money taken
        back costs two more requests, to learn whether a dispute is behind it. Raises GatewayError
        for a cursor of another make, KeyRefused, GatewayBusy, GatewayUnreachable.
        """
        return self._feed.facts(cursor)

    def sweep(self, since: datetime, cursor: str | None) -> FactPage:
        """Disputes, payments, refunds and what was taken back from `since` on, by listing.

        The report is up to three hours late and reaches back three years. Each page of it costs one
        request and one for each payment on it that carries an id; each dispute costs one, too.
        Raises NotOffered without the right to search transactions, else as `facts`.
        """
        return self._feed.sweep(since, cursor)

    def read_event(self, body: bytes, headers: Mapping[str, str], now: datetime) -> FactPage:
        """A message brought by hand, with its five `PayPal-` headers; PayPal is asked to prove it.

        Raises BadInput when the signature is missing, wrong or older than five minutes or the
        message cannot be read, KeyRefused, GatewayBusy, GatewayUnreachable.
        """
        return self._feed.read_message(body, headers, now)

    # --- customers and what they saved -----------------------------------------------------

    def ensure_customer(self, account_ref: str, name: str, email: str | None) -> str:
        """The id by which PayPal will know a customer; it follows from the reference alone."""
        return customer_id_of(account_ref)

    def method_page(self, customer_id: str, account_ref: str) -> HostedPage:
        """A page where the customer lets us charge their PayPal wallet.

        Raises GatewayError, KeyRefused, GatewayBusy, GatewayUnreachable.
        """
        return self._vault.page(customer_id)

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What the customer has saved. Raises KeyRefused, GatewayBusy, GatewayUnreachable."""
        return self._vault.methods(customer_id)

    def remove_method(self, method: Method) -> None:
        """Forget a saved method. Raises KeyRefused, GatewayBusy, GatewayUnreachable."""
        self._vault.remove(method.method_id)

    # --- books, and what PayPal bills by itself ------------------------------------------------

    def rows(self, since: datetime, until: datetime) -> Iterator[GatewayRow]:
        """What moved in a half-open span, as far as PayPal's report reaches by now.

        The report names no orders: a payment's row carries its capture as `external_id` and
        `charge_id`, and our id. Money taken back carries its dispute, if there is one. Raises
        GatewayError, KeyRefused, GatewayBusy, GatewayUnreachable.
        """
        return (self._row(movement) for movement in everything(self._client, since, until))

    def subscription(self, external_id: str) -> Fact:
        """A subscription kept at PayPal. Raises GatewayError for an unknown one, as `find`."""
        path = path_of("/v1/billing/subscriptions", external_id)
        answer = self._client.ask("GET", path, params={"fields": "plan"})
        with reading("a subscription"):
            return subscription_fact(self._source, answer.data)

    def invoice(self, external_id: str) -> Fact:
        """Raise NotOffered: what PayPal takes for subscriptions, it takes without invoices."""
        raise NotOffered("PayPal keeps no invoices of subscriptions", "see its subscriptions")

    def send_invoice(self, request: InvoiceRequest) -> Fact:
        """Raise NotOffered: PayPal's own invoices are made on its site."""
        raise NotOffered("PayPal sends no invoices of the desk's", "send its PDF by mail")

    def _row(self, movement: Movement) -> GatewayRow:
        ours, _, _ = (movement.custom_id or "").partition(",")
        kind, external_id = "payment", movement.transaction_id
        if movement.kind != "payment":
            kind = "refund"
        if movement.kind == "reversal" and movement.payment_charge_id:
            disputes = self._money_back.disputes_about(movement.payment_charge_id)
            if disputes:
                kind, external_id = "dispute", str(disputes[0]["dispute_id"])
        return GatewayRow(
            kind=kind,
            external_id=external_id,
            charge_id=external_id if kind == "payment" else movement.payment_charge_id,
            payment_id=ours or None,
            asset=movement.amount.asset,
            amount_minor=movement.amount.minor,
            fee_minor=-movement.fee.minor,
            happened_at=movement.happened_at,
        )

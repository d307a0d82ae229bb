"""Customers at Stripe, told apart by the note of whose account they are, and what they have saved."""

from __future__ import annotations

from datetime import timedelta

from billdesk.core.gateways.stripe.client import Gone, KeyReused, StripeCaller
from billdesk.core.gateways.stripe.objects import everything, fetched, made
from billdesk.core.gateways.stripe.requests import (
    customer_key,
    customer_params,
    method_page_params,
)
from billdesk.core.gateways.stripe.shapes import (
    ACCOUNT_KEY,
    id_with_note,
    saved_method,
    seconds_of,
)
from billdesk.core.rules.gateway import HostedPage, Method
from billdesk.core.values.clock import Clock
from billdesk.core.values.errors import GatewayError

KEYS_LAST = timedelta(hours=25)


class Customers:
    """The customers of one account; they come back to `return_url`."""

    def __init__(self, stripe: StripeCaller, clock: Clock, return_url: str) -> None:
        self._stripe = stripe
        self._clock = clock
        self._return_url = return_url

    def ensure(self, account_ref: str, name: str, email: str | None) -> str:
        """Stripe's id for a customer, new or known. Raises GatewayError, GatewayUnreachable."""
        params = customer_params(account_ref, name, email)
        if email:
            same = everything(self._stripe, "customer", email=email)
            known = id_with_note(same, ACCOUNT_KEY, account_ref)
            if known:
                return known
        try:
            answer = made(
                self._stripe,
                customer_key(account_ref),
                lambda api, key: api.customers.create(params, key),
            )
        except KeyReused:
            # Made within the last day, under another name or address.
            since = {"gte": seconds_of(self._clock.now() - KEYS_LAST)}
            known = id_with_note(
                everything(self._stripe, "customer", created=since), ACCOUNT_KEY, account_ref
            )
            if known is None:
                raise
            return known
        return str(answer.data["id"])

    def page(self, customer_id: str, account_ref: str) -> HostedPage:
        """A new page where a customer saves a card. Raises GatewayError."""
        params = method_page_params(customer_id, account_ref, self._return_url)
        made = self._stripe.call(lambda api: api.checkout.sessions.create(params)).data
        return HostedPage(made["url"], made["id"])

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What a customer has saved. Raises GatewayError, GatewayUnreachable."""
        found = everything(self._stripe, "payment_method", customer=customer_id)
        return tuple(saved_method(used, customer_id) for used in found)

    def remove(self, method: Method) -> None:
        """Forget a saved method; one that is gone already is no error."""
        try:
            self._stripe.call(lambda api: api.payment_methods.detach(method.method_id))
        except Gone:
            return
        except GatewayError:
            # Detached methods are still shown, but belong to nobody.
            answer = fetched(self._stripe, "payment_method", method.method_id)
            if answer is None or answer.data.get("customer"):
                raise

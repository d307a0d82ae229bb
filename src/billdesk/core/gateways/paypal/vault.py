"""Ways to pay that customers saved at PayPal. PayPal keeps no customers, only their ids."""

from __future__ import annotations

import hashlib

from billdesk.core.gateways.paypal.amounts import reading
from billdesk.core.gateways.paypal.client import PAYMENT_TOKENS_PATH, Client, path_of
from billdesk.core.gateways.paypal.objects import link, token_method
from billdesk.core.rules.gateway import HostedPage, Method
from billdesk.core.values.clock import Clock, to_micros

SETUP_PATH = "/v3/vault/setup-tokens"

_PAGE_SIZE = 20


def customer_id_of(account_ref: str) -> str:
    """The id by which PayPal knows a customer of ours: 22 letters and digits from the reference."""
    return f"bd{hashlib.sha256(account_ref.encode()).hexdigest()[:20]}"


class Vault:
    """The saved methods of one account; customers come back to `return_url`."""

    def __init__(self, client: Client, clock: Clock, return_url: str) -> None:
        self._client = client
        self._clock = clock
        self._return_url = return_url

    def page(self, customer_id: str) -> HostedPage:
        """A page where the customer saves a PayPal wallet; it is kept as soon as they agree."""
        context = {
            "return_url": self._return_url,
            "cancel_url": self._return_url,
            "shipping_preference": "NO_SHIPPING",
            "vault_instruction": "ON_PAYER_APPROVAL",
        }
        body = {
            "customer": {"id": customer_id},
            "payment_source": {"paypal": {"usage_type": "MERCHANT", "experience_context": context}},
        }
        # Every page is a new one: a key of its own, since PayPal wants one here.
        key = f"{customer_id}:save:{to_micros(self._clock.now())}"
        answer = self._client.ask("POST", SETUP_PATH, body=body, key=key)
        with reading("a setup token"):
            url = link(answer.data, "approve", "payer-action")
            if url is None:
                raise KeyError("links")
            return HostedPage(url, answer.data["id"])

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What the customer has saved; nothing for one whom PayPal never met."""
        methods: list[Method] = []
        page = last_page = 1
        while page <= last_page:
            params = {
                "customer_id": customer_id,
                "page_size": str(_PAGE_SIZE),
                "page": str(page),
                "total_required": "true",
            }
            answer = self._client.ask("GET", PAYMENT_TOKENS_PATH, params=params, accept={404})
            if answer.status == 404:
                break
            with reading("saved methods"):
                customer = {"customer": {"id": customer_id}}
                tokens = answer.data.get("payment_tokens", [])
                methods += [token_method(customer | token) for token in tokens]
                last_page = int(answer.data.get("total_pages", 1))
            page += 1
        return tuple(methods)

    def remove(self, method_id: str) -> None:
        """Forget a method, if it is still there."""
        path = path_of(PAYMENT_TOKENS_PATH, method_id)
        self._client.ask("DELETE", path, accept={404})

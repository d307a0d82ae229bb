"""Customers at Paystack, told apart by their e-mail addresses, and the ways to pay they have saved."""

from __future__ import annotations

import json

from billdesk.core.gateways.paystack.answers import method_of
from billdesk.core.gateways.paystack.calls import Calls, Refusal
from billdesk.core.gateways.paystack.objects import customer
from billdesk.core.gateways.paystack.parts import row_of, rows_of, text
from billdesk.core.rules.gateway import Method
from billdesk.core.values.errors import GatewayError


class Customers:
    """The customers of one integration."""

    def __init__(self, name: str, calls: Calls) -> None:
        self._name = name
        self._calls = calls

    def ensure(self, account_ref: str, name: str, email: str | None) -> str:
        """The code of a customer, new or known. Raises GatewayError, GatewayUnreachable."""
        if not email:
            raise GatewayError(
                f"{self._name} needs an e-mail address, and {account_ref} has none",
                "give the account an address",
            )
        metadata = json.dumps({"account": account_ref})
        body = {"email": email, "first_name": name, "metadata": metadata}
        return text(row_of(self._calls.post("/customer", body).data), "customer_code")

    def methods(self, customer_id: str) -> tuple[Method, ...]:
        """What a customer has saved; nothing for an unknown one."""
        found = customer(self._calls, customer_id)
        saved = [] if found is None else rows_of(found.get("authorizations"))
        methods = (method_of(row, customer_id) for row in saved)
        return tuple(method for method in methods if method is not None)

    def remove(self, method: Method) -> None:
        """Forget a saved method; one that is gone already is no error."""
        body = {"authorization_code": method.method_id}
        try:
            self._calls.post("/customer/authorization/deactivate", body)
        except Refusal:
            left = {known.method_id for known in self.methods(method.customer_id)}
            if method.method_id in left:
                raise

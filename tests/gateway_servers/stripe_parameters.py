"""What the installed SDK says may be sent where: its parameter types, strictly."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping
from typing import Any, Optional, Union

from pydantic import ConfigDict, TypeAdapter, ValidationError
from stripe import RequestOptions, params
from stripe.params import checkout
from typing_extensions import TypedDict, get_type_hints, is_typeddict

JSON = dict[str, Any]

_ID = "[^/]+"
_TYPES: dict[tuple[str, str], Any] = {
    ("GET", "/v1/account"): params.AccountRetrieveCurrentParams,
    ("GET", "/v1/balance_transactions"): params.BalanceTransactionListParams,
    ("GET", f"/v1/charges/{_ID}"): params.ChargeRetrieveParams,
    ("GET", "/v1/checkout/sessions"): checkout.SessionListParams,
    ("GET", f"/v1/checkout/sessions/{_ID}"): checkout.SessionRetrieveParams,
    ("POST", "/v1/checkout/sessions"): checkout.SessionCreateParams,
    ("GET", "/v1/customers"): params.CustomerListParams,
    ("POST", "/v1/customers"): params.CustomerCreateParams,
    ("GET", "/v1/disputes"): params.DisputeListParams,
    ("GET", f"/v1/disputes/{_ID}"): params.DisputeRetrieveParams,
    ("GET", "/v1/events"): params.EventListParams,
    ("GET", "/v1/invoices"): params.InvoiceListParams,
    ("GET", f"/v1/invoices/{_ID}"): params.InvoiceRetrieveParams,
    ("POST", "/v1/invoices"): params.InvoiceCreateParams,
    ("POST", f"/v1/invoices/{_ID}/finalize"): params.InvoiceFinalizeInvoiceParams,
    ("GET", f"/v1/invoices/{_ID}/lines"): params.InvoiceLineItemListParams,
    ("GET", "/v1/invoiceitems"): params.InvoiceItemListParams,
    ("POST", "/v1/invoiceitems"): params.InvoiceItemCreateParams,
    ("GET", "/v1/payment_intents"): params.PaymentIntentListParams,
    ("GET", f"/v1/payment_intents/{_ID}"): params.PaymentIntentRetrieveParams,
    ("POST", "/v1/payment_intents"): params.PaymentIntentCreateParams,
    ("GET", "/v1/payment_methods"): params.PaymentMethodListParams,
    ("GET", f"/v1/payment_methods/{_ID}"): params.PaymentMethodRetrieveParams,
    ("POST", f"/v1/payment_methods/{_ID}/detach"): params.PaymentMethodDetachParams,
    ("GET", "/v1/refunds"): params.RefundListParams,
    ("GET", f"/v1/refunds/{_ID}"): params.RefundRetrieveParams,
    ("POST", "/v1/refunds"): params.RefundCreateParams,
    ("GET", "/v1/subscriptions"): params.SubscriptionListParams,
    ("GET", f"/v1/subscriptions/{_ID}"): params.SubscriptionRetrieveParams,
}


class _Named:
    """What the SDK calls an untyped object: values by names of the sender's own."""

    def __class_getitem__(cls, value: Any) -> Any:
        return Mapping[str, value]


# The SDK's modules name in their annotations what they import for type checkers only.
_UNNAMED = {
    "StripeContext": str,
    "Mapping": Mapping,
    "Optional": Optional,
    "Union": Union,
    "UntypedStripeObject": _Named,
}
# What goes into headers, and may not stand in a form.
_OPTIONS = set(RequestOptions.__annotations__)


def breaches(method: str, path: str, form: JSON) -> list[str]:
    """What a request sends that the SDK's types don't know."""
    for (known_method, pattern), kind in _TYPES.items():
        if method == known_method and re.fullmatch(pattern, path):
            try:
                _adapter(kind).validate_python(form)
            except ValidationError as error:
                return [f"{part['loc']}: {part['msg']}" for part in error.errors()]
            return []
    return [f"{method} {path} is not to be asked for"]


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """A strict reader of one parameter type and all that it is made of."""
    module = sys.modules[kind.__module__]
    for name, meaning in _UNNAMED.items():
        setattr(module, name, meaning)
    for thing in list(vars(module).values()):
        if is_typeddict(thing) and thing.__module__ == module.__name__:
            thing.__pydantic_config__ = ConfigDict(extra="forbid")
    hints = get_type_hints(kind, localns=_UNNAMED, include_extras=True)
    sent = {name: hint for name, hint in hints.items() if name not in _OPTIONS}
    make: Any = TypedDict  # of fields that are only known as it runs
    strict = make(kind.__name__, sent)
    strict.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(strict)

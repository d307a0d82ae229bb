"""Asking Stripe for its objects, one by one or in lists, with all that a fact wants to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from billdesk.core.gateways.stripe.client import JSON, Answer, Gone, StripeCaller

if TYPE_CHECKING:
    from stripe._v1_services import V1Services

Kind = Literal[
    "balance_transaction",
    "charge",
    "checkout.session",
    "customer",
    "dispute",
    "event",
    "invoice",
    "payment_intent",
    "payment_method",
    "refund",
    "subscription",
]

PAGE_SIZE = 100  # the most that Stripe lists at once

_PARTS: dict[str, tuple[str, ...]] = {
    "balance_transaction": ("source",),
    "checkout.session": (
        "payment_intent.latest_charge.balance_transaction",
        "payment_intent.payment_method",
        "setup_intent.payment_method",
    ),
    "payment_intent": ("latest_charge.balance_transaction", "payment_method"),
    "refund": ("payment_intent",),
    "dispute": ("payment_intent",),
}


def fetched(stripe: StripeCaller, kind: Kind, object_id: str) -> Answer | None:
    """One object as it is now; None where Stripe knows none, or not any more."""
    try:
        return stripe.call(lambda api: _service(api, kind).retrieve(object_id, _parts(kind)))
    except Gone:
        return None


def page(stripe: StripeCaller, kind: Kind, after: str = "", **filters: Any) -> Answer:
    """One page of a list, newest first, of what comes after the object `after`."""
    params = {"limit": PAGE_SIZE, **_parts(kind, "data."), **filters}
    if after:
        params["starting_after"] = after
    return stripe.call(lambda api: _service(api, kind).list(params))


def everything(stripe: StripeCaller, kind: Kind, **filters: Any) -> Iterator[JSON]:
    """A whole list, newest first."""
    after, more = "", True
    while more:
        found = page(stripe, kind, after, **filters).data
        yield from found["data"]
        more = found["has_more"]
        after = found["data"][-1]["id"] if more else ""


def _parts(kind: Kind, inside: str = "") -> dict[str, Any]:
    """What is to be shown whole inside of the answer, and not by its id alone."""
    parts = [f"{inside}{part}" for part in _PARTS.get(kind, ())]
    return {"expand": parts} if parts else {}


def _service(api: V1Services, kind: Kind) -> Any:
    services: dict[Kind, Callable[[], Any]] = {
        "balance_transaction": lambda: api.balance_transactions,
        "charge": lambda: api.charges,
        "checkout.session": lambda: api.checkout.sessions,
        "customer": lambda: api.customers,
        "dispute": lambda: api.disputes,
        "event": lambda: api.events,
        "invoice": lambda: api.invoices,
        "payment_intent": lambda: api.payment_intents,
        "payment_method": lambda: api.payment_methods,
        "refund": lambda: api.refunds,
        "subscription": lambda: api.subscriptions,
    }
    return services[kind]()

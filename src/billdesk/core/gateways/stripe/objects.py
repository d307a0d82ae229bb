"""Making Stripe's objects, and asking for them one by one or in lists, with all a fact wants to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from billdesk.core.gateways.stripe.client import (
    JSON,
    Answer,
    FailureReplayed,
    Gone,
    RightMissing,
    StripeCaller,
)
from billdesk.core.gateways.stripe.requests import key_option
from billdesk.core.gateways.stripe.shapes import object_of

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
    "invoiceitem",
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
    "invoice": ("payments",),
}


def fetched(stripe: StripeCaller, kind: Kind, object_id: str) -> Answer | None:
    """One object as it is now; None where Stripe knows none, or not any more."""
    try:
        return _asked(
            stripe, kind, lambda service, parts: service.retrieve(object_id, parts), inside=""
        )
    except Gone:
        return None


def made(stripe: StripeCaller, key: str, ask: Callable[[V1Services, Any], Any]) -> Answer:
    """Make something of which a second one does no harm, or is found by its total.

    Stripe repeats even its own failures under a key, so the second try then has another one.
    """
    try:
        return stripe.call(lambda api: ask(api, key_option(key)))
    except FailureReplayed:
        return stripe.call(lambda api: ask(api, key_option(f"{key}:again")))


def whole_invoice(stripe: StripeCaller, invoice_id: str) -> Answer | None:
    """An invoice as it is now with its payments and all of its lines; None where there is none."""
    answer = fetched(stripe, "invoice", invoice_id)
    lines = object_of(answer.data.get("lines")) if answer else {}
    while answer is not None and lines.get("has_more"):
        more = stripe.call(partial(_more_lines, invoice_id, lines["data"][-1]["id"])).data
        lines["data"] += more["data"]
        lines["has_more"] = more["has_more"]
    return answer


def _more_lines(invoice_id: str, after: str, api: V1Services) -> Any:
    return api.invoices.line_items.list(invoice_id, {"limit": PAGE_SIZE, "starting_after": after})


def page(stripe: StripeCaller, kind: Kind, after: str = "", **filters: Any) -> Answer:
    """One page of a list, newest first, of what comes after the object `after`."""
    given = {"limit": PAGE_SIZE, **filters, **({"starting_after": after} if after else {})}
    return _asked(
        stripe, kind, lambda service, parts: service.list({**given, **parts}), inside="data."
    )


def first(stripe: StripeCaller, kind: Kind) -> Answer:
    """The shortest list there is, to see whether it may be read."""
    return stripe.call(lambda api: _service(api, kind).list({"limit": 1}))


def everything(stripe: StripeCaller, kind: Kind, **filters: Any) -> Iterator[JSON]:
    """A whole list, newest first."""
    after, more = "", True
    while more:
        found = page(stripe, kind, after, **filters).data
        yield from found["data"]
        more = found["has_more"]
        after = found["data"][-1]["id"] if more else ""


def _asked(
    stripe: StripeCaller, kind: Kind, ask: Callable[[Any, dict[str, Any]], Any], *, inside: str
) -> Answer:
    """Ask for objects with their parts; a key that may not read the balance gets them without fees."""
    parts = _PARTS.get(kind, ())
    try:
        return stripe.call(lambda api: ask(_service(api, kind), _expand(parts, inside)))
    except RightMissing as missing:
        fewer = tuple(part.removesuffix(".balance_transaction") for part in parts)
        if fewer == parts or "balance" not in missing.right:
            raise
        return stripe.call(lambda api: ask(_service(api, kind), _expand(fewer, inside)))


def _expand(parts: tuple[str, ...], inside: str) -> dict[str, Any]:
    """What is to be shown whole inside of the answer, and not by its id alone."""
    return {"expand": [f"{inside}{part}" for part in parts]} if parts else {}


def _service(api: V1Services, kind: Kind) -> Any:
    services: dict[Kind, Callable[[], Any]] = {
        "balance_transaction": lambda: api.balance_transactions,
        "charge": lambda: api.charges,
        "checkout.session": lambda: api.checkout.sessions,
        "customer": lambda: api.customers,
        "dispute": lambda: api.disputes,
        "event": lambda: api.events,
        "invoice": lambda: api.invoices,
        "invoiceitem": lambda: api.invoice_items,
        "payment_intent": lambda: api.payment_intents,
        "payment_method": lambda: api.payment_methods,
        "refund": lambda: api.refunds,
        "subscription": lambda: api.subscriptions,
    }
    return services[kind]()

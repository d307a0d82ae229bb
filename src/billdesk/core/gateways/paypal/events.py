"""PayPal's events as facts, and the pages they are listed on.

An event that says nothing we know, or says it in a shape we cannot read, is an `unknown` fact: kept
in sight, never dropped, and never in the way of the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from billdesk.core.gateways.paypal.amounts import reading
from billdesk.core.gateways.paypal.billing import subscription_state
from billdesk.core.gateways.paypal.objects import (
    Json,
    Source,
    capture_fact,
    dispute_facts,
    link,
    method_fact,
    order_facts,
    refund_fact,
    sale_fact,
    sale_refund_fact,
    subscription_fact,
    words,
)
from billdesk.core.rules.gateway import Event, Fact
from billdesk.core.values.clock import parse_instant
from billdesk.core.values.errors import GatewayUnreachable

EVENTS_PATH = "/v1/notifications/webhooks-events"
REVERSED = "PAYMENT.CAPTURE.REVERSED"
"""Money that PayPal took back: of a dispute, if there is one, which only asking can tell."""


def _approved(source: Source, order: Json, happened_at: datetime) -> Fact:
    """The customer agreed: nothing is paid yet, but asking for the money is due."""
    [fact, *_] = order_facts(source, order)
    return source.fact(
        fact.object_id,
        "opened",
        f"{fact.object_id}:approved",
        amount=fact.amount,
        happened_at=happened_at,
        detail="the customer agreed; the money is still to be asked for",
        raw=order,
        payment_id=fact.payment_id,
        pay_url=fact.pay_url,
    )


def _unpaid(source: Source, subscription: Json, happened_at: datetime) -> Fact:
    """PayPal could not take the money for a subscription."""
    failed = subscription.get("billing_info", {}).get("last_failed_payment", {})
    return source.fact(
        subscription["id"],
        "invoice_failed",
        f"{subscription['id']}:{failed.get('time') or happened_at.isoformat()}",
        happened_at=happened_at,
        detail=words(failed.get("reason_code", "")),
        raw=subscription,
        subscription=subscription_state(subscription) if "status" in subscription else None,
    )


Reader = Callable[[Source, Json, datetime], Fact | tuple[Fact, ...]]

_READERS: dict[str, Reader] = {
    "CHECKOUT.ORDER.APPROVED": _approved,
    "CHECKOUT.ORDER.COMPLETED": lambda source, order, _: order_facts(source, order),
    "PAYMENT.CAPTURE.COMPLETED": lambda source, capture, _: capture_fact(source, capture),
    "PAYMENT.CAPTURE.DECLINED": lambda source, capture, _: capture_fact(source, capture),
    "PAYMENT.CAPTURE.DENIED": lambda source, capture, _: capture_fact(source, capture),
    "PAYMENT.CAPTURE.PENDING": lambda source, capture, _: capture_fact(source, capture),
    "PAYMENT.CAPTURE.REFUNDED": lambda source, refund, _: refund_fact(source, refund),
    "PAYMENT.REFUND.": lambda source, refund, _: refund_fact(source, refund),
    REVERSED: lambda source, refund, _: refund_fact(source, refund),
    "CUSTOMER.DISPUTE.": lambda source, dispute, _: dispute_facts(source, dispute),
    "VAULT.PAYMENT-TOKEN.CREATED": lambda source, token, at: method_fact(
        source, token, "method_saved", at
    ),
    "VAULT.PAYMENT-TOKEN.DELETED": lambda source, token, at: method_fact(
        source, token, "method_removed", at
    ),
    "PAYMENT.SALE.COMPLETED": lambda source, sale, _: sale_fact(source, sale),
    "PAYMENT.SALE.REFUNDED": lambda source, refund, _: sale_refund_fact(source, refund, ""),
    "PAYMENT.SALE.REVERSED": lambda source, refund, _: sale_refund_fact(
        source, refund, "reversed by PayPal"
    ),
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": _unpaid,
    "BILLING.SUBSCRIPTION.": lambda source, now, _: subscription_fact(source, now),
}
"""By the event's type, or else by what it begins with."""


def event_facts(source: Source, message: Json) -> tuple[Fact, ...]:
    """The facts that an event tells. Raises GatewayUnreachable when it is no event at all."""
    event = read_event(message)
    family = event.type[: event.type.find(".", event.type.find(".") + 1) + 1]
    reader = _READERS.get(event.type) or _READERS.get(family)
    if reader is None:
        detail = f"{event.type} means nothing to this desk yet"
        return (_unknown(source, message, event, detail),)
    try:
        with reading(f"event {event.event_id}"):
            told = reader(source, message["resource"], event.happened_at)
    except GatewayUnreachable as error:
        return (_unknown(source, message, event, error.message),)
    return told if isinstance(told, tuple) else (told,)


def read_event(message: Json) -> Event:
    """An event as it is kept. Raises GatewayUnreachable when it is none."""
    with reading("an event"):
        resource = message.get("resource") or {}
        return Event(
            event_id=str(message["id"]),
            type=str(message["event_type"]),
            object_id=str(resource.get("id") or resource.get("dispute_id") or message["id"]),
            happened_at=parse_instant(message["create_time"]),
            raw=json.dumps(message),
        )


def next_page(data: Json) -> str | None:
    """Where the next page of a list of events is: a path of this API, whatever host it names.

    PayPal wants its links followed, not built; the token must not leave for another host with them.
    """
    address = link(data, "next")
    if address is None:
        return None
    parts = urlsplit(address)
    return f"{EVENTS_PATH}?{parts.query}" if parts.path == EVENTS_PATH else None


def _unknown(source: Source, message: Json, event: Event, detail: str) -> Fact:
    return source.fact(
        event.object_id,
        "unknown",
        event.event_id,
        happened_at=event.happened_at,
        detail=detail,
        raw=message,
    )

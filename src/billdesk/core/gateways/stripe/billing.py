"""What Stripe bills by itself, read from its objects: subscriptions and invoices. Asks nothing.

Both shapes of the interface are read: periods stood on the subscription before 2025-03-31 and stand on
its items since; the subscription of an invoice has moved to its parent. What shows too little is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billdesk.core.gateways.stripe.amounts import kept_fee, money_of
from billdesk.core.gateways.stripe.client import JSON
from billdesk.core.gateways.stripe.shapes import (
    ACCOUNT_KEY,
    INVOICE_KEY,
    PLAN_KEY,
    id_of,
    instant_of,
    notes_of,
    object_of,
)
from billdesk.core.rules.mirrors import (
    GatewayInvoice,
    GatewayLine,
    GatewayPart,
    GatewaySubscription,
    schedule_of,
)

_STATUSES = {
    "incomplete": "",
    "incomplete_expired": "canceled",
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "paused": "paused",
    "canceled": "canceled",
}
_INVOICE_STATUSES = frozenset({"draft", "open", "paid", "void", "uncollectible"})


def subscription_state(subscription: JSON) -> GatewaySubscription | None:
    """A subscription. Raises KeyError for a status or price that nobody knows."""
    items = object_of(subscription.get("items")).get("data") or []
    if not items:
        return None
    first = items[0]
    since = first.get("current_period_start") or subscription.get("current_period_start")
    until = first.get("current_period_end") or subscription.get("current_period_end")
    if since is None or until is None:
        return None
    price, notes = first["price"], notes_of(subscription)
    rhythm, canceled = price["recurring"], subscription.get("cancel_at")
    if canceled is None and subscription.get("cancel_at_period_end"):
        canceled = until
    return GatewaySubscription(
        status=_STATUSES[subscription["status"]],
        plan_id=price["id"],
        plan_name=price.get("nickname") or price["id"],
        plan_code=notes.get(PLAN_KEY) or notes_of(price).get(PLAN_KEY),
        schedule=schedule_of(rhythm["interval"], rhythm["interval_count"]),
        quantity=first.get("quantity") or 1,
        asset=price["currency"].upper(),
        price_minor=_price_minor(items, rhythm),
        since=instant_of(since),
        until=instant_of(until),
        customer_id=id_of(subscription.get("customer")) or None,
        account_ref=notes.get(ACCOUNT_KEY),
        started_at=_instant(subscription.get("start_date")),
        trial_until=_instant(subscription.get("trial_end")),
        cancel_at=_instant(canceled),
        ended_at=_instant(subscription.get("ended_at")),
    )


def _price_minor(items: list[JSON], rhythm: JSON) -> int | None:
    """What a period costs; None where tiers, fractions or another rhythm make that no one number."""
    total_minor = 0
    for item in items:
        price = item["price"]
        same = (price["recurring"]["interval"], price["recurring"]["interval_count"]) == (
            rhythm["interval"], rhythm["interval_count"],
        )  # fmt: skip
        if price.get("unit_amount") is None or not same:
            return None
        total_minor += money_of(
            price["unit_amount"] * (item.get("quantity") or 1), price["currency"]
        ).minor
    return total_minor


def invoice_state(invoice: JSON, intents: Mapping[str, JSON]) -> GatewayInvoice | None:
    """An invoice, best whole: with all its lines and its payments. `intents`: what those are, by id."""
    if invoice.get("total") is None or invoice.get("status") not in _INVOICE_STATUSES:
        return None
    currency = invoice["currency"]
    parent = object_of(object_of(invoice.get("parent")).get("subscription_details"))
    notes = {**(parent.get("metadata") or {}), **notes_of(invoice)}
    dates = object_of(invoice.get("status_transitions"))
    total_minor = money_of(invoice["total"], currency).minor
    lines = _lines(invoice, total_minor)
    error = object_of(invoice.get("last_finalization_error"))
    return GatewayInvoice(
        status=invoice["status"],
        number=invoice.get("number"),
        asset=currency.upper(),
        subtotal_minor=sum(line.net_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        total_minor=total_minor,
        paid_minor=money_of(invoice.get("amount_paid") or 0, currency).minor,
        lines=lines,
        parts=tuple(_parts(invoice, intents)),
        customer_id=id_of(invoice.get("customer")) or None,
        account_ref=notes.get(ACCOUNT_KEY),
        subscription_id=id_of(parent.get("subscription"))
        or id_of(invoice.get("subscription"))
        or None,
        invoice_id=notes.get(INVOICE_KEY),
        issued_at=_instant(dates.get("finalized_at")) or _instant(invoice.get("created")),
        due_at=_instant(invoice.get("due_date")),
        since=_instant(invoice.get("period_start")),
        until=_instant(invoice.get("period_end")),
        attempts=invoice.get("attempt_count") or 0,
        failure=error.get("message") or "",
        page_url=invoice.get("hosted_invoice_url"),
    )


def _lines(invoice: JSON, total_minor: int) -> tuple[GatewayLine, ...]:
    """The lines; what else the total holds (shipping, a discount of the whole) is one more."""
    shown = object_of(invoice.get("lines")).get("data") or []
    lines = [_line(line, invoice["currency"]) for line in shown]
    rest_minor = total_minor - sum(line.net_minor + line.tax_minor for line in lines)
    if rest_minor:
        lines.append(GatewayLine("Other amounts", "1", "", rest_minor, rest_minor, 0))
    return tuple(lines)


def _line(line: JSON, currency: str) -> GatewayLine:
    def minor(amount: int) -> int:
        return money_of(amount, currency).minor

    taxes = [
        (tax["amount"], tax.get("inclusive", tax.get("tax_behavior") == "inclusive"))
        for tax in line.get("taxes") or line.get("tax_amounts") or []
    ]
    given = sum(cut["amount"] for cut in line.get("discount_amounts") or [])
    tax_minor = minor(sum(amount for amount, _ in taxes))
    inside_minor = minor(sum(amount for amount, inclusive in taxes if inclusive))
    amount_minor, period = minor(line["amount"] - given), object_of(line.get("period"))
    return GatewayLine(
        text=line.get("description") or "",
        quantity=str(line.get("quantity") or 1),
        unit_price="",
        amount_minor=amount_minor,
        net_minor=amount_minor - inside_minor,
        tax_minor=tax_minor,
        tax_inclusive=bool(inside_minor),
        since=_instant(period.get("start")),
        until=_instant(period.get("end")),
    )


def paying_intents(invoice: JSON) -> tuple[str, ...]:
    """The ids of the payment intents that brought an invoice's money."""
    return tuple(
        id_of(object_of(paid["payment"]).get("payment_intent"))
        for paid in _paid(invoice)
        if object_of(paid["payment"]).get("payment_intent")
    )


def _paid(invoice: JSON) -> list[JSON]:
    made = object_of(invoice.get("payments")).get("data") or []
    return [paid for paid in made if paid["status"] == "paid"]


def _parts(invoice: JSON, intents: Mapping[str, JSON]) -> list[GatewayPart]:
    parts = []
    for paid in _paid(invoice):
        means = object_of(paid["payment"])
        known_by = id_of(means.get("payment_intent")) or id_of(means.get("charge"))
        if known_by and paid.get("amount_paid"):
            amount = money_of(paid["amount_paid"], invoice["currency"])
            fee = _fee(intents.get(known_by) or {}, amount.asset)
            parts.append(GatewayPart(known_by, known_by, amount.minor, fee))
    return parts


def _fee(intent: JSON, asset: str) -> int | None:
    """What Stripe kept of a payment, once its balance tells in the same currency."""
    booked = object_of(object_of(intent.get("latest_charge")).get("balance_transaction"))
    fee = kept_fee(booked["fee"], booked["currency"]) if booked else None
    return fee.minor if fee is not None and fee.asset == asset else None


def _instant(seconds: Any) -> datetime | None:
    return None if seconds is None else instant_of(seconds)

"""What PayPal bills by itself: its subscriptions, and the sales that it makes for them.

PayPal writes no invoices: each sale of a subscription is one with a single line. When a period began it
does not say either; the last payment stands for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from billdesk.core.gateways.paypal.amounts import read_amount
from billdesk.core.rules.mirrors import (
    GatewayInvoice,
    GatewayLine,
    GatewayPart,
    GatewaySubscription,
    schedule_of,
)
from billdesk.core.values.clock import parse_instant
from billdesk.core.values.money import Money

_STATUSES = {
    "APPROVAL_PENDING": "",
    "APPROVED": "",
    "ACTIVE": "active",
    "SUSPENDED": "paused",
    "CANCELLED": "canceled",
    "EXPIRED": "canceled",
}


def subscription_state(subscription: Mapping[str, Any]) -> GatewaySubscription | None:
    """A subscription; None where it has begun and shows neither its plan's price nor a payment.

    PayPal shows the plan only to whoever asks for it; else its name and rhythm stay empty.
    """
    info, plan = subscription.get("billing_info", {}), subscription.get("plan", {})
    cycle = _regular_cycle(plan)
    quantity = max(int(Decimal(subscription.get("quantity") or 1)), 1)
    price = _price(cycle, quantity) or _last_paid(info)
    start = subscription.get("start_time") or subscription.get("create_time")
    status, changed = _STATUSES[subscription["status"]], subscription.get("update_time")
    if start is None or (price is None and status):
        return None
    if status == "active" and info.get("failed_payments_count"):
        status = "past_due"
    since = parse_instant(info.get("last_payment", {}).get("time") or start)
    ends = info.get("next_billing_time")
    frequency = cycle.get("frequency", {})
    plan_id = subscription.get("plan_id") or plan.get("id") or ""
    return GatewaySubscription(
        status=status,
        plan_id=plan_id,
        plan_name=plan.get("name") or "",
        plan_code=None,
        schedule=schedule_of(frequency["interval_unit"].lower(), frequency.get("interval_count", 1))
        if frequency
        else "",
        quantity=quantity,
        asset=price.asset if price else "",
        price_minor=price.minor if price else None,
        since=since,
        until=parse_instant(ends) if ends else since,
        customer_id=subscription.get("subscriber", {}).get("payer_id"),
        started_at=parse_instant(start),
        ended_at=parse_instant(changed) if status == "canceled" and changed else None,
    )


def _regular_cycle(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    cycles = plan.get("billing_cycles", [])
    return next((cycle for cycle in cycles if cycle["tenure_type"] == "REGULAR"), {})


def _price(cycle: Mapping[str, Any], quantity: int) -> Money | None:
    fixed = cycle.get("pricing_scheme", {}).get("fixed_price")
    if not fixed:
        return None
    price = read_amount(fixed)
    return Money(price.minor * quantity, price.asset)


def _last_paid(info: Mapping[str, Any]) -> Money | None:
    paid = info.get("last_payment", {}).get("amount")
    return read_amount(paid) if paid else None


def sale_state(sale: Mapping[str, Any], fee: Money | None) -> GatewayInvoice:
    """A sale as the invoice that it stands for: paid, with one line."""
    amount, agreement = read_amount(sale["amount"]), sale.get("billing_agreement_id")
    at = parse_instant(sale["create_time"])
    line = GatewayLine(
        f"Subscription {agreement or ''}".strip(), "1", "", amount.minor, amount.minor, 0
    )
    return GatewayInvoice(
        status="paid",
        number=sale["id"],
        asset=amount.asset,
        subtotal_minor=amount.minor,
        tax_minor=0,
        total_minor=amount.minor,
        paid_minor=amount.minor,
        lines=(line,),
        parts=(
            GatewayPart(
                sale["id"],
                sale["id"],
                amount.minor,
                fee.minor if fee and fee.asset == amount.asset else None,
            ),
        ),
        subscription_id=agreement,
        issued_at=at,
    )

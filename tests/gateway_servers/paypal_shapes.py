"""The objects a PayPal of our own keeps, and the shapes in which PayPal sends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from billdesk.core.values.money import exponent_of

Json = dict[str, Any]

BASE = "https://api-m.sandbox.paypal.com"
MERCHANT = "M3RCHANTACC22"
WHOLE = {"HUF", "JPY", "TWD"}
BUYER = {"email_address": "buyer@example.com", "account_id": "BUYERPAYERQ22"}


@dataclass
class Order:
    id: str
    unit: Json
    amount: Decimal
    currency: str
    source: Json
    kind: str
    created: datetime
    updated: datetime
    status: str = "PAYER_ACTION_REQUIRED"
    will: str = "pay"
    captures: list[Capture] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    vault: str | None = None


@dataclass
class Capture:
    id: str
    order: Order
    amount: Decimal
    fee: Decimal
    status: str
    reason: str
    created: datetime
    taken_back: Decimal = Decimal(0)


@dataclass
class Refund:
    id: str
    capture: Capture
    amount: Decimal
    status: str
    custom_id: str
    invoice_id: str
    note: str
    created: datetime


@dataclass
class Dispute:
    id: str
    capture: Capture
    amount: Decimal
    created: datetime
    updated: datetime
    status: str = "OPEN"
    outcome: str = ""
    amount_lost: Decimal | None = None


@dataclass
class SavedMethod:
    id: str
    customer: str
    kind: str
    inside: Json
    declines: bool = False


@dataclass
class Line:
    """One line of the report of transactions."""

    at: datetime
    info: Json


def order_json(order: Order) -> Json:
    unit = {"reference_id": "default", **order.unit}
    if order.captures:
        unit["payments"] = {"captures": [capture_json(one) for one in order.captures]}
        if order.refunds:
            unit["payments"]["refunds"] = [refund_json(one) for one in order.refunds]
    source: Json = {"email_address": "buyer@example.com", "account_id": "BUYERPAYERQ22"}
    if order.kind == "card":
        source = {"last_digits": "1111", "brand": "VISA", "type": "CREDIT", "expiry": "2030-01"}
    if order.vault:
        customer = {"id": order.source.get("attributes", {}).get("customer", {}).get("id", "c")}
        source["attributes"] = {
            "vault": {"id": order.vault, "status": "VAULTED", "customer": customer}
        }
    data: Json = {
        "id": order.id,
        "intent": "CAPTURE",
        "status": order.status,
        "payment_source": {order.kind: source},
        "purchase_units": [unit],
        "create_time": stamp(order.created),
        "update_time": stamp(order.updated),
        "links": [link(f"{BASE}/v2/checkout/orders/{order.id}", "self")],
    }
    if order.status == "PAYER_ACTION_REQUIRED":
        data["links"] += [
            link(f"https://www.sandbox.paypal.com/checkoutnow?token={order.id}", "payer-action")
        ]
    return data


def capture_json(capture: Capture) -> Json:
    order = capture.order
    currency = order.currency
    data: Json = {
        "id": capture.id,
        "status": capture.status,
        "amount": money_json(capture.amount, currency),
        "final_capture": True,
        "seller_protection": {"status": "ELIGIBLE"},
        "create_time": stamp(capture.created),
        "update_time": stamp(capture.created),
        "links": [
            link(f"{BASE}/v2/payments/captures/{capture.id}", "self"),
            link(f"{BASE}/v2/payments/captures/{capture.id}/refund", "refund", "POST"),
            link(f"{BASE}/v2/checkout/orders/{order.id}", "up"),
        ],
    }
    if capture.status not in {"PENDING", "DECLINED", "FAILED"}:
        data["seller_receivable_breakdown"] = {
            "gross_amount": money_json(capture.amount, currency),
            "paypal_fee": money_json(capture.fee, currency),
            "net_amount": money_json(capture.amount - capture.fee, currency),
        }
    if capture.reason:
        data["status_details"] = {"reason": capture.reason}
    for name in ("custom_id", "invoice_id"):
        if name in order.unit:
            data[name] = order.unit[name]
    return data


def refund_json(refund: Refund) -> Json:
    currency = refund.capture.order.currency
    data: Json = {
        "id": refund.id,
        "status": refund.status,
        "amount": money_json(refund.amount, currency),
        "seller_payable_breakdown": {
            "gross_amount": money_json(refund.amount, currency),
            "paypal_fee": money_json(Decimal(0), currency),
            "net_amount": money_json(refund.amount, currency),
            "total_refunded_amount": money_json(refund.capture.taken_back, currency),
        },
        "create_time": stamp(refund.created),
        "update_time": stamp(refund.created),
        "links": [
            link(f"{BASE}/v2/payments/refunds/{refund.id}", "self"),
            link(f"{BASE}/v2/payments/captures/{refund.capture.id}", "up"),
        ],
    }
    if refund.custom_id:
        data["custom_id"] = refund.custom_id
    if refund.invoice_id:
        data["invoice_id"] = refund.invoice_id
    if refund.note:
        data["note_to_payer"] = refund.note
    return data


def dispute_json(one: Dispute) -> Json:
    capture = one.capture
    data: Json = {
        "dispute_id": one.id,
        "create_time": stamp(one.created, "milliseconds"),
        "update_time": stamp(one.updated, "milliseconds"),
        "disputed_transactions": [
            {
                "seller_transaction_id": capture.id,
                "create_time": stamp(capture.created, "milliseconds"),
                "transaction_status": "COMPLETED",
                "gross_amount": money_json(capture.amount, capture.order.currency),
                "custom": capture.order.unit.get("custom_id", ""),
            }
        ],
        "reason": "UNAUTHORISED",
        "status": one.status,
        "dispute_amount": money_json(one.amount, capture.order.currency),
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "INTERNAL",
    }
    if not data["disputed_transactions"][0]["custom"]:
        del data["disputed_transactions"][0]["custom"]
    if one.outcome:
        data["dispute_outcome"] = {"outcome_code": one.outcome}
        if one.outcome == "RESOLVED_BUYER_FAVOUR":
            lost = one.amount if one.amount_lost is None else one.amount_lost
            refunded = money_json(lost, capture.order.currency)
            data["dispute_outcome"]["amount_refunded"] = refunded
    return data


def method_json(method: SavedMethod) -> Json:
    return {
        "id": method.id,
        "customer": {"id": method.customer},
        "payment_source": {method.kind: method.inside},
        "links": [link(f"{BASE}/v3/vault/payment-tokens/{method.id}", "self")],
    }


def link(href: str, rel: str, method: str = "GET") -> Json:
    return {"href": href, "rel": rel, "method": method}


def money_json(amount: Decimal, currency: str) -> Json:
    return {"currency_code": currency, "value": str(amount.quantize(unit(currency)))}


def stamp(instant: datetime, timespec: str = "seconds") -> str:
    return instant.isoformat(timespec=timespec).replace("+00:00", "Z")


def to_minor(amount: Decimal, currency: str) -> int:
    return int(amount.scaleb(exponent_of(currency)))


def from_minor(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent_of(currency))


def unit(currency: str) -> Decimal:
    return Decimal(1) if currency in WHOLE else Decimal("0.01")

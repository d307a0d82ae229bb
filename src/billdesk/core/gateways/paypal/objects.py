"""PayPal's objects as facts: orders, captures, refunds, disputes, saved methods, what it bills.

Nothing here talks to anybody, and the same object gives the same facts whether it came as a reply,
an event or a row of a report. A payment is known by its order if it carries an id of ours, and by
its capture otherwise: reports name no orders, and only ours are worth asking for.

A refund of ours carries `<payment id>,<refund id>` as its custom id; one made on PayPal's own site
may carry a copy of the payment's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from billdesk.core.gateways.paypal.amounts import read_amount
from billdesk.core.gateways.paypal.billing import sale_state, subscription_state
from billdesk.core.rules.gateway import Fact, Method, Mode, Stage, Ties
from billdesk.core.values.clock import parse_instant
from billdesk.core.values.money import Money

Json = Mapping[str, Any]

_CAPTURE_STAGES: dict[str, Stage] = {
    "COMPLETED": "settled",
    "PARTIALLY_REFUNDED": "settled",
    "REFUNDED": "settled",
    "PENDING": "processing",
    "DECLINED": "declined",
    "FAILED": "declined",
}
_REFUND_STAGES: dict[str, Stage] = {
    "COMPLETED": "refunded",
    "PENDING": "refund_pending",
    "FAILED": "refund_failed",
    "CANCELLED": "refund_failed",
}
_LOST = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})
_ENDED = frozenset({"CANCELLED", "EXPIRED"})


@dataclass(frozen=True, slots=True)
class Source:
    """Whose word a fact is: the gateway's name, the account there, and the mode."""

    gateway: str
    account: str
    mode: Mode

    def fact(
        self,
        object_id: str,
        stage: Stage,
        occurrence: str,
        *,
        happened_at: datetime,
        raw: Json,
        amount: Money | None = None,
        fee: Money | None = None,
        detail: str = "",
        **ties: Unpack[Ties],
    ) -> Fact:
        """A fact in this source's name."""
        return Fact(
            gateway=self.gateway,
            account=self.account,
            mode=self.mode,
            object_id=object_id,
            stage=stage,
            occurrence=occurrence,
            amount=amount,
            fee=fee,
            happened_at=happened_at,
            detail=detail,
            raw=json.dumps(raw),
            **ties,
        )


def order_facts(source: Source, order: Json) -> tuple[Fact, ...]:
    """What an order tells, oldest first: its captures and refunds, or that it waits or is over."""
    unit = order["purchase_units"][0]
    payments = unit.get("payments", {})
    captures = payments.get("captures", [])
    if not captures:
        return (_waiting_fact(source, order),)
    payment_id = unit.get("custom_id")
    method = source_method(order.get("payment_source", {}))
    paid = [
        capture_fact(
            source,
            {"custom_id": payment_id, **capture},
            order_id=order["id"],
            raw=order,
            method=method,
        )
        for capture in captures
    ]
    back = [
        refund_fact(source, refund, order_id=order["id"], payment_id=payment_id, raw=order)
        for refund in payments.get("refunds", [])
    ]
    return (*paid, *back)


def _waiting_fact(source: Source, order: Json) -> Fact:
    """An order nobody was asked to pay yet: `opened`, or `expired` when it was voided."""
    unit = order["purchase_units"][0]
    void = order["status"] == "VOIDED"
    return source.fact(
        order["id"],
        "expired" if void else "opened",
        order["id"],
        amount=read_amount(unit["amount"]),
        happened_at=parse_instant((void and order.get("update_time")) or order["create_time"]),
        detail="nobody paid in time" if void else "waits for the customer",
        raw=order,
        payment_id=unit.get("custom_id"),
        pay_url=None if void else link(order, "payer-action", "approve"),
    )


def capture_fact(
    source: Source,
    capture: Json,
    *,
    order_id: str | None = None,
    raw: Json | None = None,
    method: Method | None = None,
) -> Fact:
    """What a capture tells of its payment: settled with its fee, processing or declined."""
    payment_id = capture.get("custom_id") or None
    order_id = order_id or _order_id(capture)
    status = capture["status"]
    stage = _CAPTURE_STAGES[status]
    fee = capture.get("seller_receivable_breakdown", {}).get("paypal_fee")
    return source.fact(
        order_id if payment_id and order_id else capture["id"],
        stage,
        capture["id"],
        amount=read_amount(capture["amount"]),
        fee=read_amount(fee) if fee and stage == "settled" else None,
        happened_at=parse_instant(capture["create_time"]),
        detail="" if stage == "settled" else _reason(capture) or f"PayPal says {words(status)}",
        raw=capture if raw is None else raw,
        payment_id=payment_id,
        charge_id=capture["id"],
        method=method if stage == "settled" else None,
    )


def refund_fact(
    source: Source,
    refund: Json,
    *,
    order_id: str | None = None,
    payment_id: str | None = None,
    raw: Json | None = None,
) -> Fact:
    """What a refund tells: refunded, still pending or failed; ours carry both of our ids."""
    ours, _, refund_id = str(refund.get("custom_id") or "").partition(",")
    fee = refund.get("seller_payable_breakdown", {}).get("paypal_fee")
    given_back = read_amount(fee) if fee else None
    return source.fact(
        refund["id"],
        _REFUND_STAGES[refund["status"]],
        refund["id"],
        amount=read_amount(refund["amount"]),
        # A fee that PayPal gives back with the refund is a fee below zero.
        fee=given_back.negated() if given_back and given_back.minor else None,
        happened_at=parse_instant(refund["create_time"]),
        detail=_reason(refund) or str(refund.get("note_to_payer") or ""),
        raw=refund if raw is None else raw,
        payment_id=payment_id or ours or None,
        refund_id=refund_id or None,
        payment_external_id=order_id,
        charge_id=_last_part(link(refund, "up")),
    )


def dispute_facts(source: Source, dispute: Json) -> tuple[Fact, ...]:
    """What a dispute tells: that it was opened, and who won it once that is decided."""
    [about, *_] = dispute.get("disputed_transactions") or [{}]
    outcome = dispute.get("dispute_outcome", {})

    def told(stage: Stage, amount: Json, at: str) -> Fact:
        return source.fact(
            dispute["dispute_id"],
            stage,
            dispute["dispute_id"],
            amount=read_amount(amount),
            happened_at=parse_instant(at),
            detail=words(dispute.get("reason", "")),
            raw=dispute,
            payment_id=about.get("custom") or None,
            charge_id=about.get("seller_transaction_id"),
        )

    amount = dispute["dispute_amount"]
    opened = told("disputed", amount, dispute["create_time"])
    if dispute["status"] != "RESOLVED":
        return (opened,)
    lost = outcome.get("outcome_code") in _LOST
    amount = outcome.get("amount_refunded", amount) if lost else amount
    closed = told("dispute_lost" if lost else "dispute_won", amount, dispute["update_time"])
    return opened, closed


def method_fact(source: Source, token: Json, stage: Stage, happened_at: datetime) -> Fact:
    """A saved method that came or went."""
    customer_id = token.get("customer", {}).get("id", "")
    return source.fact(
        token["id"],
        stage,
        token["id"],
        happened_at=happened_at,
        raw=token,
        method=token_method(token) if customer_id else None,
    )


def subscription_fact(source: Source, subscription: Json) -> Fact:
    """A subscription as it is now; each change of it is an occurrence of its own."""
    status = subscription["status"]
    changed = subscription.get("update_time") or subscription["create_time"]
    return source.fact(
        subscription["id"],
        "subscription_ended" if status in _ENDED else "subscription_changed",
        f"{status}:{changed}",
        happened_at=parse_instant(changed),
        detail=words(status),
        raw=subscription,
        subscription=subscription_state(subscription),
    )


def sale_fact(source: Source, sale: Json) -> Fact:
    """Money that PayPal took for a subscription it bills by itself."""
    kept = sale.get("transaction_fee")
    fee = read_amount({"value": kept["value"], "currency_code": kept["currency"]}) if kept else None
    return source.fact(
        sale["id"],
        "invoice_paid",
        sale["id"],
        amount=read_amount(sale["amount"]),
        fee=fee,
        happened_at=parse_instant(sale["create_time"]),
        detail=f"subscription {sale.get('billing_agreement_id', 'unknown')}",
        raw=sale,
        charge_id=sale["id"],
        invoice=sale_state(sale, fee),
    )


def sale_refund_fact(source: Source, refund: Json, detail: str) -> Fact:
    """Money of such a sale that went back."""
    return source.fact(
        refund["id"],
        "refunded",
        refund["id"],
        amount=read_amount(refund["amount"]),
        happened_at=parse_instant(refund["create_time"]),
        detail=detail,
        raw=refund,
        charge_id=refund["sale_id"],
    )


# --- what they have in common --------------------------------------------------------------------


def token_method(token: Json) -> Method:
    """A payment token as a saved method."""
    [(kind, inside), *_] = token["payment_source"].items()
    return _method(kind, inside, token["id"], token["customer"]["id"])


def source_method(payment_source: Json) -> Method | None:
    """The method an order was paid with, if it was kept for another time."""
    for kind, inside in payment_source.items():
        vault = inside.get("attributes", {}).get("vault", {})
        if vault.get("status") == "VAULTED":
            return _method(kind, inside, vault["id"], vault.get("customer", {}).get("id", ""))
    return None


def _method(kind: str, inside: Json, method_id: str, customer_id: str) -> Method:
    if "last_digits" in inside:
        brand = words(inside.get("brand", kind)).title()
        return Method(
            method_id, customer_id, f"{brand} ···· {inside['last_digits']}", inside.get("expiry")
        )
    name = {"paypal": "PayPal"}.get(kind, words(kind).title())
    whose = inside.get("email_address") or inside.get("user_name") or ""
    return Method(method_id, customer_id, f"{name} {whose}".strip())


def link(data: Json, *relations: str) -> str | None:
    """Where the first of `relations` that the object has leads to."""
    found = {entry["rel"]: entry["href"] for entry in data.get("links", [])}
    return next((found[relation] for relation in relations if relation in found), None)


def words(name: str) -> str:
    """`ITEM_NOT_RECEIVED` → `item not received`."""
    return name.replace("_", " ").lower()


def _reason(data: Json) -> str:
    return words(data.get("status_details", {}).get("reason", ""))


def _order_id(capture: Json) -> str | None:
    """The order a capture belongs to, if it says so."""
    related = capture.get("supplementary_data", {}).get("related_ids", {}).get("order_id")
    if related is not None:
        return str(related)
    above = link(capture, "up")
    return _last_part(above) if above and "/checkout/orders/" in above else None


def _last_part(address: str | None) -> str | None:
    return address.rsplit("/", 1)[1] if address else None

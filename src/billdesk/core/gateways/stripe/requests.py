"""What is sent to Stripe to have something made, and the keys that make it once."""

from __future__ import annotations

import hashlib
from typing import Any

from billdesk.core.gateways.stripe.amounts import stripe_amount
from billdesk.core.gateways.stripe.shapes import (
    ACCOUNT_KEY,
    CHECKOUT,
    EXTERNAL_KEY,
    FLOW_KEY,
    OFF_SESSION,
    PAYMENT_KEY,
    REFUND_KEY,
)
from billdesk.core.rules.gateway import OffSessionRequest, PaymentRequest, RefundRequest

NOTE_LENGTH = 500  # the most that Stripe keeps of a note
NAME_LENGTH = 250  # and of what is sold
CAPTURE = "automatic"  # at once: Stripe's own choice, automatic_async, tells the fee later


def key_option(key: str) -> Any:
    """The option that makes a request happen once, however often it is sent within a day."""
    return {"idempotency_key": key}


def session_params(request: PaymentRequest, return_url: str) -> Any:
    """A Checkout Session for a payment. Raises GatewayError for amounts that Stripe does not take."""
    notes = _notes(request, CHECKOUT)
    intent: dict[str, Any] = {
        "metadata": notes,
        "description": request.description,
        "capture_method": CAPTURE,
    }
    if request.save_method:
        intent["setup_future_usage"] = "off_session"
    return {
        "mode": "payment",
        "client_reference_id": request.payment_id,
        "metadata": notes,
        # What was asked for is what is paid, in the same currency.
        "adaptive_pricing": {"enabled": False},
        # Notes on a session are not copied to what is paid in it.
        "payment_intent_data": intent,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.amount.asset.lower(),
                    "unit_amount": stripe_amount(request.amount),
                    "product_data": {"name": request.description[:NAME_LENGTH] or "Payment"},
                },
            }
        ],
        "success_url": return_url,
        **_payer(request),
    }


def charge_params(request: OffSessionRequest) -> Any:
    """A payment intent without its payer. Raises GatewayError as above.

    Nothing is to be shown whole in the answer: a right that is lacking must not hide what was done.
    """
    params = {
        "amount": stripe_amount(request.amount),
        "currency": request.amount.asset.lower(),
        "customer": request.customer_id,
        "payment_method": request.method_id,
        "description": request.description,
        "metadata": _notes(request, OFF_SESSION),
        "capture_method": CAPTURE,
        "off_session": True,
        "confirm": True,
        # Nobody is there to be sent to another page.
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }
    return {**params, "receipt_email": request.email} if request.email else params


def refund_params(request: RefundRequest, intent_id: str) -> Any:
    """A refund of a payment intent. Raises GatewayError as above."""
    notes = {
        REFUND_KEY: request.refund_id,
        PAYMENT_KEY: request.payment_id,
        EXTERNAL_KEY: request.external_id,
        "note": request.note[:NOTE_LENGTH],
    }
    return {
        "payment_intent": intent_id,
        "amount": stripe_amount(request.amount),
        "metadata": notes,
    }


def customer_params(account_ref: str, name: str, email: str | None) -> Any:
    """A customer."""
    params = {"name": name, "metadata": {ACCOUNT_KEY: account_ref}}
    return {**params, "email": email} if email else params


def customer_key(account_ref: str) -> str:
    """The key of a customer: the reference as a digest, since a key has only 255 characters."""
    return f"customer:{hashlib.sha256(account_ref.encode()).hexdigest()[:32]}"


def method_page_params(customer_id: str, account_ref: str, return_url: str) -> Any:
    """A Checkout Session that takes no money, only a card for later."""
    notes = {ACCOUNT_KEY: account_ref}
    return {
        "mode": "setup",
        "customer": customer_id,
        "allowed_payment_method_types": ["card"],
        "metadata": notes,
        "setup_intent_data": {"metadata": notes},
        "success_url": return_url,
    }


def _notes(request: PaymentRequest | OffSessionRequest, flow: str) -> dict[str, str]:
    return {
        PAYMENT_KEY: request.payment_id,
        ACCOUNT_KEY: request.account_ref,
        FLOW_KEY: flow,
    }


def _payer(request: PaymentRequest) -> dict[str, str]:
    if request.customer_id:
        return {"customer": request.customer_id}
    payer = {"customer_email": request.email} if request.email else {}
    return {**payer, "customer_creation": "always"} if request.save_method else payer

"""What the shapes of Stripe's objects have in common, and the notes that the desk leaves on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from billdesk.core.gateways.stripe.client import JSON
from billdesk.core.rules.gateway import Method
from billdesk.core.values.clock import EPOCH

# The notes: whose payment or refund it is, by our own ids, and in which way a payment was asked for.
PAYMENT_KEY = "billdesk_payment"
EXTERNAL_KEY = "billdesk_external"
REFUND_KEY = "billdesk_refund"
ACCOUNT_KEY = "billdesk_account"
FLOW_KEY = "billdesk_flow"
PLAN_KEY = "billdesk_plan"
INVOICE_KEY = "billdesk_invoice"
LINE_KEY = "billdesk_line"
CHECKOUT = "checkout"
OFF_SESSION = "off_session"


def notes_of(thing: JSON) -> dict[str, str]:
    """What is noted on an object."""
    return thing.get("metadata") or {}


def id_with_note(found: Iterator[JSON], key: str, value: str) -> str | None:
    """The id of the first object that carries this note."""
    ids = (thing["id"] for thing in found if notes_of(thing).get(key) == value)
    return next(ids, None)


def is_checkout(intent: JSON) -> bool:
    """Whether a payment intent or charge belongs to a session of ours, which says all there is."""
    return notes_of(intent).get(FLOW_KEY) == CHECKOUT


def object_of(thing: Any) -> JSON:
    """An expanded object; empty where there is only its id, or nothing."""
    return thing if isinstance(thing, dict) else {}


def id_of(thing: Any) -> str:
    """The id of an object, expanded or not; empty where there is none."""
    return (thing.get("id") or "") if isinstance(thing, dict) else (thing or "")


def instant_of(seconds: int) -> datetime:
    """Stripe's seconds as an instant."""
    return EPOCH + timedelta(seconds=seconds)


def instant_or(seconds: int | None, otherwise: datetime) -> datetime:
    """Stripe's seconds as an instant, where it tells them."""
    return otherwise if seconds is None else instant_of(seconds)


def saved_method(used: JSON, customer_id: str | None = None) -> Method:
    """A payment method as people know it."""
    kind = used["type"]
    details = used.get(kind) or {}
    name = str(details.get("brand") or details.get("bank_name") or kind).replace("_", " ")
    number, email = details.get("last4"), details.get("email")
    end = f" ···· {number}" if number else f" {email}" if email else ""
    expires = (
        f"{details['exp_year']:04}-{details['exp_month']:02}" if details.get("exp_year") else None
    )
    return Method(
        method_id=used["id"],
        customer_id=id_of(used.get("customer")) or customer_id or "",
        label=f"{name[:1].upper()}{name[1:]}{end}",
        expires=expires,
    )


def raw_text(thing: Any) -> str:
    """Stripe's own JSON, without the secrets that a browser would pay with."""
    return json.dumps(_without_secrets(thing), separators=(",", ":"))


def digest_of(thing: JSON) -> str:
    """What stands for an object's content, where nothing numbers its changes."""
    return hashlib.sha256(raw_text(thing).encode()).hexdigest()[:32]


def _without_secrets(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {
            key: _without_secrets(value) for key, value in thing.items() if key != "client_secret"
        }
    return [_without_secrets(value) for value in thing] if isinstance(thing, list) else thing


def seconds_of(instant: datetime) -> int:
    """An instant in Stripe's whole seconds, rounded down."""
    return (instant - EPOCH) // timedelta(seconds=1)

"""The sandbox's words: its JSON, the facts they mean, their signatures and its cursors."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from billdesk.core.gateways.sandbox.rows import EventRow, MethodRow, PaymentRow
from billdesk.core.rules.gateway import INVOICE_STAGES, Event, Fact, GatewayRow, Method
from billdesk.core.rules.mirrors import invoice_from_plain, subscription_from_plain
from billdesk.core.values.clock import format_instant, from_micros
from billdesk.core.values.errors import BadInput, Broken, GatewayError
from billdesk.core.values.money import Money

SIGNATURE_HEADER = "sandbox-signature"
SIGNATURE_LASTS = timedelta(minutes=5)
UNASKED = "unasked:"
"""What the id of a payment begins with that the desk did not ask for."""

_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})", re.ASCII)
_CURSOR = re.compile(r"(\d{1,18})(?:/(\d{1,18})/(\d{1,18}))?", re.ASCII)
_SWEEP_CURSOR = re.compile(r"sweep/(\d{1,18})/(\d{1,18})", re.ASCII)
_EVENT_ID = re.compile(r"evt_(\d{1,18})", re.ASCII)


# --- events --------------------------------------------------------------------------------------


def charge_id_of(external_id: str) -> str:
    """The id of what was paid: a payment has one attempt, so its first."""
    return f"{external_id}:1"


def to_fact(row: EventRow, gateway: str, account: str) -> Fact:
    """What an event says."""
    if row.body is not None:
        return _bill_fact(row, row.body, gateway, account)
    payment, payback = row.payment, row.payback
    amount_minor = payback.amount_minor if payback else payment.amount_minor if payment else 0
    paid = payback is not None or row.stage == "settled"
    own = payment is not None and payback is None
    return Fact(
        gateway=gateway,
        account=account,
        mode="test",
        object_id=row.object_id,
        stage=row.stage,
        # The customer pays, fails or walks away once; a refund and a dispute are one occurrence.
        occurrence=charge_id_of(row.object_id) if own else row.object_id,
        amount=Money(amount_minor, payment.asset) if payment else None,
        fee=Money(row.fee_minor, payment.asset) if payment and row.fee_minor is not None else None,
        happened_at=from_micros(row.created_at),
        detail=row.detail,
        raw=to_json(row),
        payment_id=_asked_id(payment),
        pay_url=f"https://sandbox.invalid/pay/{row.object_id}" if row.stage == "opened" else None,
        refund_id=payback.refund_id if payback else None,
        payment_external_id=payback.payment_external_id if payback else None,
        charge_id=charge_id_of(payment.external_id) if payment and paid else None,
        method=to_method(row.method) if row.method else None,
    )


def _asked_id(payment: PaymentRow | None) -> str | None:
    """The id that a payment was asked for with; one that pays an invoice has none."""
    if payment is None or payment.payment_id.startswith(UNASKED):
        return None
    return payment.payment_id


def _bill_fact(row: EventRow, body: str, gateway: str, account: str) -> Fact:
    """What an event says of a subscription or an invoice."""
    plain = json.loads(body)
    invoice = invoice_from_plain(plain) if "lines" in plain else None
    return Fact(
        gateway=gateway,
        account=account,
        mode="test",
        object_id=row.object_id,
        stage=row.stage,
        occurrence=row.occurrence,
        amount=Money(invoice.total_minor, invoice.asset) if invoice else None,
        fee=None,
        happened_at=from_micros(row.created_at),
        detail=row.detail,
        raw=to_json(row),
        pay_url=invoice.page_url if invoice else None,
        subscription=None if invoice else subscription_from_plain(plain),
        invoice=invoice,
    )


def to_method(row: MethodRow) -> Method:
    """A saved method, without what the gateway alone knows of it."""
    return Method(row.method_id, row.customer_id, row.label, row.expires)


def to_event(row: EventRow) -> Event:
    """An event as a message of its own."""
    return Event(
        event_id=f"evt_{row.number}",
        type=_type_of(row),
        object_id=row.object_id,
        happened_at=from_micros(row.created_at),
        raw=to_json(row),
    )


def to_row(row: EventRow) -> GatewayRow:
    """A movement of money as a line of the gateway's own books; a failed refund brings it back."""
    payment, payback = row.payment, row.payback
    if payment is None:
        raise Broken("only payments move money")
    minor = payback.amount_minor if payback else payment.amount_minor
    return GatewayRow(
        kind=payback.kind if payback else "payment",
        external_id=row.object_id,
        charge_id=charge_id_of(payment.external_id),
        payment_id=_asked_id(payment),
        asset=payment.asset,
        amount_minor=minor if row.stage in {"settled", "refund_failed"} else -minor,
        fee_minor=row.fee_minor or 0,
        happened_at=from_micros(row.created_at),
    )


def to_json(row: EventRow) -> str:
    """The event as a gateway would put it, with keys in a fixed order."""
    message: dict[str, object] = {
        "id": f"evt_{row.number}",
        "type": _type_of(row),
        "created": format_instant(from_micros(row.created_at)),
    }
    if row.payment is not None:
        message["payment"] = {
            "id": row.payment.external_id,
            "reference": row.payment.payment_id,
            "customer": row.payment.account_ref,
            "description": row.payment.description,
            "amount_minor": row.payment.amount_minor,
            "asset": row.payment.asset,
            "fee_minor": row.fee_minor,
            "detail": row.detail,
        }
    if row.payback is not None:
        message[row.payback.kind] = {
            "id": row.payback.external_id,
            "reference": row.payback.refund_id,
            "amount_minor": row.payback.amount_minor,
            "note": row.payback.note,
        }
    if row.body is not None:
        message[_kind_of(row)] = json.loads(row.body)
    if row.method is not None:
        message["method"] = {
            "id": row.method.method_id,
            "customer": row.method.customer_id,
            "label": row.method.label,
            "expires": row.method.expires,
        }
    return json.dumps(message)


def _type_of(row: EventRow) -> str:
    return f"{_kind_of(row)}.{row.stage}"


def _kind_of(row: EventRow) -> str:
    if row.body is not None:
        return "invoice" if row.stage in INVOICE_STAGES else "subscription"
    return row.payback.kind if row.payback else "payment" if row.payment else "method"


# --- messages ------------------------------------------------------------------------------------


def sign(body: bytes, secret: bytes, now: datetime) -> dict[str, str]:
    """The headers of a message that is sent now."""
    at = int(now.timestamp())
    return {SIGNATURE_HEADER: f"t={at},v1={_digest(body, secret, at)}"}


def check_signature(body: bytes, headers: Mapping[str, str], secret: bytes, now: datetime) -> None:
    """Raise BadInput for a message that the sandbox did not send, or more than five minutes ago."""
    given = next((text for name, text in headers.items() if name.lower() == SIGNATURE_HEADER), None)
    if given is None:
        raise BadInput("the message is not signed", f"give its header {SIGNATURE_HEADER}")
    match = _SIGNATURE.fullmatch(given)
    if match is None or not hmac.compare_digest(_digest(body, secret, int(match[1])), match[2]):
        raise BadInput("the signature of the message is wrong", "bring it exactly as it came")
    age = timedelta(seconds=int(now.timestamp()) - int(match[1]))
    if abs(age) > SIGNATURE_LASTS:
        raise BadInput("the signature of the message is too old", "poll to learn what happened")


def read_event_number(body: bytes) -> int:
    """Which event a message brings. Raises BadInput when that cannot be read."""
    try:
        message = json.loads(body)
        match = _EVENT_ID.fullmatch(message["id"])
    except (ValueError, TypeError, KeyError):
        match = None
    if match is None:
        raise BadInput("the message cannot be read", "bring it exactly as it came")
    return int(match[1])


def _digest(body: bytes, secret: bytes, at: int) -> str:
    return hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()


# --- cursors -------------------------------------------------------------------------------------


def read_cursor(cursor: str | None) -> tuple[int, tuple[int, int] | None]:
    """The high-water mark of the last whole pass, and how far the present one has come."""
    if cursor is None:
        return 0, None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise _foreign(cursor)
    return int(match[1]), (int(match[2]), int(match[3])) if match[2] else None


def read_sweep_cursor(cursor: str) -> tuple[int, int]:
    """How far a sweep has come."""
    match = _SWEEP_CURSOR.fullmatch(cursor)
    if match is None:
        raise _foreign(cursor)
    return int(match[1]), int(match[2])


def _foreign(cursor: str) -> GatewayError:
    return GatewayError(f"{cursor[:40]!r} is no cursor of the sandbox", "begin without one")

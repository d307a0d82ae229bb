"""Messages of Paystack's that somebody brings by hand: whether they are genuine, and what they say.

The signature is an HMAC of the body with the secret key, and carries no time. So the age of a message
is judged by the latest time in it that tells of the event: when it was paid, changed or made. What
tells no time at all (a refund, the end of a subscription) cannot be judged, and moves no money either:
a refund has no number in a message, so only the list of refunds tells which one it is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from billdesk.core.gateways.paystack.answers import Answers
from billdesk.core.gateways.paystack.calls import Row
from billdesk.core.gateways.paystack.parts import CHANGED, MADE, PAID, instant
from billdesk.core.rules.gateway import Event, Fact, FactPage
from billdesk.core.values.errors import BadInput, GatewayError

SIGNATURE_HEADER = "x-paystack-signature"
LASTS = timedelta(minutes=5)

# Their created_at is the subscription's, which may be years old.
_UNDATED = frozenset({"subscription.disable", "subscription.not_renew"})


def read_message(
    body: bytes, headers: Mapping[str, str], now: datetime, key: str, answers: Answers
) -> FactPage:
    """The facts of a signed message. Raises BadInput when it is not genuine, old or unreadable."""
    _check_signature(body, headers, key)
    try:
        raw = body.decode()
        message = json.loads(raw)
        kind, data = str(message["event"]), message["data"]
    except (ValueError, LookupError, TypeError) as error:
        raise BadInput("the message is none of Paystack's", "bring the body as it came") from error
    # A message about several objects at once holds a list of them.
    row = data if isinstance(data, dict) else {"data": data}
    at = _time_of(kind, row)
    if at is not None and now - at > LASTS:
        raise BadInput(
            f"the message is of {at:%Y-%m-%d %H:%M:%S} UTC and older than five minutes",
            "nothing is lost: a poll tells what happened",
        )
    event_id = hashlib.sha256(body).hexdigest()
    try:
        facts = _facts_of(kind, row, event_id, answers)
    except GatewayError as error:
        raise BadInput(error.message, "bring the body as it came") from error
    object_id = facts[0].object_id if facts else str(row.get("transaction_reference"))
    event = Event(event_id, kind, object_id, at or now, raw)
    return FactPage(facts, "", complete=True, events=(event,))


def _check_signature(body: bytes, headers: Mapping[str, str], key: str) -> None:
    given = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER)
    if given is None:
        raise BadInput(
            f"the message came without its header {SIGNATURE_HEADER}", "bring its headers along"
        )
    own = hmac.new(key.encode(), body, hashlib.sha512).hexdigest()
    if not hmac.compare_digest(own.encode(), given.strip().lower().encode(errors="replace")):
        raise BadInput(
            "the message was not signed with this key", "bring the body as it came, to the byte"
        )


def _time_of(kind: str, row: Row) -> datetime | None:
    names = {*PAID, *CHANGED}
    if kind in _UNDATED:
        names -= {*MADE}
    told = [name for name in names if row.get(name)]
    try:
        return max((instant(row, name) for name in told), default=None)
    except GatewayError as error:
        raise BadInput(error.message, "bring the body as it came") from error


def _facts_of(kind: str, row: Row, event_id: str, answers: Answers) -> tuple[Fact, ...]:
    if kind.startswith("charge.dispute."):
        return answers.dispute(row)
    if kind.startswith("charge."):
        return answers.charged(row)
    if kind.startswith("refund."):
        return (answers.refund(row),) if row.get("id") else ()
    if kind.startswith("subscription.") and row.get("subscription_code"):
        return (answers.subscription(row, ended=kind == "subscription.disable"),)
    if kind.startswith("invoice."):
        return (answers.invoice(row, kind),)
    return (answers.unknown(row, kind, event_id),)

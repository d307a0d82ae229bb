"""Whether a message really comes from Stripe: its `Stripe-Signature` header."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from billdesk.core.values.clock import EPOCH
from billdesk.core.values.errors import BadInput

TOLERANCE = timedelta(minutes=5)


def check_signature(
    body: bytes, headers: Mapping[str, str], secret: str | None, now: datetime
) -> None:
    """Check that `body` was signed with `secret` no longer than five minutes from `now`.

    Raises BadInput otherwise; nothing of the secret is in the message.
    """
    if not secret:
        raise BadInput("no signing secret is set, so nothing can be believed", "set the secret")
    header = next(
        (text for name, text in headers.items() if name.lower() == "stripe-signature"), ""
    )
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [text for name, _, text in parts if name == "t"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdecimal()):
        raise BadInput("the message carries no Stripe-Signature", "give the headers it came with")
    signed = stamps[0].encode() + b"." + body
    right = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    given = [text.encode() for name, _, text in parts if name == "v1"]
    # Several may be there while a secret is being changed; each is compared in constant time.
    if not any([hmac.compare_digest(right, candidate) for candidate in given]):  # noqa: C419
        raise BadInput("the signature of the message is wrong", "see whether the secret is right")
    age_seconds = abs((now - EPOCH).total_seconds() - int(stamps[0]))
    if age_seconds > TOLERANCE.total_seconds():
        raise BadInput("the message was signed more than five minutes ago", "poll instead")

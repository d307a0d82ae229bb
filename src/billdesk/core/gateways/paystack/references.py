"""How ids of ours travel with Paystack's objects, and how they are found on them again."""

from __future__ import annotations

import re

from billdesk.core.gateways.paystack.calls import Row
from billdesk.core.gateways.paystack.parts import part

_MARK = re.compile(r"billdesk (\S+?)(?::|$)")


def to_reference(payment_id: str) -> str:
    """A payment id of ours as a reference, which knows letters, digits and - . = only."""
    return payment_id.replace("_", "-")


def to_note(refund_id: str, note: str) -> str:
    """A merchant's note that carries a refund id of ours, since a refund has no reference."""
    return f"billdesk {refund_id}: {note}"


def refund_id_of(row: Row) -> str | None:
    """The refund id of ours in a refund's note, if there is one."""
    found = _MARK.match(str(row.get("merchant_note")))
    return found[1] if found else None


def note_of(refund: Row) -> str:
    """The merchant's note of a refund, without the id that the desk put before it."""
    return _MARK.sub("", str(refund.get("merchant_note") or "")).strip()


def payment_of(refund: Row) -> Row:
    """Number and reference of what was refunded: the answer to a request holds the payment whole."""
    return part(refund, "transaction") or {
        "id": refund.get("transaction"),
        "reference": refund.get("transaction_reference"),
    }


def payment_id_of(transaction: Row) -> str | None:
    """Our id of a payment; whoever writes it into a payment of their own has another reference."""
    payment_id = part(transaction, "metadata").get("payment_id")
    if isinstance(payment_id, str) and to_reference(payment_id) == transaction.get("reference"):
        return payment_id
    return None

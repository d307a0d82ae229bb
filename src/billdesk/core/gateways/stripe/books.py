"""Stripe's own books: its balance transactions, one row per movement of a payment, refund or dispute.

Payouts, Stripe's own bills and the like are no movements of a payment and are left out. A row is in
the currency that was paid in; where Stripe keeps its balance in another, the fee cannot be told in
it and is zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from billdesk.core.gateways.stripe.amounts import kept_fee, money_of
from billdesk.core.gateways.stripe.client import JSON, StripeCaller, understood
from billdesk.core.gateways.stripe.objects import everything
from billdesk.core.gateways.stripe.shapes import (
    PAYMENT_KEY,
    id_of,
    instant_of,
    is_checkout,
    notes_of,
    seconds_of,
)
from billdesk.core.rules.gateway import GatewayRow

SESSION_SECONDS = 86_400  # a session is paid or gone within a day
_KINDS = {"charge": "payment", "refund": "refund", "dispute": "dispute"}


def book_rows(stripe: StripeCaller, since: datetime, until: datetime) -> Iterator[GatewayRow]:
    """The rows of a half-open span, newest first. Raises GatewayError and its kinds."""
    span = {"gte": _seconds_up(since), "lt": _seconds_up(until)}
    sessions = _Sessions(stripe, span)
    with understood():
        for line in everything(stripe, "balance_transaction", created=span):
            source = line.get("source")
            if isinstance(source, dict) and source.get("object") in _KINDS:
                yield _row(line, source, sessions)


class _Sessions:
    """The sessions of payment intents: those of the span all at once, older ones when needed."""

    def __init__(self, stripe: StripeCaller, span: dict[str, int]) -> None:
        self._stripe = stripe
        self._span = {**span, "gte": span["gte"] - SESSION_SECONDS}
        self._known: dict[str, str] | None = None

    def of(self, intent_id: str) -> str | None:
        """The id of the session that a payment was made in."""
        if self._known is None:
            found = everything(self._stripe, "checkout.session", created=self._span)
            self._known = {id_of(session.get("payment_intent")): session["id"] for session in found}
        if intent_id not in self._known:
            found = everything(self._stripe, "checkout.session", payment_intent=intent_id)
            self._known[intent_id] = next((session["id"] for session in found), "")
        return self._known[intent_id] or None


def _row(line: JSON, source: JSON, sessions: _Sessions) -> GatewayRow:
    kind, intent_id = _KINDS[source["object"]], source.get("payment_intent")
    external_id = source["id"]
    if kind == "payment" and intent_id:
        external_id = (is_checkout(source) and sessions.of(intent_id)) or intent_id
    same = line["currency"] == source["currency"]
    size = line["amount"] if same else _signed(source["amount"], line["amount"])
    money = money_of(size, source["currency"])
    fee = kept_fee(line["fee"], line["currency"])
    return GatewayRow(
        kind=kind,
        external_id=external_id,
        charge_id=intent_id or source.get("charge"),
        payment_id=notes_of(source).get(PAYMENT_KEY),
        asset=money.asset,
        amount_minor=money.minor,
        fee_minor=fee.minor if same and fee else 0,
        happened_at=instant_of(line["created"]),
    )


def _signed(size: int, like: int) -> int:
    return -size if like < 0 else size


def _seconds_up(instant: datetime) -> int:
    """The first whole second not before an instant."""
    return seconds_of(instant + timedelta(seconds=1, microseconds=-1))

"""Sheets of credits in lots, and of packs."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from billdesk.core.values.money import Money


class LotSheet(NamedTuple):
    """Credits that came at once. `source`: plan, pack, promotion, manual, opening or other.

    `burns` is its place in the order in which lots are used up (1 is next; None when nothing is left).
    `paid` is what it cost.
    """

    id: str
    account_ref: str
    account_name: str
    source: str
    about: str | None
    posting_id: str
    granted: int
    remaining: int
    paid: Money | None
    priority: int
    granted_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    burns: int | None = None


class LotUseSheet(NamedTuple):
    """Which lot paid for which posting; a negative amount came back to it."""

    posting_id: str
    kind: str
    lot_id: str
    amount: int
    at: datetime
    subject: str | None


class CreditsSheet(NamedTuple):
    """An account's credits at a glance: what can be used, what is held, and the lots, next one first.

    `used_this_period` and `granted_this_period` are since `period_since` (a subscription's, or a month).
    """

    account_ref: str
    account_name: str
    balance: int
    held: int
    available: int
    lots: tuple[LotSheet, ...]
    expiring_next: LotSheet | None
    period_since: datetime
    granted_this_period: int
    used_this_period: int


class PurchaseSheet(NamedTuple):
    """A pack that somebody buys. `status`: pending, completed, failed or refunded.

    `price` is the catalog's, `total` with tax as invoiced, `remaining` what is left of its lot.
    """

    id: str
    account_ref: str
    account_name: str
    pack_code: str
    pack_name: str
    credits: int
    price: Money
    refunded: Money
    paid_by: str
    status: str
    invoice_id: str | None
    invoice_number: str | None
    lot_id: str | None
    remaining: int | None
    detail: str
    created_at: datetime
    changed_at: datetime
    total: Money | None = None
    replayed: bool = False


class PackOfferSheet(NamedTuple):
    """A pack as one account could buy it now; `why_not` says in words why it can't, empty if it can.

    `total` is with tax. `available` is what its wallet could pay with.
    """

    code: str
    name: str
    credits: int
    price: Money
    tax: Money
    total: Money
    expires_at: datetime | None
    available: Money
    why_not: str


class PackRefundSheet(NamedTuple):
    """What giving a pack back would do: so many `credits` go, so much money comes to the wallet."""

    purchase_id: str
    account_ref: str
    pack_name: str
    credits: int
    unused: int
    amount: Money
    why_not: str

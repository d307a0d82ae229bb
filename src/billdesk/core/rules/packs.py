"""Packs of credits without a database: who may buy one, and what comes back for what is not used."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from billdesk.core.rules.catalog import Pack

STATUSES = ("pending", "completed", "failed", "refunded")
PAID_BY = ("wallet", "gateway", "invoice")


class Purchase(NamedTuple):
    """A purchase as the store has it; the fields are its columns. Amounts minor units, instants micros."""

    id: str
    account_id: str
    pack_code: str
    pack_version: int
    status: str
    credits: int
    asset: str
    price_minor: int
    refunded_minor: int
    paid_by: str
    invoice_id: str | None
    lot_id: str | None
    detail: str
    actor: str
    created_at: int
    changed_at: int


def why_not_for(pack: Pack, plans: Collection[str]) -> str:
    """Why an account that is on these plans may not buy a pack; empty when it may."""
    if not pack.plans or set(pack.plans) & set(plans):
        return ""
    return f"it is for the plans {', '.join(pack.plans)}"


def refund_minor(paid_minor: int, unused: int, credits: int) -> int:
    """What comes back for `unused` of so many credits: their share, rounded down to the minor unit.

    Rounded down, so that several refunds never give back more than was paid.
    """
    return paid_minor * unused // credits

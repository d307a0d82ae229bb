"""Credits by the lot, what burned them, and the packs they are bought in."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field

from billdesk.core.store.tables.columns import LedgerTable, MaybeWhole, RowNumber, Whole


class CreditLotRow(LedgerTable, table=True):
    """Credits that came at once, and what is left of them."""

    __tablename__ = "credit_lot"

    number: RowNumber = None
    id: str
    account_id: str = Field(foreign_key="account.id")
    source: str
    about: str | None
    posting_id: str
    paid_minor: Whole
    paid_asset: str | None
    granted: Whole
    remaining: Whole
    priority: Whole
    granted_at: Whole
    expires_at: MaybeWhole
    ended_at: MaybeWhole


class CreditUseRow(LedgerTable, table=True):
    """Which lot paid for which posting."""

    __tablename__ = "credit_use"

    number: RowNumber = None
    posting_id: str
    lot_number: int = Field(foreign_key="credit_lot.number", sa_type=sa.BigInteger)
    amount: Whole
    at: Whole


class PackPurchaseRow(LedgerTable, table=True):
    """A pack of credits that somebody buys."""

    __tablename__ = "pack_purchase"

    number: RowNumber = None
    id: str
    account_id: str = Field(foreign_key="account.id")
    pack_code: str
    pack_version: Whole
    status: str
    credits: Whole
    asset: str
    price_minor: Whole
    refunded_minor: Whole
    paid_by: str
    invoice_id: str | None
    lot_id: str | None
    detail: str
    actor: str
    created_at: Whole
    changed_at: Whole

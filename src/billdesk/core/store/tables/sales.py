"""What is sold, who is on which plan, and what was invoiced for it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field

from billdesk.core.store.tables.columns import LedgerTable, MaybeWhole, RowNumber, Whole


class CatalogRow(LedgerTable, table=True):
    """The catalog file as it was applied, once per version of it."""

    __tablename__ = "catalog"

    number: RowNumber = None
    digest: str
    source: str
    actor: str
    applied_at: Whole


class CatalogItemRow(LedgerTable, table=True):
    """One version of a plan, pack, meter, tax rate or schedule, or of the company."""

    __tablename__ = "catalog_item"

    number: RowNumber = None
    catalog_number: int = Field(foreign_key="catalog.number", sa_type=sa.BigInteger)
    sort: str
    code: str
    version: Whole
    body: str
    retired_at: MaybeWhole


class PartyRow(LedgerTable, table=True):
    """Who an account is on paper; copied onto each invoice when that is finalized."""

    __tablename__ = "party"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    legal_name: str
    address: str
    country: str
    tax_id: str
    tax_code: str | None
    language: str
    due_days: MaybeWhole
    changed_at: Whole


class SubscriptionRow(LedgerTable, table=True):
    """An account on a plan."""

    __tablename__ = "subscription"

    number: RowNumber = None
    id: str
    account_id: str = Field(foreign_key="account.id")
    reference: str | None
    plan_code: str
    plan_version: Whole
    schedule: str
    quantity: Whole
    asset: str
    paid_by: str
    status: str
    anchor_on: str
    period_seq: Whole
    period_since: Whole
    period_until: Whole
    trial_until: MaybeWhole
    trial_told_at: MaybeWhole
    cancel_at: MaybeWhole
    canceled_at: MaybeWhole
    paused_why: str | None
    paused_at: MaybeWhole
    next_plan_code: str | None
    next_plan_version: MaybeWhole
    next_schedule: str | None
    next_quantity: MaybeWhole
    gateway: str | None
    mode: str | None
    external_id: str | None
    price_minor: MaybeWhole
    memo: str
    actor: str
    created_at: Whole
    changed_at: Whole


class BillingPeriodRow(LedgerTable, table=True):
    """A stretch of a subscription that is paid for at once."""

    __tablename__ = "billing_period"

    number: RowNumber = None
    subscription_id: str = Field(foreign_key="subscription.id")
    seq: Whole
    since: Whole
    until: Whole
    plan_code: str
    plan_version: Whole
    schedule: str
    quantity: Whole
    trial: Whole
    invoice_id: str | None
    created_at: Whole
    anchor_on: str


class SubscriptionChangeRow(LedgerTable, table=True):
    """What happened to a subscription, in order."""

    __tablename__ = "subscription_change"

    number: RowNumber = None
    subscription_id: str = Field(foreign_key="subscription.id")
    kind: str
    at: Whole
    actor: str
    summary: str
    data: str
    invoice_id: str | None


class InvoiceSeriesRow(LedgerTable, table=True):
    """Numbers of invoices and of credit notes, each without a gap."""

    __tablename__ = "invoice_series"

    name: str = Field(primary_key=True)
    prefix: str
    digits: Whole
    last: Whole


class InvoiceRow(LedgerTable, table=True):
    """An invoice or a credit note; unchangeable once it is no draft."""

    __tablename__ = "invoice"

    number: RowNumber = None
    id: str
    account_id: str = Field(foreign_key="account.id")
    kind: str
    source: str
    reference: str | None
    about: str | None
    status: str
    series: str | None
    sequence: MaybeWhole
    invoice_number: str | None
    asset: str
    subtotal_minor: Whole
    tax_minor: Whole
    total_minor: Whole
    paid_minor: Whole
    credited_minor: Whole
    corrects: str | None
    period_since: MaybeWhole
    period_until: MaybeWhole
    issued_on: str | None
    due_on: str | None
    due_days: MaybeWhole
    seller: str
    party: str
    terms: str
    memo: str
    digest: str | None
    chain_head: str | None
    posting_id: str | None
    attempts: Whole
    failed_at: MaybeWhole
    failed_since: MaybeWhole
    detail: str
    gateway: str | None
    mode: str | None
    external_id: str | None
    actor: str
    created_at: Whole
    finalized_at: MaybeWhole
    closed_at: MaybeWhole
    changed_at: Whole


class InvoiceLineRow(LedgerTable, table=True):
    """One line of an invoice."""

    __tablename__ = "invoice_line"

    number: RowNumber = None
    invoice_id: str = Field(foreign_key="invoice.id")
    place: Whole
    text: str
    quantity: str
    unit: str
    unit_price: str
    amount_minor: Whole
    tax_code: str | None
    tax_name: str
    tax_rate: str
    tax_inclusive: Whole
    net_minor: Whole
    tax_minor: Whole
    revenue: str
    period_since: MaybeWhole
    period_until: MaybeWhole

"""The tables of prices and periods as SQLModel sees them; `tables` holds the others."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class CatalogRow(SQLModel, table=True):
    """The catalog file as it was applied, once per version of it."""

    __tablename__ = "catalog"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    digest: str
    source: str
    actor: str
    applied_at: int = Field(sa_type=sa.BigInteger)


class CatalogItemRow(SQLModel, table=True):
    """One version of a plan, pack, meter, tax rate or schedule, or of the company."""

    __tablename__ = "catalog_item"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    catalog_number: int = Field(foreign_key="catalog.number", sa_type=sa.BigInteger)
    sort: str
    code: str
    version: int = Field(sa_type=sa.BigInteger)
    body: str
    retired_at: int | None = Field(sa_type=sa.BigInteger)


class PartyRow(SQLModel, table=True):
    """Who an account is on paper; copied onto each invoice when that is finalized."""

    __tablename__ = "party"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    legal_name: str
    address: str
    country: str
    tax_id: str
    tax_code: str | None
    language: str
    due_days: int | None = Field(sa_type=sa.BigInteger)
    changed_at: int = Field(sa_type=sa.BigInteger)


class SubscriptionRow(SQLModel, table=True):
    """An account on a plan."""

    __tablename__ = "subscription"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    account_id: str = Field(foreign_key="account.id")
    reference: str | None
    plan_code: str
    plan_version: int = Field(sa_type=sa.BigInteger)
    schedule: str
    quantity: int = Field(sa_type=sa.BigInteger)
    asset: str
    paid_by: str
    status: str
    anchor_on: str
    period_seq: int = Field(sa_type=sa.BigInteger)
    period_since: int = Field(sa_type=sa.BigInteger)
    period_until: int = Field(sa_type=sa.BigInteger)
    trial_until: int | None = Field(sa_type=sa.BigInteger)
    trial_told_at: int | None = Field(sa_type=sa.BigInteger)
    cancel_at: int | None = Field(sa_type=sa.BigInteger)
    canceled_at: int | None = Field(sa_type=sa.BigInteger)
    paused_why: str | None
    paused_at: int | None = Field(sa_type=sa.BigInteger)
    next_plan_code: str | None
    next_plan_version: int | None = Field(sa_type=sa.BigInteger)
    next_schedule: str | None
    next_quantity: int | None = Field(sa_type=sa.BigInteger)
    gateway: str | None
    mode: str | None
    external_id: str | None
    price_minor: int | None = Field(sa_type=sa.BigInteger)
    memo: str
    actor: str
    created_at: int = Field(sa_type=sa.BigInteger)
    changed_at: int = Field(sa_type=sa.BigInteger)


class BillingPeriodRow(SQLModel, table=True):
    """A stretch of a subscription that is paid for at once."""

    __tablename__ = "billing_period"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    subscription_id: str = Field(foreign_key="subscription.id")
    seq: int = Field(sa_type=sa.BigInteger)
    since: int = Field(sa_type=sa.BigInteger)
    until: int = Field(sa_type=sa.BigInteger)
    plan_code: str
    plan_version: int = Field(sa_type=sa.BigInteger)
    schedule: str
    quantity: int = Field(sa_type=sa.BigInteger)
    trial: int = Field(sa_type=sa.BigInteger)
    invoice_id: str | None
    created_at: int = Field(sa_type=sa.BigInteger)
    anchor_on: str


class SubscriptionChangeRow(SQLModel, table=True):
    """What happened to a subscription, in order."""

    __tablename__ = "subscription_change"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    subscription_id: str = Field(foreign_key="subscription.id")
    kind: str
    at: int = Field(sa_type=sa.BigInteger)
    actor: str
    summary: str
    data: str
    invoice_id: str | None


class CreditLotRow(SQLModel, table=True):
    """Credits that came at once, and what is left of them."""

    __tablename__ = "credit_lot"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    account_id: str = Field(foreign_key="account.id")
    source: str
    about: str | None
    posting_id: str
    paid_minor: int = Field(sa_type=sa.BigInteger)
    paid_asset: str | None
    granted: int = Field(sa_type=sa.BigInteger)
    remaining: int = Field(sa_type=sa.BigInteger)
    priority: int = Field(sa_type=sa.BigInteger)
    granted_at: int = Field(sa_type=sa.BigInteger)
    expires_at: int | None = Field(sa_type=sa.BigInteger)
    ended_at: int | None = Field(sa_type=sa.BigInteger)


class CreditUseRow(SQLModel, table=True):
    """Which lot paid for which posting."""

    __tablename__ = "credit_use"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    posting_id: str
    lot_number: int = Field(foreign_key="credit_lot.number", sa_type=sa.BigInteger)
    amount: int = Field(sa_type=sa.BigInteger)
    at: int = Field(sa_type=sa.BigInteger)


class PackPurchaseRow(SQLModel, table=True):
    """A pack of credits that somebody buys."""

    __tablename__ = "pack_purchase"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    account_id: str = Field(foreign_key="account.id")
    pack_code: str
    pack_version: int = Field(sa_type=sa.BigInteger)
    status: str
    credits: int = Field(sa_type=sa.BigInteger)
    asset: str
    price_minor: int = Field(sa_type=sa.BigInteger)
    refunded_minor: int = Field(sa_type=sa.BigInteger)
    paid_by: str
    invoice_id: str | None
    lot_id: str | None
    detail: str
    actor: str
    created_at: int = Field(sa_type=sa.BigInteger)
    changed_at: int = Field(sa_type=sa.BigInteger)


class UsageStreamRow(SQLModel, table=True):
    """One account's use of one meter; events and hours name it by its number."""

    __tablename__ = "usage_stream"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    account_id: str = Field(foreign_key="account.id")
    meter: str


class UsageEventRow(SQLModel, table=True):
    """What was used, as it was told; quantities in the meter's smallest part."""

    __tablename__ = "usage_event"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    stream_number: int = Field(sa_type=sa.BigInteger)
    event_id: str
    quantity: int = Field(sa_type=sa.BigInteger)
    at: int = Field(sa_type=sa.BigInteger)
    received_at: int = Field(sa_type=sa.BigInteger)


class UsageHourRow(SQLModel, table=True):
    """The sum of an hour's events, kept in the write block that keeps the events."""

    __tablename__ = "usage_hour"

    stream_number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    hour: int = Field(primary_key=True, sa_type=sa.BigInteger)
    quantity: int = Field(sa_type=sa.BigInteger)
    events: int = Field(sa_type=sa.BigInteger)
    changed_at: int = Field(sa_type=sa.BigInteger)


class UsageBudgetRow(SQLModel, table=True):
    """What an account means to spend on usage in a period."""

    __tablename__ = "usage_budget"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    asset: str
    amount_minor: int = Field(sa_type=sa.BigInteger)
    actor: str
    changed_at: int = Field(sa_type=sa.BigInteger)


class UsageAlertRow(SQLModel, table=True):
    """A threshold that was crossed: once per period. An empty meter is the budget."""

    __tablename__ = "usage_alert"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    account_id: str = Field(foreign_key="account.id")
    subscription_id: str
    meter: str
    period_since: int = Field(sa_type=sa.BigInteger)
    percent: int = Field(sa_type=sa.BigInteger)
    summary: str
    at: int = Field(sa_type=sa.BigInteger)


class UsageRunRow(SQLModel, table=True):
    """A run that closes periods of usage; one at a time."""

    __tablename__ = "usage_run"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    reference: str | None
    until: int = Field(sa_type=sa.BigInteger)
    account_id: str | None
    post_to: str
    status: str
    cursor: int = Field(sa_type=sa.BigInteger)
    summary: str
    lease_until: int | None = Field(sa_type=sa.BigInteger)
    actor: str
    started_at: int = Field(sa_type=sa.BigInteger)
    finished_at: int | None = Field(sa_type=sa.BigInteger)


class UsageLineRow(SQLModel, table=True):
    """One line of a run: what a meter came to in a period, or how much more it came to afterwards."""

    __tablename__ = "usage_line"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    run_number: int = Field(foreign_key="usage_run.number", sa_type=sa.BigInteger)
    account_id: str
    subscription_id: str
    meter: str
    seq: int = Field(sa_type=sa.BigInteger)
    period_since: int = Field(sa_type=sa.BigInteger)
    period_until: int = Field(sa_type=sa.BigInteger)
    plan_code: str
    plan_version: int = Field(sa_type=sa.BigInteger)
    quantity: int = Field(sa_type=sa.BigInteger)
    billable: int = Field(sa_type=sa.BigInteger)
    asset: str
    amount_minor: int = Field(sa_type=sa.BigInteger)
    posting_id: str | None
    invoice_id: str | None
    detail: str


class UsagePeriodRow(SQLModel, table=True):
    """Up to where a subscription's usage is billed, and what each closed period came to so far."""

    __tablename__ = "usage_period"

    subscription_id: str = Field(primary_key=True)
    meter: str = Field(primary_key=True)
    since: int = Field(primary_key=True, sa_type=sa.BigInteger)
    until: int = Field(sa_type=sa.BigInteger)
    account_id: str
    quantity: int = Field(sa_type=sa.BigInteger)
    amount_minor: int = Field(sa_type=sa.BigInteger)
    lines: int = Field(sa_type=sa.BigInteger)
    closed_at: int = Field(sa_type=sa.BigInteger)


class InvoiceSeriesRow(SQLModel, table=True):
    """Numbers of invoices and of credit notes, each without a gap."""

    __tablename__ = "invoice_series"

    name: str = Field(primary_key=True)
    prefix: str
    digits: int = Field(sa_type=sa.BigInteger)
    last: int = Field(sa_type=sa.BigInteger)


class InvoiceRow(SQLModel, table=True):
    """An invoice or a credit note; unchangeable once it is no draft."""

    __tablename__ = "invoice"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    account_id: str = Field(foreign_key="account.id")
    kind: str
    source: str
    reference: str | None
    about: str | None
    status: str
    series: str | None
    sequence: int | None = Field(sa_type=sa.BigInteger)
    invoice_number: str | None
    asset: str
    subtotal_minor: int = Field(sa_type=sa.BigInteger)
    tax_minor: int = Field(sa_type=sa.BigInteger)
    total_minor: int = Field(sa_type=sa.BigInteger)
    paid_minor: int = Field(sa_type=sa.BigInteger)
    credited_minor: int = Field(sa_type=sa.BigInteger)
    corrects: str | None
    period_since: int | None = Field(sa_type=sa.BigInteger)
    period_until: int | None = Field(sa_type=sa.BigInteger)
    issued_on: str | None
    due_on: str | None
    due_days: int | None = Field(sa_type=sa.BigInteger)
    seller: str
    party: str
    terms: str
    memo: str
    digest: str | None
    chain_head: str | None
    posting_id: str | None
    attempts: int = Field(sa_type=sa.BigInteger)
    failed_at: int | None = Field(sa_type=sa.BigInteger)
    failed_since: int | None = Field(sa_type=sa.BigInteger)
    detail: str
    gateway: str | None
    mode: str | None
    external_id: str | None
    actor: str
    created_at: int = Field(sa_type=sa.BigInteger)
    finalized_at: int | None = Field(sa_type=sa.BigInteger)
    closed_at: int | None = Field(sa_type=sa.BigInteger)
    changed_at: int = Field(sa_type=sa.BigInteger)


class InvoiceLineRow(SQLModel, table=True):
    """One line of an invoice."""

    __tablename__ = "invoice_line"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    invoice_id: str = Field(foreign_key="invoice.id")
    place: int = Field(sa_type=sa.BigInteger)
    text: str
    quantity: str
    unit: str
    unit_price: str
    amount_minor: int = Field(sa_type=sa.BigInteger)
    tax_code: str | None
    tax_name: str
    tax_rate: str
    tax_inclusive: int = Field(sa_type=sa.BigInteger)
    net_minor: int = Field(sa_type=sa.BigInteger)
    tax_minor: int = Field(sa_type=sa.BigInteger)
    revenue: str
    period_since: int | None = Field(sa_type=sa.BigInteger)
    period_until: int | None = Field(sa_type=sa.BigInteger)

"""What was used, by event and by hour, and the runs that bill it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field

from billdesk.core.store.tables.columns import LedgerTable, MaybeWhole, RowNumber, Whole, WholeKey


class UsageStreamRow(LedgerTable, table=True):
    """One account's use of one meter; events and hours name it by its number."""

    __tablename__ = "usage_stream"

    number: RowNumber = None
    account_id: str = Field(foreign_key="account.id")
    meter: str


class UsageEventRow(LedgerTable, table=True):
    """What was used, as it was told; quantities in the meter's smallest part."""

    __tablename__ = "usage_event"

    number: RowNumber = None
    stream_number: Whole
    event_id: str
    quantity: Whole
    at: Whole
    received_at: Whole


class UsageHourRow(LedgerTable, table=True):
    """The sum of an hour's events, kept in the write block that keeps the events."""

    __tablename__ = "usage_hour"

    stream_number: WholeKey
    hour: WholeKey
    quantity: Whole
    events: Whole
    changed_at: Whole


class UsageBudgetRow(LedgerTable, table=True):
    """What an account means to spend on usage in a period."""

    __tablename__ = "usage_budget"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    asset: str
    amount_minor: Whole
    actor: str
    changed_at: Whole


class UsageAlertRow(LedgerTable, table=True):
    """A threshold that was crossed: once per period. An empty meter is the budget."""

    __tablename__ = "usage_alert"

    number: RowNumber = None
    account_id: str = Field(foreign_key="account.id")
    subscription_id: str
    meter: str
    period_since: Whole
    percent: Whole
    summary: str
    at: Whole


class UsageRunRow(LedgerTable, table=True):
    """A run that closes periods of usage; one at a time."""

    __tablename__ = "usage_run"

    number: RowNumber = None
    id: str
    reference: str | None
    until: Whole
    account_id: str | None
    post_to: str
    status: str
    cursor: Whole
    summary: str
    lease_until: MaybeWhole
    actor: str
    started_at: Whole
    finished_at: MaybeWhole


class UsageLineRow(LedgerTable, table=True):
    """One line of a run: what a meter came to in a period, or how much more it came to afterwards."""

    __tablename__ = "usage_line"

    number: RowNumber = None
    run_number: int = Field(foreign_key="usage_run.number", sa_type=sa.BigInteger)
    account_id: str
    subscription_id: str
    meter: str
    seq: Whole
    period_since: Whole
    period_until: Whole
    plan_code: str
    plan_version: Whole
    quantity: Whole
    billable: Whole
    asset: str
    amount_minor: Whole
    posting_id: str | None
    invoice_id: str | None
    detail: str


class UsagePeriodRow(LedgerTable, table=True):
    """Up to where a subscription's usage is billed, and what each closed period came to so far."""

    __tablename__ = "usage_period"

    subscription_id: str = Field(primary_key=True)
    meter: str = Field(primary_key=True)
    since: WholeKey
    until: Whole
    account_id: str
    quantity: Whole
    amount_minor: Whole
    lines: Whole
    closed_at: Whole

"""What is known of gateways: what they said, money in and back, and how their books compare."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field

from billdesk.core.store.tables.columns import LedgerTable, MaybeWhole, RowNumber, Whole


class GatewayRow(LedgerTable, table=True):
    """A gateway that is connected, by name."""

    __tablename__ = "gateway"

    name: str = Field(primary_key=True)
    make: str
    account: str
    mode: str
    settings: str
    added_at: Whole
    added_by: str
    removed_at: MaybeWhole


class GatewayEventRow(LedgerTable, table=True):
    """A message of a gateway, as it came."""

    __tablename__ = "gateway_event"

    gateway: str = Field(primary_key=True)
    mode: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    type: str
    object_id: str
    happened_at: Whole
    received_at: Whole
    raw: str


class FreshnessRow(LedgerTable, table=True):
    """How far a gateway's facts have been read."""

    __tablename__ = "freshness"

    gateway: str = Field(primary_key=True)
    mode: str = Field(primary_key=True)
    cursor: str | None
    watermark: MaybeWhole
    polled_at: MaybeWhole
    error: str | None
    error_at: MaybeWhole
    failures: Whole
    quiet_until: MaybeWhole
    swept_at: MaybeWhole
    sweep_since: MaybeWhole
    sweep_cursor: str | None


class GapRow(LedgerTable, table=True):
    """A span a feed could not tell."""

    __tablename__ = "gap"

    number: RowNumber = None
    gateway: str
    mode: str
    since: Whole
    until: Whole
    found_at: Whole
    healed_at: MaybeWhole


class FactRow(LedgerTable, table=True):
    """What a gateway said."""

    __tablename__ = "fact"

    number: RowNumber = None
    gateway: str
    mode: str
    object_id: str
    stage: str
    occurrence: str
    payment_id: str | None
    asset: str | None
    amount_minor: MaybeWhole
    fee_minor: MaybeWhole
    happened_at: Whole
    received_at: Whole
    state: str
    detail: str
    raw: str
    refund_id: str | None
    payment_external_id: str | None
    charge_id: str | None
    more: str | None


class PaymentRow(LedgerTable, table=True):
    """Money in through a gateway."""

    __tablename__ = "payment"

    number: RowNumber = None
    id: str
    account_id: str = Field(foreign_key="account.id")
    gateway: str
    mode: str
    external_id: str | None
    status: str
    asset: str
    amount_minor: Whole
    fee_minor: MaybeWhole
    pay_url: str | None
    detail: str
    actor: str
    created_at: Whole
    changed_at: Whole
    asked_at: MaybeWhole
    asks: Whole
    posting_id: str | None
    purpose: str
    save_method: Whole
    method_id: str | None
    retries_id: str | None
    charge_id: str | None
    refunded_minor: Whole
    disputed_minor: Whole
    invoice_id: str | None


class CardRefundRow(LedgerTable, table=True):
    """Money of a payment on its way back."""

    __tablename__ = "card_refund"

    number: RowNumber = None
    id: str
    payment_id: str = Field(foreign_key="payment.id")
    gateway: str
    mode: str
    external_id: str | None
    status: str
    asset: str
    amount_minor: Whole
    memo: str
    detail: str
    posting_id: str | None
    actor: str
    created_at: Whole
    changed_at: Whole
    asked_at: MaybeWhole
    asks: Whole


class DisputeRow(LedgerTable, table=True):
    """A payment that its payer contests."""

    __tablename__ = "dispute"

    number: RowNumber = None
    id: str
    payment_id: str = Field(foreign_key="payment.id")
    gateway: str
    mode: str
    external_id: str
    status: str
    asset: str
    amount_minor: Whole
    hold_id: str | None
    posting_id: str | None
    detail: str
    opened_at: Whole
    closed_at: MaybeWhole


class CustomerRow(LedgerTable, table=True):
    """Who an account is at a gateway."""

    __tablename__ = "customer"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    gateway: str = Field(primary_key=True)
    mode: str = Field(primary_key=True)
    external_id: str
    made_at: Whole


class PaymentMethodRow(LedgerTable, table=True):
    """A saved way to pay."""

    __tablename__ = "payment_method"

    number: RowNumber = None
    id: str
    account_id: str = Field(foreign_key="account.id")
    gateway: str
    mode: str
    customer_id: str
    external_id: str
    label: str
    expires: str | None
    role: str
    added_at: Whole
    removed_at: MaybeWhole


class WatchRow(LedgerTable, table=True):
    """What happens when a wallet runs low."""

    __tablename__ = "watch"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    asset: str = Field(primary_key=True)
    alert_minor: MaybeWhole
    alert_armed: Whole
    alerted_at: MaybeWhole
    topup_below_minor: MaybeWhole
    topup_amount_minor: MaybeWhole
    topup_daily_minor: MaybeWhole
    topup_armed: Whole
    topup_payment_id: str | None
    declines: Whole
    stopped: str | None
    changed_at: Whole


class ReconciliationRow(LedgerTable, table=True):
    """A comparison with a gateway's own books."""

    __tablename__ = "reconciliation"

    number: RowNumber = None
    id: str
    reference: str | None
    gateway: str
    mode: str
    since: Whole
    until: Whole
    actor: str
    started_at: Whole
    finished_at: MaybeWhole
    summary: str
    digest: str | None


class ReconciliationItemRow(LedgerTable, table=True):
    """One line of a comparison."""

    __tablename__ = "reconciliation_item"

    number: RowNumber = None
    reconciliation_number: int = Field(foreign_key="reconciliation.number", sa_type=sa.BigInteger)
    kind: str
    outcome: str
    external_id: str
    our_id: str | None
    account_id: str | None
    asset: str
    ours_minor: MaybeWhole
    theirs_minor: MaybeWhole
    our_fee_minor: MaybeWhole
    their_fee_minor: MaybeWhole
    happened_at: Whole
    note: str | None
    explained_by: str | None
    explained_at: MaybeWhole

"""The tables as SQLModel sees them: what migrations are compared with, and typed wide questions.

Hot SQL does not pass through here, since importing SQLModel costs 0.65 s. Triggers, functions and
what differs between the databases stand in `migrations/*.sql`; a test holds both to agree.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class MetaRow(SQLModel, table=True):
    """A word that the ledger knows of itself."""

    __tablename__ = "meta"

    key: str = Field(primary_key=True)
    value: str


class IndexingRow(SQLModel, table=True):
    """How far an index outside the charge's block has come."""

    __tablename__ = "indexing"

    name: str = Field(primary_key=True)
    up_to: int = Field(sa_type=sa.BigInteger)


class AccountRow(SQLModel, table=True):
    """Who is billed."""

    __tablename__ = "account"

    id: str = Field(primary_key=True)
    ref: str
    name: str
    email: str | None
    status: str
    created_at: int = Field(sa_type=sa.BigInteger)
    status_since: int = Field(sa_type=sa.BigInteger)
    gateway: str | None


class WalletRow(SQLModel, table=True):
    """One account, one purpose, one asset."""

    __tablename__ = "wallet"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    account_id: str = Field(foreign_key="account.id")
    purpose: str
    asset: str
    balance_minor: int = Field(sa_type=sa.BigInteger)
    held_minor: int = Field(sa_type=sa.BigInteger)
    floor_minor: int | None = Field(sa_type=sa.BigInteger)
    freezes: int = Field(sa_type=sa.BigInteger)
    seq: int = Field(sa_type=sa.BigInteger)
    head: bytes
    last_at: int = Field(sa_type=sa.BigInteger)


class PostingRow(SQLModel, table=True):
    """One business act."""

    __tablename__ = "posting"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    kind: str
    scope: str
    reference: str
    digest: bytes
    account_id: str
    subject: str | None
    memo: str | None
    salt: bytes | None
    text_digest: bytes | None
    actor: str
    happened_at: int = Field(sa_type=sa.BigInteger)
    recorded_at: int = Field(sa_type=sa.BigInteger)
    corrects: str | None
    about: str | None


class EntryRow(SQLModel, table=True):
    """One leg of a posting. On Postgres the table has no primary key of its own (partition-ready)."""

    __tablename__ = "entry"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    posting_number: int = Field(sa_type=sa.BigInteger)
    wallet_number: int = Field(foreign_key="wallet.number", sa_type=sa.BigInteger)
    seq: int = Field(sa_type=sa.BigInteger)
    kind: str
    amount_minor: int = Field(sa_type=sa.BigInteger)
    balance_after: int = Field(sa_type=sa.BigInteger)
    counterparty: str
    recorded_at: int = Field(sa_type=sa.BigInteger)
    hash: bytes


class HoldRow(SQLModel, table=True):
    """Money set aside."""

    __tablename__ = "hold"

    id: str = Field(primary_key=True)
    wallet_number: int = Field(foreign_key="wallet.number", sa_type=sa.BigInteger)
    amount_minor: int = Field(sa_type=sa.BigInteger)
    status: str
    placed_at: int = Field(sa_type=sa.BigInteger)
    expires_at: int = Field(sa_type=sa.BigInteger)
    resolved_at: int | None = Field(sa_type=sa.BigInteger)
    resolved_by: str | None


class FreezeRow(SQLModel, table=True):
    """One reason why a wallet is frozen."""

    __tablename__ = "wallet_freeze"

    id: str = Field(primary_key=True)
    wallet_number: int = Field(foreign_key="wallet.number", sa_type=sa.BigInteger)
    cause: str
    memo: str
    set_by: str
    since: int = Field(sa_type=sa.BigInteger)
    lifted_at: int | None = Field(sa_type=sa.BigInteger)
    lifted_by: str | None
    lift_memo: str | None


class PaymentRow(SQLModel, table=True):
    """Money in through a gateway."""

    __tablename__ = "payment"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    account_id: str = Field(foreign_key="account.id")
    gateway: str
    mode: str
    external_id: str | None
    status: str
    asset: str
    amount_minor: int = Field(sa_type=sa.BigInteger)
    fee_minor: int | None = Field(sa_type=sa.BigInteger)
    pay_url: str | None
    detail: str
    actor: str
    created_at: int = Field(sa_type=sa.BigInteger)
    changed_at: int = Field(sa_type=sa.BigInteger)
    asked_at: int | None = Field(sa_type=sa.BigInteger)
    asks: int = Field(sa_type=sa.BigInteger)
    posting_id: str | None
    purpose: str
    save_method: int = Field(sa_type=sa.BigInteger)
    method_id: str | None
    retries_id: str | None
    charge_id: str | None
    refunded_minor: int = Field(sa_type=sa.BigInteger)
    disputed_minor: int = Field(sa_type=sa.BigInteger)
    invoice_id: str | None


class FactRow(SQLModel, table=True):
    """What a gateway said."""

    __tablename__ = "fact"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    gateway: str
    mode: str
    object_id: str
    stage: str
    occurrence: str
    payment_id: str | None
    asset: str | None
    amount_minor: int | None = Field(sa_type=sa.BigInteger)
    fee_minor: int | None = Field(sa_type=sa.BigInteger)
    happened_at: int = Field(sa_type=sa.BigInteger)
    received_at: int = Field(sa_type=sa.BigInteger)
    state: str
    detail: str
    raw: str
    refund_id: str | None
    payment_external_id: str | None
    charge_id: str | None
    more: str | None


class FreshnessRow(SQLModel, table=True):
    """How far a gateway's facts have been read."""

    __tablename__ = "freshness"

    gateway: str = Field(primary_key=True)
    mode: str = Field(primary_key=True)
    cursor: str | None
    watermark: int | None = Field(sa_type=sa.BigInteger)
    polled_at: int | None = Field(sa_type=sa.BigInteger)
    error: str | None
    error_at: int | None = Field(sa_type=sa.BigInteger)
    failures: int = Field(sa_type=sa.BigInteger)
    quiet_until: int | None = Field(sa_type=sa.BigInteger)
    swept_at: int | None = Field(sa_type=sa.BigInteger)
    sweep_since: int | None = Field(sa_type=sa.BigInteger)
    sweep_cursor: str | None


class AuditRow(SQLModel, table=True):
    """One line of the audit log."""

    __tablename__ = "audit"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    at: int = Field(sa_type=sa.BigInteger)
    actor: str
    account_id: str | None
    action: str
    outcome: str
    summary: str
    data: str
    origin: str


class GatewayRow(SQLModel, table=True):
    """A gateway that is connected, by name."""

    __tablename__ = "gateway"

    name: str = Field(primary_key=True)
    make: str
    account: str
    mode: str
    settings: str
    added_at: int = Field(sa_type=sa.BigInteger)
    added_by: str
    removed_at: int | None = Field(sa_type=sa.BigInteger)


class GatewayEventRow(SQLModel, table=True):
    """A message of a gateway, as it came."""

    __tablename__ = "gateway_event"

    gateway: str = Field(primary_key=True)
    mode: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    type: str
    object_id: str
    happened_at: int = Field(sa_type=sa.BigInteger)
    received_at: int = Field(sa_type=sa.BigInteger)
    raw: str


class GapRow(SQLModel, table=True):
    """A span a feed could not tell."""

    __tablename__ = "gap"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    gateway: str
    mode: str
    since: int = Field(sa_type=sa.BigInteger)
    until: int = Field(sa_type=sa.BigInteger)
    found_at: int = Field(sa_type=sa.BigInteger)
    healed_at: int | None = Field(sa_type=sa.BigInteger)


class CardRefundRow(SQLModel, table=True):
    """Money of a payment on its way back."""

    __tablename__ = "card_refund"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    payment_id: str = Field(foreign_key="payment.id")
    gateway: str
    mode: str
    external_id: str | None
    status: str
    asset: str
    amount_minor: int = Field(sa_type=sa.BigInteger)
    memo: str
    detail: str
    posting_id: str | None
    actor: str
    created_at: int = Field(sa_type=sa.BigInteger)
    changed_at: int = Field(sa_type=sa.BigInteger)
    asked_at: int | None = Field(sa_type=sa.BigInteger)
    asks: int = Field(sa_type=sa.BigInteger)


class DisputeRow(SQLModel, table=True):
    """A payment that its payer contests."""

    __tablename__ = "dispute"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    payment_id: str = Field(foreign_key="payment.id")
    gateway: str
    mode: str
    external_id: str
    status: str
    asset: str
    amount_minor: int = Field(sa_type=sa.BigInteger)
    hold_id: str | None
    posting_id: str | None
    detail: str
    opened_at: int = Field(sa_type=sa.BigInteger)
    closed_at: int | None = Field(sa_type=sa.BigInteger)


class CustomerRow(SQLModel, table=True):
    """Who an account is at a gateway."""

    __tablename__ = "customer"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    gateway: str = Field(primary_key=True)
    mode: str = Field(primary_key=True)
    external_id: str
    made_at: int = Field(sa_type=sa.BigInteger)


class PaymentMethodRow(SQLModel, table=True):
    """A saved way to pay."""

    __tablename__ = "payment_method"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    account_id: str = Field(foreign_key="account.id")
    gateway: str
    mode: str
    customer_id: str
    external_id: str
    label: str
    expires: str | None
    role: str
    added_at: int = Field(sa_type=sa.BigInteger)
    removed_at: int | None = Field(sa_type=sa.BigInteger)


class WatchRow(SQLModel, table=True):
    """What happens when a wallet runs low."""

    __tablename__ = "watch"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    asset: str = Field(primary_key=True)
    alert_minor: int | None = Field(sa_type=sa.BigInteger)
    alert_armed: int = Field(sa_type=sa.BigInteger)
    alerted_at: int | None = Field(sa_type=sa.BigInteger)
    topup_below_minor: int | None = Field(sa_type=sa.BigInteger)
    topup_amount_minor: int | None = Field(sa_type=sa.BigInteger)
    topup_daily_minor: int | None = Field(sa_type=sa.BigInteger)
    topup_armed: int = Field(sa_type=sa.BigInteger)
    topup_payment_id: str | None
    declines: int = Field(sa_type=sa.BigInteger)
    stopped: str | None
    changed_at: int = Field(sa_type=sa.BigInteger)


class ReconciliationRow(SQLModel, table=True):
    """A comparison with a gateway's own books."""

    __tablename__ = "reconciliation"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    id: str
    reference: str | None
    gateway: str
    mode: str
    since: int = Field(sa_type=sa.BigInteger)
    until: int = Field(sa_type=sa.BigInteger)
    actor: str
    started_at: int = Field(sa_type=sa.BigInteger)
    finished_at: int | None = Field(sa_type=sa.BigInteger)
    summary: str
    digest: str | None


class ReconciliationItemRow(SQLModel, table=True):
    """One line of a comparison."""

    __tablename__ = "reconciliation_item"

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    reconciliation_number: int = Field(foreign_key="reconciliation.number", sa_type=sa.BigInteger)
    kind: str
    outcome: str
    external_id: str
    our_id: str | None
    account_id: str | None
    asset: str
    ours_minor: int | None = Field(sa_type=sa.BigInteger)
    theirs_minor: int | None = Field(sa_type=sa.BigInteger)
    our_fee_minor: int | None = Field(sa_type=sa.BigInteger)
    their_fee_minor: int | None = Field(sa_type=sa.BigInteger)
    happened_at: int = Field(sa_type=sa.BigInteger)
    note: str | None
    explained_by: str | None
    explained_at: int | None = Field(sa_type=sa.BigInteger)

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

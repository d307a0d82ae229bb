"""Accounts and their wallets, what was posted, held and frozen, and the log of it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field

from billdesk.core.store.tables.columns import LedgerTable, MaybeWhole, RowNumber, Whole


class MetaRow(LedgerTable, table=True):
    """A word that the ledger knows of itself."""

    __tablename__ = "meta"

    key: str = Field(primary_key=True)
    value: str


class IndexingRow(LedgerTable, table=True):
    """How far an index outside the charge's block has come."""

    __tablename__ = "indexing"

    name: str = Field(primary_key=True)
    up_to: Whole


class AccountRow(LedgerTable, table=True):
    """Who is billed."""

    __tablename__ = "account"

    id: str = Field(primary_key=True)
    ref: str
    name: str
    email: str | None
    status: str
    created_at: Whole
    status_since: Whole
    gateway: str | None


class WalletRow(LedgerTable, table=True):
    """One account, one purpose, one asset."""

    __tablename__ = "wallet"

    number: RowNumber = None
    id: str
    account_id: str = Field(foreign_key="account.id")
    purpose: str
    asset: str
    balance_minor: Whole
    held_minor: Whole
    floor_minor: MaybeWhole
    freezes: Whole
    seq: Whole
    head: bytes
    last_at: Whole


class PostingRow(LedgerTable, table=True):
    """One business act."""

    __tablename__ = "posting"

    number: RowNumber = None
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
    happened_at: Whole
    recorded_at: Whole
    corrects: str | None
    about: str | None


class EntryRow(LedgerTable, table=True):
    """One leg of a posting. On Postgres the table has no primary key of its own (partition-ready)."""

    __tablename__ = "entry"

    number: RowNumber = None
    posting_number: Whole
    wallet_number: int = Field(foreign_key="wallet.number", sa_type=sa.BigInteger)
    seq: Whole
    kind: str
    amount_minor: Whole
    balance_after: Whole
    counterparty: str
    recorded_at: Whole
    hash: bytes


class HoldRow(LedgerTable, table=True):
    """Money set aside."""

    __tablename__ = "hold"

    id: str = Field(primary_key=True)
    wallet_number: int = Field(foreign_key="wallet.number", sa_type=sa.BigInteger)
    amount_minor: Whole
    status: str
    placed_at: Whole
    expires_at: Whole
    resolved_at: MaybeWhole
    resolved_by: str | None


class FreezeRow(LedgerTable, table=True):
    """One reason why a wallet is frozen."""

    __tablename__ = "wallet_freeze"

    id: str = Field(primary_key=True)
    wallet_number: int = Field(foreign_key="wallet.number", sa_type=sa.BigInteger)
    cause: str
    memo: str
    set_by: str
    since: Whole
    lifted_at: MaybeWhole
    lifted_by: str | None
    lift_memo: str | None


class AuditRow(LedgerTable, table=True):
    """One line of the audit log."""

    __tablename__ = "audit"

    number: RowNumber = None
    at: Whole
    actor: str
    account_id: str | None
    action: str
    outcome: str
    summary: str
    data: str
    origin: str

"""Sheets of the ledger: accounts, wallets, entries, postings, holds, the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from billdesk.core.values.money import Money

Row = TypeVar("Row")


class Page(NamedTuple, Generic[Row]):
    """One page of a longer list; `after` continues it, None at the end."""

    rows: tuple[Row, ...]
    after: str | None


class AccountSheet(NamedTuple):
    """Who is billed. `status` is open, suspended or closed; `gateway` is its own one, by name."""

    id: str
    ref: str
    name: str
    email: str | None
    status: str
    created_at: datetime
    status_since: datetime
    gateway: str | None = None


class WalletSheet(NamedTuple):
    """One purse of an account. `available` = balance - held (expired holds no longer count).

    `floor` is how low available may go (None: no limit); `freezes` counts the open ones.
    """

    id: str
    account_id: str
    account_ref: str
    account_name: str
    account_status: str
    purpose: str
    asset: str
    balance: Money
    held: Money
    available: Money
    floor: Money | None
    freezes: int
    entries: int
    last_entry_at: datetime | None


class BalanceSheet(NamedTuple):
    """A balance, now or at a past moment (`at`: as recorded, `effective`: as happened).

    `held` and `available` are known for now only; for a past moment they are None.
    """

    account_ref: str
    account_name: str
    asset: str
    balance: Money
    held: Money | None
    available: Money | None
    at: datetime | None
    effective: datetime | None


class EntrySheet(NamedTuple):
    """One leg of a posting on one wallet, with the names of what it is about.

    `number` orders the whole ledger, `seq` the wallet. `about` is the id of the related hold,
    payment …; `corrects` the posting this one refunds or reverses.
    """

    number: int
    wallet_id: str
    account_ref: str
    account_name: str
    purpose: str
    seq: int
    posting_id: str
    kind: str
    amount: Money
    balance_after: Money
    counterparty: str
    scope: str
    reference: str
    subject: str | None
    memo: str | None
    actor: str
    happened_at: datetime
    recorded_at: datetime
    corrects: str | None
    about: str | None
    hash: str

    @property
    def what(self) -> str:
        """What it is about, for a reader: the words it came with, or what it belongs to.

        A reference of the desk's own making says less than the payment or invoice that it is for.
        """
        named = self.reference if self.scope == "caller" else self.about or self.reference
        return self.subject or self.memo or named


class PostingSheet(NamedTuple):
    """One business act. `replayed`: the reference was known, this is its first result."""

    id: str
    kind: str
    account_ref: str
    scope: str
    reference: str
    subject: str | None
    memo: str | None
    actor: str
    happened_at: datetime
    recorded_at: datetime
    corrects: str | None
    about: str | None
    entries: tuple[EntrySheet, ...]
    replayed: bool = False


class ChargeSheet(NamedTuple):
    """What a charge did, in short: the form that is quick enough for a hot path."""

    id: str
    account_ref: str
    amount: Money
    balance_after: Money
    reference: str
    recorded_at: datetime
    replayed: bool


class HoldSheet(NamedTuple):
    """Money set aside. `status` is open, captured, released or expired.

    `captured` is what a capture took; `shortfall` what it could not take and booked as debt.
    """

    id: str
    account_ref: str
    account_name: str
    amount: Money
    status: str
    reference: str
    subject: str | None
    placed_at: datetime
    expires_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    captured: Money | None = None
    shortfall: Money | None = None
    replayed: bool = False


class FreezeSheet(NamedTuple):
    """One reason why a wallet is frozen; open while `lifted_at` is None."""

    id: str
    account_ref: str
    asset: str
    cause: str
    memo: str
    set_by: str
    since: datetime
    lifted_at: datetime | None
    lifted_by: str | None


class AuditSheet(NamedTuple):
    """One line of the audit log: an operation, a refusal or a posting.

    `outcome` is done or refused; `posting_id` is set when the line is a posting.
    """

    at: datetime
    actor: str
    account_ref: str | None
    action: str
    outcome: str
    summary: str
    data: Mapping[str, object]
    origin: str
    posting_id: str | None


class CounterpartySheet(NamedTuple):
    """The other side of entries: what it received (positive) or gave, per asset."""

    name: str
    amount: Money
    entries: int


class TrialBalanceSheet(NamedTuple):
    """Per asset: the sum of stored wallet balances beside the counterparties' sums.

    `difference` is their sum, which must be zero.
    """

    asset: str
    wallets: Money
    counterparties: tuple[CounterpartySheet, ...]
    difference: Money


class MatchSheet(NamedTuple):
    """One account found by the finder, and why it matched."""

    account: AccountSheet
    why: str


class EntryFilter(NamedTuple):
    """Which entries to show; everything left out does not filter.

    `since` is inclusive, `until` exclusive, both by recorded time. `text` is searched in subject,
    memo and reference, three characters at least.
    """

    account: str | None = None
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    reference: str | None = None
    text: str | None = None
    asset: str | None = None

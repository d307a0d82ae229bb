"""What the doors receive: frozen, finished answers. A door paints or prints them, no more.

Named tuples: as many frozen dataclasses would cost every start of a shell command 15 ms more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

from billdesk.core.values.money import Money

Row = TypeVar("Row")


class Page(NamedTuple, Generic[Row]):
    """One page of a longer list; `after` continues it, None at the end."""

    rows: tuple[Row, ...]
    after: str | None


class AccountSheet(NamedTuple):
    """Who is billed. `status` is open, suspended or closed."""

    id: str
    ref: str
    name: str
    email: str | None
    status: str
    created_at: datetime
    status_since: datetime


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


class PaymentSheet(NamedTuple):
    """Money in through a gateway. `status`: pending, succeeded, failed or expired.

    `mode` is test or live; `detail` says in words why it failed or what it waits for.
    """

    id: str
    account_ref: str
    account_name: str
    gateway: str
    mode: str
    external_id: str | None
    status: str
    amount: Money
    fee: Money | None
    pay_url: str | None
    detail: str
    created_at: datetime
    changed_at: datetime
    posting_id: str | None


class FactSheet(NamedTuple):
    """What a gateway said happened, kept as it was said. `state`: applied, waiting or duplicate."""

    number: int
    gateway: str
    mode: str
    object_id: str
    stage: str
    occurrence: str
    amount: Money | None
    happened_at: datetime
    received_at: datetime
    state: str
    detail: str
    payment_id: str | None


class GatewaySheet(NamedTuple):
    """A gateway's freshness: when it was last asked, how far its facts reach, what went wrong."""

    name: str
    mode: str
    last_polled_at: datetime | None
    watermark: datetime | None
    lag_seconds: int | None
    last_error: str | None
    open_payments: int
    waiting_facts: int


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


class ReasonSheet(NamedTuple):
    """Why an account may not be used: since when, set by whom, and what lifts it.

    `action` names the desk's verb that lifts it: unfreeze, deposit, reopen, release …
    """

    code: str
    text: str
    since: datetime | None
    set_by: str
    remedy: str
    action: str


class StandingSheet(NamedTuple):
    """The verdict on an account: may it run, and every reason why not.

    `word` is the state in one word for a list: OK, BLOCKED, FROZEN, SPENT, OWES, SUSPENDED, CLOSED.
    """

    account_ref: str
    account_name: str
    may_run: bool
    word: str
    reasons: tuple[ReasonSheet, ...]


class BalanceRowSheet(NamedTuple):
    """One line of the balances list: a wallet and the standing of its account."""

    wallet: WalletSheet
    standing: str


class TimelineSheet(NamedTuple):
    """One line of an account's merged story, newest first.

    `kind` groups it for filters: entry, hold, freeze, payment, audit; `id` opens the thing.
    """

    at: datetime
    kind: str
    title: str
    amount: Money | None
    actor: str
    id: str
    detail: str


class IncidentSheet(NamedTuple):
    """One account on one screen."""

    account: AccountSheet
    standing: StandingSheet
    wallets: tuple[WalletSheet, ...]
    open_holds: tuple[HoldSheet, ...]
    open_freezes: tuple[FreezeSheet, ...]
    open_payments: tuple[PaymentSheet, ...]
    timeline: tuple[TimelineSheet, ...]
    as_of: datetime


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


class FindingSheet(NamedTuple):
    """Something `verify` or `recount` found wrong, named so that a person can look it up."""

    check: str
    account_ref: str | None
    wallet_id: str | None
    seq: int | None
    text: str


class VerifySheet(NamedTuple):
    """What `verify` proved, what it found wrong and what it could not prove."""

    ok: bool
    wallets: int
    entries: int
    findings: tuple[FindingSheet, ...]
    unproven: tuple[str, ...]
    checkpoint_at: datetime | None
    erased_texts: int


class CheckpointSheet(NamedTuple):
    """A sealed checkpoint: how many wallets and entries it covers, and its one hash."""

    path: str
    sealed_at: datetime
    wallets: int
    entries: int
    hash: str


class AttentionSheet(NamedTuple):
    """Something a person should look at, and where. `severity` is problem, warning or note.

    `screen` and `target` say where the desk goes when it is opened.
    """

    severity: str
    title: str
    detail: str
    screen: str
    target: str | None


class DaySheet(NamedTuple):
    """One day's money in one asset: amounts in minor units, all positive."""

    day: date
    deposits_minor: int
    charges_minor: int
    refunds_minor: int


class OverviewSheet(NamedTuple):
    """The desk at a glance. Money is never added up across assets."""

    ledger: str
    kind: str
    default_asset: str
    as_of: datetime
    accounts: int
    entries: int
    totals: tuple[Money, ...]
    held: tuple[Money, ...]
    today: DaySheet
    days: tuple[DaySheet, ...]
    standings: Mapping[str, int]
    attention: tuple[AttentionSheet, ...]
    gateways: tuple[GatewaySheet, ...]
    checkpoint_at: datetime | None


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


class RowError(NamedTuple):
    """A line of an imported file that cannot be taken, and why."""

    line: int
    text: str


class ImportSheet(NamedTuple):
    """What an import did: either rows went in, or errors are listed and nothing did."""

    path: str
    rows: int
    added: int
    unchanged: int
    errors: tuple[RowError, ...]


class ExportSheet(NamedTuple):
    """What an export wrote: rows, and control totals per asset."""

    path: str
    format: str
    rows: int
    totals: tuple[Money, ...]


class TickSheet(NamedTuple):
    """What one tick of the desk did."""

    at: datetime
    polled: int
    facts: int
    deposits: int
    holds_expired: int
    indexed: int
    errors: tuple[str, ...] = ()


class DoctorSheet(NamedTuple):
    """One health check of the installation: `state` is ok, warning or problem."""

    name: str
    state: str
    text: str
    remedy: str = ""


class LedgerSheet(NamedTuple):
    """What is known about an open ledger without reading its entries."""

    where: str
    kind: str
    ledger_id: str
    default_asset: str
    zone: str
    created_at: datetime
    schema: str
    read_only: bool
    demo: bool
    actor: str
    extra: Mapping[str, str] = MappingProxyType({})

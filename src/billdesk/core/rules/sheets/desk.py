"""Sheets of the desk itself: standing, overview, proofs, what imports and ticks did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from billdesk.core.rules.sheets.gateways import GatewaySheet, PaymentSheet
from billdesk.core.rules.sheets.ledger import AccountSheet, FreezeSheet, HoldSheet, WalletSheet
from billdesk.core.values.money import Money

if TYPE_CHECKING:
    from billdesk.core.rules.sheets.invoices import InvoiceSheet
    from billdesk.core.rules.sheets.plans import SubscriptionSheet


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
    """One account on one screen. `subscriptions` are those that have not ended."""

    account: AccountSheet
    standing: StandingSheet
    wallets: tuple[WalletSheet, ...]
    open_holds: tuple[HoldSheet, ...]
    open_freezes: tuple[FreezeSheet, ...]
    open_payments: tuple[PaymentSheet, ...]
    timeline: tuple[TimelineSheet, ...]
    as_of: datetime
    subscriptions: tuple[SubscriptionSheet, ...] = ()
    open_invoices: tuple[InvoiceSheet, ...] = ()


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


class MoveSheet(NamedTuple):
    """A ledger that was moved into another database, or would be: then nothing is proven yet.

    `tables`: how many rows, by table. `own_tables`: tables of the caller's, which stay behind. `books`:
    where those of the sandbox go. `heads`: SHA-256 over every wallet's last hash and balances, the
    same in both. `behind`: rows that were written to the old one meanwhile, by table: the new one
    lacks them. `notes`: what a person should know or do, in words.
    """

    source: str
    source_kind: str
    target: str
    target_kind: str
    ledger_id: str
    schema: str
    wallets: int
    entries: int
    tables: Mapping[str, int]
    own_tables: tuple[str, ...]
    books: str | None
    notes: tuple[str, ...]
    proof: VerifySheet | None = None
    heads: str | None = None
    checkpoint: str | None = None
    behind: Mapping[str, int] = MappingProxyType({})


class AttentionSheet(NamedTuple):
    """Something a person should look at, and where. `severity` is problem, warning or note.

    `screen` and `target` say where the desk goes when it is opened: an account, a standing, or the line by
    which a list is filtered.
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
    """What one tick of the desk did.

    `alerts`: wallets that were told to be low; `topups`: charges made; `compared`: gateways whose books
    were compared with ours; `renewed`: periods that began (`paused`, `resumed`, `ended`: subscriptions);
    `collected`: invoices that were paid; `expired_lots`: credits whose time was over; `usage_alerts`:
    thresholds that were crossed; `usage_lines`: usage that was billed.
    """

    at: datetime
    polled: int
    facts: int
    deposits: int
    holds_expired: int
    indexed: int
    errors: tuple[str, ...] = ()
    alerts: int = 0
    topups: int = 0
    compared: int = 0
    renewed: int = 0
    paused: int = 0
    resumed: int = 0
    ended: int = 0
    collected: int = 0
    expired_lots: int = 0
    usage_alerts: int = 0
    usage_lines: int = 0


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

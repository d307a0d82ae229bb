"""Sheets of money in and out at gateways."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from billdesk.core.values.money import Money


class PaymentSheet(NamedTuple):
    """Money in through a gateway.

    `status`: pending, succeeded, failed, expired, refunded (all of it) or disputed (a dispute is open
    or was lost). `purpose`: deposit, topup, invoice or retry; `retries_id` names the payment that is
    tried again, `invoice_id` the invoice it pays. `mode` is test or live; `detail` says in words why it
    failed or what it waits for.
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
    purpose: str = "deposit"
    method_id: str | None = None
    retries_id: str | None = None
    charge_id: str | None = None
    refunded: Money | None = None
    disputed: Money | None = None
    save_method: bool = False
    invoice_id: str | None = None


class CardRefundSheet(NamedTuple):
    """Money of a payment on its way back to where it came from. `status`: pending, succeeded, failed.

    `external_id` is the gateway's own id; one that the desk did not start came from the gateway's site.
    """

    id: str
    payment_id: str
    account_ref: str
    account_name: str
    gateway: str
    mode: str
    external_id: str | None
    status: str
    amount: Money
    memo: str
    detail: str
    posting_id: str | None
    actor: str
    created_at: datetime
    changed_at: datetime


class DisputeSheet(NamedTuple):
    """A payment that its payer contests. `status`: open, won or lost."""

    id: str
    payment_id: str
    account_ref: str
    account_name: str
    gateway: str
    mode: str
    external_id: str
    status: str
    amount: Money
    detail: str
    opened_at: datetime
    closed_at: datetime | None


class MethodSheet(NamedTuple):
    """A saved way to pay. `role`: default, backup or empty; `expires` is such as 2028-04."""

    id: str
    account_ref: str
    gateway: str
    mode: str
    external_id: str
    customer_id: str
    label: str
    expires: str | None
    role: str
    added_at: datetime


class HostedPageSheet(NamedTuple):
    """Where a customer saves a way to pay: a page of the gateway's own."""

    account_ref: str
    gateway: str
    mode: str
    url: str


class WatchSheet(NamedTuple):
    """What happens when a wallet runs low. Any of the amounts may be missing: then it does not.

    `alert_below`: told once per dip. `topup_below`: then `topup_amount` is taken from the default
    method, at most `topup_daily` a day, once per dip; `stopped` says why no more is tried.
    """

    account_ref: str
    asset: str
    alert_below: Money | None
    alerted_at: datetime | None
    topup_below: Money | None
    topup_amount: Money | None
    topup_daily: Money | None
    declines: int
    stopped: str | None


class FactSheet(NamedTuple):
    """What a gateway said happened, kept as it was said. `state`: applied or waiting."""

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
    """A gateway's freshness: when it was last asked, how far its facts reach, what went wrong.

    `make` is stripe, paypal, paystack or sandbox; `key` says in words whether its key is here.
    `quiet_until`: it is left alone until then, after a refused key or by its own wish.
    """

    name: str
    mode: str
    last_polled_at: datetime | None
    watermark: datetime | None
    lag_seconds: int | None
    last_error: str | None
    open_payments: int
    waiting_facts: int
    make: str = "sandbox"
    account: str = "sandbox"
    key: str = "none is needed"
    open_refunds: int = 0
    open_disputes: int = 0
    open_gaps: int = 0
    swept_at: datetime | None = None
    quiet_until: datetime | None = None


class GapSheet(NamedTuple):
    """A span that a gateway's feed could not tell any more; healed once its objects were listed."""

    number: int
    gateway: str
    mode: str
    since: datetime
    until: datetime
    found_at: datetime
    healed_at: datetime | None


class IntakeSheet(NamedTuple):
    """What a message brought by hand led to: new facts, those applied, those that wait, known ones."""

    gateway: str
    events: int
    new: int
    applied: int
    waiting: int
    known: int


class ReconcileItemSheet(NamedTuple):
    """One line of a comparison.

    `outcome`: matched, within_tolerance, timing, missing_here, missing_there, differs; `note` is set
    once somebody explained it.
    """

    number: int
    kind: str
    outcome: str
    external_id: str
    our_id: str | None
    account_ref: str | None
    asset: str
    ours: Money | None
    theirs: Money | None
    our_fee: Money | None
    their_fee: Money | None
    happened_at: datetime
    age_days: int
    note: str | None
    explained_by: str | None
    explained_at: datetime | None


class ReconcileTotalSheet(NamedTuple):
    """One asset of a comparison in total: ours and theirs, and the ledger's own clearing.

    `clearing`: what the ledger booked against the gateway, fees and money back taken off.
    `clearing_difference`: that less the gateway's own net. `difference`: the differences of all items,
    each without its sign, leaving out what is only late. `alarm`: it is above `limit`.
    """

    asset: str
    ours: Money
    theirs: Money
    our_fees: Money
    their_fees: Money
    clearing: Money
    clearing_difference: Money
    difference: Money
    limit: Money
    alarm: bool


class ReconcileSheet(NamedTuple):
    """A comparison of our records with a gateway's own books, over a half-open span.

    `finished_at` is None while it runs, and for ever when it was interrupted; then `interrupted` says
    by what, unless the whole program ended. `outcomes` counts items; `explained` those with a note.
    `matched_kept`: matched items can be listed, too; of long lists only the others are kept.
    """

    id: str
    reference: str | None
    gateway: str
    mode: str
    since: datetime
    until: datetime
    actor: str
    started_at: datetime
    finished_at: datetime | None
    totals: tuple[ReconcileTotalSheet, ...]
    outcomes: Mapping[str, int] = MappingProxyType({})
    alarm: bool = False
    digest: str | None = None
    explained: int = 0
    matched_kept: bool = True
    interrupted: str | None = None

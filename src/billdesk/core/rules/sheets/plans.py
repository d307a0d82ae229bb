"""Sheets of what is sold, and of who is on which plan."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from billdesk.core.rules.sheets.invoices import InvoiceLineSheet
from billdesk.core.values.money import Money


class CatalogMistakeSheet(NamedTuple):
    """Something wrong in a catalog file: its line (0: the whole file), where, what, and a remedy."""

    line: int
    where: str
    message: str
    hint: str


class CatalogChangeSheet(NamedTuple):
    """One thing that applying a catalog changes. `change`: added, changed, retired.

    `version` is the one it will have; `subscriptions` are those that stay on older versions.
    """

    sort: str
    code: str
    name: str
    change: str
    version: int
    details: tuple[str, ...] = ()
    subscriptions: int = 0


class CatalogDiffSheet(NamedTuple):
    """What applying a catalog file would do, or did (`applied`); mistakes if it cannot be used."""

    where: str
    digest: str
    mistakes: tuple[CatalogMistakeSheet, ...]
    changes: tuple[CatalogChangeSheet, ...]
    unchanged: int
    applied: bool = False


class PlanPriceSheet(NamedTuple):
    """What a plan costs on a schedule."""

    schedule: str
    months: int
    price: Money


class PlanMeterSheet(NamedTuple):
    """What a plan says of a meter. `included` and `price` are words as people write them."""

    meter: str
    name: str
    unit: str
    included: str
    pricing: str
    price: str


class PlanSheet(NamedTuple):
    """One version of a plan; `retired_at` when there is a newer one or it is sold no more."""

    code: str
    version: int
    name: str
    family: str
    rank: int
    prices: tuple[PlanPriceSheet, ...]
    meters: tuple[PlanMeterSheet, ...]
    credits: int
    trial_days: int
    packs: tuple[str, ...]
    features: tuple[str, ...]
    applied_at: datetime
    retired_at: datetime | None
    subscriptions: int = 0
    tax_code: str | None = None


class PackSheet(NamedTuple):
    """One version of a pack of credits. `plans`: who may buy it; empty for everybody."""

    code: str
    version: int
    name: str
    credits: int
    price: Money
    plans: tuple[str, ...]
    expires_days: int | None
    retired_at: datetime | None
    tax_code: str | None = None


class MeterSheet(NamedTuple):
    """Something that is counted."""

    code: str
    name: str
    unit: str
    decimals: int


class TaxSheet(NamedTuple):
    """A tax rate; `percent` is exact text."""

    code: str
    name: str
    jurisdiction: str
    percent: str
    inclusive: bool


class ScheduleSheet(NamedTuple):
    """How often a price is due: every `months`."""

    code: str
    name: str
    months: int


class CompanySheet(NamedTuple):
    """Who sells, as it stands on invoices; `logo_bytes` is the size of the picture, 0 for none."""

    name: str
    address: str
    tax_id: str
    email: str
    terms: str
    due_days: int
    invoice_prefix: str
    credit_note_prefix: str
    digits: int
    tax_code: str | None
    usage_to: str
    logo_bytes: int


class SubscriptionSheet(NamedTuple):
    """An account on a plan.

    `status`: trialing, active, past_due, paused or canceled. `paid_by`: wallet, credits, gateway (its
    default method is charged), invoice (sent, and paid by a deposit) or elsewhere (kept at a gateway and
    mirrored). `price` is for the whole quantity and period. `next_…` is a change that waits for the
    period's end; `cancel_at` when it ends then. `paused_why`: balance or hand.
    """

    id: str
    account_ref: str
    account_name: str
    plan_code: str
    plan_name: str
    plan_version: int
    schedule: str
    quantity: int
    price: Money
    paid_by: str
    status: str
    anchor_on: date
    period_seq: int
    period_since: datetime
    period_until: datetime
    trial_until: datetime | None
    cancel_at: datetime | None
    canceled_at: datetime | None
    paused_why: str | None
    paused_at: datetime | None
    next_plan_code: str | None
    next_schedule: str | None
    next_quantity: int | None
    gateway: str | None
    external_id: str | None
    created_at: datetime
    changed_at: datetime
    replayed: bool = False


class SubscriptionChangeSheet(NamedTuple):
    """Something that happened to a subscription."""

    number: int
    kind: str
    at: datetime
    actor: str
    summary: str
    invoice_id: str | None


class PeriodSheet(NamedTuple):
    """A stretch of a subscription that was paid for at once."""

    seq: int
    since: datetime
    until: datetime
    plan_code: str
    plan_version: int
    schedule: str
    quantity: int
    trial: bool
    invoice_id: str | None


class ChangePreviewSheet(NamedTuple):
    """What a change of a subscription would do, to the minor unit; the change itself does the same.

    `lines` are what is invoiced now (nothing: no invoice), `due_now` their total with tax;
    `available` is what can pay it (None: it need not be paid at once, or the wallet has no floor).
    `effective_at` is now or the period's end; `next_at` and `next_price`
    tell of the renewal after it.
    """

    subscription_id: str | None
    kind: str
    summary: str
    lines: tuple[InvoiceLineSheet, ...]
    due_now: Money
    available: Money | None
    effective_at: datetime
    next_at: datetime | None
    next_price: Money | None
    warnings: tuple[str, ...] = ()

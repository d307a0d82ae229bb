"""The acts on subscriptions. Each shows before it is done what it comes to: lines, and the next dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from billdesk.core.values.errors import BadInput
from billdesk.core.values.text import MEMO_LENGTH, check_text
from billdesk.screens.acts import (
    Act,
    Field,
    Receipt,
    Values,
    account_field,
    asset_field,
    choice_field,
)
from billdesk.screens.figures import NOTHING, amount, number

if TYPE_CHECKING:
    from datetime import datetime

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import ChangePreviewSheet, SubscriptionSheet
    from billdesk.screens.acts import Outlook
    from billdesk.screens.figures import Times

PAID_BY = ("wallet", "credits", "gateway", "invoice")
USUAL, NOW, AT_END = "usual", "now", "period_end"
NO, YES = "no", "yes"
THE_PLANS = "the plan's"
"""What stands for the days of trial that the plan has."""

LARGEST_QUANTITY = 1_000_000
LONGEST_TRIAL_DAYS = 3_650


class Offer(NamedTuple):
    """What is sold: the codes of plans and of schedules."""

    plans: tuple[str, ...]
    schedules: tuple[str, ...]


def offer_of(desk: Desk) -> Offer:
    """What is sold now."""
    plans = desk.catalog.plans()
    schedules = dict.fromkeys(price.schedule for plan in plans for price in plan.prices)
    if not plans:
        raise BadInput("nothing is sold yet", "apply a catalog on the screen of plans first")
    return Offer(tuple(plan.code for plan in plans), tuple(schedules))


def _quantity_field(value: int = 1) -> Field:
    def check(text: str) -> object:
        if not _is_whole(text, 1, LARGEST_QUANTITY):
            raise BadInput(f"{text[:20]!r} is no such number", "a whole number, 1 or more")
        return text

    return Field("quantity", "Quantity", check, value=str(value))


def _trial_field() -> Field:
    def check(text: str) -> object:
        if text != THE_PLANS and not _is_whole(text, 0, LONGEST_TRIAL_DAYS):
            hint = f"a whole number, or {THE_PLANS}"
            raise BadInput(f"{text[:20]!r} is no number of days", hint)
        return text

    return Field("trial", "Trial days", check, value=THE_PLANS)


def _is_whole(text: str, least: int, most: int) -> bool:
    """Whether it is a whole number in plain digits, and within both ends."""
    return text.isascii() and text.isdecimal() and least <= int(text[:12]) <= most


def outlook_of(preview: ChangePreviewSheet, times: Times) -> Outlook:
    """What a preview says, line by line: what is invoiced, what is due now, and what comes next."""
    lines = [(line.text, number(line.amount)) for line in preview.lines]
    taxes = sum(line.tax.minor for line in preview.lines if not line.tax_inclusive)
    if taxes:
        lines.append(("tax", number(preview.due_now._replace(minor=taxes))))
    lines.append((f"{preview.summary}: due now", amount(preview.due_now)))
    effect = f"takes effect {_day(preview.effective_at, times)}"
    if preview.next_at is not None:
        effect = f"{effect}, next on {_day(preview.next_at, times)}"
    lines.append((effect, "" if preview.next_price is None else amount(preview.next_price)))
    return (*lines, *((warning, "") for warning in preview.warnings))


def _day(instant: datetime, times: Times) -> str:
    return f"{times.local(instant):%Y-%m-%d}"


def _receipt(desk: Desk, sheet: SubscriptionSheet) -> Receipt:
    """What a subscription is now, with the entries that its newest change led to."""
    lines = [("plan", f"{sheet.plan_name}, {sheet.schedule}"), ("status", sheet.status)]
    if sheet.next_plan_code is not None:
        lines.append(("then", sheet.next_plan_code))
    if sheet.replayed:
        lines.append(("note", "this was done before; nothing was done again"))
    *_, newest = desk.subscriptions.changes(sheet.id)
    invoice = desk.invoices.get(newest.invoice_id) if newest.invoice_id is not None else None
    if invoice is None or sheet.replayed:
        return Receipt(sheet.id, tuple(lines))
    lines.append(
        ("invoice", f"{invoice.invoice_number}, {amount(invoice.total)}, {invoice.status}")
    )
    if invoice.posting_id is None:
        return Receipt(sheet.id, tuple(lines))
    return Receipt(sheet.id, tuple(lines), desk.ledger.posting(invoice.posting_id).entries)


def _facts(sheet: SubscriptionSheet) -> tuple[tuple[str, str], ...]:
    times = f"{sheet.quantity:,} × " if sheet.quantity != 1 else ""
    return (
        ("account", f"{sheet.account_ref}  {sheet.account_name}"),
        ("plan", f"{times}{sheet.plan_name}, {sheet.schedule}"),
        ("price", f"{amount(sheet.price)}, paid by {sheet.paid_by}"),
    )


# --- beginning -----------------------------------------------------------------------------------


class Terms(TypedDict):
    """What a new subscription is to be, besides whose and on which plan."""

    schedule: str
    quantity: int
    asset: str
    paid_by: str
    trial_days: int | None


def _terms(values: Values) -> Terms:
    trial = values["trial"]
    return {
        "schedule": values["schedule"],
        "quantity": int(values["quantity"]),
        "asset": values["asset"],
        "paid_by": values["paid_by"],
        "trial_days": None if trial == THE_PLANS else int(trial),
    }


def create(ref: str, asset: str, offer: Offer, reference: str, times: Times) -> Act:
    """Put an account on a plan."""

    def perform(desk: Desk, values: Values) -> Receipt:
        account, plan, terms = values["account"], values["plan"], _terms(values)
        made = desk.subscriptions.create(account, plan, reference=reference, **terms)
        return _receipt(desk, made)

    def outlook(desk: Desk, values: Values) -> Outlook:
        account, plan, terms = values["account"], values["plan"], _terms(values)
        return outlook_of(desk.subscriptions.preview_create(account, plan, **terms), times)

    return Act(
        title="New subscription",
        verb="Subscribe",
        account_ref=ref,
        perform=perform,
        fields=(
            account_field(ref, "who subscribes, by ref"),
            choice_field("plan", "Plan", offer.plans),
            choice_field("schedule", "Schedule", offer.schedules),
            _quantity_field(),
            asset_field(asset, "Currency"),
            choice_field("paid_by", "Paid by", PAID_BY),
            _trial_field(),
        ),
        outlook=outlook,
        remote=True,
    )


# --- changing ------------------------------------------------------------------------------------


class Change(TypedDict):
    """What is to be otherwise; None for what stays as it is."""

    plan: str | None
    schedule: str | None
    quantity: int | None
    when: str | None


def change(sheet: SubscriptionSheet, offer: Offer, times: Times) -> Act:
    """Put a subscription on another plan, schedule or quantity, now or at its period's end."""

    def wanted(values: Values) -> Change:
        plan, schedule, when = values["plan"], values["schedule"], values["when"]
        quantity = int(values["quantity"])
        return {
            "plan": None if plan == sheet.plan_code else plan,
            "schedule": None if schedule == sheet.schedule else schedule,
            "quantity": None if quantity == sheet.quantity else quantity,
            "when": None if when == USUAL else when,
        }

    def perform(desk: Desk, values: Values) -> Receipt:
        return _receipt(desk, desk.subscriptions.change(sheet.id, **wanted(values)))

    def outlook(desk: Desk, values: Values) -> Outlook:
        return outlook_of(desk.subscriptions.preview(sheet.id, **wanted(values)), times)

    return Act(
        title=f"Change what {sheet.account_ref} is on",
        verb="Change",
        account_ref=sheet.account_ref,
        perform=perform,
        fields=(
            choice_field("plan", "Plan", _first(sheet.plan_code, offer.plans)),
            choice_field("schedule", "Schedule", _first(sheet.schedule, offer.schedules)),
            _quantity_field(sheet.quantity),
            choice_field("when", "When", (USUAL, NOW, AT_END)),
        ),
        facts=_facts(sheet),
        outlook=outlook,
        remote=sheet.paid_by == "gateway",
    )


def _first(own: str, others: tuple[str, ...]) -> tuple[str, ...]:
    return (own, *(each for each in others if each != own))


def unschedule(sheet: SubscriptionSheet) -> Act:
    """Drop the change that waits for the period's end."""
    return Act(
        title=f"Keep {sheet.account_ref} on {sheet.plan_name}",
        verb="Keep",
        account_ref=sheet.account_ref,
        perform=lambda desk, _: _receipt(desk, desk.subscriptions.unschedule(sheet.id)),
        facts=(*_facts(sheet), ("waiting", sheet.next_plan_code or NOTHING)),
        foreseen=lambda _: "The change that waits for the period's end is dropped.",
    )


# --- ending, pausing -----------------------------------------------------------------------------


def cancel(sheet: SubscriptionSheet, times: Times) -> Act:
    """End a subscription with its period, or now."""

    def perform(desk: Desk, values: Values) -> Receipt:
        canceled = desk.subscriptions.cancel(
            sheet.id,
            when=values["when"],
            refund_unused=values["back"] == YES,
            memo=values["memo"],
        )
        return _receipt(desk, canceled)

    def outlook(desk: Desk, values: Values) -> Outlook:
        preview = desk.subscriptions.preview_cancel(
            sheet.id, when=values["when"], refund_unused=values["back"] == YES
        )
        return outlook_of(preview, times)

    return Act(
        title=f"Cancel {sheet.plan_name} of {sheet.account_ref}",
        verb="Cancel it",
        account_ref=sheet.account_ref,
        perform=perform,
        fields=(
            choice_field("when", "When", (AT_END, NOW)),
            choice_field("back", "Give back", (NO, YES)),
            Field(
                "memo",
                "Why",
                lambda text: check_text(text, "memo", MEMO_LENGTH),
                placeholder="may be left out",
            ),
        ),
        facts=_facts(sheet),
        typed=lambda _: "cancel",
        outlook=outlook,
    )


def reactivate(sheet: SubscriptionSheet) -> Act:
    """Let a subscription go on that was to end, or has ended."""
    return Act(
        title=f"Reactivate {sheet.plan_name} of {sheet.account_ref}",
        verb="Reactivate",
        account_ref=sheet.account_ref,
        perform=lambda desk, _: _receipt(desk, desk.subscriptions.reactivate(sheet.id)),
        facts=_facts(sheet),
        foreseen=lambda _: (
            "What is paid for already is used up first. If that is over, a new period begins today and"
            f" {amount(sheet.price)} are due at the price that is sold now."
        ),
        remote=sheet.paid_by == "gateway",
    )


def pause(sheet: SubscriptionSheet) -> Act:
    """Stop a subscription until it is resumed by hand."""
    return Act(
        title=f"Pause {sheet.plan_name} of {sheet.account_ref}",
        verb="Pause",
        account_ref=sheet.account_ref,
        perform=lambda desk, _: _receipt(desk, desk.subscriptions.pause(sheet.id)),
        facts=_facts(sheet),
        foreseen=lambda _: "It is not renewed until somebody resumes it. Nothing is given back.",
    )


def resume(sheet: SubscriptionSheet) -> Act:
    """Let a paused subscription run on."""
    return Act(
        title=f"Resume {sheet.plan_name} of {sheet.account_ref}",
        verb="Resume",
        account_ref=sheet.account_ref,
        perform=lambda desk, _: _receipt(desk, desk.subscriptions.resume(sheet.id)),
        facts=(*_facts(sheet), ("paused", sheet.paused_why or NOTHING)),
        foreseen=lambda _: "It runs on in its period, or in a new one from today if that is over.",
        remote=sheet.paid_by == "gateway",
    )


# --- what a gateway keeps ------------------------------------------------------------------------


def sync(sheet: SubscriptionSheet) -> Act:
    """Ask the gateway that keeps a subscription how it is now."""
    gateway, external_id = sheet.gateway or "", sheet.external_id or ""

    return Act(
        title=f"Ask {gateway} for {sheet.plan_name} of {sheet.account_ref}",
        verb="Ask",
        account_ref=sheet.account_ref,
        perform=lambda desk, _: _receipt(
            desk, desk.mirrors.sync_subscription(gateway, external_id)
        ),
        facts=(*_facts(sheet), ("there", external_id)),
        rehearsable=False,
        foreseen=lambda _: f"It is kept at {gateway}; what that says now is shown here.",
        remote=True,
    )

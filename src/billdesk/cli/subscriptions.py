"""`billdesk subscription create | preview | change | unschedule | cancel | reactivate | pause …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import (
    After,
    Asset,
    Limit,
    OfAccount,
    OptionalReference,
    Ref,
    count,
    day,
)
from billdesk.cli.printing import card, cell, table

if TYPE_CHECKING:
    from datetime import date

    from billdesk.core.rules.sheets import ChangePreviewSheet, SubscriptionSheet

SubscriptionId = Annotated[
    str, typer.Argument(metavar="SUBSCRIPTION", help="A subscription, by its id.")
]
Plan = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's code.")]
NewPlan = Annotated[
    str | None, typer.Argument(metavar="[PLAN]", help="The plan's code; else it stays.")
]
Schedule = Annotated[
    str | None, typer.Option(metavar="NAME", help="monthly, quarterly, annual … of the catalog.")
]
Quantity = Annotated[int | None, typer.Option(metavar="COUNT", help="So many of the plan.")]
When = Literal["now", "period_end"]
ChangesWhen = Annotated[
    When | None, typer.Option(help="Else now if it costs more, and at the period's end if not.")
]
PaidBy = Literal["wallet", "credits", "gateway", "invoice"]
Status = Literal["trialing", "active", "past_due", "paused", "canceled"]
RefundUnused = Annotated[
    bool, typer.Option("--refund-unused", help="Give the days that are left back, today included.")
]


class Terms(TypedDict):
    """What a new subscription is to be, besides whose and on which plan."""

    schedule: str
    quantity: int
    asset: str | None
    paid_by: str
    trial_days: int | None
    starts_at: date | None


def create(
    door: Door,
    ref: Ref,
    plan: Plan,
    *,
    schedule: Annotated[
        str, typer.Option(metavar="NAME", help="monthly, quarterly, annual … of the catalog.")
    ] = "monthly",
    quantity: Annotated[int, typer.Option(metavar="COUNT", help="So many of the plan.")] = 1,
    asset: Asset = None,
    paid_by: Annotated[
        PaidBy, typer.Option("--by", help="The wallet, credits, what is saved, or an invoice.")
    ] = "wallet",
    trial_days: Annotated[
        int | None, typer.Option(metavar="DAYS", help="So many for nothing; else the plan's.")
    ] = None,
    starts_at: Annotated[
        str | None, typer.Option("--since", metavar="DAY", help="It began then; else today.")
    ] = None,
    reference: OptionalReference = None,
    memo: Annotated[str, typer.Option(metavar="TEXT", help="A remark to keep with it.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Only say what it would do.")] = False,
) -> None:
    """Put an account on a plan.

    The first period is billed at once, but for a trial.
    """
    terms: Terms = {
        "schedule": schedule,
        "quantity": quantity,
        "asset": asset,
        "paid_by": paid_by,
        "trial_days": trial_days,
        "starts_at": day(starts_at),
    }
    with door.desk() as desk:
        if preview:
            _answer_preview(door, desk.subscriptions.preview_create(ref, plan, **terms))
            return
        sheet = desk.subscriptions.create(ref, plan, reference=reference, memo=memo, **terms)
    _answer(door, sheet)


def preview(
    door: Door,
    subscription: SubscriptionId,
    plan: NewPlan = None,
    *,
    schedule: Schedule = None,
    quantity: Quantity = None,
    when: ChangesWhen = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="What a cancel would do.")] = False,
    refund_unused: RefundUnused = False,
) -> None:
    """Say what a change would do.

    To the minor unit: what is billed or given back now, and what the next period costs.
    """
    with door.desk() as desk:
        if cancel:
            sheet = desk.subscriptions.preview_cancel(
                subscription, when=when or "period_end", refund_unused=refund_unused
            )
        else:
            sheet = desk.subscriptions.preview(
                subscription, plan, schedule=schedule, quantity=quantity, when=when
            )
    _answer_preview(door, sheet)


def change(
    door: Door,
    subscription: SubscriptionId,
    plan: NewPlan = None,
    *,
    schedule: Schedule = None,
    quantity: Quantity = None,
    when: ChangesWhen = None,
) -> None:
    """Change plan, schedule or quantity.

    What costs more is prorated and billed at once, what costs less waits for the period's end.
    """
    with door.desk() as desk:
        sheet = desk.subscriptions.change(
            subscription, plan, schedule=schedule, quantity=quantity, when=when
        )
    _answer(door, sheet)


def unschedule(door: Door, subscription: SubscriptionId) -> None:
    """Drop the change that waits."""
    with door.desk() as desk:
        sheet = desk.subscriptions.unschedule(subscription)
    _answer(door, sheet)


def cancel(
    door: Door,
    subscription: SubscriptionId,
    *,
    when: Annotated[When, typer.Option(help="With its period, or at once.")] = "period_end",
    refund_unused: RefundUnused = False,
    memo: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
) -> None:
    """End a subscription."""
    with door.desk() as desk:
        sheet = desk.subscriptions.cancel(
            subscription, when=when, refund_unused=refund_unused, memo=memo
        )
    _answer(door, sheet)


def reactivate(door: Door, subscription: SubscriptionId) -> None:
    """Let a canceled one go on.

    What is paid for already is used up first; else a period begins and is billed today.
    """
    with door.desk() as desk:
        sheet = desk.subscriptions.reactivate(subscription)
    _answer(door, sheet)


def pause(door: Door, subscription: SubscriptionId) -> None:
    """Do not renew it for a while."""
    with door.desk() as desk:
        sheet = desk.subscriptions.pause(subscription)
    _answer(door, sheet)


def resume(door: Door, subscription: SubscriptionId) -> None:
    """Let a paused one run on.

    In its period, or in a new one that is billed today if that is over.
    """
    with door.desk() as desk:
        sheet = desk.subscriptions.resume(subscription)
    _answer(door, sheet)


def show(door: Door, subscription: SubscriptionId) -> None:
    """Show one with its periods and changes."""
    with door.desk() as desk:
        sheet = desk.subscriptions.get(subscription)
        periods = desk.subscriptions.periods(subscription)
        changes = desk.subscriptions.changes(subscription)
    waits = " ".join(
        str(part)
        for part in (sheet.next_quantity, sheet.next_plan_code, sheet.next_schedule)
        if part is not None
    )
    lines = card(
        [
            ("subscription", sheet.id),
            ("account", f"{sheet.account_ref} · {sheet.account_name}"),
            ("plan", f"{sheet.plan_name} ({sheet.plan_code}, version {sheet.plan_version})"),
            ("quantity", sheet.quantity),
            ("price", f"{cell(sheet.price)} {sheet.schedule}"),
            ("paid by", sheet.paid_by),
            ("status", _status(sheet)),
            ("period", f"{cell(sheet.period_since)} to {cell(sheet.period_until)}"),
            ("anchor", sheet.anchor_on),
            ("trial until", sheet.trial_until),
            ("then", waits),
            ("ends", sheet.cancel_at),
            ("ended", sheet.canceled_at),
        ]
    )
    headings = ("PERIOD", "SINCE", "UNTIL", "PLAN", "QUANTITY", "INVOICE")
    rows = (
        (
            *(each.seq, each.since, each.until, each.plan_code, each.quantity),
            "trial" if each.trial else each.invoice_id,
        )
        for each in periods
    )
    history = ((each.at, each.kind, each.actor, each.summary) for each in changes)
    door.answer(
        {"subscription": sheet, "periods": periods, "changes": changes},
        *lines,
        "",
        *table(headings, rows),
        "",
        *table(("AT", "WHAT", "BY", "SUMMARY"), history),
    )


def list_subscriptions(
    door: Door,
    *,
    account: OfAccount = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    plan: Annotated[str | None, typer.Option(metavar="PLAN", help="Only on this plan.")] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List who is on which plan."""
    with door.desk() as desk:
        page = desk.subscriptions.list(account, status, plan, after=after, limit=count(limit))
    headings = ("SUBSCRIPTION", "REF", "PLAN", "SCHEDULE", "QUANTITY", "PRICE", "STATUS", "UNTIL")
    rows = (
        (
            *(sheet.id, sheet.account_ref, sheet.plan_name, sheet.schedule, sheet.quantity),
            *(sheet.price, _status(sheet), sheet.period_until),
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))


def _status(sheet: SubscriptionSheet) -> str:
    """How it is, in words."""
    if sheet.status == "paused":
        why = "by hand" if sheet.paused_why == "hand" else "waits for money"
        return f"paused, {why}"
    ends = ", ends with its period" if sheet.cancel_at is not None else ""
    return f"{sheet.status.replace('_', ' ')}{ends}"


def _answer(door: Door, sheet: SubscriptionSheet) -> None:
    """What came of it, in a line or two."""
    words = (
        f"{sheet.account_ref} on {sheet.plan_name}, {sheet.schedule}: {cell(sheet.price)},"
        f" {_status(sheet)} until {cell(sheet.period_until)} ({sheet.id})"
    )
    if sheet.next_plan_code is None:
        door.answer(sheet, words)
    else:
        door.answer(sheet, words, f"then {sheet.next_plan_code}, {sheet.next_schedule}")


def _answer_preview(door: Door, sheet: ChangePreviewSheet) -> None:
    """What a change would do: lines as they would stand on the invoice, and what it comes to."""
    lines = [f"{sheet.kind}: {sheet.summary}"]
    if sheet.lines:
        rows = ((line.text, line.quantity, line.net, line.tax) for line in sheet.lines)
        lines += table(("LINE", "QUANTITY", "NET", "TAX"), rows)
    lines += card(
        [
            ("due now", sheet.due_now),
            ("available", sheet.available),
            ("from", sheet.effective_at),
            ("next period", sheet.next_at),
            ("costs then", sheet.next_price),
            *(("mind", warning) for warning in sheet.warnings),
        ]
    )
    door.answer(sheet, *lines)

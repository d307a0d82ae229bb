"""`billdesk hold | capture | release | holds`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import (
    After,
    Amount,
    Limit,
    OfAccount,
    Ref,
    Reference,
    Subject,
    To,
    count,
)
from billdesk.cli.printing import card, cell, table
from billdesk.core.values.clock import parse_duration

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import HoldSheet

Status = Literal["open", "captured", "released", "expired"]
HoldId = Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id: hold_…")]


def hold(
    door: Door,
    ref: Ref,
    amount: Amount,
    *,
    reference: Reference,
    lasts: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Released by itself after this.")
    ] = "7d",
    subject: Subject = None,
) -> None:
    """Set money aside.

    It stays in the balance but is not available until captured, released or expired.
    """
    with door.desk() as desk:
        sheet = desk.holds.place(
            ref, amount, reference=reference, subject=subject, lasts=parse_duration(lasts)
        )
    done = "held before" if sheet.replayed else "held"
    until = cell(sheet.expires_at)
    door.answer(
        sheet, f"{sheet.account_ref} {done}: {cell(sheet.amount)} until {until} ({sheet.id})"
    )


def capture(
    door: Door,
    hold: HoldId,
    amount: Annotated[
        str | None, typer.Argument(metavar="AMOUNT", help="Else all of it; the rest is freed.")
    ] = None,
    *,
    subject: Subject = None,
    to: To = "revenue",
) -> None:
    """Take what a hold set aside.

    More than was held is taken too if the balance allows; else the rest is booked as debt.
    """
    with door.desk() as desk:
        sheet = desk.holds.capture(hold, amount, subject=subject, to=to)
    debt = f", owes {cell(sheet.shortfall)}" if sheet.shortfall and sheet.shortfall.minor else ""
    door.answer(sheet, f"{sheet.account_ref} captured: {cell(sheet.captured)}{debt} ({sheet.id})")


def release(door: Door, hold: HoldId) -> None:
    """Free what a hold set aside."""
    with door.desk() as desk:
        sheet = desk.holds.release(hold)
    door.answer(sheet, f"{sheet.account_ref} released: {cell(sheet.amount)} ({sheet.id})")


def holds(
    door: Door,
    hold: Annotated[
        str | None, typer.Argument(metavar="HOLD", help="Show this one; else list them.")
    ] = None,
    *,
    account: OfAccount = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List holds, or show one."""
    with door.desk() as desk:
        if hold is not None:
            _show(door, desk.holds.get(hold))
            return
        page = desk.holds.list(account=account, status=status, after=after, limit=count(limit))
    headings = ("HOLD", "REF", "AMOUNT", "STATUS", "SUBJECT", "PLACED", "EXPIRES")
    rows = (
        (
            sheet.id,
            sheet.account_ref,
            sheet.amount,
            sheet.status,
            sheet.subject,
            sheet.placed_at,
            sheet.expires_at,
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))


def _show(door: Door, sheet: HoldSheet) -> None:
    door.answer(
        sheet,
        *card(
            [
                ("hold", sheet.id),
                ("account", sheet.account_ref),
                ("amount", sheet.amount),
                ("status", sheet.status),
                ("reference", sheet.reference),
                ("subject", sheet.subject),
                ("placed", sheet.placed_at),
                ("expires", sheet.expires_at),
                ("resolved", sheet.resolved_at),
                ("by", sheet.resolved_by),
                ("captured", sheet.captured),
                ("shortfall", sheet.shortfall),
            ]
        ),
    )

"""`billdesk credits show | grant | lots | uses | expire`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import (
    After,
    Limit,
    Memo,
    OfAccount,
    OptionalReference,
    Ref,
    at,
    count,
)
from billdesk.cli.printing import card, cell, plural, table
from billdesk.core.values.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from billdesk.core.rules.sheets import LotSheet

Source = Literal["promotion", "manual", "opening", "other"]


def show(door: Door, ref: Ref) -> None:
    """Show an account's credits.

    Show an account's credits: what can be used, what burns next, what expires.
    """
    with door.desk() as desk:
        sheet = desk.credits.get(ref)
    expiring = sheet.expiring_next
    door.answer(
        sheet,
        *card(
            [
                ("account", f"{sheet.account_ref} · {sheet.account_name}"),
                ("balance", sheet.balance),
                ("held", sheet.held),
                ("available", sheet.available),
                ("used this period", sheet.used_this_period),
                ("granted this period", sheet.granted_this_period),
                ("period since", sheet.period_since),
                ("expires next", f"{expiring.remaining} at {cell(expiring.expires_at)}")
                if expiring
                else ("expires next", None),
            ]
        ),
        *lot_table(sheet.lots),
    )


def grant(
    door: Door,
    ref: Ref,
    amount: Annotated[str, typer.Argument(metavar="CREDITS", help="How many, such as 500.")],
    *,
    memo: Memo,
    source: Annotated[Source, typer.Option(help="Where they come from.")] = "promotion",
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When they are gone; else never.")
    ] = None,
    priority: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Smaller burns first; else 50.")
    ] = None,
    paid: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What they cost elsewhere.")
    ] = None,
    reference: OptionalReference = None,
) -> None:
    """Give credits.

    Give an account credits in a lot of their own. What it owes in credits is filled first.
    """
    with door.desk() as desk:
        lot = desk.credits.grant(
            ref,
            amount,
            memo=memo,
            source=source,
            expires_at=at(expires),
            priority=None if priority is None else _whole(priority),
            reference=reference,
            paid=paid,
        )
    until = f" until {cell(lot.expires_at)}" if lot.expires_at else ""
    door.answer(lot, f"{lot.account_ref} has {cell(lot.granted)} credits more{until} ({lot.id})")


def lots(
    door: Door,
    ref: Ref,
    *,
    all: Annotated[bool, typer.Option("--all", help="Those that are used up, too.")] = False,
) -> None:
    """List lots, next to burn first."""
    with door.desk() as desk:
        sheets = desk.credits.lots(ref, all=all)
    door.answer_rows(sheets, lot_table(sheets))


def uses(
    door: Door,
    *,
    account: OfAccount = None,
    lot: Annotated[str | None, typer.Option(metavar="LOT", help="Only of this lot.")] = None,
    posting: Annotated[
        str | None, typer.Option(metavar="POSTING", help="Only of this charge or grant.")
    ] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List which lot paid for what.

    List which lot paid for what, the newest first; what is below zero came back to its lot.
    """
    with door.desk() as desk:
        page = desk.credits.uses(account, lot=lot, posting=posting, after=after, limit=count(limit))
    rows = (
        (use.at, use.amount, use.kind, use.lot_id, use.posting_id, use.subject) for use in page.rows
    )
    door.answer_page(page, table(("TIME", "CREDITS", "KIND", "LOT", "POSTING", "SUBJECT"), rows))


def expire(door: Door) -> None:
    """Let lots past their day go.

    Book away what is left of lots past their day, as every tick does: nothing that is held, and nothing
    that use from before that day may still be billed from.
    """
    with door.desk() as desk:
        expired = desk.credits.expire_due()
    door.answer({"expired": expired}, f"{plural(expired, 'lot')} expired")


def lot_table(lots: Iterable[LotSheet]) -> list[str]:
    """Lots line by line."""
    return table(
        ("NEXT", "LEFT", "OF", "SOURCE", "PRIORITY", "EXPIRES", "PAID", "GRANTED", "LOT"),
        (
            (
                *(lot.burns, lot.remaining, lot.granted, lot.source, lot.priority),
                *(lot.expires_at, lot.paid, lot.granted_at, lot.id),
            )
            for lot in lots
        ),
    )


def _whole(text: str) -> int:
    """A priority. Raises BadInput."""
    if text.isascii() and text.isdecimal() and len(text) <= 6:
        return int(text)
    raise BadInput(
        f"{text[:20]!r} is no priority", "a whole number such as 10; smaller burns first"
    )

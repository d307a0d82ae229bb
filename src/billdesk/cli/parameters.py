"""Arguments and options that several commands share, called and read the same everywhere."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.core.values.clock import parse_instant
from billdesk.core.values.errors import BadInput, BilldeskError

LONGEST_COUNT = 9


def refs_like(ctx: typer.Context, incomplete: str) -> list[str]:
    """The refs that begin with what is typed so far, for the shell's completion.

    None when there is no ledger to look into: a completion has nobody to complain to.
    """
    if not isinstance(ctx, Door):
        return []
    try:
        with ctx.desk(read_only=True) as desk:
            accounts = desk.accounts.list(text=incomplete or None).rows
    except BilldeskError:
        return []
    return [account.ref for account in accounts if account.ref.startswith(incomplete)]


Ref = Annotated[
    str,
    typer.Argument(metavar="REF", help="The account, by its ref or id.", autocompletion=refs_like),
]
OneRef = Annotated[
    str | None,
    typer.Argument(
        metavar="REF", help="Show this account's; else list them.", autocompletion=refs_like
    ),
]
Amount = Annotated[
    str, typer.Argument(metavar="AMOUNT", help="12.50, or with its asset: '12.50 EUR'.")
]
Reference = Annotated[
    str, typer.Option(metavar="KEY", help="Your own key; the same key again moves nothing.")
]
OptionalReference = Annotated[
    str | None, typer.Option(metavar="KEY", help="Your own key; the same key again moves nothing.")
]
Subject = Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")]
Memo = Annotated[str, typer.Option(metavar="TEXT", help="Why, in 10 to 500 characters.")]
OptionalMemo = Annotated[str | None, typer.Option(metavar="TEXT", help="A remark to keep with it.")]
Asset = Annotated[
    str | None, typer.Option(metavar="ASSET", help="USD, JPY, CREDIT …; else the ledger's own.")
]
InvoiceName = Annotated[str, typer.Argument(metavar="INVOICE", help="Its number or id.")]
OfAccount = Annotated[
    str | None,
    typer.Option(metavar="REF", help="Only of this account.", autocompletion=refs_like),
]
Text = Annotated[str | None, typer.Option(metavar="TEXT", help="Only what contains this.")]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only what was recorded then or later.")
]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only what was recorded before then.")
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help="Only this kind; may be given more than once."),
]
To = Annotated[str, typer.Option(metavar="NAME", help="What earns it.")]
Needs = Annotated[str | None, typer.Option(metavar="AMOUNT", help="What has to be available.")]
Limit = Annotated[str, typer.Option(metavar="COUNT", help="At most so many.")]
After = Annotated[
    str | None, typer.Option(metavar="CURSOR", help="Go on where the page before this one ended.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask to type a word first.")]


def count(text: str) -> int:
    """How many rows to show; the desk says how many are too many. Raises BadInput."""
    if text.isascii() and text.isdecimal() and len(text) <= LONGEST_COUNT:
        return int(text)
    raise BadInput(f"{text[:20]!r} is no number of rows", "a whole number such as 50")


def at(text: str | None) -> datetime | None:
    """The moment given, if one was. Raises BadInput for what is no time."""
    return None if text is None else parse_instant(text)


def day(text: str | None) -> date | None:
    """A day, if one was given. Raises BadInput for what is none."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text[:20]!r} is not a day", "write it like 2026-08-21") from error


def days(text: str) -> int:
    """A number of days. Raises BadInput."""
    if text.isascii() and text.isdecimal() and len(text) <= len("9999"):
        return int(text)
    raise BadInput(f"{text[:20]!r} is no number of days", "a whole number such as 14")

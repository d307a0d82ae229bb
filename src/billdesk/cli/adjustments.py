"""`billdesk adjust | adjustments`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.ledger import describe_posting, entries_table
from billdesk.cli.parameters import (
    After,
    Amount,
    Limit,
    Memo,
    OptionalReference,
    Ref,
    Yes,
    count,
)

Direction = Literal["credit", "debit"]


def adjust(
    door: Door,
    ref: Ref,
    direction: Annotated[
        Direction, typer.Argument(metavar="credit|debit", help="Give, or take away.")
    ],
    amount: Amount,
    *,
    memo: Memo,
    reference: OptionalReference = None,
    yes: Yes = False,
) -> None:
    """Credit or debit by hand.

    A debit never takes more than is available, and asks to type the account's ref.
    """
    with door.desk() as desk:
        if direction == "credit":
            sheet = desk.adjustments.credit(ref, amount, memo=memo, reference=reference)
        else:
            account = desk.accounts.get(ref)
            question = f"Take {amount} from {account.ref} ({account.name})?"
            door.confirm(account.ref, question, yes=yes)
            sheet = desk.adjustments.debit(ref, amount, memo=memo, reference=reference)
    door.answer(sheet, *describe_posting(sheet))


def adjustments(door: Door, *, after: After = None, limit: Limit = "200") -> None:
    """List credits and debits by hand."""
    with door.desk() as desk:
        page = desk.adjustments.list(after=after, limit=count(limit))
    door.answer_page(page, entries_table(page.rows))

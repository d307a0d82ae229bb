"""`billdesk refund | refunds`."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.ledger import describe_posting, entries_table
from billdesk.cli.parameters import After, Limit, OptionalMemo, count


def refund(
    door: Door,
    charge: Annotated[str, typer.Argument(metavar="CHARGE", help="The charge's id: chg_…")],
    *,
    memo: OptionalMemo = None,
) -> None:
    """Give a charge back, once.

    The whole amount returns to the wallet it came from.
    """
    with door.desk() as desk:
        sheet = desk.refunds.create(charge, memo=memo)
    door.answer(sheet, *describe_posting(sheet))


def refunds(door: Door, *, after: After = None, limit: Limit = "200") -> None:
    """List refunds."""
    with door.desk() as desk:
        page = desk.refunds.list(after=after, limit=count(limit))
    door.answer_page(page, entries_table(page.rows))

"""`billdesk audit`."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Limit, OfAccount, Text, count
from billdesk.cli.printing import table


def audit(
    door: Door,
    *,
    account: OfAccount = None,
    action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="Only this kind of operation.")
    ] = None,
    text: Text = None,
    after: After = None,
    limit: Limit = "50",
) -> None:
    """List operations and refusals, by whom and when."""
    with door.desk() as desk:
        page = desk.audit.list(
            account=account, action=action, text=text, after=after, limit=count(limit)
        )
    headings = ("WHEN", "BY", "FROM", "REF", "ACTION", "OUTCOME", "WHAT")
    rows = (
        (
            sheet.at,
            sheet.actor,
            sheet.origin,
            sheet.account_ref,
            sheet.action,
            sheet.outcome,
            sheet.summary,
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))

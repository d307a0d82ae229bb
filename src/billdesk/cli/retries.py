"""`billdesk retry`."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.links import open_link
from billdesk.cli.printing import cell


def retry(
    door: Door,
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="The one that failed.")],
    *,
    saved: Annotated[
        bool, typer.Option("--saved", help="From what is saved, though a link was asked with.")
    ] = False,
    open: Annotated[bool, typer.Option("--open", help="Open a new link in a browser.")] = False,
) -> None:
    """Try a failed payment again.

    What had been taken from a saved method is taken from the default, and where that is declined
    from the backup. What the customer was asked for gets a new link.
    """
    with door.desk() as desk:
        sheet = desk.payments.retry(payment, saved=saved)
        method = None if sheet.method_id is None else desk.methods.get(sheet.method_id)
    what = f"{cell(sheet.amount)} of {sheet.account_ref}"
    if method is None:
        door.answer(sheet, f"{what}: a new link ({sheet.id})", sheet.pay_url or "no link yet")
        if open:
            open_link(door, sheet.pay_url)
        return
    detail = f": {sheet.detail}" if sheet.detail else ""
    door.answer(sheet, f"{what} from {method.label}: {sheet.status}{detail} ({sheet.id})")

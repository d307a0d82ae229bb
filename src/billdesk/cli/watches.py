"""`billdesk topup set | stop | resume | show`, `billdesk alert set | clear`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Asset, Limit, OneRef, Ref, count
from billdesk.cli.printing import card, cell, table

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import WatchSheet


def set_topup(
    door: Door,
    ref: Ref,
    *,
    below: Annotated[str, typer.Option(metavar="AMOUNT", help="When less than this is available.")],
    amount: Annotated[str, typer.Option(metavar="AMOUNT", help="So much is taken.")],
    daily: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="At most so much in a day.")
    ] = None,
) -> None:
    """Top up by itself when low.

    Top up from the default method by itself. Once per dip: again only after the balance was back.
    Where the default is declined the backup is tried; three declines in a row stop it.
    """
    with door.desk() as desk:
        sheet = desk.watches.set_topup(ref, below=below, amount=amount, daily=daily)
    door.answer(sheet, _topup_line(sheet))


def stop_topup(door: Door, ref: Ref, *, asset: Asset = None) -> None:
    """Take nothing more by itself."""
    with door.desk() as desk:
        sheet = desk.watches.stop_topup(ref, asset)
    door.answer(sheet, _topup_line(sheet))


def resume_topup(door: Door, ref: Ref, *, asset: Asset = None) -> None:
    """Top up again after a stop.

    Top up again after it was stopped.
    """
    with door.desk() as desk:
        sheet = desk.watches.resume_topup(ref, asset)
    door.answer(sheet, _topup_line(sheet))


def show(
    door: Door,
    ref: OneRef = None,
    *,
    asset: Asset = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List what is watched, or show one."""
    with door.desk() as desk:
        if ref is not None:
            _show(door, desk.watches.get(ref, asset))
            return
        page = desk.watches.list(after=after, limit=count(limit))
    headings = ("REF", "ASSET", "TOLD BELOW", "TOLD", "TOPPED UP BELOW", "BY", "A DAY", "STOPPED")
    rows = (
        (
            sheet.account_ref,
            sheet.asset,
            sheet.alert_below,
            sheet.alerted_at,
            sheet.topup_below,
            sheet.topup_amount,
            sheet.topup_daily,
            sheet.stopped,
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))


def set_alert(
    door: Door,
    ref: Ref,
    below: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="12.50, or with its asset: '12.50 EUR'.")
    ],
    *,
    asset: Asset = None,
) -> None:
    """Have it told when one runs low.

    Have it told when a wallet runs low. Once per dip, on the overview and in the audit log; again
    only after the balance was back.
    """
    with door.desk() as desk:
        sheet = desk.watches.set_alert(ref, below, asset)
    door.answer(
        sheet, f"{sheet.account_ref} {sheet.asset} is told of below {cell(sheet.alert_below)}"
    )


def clear_alert(door: Door, ref: Ref, *, asset: Asset = None) -> None:
    """Have it told no more."""
    with door.desk() as desk:
        sheet = desk.watches.set_alert(ref, None, asset)
    door.answer(sheet, f"{sheet.account_ref} {sheet.asset} is told of no more")


def _show(door: Door, sheet: WatchSheet) -> None:
    door.answer(
        sheet,
        *card(
            [
                ("account", sheet.account_ref),
                ("asset", sheet.asset),
                ("told below", sheet.alert_below),
                ("told", sheet.alerted_at),
                ("topped up below", sheet.topup_below),
                ("by", sheet.topup_amount),
                ("a day at most", sheet.topup_daily),
                ("declines in a row", sheet.declines),
                ("stopped", sheet.stopped),
            ]
        ),
    )


def _topup_line(sheet: WatchSheet) -> str:
    line = f"{sheet.account_ref} is topped up by {cell(sheet.topup_amount)} below"
    most = f", {cell(sheet.topup_daily)} a day at most" if sheet.topup_daily else ""
    stopped = f"; not now: {sheet.stopped}" if sheet.stopped else ""
    return f"{line} {cell(sheet.topup_below)}{most}{stopped}"

"""`billdesk balance | balances | freeze | unfreeze | floor`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Asset, Limit, Memo, Ref, Text, Yes, at, count
from billdesk.cli.printing import Cell, card, cell, table

Sort = Literal["ref", "balance", "available", "name", "last"]


def balance(
    door: Door,
    ref: Ref,
    *,
    asset: Asset = None,
    at_time: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="As recorded by this moment.")
    ] = None,
    effective: Annotated[
        str | None, typer.Option(metavar="TIME", help="As happened by this moment.")
    ] = None,
) -> None:
    """What an account has, now or at a past moment."""
    with door.desk() as desk:
        sheet = desk.wallets.balance(ref, asset, at=at(at_time), effective=at(effective))
    pairs: list[tuple[str, Cell]] = [
        ("account", sheet.account_ref),
        ("name", sheet.account_name),
        ("balance", sheet.balance),
        ("held", sheet.held),
        ("available", sheet.available),
        ("as recorded by", sheet.at),
        ("as happened by", sheet.effective),
    ]
    door.answer(sheet, *card(pair for pair in pairs if pair[1] is not None))


def balances(
    door: Door,
    *,
    sort: Annotated[Sort, typer.Option(help="Ordered by this.")] = "ref",
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
    standing: Annotated[
        str | None, typer.Option(metavar="WORD", help="Only OK, BLOCKED, FROZEN, SPENT …")
    ] = None,
    text: Text = None,
    asset: Asset = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """Every wallet with its standing."""
    with door.desk() as desk:
        page = desk.wallets.rows(
            sort=sort,
            descending=descending,
            standing=standing,
            text=text,
            asset=asset,
            after=after,
            limit=count(limit),
        )
    headings = ("REF", "NAME", "STANDING", "WALLET", "BALANCE", "HELD", "AVAILABLE", "LAST ENTRY")
    rows = (
        (
            row.wallet.account_ref,
            row.wallet.account_name,
            row.standing,
            row.wallet.purpose,
            row.wallet.balance,
            row.wallet.held,
            row.wallet.available,
            row.wallet.last_entry_at,
        )
        for row in page.rows
    )
    door.answer_page(page, table(headings, rows))


def freeze(
    door: Door,
    ref: Ref,
    *,
    memo: Memo,
    cause: Annotated[str, typer.Option(metavar="WORD", help="What it is about.")] = "operator",
    asset: Asset = None,
    yes: Yes = False,
) -> None:
    """Refuse debits until lifted.

    Charges and new holds are refused; credits still arrive.
    """
    with door.desk() as desk:
        account = desk.accounts.get(ref)
        door.confirm(account.ref, f"Freeze {account.ref} ({account.name})?", yes=yes)
        sheet = desk.wallets.freeze(ref, memo=memo, cause=cause, asset=asset)
    door.answer(sheet, f"froze {sheet.account_ref} {sheet.asset}: {sheet.memo} ({sheet.id})")


def unfreeze(
    door: Door,
    ref: Ref,
    *,
    memo: Memo,
    cause: Annotated[
        str, typer.Option(metavar="WORD", help="Only freezes with this cause.")
    ] = "operator",
    asset: Asset = None,
) -> None:
    """Lift a freeze.

    Freezes of other causes stay: what was frozen by hand is not lifted by a payment.
    """
    with door.desk() as desk:
        lifted = desk.wallets.unfreeze(ref, memo=memo, cause=cause, asset=asset)
    door.answer(
        {"lifted": lifted},
        *(f"unfroze {sheet.account_ref} {sheet.asset}: {sheet.memo}" for sheet in lifted),
    )


def floor(
    door: Door,
    ref: Ref,
    lowest: Annotated[
        str, typer.Argument(metavar="AMOUNT|none", help="0, or -50.00 for a credit limit of 50.")
    ],
    *,
    memo: Memo,
    asset: Asset = None,
    yes: Yes = False,
) -> None:
    """Say how low a wallet may go.

    0 is the rule, a negative amount is a credit limit, `none` is no limit at all.
    """
    with door.desk() as desk:
        account = desk.accounts.get(ref)
        door.confirm(
            account.ref, f"Let {account.ref} ({account.name}) go down to {lowest}?", yes=yes
        )
        sheet = desk.wallets.set_floor(
            ref, None if lowest == "none" else lowest, memo=memo, asset=asset
        )
    limit = "any amount" if sheet.floor is None else cell(sheet.floor)
    door.answer(sheet, f"{sheet.account_ref} {sheet.asset} may go down to {limit}")

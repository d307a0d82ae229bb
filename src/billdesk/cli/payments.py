"""`billdesk deposit | payments`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.links import open_link
from billdesk.cli.parameters import After, Amount, Limit, OfAccount, Ref, count
from billdesk.cli.printing import card, cell, table

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import PaymentSheet

Status = Literal["pending", "succeeded", "failed", "expired", "refunded", "disputed"]


def deposit(
    door: Door,
    ref: Ref,
    amount: Amount,
    *,
    gateway: Annotated[
        str | None, typer.Option(metavar="NAME", help="Through this one; else the account's own.")
    ] = None,
    id: Annotated[
        str | None, typer.Option(metavar="PAYMENT", help="Your own id; the same again asks once.")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="What is paid with may be charged again.")
    ] = False,
    open: Annotated[bool, typer.Option("--open", help="Open the link in a browser.")] = False,
) -> None:
    """Ask for money; prints the link.

    The wallet is credited when a poll finds the payment settled.
    """
    with door.desk() as desk:
        sheet = desk.deposits.start(ref, amount, gateway=gateway, id=id, save_method=save)
    door.answer(
        sheet,
        f"{sheet.account_ref} is asked for {cell(sheet.amount)} by {sheet.gateway}"
        f" in {sheet.mode} mode ({sheet.id})",
        sheet.pay_url or "no link to pay by",
    )
    if open:
        open_link(door, sheet.pay_url)


def payments(
    door: Door,
    payment: Annotated[
        str | None, typer.Argument(metavar="PAYMENT", help="Show this one; else list them.")
    ] = None,
    *,
    account: OfAccount = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    gateway: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this gateway.")
    ] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List payments, or show one."""
    with door.desk() as desk:
        if payment is not None:
            _show(door, desk.payments.get(payment))
            return
        page = desk.payments.list(
            account=account, status=status, gateway=gateway, after=after, limit=count(limit)
        )
    headings = ("PAYMENT", "REF", "GATEWAY", "MODE", "AMOUNT", "STATUS", "CREATED", "DETAIL")
    rows = (
        (
            sheet.id,
            sheet.account_ref,
            sheet.gateway,
            sheet.mode,
            sheet.amount,
            sheet.status,
            sheet.created_at,
            sheet.detail,
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))


def _show(door: Door, sheet: PaymentSheet) -> None:
    door.answer(
        sheet,
        *card(
            [
                ("payment", sheet.id),
                ("account", sheet.account_ref),
                ("gateway", f"{sheet.gateway} ({sheet.mode})"),
                ("there", sheet.external_id),
                ("status", sheet.status),
                ("amount", sheet.amount),
                ("fee", sheet.fee),
                ("went back", sheet.refunded),
                ("contested", sheet.disputed),
                ("purpose", sheet.purpose),
                ("link", sheet.pay_url),
                ("detail", sheet.detail),
                ("created", sheet.created_at),
                ("changed", sheet.changed_at),
                ("posting", sheet.posting_id),
            ]
        ),
    )

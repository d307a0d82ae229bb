"""`billdesk card-refund | card-refunds | disputes`: money back to where it came from."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Limit, OfAccount, Yes, count
from billdesk.cli.printing import card, cell, table

RefundStatus = Literal["pending", "succeeded", "failed"]
DisputeStatus = Literal["open", "won", "lost"]


def card_refund(
    door: Door,
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="The payment's id.")],
    amount: Annotated[
        str | None, typer.Argument(metavar="AMOUNT", help="A part; else all that is left.")
    ] = None,
    *,
    memo: Annotated[str, typer.Option(metavar="TEXT", help="Why, in 10 to 500 characters.")],
    id: Annotated[
        str | None, typer.Option(metavar="REFUND", help="Your own id; the same again asks once.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Send money back to a card.

    Send money of a payment back through its gateway. It is set aside at once and taken from the
    account when the gateway says that it is gone.
    """
    with door.desk() as desk:
        paid = desk.payments.get(payment)
        question = f"{paid.account_name} paid {cell(paid.amount)} by {paid.gateway}; send it back?"
        door.confirm(paid.account_ref, question, yes=yes)
        sheet = desk.card_refunds.create(payment, amount, memo=memo, id=id)
    door.answer(
        sheet,
        f"{cell(sheet.amount)} of {sheet.payment_id} go back by {sheet.gateway} ({sheet.id})",
        *card([("status", sheet.status), ("there", sheet.external_id), ("detail", sheet.detail)]),
    )


def card_refunds(
    door: Door,
    *,
    account: OfAccount = None,
    payment: Annotated[
        str | None, typer.Option(metavar="PAYMENT", help="Only of this payment.")
    ] = None,
    status: Annotated[RefundStatus | None, typer.Option(help="Only these.")] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List money that went back.

    List money that went back to where it came from.
    """
    with door.desk() as desk:
        page = desk.card_refunds.list(
            account=account, payment=payment, status=status, after=after, limit=count(limit)
        )
    headings = (
        "REFUND",
        "PAYMENT",
        "REF",
        "GATEWAY",
        "MODE",
        "AMOUNT",
        "STATUS",
        "CREATED",
        "MEMO",
    )
    rows = (
        (
            sheet.id,
            sheet.payment_id,
            sheet.account_ref,
            sheet.gateway,
            sheet.mode,
            sheet.amount,
            sheet.status,
            sheet.created_at,
            sheet.memo,
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))


def disputes(
    door: Door,
    *,
    account: OfAccount = None,
    status: Annotated[DisputeStatus | None, typer.Option(help="Only these.")] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List contested payments.

    List payments that their payers contest.
    """
    with door.desk() as desk:
        page = desk.disputes.list(account=account, status=status, after=after, limit=count(limit))
    headings = (
        *("DISPUTE", "PAYMENT", "REF", "GATEWAY", "MODE", "AMOUNT", "STATUS", "OPENED", "CLOSED"),
        "DETAIL",
    )
    rows = (
        (
            sheet.id,
            sheet.payment_id,
            sheet.account_ref,
            sheet.gateway,
            sheet.mode,
            sheet.amount,
            sheet.status,
            sheet.opened_at,
            sheet.closed_at,
            sheet.detail,
        )
        for sheet in page.rows
    )
    door.answer_page(page, table(headings, rows))

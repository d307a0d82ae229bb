"""`billdesk pack list | buy | refund | purchases`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import After, Limit, Memo, OfAccount, Ref, Yes, count
from billdesk.cli.printing import card, cell, table

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import PurchaseSheet

PaidBy = Literal["wallet", "gateway", "invoice"]
Status = Literal["pending", "completed", "failed", "refunded"]


def list_packs(door: Door, *, account: OfAccount = None) -> None:
    """List packs of credits.

    List the packs that are sold; for an account with tax, and whether it may buy them.
    """
    with door.desk() as desk:
        if account is None:
            packs = desk.catalog.packs()
            headings: tuple[str, ...] = ("PACK", "NAME", "CREDITS", "PRICE", "DAYS", "PLANS")
            rows = table(
                headings,
                (
                    (
                        *(pack.code, pack.name, pack.credits, pack.price, pack.expires_days),
                        ", ".join(pack.plans),
                    )
                    for pack in packs
                ),
            )
            door.answer_rows(packs, rows)
            return
        offers = desk.packs.offers(account)
    headings = ("PACK", "NAME", "CREDITS", "PRICE", "TAX", "TOTAL", "EXPIRES", "WHY NOT")
    rows = table(
        headings,
        (
            (
                *(offer.code, offer.name, offer.credits, offer.price, offer.tax, offer.total),
                *(offer.expires_at, offer.why_not),
            )
            for offer in offers
        ),
    )
    door.answer_rows(offers, rows)


def buy(
    door: Door,
    ref: Ref,
    pack: Annotated[str, typer.Argument(metavar="PACK", help="The pack's code.")],
    *,
    paid_by: Annotated[
        PaidBy, typer.Option("--by", help="The wallet, what is saved, or an invoice.")
    ] = "wallet",
    id: Annotated[
        str | None, typer.Option(metavar="PURCHASE", help="Your own id; the same again buys once.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Buy a pack of credits.

    Its invoice is issued, and the credits come when that is paid: at once from the wallet or from what
    is saved at a gateway, else whenever money comes.
    """
    with door.desk() as desk:
        if paid_by == "gateway":
            account = desk.accounts.get(ref)
            question = f"charge the pack {pack} to what {account.name} has saved?"
            door.confirm(account.ref, question, yes=yes)
        sheet = desk.packs.buy(ref, pack, paid_by=paid_by, id=id)
    _answer(door, sheet)


def refund(
    door: Door,
    purchase: Annotated[str, typer.Argument(metavar="PURCHASE", help="The purchase's id: pur_…")],
    *,
    memo: Memo,
    yes: Yes = False,
) -> None:
    """Take an unused pack back.

    Credits of a pack that are neither used nor held go; their share of what was paid comes to the
    wallet by a credit note, rounded down. Send it on to a card with card-refund.
    """
    with door.desk() as desk:
        preview = desk.packs.preview_refund(purchase)
        if not preview.why_not:
            question = (
                f"take {cell(preview.unused)} of {cell(preview.credits)} credits back for"
                f" {cell(preview.amount)}?"
            )
            door.confirm(preview.account_ref, question, yes=yes)
        sheet = desk.packs.refund(purchase, memo=memo)
    _answer(door, sheet)


def purchases(
    door: Door,
    *,
    account: OfAccount = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    after: After = None,
    limit: Limit = "200",
) -> None:
    """List packs that were bought."""
    with door.desk() as desk:
        page = desk.packs.list(account, status=status, after=after, limit=count(limit))
    headings = (
        *("PURCHASE", "REF", "PACK", "CREDITS", "LEFT", "TOTAL", "BACK", "BY", "STATUS"),
        *("INVOICE", "BOUGHT"),
    )
    rows = (
        (
            *(each.id, each.account_ref, each.pack_name, each.credits, each.remaining),
            *(each.total or each.price, each.refunded, each.paid_by, each.status),
            *(each.invoice_number, each.created_at),
        )
        for each in page.rows
    )
    door.answer_page(page, table(headings, rows))


def _answer(door: Door, sheet: PurchaseSheet) -> None:
    done = "bought before" if sheet.replayed else sheet.status
    door.answer(
        sheet,
        f"{sheet.account_ref} · {sheet.pack_name}: {done} ({sheet.id})",
        *card(
            [
                ("credits", sheet.credits),
                ("left", sheet.remaining),
                ("total", sheet.total or sheet.price),
                ("given back", sheet.refunded if sheet.refunded.minor else None),
                ("paid by", sheet.paid_by),
                ("invoice", sheet.invoice_number or sheet.invoice_id),
                ("detail", sheet.detail),
            ]
        ),
    )

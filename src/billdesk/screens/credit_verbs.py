"""The acts on credits: granting them, buying a pack, giving one back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billdesk.core.values.clock import parse_instant
from billdesk.core.values.errors import BadInput
from billdesk.core.values.money import CREDIT, read_amount
from billdesk.screens.acts import Act, Field, Receipt, Values, choice_field, memo_field
from billdesk.screens.figures import amount, count, number

if TYPE_CHECKING:
    from datetime import datetime

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import (
        EntrySheet,
        PackOfferSheet,
        PackRefundSheet,
        PurchaseSheet,
    )

NEVER = "never"
WAYS = ("wallet", "gateway", "invoice")
_WHAT_COMES = {
    "wallet": "Paid at once.",
    "gateway": "Charged to what is saved; declined, nothing is owed.",
    "invoice": "Its invoice stays open; the credits come when it is paid.",
}


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise BadInput(f"{text!r} is no priority", "a whole number; smaller burns first")
    return int(text)


def _until(text: str) -> datetime | None:
    return None if text in {"", NEVER} else parse_instant(text)


def grant(ref: str, reference: str) -> Act:
    """Give an account credits in a lot of their own."""

    def perform(desk: Desk, values: Values) -> Receipt:
        lot = desk.credits.grant(
            ref,
            values["credits"],
            memo=values["memo"],
            expires_at=_until(values["until"]),
            priority=_whole(values["priority"]),
            reference=reference,
        )
        entries = desk.ledger.posting(lot.posting_id).entries
        lines = (("lot", lot.id), ("left of it", count(lot.remaining)))
        return Receipt(lot.posting_id, lines, entries)

    return Act(
        title=f"Give {ref} credits",
        verb="Give",
        account_ref=ref,
        perform=perform,
        fields=(
            Field(
                "credits",
                "Credits",
                lambda text: read_amount(text, CREDIT),
                placeholder="how many, such as 500",
            ),
            Field("until", "Until", _until, value=NEVER, placeholder="2026-12-31, or never"),
            Field("priority", "Priority", _whole, value="50"),
            memo_field(),
        ),
        typed=lambda values: values["credits"],
        foreseen=lambda _: "A lot of its own. What is owed in credits is filled first.",
    )


def buy(ref: str, offers: tuple[PackOfferSheet, ...], purchase_id: str) -> Act:
    """Buy one of the packs that an account may buy."""
    by_code = {offer.code: offer for offer in offers if not offer.why_not}

    def perform(desk: Desk, values: Values) -> Receipt:
        bought = desk.packs.buy(ref, values["pack"], paid_by=values["by"], id=purchase_id)
        return Receipt(bought.id, _lines(bought), _entries(desk, bought))

    def foreseen(values: Values) -> str:
        offer = by_code[values["pack"]]
        what = f"{count(offer.credits)} credits for {amount(offer.total)} with tax."
        return f"{what} {_WHAT_COMES[values['by']]}"

    shown = "   ".join(f"{code} {amount(offer.total)}" for code, offer in by_code.items())
    return Act(
        title=f"Buy credits for {ref}",
        verb="Buy",
        account_ref=ref,
        perform=perform,
        fields=(choice_field("pack", "Pack", tuple(by_code)), choice_field("by", "Paid by", WAYS)),
        facts=(("packs", shown),),
        foreseen=foreseen,
        remote=True,
    )


def give_back(preview: PackRefundSheet) -> Act:
    """Give back what is not used of a pack."""

    def perform(desk: Desk, values: Values) -> Receipt:
        given = desk.packs.refund(preview.purchase_id, memo=values["memo"])
        entries = desk.ledger.entries(preview.account_ref, kinds=("credit_note", "pack_refund"))
        return Receipt(given.id, _lines(given), entries.rows[:2])

    unused = f"{count(preview.unused)} of {count(preview.credits)} credits"
    return Act(
        title=f"Take {preview.pack_name} back from {preview.account_ref}",
        verb="Take back",
        account_ref=preview.account_ref,
        perform=perform,
        fields=(memo_field(),),
        facts=(("comes back", f"{amount(preview.amount)} for {unused} not used"),),
        typed=lambda _: number(preview.amount),
        foreseen=lambda _: "A credit note on its invoice brings the money to the wallet.",
    )


def _lines(purchase: PurchaseSheet) -> tuple[tuple[str, str], ...]:
    lines = [("status", purchase.status), ("invoice", purchase.invoice_number or "")]
    if purchase.refunded.minor:
        lines.append(("given back", amount(purchase.refunded)))
    if purchase.detail:
        lines.append(("detail", purchase.detail))
    return tuple(lines)


def _entries(desk: Desk, purchase: PurchaseSheet) -> tuple[EntrySheet, ...]:
    """What paid for a pack, and the credits that it brought; nothing while it is pending."""
    if purchase.lot_id is None or purchase.invoice_id is None:
        return ()
    paid = desk.invoices.get(purchase.invoice_id).posting_id
    brought = desk.ledger.posting(desk.credits.lot(purchase.lot_id).posting_id).entries
    return (*(desk.ledger.posting(paid).entries if paid else ()), *brought)

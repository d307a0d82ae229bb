"""The desk's verbs as acts: each with its form, and with what must be typed again for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from billdesk.core.values.errors import BadInput
from billdesk.core.values.ids import check_account_ref
from billdesk.core.values.money import read_amount
from billdesk.core.values.text import NAME_LENGTH, check_memo, check_text
from billdesk.screens.acts import (
    NONE,
    Act,
    Field,
    Receipt,
    Values,
    amount_field,
    asset_field,
    choice_field,
    memo_field,
    posted,
    subject_field,
)

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import AccountSheet, EntrySheet


def adjust(ref: str, asset: str, reference: str) -> Act:
    """Give or take money or credits by hand."""

    def perform(desk: Desk, values: Values) -> Receipt:
        give = values["direction"] == "credit"
        verb = desk.adjustments.credit if give else desk.adjustments.debit
        return posted(verb(ref, values["amount"], memo=values["memo"], reference=reference))

    return Act(
        title=f"Adjust {ref} by hand",
        verb="Adjust",
        account_ref=ref,
        perform=perform,
        fields=(
            choice_field("direction", "Direction", ("credit", "debit")),
            amount_field(asset),
            memo_field(),
        ),
        facts=(("reference", reference),),
        typed=lambda values: values["amount"],
    )


def charge(ref: str, asset: str, reference: str) -> Act:
    """Charge an account by hand; programs do it through the library."""

    def perform(desk: Desk, values: Values) -> Receipt:
        charged = desk.charges.create(
            ref,
            values["amount"],
            reference=reference,
            subject=values["subject"] or None,
        )
        return posted(desk.ledger.posting(charged.id))

    return Act(
        title=f"Charge {ref}",
        verb="Charge",
        account_ref=ref,
        perform=perform,
        fields=(amount_field(asset), subject_field()),
        facts=(("reference", reference),),
        typed=lambda values: values["amount"],
    )


def freeze(ref: str, asset: str) -> Act:
    """Refuse debits and new holds until the freeze is lifted."""

    def perform(desk: Desk, values: Values) -> Receipt:
        frozen = desk.wallets.freeze(ref, memo=values["memo"], asset=values["asset"])
        return Receipt(frozen.id, (("frozen", frozen.asset), ("cause", frozen.cause)))

    return Act(
        title=f"Freeze {ref}",
        verb="Freeze",
        account_ref=ref,
        perform=perform,
        fields=(asset_field(asset), memo_field()),
    )


def unfreeze(ref: str, asset: str, cause: str) -> Act:
    """Lift the freezes of one cause; those of another cause stay."""

    def perform(desk: Desk, values: Values) -> Receipt:
        lifted = desk.wallets.unfreeze(ref, memo=values["memo"], cause=cause, asset=asset)
        return Receipt(
            lifted[0].id, tuple(("lifted", f"{freeze.asset} {freeze.id}") for freeze in lifted)
        )

    return Act(
        title=f"Unfreeze {ref}",
        verb="Unfreeze",
        account_ref=ref,
        perform=perform,
        fields=(memo_field(),),
        facts=(("wallet", asset), ("cause", cause)),
    )


def limit(ref: str, asset: str) -> Act:
    """Say how low an account may go: a credit limit, nothing below zero, or no limit at all."""

    def check(text: str) -> object:
        return text if text in {NONE, "0"} else read_amount(text, asset)

    def perform(desk: Desk, values: Values) -> Receipt:
        given = values["limit"]
        floor = None if given == NONE else "0" if given == "0" else f"-{given}"
        wallet = desk.wallets.set_floor(ref, floor, memo=values["memo"])
        shown = "no limit" if wallet.floor is None else f"down to {wallet.floor}"
        return Receipt(wallet.id, (("may go", shown),))

    hint = f"50.00 for that much credit in {asset}, 0 for none, {NONE} for no limit"
    return Act(
        title=f"Credit limit of {ref}",
        verb="Set limit",
        account_ref=ref,
        perform=perform,
        fields=(Field("limit", "Limit", check, placeholder=hint), memo_field()),
        typed=lambda values: values["limit"],
    )


def enrol() -> Act:
    """Add an account."""

    def perform(desk: Desk, values: Values) -> Receipt:
        email = values["email"] or None
        account = desk.accounts.add(values["ref"], name=values["name"], email=email)
        return Receipt(account.id, (("ref", account.ref), ("name", account.name)))

    def check_name(text: str) -> object:
        if not text:
            raise BadInput("the name is empty", "who is billed?")
        return check_text(text, "name", NAME_LENGTH)

    return Act(
        title="New account",
        verb="Add",
        account_ref="",
        perform=perform,
        fields=(
            Field("ref", "Ref", check_account_ref, placeholder="e.g. acme"),
            Field("name", "Name", check_name, placeholder="who is billed"),
            Field(
                "email",
                "E-mail",
                lambda text: check_text(text, "e-mail", NAME_LENGTH),
                placeholder="where notices go (may be left out)",
            ),
        ),
        rehearsable=False,
        foreseen=lambda _: "A new account without money. The same content again changes nothing.",
    )


def suspend(ref: str) -> Act:
    """Take no new business from an account until it is reopened."""
    return _turn("Suspend", ref, lambda desk, memo: desk.accounts.suspend(ref, memo=memo))


def reopen(ref: str) -> Act:
    """Take business from a suspended or closed account again."""
    return _turn("Reopen", ref, lambda desk, memo: desk.accounts.reopen(ref, memo=memo))


def close(ref: str) -> Act:
    """Close an account for good; refused while money or holds are left."""
    act = _turn("Close", ref, lambda desk, memo: desk.accounts.close(ref, memo=memo))
    return replace(act, typed=lambda _: ref)


def _turn(verb: str, ref: str, turn: Callable[[Desk, str], AccountSheet]) -> Act:
    """Give an account another status, for a reason."""

    def perform(desk: Desk, values: Values) -> Receipt:
        account = turn(desk, values["memo"])
        return Receipt(account.id, (("status", account.status),))

    return Act(
        title=f"{verb} {ref}",
        verb=verb,
        account_ref=ref,
        perform=perform,
        fields=(memo_field(),),
    )


# --- acts on a posting or a hold ---


def refund(entry: EntrySheet) -> Act:
    """Give back a charge, once and in full."""

    def perform(desk: Desk, values: Values) -> Receipt:
        return posted(desk.refunds.create(entry.posting_id, memo=values["memo"] or None))

    def check_memo_if_any(text: str) -> object:
        return check_memo(text) if text else None

    return Act(
        title=f"Refund a charge of {entry.account_ref}",
        verb="Refund",
        account_ref=entry.account_ref,
        perform=perform,
        fields=(Field("memo", "Reason", check_memo_if_any, placeholder="why (may be left out)"),),
        facts=(("charge", entry.posting_id), _about(entry)),
    )


def reverse(entry: EntrySheet) -> Act:
    """Undo a posting by its counter-entries."""

    def perform(desk: Desk, values: Values) -> Receipt:
        return posted(desk.reversals.create(entry.posting_id, memo=values["memo"]))

    return Act(
        title=f"Reverse a {entry.kind} of {entry.account_ref}",
        verb="Reverse",
        account_ref=entry.account_ref,
        perform=perform,
        fields=(memo_field(),),
        facts=(("posting", entry.posting_id), _about(entry)),
        typed=lambda _: "reverse",
    )


def _about(entry: EntrySheet) -> tuple[str, str]:
    return ("about", entry.subject or entry.reference)


def release(hold_id: str, ref: str, about: str) -> Act:
    """Free what a hold has set aside."""

    def perform(desk: Desk, _: Values) -> Receipt:
        hold = desk.holds.release(hold_id)
        return Receipt(hold.id, (("status", hold.status), ("freed", str(hold.amount))))

    return Act(
        title=f"Release a hold of {ref}",
        verb="Release",
        account_ref=ref,
        perform=perform,
        facts=(("hold", hold_id), ("about", about)),
    )

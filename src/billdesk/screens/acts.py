"""The acts of the desk as the review dialog wants them: what to fill in, what to do, what came out.

An act runs exactly one verb of the desk. It is run twice: once as a rehearsal, to show what it will
do, and once for good; so everything that makes it unique is made beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from billdesk.core.values.errors import BadInput, BilldeskError
from billdesk.core.values.money import exponent_of, read_amount
from billdesk.core.values.text import SUBJECT_LENGTH, check_memo, check_text

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import EntrySheet, PostingSheet

Values = Mapping[str, str]
Check = Callable[[str], object]


@dataclass(frozen=True)
class Field:
    """One line to fill in. `check` raises BilldeskError for what cannot be taken."""

    name: str
    label: str
    check: Check
    value: str = ""
    placeholder: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """What an act did: the id to keep, what to say about it, and the entries it made."""

    id: str
    lines: tuple[tuple[str, str], ...] = ()
    entries: tuple[EntrySheet, ...] = ()


@dataclass(frozen=True)
class Act:
    """One act, ready for review.

    `facts` say what it is about. `typed` gives what must be typed again before it may be done: for
    acts that are hard to take back. `rehearsable` is False for what a gateway takes part in;
    `foreseen` says then what will happen.
    """

    title: str
    verb: str
    account_ref: str
    perform: Callable[[Desk, Values], Receipt]
    fields: tuple[Field, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    typed: Callable[[Values], str] | None = None
    rehearsable: bool = True
    foreseen: str = ""
    command: Callable[[Values], str] | None = None

    def trouble_with(self, values: Values) -> dict[str, str]:
        """What is wrong with each field; nothing for those that are right."""
        troubles: dict[str, str] = {}
        for field in self.fields:
            try:
                field.check(values.get(field.name, ""))
            except BilldeskError as error:
                troubles[field.name] = error.hint or error.message
        return troubles


def posted(posting: PostingSheet) -> Receipt:
    """The receipt for a posting."""
    lines = [("kind", posting.kind), ("reference", posting.reference)]
    if posting.replayed:
        lines.append(("note", "this was posted before; nothing was moved again"))
    return Receipt(posting.id, tuple(lines), posting.entries)


# --- fields ---


def memo_field(label: str = "Reason") -> Field:
    """Why it is done: 10 to 500 characters, kept with the entry for good."""
    return Field("memo", label, check_memo, placeholder="why, in 10 to 500 characters")


def amount_field(asset: str) -> Field:
    """How much, in plain digits; the asset may be named behind it."""
    return Field(
        "amount",
        "Amount",
        lambda text: read_amount(text.strip(), asset),
        placeholder=f"12.50, in {asset} unless said otherwise",
    )


def asset_field(asset: str) -> Field:
    """Which of the account's wallets, by its asset."""
    return Field("asset", "Wallet", lambda text: exponent_of(text.strip()), value=asset)


def choice_field(name: str, label: str, choices: tuple[str, ...]) -> Field:
    """One word out of a few, the first to begin with."""

    def check(text: str) -> object:
        if text.strip() not in choices:
            raise BadInput(f"{text!r} is not offered", "one of " + ", ".join(choices))
        return text

    return Field(name, label, check, value=choices[0], choices=choices)


def subject_field() -> Field:
    """What it is for, in a few words; may be left out."""
    return Field(
        "subject",
        "Subject",
        lambda text: check_text(text, "subject", SUBJECT_LENGTH),
        placeholder="what it is for (may be left out)",
    )


# --- acts on an account ---


def adjust(ref: str, asset: str, reference: str) -> Act:
    """Give or take money or credits by hand."""

    def perform(desk: Desk, values: Values) -> Receipt:
        give = values["direction"].strip() == "credit"
        verb = desk.adjustments.credit if give else desk.adjustments.debit
        return posted(verb(ref, values["amount"].strip(), memo=values["memo"], reference=reference))

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
        typed=lambda values: values["amount"].strip(),
    )


def charge(ref: str, asset: str, reference: str) -> Act:
    """Charge an account by hand; programs do it through the library."""

    def perform(desk: Desk, values: Values) -> Receipt:
        charged = desk.charges.create(
            ref,
            values["amount"].strip(),
            reference=reference,
            subject=values["subject"].strip() or None,
        )
        return posted(desk.ledger.posting(charged.id))

    return Act(
        title=f"Charge {ref}",
        verb="Charge",
        account_ref=ref,
        perform=perform,
        fields=(amount_field(asset), subject_field()),
        facts=(("reference", reference),),
        typed=lambda values: values["amount"].strip(),
    )


def deposit(ref: str, asset: str, payment_id: str, gateways: tuple[str, ...]) -> Act:
    """Ask a gateway to take a deposit; the money arrives once it is paid and polled."""

    def perform(desk: Desk, values: Values) -> Receipt:
        payment = desk.deposits.start(
            ref, values["amount"].strip(), gateway=values["gateway"].strip(), id=payment_id
        )
        lines = [("status", payment.status), ("detail", payment.detail)]
        if payment.pay_url:
            lines.append(("pay at", payment.pay_url))
        return Receipt(payment.id, tuple(lines))

    return Act(
        title=f"Start a deposit for {ref}",
        verb="Start",
        account_ref=ref,
        perform=perform,
        fields=(choice_field("gateway", "Gateway", gateways), amount_field(asset)),
        facts=(("payment", payment_id),),
        typed=lambda values: values["amount"].strip(),
        rehearsable=False,
        foreseen="No balance changes now: the deposit is credited once it has been paid.",
    )


def freeze(ref: str, asset: str) -> Act:
    """Refuse debits and new holds until the freeze is lifted."""

    def perform(desk: Desk, values: Values) -> Receipt:
        frozen = desk.wallets.freeze(ref, memo=values["memo"], asset=values["asset"].strip())
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


def suspend(ref: str) -> Act:
    """Take no new business from an account until it is reopened."""

    def perform(desk: Desk, values: Values) -> Receipt:
        account = desk.accounts.suspend(ref, memo=values["memo"])
        return Receipt(account.id, (("status", account.status),))

    return Act(
        title=f"Suspend {ref}",
        verb="Suspend",
        account_ref=ref,
        perform=perform,
        fields=(memo_field(),),
    )


def reopen(ref: str) -> Act:
    """Take business from a suspended or closed account again."""

    def perform(desk: Desk, values: Values) -> Receipt:
        account = desk.accounts.reopen(ref, memo=values["memo"])
        return Receipt(account.id, (("status", account.status),))

    return Act(
        title=f"Reopen {ref}",
        verb="Reopen",
        account_ref=ref,
        perform=perform,
        fields=(memo_field(),),
    )


def close(ref: str) -> Act:
    """Close an account for good; refused while money or holds are left."""

    def perform(desk: Desk, values: Values) -> Receipt:
        account = desk.accounts.close(ref, memo=values["memo"])
        return Receipt(account.id, (("status", account.status),))

    return Act(
        title=f"Close {ref}",
        verb="Close",
        account_ref=ref,
        perform=perform,
        fields=(memo_field(),),
        typed=lambda _: ref,
    )


# --- acts on a posting or a hold ---


def refund(entry: EntrySheet) -> Act:
    """Give back a charge, once and in full."""

    def perform(desk: Desk, values: Values) -> Receipt:
        return posted(desk.refunds.create(entry.posting_id, memo=values["memo"].strip() or None))

    def check_optional_memo(text: str) -> object:
        return check_memo(text) if text.strip() else None

    return Act(
        title=f"Refund a charge of {entry.account_ref}",
        verb="Refund",
        account_ref=entry.account_ref,
        perform=perform,
        fields=(Field("memo", "Reason", check_optional_memo, placeholder="why (may be left out)"),),
        facts=(
            ("charge", entry.posting_id),
            ("about", entry.subject or entry.reference),
        ),
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
        facts=(
            ("posting", entry.posting_id),
            ("about", entry.subject or entry.reference),
        ),
        typed=lambda _: "reverse",
    )


def release(hold_id: str, ref: str, about: str) -> Act:
    """Free what a hold has set aside."""

    def perform(desk: Desk, values: Values) -> Receipt:  # noqa: ARG001 - nothing to fill in
        hold = desk.holds.release(hold_id)
        return Receipt(hold.id, (("status", hold.status), ("freed", str(hold.amount))))

    return Act(
        title=f"Release a hold of {ref}",
        verb="Release",
        account_ref=ref,
        perform=perform,
        facts=(("hold", hold_id), ("about", about)),
    )

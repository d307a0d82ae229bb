"""An act as the review dialog wants it: what to fill in, what to do, what came out.

It runs exactly one verb of the desk, and runs it twice: once as a rehearsal, to show what it will
do, and once for good; so everything that makes it unique is made beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from billdesk.core.values.errors import BadInput, BilldeskError
from billdesk.core.values.ids import check_account_ref
from billdesk.core.values.money import exponent_of, format_minor, read_amount
from billdesk.core.values.text import SUBJECT_LENGTH, check_memo, check_text

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import EntrySheet, PostingSheet
    from billdesk.core.values.money import Money

Values = Mapping[str, str]
"""What is filled in, by the names of the fields, without the space around it."""

Check = Callable[[str], object]

NONE = "none"
"""What is typed for no amount at all."""


@dataclass(frozen=True)
class Field:
    """One line to fill in, `hidden` for secrets. `check` raises BilldeskError for what is wrong."""

    name: str
    label: str
    check: Check
    value: str = ""
    placeholder: str = ""
    choices: tuple[str, ...] = ()
    hidden: bool = False


Outlook = tuple[tuple[str, str], ...]
"""What an act comes to, line by line: in words, and how much."""


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
    acts that are hard to take back. `foreseen` says what cannot be rehearsed, if not `rehearsable`
    all of it. `remote`: a gateway is asked, which is never done inside a block; in a rehearsal only
    what is written down beforehand happens. `stays`: the receipt is shown until it is put away; else
    whoever opened the dialog shows what came of it. `outlook` asks the desk what the act comes to
    before it is rehearsed: the lines of an invoice, the next dates.
    """

    title: str
    verb: str
    account_ref: str
    perform: Callable[[Desk, Values], Receipt]
    fields: tuple[Field, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    typed: Callable[[Values], str] | None = None
    rehearsable: bool = True
    foreseen: Callable[[Values], str] = lambda _: ""
    remote: bool = False
    stays: bool = True
    outlook: Callable[[Desk, Values], Outlook] | None = None

    def whose(self, values: Values) -> str:
        """The account it is about: the one it was opened for, else the one that is filled in."""
        return self.account_ref or values.get("account", "")

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


def account_field(ref: str, placeholder: str) -> Field:
    """Which account, by its ref."""
    return Field("account", "Account", check_account_ref, ref, placeholder)


def amount_field(asset: str) -> Field:
    """How much, in plain digits; the asset may be named behind it."""
    return Field(
        "amount",
        "Amount",
        lambda text: read_amount(text, asset),
        placeholder=f"12.50, in {asset} unless said otherwise",
    )


def amount_up_to_field(label: str, most: Money) -> Field:
    """How much of what is left; all of it to begin with."""

    def check(text: str) -> object:
        money = read_amount(text, most.asset)
        if money.asset != most.asset:
            raise BadInput(f"{money} is in another asset", f"give an amount in {most.asset}")
        if money.minor > most.minor:
            raise BadInput(f"{money} is more than is left", f"at most {most} is left")
        return money

    return Field("amount", label, check, value=as_typed(most))


def amount_or_none_field(
    name: str, label: str, now: Money | None, asset: str, example: str
) -> Field:
    """An amount, or the word for none; what holds now to begin with."""

    def check(text: str) -> object:
        return text if text == NONE else read_amount(text, asset)

    return Field(name, label, check, as_typed(now) or NONE, f"{example}, or {NONE}")


def as_typed(money: Money | None) -> str:
    """An amount as one would type it, without its asset; empty for none."""
    return "" if money is None else format_minor(money.minor, money.asset)


def asset_field(asset: str, label: str = "Wallet") -> Field:
    """An asset by its code: which of the account's wallets, or what is billed in."""
    return Field("asset", label, exponent_of, value=asset)


def choice_field(name: str, label: str, choices: tuple[str, ...]) -> Field:
    """One word out of a few, the first to begin with."""

    def check(text: str) -> object:
        if text not in choices:
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

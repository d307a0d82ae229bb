"""What the lines of an imported table mean: accounts with their opening balances, and old entries.

Pure: a line's fields go in, a row that can be posted comes out, or BadInput says what was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from billdesk.core.values.clock import parse_instant
from billdesk.core.values.errors import BadInput
from billdesk.core.values.ids import check_account_ref, check_reference
from billdesk.core.values.money import Money, exponent_of, parse_money
from billdesk.core.values.text import (
    MEMO_LENGTH,
    NAME_LENGTH,
    SUBJECT_LENGTH,
    check_optional_text,
    check_text,
)

DELIMITERS = ",;\t|"
_MOST_SHOWN = 5
NO_LIMIT = "none"
"""What a credit limit says when there shall be none."""


class Columns(NamedTuple):
    """The columns that a file may have: those it must have, and the others."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def known(self) -> tuple[str, ...]:
        """All of them."""
        return self.required + self.optional


ACCOUNTS = Columns(("ref", "name"), ("email", "opening_balance", "asset", "credit_limit"))
ENTRIES = Columns(
    ("account", "kind", "amount", "reference"), ("asset", "happened_at", "subject", "memo")
)

_OTHER_NAMES = {
    "e_mail": "email",
    "balance": "opening_balance",
    "currency": "asset",
    "happened": "happened_at",
}


class ImportKind(NamedTuple):
    """How a word in the `kind` column is booked: kind, prefix of the id, direction, other side."""

    kind: str
    prefix: str
    sign: int
    counterparty: str


KINDS = {
    "charge": ImportKind("charge", "chg", -1, "revenue"),
    "refund": ImportKind("refund", "ref", 1, "revenue"),
    "deposit": ImportKind("deposit", "dep", 1, "imported"),
    "credit": ImportKind("manual_credit", "adj", 1, "adjustment"),
    "debit": ImportKind("manual_debit", "adj", -1, "adjustment"),
}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of the business that moves in.

    `opening` is what it had (its asset even when nothing), `floor` how low it may go (None: no
    limit).
    """

    ref: str
    name: str
    email: str | None
    opening: Money
    floor: Money | None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry of its history. `amount` is as booked: what leaves the account is negative."""

    account: str
    kind: ImportKind
    amount: Money
    reference: str
    happened_at: datetime | None
    subject: str | None
    memo: str | None


def delimiter_of(heading: str, columns: Columns) -> str:
    """What sets the columns of a file apart: the sign that yields most columns we know."""

    def known(delimiter: str) -> int:
        return sum(column_name(text) in columns.known for text in heading.split(delimiter))

    return max(DELIMITERS, key=known)


def column_name(text: str) -> str:
    """A heading as we write it: ` "Opening Balance"` is `opening_balance`."""
    name = text.strip(' "\r\n').lower().replace(" ", "_").replace("-", "_")
    return _OTHER_NAMES.get(name, name)


def check_heading(names: Sequence[str], columns: Columns) -> None:
    """Raises BadInput for columns that are unknown, missing or there twice."""
    known = "the columns are " + ", ".join(columns.known)
    unknown = [name for name in names if name not in columns.known]
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in unknown[:_MOST_SHOWN])
        raise BadInput(f"unknown columns: {shown}", known)
    missing = [name for name in columns.required if name not in names]
    if missing:
        raise BadInput(f"missing columns: {', '.join(missing)}", known)
    if len(set(names)) < len(names):
        raise BadInput("a column is there twice", known)


def account_row(fields: Mapping[str, str], default_asset: str) -> AccountRow:
    """One line of a file of accounts. Raises BadInput."""
    asset = _asset(fields, default_asset)
    name = check_text(_required(fields, "name"), "name", NAME_LENGTH)
    limit = fields.get("credit_limit", "").strip() or "0"
    floor = None if limit.lower() == NO_LIMIT else _in_asset(limit, asset).negated()
    opening = _signed(fields.get("opening_balance", "").strip() or "0", asset)
    if floor is not None and opening.minor < floor.minor:
        raise BadInput(f"{opening} is below the credit limit", f"a limit of {opening.negated()}")
    return AccountRow(
        ref=check_account_ref(_required(fields, "ref")),
        name=name,
        email=check_optional_text(fields.get("email"), "e-mail", NAME_LENGTH),
        opening=opening,
        floor=floor,
    )


def entry_row(fields: Mapping[str, str], default_asset: str) -> EntryRow:
    """One line of a file of entries. Raises BadInput."""
    word = _required(fields, "kind").lower()
    kind = KINDS.get(word)
    if kind is None:
        raise BadInput(f"unknown kind {word[:40]!r}", f"the kinds are {', '.join(KINDS)}")
    amount = _amount(_required(fields, "amount"), fields, default_asset)
    if amount.minor == 0:
        raise BadInput("the amount is zero", "give what was moved; the kind gives the direction")
    happened_at = fields.get("happened_at", "").strip()
    return EntryRow(
        account=check_account_ref(_required(fields, "account")),
        kind=kind,
        amount=Money(kind.sign * amount.minor, amount.asset),
        reference=check_reference(_required(fields, "reference")),
        happened_at=parse_instant(happened_at) if happened_at else None,
        subject=check_optional_text(fields.get("subject"), "subject", SUBJECT_LENGTH),
        memo=check_optional_text(fields.get("memo"), "memo", MEMO_LENGTH),
    )


def _required(fields: Mapping[str, str], name: str) -> str:
    text = fields[name].strip()
    if not text:
        raise BadInput(f"no {name}", f"every line needs {name}")
    return text


def _asset(fields: Mapping[str, str], default_asset: str) -> str:
    asset = fields.get("asset", "").strip() or default_asset
    exponent_of(asset)
    return asset


def _amount(text: str, fields: Mapping[str, str], default_asset: str) -> Money:
    """`12.50` in the line's asset, or `12.50 EUR` in its own where the line names no other."""
    if fields.get("asset", "").strip():
        return _in_asset(text, _asset(fields, default_asset))
    return parse_money(text, default_asset)


def _in_asset(text: str, asset: str) -> Money:
    amount = parse_money(text, asset)
    if amount.asset != asset:
        raise BadInput(f"{text!r} is not in {asset}", "one line is about one asset")
    return amount


def _signed(text: str, asset: str) -> Money:
    """An opening balance may be negative: the customer owes it."""
    if text.startswith("-"):
        return _in_asset(text[1:], asset).negated()
    return _in_asset(text, asset)

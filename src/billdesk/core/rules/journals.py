"""Entries as text of other people's ledgers: hledger's journal and beancount's.

Sources: https://hledger.org/hledger.html#journal and https://beancount.github.io/docs/beancount_language_syntax.html
"""

from __future__ import annotations

import re

from billdesk.core.rules.sheets import EntrySheet
from billdesk.core.values.money import Money, format_minor

# Two blanks end an account's name there, a semicolon begins a comment, a bar splits a description.
_NOT_IN_HLEDGER = re.compile(r"[;|\s\x00-\x1f\x7f-\x9f]+")
# At the beginning these are a mark of status, or make a posting virtual.
_NOT_FIRST_IN_HLEDGER = "*!([ "
_NOT_IN_BEANCOUNT_ACCOUNT = re.compile(r"[^A-Za-z0-9-]+")


def hledger_lines(entry: EntrySheet) -> str:
    """One entry as a transaction of two postings."""
    note = _hledger_text(entry.subject or entry.memo or entry.kind)
    day = entry.recorded_at.date().isoformat()
    return (
        f"\n{day} ({_hledger_text(entry.posting_id)}) {note}  ; kind:{entry.kind}\n"
        f"    customers:{_hledger_text(entry.account_ref)}:{entry.purpose}"
        f"  {_hledger_amount(entry.amount.negated())}\n"
        f"    {_hledger_account(entry.counterparty)}  {_hledger_amount(entry.amount)}\n"
    )


def _hledger_text(text: str) -> str:
    return _NOT_IN_HLEDGER.sub(" ", text).strip() or "-"


def _hledger_account(text: str) -> str:
    return _hledger_text(_hledger_text(text).lstrip(_NOT_FIRST_IN_HLEDGER))


def _hledger_amount(money: Money) -> str:
    return f"{format_minor(money.minor, money.asset)} {money.asset}"


def beancount_head(entry: EntrySheet, opened: set[str]) -> str:
    """`open` directives for accounts that this entry is the first to name; remembers them."""
    lines = ""
    for account in (_customer(entry), _party(entry)):
        if account not in opened:
            opened.add(account)
            lines += f"{entry.recorded_at.date().isoformat()} open {account}\n"
    return lines


def beancount_lines(entry: EntrySheet) -> str:
    """One entry as a transaction of two postings."""
    note = _quoted(entry.subject or entry.memo or entry.kind)
    amount = f"{format_minor(-entry.amount.minor, entry.amount.asset)} {entry.amount.asset}"
    return (
        f"{entry.recorded_at.date().isoformat()} * {_quoted(entry.account_name)} {note}\n"
        f"  posting: {_quoted(entry.posting_id)}\n"
        f"  {_customer(entry)}  {amount}\n"
        f"  {_party(entry)}\n\n"
    )


def _customer(entry: EntrySheet) -> str:
    return f"Liabilities:Customers:{_name(entry.account_ref)}:{_name(entry.purpose)}"


def _party(entry: EntrySheet) -> str:
    root = "Assets:Gateways" if entry.counterparty.startswith("gateway:") else "Income:Desk"
    return f"{root}:{_name(entry.counterparty)}"


def _name(text: str) -> str:
    """An account component: a capital or digit first, letters, digits and dashes."""
    cleaned = _NOT_IN_BEANCOUNT_ACCOUNT.sub("-", text).strip("-") or "X"
    return cleaned[0].upper() + cleaned[1:]


def _quoted(text: str) -> str:
    cleaned = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + cleaned.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""The parts of Paystack's answers: texts, numbers, times and amounts, each checked as it is read.

Amounts come as whole hundredths in every currency, also in one that has none (XOF).
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from billdesk.core.gateways.paystack.calls import Row
from billdesk.core.values.clock import parse_instant
from billdesk.core.values.errors import BadInput, GatewayError
from billdesk.core.values.money import EXPONENTS, LARGEST_MINOR, Money

DETAIL_LENGTH = 300

MADE = ("created_at", "createdAt", "transaction_date")
"""Where the time is that an object was made, by the names it has in different answers."""
PAID = ("paid_at", "paidAt", *MADE)
CHANGED = ("refunded_at", "resolvedAt", "resolved_at", "updatedAt", "updated_at", *MADE)


def text(row: Row, name: str) -> str:
    """A text that must be there. Raises GatewayError."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise _misread(name)
    return value


def number(row: Row, name: str) -> int:
    """A whole number that must be there, as such or as text. Raises GatewayError."""
    value = row.get(name)
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        return int(value)
    if type(value) is not int or not 0 <= value <= LARGEST_MINOR:
        raise _misread(name)
    return value


def part(row: Row, name: str) -> Row:
    """An object inside another; empty where Paystack leaves it out, in any of its ways."""
    value = row.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def row_of(data: object) -> Row:
    """The object that an answer holds; empty where it holds none."""
    return part({"data": data}, "data")


def rows_of(data: object) -> list[Row]:
    """The objects of a list that an answer holds; none where it holds no list."""
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def instant(row: Row, *names: str) -> datetime:
    """The first of these times that is there. Raises GatewayError."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value:
            try:
                return parse_instant(value)
            except BadInput as error:
                raise _misread(name) from error
    raise _misread(names[0])


def instant_if_any(row: Row, name: str) -> datetime | None:
    """A time, where it is told. Raises GatewayError for what is none."""
    return instant(row, name) if row.get(name) else None


def money(row: Row, name: str, currency: str) -> Money:
    """An amount of Paystack's. Raises GatewayError, also for a part of a unit that has none."""
    asset = currency.upper()
    if asset not in EXPONENTS:
        raise _misread("currency")
    minor, left = divmod(number(row, name) * 10 ** EXPONENTS[asset], 100)
    if left:
        raise _misread(name)
    return Money(minor, asset)


def plain(said: str) -> str:
    """Words of Paystack's or of its users, so that any database can keep them."""
    return "".join(sign if sign.isprintable() else " " for sign in said)[:DETAIL_LENGTH]


def _misread(name: str) -> GatewayError:
    return GatewayError(
        f"Paystack's answer cannot be understood: {name} is missing or strange",
        "nothing was changed; tell the makers of billdesk",
    )

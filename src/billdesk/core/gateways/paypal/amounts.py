"""PayPal's decimal strings and times, read and written exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from billdesk.core.values.errors import BadInput, GatewayError, GatewayUnreachable
from billdesk.core.values.money import CREDIT, Money, check_minor, exponent_of, format_minor

# ISO 4217 gives the first and the last two decimals, PayPal takes none.
WHOLE_UNITS_ONLY = frozenset({"HUF", "JPY", "TWD"})

_DECIMAL = re.compile(r"(-?)(\d{0,24})(?:\.(\d{1,8}))?", re.ASCII)


def write_amount(amount: Money) -> dict[str, str]:
    """`amount` as PayPal wants it: `{"currency_code": "USD", "value": "12.50"}`.

    Raises GatewayError for credits, for what is not above zero, and for parts of a currency that
    PayPal knows in whole units only.
    """
    if amount.asset == CREDIT or amount.minor <= 0:
        raise GatewayError(f"PayPal takes no {amount}", "ask for real money above zero")
    value = format_minor(amount.minor, amount.asset)
    if amount.asset in WHOLE_UNITS_ONLY:
        whole, _, part = value.partition(".")
        if part.strip("0"):
            raise GatewayError(
                f"PayPal takes {amount.asset} in whole units only, not {amount}", "round it first"
            )
        value = whole
    return {"currency_code": amount.asset, "value": value}


def read_amount(data: Mapping[str, Any]) -> Money:
    """The money of `{"currency_code", "value"}`; of `{"currency", "total"}` in PayPal's older parts.

    Raises BadInput when it is no amount or finer than its currency goes.
    """
    asset = data.get("currency_code") or data["currency"]
    value = data.get("value") or data["total"]
    match = _DECIMAL.fullmatch(value)
    if match is None or not (match[2] or match[3]):
        raise BadInput(f"{value[:40]!r} is not an amount", "PayPal sends decimals such as 12.50")
    exponent = exponent_of(asset)
    part = (match[3] or "").rstrip("0")
    if len(part) > exponent:
        raise BadInput(f"{value} is finer than {asset} goes", f"it has {exponent} decimal places")
    minor = int(match[2] or "0") * 10**exponent + int(part.ljust(exponent, "0") or "0")
    return Money(check_minor(-minor if match[1] else minor), asset)


def write_time(instant: datetime) -> str:
    """RFC 3339 with whole seconds, as all of PayPal's searches take it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Read an answer of PayPal's; whatever is missing or odd in it is one kind of failure.

    Raises GatewayUnreachable: PayPal may have done what it was asked, in words we cannot read.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, BadInput) as error:
        raise GatewayUnreachable(
            f"PayPal's answer about {what} cannot be read", "ask again; if it stays, report it"
        ) from error

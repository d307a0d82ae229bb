"""Lines that people write: a quantity of something, at a price."""

from __future__ import annotations

import re
from decimal import Decimal

from billdesk.core.rules.catalog import TaxRate
from billdesk.core.rules.invoices import LineDraft, plain
from billdesk.core.values.errors import BadInput
from billdesk.core.values.money import check_minor, exponent_of, round_ratio

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?", re.ASCII)


def read_number(text: str, what: str) -> Decimal:
    """A plain decimal such as `2`, `0.75` or `-12.5`, exactly. Raises BadInput for anything else."""
    if _NUMBER.fullmatch(text) is None:
        raise BadInput(
            f"{text[:40]!r} is not a {what}", "plain digits with a point and at most 9 decimals"
        )
    return Decimal(text)


def priced_line(
    text: str,
    price: str,
    *,
    asset: str,
    quantity: str = "1",
    unit: str = "",
    tax: TaxRate | None = None,
    revenue: str = "revenue",
) -> LineDraft:
    """A line over `quantity` of something at a `price` each, in major units of `asset`.

    The product is rounded once, half away from zero; the price may be finer than the asset's minor
    unit, and below zero for what is given back. Raises BadInput.
    """
    each, count = read_number(price, "price"), read_number(quantity, "quantity")
    (over, under), (times, parts) = each.as_integer_ratio(), count.as_integer_ratio()
    amount_minor = round_ratio(over * times * 10 ** exponent_of(asset), under * parts)
    return LineDraft(
        text=text,
        amount_minor=check_minor(amount_minor),
        quantity=plain(count),
        unit=unit,
        unit_price=price_text(each, asset),
        tax=tax,
        revenue=revenue,
    )


def price_text(price: Decimal, asset: str) -> str:
    """A price as it stands on paper: with the asset's decimals, or as many more as it needs."""
    whole, _, part = plain(price).partition(".")
    part = part.ljust(exponent_of(asset), "0")
    return f"{whole}.{part}" if part else whole

"""Tax on a line of an invoice, to the minor unit.

Each line is taxed by itself and rounded once, half away from zero; totals are sums of lines.
"""

from __future__ import annotations

from typing import NamedTuple

from billdesk.core.rules.catalog import TaxRate
from billdesk.core.values.money import round_ratio


class TaxedLine(NamedTuple):
    """What a line comes to, in minor units: to be paid are both together."""

    net_minor: int
    tax_minor: int


def tax_line(amount_minor: int, tax: TaxRate | None) -> TaxedLine:
    """Split an amount in minor units into net and tax, rounding the tax once, half away from zero.

    Exclusive: the amount is the net one, and the tax comes on top. Inclusive: the amount holds the tax,
    and the net one is what is left. No tax: all of it is net. What is given back (a negative amount)
    is split exactly as it was when it was taken.
    """
    if tax is None:
        return TaxedLine(amount_minor, 0)
    parts, whole = tax.percent.as_integer_ratio()
    if tax.inclusive:
        held = round_ratio(amount_minor * parts, 100 * whole + parts)
        return TaxedLine(amount_minor - held, held)
    return TaxedLine(amount_minor, round_ratio(amount_minor * parts, 100 * whole))

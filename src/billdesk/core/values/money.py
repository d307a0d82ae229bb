"""Money: a whole number of an asset's smallest unit, and nothing else.

No float goes in or comes out. Reading and printing are exact; what divides is `allocate`, which loses
nothing, and `round_ratio`, which says how it rounds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from billdesk.core.values.errors import BadInput

LARGEST_MINOR = 2**63 - 1

CREDIT = "CREDIT"

# ISO 4217 (list one, 2024): the exponent is 2 unless said otherwise here.
_EXPONENTS_OTHER_THAN_TWO = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_EXPONENT_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
    "TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"
).split()

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_EXPONENT_TWO, 2),
    **_EXPONENTS_OTHER_THAN_TWO,
    CREDIT: 0,
}
"""Decimal places of every asset the desk knows: the currencies of ISO 4217, and credits."""

_NUMBER = re.compile(r"(\d{1,19})(?:\.(\d{1,4}))?", re.ASCII)


class Money(NamedTuple):
    """An exact amount: `minor` in the asset's smallest unit (cents for USD), and the asset."""

    minor: int
    asset: str

    def __str__(self) -> str:
        return f"{format_minor(self.minor, self.asset)} {self.asset}"

    def plus(self, other: Money) -> Money:
        """The sum of like and like. Raises BadInput for two different assets."""
        if self.asset != other.asset:
            raise BadInput(f"{self.asset} and {other.asset} cannot be added", "convert one first")
        return Money(self.minor + other.minor, self.asset)

    def negated(self) -> Money:
        """The same amount the other way."""
        return Money(-self.minor, self.asset)


def exponent_of(asset: str) -> int:
    """Decimal places of `asset`. Raises BadInput for one the desk does not know."""
    exponent = EXPONENTS.get(asset)
    if exponent is None:
        raise BadInput(
            f"{asset[:20]!r} is not an asset the desk knows",
            "use a currency code of ISO 4217 such as USD, JPY or KWD, or CREDIT",
        )
    return exponent


def format_minor(minor: int, asset: str) -> str:
    """The amount in major units, exactly: 1250 USD → `12.50`, -5 JPY → `-5`."""
    exponent = EXPONENTS.get(asset, 0)
    sign = "-" if minor < 0 else ""
    if exponent == 0:
        return f"{sign}{abs(minor)}"
    whole, part = divmod(abs(minor), 10**exponent)
    return f"{sign}{whole}.{part:0{exponent}d}"


def format_grouped(minor: int, asset: str) -> str:
    """Like `format_minor` with thousands set apart, for people: 123456789 USD → `1,234,567.89`."""
    text = format_minor(abs(minor), asset)
    whole, point, part = text.partition(".")
    return f"{'-' if minor < 0 else ''}{int(whole):,}{point}{part}"


@lru_cache(maxsize=1024)  # a business has few prices
def parse_money(text: str, default_asset: str) -> Money:
    """Read `12.50`, `12.50 EUR` or `500 CREDIT`, exactly.

    Raises BadInput for signs, exponents, digit groups, digits of other scripts, more decimal places
    than the asset has, and amounts that do not fit 64 bits.
    """
    parts = text.split(" ")
    number, asset = (parts[0], parts[1]) if len(parts) == 2 else (text, default_asset)
    exponent = exponent_of(asset)
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise BadInput(
            f"{text[:40]!r} is not an amount",
            "plain digits with a point, and the asset if it is not the default: 12.50 or 12.50 EUR",
        )
    whole, part = match[1], match[2] or ""
    if len(part) > exponent:
        places = f"{exponent} decimal places" if exponent else "no decimal places"
        raise BadInput(f"{text!r} is finer than {asset} goes", f"{asset} has {places}")
    minor = int(whole) * 10**exponent + int(part.ljust(exponent, "0") or "0")
    return Money(check_minor(minor), asset)


def check_minor(minor: int) -> int:
    """`minor` unchanged, if a 64-bit column can keep it. Raises BadInput otherwise."""
    if not -LARGEST_MINOR <= minor <= LARGEST_MINOR:
        raise BadInput(f"{minor} does not fit", f"amounts go up to {LARGEST_MINOR} minor units")
    return minor


def read_amount(amount: Money | str, default_asset: str) -> Money:
    """A positive amount from a caller: `Money`, or text with the default asset.

    Raises BadInput for anything else; floats and bare integers are refused by name, because nobody
    can know which unit was meant.
    """
    if isinstance(amount, Money):
        exponent_of(amount.asset)
        if type(amount.minor) is not int:
            raise BadInput(f"{amount.minor!r} is not a whole number of minor units", "use an int")
        money = Money(check_minor(amount.minor), amount.asset)
    elif isinstance(amount, str):
        money = parse_money(amount, default_asset)
    else:
        raise BadInput(
            f"an amount cannot be a {type(amount).__name__}", "pass Money or text such as '12.50'"
        )
    if money.minor <= 0:
        raise BadInput(f"the amount {money} is not above zero", "give what is to be moved")
    return money


def round_ratio(numerator: int, denominator: int) -> int:
    """A quotient as the nearest whole number, halves away from zero; `denominator` is above zero."""
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def allocate(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split `total_minor` by `weights` so that the parts sum to the whole, by largest remainder.

    Works on the absolute value and puts the sign on after; ties go to the earlier position. Raises
    BadInput when there is no positive weight or a negative one.
    """
    if not weights or min(weights) < 0 or sum(weights) == 0:
        raise BadInput("nothing to split by", "give at least one weight above zero")
    size, sign = abs(total_minor), -1 if total_minor < 0 else 1
    whole = sum(weights)
    shares = [divmod(size * weight, whole) for weight in weights]
    left = size - sum(share for share, _ in shares)
    by_remainder = sorted(range(len(weights)), key=lambda index: (-shares[index][1], index))
    lucky = set(by_remainder[:left])
    return [sign * (share + (index in lucky)) for index, (share, _) in enumerate(shares)]

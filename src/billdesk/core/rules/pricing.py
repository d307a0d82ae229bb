"""What metered use costs: per unit, by graduated or volume tiers, or by begun packages.

Everything is exact until the end, where the whole of it is rounded once to the minor unit, half away
from zero: no tier is rounded by itself. Only what is over the included quantity is priced, and tiers
count from there: the first unit over what is included is the first unit of the first tier.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, assert_never

from billdesk.core.rules.catalog import Tier, UsageTerms
from billdesk.core.values.money import check_minor, exponent_of, round_ratio

_FEW_PRICES = 1024
"""A catalog has few numbers, and a run prices thousands of accounts by them."""


class Priced(NamedTuple):
    """What a period's use of one meter comes to.

    `billable` is what is over the included quantity, in the meter's smallest part; `parts` are the
    terms of the sum in words, such as `12,500 × 0.50 per 1,000`.
    """

    billable: int
    amount_minor: int
    parts: tuple[str, ...]


class _Part(NamedTuple):
    """One term of the sum: its cost in major units, and its words."""

    cost: Fraction
    words: str


def price_usage(terms: UsageTerms, quantity: int, decimals: int) -> Priced:
    """What `quantity`, in the meter's 10**`decimals`-th part of a unit, costs in `terms.asset`.

    A quantity below zero (more was taken back than used) counts as none. No use over what is included
    costs nothing, flat sums neither. Raises BadInput for a sum beyond 64 bits.
    """
    smallest = 10**decimals
    billable = max(quantity - int(_exact(terms.included) * smallest), 0)
    if not billable:
        return Priced(0, 0, ())
    parts = _parts(terms, Fraction(billable, smallest))
    exact = sum((part.cost for part in parts[1:]), parts[0].cost) if parts else Fraction()
    minor = exact.numerator * 10 ** exponent_of(terms.asset)
    amount_minor = check_minor(round_ratio(minor, exact.denominator))
    return Priced(billable, amount_minor, tuple([part.words for part in parts]))


def _parts(terms: UsageTerms, over: Fraction) -> tuple[_Part, ...]:
    match terms.pricing:
        case "none":
            return ()
        case "per_unit":
            return (_per_unit(terms, over),)
        case "package":
            return (_package(terms, over),)
        case "graduated":
            return _graduated(terms.tiers, over, terms.asset)
        case "volume":
            return (_volume(terms.tiers, over, terms.asset),)
        case _:
            assert_never(terms.pricing)


def _per_unit(terms: UsageTerms, over: Fraction) -> _Part:
    """Each unit its share of the price for `package_size` units."""
    cost = over * _rate(terms.unit_price, terms.package_size)
    words = f"{_count(over)} × {price_words(terms.unit_price, terms.asset)}"
    if terms.package_size != 1:
        words += f" per {count_words(terms.package_size)}"
    return _Part(cost, words)


def _package(terms: UsageTerms, over: Fraction) -> _Part:
    """The price for each package that was begun."""
    packages = -(-over // _exact(terms.package_size))
    return _Part(
        packages * _exact(terms.unit_price),
        f"{packages:,} × {price_words(terms.unit_price, terms.asset)}"
        f" per begun {count_words(terms.package_size)}",
    )


def _graduated(tiers: tuple[Tier, ...], over: Fraction, asset: str) -> tuple[_Part, ...]:
    """Each tier's units at its own price, and the flat sum of every tier that is reached."""
    parts, below = [], Fraction()
    for tier in tiers:
        end = over if tier.up_to is None else min(over, _exact(tier.up_to))
        if end <= below:
            break
        parts.append(_in_tier(tier, end - below, asset))
        below = end
    return tuple(parts)


def _volume(tiers: tuple[Tier, ...], over: Fraction, asset: str) -> _Part:
    """All units at the price of the tier that is reached, and its flat sum."""
    reached = next(tier for tier in tiers if tier.up_to is None or over <= _exact(tier.up_to))
    return _in_tier(reached, over, asset)


def _in_tier(tier: Tier, units: Fraction, asset: str) -> _Part:
    words = f"{_count(units)} × {price_words(tier.unit_price, asset)}"
    if tier.flat:
        words += f" + {price_words(tier.flat, asset)}"
    return _Part(units * _exact(tier.unit_price) + _exact(tier.flat), words)


def _count(units: Fraction) -> str:
    """An exact count of units; its denominator is a power of ten, or a part of one."""
    if units.denominator == 1:
        return f"{units.numerator:,}"
    places = 0
    while units * 10**places % 1:
        places += 1
    whole, part = divmod(int(units * 10**places), 10**places)
    return f"{whole:,}.{part:0{places}d}"


@lru_cache(maxsize=_FEW_PRICES)
def _exact(number: Decimal) -> Fraction:
    """A number of the catalog, as it is worked with."""
    return Fraction(number)


def count_words(number: Decimal) -> str:
    """A count of units as people write it: 2500.50 as 2,500.5."""
    return format(number.normalize(), ",f")


@lru_cache(maxsize=_FEW_PRICES)
def _rate(price: Decimal, units: Decimal) -> Fraction:
    """What one unit costs where so many cost `price`."""
    return Fraction(price) / Fraction(units)


@lru_cache(maxsize=_FEW_PRICES)
def price_words(price: Decimal, asset: str) -> str:
    """A price in major units as people write it: all its digits, and no fewer than the asset has."""
    plain = price.normalize()
    places = max(-int(plain.as_tuple().exponent), exponent_of(asset))
    return format(plain, f",.{places}f")

"""Tax on a line, against tables made by hand, and against what must hold for all amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.rules.catalog import TaxRate
from billdesk.core.rules.tax import tax_line


def rate(percent: str, *, inclusive: bool = False) -> TaxRate:
    return TaxRate("vat", "VAT", "somewhere", Decimal(percent), inclusive)


# Worked out by hand: amount in minor units, percent, net, tax.
ON_TOP = [
    # USD, cents
    (10_000, "19", 10_000, 1_900),
    (999, "19", 999, 190),  # 189.81
    (1, "19", 1, 0),  # 0.19
    (3, "19", 3, 1),  # 0.57
    (10, "5", 10, 1),  # 0.5, away from zero
    (-10, "5", -10, -1),
    (30, "5", 30, 2),  # 1.5: not to the even one below
    (50, "7.25", 50, 4),  # 3.625
    (1_234, "7.5", 1_234, 93),  # 92.55
    (-1_234, "7.5", -1_234, -93),
    (4_900, "0", 4_900, 0),
    (0, "19", 0, 0),
    (777, "100", 777, 777),
    # JPY, whole yen
    (1_000, "10", 1_000, 100),
    (333, "10", 333, 33),  # 33.3
    (335, "10", 335, 34),  # 33.5
    (12, "8", 12, 1),  # 0.96
    # KWD, thousandths
    (12_345, "5", 12_345, 617),  # 617.25
    (12_350, "5", 12_350, 618),  # 617.5
    (1_001, "12.5", 1_001, 125),  # 125.125
]
WITHIN = [
    # USD, cents
    (11_900, "19", 10_000, 1_900),
    (10_000, "19", 8_403, 1_597),  # 1596.638…
    (1_000, "20", 833, 167),  # 166.666…
    (1_000, "7.5", 930, 70),  # 69.767…
    (-1_000, "20", -833, -167),
    (1, "19", 1, 0),  # 0.1596…
    (21, "5", 20, 1),
    (210, "5", 200, 10),
    (4_900, "0", 4_900, 0),
    (9, "100", 4, 5),  # 4.5
    (-9, "100", -4, -5),
    # JPY, whole yen
    (1_100, "10", 1_000, 100),
    (1_000, "10", 909, 91),  # 90.909…
    (105, "10", 95, 10),  # 9.545…
    (1_080, "8", 1_000, 80),
    (98, "8", 91, 7),  # 7.259…
    # KWD, thousandths
    (12_345, "5", 11_757, 588),  # 587.857…
    (1_050, "5", 1_000, 50),
    (1_001, "12.5", 890, 111),  # 111.222…
]


@pytest.mark.parametrize(("amount", "percent", "net", "tax"), ON_TOP)
def test_a_tax_on_top_is_rounded_once_and_half_away_from_zero(
    amount: int, percent: str, net: int, tax: int
) -> None:
    assert tax_line(amount, rate(percent)) == (net, tax)


@pytest.mark.parametrize(("amount", "percent", "net", "tax"), WITHIN)
def test_a_price_that_holds_its_tax_is_split_to_the_minor_unit(
    amount: int, percent: str, net: int, tax: int
) -> None:
    assert tax_line(amount, rate(percent, inclusive=True)) == (net, tax)


def test_without_a_tax_all_of_it_is_net() -> None:
    assert tax_line(1_234, None) == (1_234, 0)


AMOUNTS = st.integers(-(10**15), 10**15)
PERCENTS = st.decimals("0", "100", places=3).map(str)


@given(AMOUNTS, PERCENTS)
def test_inclusive_parts_sum_to_the_price(amount: int, percent: str) -> None:
    line = tax_line(amount, rate(percent, inclusive=True))
    assert line.net_minor + line.tax_minor == amount


@given(AMOUNTS, PERCENTS)
def test_a_tax_is_never_more_than_half_a_minor_unit_from_the_exact_one(
    amount: int, percent: str
) -> None:
    parts, whole = Decimal(percent).as_integer_ratio()
    on_top = tax_line(amount, rate(percent)).tax_minor
    assert 2 * abs(on_top * 100 * whole - amount * parts) <= 100 * whole
    within = tax_line(amount, rate(percent, inclusive=True)).tax_minor
    gross = 100 * whole + parts
    assert 2 * abs(within * gross - amount * parts) <= gross


@given(amount=AMOUNTS, percent=PERCENTS, inclusive=st.booleans())
def test_what_is_given_back_is_split_as_it_was_taken(
    *, amount: int, percent: str, inclusive: bool
) -> None:
    taken, back = (tax_line(each, rate(percent, inclusive=inclusive)) for each in (amount, -amount))
    assert (back.net_minor, back.tax_minor) == (-taken.net_minor, -taken.tax_minor)

"""Money is read and printed exactly, or not at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.values.errors import BadInput
from billdesk.core.values.money import (
    CREDIT,
    EXPONENTS,
    LARGEST_MINOR,
    Money,
    allocate,
    check_minor,
    exponent_of,
    format_grouped,
    format_minor,
    parse_money,
    read_amount,
    round_ratio,
)

assets = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(0, LARGEST_MINOR)


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("12.50", Money(1250, "USD")),
        ("12.5", Money(1250, "USD")),
        ("12", Money(1200, "USD")),
        ("0.01", Money(1, "USD")),
        ("0", Money(0, "USD")),
        ("007", Money(700, "USD")),
        ("12.50 EUR", Money(1250, "EUR")),
        ("500 CREDIT", Money(500, "CREDIT")),
        ("500 JPY", Money(500, "JPY")),
        ("1.234 KWD", Money(1234, "KWD")),
        ("1.2345 CLF", Money(12345, "CLF")),
        ("92233720368547758.07", Money(LARGEST_MINOR, "USD")),
        ("9223372036854775807 JPY", Money(LARGEST_MINOR, "JPY")),
    ],
)
def test_reads_plain_amounts(text: str, money: Money) -> None:
    assert parse_money(text, "USD") == money


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-5", "+5", "1e3", "9e99", "NaN", "inf", "-0", "0x10", "1_000"),
        *("1,000", "1,50", "1.000,00", "1 000", "12.", ".50", "12.345", "1.2.3", "twelve"),
        *(
            "\u0661\u0662",
            "\uff11\uff12",
            "1\u00a0000",
            "12.50\n",
            " 12.50",
            "12.50 ",
            "12.50  EUR",
            "$12.50",
        ),
        *("12.50 eur", "12.50 XXX", "12.50 EUR EUR", "EUR 12.50", "1.5 JPY", "1.2345 KWD"),
        *("0.5 CREDIT", "9223372036854775808 JPY", "92233720368547758.08", "9" * 20, "9" * 10_000),
    ],
)
def test_refuses_whatever_could_mean_something_else(text: str) -> None:
    with pytest.raises(BadInput):
        parse_money(text, "USD")


def test_a_refusal_says_how_fine_the_asset_goes() -> None:
    with pytest.raises(BadInput) as dollars:
        parse_money("1.234", "USD")
    with pytest.raises(BadInput) as yen:
        parse_money("1.2", "JPY")
    assert dollars.value.hint == "USD has 2 decimal places"
    assert yen.value.hint == "JPY has no decimal places"


@given(minors, assets)
def test_what_is_printed_is_read_as_the_same(minor: int, asset: str) -> None:
    money = Money(minor, asset)
    assert parse_money(str(money), "USD") == money
    assert parse_money(format_minor(minor, asset), asset) == money


@given(st.integers(-LARGEST_MINOR, LARGEST_MINOR), assets)
def test_printing_is_exact(minor: int, asset: str) -> None:
    assert Decimal(format_minor(minor, asset)) == Decimal(minor).scaleb(-exponent_of(asset))
    assert format_grouped(minor, asset).replace(",", "") == format_minor(minor, asset)


@pytest.mark.parametrize(
    ("minor", "asset", "text"),
    [
        (123456789, "USD", "1,234,567.89"),
        (-5, "USD", "-0.05"),
        (-1_000_000, "JPY", "-1,000,000"),
        (1500, "KWD", "1.500"),
        (7, "XXX", "7"),
    ],
)
def test_people_read_groups_of_thousands(minor: int, asset: str, text: str) -> None:
    assert format_grouped(minor, asset) == text


def test_every_asset_has_the_exponent_of_its_currency() -> None:
    by_places = dict.fromkeys(range(5), 0)
    for places in EXPONENTS.values():
        by_places[places] += 1
    assert [EXPONENTS[asset] for asset in ("USD", "JPY", "KWD", "CLF", CREDIT)] == [2, 0, 3, 4, 0]
    assert by_places[1] == 0
    with pytest.raises(BadInput):
        exponent_of("usd")


def test_like_is_added_to_like() -> None:
    assert Money(5, "USD").plus(Money(7, "USD")) == Money(12, "USD")
    assert Money(5, "USD").negated() == Money(-5, "USD")
    with pytest.raises(BadInput):
        Money(5, "USD").plus(Money(7, "EUR"))


@pytest.mark.parametrize("minor", [LARGEST_MINOR + 1, -LARGEST_MINOR - 1])
def test_nothing_passes_that_64_bits_cannot_keep(minor: int) -> None:
    assert check_minor(LARGEST_MINOR) == LARGEST_MINOR
    with pytest.raises(BadInput):
        check_minor(minor)


@pytest.mark.parametrize("amount", ["5.00", "5.00 USD", Money(500, "USD")])
def test_a_caller_gives_money_or_text(amount: Money | str) -> None:
    assert read_amount(amount, "USD") == Money(500, "USD")


def untyped(value: object) -> Any:  # noqa: ANN401 - what a caller without a type checker passes
    """The same, without its type."""
    return value


@pytest.mark.parametrize(
    "amount",
    [
        *(5, 5.0, True, None, Decimal(5), b"5.00", (500, "USD")),
        *("0", "0.00", "-1", Money(0, "USD"), Money(-5, "USD"), Money(2**63, "USD")),
        *(
            Money(untyped(5.0), "USD"),
            Money(untyped(value=True), "USD"),
            Money(untyped("5"), "USD"),
        ),
        Money(5, "dollars"),
    ],
)
def test_a_caller_cannot_give_anything_else(amount: object) -> None:
    with pytest.raises(BadInput):
        read_amount(amount, "USD")  # type: ignore[arg-type]  # the same


@given(
    st.integers(-(10**18), 10**18),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any),
)
def test_parts_sum_to_the_whole_and_none_is_off_by_a_unit(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)
        assert part == 0 or weight > 0
    assert allocate(-total, weights) == [-part for part in parts]


def test_a_tie_goes_to_the_earlier_position() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(-1, [1, 1]) == [-1, 0]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [3, -1]])
def test_nothing_cannot_be_split_by(weights: list[int]) -> None:
    with pytest.raises(BadInput):
        allocate(100, weights)


@pytest.mark.parametrize(
    ("numerator", "denominator", "nearest"),
    [(0, 3, 0), (1, 3, 0), (2, 3, 1), (1, 2, 1), (-1, 2, -1), (3, 2, 2), (-5, 2, -3), (7, 1, 7),
     (10**30 + 1, 2, 5 * 10**29 + 1)],
)  # fmt: skip
def test_a_ratio_is_rounded_half_away_from_zero(
    numerator: int, denominator: int, nearest: int
) -> None:
    assert round_ratio(numerator, denominator) == nearest

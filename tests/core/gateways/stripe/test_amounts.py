"""Amounts as Stripe counts them: exact both ways, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.gateways.stripe.amounts import kept_fee, money_of, stripe_amount
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money


@pytest.mark.parametrize(
    ("minor", "asset", "amount"),
    [
        (1_000, "USD", 1_000),
        (500, "JPY", 500),
        (5_120, "KWD", 5_120),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (500, "MGA", 5),
        (100_050, "HUF", 100_050),
        (100_050, "TWD", 100_050),
    ],
)
def test_each_currency_is_sent_in_stripes_own_unit(minor: int, asset: str, amount: int) -> None:
    assert stripe_amount(Money(minor, asset)) == amount
    assert money_of(amount, asset.lower()) == Money(minor, asset)


@pytest.mark.parametrize(
    ("minor", "asset"),
    [
        (5_124, "KWD"), (501, "MGA"), (0, "USD"), (-5, "USD"), (5, "CREDIT"), (1_000, "IQD"),
        (1_000, "CLF"), (1_000, "UYI"), (1, "NOPE"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_exactly_is_refused(minor: int, asset: str) -> None:
    with pytest.raises(GatewayError):
        stripe_amount(Money(minor, asset))


@given(
    st.integers(min_value=1, max_value=10**12),
    st.sampled_from("USD EUR JPY KRW KWD BHD ISK UGX MGA VND HUF CLP".split()),
)
def test_what_was_sent_comes_back(minor: int, asset: str) -> None:
    money = Money(minor, asset)
    try:
        amount = stripe_amount(money)
    except GatewayError:
        assert asset in {"KWD", "BHD", "MGA"}
        return
    assert money_of(amount, asset.lower()) == money


def test_an_unknown_currency_is_read_with_two_decimals() -> None:
    assert money_of(150, "xyz") == Money(150, "XYZ")


def test_a_fee_finer_than_its_currency_is_left_open() -> None:
    assert kept_fee(150, "isk") is None
    assert kept_fee(200, "isk") == Money(2, "ISK")
    with pytest.raises(ValueError, match="finer"):
        money_of(150, "isk")

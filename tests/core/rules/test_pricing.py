"""What use costs: against tables made by hand, a naive reckoning, and what must hold for all prices."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.rules.catalog import Pricing, Tier, UsageTerms
from billdesk.core.rules.pricing import count_words, price_usage, price_words
from billdesk.core.values.errors import BadInput


def tier(up_to: str | None, price: str, flat: str = "0") -> Tier:
    return Tier(None if up_to is None else Decimal(up_to), Decimal(price), Decimal(flat))


def terms(
    pricing: Pricing,
    price: str = "0",
    *,
    included: str = "0",
    per: str = "1",
    asset: str = "USD",
    tiers: tuple[Tier, ...] = (),
) -> UsageTerms:
    return UsageTerms(
        "calls", Decimal(included), pricing, asset, Decimal(price), Decimal(per), tiers
    )


CALLS = terms("per_unit", "0.10", included="100000", per="1000")
STAIRS = (tier("1000", "0.01"), tier("5000", "0.0055", "5.00"), tier(None, "0.001"))

# Worked out by hand: terms, quantity in the smallest part, decimals, billable, minor units.
TABLE = [
    # What is over costs 0.10 USD per thousand, each unit its share.
    (CALLS, 0, 0, 0, 0),
    (CALLS, 100_000, 0, 0, 0),
    (CALLS, 100_049, 0, 49, 0),  # 0.49 cents
    (CALLS, 100_050, 0, 50, 1),  # 0.5 cents
    (CALLS, 101_000, 0, 1_000, 10),
    (CALLS, 112_345, 0, 12_345, 123),  # 123.45
    # Impressions at 0.50 USD per thousand.
    (terms("per_unit", "0.50", included="1000000", per="1000"), 1_234_567, 0, 234_567, 11_728),
    # Gigabytes to the sixth decimal at 0.05 USD.
    (terms("per_unit", "0.05", included="50"), 50_100_000, 6, 100_000, 1),  # 0.1 GB: 0.5 cents
    (terms("per_unit", "0.05", included="50"), 50_099_999, 6, 99_999, 0),
    (terms("per_unit", "0.05", included="0.5"), 2_500_000, 6, 2_000_000, 10),
    # A third of a dollar each: nothing is lost on the way.
    (terms("per_unit", "1", per="3"), 3, 0, 3, 100),
    (terms("per_unit", "1", per="3"), 2, 0, 2, 67),  # 66.67
    # Begun packages.
    (terms("package", "0.10", per="1000"), 1, 0, 1, 10),
    (terms("package", "0.10", per="1000"), 1_000, 0, 1_000, 10),
    (terms("package", "0.10", per="1000"), 1_001, 0, 1_001, 20),
    (terms("package", "2.00", per="2.5"), 26, 1, 26, 400),  # 2.6 GB
    # Tiers, each unit at its own price: 10 + 22 + 5 + 2.777123 USD.
    (terms("graduated", tiers=STAIRS), 1_000, 0, 1_000, 1_000),
    (terms("graduated", tiers=STAIRS), 1_001, 0, 1_001, 1_501),  # the flat sum, and 0.55 cents
    (terms("graduated", tiers=STAIRS), 7_777_123, 3, 7_777_123, 3_978),
    # All units at the price of the tier that is reached.
    (terms("volume", tiers=STAIRS), 1_000, 0, 1_000, 1_000),
    (terms("volume", tiers=STAIRS), 1_001, 0, 1_001, 1_051),  # 5.5055 + 5
    (terms("volume", tiers=STAIRS), 5_001, 0, 5_001, 500),  # 5.001
    # Tiers count from what is over, and nothing over costs no flat sum either.
    (terms("graduated", included="500", tiers=STAIRS), 1_500, 0, 1_000, 1_000),
    (terms("volume", included="500", tiers=(tier(None, "0", "9.00"),)), 500, 0, 0, 0),
    (terms("volume", included="500", tiers=(tier(None, "0", "9.00"),)), 501, 0, 1, 900),
    # What is over costs nothing; less than nothing was used.
    (terms("none", included="10"), 1_000, 0, 990, 0),
    (CALLS, -5, 0, 0, 0),
    # Other exponents: whole yen, thousandths of a dinar, whole credits.
    (terms("per_unit", "0.5", asset="JPY"), 5, 0, 5, 3),  # 2.5
    (terms("per_unit", "0.0005", asset="KWD"), 3, 0, 3, 2),  # 1.5 fils
    (terms("per_unit", "0.25", asset="CREDIT"), 5, 0, 5, 1),  # 1.25
]


@pytest.mark.parametrize(("terms", "quantity", "decimals", "billable", "amount_minor"), TABLE)
def test_use_costs_what_was_worked_out_by_hand(
    terms: UsageTerms, quantity: int, decimals: int, billable: int, amount_minor: int
) -> None:
    priced = price_usage(terms, quantity, decimals)
    assert (priced.billable, priced.amount_minor) == (billable, amount_minor)


@pytest.mark.parametrize(
    ("terms", "quantity", "decimals", "parts"),
    [
        (CALLS, 112_345, 0, ("12,345 × 0.10 per 1,000",)),
        (terms("per_unit", "0.05"), 1_500_000, 6, ("1.5 × 0.05",)),
        (terms("package", "0.10", per="1000"), 2_001, 0, ("3 × 0.10 per begun 1,000",)),
        (
            terms("graduated", tiers=STAIRS),
            7_777_123,
            3,
            ("1,000 × 0.01", "4,000 × 0.0055 + 5.00", "2,777.123 × 0.001"),
        ),
        (terms("volume", tiers=STAIRS), 2_000, 0, ("2,000 × 0.0055 + 5.00",)),
        (terms("none"), 2_000, 0, ()),
        (CALLS, 99_999, 0, ()),
    ],
)
def test_the_sum_is_told_in_words(
    terms: UsageTerms, quantity: int, decimals: int, parts: tuple[str, ...]
) -> None:
    assert price_usage(terms, quantity, decimals).parts == parts


def test_a_sum_that_no_column_can_keep_is_refused() -> None:
    with pytest.raises(BadInput, match="does not fit"):
        price_usage(terms("per_unit", "999999999999999"), 10**12, 0)


def test_counts_and_prices_are_written_exactly() -> None:
    assert count_words(Decimal("2500.50")) == "2,500.5"
    assert count_words(Decimal(1_000_000)) == "1,000,000"
    assert price_words(Decimal("0.5"), "USD") == "0.50"
    assert price_words(Decimal("0.0005"), "USD") == "0.0005"
    assert price_words(Decimal(1_000), "JPY") == "1,000"
    assert price_words(Decimal(1_000), "KWD") == "1,000.000"


# --- properties ---

PRICES = st.decimals("0", "10", places=4).map(str)
QUANTITIES = st.integers(0, 400)


@st.composite
def stairs(draw: st.DrawFn, *, flat: bool = True) -> tuple[Tier, ...]:
    ends = sorted(draw(st.sets(st.integers(1, 300), max_size=4)))
    flats = PRICES if flat else st.just("0")
    return tuple(
        tier(None if end is None else str(end), draw(PRICES), draw(flats)) for end in [*ends, None]
    )


def naive(tiers: tuple[Tier, ...], quantity: int) -> int:
    """Unit by unit, as somebody with a pencil would."""
    total, below = Decimal(0), 0
    for each in tiers:
        end = quantity if each.up_to is None else min(quantity, int(each.up_to))
        if end > below:
            total += each.flat + sum((each.unit_price for _ in range(below, end)), Decimal(0))
            below = end
    return int((total * 100).quantize(Decimal(1), ROUND_HALF_UP))


@given(stairs(), QUANTITIES)
def test_graduated_tiers_cost_what_a_pencil_comes_to(tiers: tuple[Tier, ...], used: int) -> None:
    assert price_usage(terms("graduated", tiers=tiers), used, 0).amount_minor == naive(tiers, used)


@given(stairs(flat=False), st.integers(1, 299), QUANTITIES)
def test_a_tier_cut_in_two_costs_the_same(tiers: tuple[Tier, ...], cut: int, used: int) -> None:
    finer: list[Tier] = []
    for each in tiers:
        starts = finer[-1].up_to if finer else Decimal(0)
        if starts is not None and starts < cut and (each.up_to is None or cut < each.up_to):
            finer.append(each._replace(up_to=Decimal(cut)))
        finer.append(each)
    assert (
        price_usage(terms("graduated", tiers=tiers), used, 0).amount_minor
        == price_usage(terms("graduated", tiers=tuple(finer)), used, 0).amount_minor
    )


@given(
    st.sampled_from(["per_unit", "package", "graduated"]),
    PRICES,
    stairs(),
    st.integers(1, 50),
    QUANTITIES,
    QUANTITIES,
)
def test_more_use_never_costs_less_but_by_volume(
    pricing: Pricing, price: str, tiers: tuple[Tier, ...], per: int, used: int, more: int
) -> None:
    priced = terms(pricing, price, included="20", per=str(per), tiers=tiers)
    assert (
        price_usage(priced, used, 0).amount_minor
        <= price_usage(priced, used + more, 0).amount_minor
    )


@given(PRICES, st.integers(1, 50), QUANTITIES)
def test_begun_packages_cost_the_share_at_least_and_less_than_one_more(
    price: str, per: int, used: int
) -> None:
    share = price_usage(terms("per_unit", price, per=str(per)), used, 0).amount_minor
    package = price_usage(terms("package", price, per=str(per)), used, 0).amount_minor
    one = price_usage(terms("package", price, per=str(per)), 1, 0).amount_minor
    assert share - 1 <= package <= share + one + 1


@given(PRICES, QUANTITIES, st.integers(0, 6))
def test_a_finer_meter_prices_the_same_units_the_same(price: str, used: int, decimals: int) -> None:
    whole = price_usage(terms("per_unit", price, included="7", per="3"), used, 0)
    finer = price_usage(
        terms("per_unit", price, included="7", per="3"), used * 10**decimals, decimals
    )
    assert finer.amount_minor == whole.amount_minor
    assert finer.billable == whole.billable * 10**decimals

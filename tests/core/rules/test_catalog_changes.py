"""What applying a catalog changes: only what is different, in words, and never what must stay."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billdesk.core.rules.catalog import (
    EMPTY,
    Catalog,
    Company,
    Meter,
    Pack,
    Plan,
    PlanPrice,
    Pricing,
    Schedule,
    TaxRate,
    Tier,
    UsageTerms,
)
from billdesk.core.rules.catalog_bodies import Key, things_of, write_body
from billdesk.core.rules.catalog_changes import (
    ItemChange,
    Version,
    conflicts,
    item_changes,
)
from billdesk.core.rules.catalog_words import (
    LONGEST_WORDS,
    change_details,
    read_thing,
    terms_words,
)

PRO = Plan(
    "pro",
    1,
    "Pro",
    "credits",
    2,
    (PlanPrice("monthly", "USD", 4_900), PlanPrice("monthly", "EUR", 4_500)),
    (
        UsageTerms("calls", Decimal("1E+3"), "per_unit", "USD", Decimal("0.10"), Decimal(1_000)),
        UsageTerms(
            "data",
            Decimal("0.50"),
            "graduated",
            "USD",
            tiers=(Tier(Decimal(5), Decimal("0.01"), Decimal("2.5")), Tier(None, Decimal(0))),
        ),
    ),
    credits=1_000,
    trial_days=14,
    packs=("small",),
    features=("one", "two"),
    tax_code="vat",
)
CATALOG = Catalog(
    {"pro": PRO},
    {"small": Pack("small", 1, "Small", 100, "USD", 900, ("pro",), 30, "vat")},
    {"calls": Meter("calls", "Calls", "call", 0), "data": Meter("data", "Data", "GB", 3)},
    {"vat": TaxRate("vat", "VAT", "Kenya", Decimal("16.0"), inclusive=True)},
    {"monthly": Schedule("monthly", "Monthly", 1)},
    Company(name="Northwind", address="1 Quay\nHarbour", logo=b"\x89PNG picture"),
)


def bodies(catalog: Catalog) -> dict[Key, str]:
    return {key: write_body(thing) for key, thing in things_of(catalog).items()}


def known(catalog: Catalog, version: int = 1, *, retired: bool = False) -> dict[Key, Version]:
    return {key: Version(version, body, retired) for key, body in bodies(catalog).items()}


def changed(**changes: Any) -> Catalog:  # noqa: ANN401 - any fields of a plan
    return CATALOG._replace(plans={"pro": PRO._replace(**changes)})


def test_everything_comes_back_from_its_body_as_it_was() -> None:
    things = [*things_of(CATALOG).items(), *things_of(EMPTY).items()]
    for key, thing in things:
        assert read_thing(key, 1, write_body(thing)) == thing


def test_equal_things_have_equal_bodies_however_their_numbers_are_written() -> None:
    spelled = PRO.usage[0]._replace(included=Decimal("1000.00"), unit_price=Decimal("0.1"))
    again = changed(usage=(spelled, PRO.usage[1]))
    assert bodies(again) == bodies(CATALOG)


def test_the_same_catalog_changes_nothing() -> None:
    assert item_changes(known(CATALOG), bodies(CATALOG)) == ()


def test_a_new_ledger_gets_everything_in_a_first_version() -> None:
    changes = item_changes({}, bodies(CATALOG))
    assert {(change.key, change.change, change.version) for change in changes} == {
        (key, "added", 1) for key in things_of(CATALOG)
    }


def test_only_what_is_different_gets_a_new_version() -> None:
    dearer = changed(prices=(PlanPrice("monthly", "USD", 5_900),))
    [change] = item_changes(known(CATALOG, 4), bodies(dearer))
    assert (change.key, change.change, change.version) == (("plan", "pro"), "changed", 5)
    assert change_details(change) == ("monthly: 49.00 USD, 45.00 EUR → 59.00 USD",)


def test_what_is_no_more_is_retired_and_what_comes_back_counts_on() -> None:
    without = CATALOG._replace(plans={})
    [gone] = item_changes(known(CATALOG, 3), bodies(without))
    assert (gone.key, gone.change, gone.version, gone.body) == (("plan", "pro"), "retired", 3, None)
    assert change_details(gone) == ()
    retired = known(CATALOG, 3, retired=True)
    assert item_changes(retired, bodies(EMPTY._replace(company=CATALOG.company))) == (
        ItemChange(("company", "company"), "added", 4, bodies(CATALOG)["company", "company"], None),
    )


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({"name": "Professional"}, ("name: Pro → Professional",)),
        ({"family": ""}, ("family: credits → nothing",)),
        ({"rank": 3}, ("rank: 2 → 3",)),
        ({"credits": 0}, ("credits: 1,000 → nothing",)),
        ({"trial_days": 30}, ("trial: 14 days → 30 days",)),
        ({"packs": ()}, ("packs: small → nothing",)),
        ({"features": ("one",)}, ("features: one; two → one",)),
        ({"tax_code": None}, ("tax: vat → nothing",)),
        (
            {"usage": PRO.usage[1:]},
            ("calls: 1,000 included, then per unit 0.10 USD per 1,000 → nothing",),
        ),
        (
            {"prices": (*PRO.prices, PlanPrice("annual", "USD", 490_000))},
            ("annual: nothing → 4,900.00 USD",),
        ),
    ],
)
def test_each_change_of_a_plan_is_told_in_words(
    changes: dict[str, Any], details: tuple[str, ...]
) -> None:
    [change] = item_changes(known(CATALOG), bodies(changed(**changes)))
    assert change_details(change) == details


def test_everything_of_something_new_is_told() -> None:
    told = {change.key: change_details(change) for change in item_changes({}, bodies(CATALOG))}
    assert told["plan", "pro"] == (
        "name: Pro",
        "family: credits",
        "rank: 2",
        "monthly: 49.00 USD, 45.00 EUR",
        "credits: 1,000",
        "trial: 14 days",
        "calls: 1,000 included, then per unit 0.10 USD per 1,000",
        "data: 0.5 included, then graduated up to 5 0.01 USD + 2.50 USD; beyond 0.00 USD",
        "packs: small",
        "features: one; two",
        "tax: vat",
    )
    assert told["pack", "small"] == (
        *("name: Small", "credits: 100", "price: 9.00 USD", "plans: pro"),
        *("expires: after 30 days", "tax: vat"),
    )
    assert told["meter", "data"] == ("name: Data", "unit: GB", "decimals: 3")
    assert told["tax", "vat"] == (
        *("name: VAT", "jurisdiction: Kenya", "percent: 16 %, held by prices"),
    )
    assert told["schedule", "monthly"] == ("name: Monthly", "months: 1")
    company = told["company", "company"]
    assert "address: 1 Quay / Harbour" in company
    assert "invoices: INV-000001" in company
    assert company[-1].startswith("logo: 12 bytes, ")


def test_a_tax_that_moves_out_of_prices_is_told() -> None:
    outside = CATALOG._replace(taxes={"vat": CATALOG.taxes["vat"]._replace(inclusive=False)})
    [change] = item_changes(known(CATALOG), bodies(outside))
    assert change_details(change) == ("percent: 16 %, held by prices → 16 %, on top of prices",)


def test_long_words_are_cut_where_they_are_compared() -> None:
    long = CATALOG._replace(company=CATALOG.company._replace(terms="x" * 500))
    [change] = item_changes(known(CATALOG), bodies(long))
    assert change_details(change) == (f"terms: nothing → {'x' * (LONGEST_WORDS - 1)}…",)


@pytest.mark.parametrize(
    ("pricing", "size", "price"),
    [
        ("none", "1", "free"),
        ("per_unit", "1", "0.05 USD per GB"),
        ("per_unit", "1000", "0.05 USD per 1,000"),
        ("package", "1000", "0.05 USD per begun 1,000"),
        ("graduated", "1", "up to 10 0.01 USD; beyond 0.00 USD + 3.00 USD"),
        ("volume", "1", "up to 10 0.01 USD; beyond 0.00 USD + 3.00 USD"),
    ],
)
def test_what_use_costs_is_written_as_people_say_it(
    pricing: Pricing, size: str, price: str
) -> None:
    tiers = (
        Tier(Decimal(10), Decimal("0.01")),
        Tier(None, Decimal(0), Decimal(3)),
    )
    terms = UsageTerms(
        "data", Decimal("2500.0"), pricing, "USD", Decimal("0.05"), Decimal(size), tiers
    )
    assert terms_words(terms, "GB") == ("2,500", pricing.replace("_", " "), price)


# --- what must stay ---


def test_a_meter_counts_as_finely_for_ever_and_a_schedule_stays_as_long() -> None:
    wanted = CATALOG._replace(
        meters={"data": Meter("data", "Data", "GB", 6)},
        schedules={"monthly": Schedule("monthly", "Every two months", 2)},
    )
    found = conflicts(known(CATALOG, retired=True), bodies(wanted), {})
    assert [(each.path, each.message) for each in found] == [
        (
            ("schedules", "monthly", "months"),
            "the months of monthly were 1, and cannot become 2",
        ),
        (("meters", "data", "decimals"), "the decimals of data were 3, and cannot become 6"),
    ]
    assert found[1].hint == "write 3, or give the new meter a code of its own"


def test_what_subscriptions_go_by_cannot_be_taken_away() -> None:
    needed: dict[Key, int] = {
        ("meter", "calls"): 1,
        ("schedule", "monthly"): 1_200,
        ("tax", "vat"): 2,
        ("meter", "theirs"): 5,
    }
    assert conflicts(known(CATALOG), bodies(CATALOG), needed) == ()
    empty = bodies(EMPTY)
    assert [(each.path, each.message) for each in conflicts(known(CATALOG), empty, needed)] == [
        (("meters", "calls"), "1 subscription still goes by the meter calls"),
        (("schedules", "monthly"), "1,200 subscriptions still go by the schedule monthly"),
        (("taxes", "vat"), "2 subscriptions or accounts still go by the tax vat"),
    ]


# --- for all ---

NAMES = st.text(max_size=12)
PLANS = st.builds(
    Plan,
    code=st.sampled_from(["a", "b", "c"]),
    version=st.just(1),
    name=NAMES,
    family=NAMES,
    rank=st.integers(0, 3),
    prices=st.just(()),
    usage=st.just(()),
    trial_days=st.just(0),
    packs=st.just(()),
    tax_code=st.none(),
    retired=st.just(value=False),
    credits=st.integers(0, 2),
    features=st.lists(NAMES, max_size=2).map(tuple),
)
CATALOGS = st.lists(PLANS, max_size=3).map(
    lambda plans: EMPTY._replace(plans={plan.code: plan for plan in plans})
)


@settings(max_examples=50)
@given(st.lists(CATALOGS, min_size=1, max_size=4))
def test_whatever_is_applied_one_after_the_other_is_what_is_sold_then(
    catalogs: list[Catalog],
) -> None:
    at: dict[Key, Version] = {}
    for catalog in catalogs:
        wanted = bodies(catalog)
        for change in item_changes(at, wanted):
            before = at.get(change.key)
            if change.body is None:
                assert before is not None
                at[change.key] = before._replace(retired=True)
            else:
                assert change.version == (before.version + 1 if before else 1)
                at[change.key] = Version(change.version, change.body, retired=False)
        sold = {key: version.body for key, version in at.items() if not version.retired}
        assert sold == wanted
        assert item_changes(at, wanted) == ()

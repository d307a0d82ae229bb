"""A catalog file is read whole, or every mistake in it is told by line, with a remedy."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billdesk.core.rules.catalog import (
    Catalog,
    Company,
    Meter,
    PlanPrice,
    Schedule,
    TaxRate,
    Tier,
    UsageTerms,
)
from billdesk.core.rules.catalog_bodies import things_of, write_body
from billdesk.core.rules.catalog_file import LARGEST_LOGO_BYTES, LONGEST_LINE, read_catalog
from billdesk.core.rules.catalog_lines import KeyLines
from billdesk.core.rules.catalog_sections import MOST_MISTAKES
from billdesk.core.rules.catalog_words import read_thing
from billdesk.core.rules.pricing import price_usage
from billdesk.core.rules.sheets import CatalogMistakeSheet

SHIPPED = Path(__file__).parents[3] / "data" / "catalog.toml"

GOOD = """\
[company]
name = "Northwind"
address = \"\"\"
1 Quay
Harbour\"\"\"
tax = "vat"
usage_to = "invoice"
[schedules.monthly]
months = 1
[schedules.annual]
name = "Yearly"
months = 12
[meters.calls]
unit = "call"
[meters.data]
name = "Transfer"
unit = "GB"
decimals = 3
[taxes.vat]
name = "VAT"
percent = "7.50"
[plans.pro]
name = "Pro"
prices.monthly = ["49.00 USD", "45 EUR", "500 CREDIT"]
prices.annual = "490.00"
tax = "vat"
trial_days = 14
features = ["one", "two"]
packs = ["small"]
[plans.pro.usage.calls]
included = 1_000
pricing = "graduated"
tiers = [
  { up_to = "500", price = "0.01 EUR", flat = "2.50 EUR" },
  { price = "0.0005 EUR" },
]
[plans.pro.usage.data]
included = "0.5"
price = "0.05"
[packs.small]
name = "Small"
credits = 100
price = "9.00 USD"
expires_days = 30
"""


def good() -> Catalog:
    catalog, mistakes = read_catalog(GOOD, None)
    assert mistakes == ()
    assert catalog is not None
    return catalog


def mistakes_of(text: str, base: Path | None = None) -> tuple[CatalogMistakeSheet, ...]:
    catalog, mistakes = read_catalog(text, base)
    assert (catalog is None) == bool(mistakes)
    return mistakes


# --- what is right ---


def test_a_file_says_what_is_sold() -> None:
    catalog = good()
    assert catalog.company == Company(
        name="Northwind", address="1 Quay\nHarbour", tax_code="vat", usage_to="invoice"
    )
    assert catalog.schedules["annual"] == Schedule("annual", "Yearly", 12)
    assert catalog.schedules["monthly"].name == "monthly"
    assert catalog.meters["data"] == Meter("data", "Transfer", "GB", 3)
    assert catalog.taxes["vat"] == TaxRate("vat", "VAT", "", Decimal("7.50"), inclusive=False)
    plan = catalog.plans["pro"]
    assert plan.prices == (
        PlanPrice("monthly", "USD", 4_900),
        PlanPrice("monthly", "EUR", 4_500),
        PlanPrice("monthly", "CREDIT", 500),
        PlanPrice("annual", "USD", 49_000),
    )
    assert plan.price("monthly", "EUR") == PlanPrice("monthly", "EUR", 4_500)
    assert plan.price("annual", "EUR") is None
    assert (plan.rank, plan.trial_days, plan.tax_code) == (1, 14, "vat")
    assert plan.features == ("one", "two")
    tiers = (
        Tier(Decimal(500), Decimal("0.01"), Decimal("2.50")),
        Tier(None, Decimal("0.0005"), Decimal(0)),
    )
    assert plan.terms("calls") == UsageTerms(
        "calls", Decimal(1_000), "graduated", "EUR", tiers=tiers
    )
    assert plan.terms("data") == UsageTerms(
        "data", Decimal("0.5"), "per_unit", "USD", unit_price=Decimal("0.05")
    )
    assert plan.terms("other") is None


def test_a_plan_and_its_pack_say_the_same_of_each_other() -> None:
    catalog = good()
    assert catalog.packs["small"].plans == ("pro",)
    assert (catalog.packs["small"].price_minor, catalog.packs["small"].expires_days) == (900, 30)
    turned = GOOD.replace('packs = ["small"]', "").replace("expires_days = 30", 'plans = ["pro"]')
    other, mistakes = read_catalog(turned, None)
    assert not mistakes
    assert other is not None
    assert other.plans["pro"].packs == ("small",)
    assert other.packs["small"].expires_days is None
    for_all, _ = read_catalog(GOOD.replace('packs = ["small"]', ""), None)
    assert for_all is not None
    assert (for_all.packs["small"].plans, for_all.plans["pro"].packs) == ((), ())


def test_prices_without_an_asset_are_in_the_ledgers_own() -> None:
    catalog, mistakes = read_catalog(
        GOOD.replace('"490.00"', '"49000"').replace('"0.05"', '"5"'), None, default_asset="JPY"
    )
    assert not mistakes
    assert catalog is not None
    assert catalog.plans["pro"].price("annual", "JPY") == PlanPrice("annual", "JPY", 49_000)
    euros, _ = read_catalog(GOOD.replace('price = "0.05"', 'asset = "EUR"\nprice = "0.05"'), None)
    assert euros is not None
    assert [terms.asset for terms in euros.plans["pro"].usage] == ["EUR", "EUR"]


def test_names_of_every_script_are_taken_as_they_are_spelled() -> None:
    for name in ("株式会社テスト", "می\u200cشود", "क्\u200dष", "Grünwald & Söhne", "شركة"):
        catalog, mistakes = read_catalog(GOOD.replace("Northwind", name), None)
        assert not mistakes
        assert catalog is not None
        assert catalog.company.name == name


def test_a_plan_without_a_rank_has_its_place_in_its_family() -> None:
    lines = ["[schedules.m]\nmonths = 1"]
    for code, family in (("a", "x"), ("b", "y"), ("c", "x")):
        lines.append(f'[plans.{code}]\nname = "{code}"\nfamily = "{family}"\nprices.m = "0"')
    catalog, _ = read_catalog("\n".join(lines), None)
    assert catalog is not None
    assert {code: plan.rank for code, plan in catalog.plans.items()} == {"a": 1, "b": 1, "c": 2}


def test_what_ships_can_be_used_and_has_both_families() -> None:
    catalog, mistakes = read_catalog(SHIPPED.read_text(encoding="utf-8"), SHIPPED.parent)
    assert mistakes == ()
    assert catalog is not None
    families: dict[str, list[str]] = {}
    for plan in sorted(catalog.plans.values(), key=lambda each: each.rank):
        families.setdefault(plan.family, []).append(plan.name)
    assert families == {
        "Credits": ["Free", "Pro", "Enterprise"],
        "Metered": ["Starter", "Growth", "Scale", "Enterprise"],
    }


def test_what_ships_has_the_limits_the_overage_and_the_packs_that_were_asked_for() -> None:
    catalog, _ = read_catalog(SHIPPED.read_text(encoding="utf-8"), SHIPPED.parent)
    assert catalog is not None
    million = 10**6
    limits = {
        "starter": (million, 100_000, 50),
        "growth": (10 * million, million, 500),
        "scale": (50 * million, 5 * million, 2_500),
        "metered-enterprise": (100 * million, 10 * million, 5_000),
    }
    for code, included in limits.items():
        usage = catalog.plans[code].usage
        assert tuple(int(terms.included) for terms in usage) == included
        assert [(str(t.unit_price), int(t.package_size), t.asset) for t in usage] == [
            ("0.50", 1_000, "USD"),
            ("0.10", 1_000, "USD"),
            ("0.05", 1, "USD"),
        ]
    sizes = {
        code: [catalog.packs[pack].credits for pack in plan.packs]
        for code, plan in catalog.plans.items()
        if plan.packs
    }
    assert sizes == {
        "pro": [100_000, 500_000, million],
        "enterprise": [million, 5 * million, 10 * million],
    }


def test_a_logo_beside_the_file_comes_with_it(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    text = GOOD.replace('tax = "vat"\nusage', 'logo = "logo.png"\nusage')
    catalog, mistakes = read_catalog(text, tmp_path)
    assert not mistakes
    assert catalog is not None
    assert catalog.company.logo == b"\x89PNG\r\n\x1a\nrest"


def test_the_example_in_the_documentation_can_be_used() -> None:
    page = (SHIPPED.parents[1] / "docs" / "catalog.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    catalog, mistakes = read_catalog(example, None)
    assert mistakes == ()
    assert catalog is not None
    assert len(catalog.plans) == 2


@pytest.mark.parametrize(
    ("pricing", "price", "amount_minor"),
    [
        ("per_unit", 'price = "0.10 USD", per = 1_000', 25),
        ("package", 'price = "0.10 USD", per = 1_000', 30),
        ("graduated", 'tiers = [{ up_to = 1_000, price = "0.01" }, { price = "0.005" }]', 1_750),
        ("volume", 'tiers = [{ up_to = 1_000, price = "0.01" }, { price = "0.005" }]', 1_250),
        ("none", "", 0),
    ],
)
def test_the_sums_in_the_documentation_are_right(
    pricing: str, price: str, amount_minor: int
) -> None:
    terms = f'{{ included = 500, pricing = "{pricing}"{", " if price else ""}{price} }}'
    catalog, mistakes = read_catalog(
        "[schedules.m]\nmonths = 1\n[meters.calls]\nunit = 'call'\n"
        f"[plans.p]\nname = 'P'\nprices.m = '1.00'\nusage.calls = {terms}\n",
        None,
    )
    assert mistakes == ()
    assert catalog is not None
    assert price_usage(catalog.plans["p"].usage[0], 3_000, 0).amount_minor == amount_minor


# --- what is wrong: each change of the good file, where it is told, what, and the remedy ---

WRONG = [
    # keys and sections
    ("[company]", "[compny]", "compny", "not known", "mean company?"),
    ("months = 1\n", "month = 1\n", "schedules.monthly.month", "not known", "mean months?"),
    ("months = 1\n", "", "schedules.monthly.months", "no months", "months = 3"),
    ('unit = "call"', "", "meters.calls.unit", "no unit", "unit ="),
    ('name = "VAT"', 'name = " "', "taxes.vat.name", "is empty", "between"),
    ('name = "VAT"', "name = 5", "taxes.vat.name", "is a whole number", "write text"),
    ("[plans.pro]\n", "[plans.Pro]\n", "plans.Pro", "cannot be a code", ": pro"),
    ("[meters.calls]\n", "[meters]\ncalls = 3\n[meters.x]\n", "meters.calls", "whole number",
     "[meters.calls]"),
    ("[packs.small]", "[packs]\nsmall = { name = 'x' }\n[packs.other]", "packs.small.price",
     "no price", 'price = "100.00 USD"'),
    # text
    ('"Northwind"', '"North\\u001b[2Jwind"', "company.name", "cannot be seen: North␛[2Jwind",
     "on one line"),
    ('"Northwind"', '"North\\nwind"', "company.name", "cannot be seen", "on one line"),
    ('"Northwind"', '"a\\u202eb"', "company.name", "cannot be seen", "retype"),
    ("1 Quay", "1 Quay \\u0007", "company.address", "cannot be seen", "without them"),
    ('"Northwind"', f'"{"n" * 201}"', "company.name", "201 characters", "at most 200"),
    ('["one", "two"]', '["one", 2]', "plans.pro.features.2", "whole number", "text"),
    ('["one", "two"]', '["one", ""]', "plans.pro.features.2", "is empty", "quotes"),
    ('"invoice"', '"walet"', "company.usage_to", "walet is no usage_to", "mean wallet?"),
    # numbers
    ("months = 12", "months = 0", "schedules.annual.months", "is 0", "from 1 to 60"),
    ("months = 12", "months = true", "schedules.annual.months", "true or false", "whole number"),
    ("months = 12", "months = 1.5", "schedules.annual.months", "number with a point", "a whole"),
    ("months = 12", "months = 2026-01-01", "schedules.annual.months", "a date", "a whole"),
    ("months = 12", f"months = 0x{'f' * 5_000}".replace("f" * 5_000, "f" * 900),
     "schedules.annual.months", "beyond all bounds", "from 1"),
    ("decimals = 3", "decimals = 10", "meters.data.decimals", "is 10", "from 0 to 9"),
    ("trial_days = 14", "trial_days = -1", "plans.pro.trial_days", "is -1", "from 0"),
    # taxes
    ('"7.50"', "7.5", "taxes.vat.percent", "not in quotes", 'write "7.5"'),
    ('"7.50"', '"100.1"', "taxes.vat.percent", "100.1 percent", "at most 100"),
    ('"7.50"', '"-1"', "taxes.vat.percent", "below zero", "zero or more"),
    ('"7.50"', '"7,5"', "taxes.vat.percent", "not a number", "plain digits"),
    ('"7.50"', "[7]", "taxes.vat.percent", "a list", "text"),
    ('percent = "7.50"', "", "taxes.vat.percent", "no percent", "percent ="),
    ('percent = "7.50"', 'percent = "1"\ninclusive = "yes"', "taxes.vat.inclusive", "is text",
     "true or false"),
    ("[taxes.vat]", '[taxes.none]\nname="n"\npercent="1"\n[taxes.vat]', "taxes.none",
     "pays none", "another code"),
    ('tax = "vat"\ntrial', 'tax = "vta"\ntrial', "plans.pro.tax", "no tax vta", "mean vat?"),
    ('tax = "vat"\nusage', 'tax = "gst"\nusage', "company.tax", "no tax gst", "known: vat"),
    # prices
    ('"490.00"', "490.00", "plans.pro.prices.annual", "490.00 is not in quotes", '"490.00"'),
    ('"490.00"', "490", "plans.pro.prices.annual", "490 is not in quotes", '"490"'),
    ('"490.00"', "true", "plans.pro.prices.annual", "true is not in quotes", "exact"),
    ('"490.00"', "{ usd = 3 }", "plans.pro.prices.annual", "a table", "a price in quotes"),
    ('"490.00"', '"-1.00"', "plans.pro.prices.annual", "below zero", "zero or more"),
    ('"490.00"', '"490.001"', "plans.pro.prices.annual", "finer than USD", "2 decimal"),
    ('"490.00"', '"490.50 JPY"', "plans.pro.prices.annual", "finer than JPY", "no decimal"),
    ('"490.00"', '"1.0005 KWD"', "plans.pro.prices.annual", "finer than KWD", "3 decimal"),
    ('"490.00"', '"1e3"', "plans.pro.prices.annual", "not an amount", "12.50"),
    ('"490.00"', '"490.00 DOGE"', "plans.pro.prices.annual", "not an asset", "ISO 4217"),
    ('"490.00"', "[]", "plans.pro.prices.annual", "no price", '"49.00 USD"'),
    ('"45 EUR"', '"45.005 EUR"', "plans.pro.prices.monthly.2", "finer than EUR", "2 decimal"),
    ('"45 EUR"', '"45 USD"', "plans.pro.prices.monthly.2", "two prices in USD", "keep one"),
    ("prices.annual", "prices.anual", "plans.pro.prices.anual", "no schedule anual",
     "mean annual?"),
    ('prices.monthly = ["49.00 USD", "45 EUR", "500 CREDIT"]\nprices.annual = "490.00"\n',
     "", "plans.pro.prices", "no price", "0.00 USD"),
    # usage
    ("[plans.pro.usage.data]", "[plans.pro.usage.dta]", "plans.pro.usage.dta", "no meter dta",
     "mean data?"),
    ('"0.5"', '"0.0005"', "plans.pro.usage.data.included", "finer than data", "3 decimals"),
    ('"0.5"', "0.5", "plans.pro.usage.data.included", "not in quotes", '"0.5"'),
    ('price = "0.05"', 'price = "0.05 XXX"', "plans.pro.usage.data.price", "not an asset", "ISO"),
    ('price = "0.05"', 'price = "five"', "plans.pro.usage.data.price", "not a number", "plain"),
    ('price = "0.05"', "price = 0.05", "plans.pro.usage.data.price", "not in quotes", '"0.05"'),
    ('price = "0.05"', 'asset = "XX"', "plans.pro.usage.data.asset", "not an asset", "ISO"),
    ('price = "0.05"', 'pricing = "per_unit"', "plans.pro.usage.data.price", "no price", "price ="),
    ('price = "0.05"', 'pricing = "none"\nprice = "1"', "plans.pro.usage.data.price",
     "does not go with pricing 'none'", "remove"),
    ('price = "0.05"', 'pricing = "volume"', "plans.pro.usage.data.tiers", "no tiers", "tiers ="),
    ('price = "0.05"', 'price = "1"\ntiers = []', "plans.pro.usage.data.tiers",
     "does not go with pricing 'per_unit'", "remove"),
    ('price = "0.05"', 'pricing = "package"\nprice = "1"', "plans.pro.usage.data.per",
     "no size", "per = 1000"),
    ('price = "0.05"', 'price = "1"\nper = 0', "plans.pro.usage.data.per", "per is 0", "how many"),
    ('price = "0.05"', 'pricing = "tiered"', "plans.pro.usage.data.pricing",
     "tiered is no pricing", "known: none"),
    ('"graduated"', '"graduated"\nprice = "1"', "plans.pro.usage.calls.price",
     "does not go with pricing 'graduated'", "remove"),
    # tiers
    ('up_to = "500", ', "", "plans.pro.usage.calls.tiers.1.up_to", "no end", "up_to = 1000"),
    ('{ price = "0.0005 EUR" }', '{ up_to = 900, price = "1 EUR" }',
     "plans.pro.usage.calls.tiers.2.up_to", "last tier ends", "leave"),
    ('{ price = "0.0005 EUR" }', '{ up_to = 500, price = "1 EUR" }, { price = "0 EUR" }',
     "plans.pro.usage.calls.tiers.2.up_to", "ends at 500, the one before it at 500", "lowest"),
    ('"500"', '"0"', "plans.pro.usage.calls.tiers.1.up_to", "ends at 0", "lowest"),
    ('"500"', '"0.5"', "plans.pro.usage.calls.tiers.1.up_to", "finer than calls", "0 decimals"),
    ('{ price = "0.0005 EUR" }', "{ }", "plans.pro.usage.calls.tiers.2", "no price", "price ="),
    ('{ price = "0.0005 EUR" }', '{ price = "1 USD" }', "plans.pro.usage.calls.tiers",
     "priced in EUR and USD", "one asset"),
    ('{ price = "0.0005 EUR" }', "3", "plans.pro.usage.calls.tiers", "whole number", "a table"),
    ('{ price = "0.0005 EUR" }', '{ price = "0 EUR", flt = "1 EUR" }',
     "plans.pro.usage.calls.tiers.2.flt", "not known", "mean flat?"),
    ('"2.50 EUR"', '"2.505 EUR"', "plans.pro.usage.calls.tiers.1.flat", "finer than EUR", "2"),
    # packs
    ("credits = 100", "credits = 0", "packs.small.credits", "is 0", "from 1"),
    ("credits = 100", "", "packs.small.credits", "no credits", "credits = 100_000"),
    ('"9.00 USD"', '"0.00 USD"', "packs.small.price", "for nothing", "grant"),
    ('"9.00 USD"', '"9 CREDIT"', "packs.small.price", "cannot buy credits", "money"),
    ("expires_days = 30", "expires_days = 0", "packs.small.expires_days", "is 0", "from 1"),
    ('packs = ["small"]', 'packs = ["smal"]', "plans.pro.packs", "no pack smal", "mean small?"),
    ('packs = ["small"]', 'packs = ["small", "small"]', "plans.pro.packs", "twice", "remove"),
    ('packs = ["small"]', "packs = [1]", "plans.pro.packs", "whole number", "code of a pack"),
    ("expires_days = 30", 'plans = ["free"]', "packs.small.plans", "no plan free", "known: pro"),
    # who sells
    ('usage_to = "invoice"', 'invoice_prefix = "CN-"', "company.credit_note_prefix",
     "the same prefix", "apart"),
    ('usage_to = "invoice"', "due_days = 400", "company.due_days", "is 400", "from 0 to 365"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "message", "hint"), WRONG)
def test_a_mistake_is_told_by_line_with_a_remedy(
    old: str, new: str, where: str, message: str, hint: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    found = [each for each in mistakes_of(text) if each.where == where]
    assert found, mistakes_of(text)
    assert message in found[0].message
    assert hint in found[0].hint
    told = text.split("\n")[found[0].line - 1]
    assert is_there(told, where.split(".")), f"line {found[0].line}: {told}"


def is_there(told: str, where: list[str]) -> bool:
    """Whether a line has the key, or else begins the table that it is missing in."""
    key = [part for part in where if not part.isdigit()][-1]
    return (
        key in told
        or where[-2] in told
        or told == f"[{'.'.join(where[:-1])}]"
        or told.startswith("  {")
    )


def test_all_mistakes_are_told_at_once_by_line() -> None:
    text = GOOD.replace('"490.00"', "490.00").replace("months = 12", "months = 99")
    text = text.replace("credits = 100", "credits = -1")
    assert [(each.line, each.where) for each in mistakes_of(text)] == [
        (12, "schedules.annual.months"),
        (25, "plans.pro.prices.annual"),
        (42, "packs.small.credits"),
    ]


def test_plans_that_contradict_each_other_are_told() -> None:
    two = GOOD + '[plans.max]\nname = "Pro"\nrank = 1\nprices.monthly = "1"\n'
    assert [(each.line, each.where, each.message) for each in mistakes_of(two)] == [
        (46, "plans.max.name", "pro, of the same family, has the same name"),
        (47, "plans.max.rank", "pro, of the same family, has the same rank"),
    ]
    pack = GOOD.replace("expires_days = 30", 'plans = ["max"]')
    pack += '[plans.max]\nname = "Max"\nprices.monthly = "1"\n'
    [mistake] = mistakes_of(pack)
    assert (mistake.line, mistake.where) == (29, "plans.pro.packs")
    assert mistake.message == "small is not for pro"


def test_more_than_can_be_counted_is_told() -> None:
    text = GOOD.replace("decimals = 3", "decimals = 9").replace('"0.5"', '"99999999999"')
    [mistake] = mistakes_of(text)
    assert (mistake.where, mistake.hint) == ("plans.pro.usage.data.included", "write less")


def test_very_many_mistakes_are_counted_not_listed() -> None:
    text = GOOD + "\n".join(f"[plans.p{number}]" for number in range(300))
    found = mistakes_of(text)
    assert len(found) == MOST_MISTAKES + 1
    assert found[-1].line == 0
    assert "more mistakes are not listed" in found[-1].message


# --- what is no TOML, or hostile ---

BROKEN = [
    ("[plans.pro", 1, "Expected ']'", "TOML"),
    ("a =\n", 1, "Invalid value", "TOML"),
    ("[plans.a]\nname = 'x", 2, "Expected", "TOML"),
    ("[plans.a]\n[plans.b]\n[plans.a]\n", 3, "twice", "keep one"),
    ("[plans.a]\nname = 'a'\nname = 'b'\n", 3, "overwrite", "keep one"),
    ("a = '\x00'", 1, "character", "TOML"),
    ("a = [", 1, "", "TOML"),
    ('a = """\n\n', 3, "Unterminated string", "TOML"),
    ("x = " + "[" * (LONGEST_LINE - 10), 0, "nested too deeply", "nothing"),
    ("\n".join(["x = [", *["[" * 900] * 30]), 0, "nested too deeply", "nothing"),
    ("", 0, "nothing is sold", "[plans.…]"),
    ("# only a remark\n", 0, "nothing is sold", "[plans.…]"),
    ("plans = 3", 1, "plans is a whole number", "a table"),
    ("[[plans]]", 1, "plans is a list", "a table"),
    ("a." * 400 + "b = 1", 1, "a is not known", "known: company"),
    ("a = 'b'" + " " * LONGEST_LINE, 1, f"{LONGEST_LINE + 7:,} characters", "three quotes"),
]


@pytest.mark.parametrize(("text", "line", "message", "hint"), BROKEN)
def test_what_is_no_catalog_is_told_with_its_line(
    text: str, line: int, message: str, hint: str
) -> None:
    first = mistakes_of(text)[0]
    assert (first.line, message in first.message, hint in first.hint) == (line, True, True), first


ODDITIES = st.sampled_from(
    ['"', "'", "[", "]", "{", "}", "=", ".", "\n", "#", '"""', "-1", "0.5", "true", "2020-01-01", "inf",
     "1e400", '"\\u0000"', "[plans]", "[[packs]]", "9" * 300, '"5 USD"', '"5 CREDIT"', "{}", "[[]]",
     "[{}]", "\t", "\r", "\x7f", "é"]
)  # fmt: skip


@settings(max_examples=150)
@given(
    oddities=st.lists(st.tuples(st.integers(0, GOOD.count("\n") - 1), ODDITIES), max_size=3),
    instead=st.booleans(),
)
def test_whatever_is_in_a_file_it_is_taken_or_told(
    *, oddities: list[tuple[int, str]], instead: bool
) -> None:
    lines = GOOD.split("\n")
    for place, oddity in oddities:
        key, is_there, _ = lines[place].partition("=")
        lines[place] = f"{key}= {oddity}" if instead and is_there else f"{lines[place]}{oddity}"
    text = "\n".join(lines)
    catalog, mistakes = read_catalog(text, None)
    assert (catalog is None) == bool(mistakes)
    for mistake in mistakes:
        assert 0 <= mistake.line <= text.count("\n") + 1
        assert mistake.message
        assert mistake.hint
    if catalog is not None:
        for which, thing in things_of(catalog).items():
            assert read_thing(which, 1, write_body(thing)) == thing


def test_a_number_beyond_all_bounds_is_told() -> None:
    for digits in ("9" * 900, f"0x{'f' * 900}"):
        [mistake] = [m for m in mistakes_of(f"[schedules.m]\nmonths = {digits}\n") if m.line]
        assert (mistake.line, mistake.message) == (2, "months is a number beyond all bounds")
    percent = GOOD.replace('"7.50"', "9" * 900)
    assert "not a number" in mistakes_of(percent)[0].message


def test_a_key_that_is_nowhere_has_no_line() -> None:
    lines = KeyLines(GOOD)
    assert lines.line_of(("services", "x")) == 0
    assert lines.line_of(("meters", "gone")) == lines.line_of(("meters",))


def test_a_file_made_to_take_for_ever_does_not() -> None:
    started = time.perf_counter()
    line = "a." * ((LONGEST_LINE - 20) // 2)
    mistakes_of("\n".join(f"{line}k{number} = 1" for number in range(100)))
    mistakes_of("\n".join(f"[plans.p{number}]" for number in range(5_000)))
    assert time.perf_counter() - started < 5


def test_a_windows_file_with_odd_but_right_toml_is_located_too() -> None:
    text = (
        "# [plans.not-this]\r\n"
        "schedules = { m = { months = 1 } } # { [\r\n"
        "note = '''\r\n[plans.nor-this]\r\n'''\r\n"
        '"plans"."odd-one" . name = "odd # [" # ]\r\n'
        "[ plans . other ]\r\n"
        "'name' = \"x\"\r\n"
        'prices = { m = "1.001 USD" }\r\n'
    )
    assert [(each.line, each.where) for each in mistakes_of(text)] == [
        (3, "note"),
        (6, "plans.odd-one.prices"),
        (9, "plans.other.prices.m"),
    ]


# --- the logo ---


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.png", None, "cannot be read"),
        ("../logo.png", None, "not beside the file"),
        ("/etc/passwd", None, "not beside the file"),
        ("logo.svg", b"<svg/>", "neither a PNG nor a JPEG"),
        ("logo.png", b"\x89PNG\r\n\x1a\n" + b"x" * LARGEST_LOGO_BYTES, "too large"),
    ],
)
def test_a_logo_that_cannot_be_taken_is_told(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    text = GOOD.replace('tax = "vat"\nusage', f'logo = "{name}"\nusage')
    [mistake] = mistakes_of(text, tmp_path)
    assert (mistake.line, mistake.where) == (6, "company.logo")
    assert message in mistake.message


def test_a_logo_needs_a_folder_to_be_looked_for_in() -> None:
    [mistake] = mistakes_of(GOOD.replace('tax = "vat"\nusage', 'logo = "logo.png"\nusage'))
    assert "not beside the file" in mistake.message

"""What a catalog file says of plans and packs, and of what they have to do with one another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from billdesk.core.rules.catalog import (
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
from billdesk.core.rules.catalog_sections import Section, nearest
from billdesk.core.values.money import CREDIT, LARGEST_MINOR, exponent_of
from billdesk.core.values.text import NAME_LENGTH

MOST_CREDITS = 10**15
MOST_TRIAL_DAYS = 730
MOST_EXPIRY_DAYS = 3_660
MOST_RANK = 1_000
LONGEST_FEATURE = 200

_PRICINGS: tuple[Pricing, ...] = ("none", "per_unit", "graduated", "volume", "package")


class Surroundings(NamedTuple):
    """What plans and packs may refer to: codes of the file, and the asset of prices that name none."""

    schedules: Mapping[str, Schedule]
    meters: Mapping[str, Meter]
    taxes: Mapping[str, TaxRate]
    plans: tuple[str, ...]
    packs: tuple[str, ...]
    asset: str


# --- plans ---


def read_plans(plans: Section, around: Surroundings) -> dict[str, Plan]:
    """Every plan of the file. A plan without a rank has its place in its family."""
    found: dict[str, Plan] = {}
    sizes: Counter[str] = Counter()
    by_rank: dict[tuple[str, int], str] = {}
    by_name: dict[tuple[str, str], str] = {}
    for code, section in plans.sections():
        family = section.text("family", longest=NAME_LENGTH)
        sizes[family] += 1
        plan = _plan(code, section, around, family, sizes[family])
        _alone(section, "rank", by_rank.setdefault((family, plan.rank), code), code)
        if plan.name:
            _alone(section, "name", by_name.setdefault((family, plan.name), code), code)
        found[code] = plan
    return found


def _alone(section: Section, key: str, other: str, code: str) -> None:
    if other != code:
        section.wrong(
            key, f"{other}, of the same family, has the same {key}", f"give another {key}"
        )


def _plan(code: str, section: Section, around: Surroundings, family: str, place: int) -> Plan:
    plan = Plan(
        code=code,
        version=1,
        name=section.text("name", longest=NAME_LENGTH, needed=True),
        family=family,
        rank=section.whole("rank", place, 0, MOST_RANK),
        prices=_prices(section, around),
        usage=_usage(section.section("usage"), around),
        credits=section.whole("credits", 0, 0, MOST_CREDITS),
        trial_days=section.whole("trial_days", 0, 0, MOST_TRIAL_DAYS),
        packs=section.codes("packs", around.packs, "pack"),
        features=section.texts("features", longest=LONGEST_FEATURE),
        tax_code=section.code("tax", around.taxes, "tax"),
    )
    section.finish()
    return plan


def _prices(section: Section, around: Surroundings) -> tuple[PlanPrice, ...]:
    prices = section.section("prices")
    found: list[PlanPrice] = []
    schedules = prices.keys()
    for schedule in schedules:
        if schedule not in around.schedules:
            hint = nearest(schedule, around.schedules)
            prices.wrong(schedule, f"there is no schedule {schedule[:40]}", hint)
        moneys = prices.moneys(schedule, around.asset)
        found.extend(PlanPrice(schedule, money.asset, money.minor) for money in moneys)
    if not schedules:
        section.wrong(
            "prices",
            "the plan has no price",
            'write prices.monthly = "49.00 USD"; "0.00 USD" is free',
        )
    return tuple(found)


# --- what a plan says of meters ---


def _usage(usage: Section, around: Surroundings) -> tuple[UsageTerms, ...]:
    found = []
    for code, section in usage.sections():
        meter = around.meters.get(code)
        if meter is None:
            usage.wrong(code, f"there is no meter {code[:40]}", nearest(code, around.meters))
        found.append(_terms(code, section, around.asset, meter))
        section.finish()
    return tuple(found)


def _terms(code: str, section: Section, asset: str, meter: Meter | None) -> UsageTerms:
    asset = section.asset("asset", asset)
    terms = UsageTerms(code, _quantity(section, "included", meter) or Decimal(0), "none", asset)
    usual: Pricing = "per_unit" if section.has("price") else "none"
    terms = terms._replace(pricing=section.choice("pricing", _PRICINGS, usual))
    if terms.pricing in {"graduated", "volume"}:
        _unwanted(section, terms.pricing, "price", "per")
        return _with_tiers(section, terms, meter)
    _unwanted(section, terms.pricing, "tiers")
    if terms.pricing == "none":
        _unwanted(section, terms.pricing, "price", "per")
        return terms
    return _with_price(section, terms)


def _with_price(section: Section, terms: UsageTerms) -> UsageTerms:
    size = section.number("per")
    if not section.has("price"):
        section.wrong("price", f"{terms.pricing} has no price", 'write price = "0.50"')
    if size == 0:
        section.wrong("per", "per is 0", "of how many units is it the price? per = 1000")
        size = None
    if terms.pricing == "package" and not section.has("per"):
        section.wrong("per", "a package has no size", "how many units are in one? per = 1000")
    price = section.unit_price("price", terms.asset)
    if price is None:
        return terms
    return terms._replace(unit_price=price[0], asset=price[1], package_size=size or Decimal(1))


def _with_tiers(section: Section, terms: UsageTerms, meter: Meter | None) -> UsageTerms:
    tiers: list[Tier] = []
    assets: list[str] = []
    listed = section.listed("tiers")
    if not listed:
        section.wrong(
            "tiers", f"{terms.pricing} has no tiers",
            'write tiers = [{ up_to = 1000, price = "0.01" }, { price = "0.005" }]',
        )  # fmt: skip
    for place, each in enumerate(listed, 1):
        tiers.append(_tier(each, assets, terms.asset, meter))
        _check_order(each, tiers, is_last=place == len(listed))
        each.finish()
    if len(set(assets)) > 1:
        section.wrong(
            "tiers", f"the tiers are priced in {' and '.join(dict.fromkeys(assets))}",
            "price all of them in one asset",
        )  # fmt: skip
    return terms._replace(tiers=tuple(tiers), asset=assets[0] if assets else terms.asset)


def _tier(section: Section, assets: list[str], asset: str, meter: Meter | None) -> Tier:
    """One tier; the assets of its prices are added to `assets`."""
    if not (section.has("price") or section.has("flat")):
        section.wrong("", "a tier has no price", 'write price = "0.01", or flat = "5.00"')
    price = section.unit_price("price", asset)
    flat = section.money("flat", asset)
    assets += [price[1]] if price else []
    assets += [flat.asset] if flat else []
    return Tier(
        _quantity(section, "up_to", meter),
        price[0] if price else Decimal(0),
        Decimal(flat.minor).scaleb(-exponent_of(flat.asset)) if flat else Decimal(0),
    )


def _check_order(section: Section, tiers: list[Tier], *, is_last: bool) -> None:
    up_to = tiers[-1].up_to
    before = tiers[-2].up_to if len(tiers) > 1 else Decimal(0)
    if is_last and section.has("up_to"):
        section.wrong(
            "up_to", "the last tier ends", "leave its up_to away: the rest has to cost, too"
        )
    elif not is_last and not section.has("up_to"):
        section.wrong("up_to", "a tier before the last has no end", "write up_to = 1000")
    elif up_to is not None and before is not None and up_to <= before:
        section.wrong(
            "up_to", f"the tier ends at {up_to:f}, the one before it at {before:f}",
            "list tiers from the lowest to the highest",
        )  # fmt: skip


def _quantity(section: Section, key: str, meter: Meter | None) -> Decimal | None:
    """A number of units, no finer than the meter counts, nor more than it can."""
    quantity = section.number(key)
    if quantity is None or meter is None:
        return quantity
    smallest = quantity.scaleb(meter.decimals)
    if smallest != int(smallest):
        section.wrong(
            key, f"{quantity:f} is finer than {meter.code} counts",
            f"{meter.code} has {meter.decimals} decimals",
        )  # fmt: skip
    elif smallest > LARGEST_MINOR:
        section.wrong(key, f"{quantity:f} is more than can be counted", "write less")
    return quantity


def _unwanted(section: Section, pricing: str, *keys: str) -> None:
    """Tell of what has no meaning with that pricing; it counts as known all the same."""
    for key in keys:
        if section.has(key):
            section.wrong(
                key, f"{key} does not go with pricing {pricing!r}",
                "remove it, or choose another pricing",
            )  # fmt: skip


# --- packs ---


def read_packs(packs: Section, around: Surroundings) -> dict[str, Pack]:
    """Every pack of the file."""
    found = {}
    for code, section in packs.sections():
        found[code] = _pack(code, section, around)
        section.finish()
    return found


def _pack(code: str, section: Section, around: Surroundings) -> Pack:
    for key, hint in (("credits", "credits = 100_000"), ("price", 'price = "100.00 USD"')):
        if not section.has(key):
            section.wrong(key, f"there is no {key}", f"write {hint}")
    price = section.money("price", around.asset)
    if price is not None and price.minor == 0:
        section.wrong(
            "price", "a pack for nothing", "grant credits instead: billdesk credits grant"
        )
    if price is not None and price.asset == CREDIT:
        section.wrong("price", "credits cannot buy credits", "price it in money")
    days = section.whole("expires_days", 0, 1, MOST_EXPIRY_DAYS)
    return Pack(
        code=code,
        version=1,
        name=section.text("name", longest=NAME_LENGTH, needed=True),
        credits=section.whole("credits", 1, 1, MOST_CREDITS),
        asset=price.asset if price else around.asset,
        price_minor=price.minor if price else 0,
        plans=section.codes("plans", around.plans, "plan"),
        expires_days=days or None,
        tax_code=section.code("tax", around.taxes, "tax"),
    )


def tie(
    section: Section, plans: dict[str, Plan], packs: dict[str, Pack]
) -> tuple[dict[str, Plan], dict[str, Pack]]:
    """Let plans and packs say the same of each other, whichever of the two it stands at.

    A pack for nobody in particular that some plans list is for them; one that names its plans is for
    those, and a plan that lists it without being named contradicts it. `section` holds the plans.
    """
    listing: dict[str, list[str]] = defaultdict(list)
    for plan in plans.values():
        for code in plan.packs:
            listing[code].append(plan.code)
    tied: dict[str, Pack] = {}
    buying: dict[str, list[str]] = defaultdict(list)
    for code, pack in packs.items():
        for lister in listing[code]:
            if pack.plans and lister not in pack.plans:
                section.section(lister).wrong(
                    "packs",
                    f"{code} is not for {lister}",
                    f"add {lister} to the plans of the pack, or remove {code} here",
                )
        tied[code] = pack._replace(plans=pack.plans or tuple(listing[code]))
        for buyer in tied[code].plans:
            buying[buyer].append(code)
    return {c: plan._replace(packs=tuple(buying[c])) for c, plan in plans.items()}, tied

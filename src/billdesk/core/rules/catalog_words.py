"""What is sold in words, one line for each thing that can change: for people who compare."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple, assert_never

from billdesk.core.rules.catalog import Company, Meter, Pack, Plan, Schedule, TaxRate, UsageTerms
from billdesk.core.rules.catalog_bodies import (
    Key,
    Thing,
    read_company,
    read_meter,
    read_pack,
    read_plan,
    read_schedule,
    read_tax,
)
from billdesk.core.rules.catalog_changes import ItemChange
from billdesk.core.rules.pricing import count_words, price_words
from billdesk.core.values.money import format_grouped

LONGEST_WORDS = 120

Words = dict[str, str]


class TermsWords(NamedTuple):
    """What a plan says of a meter, as people write it."""

    included: str
    pricing: str
    price: str


def read_thing(key: Key, version: int, body: str) -> Thing:
    """A version of anything from its body."""
    sort, code = key
    match sort:
        case "plan":
            return read_plan(code, version, body, retired=False)
        case "pack":
            return read_pack(code, version, body, retired=False)
        case "meter":
            return read_meter(code, body)
        case "tax":
            return read_tax(code, body)
        case "schedule":
            return read_schedule(code, body)
        case "company":
            return read_company(body)
        case _:
            assert_never(sort)


def change_details(change: ItemChange) -> tuple[str, ...]:
    """What is different, a line for each: all there is of something new, nothing of what goes."""
    if change.body is None:
        return ()
    new = thing_words(read_thing(change.key, change.version, change.body))
    if change.before is None:
        return tuple(f"{label}: {words}" for label, words in new.items() if words)
    old = thing_words(read_thing(change.key, change.version, change.before))
    return tuple(
        f"{label}: {_short(old.get(label))} → {_short(new.get(label))}"
        for label in {**old, **new}
        if old.get(label) != new.get(label)
    )


def _short(words: str | None) -> str:
    words = words or "nothing"
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS - 1]}…"


def thing_words(thing: Thing) -> Words:
    """Everything that is said of a thing, by label; what is not said is empty."""
    match thing:
        case Plan():
            return _plan_words(thing)
        case Pack():
            return _pack_words(thing)
        case Meter():
            return {"name": thing.name, "unit": thing.unit, "decimals": str(thing.decimals)}
        case TaxRate():
            side = "held by prices" if thing.inclusive else "on top of prices"
            return {
                "name": thing.name,
                "jurisdiction": thing.jurisdiction,
                "percent": f"{count_words(thing.percent)} %, {side}",
            }
        case Schedule():
            return {"name": thing.name, "months": str(thing.months)}
        case Company():
            return _company_words(thing)
        case _:
            assert_never(thing)


def _plan_words(plan: Plan) -> Words:
    prices: dict[str, list[str]] = {}
    for price in plan.prices:
        prices.setdefault(price.schedule, []).append(_money(price.amount_minor, price.asset))
    return {
        "name": plan.name,
        "family": plan.family,
        "rank": str(plan.rank),
        **{schedule: ", ".join(each) for schedule, each in prices.items()},
        "credits": f"{plan.credits:,}" if plan.credits else "",
        "trial": f"{plan.trial_days} days" if plan.trial_days else "",
        **{terms.meter: _terms_line(terms) for terms in plan.usage},
        "packs": ", ".join(plan.packs),
        "features": "; ".join(plan.features),
        "tax": plan.tax_code or "",
    }


def _pack_words(pack: Pack) -> Words:
    return {
        "name": pack.name,
        "credits": f"{pack.credits:,}",
        "price": _money(pack.price_minor, pack.asset),
        "plans": ", ".join(pack.plans),
        "expires": f"after {pack.expires_days} days" if pack.expires_days else "",
        "tax": pack.tax_code or "",
    }


def _company_words(company: Company) -> Words:
    logo = company.logo
    return {
        "name": company.name,
        "address": " / ".join(company.address.split("\n")),
        "tax id": company.tax_id,
        "email": company.email,
        "terms": " / ".join(company.terms.split("\n")),
        "due": f"{company.due_days} days",
        "invoices": f"{company.invoice_prefix}{'0' * (company.digits - 1)}1",
        "credit notes": f"{company.credit_note_prefix}{'0' * (company.digits - 1)}1",
        "tax": company.tax_code or "",
        "usage to": company.usage_to,
        "logo": f"{len(logo):,} bytes, {sha256(logo).hexdigest()[:8]}" if logo else "",
    }


def _terms_line(terms: UsageTerms) -> str:
    words = terms_words(terms, "unit")
    over = "" if terms.pricing == "none" else f", then {words.pricing} {words.price}"
    return f"{words.included} included{over}"


def terms_words(terms: UsageTerms, unit: str) -> TermsWords:
    """What a plan says of a meter that counts in `unit`."""
    return TermsWords(
        count_words(terms.included), terms.pricing.replace("_", " "), _price(terms, unit)
    )


def _price(terms: UsageTerms, unit: str) -> str:
    size = count_words(terms.package_size)
    price = f"{price_words(terms.unit_price, terms.asset)} {terms.asset}"
    match terms.pricing:
        case "none":
            return "free"
        case "per_unit":
            return f"{price} per {unit}" if size == "1" else f"{price} per {size}"
        case "package":
            return f"{price} per begun {size}"
        case "graduated" | "volume":
            return "; ".join(_tiers(terms))
        case _:
            assert_never(terms.pricing)


def _tiers(terms: UsageTerms) -> list[str]:
    """Each tier by where it ends: `up to 1,000 0.01 USD; beyond 0.005 USD + 5.00 USD`."""
    found = []
    for tier in terms.tiers:
        end = "beyond" if tier.up_to is None else f"up to {count_words(tier.up_to)}"
        flat = f" + {price_words(tier.flat, terms.asset)} {terms.asset}" if tier.flat else ""
        found.append(f"{end} {price_words(tier.unit_price, terms.asset)} {terms.asset}{flat}")
    return found


def _money(minor: int, asset: str) -> str:
    return f"{format_grouped(minor, asset)} {asset}"

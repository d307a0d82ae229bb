"""What is sold, as the catalog says it: plans, packs, meters, tax rates, schedules and the company.

Nothing here is read from a file or a database; `catalog_file` reads, `catalog_changes` compares.
Rates and prices are `Decimal` in major units of their asset: they can be finer than its minor unit, and
are multiplied once and rounded once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

Sort = Literal["plan", "pack", "meter", "tax", "schedule", "company"]
Pricing = Literal["none", "per_unit", "graduated", "volume", "package"]


class Schedule(NamedTuple):
    """How often a price is due: every `months`."""

    code: str
    name: str
    months: int


class Meter(NamedTuple):
    """Something that is counted. Quantities are whole numbers of the `decimals`-th part of a `unit`."""

    code: str
    name: str
    unit: str
    decimals: int


class TaxRate(NamedTuple):
    """A tax: `percent` of the net amount; `inclusive` when prices hold it already."""

    code: str
    name: str
    jurisdiction: str
    percent: Decimal
    inclusive: bool


class Tier(NamedTuple):
    """A stretch of use up to `up_to` units (None: without end), by the `unit_price`, and a `flat` sum."""

    up_to: Decimal | None
    unit_price: Decimal
    flat: Decimal = Decimal(0)


class UsageTerms(NamedTuple):
    """What a plan says of one meter: how much is included, and what the rest costs.

    `pricing` tells how what is over `included` units is priced: `per_unit` (`unit_price` for every
    `package_size` units, each unit its share), `package` (`unit_price` for each begun package of
    `package_size`), `graduated` (each tier's units at its own price), `volume` (all units at the price
    of the tier that is reached), or `none`: what is over costs nothing. Prices are in `asset`, major
    units; tiers count from the first unit over what is included, and the last one is without end.
    """

    meter: str
    included: Decimal
    pricing: Pricing
    asset: str
    unit_price: Decimal = Decimal(0)
    package_size: Decimal = Decimal(1)
    tiers: tuple[Tier, ...] = ()


class PlanPrice(NamedTuple):
    """What a plan costs per `schedule` in `asset`, minor units, for one of its quantity."""

    schedule: str
    asset: str
    amount_minor: int


class Plan(NamedTuple):
    """One version of a plan. `credits` come with every period and last to its end."""

    code: str
    version: int
    name: str
    family: str
    rank: int
    prices: tuple[PlanPrice, ...]
    usage: tuple[UsageTerms, ...] = ()
    credits: int = 0
    trial_days: int = 0
    packs: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    tax_code: str | None = None
    retired: bool = False

    def price(self, schedule: str, asset: str) -> PlanPrice | None:
        """The price for that schedule in that asset, if the plan has one."""
        for each in self.prices:
            if (each.schedule, each.asset) == (schedule, asset):
                return each
        return None

    def terms(self, meter: str) -> UsageTerms | None:
        """What it says of a meter, if anything."""
        return next((each for each in self.usage if each.meter == meter), None)


class Pack(NamedTuple):
    """One version of a pack of credits. `plans`: who may buy it (none: everybody)."""

    code: str
    version: int
    name: str
    credits: int
    asset: str
    price_minor: int
    plans: tuple[str, ...] = ()
    expires_days: int | None = None
    tax_code: str | None = None
    retired: bool = False


class Company(NamedTuple):
    """Who sells: what stands on invoices. `logo` is a picture (PNG or JPEG), if there is one.

    `usage_to`: where closed usage is billed by itself: from the wallet, on an invoice, or by hand only.
    """

    name: str = ""
    address: str = ""
    tax_id: str = ""
    email: str = ""
    terms: str = ""
    due_days: int = 14
    invoice_prefix: str = "INV-"
    credit_note_prefix: str = "CN-"
    digits: int = 6
    tax_code: str | None = None
    usage_to: Literal["wallet", "invoice", "hand"] = "hand"
    logo: bytes | None = None


class Catalog(NamedTuple):
    """Everything that is sold now, by code."""

    plans: dict[str, Plan]
    packs: dict[str, Pack]
    meters: dict[str, Meter]
    taxes: dict[str, TaxRate]
    schedules: dict[str, Schedule]
    company: Company


EMPTY = Catalog({}, {}, {}, {}, {}, Company())

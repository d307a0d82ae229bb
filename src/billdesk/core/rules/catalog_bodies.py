"""What is sold as text, one thing at a time, and back: how the versions of a catalog are kept.

Equal things have equal text: keys in order, numbers without needless zeros. A thing's code and version
stand beside its body.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from decimal import Decimal
from functools import lru_cache
from typing import Any

from billdesk.core.rules.catalog import (
    Catalog,
    Company,
    Meter,
    Pack,
    Plan,
    PlanPrice,
    Schedule,
    Sort,
    TaxRate,
    Tier,
    UsageTerms,
)

Key = tuple[Sort, str]
Thing = Plan | Pack | Meter | TaxRate | Schedule | Company

COMPANY: Key = ("company", "company")

_BESIDE = ("code", "version", "retired")


def things_of(catalog: Catalog) -> dict[Key, Thing]:
    """Everything in a catalog by sort and code, what others refer to first."""
    things: dict[Key, Thing] = {COMPANY: catalog.company}
    things |= {("schedule", code): each for code, each in catalog.schedules.items()}
    things |= {("meter", code): each for code, each in catalog.meters.items()}
    things |= {("tax", code): each for code, each in catalog.taxes.items()}
    things |= {("plan", code): each for code, each in catalog.plans.items()}
    things |= {("pack", code): each for code, each in catalog.packs.items()}
    return things


def write_body(thing: Thing) -> str:
    """A thing as text."""
    return json.dumps(_plain(thing), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a thing is made of
    match value:
        case Decimal():
            return format(value.normalize(), "f")
        case bytes():
            return b64encode(value).decode()
        case tuple() if hasattr(value, "_asdict"):
            fields = value._asdict()
            return {name: _plain(each) for name, each in fields.items() if name not in _BESIDE}
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value


@lru_cache(maxsize=2_048)  # versions never change, and every period is rated by one
def read_plan(code: str, version: int, body: str, *, retired: bool) -> Plan:
    """A version of a plan from its body."""
    fields = json.loads(body)
    fields["prices"] = tuple(PlanPrice(**price) for price in fields["prices"])
    fields["usage"] = tuple(_terms(terms) for terms in fields["usage"])
    fields["packs"] = tuple(fields["packs"])
    fields["features"] = tuple(fields["features"])
    return Plan(code=code, version=version, retired=retired, **fields)


def _terms(fields: dict[str, Any]) -> UsageTerms:
    numbers = {name: Decimal(fields[name]) for name in ("included", "unit_price", "package_size")}
    return UsageTerms(**{**fields, **numbers, "tiers": tuple(_tier(t) for t in fields["tiers"])})


def _tier(fields: dict[str, Any]) -> Tier:
    up_to = fields["up_to"]
    return Tier(
        None if up_to is None else Decimal(up_to),
        Decimal(fields["unit_price"]),
        Decimal(fields["flat"]),
    )


@lru_cache(maxsize=512)
def read_pack(code: str, version: int, body: str, *, retired: bool) -> Pack:
    """A version of a pack from its body."""
    fields = json.loads(body)
    fields["plans"] = tuple(fields["plans"])
    return Pack(code=code, version=version, retired=retired, **fields)


def read_meter(code: str, body: str) -> Meter:
    """A meter from its body."""
    return Meter(code=code, **json.loads(body))


def read_schedule(code: str, body: str) -> Schedule:
    """A schedule from its body."""
    return Schedule(code=code, **json.loads(body))


def read_tax(code: str, body: str) -> TaxRate:
    """A tax rate from its body."""
    fields = json.loads(body)
    fields["percent"] = Decimal(fields["percent"])
    return TaxRate(code=code, **fields)


@lru_cache(maxsize=16)  # a picture is decoded once
def read_company(body: str) -> Company:
    """The company from its body."""
    fields = json.loads(body)
    if fields["logo"] is not None:
        fields["logo"] = b64decode(fields["logo"])
    return Company(**fields)

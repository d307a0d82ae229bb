"""A catalog file: TOML text becomes what is sold, or everything that is wrong with it, by line."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from billdesk.core.rules.catalog import Catalog, Company, Meter, Schedule, TaxRate
from billdesk.core.rules.catalog_lines import KeyLines
from billdesk.core.rules.catalog_plans import Surroundings, read_packs, read_plans, tie
from billdesk.core.rules.catalog_sections import MOST_MISTAKES, Float, Mistakes, Section
from billdesk.core.rules.sheets.plans import CatalogMistakeSheet
from billdesk.core.values.plain_text import visible
from billdesk.core.values.text import NAME_LENGTH

LONGEST_LINE = 1_000
LARGEST_LOGO_BYTES = 200_000
NO_TAX = "none"
MOST_MONTHS = 60
MOST_DECIMALS = 9
MOST_DUE_DAYS = 365

_SECTIONS = ("company", "schedules", "meters", "taxes", "plans", "packs")
_LINE = re.compile(r"line (\d+),")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_USAGE_TO: tuple[Literal["hand", "wallet", "invoice"], ...] = ("hand", "wallet", "invoice")

Result = tuple[Catalog | None, tuple[CatalogMistakeSheet, ...]]


def read_catalog(text: str, base: Path | None, *, default_asset: str = "USD") -> Result:
    """What a file says is sold, or None and all its mistakes.

    `base` is the folder it lies in, where its logo is looked for, which is the only thing that is read
    here; `default_asset` is that of prices that name none. Every version is 1: `catalog_changes` counts.
    """
    endless = _endless_lines(text)
    if endless:
        return None, endless
    try:
        table: dict[str, Any] = tomllib.loads(text, parse_float=Float)
    except RecursionError:
        return None, (_mistake(0, "lists are nested too deeply", "nothing in a catalog is"),)
    except ValueError as error:
        return None, (_broken(str(error), text),)
    mistakes = Mistakes(KeyLines(text))
    catalog = _catalog(Section(table, (), mistakes), base, default_asset)
    found = mistakes.sheets()
    if not (found or catalog.plans or catalog.packs or catalog.meters):
        found = (_mistake(0, "nothing is sold in this file", "write at least one [plans.…]"),)
    return (None if found else catalog), found


def _endless_lines(text: str) -> tuple[CatalogMistakeSheet, ...]:
    """Lines that nobody can have written; a long one of dots alone costs the parser minutes."""
    hint = f"{LONGEST_LINE:,} at most; text between three quotes goes over several lines"
    found = (
        _mistake(number, f"the line has {len(line):,} characters", hint)
        for number, line in enumerate(text.split("\n"), 1)
        if len(line) > LONGEST_LINE
    )
    return tuple(islice(found, MOST_MISTAKES))


def _broken(message: str, text: str) -> CatalogMistakeSheet:
    """A mistake in the form of the file, in the parser's words and on its line."""
    said, _, place = message.partition(" (at ")
    line = _LINE.match(place)
    hint = 'TOML: [plans.pro] begins a table, name = "Pro" says something in it'
    if said.startswith(("Cannot", "Can not")):
        hint = "it stands there twice: keep one of them"
    return _mistake(int(line[1]) if line else text.count("\n") + 1, said, hint)


def _mistake(line: int, message: str, hint: str) -> CatalogMistakeSheet:
    return CatalogMistakeSheet(line, "", visible(message[:200]), hint)


def _catalog(top: Section, base: Path | None, asset: str) -> Catalog:
    sections = {name: top.section(name) for name in _SECTIONS}
    top.finish()
    taxes = _taxes(sections["taxes"])
    plans, packs = sections["plans"], sections["packs"]
    around = Surroundings(
        schedules=_schedules(sections["schedules"]),
        meters=_meters(sections["meters"]),
        taxes=taxes,
        plans=tuple(plans.keys()),
        packs=tuple(packs.keys()),
        asset=asset,
    )
    tied = tie(plans, read_plans(plans, around), read_packs(packs, around))
    company = _company(sections["company"], taxes, base)
    return Catalog(*tied, dict(around.meters), taxes, dict(around.schedules), company)


def _schedules(section: Section) -> dict[str, Schedule]:
    found = {}
    for code, each in section.sections():
        if not each.has("months"):
            each.wrong("months", "there is no months", "every how many is it due? months = 3")
        name = each.text("name", longest=NAME_LENGTH) or code
        found[code] = Schedule(code, name, each.whole("months", 1, 1, MOST_MONTHS))
        each.finish()
    return found


def _meters(section: Section) -> dict[str, Meter]:
    found = {}
    for code, each in section.sections():
        found[code] = Meter(
            code=code,
            name=each.text("name", longest=NAME_LENGTH) or code,
            unit=each.text("unit", longest=40, needed=True),
            decimals=each.whole("decimals", 0, 0, MOST_DECIMALS),
        )
        each.finish()
    return found


def _taxes(section: Section) -> dict[str, TaxRate]:
    found = {}
    for code, each in section.sections():
        if not each.has("percent"):
            each.wrong("percent", "there is no percent", 'write percent = "19"')
        if code == NO_TAX:
            section.wrong(
                code, f"{code} means that an account pays none", "give the tax another code"
            )
        percent = each.number("percent") or Decimal(0)
        if percent > 100:
            each.wrong("percent", f"{percent:f} percent is more than all of it", "at most 100")
        found[code] = TaxRate(
            code=code,
            name=each.text("name", longest=NAME_LENGTH, needed=True),
            jurisdiction=each.text("jurisdiction", longest=NAME_LENGTH),
            percent=percent,
            inclusive=each.flag("inclusive"),
        )
        each.finish()
    return found


def _company(section: Section, taxes: dict[str, TaxRate], base: Path | None) -> Company:
    usual = Company()
    prefixes = {
        key: section.text(key, longest=20) if section.has(key) else default
        for key, default in (
            ("invoice_prefix", usual.invoice_prefix),
            ("credit_note_prefix", usual.credit_note_prefix),
        )
    }
    if prefixes["invoice_prefix"] == prefixes["credit_note_prefix"]:
        section.wrong(
            "credit_note_prefix", "invoices and credit notes have the same prefix",
            'nobody could tell their numbers apart: write "CN-"',
        )  # fmt: skip
    company = Company(
        name=section.text("name", longest=NAME_LENGTH),
        address=section.text("address", longest=500, lines=True),
        tax_id=section.text("tax_id", longest=NAME_LENGTH),
        email=section.text("email", longest=NAME_LENGTH),
        terms=section.text("terms", longest=4_000, lines=True),
        due_days=section.whole("due_days", usual.due_days, 0, MOST_DUE_DAYS),
        **prefixes,
        digits=section.whole("digits", usual.digits, 1, 12),
        tax_code=section.code("tax", taxes, "tax"),
        usage_to=section.choice("usage_to", _USAGE_TO, usual.usage_to),
        logo=_logo(section, base),
    )
    section.finish()
    return company


def _logo(section: Section, base: Path | None) -> bytes | None:
    """The picture that is named, which lies in the file's folder or below it."""
    name = section.text("logo", longest=NAME_LENGTH)
    if not name:
        return None
    path = Path(name)
    if base is None or path.is_absolute() or ".." in path.parts:
        section.wrong("logo", f"{name} is not beside the file", "put it there and write its name")
        return None
    try:
        with (base / path).open("rb") as file:
            picture = file.read(LARGEST_LOGO_BYTES + 1)
    except OSError as error:
        section.wrong("logo", f"{name} cannot be read: {error.strerror}", "put it beside the file")
        return None
    if len(picture) > LARGEST_LOGO_BYTES:
        section.wrong("logo", f"{name} is too large", f"{LARGEST_LOGO_BYTES:,} bytes at most")
    elif not picture.startswith(_PICTURES):
        section.wrong("logo", f"{name} is neither a PNG nor a JPEG", "save it as one of them")
    return picture

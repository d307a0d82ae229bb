"""`billdesk catalog check | diff | apply | show | list` and `billdesk plan list | show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import Yes, count
from billdesk.cli.printing import card, cell, plural, table
from billdesk.core.values.errors import BadInput, BilldeskError

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import (
        CatalogChangeSheet,
        CatalogDiffSheet,
        CatalogMistakeSheet,
        PlanPriceSheet,
        PlanSheet,
    )

REFUSED = 3

_SIGNS = {"added": "+", "changed": "~", "retired": "-"}


def plans_like(ctx: typer.Context, incomplete: str) -> list[str]:
    """The plans that begin with what is typed so far, for the shell's completion."""
    if not isinstance(ctx, Door):
        return []
    try:
        with ctx.desk(read_only=True) as desk:
            return [plan.code for plan in desk.catalog.plans() if plan.code.startswith(incomplete)]
    except BilldeskError:
        return []


File = Annotated[
    str | None, typer.Argument(metavar="[FILE]", help="A catalog file; see docs/catalog.md.")
]
Default = Annotated[
    bool, typer.Option("--default", help="The file that comes with billdesk, instead.")
]

Retired = Annotated[bool, typer.Option("--retired", help="Also versions that are sold no more.")]


def check(door: Door, file: File = None, *, default: Default = False) -> int:
    """Say what is wrong in a catalog file.

    All its mistakes, each with its line and a remedy, also where it does not go with this ledger.
    Ends with 3 if there is one.
    """
    with door.desk() as desk:
        sheet = desk.catalog.check(_path(file, default=default))
    return _answer(door, sheet, [f"{sheet.where} can be applied"])


def diff(door: Door, file: File = None, *, default: Default = False) -> int:
    """Say what a catalog file would change.

    Nothing is changed. Ends with 3 if the file has a mistake.
    """
    with door.desk() as desk:
        sheet = desk.catalog.diff(_path(file, default=default))
    return _answer(door, sheet, _changes(sheet, "would change"))


def apply(door: Door, file: File = None, *, default: Default = False, yes: Yes = False) -> int:
    """Sell what a catalog file says.

    Sell what a catalog file says from now on. What is different gets a new version, what the file has
    no more is retired (asks for a word first), running subscriptions stay on theirs. All or nothing;
    the same file again changes nothing.
    """
    path = _path(file, default=default)
    with door.desk() as desk:
        coming = desk.catalog.diff(path)
        retired = [change for change in coming.changes if change.change == "retired"]
        if retired:
            codes = ", ".join(f"{change.sort} {change.code}" for change in retired)
            door.confirm(retired[0].code, f"No longer sold: {codes}.", yes=yes)
        sheet = desk.catalog.apply(path, digest=coming.digest)
    return _answer(door, sheet, _changes(sheet, "changed"))


def show(door: Door, *, default: Default = False) -> None:
    """Print the catalog file that was applied.

    Print the catalog file that was applied last, or, with --default, the one that comes with billdesk:
    a file to begin with.
    """
    if default:
        text = _default().read_text(encoding="utf-8")
    else:
        with door.desk() as desk:
            text = desk.catalog.source()
    lines = text.expandtabs(4).replace("\r\n", "\n").removesuffix("\n").split("\n")
    door.answer({"source": text}, *lines)


def list_catalog(door: Door, *, retired: Retired = False) -> None:
    """List meters, taxes and who sells.

    List everything in the catalog but its plans: packs, schedules, meters, tax rates, and what stands
    on invoices.
    """
    with door.desk() as desk:
        company, schedules = desk.catalog.company(), desk.catalog.schedules()
        packs = desk.catalog.packs(retired=retired)
        meters, taxes = desk.catalog.meters(), desk.catalog.taxes()
    parts = (
        card([(name.replace("_", " "), value) for name, value in company._asdict().items()]),
        table(
            ("PACK", "VERSION", "NAME", "CREDITS", "PRICE", "PLANS", "EXPIRES", "RETIRED"),
            (
                (
                    *(pack.code, pack.version, pack.name, pack.credits, pack.price),
                    *(", ".join(pack.plans), pack.expires_days, pack.retired_at),
                )
                for pack in packs
            ),
        ),
        table(("SCHEDULE", "NAME", "MONTHS"), schedules),
        table(("METER", "NAME", "UNIT", "DECIMALS"), meters),
        table(
            ("TAX", "NAME", "JURISDICTION", "PERCENT", "PRICES"),
            ((*tax[:4], "hold it" if tax.inclusive else "come without it") for tax in taxes),
        ),
    )
    sheets = {"company": company, "packs": packs, "schedules": schedules}
    lines = (line for part in parts if part for line in (*part, ""))
    door.answer({**sheets, "meters": meters, "taxes": taxes}, *lines)


def list_plans(
    door: Door,
    *,
    family: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="Only plans of this family.")
    ] = None,
    retired: Retired = False,
) -> None:
    """List plans with their prices.

    List what is sold now, by family and rank.
    """
    with door.desk() as desk:
        sheets = desk.catalog.plans(family=family, retired=retired)
    rows = (
        (
            sheet.code,
            sheet.version,
            sheet.name,
            sheet.family,
            _prices(sheet.prices),
            sheet.credits or None,
            ", ".join(f"{meter.included} {meter.meter}" for meter in sheet.meters),
            sheet.subscriptions,
            sheet.retired_at,
        )
        for sheet in sheets
    )
    headings = (
        *("PLAN", "VERSION", "NAME", "FAMILY", "PRICES", "CREDITS", "INCLUDED", "SUBSCRIPTIONS"),
        "RETIRED",
    )
    door.answer_rows(sheets, table(headings, rows))


def show_plan(
    door: Door,
    plan: Annotated[
        str, typer.Argument(metavar="PLAN", help="A plan's code.", autocompletion=plans_like)
    ],
    *,
    version: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="This version; else the newest.")
    ] = None,
) -> None:
    """Show a version of a plan.

    Show a plan with its prices, what it includes, and what use beyond that costs.
    """
    with door.desk() as desk:
        sheet = desk.catalog.plan(plan, None if version is None else count(version))
    meters = (
        (meter.meter, meter.name, meter.unit, meter.included, meter.pricing, meter.price)
        for meter in sheet.meters
    )
    lines = table(("METER", "NAME", "UNIT", "INCLUDED", "BEYOND", "PRICE"), meters)
    door.answer(sheet, *_card(sheet), *(["", *lines] if lines else []))


def _card(sheet: PlanSheet) -> list[str]:
    return card(
        [
            ("plan", sheet.code),
            ("name", sheet.name),
            ("version", sheet.version),
            ("family", sheet.family),
            ("rank", sheet.rank),
            ("prices", _prices(sheet.prices)),
            ("credits", sheet.credits or None),
            ("trial", plural(sheet.trial_days, "day") if sheet.trial_days else None),
            ("packs", ", ".join(sheet.packs)),
            ("features", "; ".join(sheet.features)),
            ("tax", sheet.tax_code),
            ("since", sheet.applied_at),
            ("retired", sheet.retired_at),
            ("subscriptions", sheet.subscriptions),
        ]
    )


def _prices(prices: tuple[PlanPriceSheet, ...]) -> str:
    return ", ".join(f"{cell(each.price)} {each.schedule}" for each in prices)


def _path(file: str | None, *, default: bool) -> Path:
    """The file that is meant. Raises BadInput for none, and for two."""
    if default and file is None:
        return _default()
    if file is None or default:
        raise BadInput("which file?", "name one, or say --default; not both")
    return Path(file)


def _default() -> Path:
    from billdesk.core.desk import default_paths

    return default_paths().catalog


def _answer(door: Door, sheet: CatalogDiffSheet, lines: list[str]) -> int:
    if not sheet.mistakes:
        door.answer(sheet, *lines)
        return 0
    wrong = plural(len(sheet.mistakes), "mistake")
    told = (line for mistake in sheet.mistakes for line in _mistake(mistake))
    door.answer(sheet, f"{sheet.where} has {wrong}; nothing was changed", *told)
    return REFUSED


def _mistake(mistake: CatalogMistakeSheet) -> tuple[str, str]:
    line = f"line {mistake.line}: " if mistake.line else ""
    where = f"{mistake.where}: " if mistake.where else ""
    return f"{line}{where}{mistake.message}", f"    {mistake.hint}"


def _changes(sheet: CatalogDiffSheet, verb: str) -> list[str]:
    """What changes, thing by thing."""
    unchanged = f"{sheet.unchanged:,} stay as they are"
    if not sheet.changes:
        return [f"{sheet.where}: nothing {verb}, {unchanged}"]
    changed = plural(len(sheet.changes), "thing")
    lines = [f"{sheet.where}: {changed} {verb}, {unchanged}"]
    for change in sheet.changes:
        lines += _change(change)
    return lines


def _change(change: CatalogChangeSheet) -> list[str]:
    version = "no longer sold" if change.change == "retired" else f"version {change.version}"
    what = change.code if change.sort == "company" else f"{change.sort} {change.code}"
    lines = [f"{_SIGNS[change.change]} {what}, {version}: {change.name}"]
    lines += [f"    {detail}" for detail in change.details]
    if change.subscriptions:
        stay = "stays" if change.subscriptions == 1 else "stay"
        staying = plural(change.subscriptions, "subscription")
        lines.append(f"    {staying} {stay} on the version they have")
    return lines

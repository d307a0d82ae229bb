"""Plans and catalog: everything that is sold, in its versions, and how many are on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from billdesk.screens.catalog_file import CatalogFile
from billdesk.screens.detail import Detail
from billdesk.screens.figures import NOTHING, amount, count, counted
from billdesk.screens.form import Line, written
from billdesk.screens.frame import DeskScreen
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane

if TYPE_CHECKING:
    from datetime import datetime

    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import (
        CompanySheet,
        MeterSheet,
        PackSheet,
        PlanMeterSheet,
        PlanSheet,
        ScheduleSheet,
        TaxSheet,
    )
    from billdesk.screens.figures import Times

LINES_SHOWN = 8
NO_MORE = "sold no more · "


class Sold(NamedTuple):
    """Everything that is sold."""

    plans: tuple[PlanSheet, ...]
    packs: tuple[PackSheet, ...]
    meters: tuple[MeterSheet, ...]
    taxes: tuple[TaxSheet, ...]
    schedules: tuple[ScheduleSheet, ...]
    company: CompanySheet


class Thing(NamedTuple):
    """One of them as a row: `words` say the most important, `lines` everything."""

    sort: str
    code: str
    name: str
    words: str
    lines: tuple[Line, ...]
    version: int | None = None
    subscriptions: int | None = None
    retired: bool = False


class PlansScreen(DeskScreen[Sold]):
    """One row for each plan, pack, meter, tax rate and schedule, and all about the marked one below."""

    place = "plans"
    heading = "Plans and catalog"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    PlansScreen PagedTable { height: 1fr; min-height: 6; }
    PlansScreen #about { padding: 0 1; border-top: hkey $line; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "apply", "Apply a file", id="plans.apply"),
        Binding("v", "versions", "Older versions", id="plans.versions"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._retired = False
        self.table: PagedTable[Thing] = PagedTable(
            (
                Column("What", 8, lambda row: (row.sort, "muted")),
                Column("Code", 12, lambda row: (row.code, _tone(row, "strong")), grow=1),
                Column("Name", 12, lambda row: (row.name, _tone(row)), grow=1),
                Column("In words", 22, lambda row: (row.words, _tone(row)), grow=3),
                Column("Version", 7, lambda row: _number(row.version), right=True, from_width=90),
                Column("Subs", 6, lambda row: _number(row.subscriptions), right=True),
            ),
            lambda row: f"{row.sort} {row.code} {row.version}",
            empty="Nothing is sold yet.\nPress A: billdesk comes with a catalog to begin with.",
        )

    def body(self) -> ComposeResult:
        yield self.table
        yield Pane(id="about")

    # --- the question ---

    def question(self) -> Callable[[Desk], Sold]:
        retired = self._retired
        return lambda desk: Sold(
            desk.catalog.plans(retired=retired),
            desk.catalog.packs(retired=retired),
            desk.catalog.meters(),
            desk.catalog.taxes(),
            desk.catalog.schedules(),
            desk.catalog.company(),
        )

    def paint(self, answer: Sold) -> None:
        is_empty = not (answer.plans or answer.packs or answer.meters)
        self.table.show_rows([] if is_empty else list(_things(answer, self.app.times)))
        self._show_marked()

    def _show_marked(self) -> None:
        row, pane = self.table.row, self.query_one("#about", Pane)
        pane.display = row is not None
        if row is not None:
            lines = row.lines[:LINES_SHOWN]
            more = len(row.lines) - len(lines)
            if more:
                lines = (*lines[:-1], ("", f"{more + 1} more lines: Enter", "muted"))
            pane.show(lambda width: written(lines, width))

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table and self.table.row_count:
            self.show_position(f"{self.table.cursor + 1} of {self.table.row_count}")
            self._show_marked()

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            lines = tuple((name, text) for name, text, _ in row.lines)
            self.app.push_screen(Detail(row.sort.capitalize(), row.code, lines))

    # --- what can be done ---

    def action_versions(self) -> None:
        self._retired = not self._retired
        shown = "versions that are sold no more are listed, too" if self._retired else ""
        self.say(shown or "only what is sold now is listed", "muted")
        self.ask()

    def action_apply(self) -> None:
        """A file can be looked at on a desk that was opened to look, too; its dialog stops there."""
        self.app.push_screen(CatalogFile(is_first=not self.table.row_count), lambda _: self.ask())


def _tone(row: Thing, tone: str = "") -> str:
    return "muted" if row.retired else tone


def _number(quantity: int | None) -> tuple[str, str]:
    return (NOTHING, "muted") if quantity is None else (count(quantity), "")


# --- rows ---


def _things(sold: Sold, times: Times) -> Iterator[Thing]:
    for plan in sold.plans:
        yield _plan(plan, times)
    for pack in sold.packs:
        yield _pack(pack, times)
    for meter in sold.meters:
        finest = "whole units" if meter.decimals == 0 else f"{meter.decimals} decimals"
        words = f"counts in {meter.unit}, {finest}"
        yield Thing(
            "meter",
            meter.code,
            meter.name,
            words,
            (("meter", meter.name, "strong"), ("counts", words.removeprefix("counts "), "")),
        )
    for tax in sold.taxes:
        yield _tax(tax)
    for schedule in sold.schedules:
        months = counted(schedule.months, "month") if schedule.months > 1 else "month"
        words = f"due every {months}"
        yield Thing("schedule", schedule.code, schedule.name, words, (("schedule", words, ""),))
    yield _company(sold.company)


def _plan(plan: PlanSheet, times: Times) -> Thing:
    prices = " · ".join(f"{amount(each.price)} {each.schedule}" for each in plan.prices)
    title = f"{plan.name}, version {plan.version}"
    family = f"{plan.family}, rank {plan.rank}" if plan.family else f"rank {plan.rank}"
    lines: list[Line] = [
        ("plan", title, "strong"),
        ("prices", prices, ""),
        *(("meter", _meter(meter), "") for meter in plan.meters),
    ]
    if plan.credits:
        lines.append(("credits", f"{count(plan.credits)} with every period", ""))
    if plan.trial_days:
        lines.append(("trial", counted(plan.trial_days, "day"), ""))
    if plan.packs:
        lines.append(("packs", ", ".join(plan.packs), ""))
    lines += [
        ("on it", counted(plan.subscriptions, "subscription"), ""),
        ("family", family, ""),
        ("tax", plan.tax_code or "as the account or the company", ""),
        *(("feature", feature, "") for feature in plan.features),
        *_sold(plan.applied_at, plan.retired_at, times),
    ]
    words = f"{NO_MORE * (plan.retired_at is not None)}{prices}"
    return Thing(
        "plan", plan.code, plan.name, words, tuple(lines), plan.version, plan.subscriptions,
        plan.retired_at is not None,
    )  # fmt: skip


def _meter(meter: PlanMeterSheet) -> str:
    """`Data transfer (GB): 50 included, beyond that 0.05 USD per GB`."""
    tiers = f"{meter.pricing}: " if meter.pricing in {"graduated", "volume"} else ""
    beyond = f"beyond that {tiers}{meter.price}"
    return f"{meter.name} ({meter.unit}): {meter.included} included, {beyond}"


def _pack(pack: PackSheet, times: Times) -> Thing:
    expires = f"{counted(pack.expires_days, 'day')} after" if pack.expires_days else "never"
    lines: tuple[Line, ...] = (
        ("pack", f"{pack.name}, version {pack.version}", "strong"),
        ("credits", count(pack.credits), ""),
        ("price", amount(pack.price), ""),
        ("for plans", ", ".join(pack.plans) or "everybody", ""),
        ("expire", expires, ""),
        ("tax", pack.tax_code or "as the account or the company", ""),
        *_sold(None, pack.retired_at, times),
    )
    retired = pack.retired_at is not None
    words = f"{NO_MORE * retired}{count(pack.credits)} credits for {amount(pack.price)}"
    return Thing("pack", pack.code, pack.name, words, lines, pack.version, None, retired)


def _tax(tax: TaxSheet) -> Thing:
    side = "held by prices" if tax.inclusive else "on top of prices"
    words = f"{tax.percent} %, {side}"
    lines = (
        ("tax", tax.name, "strong"),
        ("where", tax.jurisdiction or NOTHING, ""),
        ("percent", words, ""),
    )
    name = f"{tax.name}, {tax.jurisdiction}" if tax.jurisdiction else tax.name
    return Thing("tax", tax.code, name, words, lines)


def _company(company: CompanySheet) -> Thing:
    numbers = f"{company.invoice_prefix}{'0' * (company.digits - 1)}1"
    lines = (
        ("company", company.name or "no name yet: invoices need one", "strong"),
        ("address", company.address or NOTHING, ""),
        ("tax id", company.tax_id or NOTHING, ""),
        ("email", company.email or NOTHING, ""),
        ("invoices", f"{numbers}, due after {counted(company.due_days, 'day')}", ""),
        ("tax", company.tax_code or NOTHING, ""),
        ("closed usage", _USAGE_TO[company.usage_to], ""),
        ("logo", f"{count(company.logo_bytes)} bytes" if company.logo_bytes else NOTHING, ""),
        ("terms", company.terms or NOTHING, ""),
    )
    return Thing("company", "company", company.name, f"invoices from {numbers}", lines)


_USAGE_TO = {
    "hand": "is billed by hand",
    "wallet": "is taken from the wallet by itself",
    "invoice": "goes on an invoice by itself",
}


def _sold(since: datetime | None, until: datetime | None, times: Times) -> tuple[Line, ...]:
    lines: list[Line] = [("sold since", times.full(since), "")] if since else []
    if until is not None:
        lines.append(("sold until", times.full(until), "warn"))
    return tuple(lines)

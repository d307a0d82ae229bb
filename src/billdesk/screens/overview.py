"""Overview: is all well, what moved today, and what should somebody look at first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Static

from billdesk.core.values.money import Money
from billdesk.screens.day_plot import DayPlot
from billdesk.screens.figures import (
    STATE_SIGNS,
    ago,
    amounts,
    count,
    counted,
    number,
    tone_of,
)
from billdesk.screens.frame import DeskScreen
from billdesk.screens.line_table import Column, LineTable, PagedTable
from billdesk.screens.safe_text import fit, safe_line, safe_lines

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import AttentionSheet, GatewaySheet, OverviewSheet

NAME_CELLS = 13
STANDINGS = ("OK", "FROZEN", "BLOCKED", "OWES", "SPENT", "SUSPENDED", "CLOSED")


class OverviewScreen(DeskScreen["OverviewSheet"]):
    """The desk at a glance."""

    place = "overview"
    heading = "Overview"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    OverviewScreen #top { height: auto; layout: vertical; }
    OverviewScreen #money, OverviewScreen #health { height: auto; padding: 0 1; }
    OverviewScreen #attention { height: 7; }
    OverviewScreen DayPlot { padding: 0 1; }
    OverviewScreen.-wide #top { layout: horizontal; padding: 1 0; }
    OverviewScreen.-wide #money { width: 1fr; }
    OverviewScreen.-wide #health { width: 1fr; }
    OverviewScreen.-wide #attention { height: 10; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.table: PagedTable[AttentionSheet] = PagedTable(
            (
                Column("Needs attention", 15, lambda row: (_word(row), tone_of(row.severity))),
                Column("", 20, lambda row: row.title, grow=2),
                Column("", 20, lambda row: (row.detail, "muted"), grow=3),
            ),
            lambda row: f"{row.title} {row.target or ''}".strip(),
            empty="Opening the ledger …",
            id="attention",
        )

    def body(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Static("", markup=False, id="money")
            yield Static("", markup=False, id="health")
        yield self.table
        yield DayPlot()

    def question(self) -> Callable[[Desk], OverviewSheet]:
        return lambda desk: desk.overview()

    def paint(self, answer: OverviewSheet) -> None:
        self.query_one("#money", Static).update(_money(answer))
        self.query_one("#health", Static).update(_health(answer))
        self.table.empty = "Nothing: all is well."
        if not answer.accounts:
            self.table.empty = (
                "No accounts yet. billdesk account add REF --name NAME makes the first one."
            )
        self.table.show_rows(answer.attention)
        self.query_one(DayPlot).show(answer.days, answer.default_asset)

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        table = self.table
        if event.table is table:
            at = f"{table.cursor + 1} of {table.row_count}" if table.row_count else ""
            self.show_position(at)

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is None:
            return
        if row.screen == "account" and row.target is not None:
            self.app.show_account(row.target)
        elif row.screen in {place.name for place in self.app.places}:
            self.app.go(row.screen)
        else:
            self.say(f"{row.title}: {row.detail}", "muted")


def _word(row: AttentionSheet) -> str:
    return f"{STATE_SIGNS.get(row.severity, '  ')} {row.severity}"


def _line(name: str, *parts: str | tuple[str, str] | Content) -> Content:
    return safe_line((fit(name, NAME_CELLS), "muted"), *parts)


def _money(sheet: OverviewSheet) -> Content:
    """What is in the wallets, what of it is set aside, and what moved today."""
    today, asset = sheet.today, sheet.default_asset
    return safe_lines(
        _line("Balances", (amounts(sheet.totals), "strong")),
        _line("Held", amounts(sheet.held)),
        _line(
            "Today",
            (f"+{_minor(today.deposits_minor, asset)}", "good"),
            " in   ",
            (_minor(today.charges_minor, asset), "strong"),
            " charged   ",
            _minor(today.refunds_minor, asset),
            (f" refunded   {asset}", "muted"),
        ),
    )


def _minor(minor: int, asset: str) -> str:
    return number(Money(minor, asset))


def _health(sheet: OverviewSheet) -> Content:
    """How the accounts stand, how fresh the gateways are, and since when the ledger is sealed."""
    standings: list[tuple[str, str]] = []
    words = [*STANDINGS, *(word for word in sheet.standings if word not in STANDINGS)]
    for word in words:
        if sheet.standings.get(word):
            standings += [(f"{count(sheet.standings[word])} {word}", tone_of(word)), ("  ", "")]
    lines = [
        _line(
            "Accounts",
            (counted(sheet.accounts, "account"), "strong"),
            (f", {counted(sheet.entries, 'entry', 'entries')}", "muted"),
        ),
        _line("Standing", *standings),
    ]
    lines += [_line("Gateway", _gateway(gateway, sheet)) for gateway in sheet.gateways]
    sealed = sheet.checkpoint_at
    lines.append(
        _line("Checkpoint", (f"sealed {ago(sealed, sheet.as_of)}", "good"))
        if sealed is not None
        else _line("Checkpoint", ("never sealed: billdesk verify --seal makes one", "warn"))
    )
    return safe_lines(*lines)


def _gateway(gateway: GatewaySheet, sheet: OverviewSheet) -> Content:
    asked = f"{gateway.name} ({gateway.mode}) asked {ago(gateway.last_polled_at, sheet.as_of)}"
    parts: list[tuple[str, str]] = [(asked, "")]
    if gateway.open_payments:
        parts.append((f", {counted(gateway.open_payments, 'payment')} open", "accent"))
    if gateway.waiting_facts:
        parts.append((f", {counted(gateway.waiting_facts, 'fact')} waiting", "warn"))
    if gateway.last_error:
        parts.append((f", failed: {gateway.last_error}", "bad"))
    return safe_line(*parts)

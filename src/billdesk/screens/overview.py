"""Overview: is all well, what moved today, and what should somebody look at first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.containers import Horizontal

from billdesk.core.values.money import Money
from billdesk.screens.day_plot import DayPlot
from billdesk.screens.figures import (
    NOTHING,
    STATE_SIGNS,
    ago,
    amount,
    count,
    counted,
    mode_word,
    number,
    tone_of,
)
from billdesk.screens.frame import DeskScreen
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.safe_text import cut, fit, safe_line, safe_lines, width_of

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import AttentionSheet, GatewaySheet, OverviewSheet

NAME_CELLS = 13
GAP = 2
NOTHING_MOVED = "No money has moved in the last thirty days."
NOBODY_YET = (
    "No accounts yet.\nGo to Balances (2) and press N to make the first one;\n"
    "billdesk import accounts FILE.csv brings in many."
)
STANDINGS = ("OK", "FROZEN", "BLOCKED", "OWES", "SPENT", "SUSPENDED", "CLOSED")


class OverviewScreen(DeskScreen["OverviewSheet"]):
    """The desk at a glance."""

    place = "overview"
    heading = "Overview"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    OverviewScreen #top { height: auto; layout: vertical; }
    OverviewScreen #money, OverviewScreen #health { height: auto; padding: 0 1; }
    OverviewScreen #attention { height: 4; max-height: 35%; }
    OverviewScreen DayPlot { padding: 0 1; }
    OverviewScreen.-wide DayPlot { margin-top: 1; }
    OverviewScreen.-wide #top { layout: horizontal; padding: 1 0; }
    OverviewScreen.-wide #money { width: 1fr; }
    OverviewScreen.-wide #health { width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.table: PagedTable[AttentionSheet] = PagedTable(
            (
                Column("", 10, lambda row: (_word(row), tone_of(row.severity))),
                Column("Needs attention", 40, _in_one, grow=1, below_width=100),
                Column("Needs attention", 20, lambda row: row.title, grow=2, from_width=100),
                Column("What to do", 20, lambda row: (row.detail, "muted"), grow=3, from_width=100),
            ),
            lambda row: f"{row.title} {row.target or ''}".strip(),
            empty="Opening the ledger …",
            id="attention",
        )

    def body(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Pane(id="money")
            yield Pane(id="health")
        yield self.table
        yield DayPlot()

    def question(self) -> Callable[[Desk], OverviewSheet]:
        return lambda desk: desk.overview()

    def paint(self, answer: OverviewSheet) -> None:
        self.query_one("#money", Pane).show(lambda width: _money(answer, width))
        self.query_one("#health", Pane).show(lambda width: _health(answer, width))
        self.table.empty = "Nothing: all is well."
        self.table.show_rows(answer.attention)
        # The plot takes what the list does not need.
        self.table.styles.height = max(2, len(answer.attention) + 1)
        nothing = NOTHING_MOVED if answer.accounts else NOBODY_YET
        self.query_one(DayPlot).show(answer.days, answer.default_asset, nothing)

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
        elif row.screen == "balances" and row.target is not None:
            self.app.show_balances(f"standing:{row.target}")
        elif row.screen == "facts":
            self.app.show_list("facts", "state:waiting")
        elif row.target is not None:
            self.app.show_list(row.screen, row.target)
        elif row.screen != self.place and row.screen in {place.name for place in self.app.places}:
            self.app.action_go(row.screen)
        else:
            self.say(f"{row.title}: {row.detail}", "muted")


def _word(row: AttentionSheet) -> str:
    return f"{STATE_SIGNS.get(row.severity, '  ')} {row.severity}"


def _in_one(row: AttentionSheet) -> str:
    """What it is, and what to do as far as there is room."""
    return f"{row.title}: {row.detail}"


Piece = tuple[str, str]


NONE: tuple[Piece, ...] = ((NOTHING, ""),)


def _lines(name: str, pieces: Sequence[Piece], width: int) -> list[Content]:
    """A name and what goes with it, on as many lines as the pieces need; none is torn."""
    room = max(10, width - NAME_CELLS)
    lines: list[list[Piece]] = [[]]
    used = 0
    for text, tone in pieces:
        shown = cut(text, room)
        if used and used + GAP + width_of(shown) > room:
            lines.append([])
            used = 0
        if used:
            lines[-1].append((" " * GAP, ""))
            used += GAP
        lines[-1].append((shown, tone))
        used += width_of(shown)
    return [
        safe_line((fit("" if index else name, NAME_CELLS), "muted"), *line)
        for index, line in enumerate(lines)
    ]


def _money(sheet: OverviewSheet, width: int) -> Content:
    """What is in the wallets, what of it is set aside, and what moved today."""
    today, asset = sheet.today, sheet.default_asset
    moved: list[Piece] = [
        (f"+{number(Money(today.deposits_minor, asset))} in", "good"),
        (f"{number(Money(today.charges_minor, asset))} charged", ""),
        (f"{number(Money(today.refunds_minor, asset))} refunded", "muted"),
    ]
    return safe_lines(
        *_lines("Balances", [(amount(money), "strong") for money in sheet.totals] or NONE, width),
        *_lines("Held", [(amount(money), "") for money in sheet.held] or NONE, width),
        *_lines(f"Today {asset}", moved, width),
    )


def _health(sheet: OverviewSheet, width: int) -> Content:
    """How the accounts stand, how fresh the gateways are, and since when the ledger is sealed."""
    counts = [
        (counted(sheet.accounts, "account"), "strong"),
        (counted(sheet.entries, "entry", "entries"), "muted"),
    ]
    words = [*STANDINGS, *(word for word in sheet.standings if word not in STANDINGS)]
    standings = [
        (f"{count(sheet.standings[word])} {word}", tone_of(word))
        for word in words
        if sheet.standings.get(word)
    ]
    lines = [*_lines("Accounts", counts, width), *_lines("Standing", standings or NONE, width)]
    for gateway in sheet.gateways:
        lines += _lines("Gateway", _gateway(gateway, sheet), width)
    sealed = sheet.checkpoint_at
    seal = (
        ("never sealed: 8, then s", "warn" if sheet.entries else "muted")
        if sealed is None
        else (f"sealed {ago(sealed, sheet.as_of)}", "good")
    )
    return safe_lines(*lines, *_lines("Checkpoint", [seal], width))


def _gateway(gateway: GatewaySheet, sheet: OverviewSheet) -> list[Piece]:
    polled = gateway.last_polled_at
    asked = "never asked" if polled is None else f"asked {ago(polled, sheet.as_of)}"
    pieces: list[Piece] = [(f"{gateway.name} {mode_word(gateway.mode)} {asked}", "")]
    if gateway.open_payments:
        pieces.append((f"{counted(gateway.open_payments, 'payment')} open", "accent"))
    if gateway.waiting_facts:
        pieces.append((f"{counted(gateway.waiting_facts, 'fact')} waiting", "warn"))
    if gateway.last_error:
        pieces.append((f"failed: {gateway.last_error}", "bad"))
    return pieces

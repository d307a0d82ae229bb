"""Gateways: how fresh each one's facts are, what is open there, what waits, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens.connect import Choose, check_gateway, remove_gateway
from billdesk.screens.detail import Detail
from billdesk.screens.figures import NOTHING, ago, count, counted, mode_in_words, mode_word, tone_of
from billdesk.screens.form import Line, written
from billdesk.screens.frame import DeskScreen
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.task import TaskDialog

if TYPE_CHECKING:
    from datetime import datetime

    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import GapSheet, GatewaySheet, TickSheet

GAPS_SHOWN = 3

Answer = tuple[tuple["GatewaySheet", ...], tuple["GapSheet", ...]]


class GatewaysScreen(DeskScreen[Answer]):
    """One row for each gateway, and below it all about the marked one."""

    place = "gateways"
    heading = "Gateways"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    GatewaysScreen PagedTable { height: 1fr; min-height: 4; }
    GatewaysScreen #about { padding: 0 1; border-top: hkey $line; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "poll", "Poll now", id="gateways.poll"),
        Binding("s", "sweep", "Sweep", id="gateways.sweep"),
        Binding("w", "waiting", "Waiting facts", id="gateways.waiting"),
        Binding("N", "connect", "Connect", id="gateways.connect"),
        Binding("K", "check", "Try its key", id="gateways.check"),
        Binding("X", "remove", "Remove", id="gateways.remove"),
        Binding("R", "replay", "Replay what waits", id="gateways.replay", show=False),
        Binding("o", "payments", "Its payments", id="gateways.payments", show=False),
        Binding("z", "app.go('reconcile')", "Reconcile", id="gateways.reconcile", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._gaps: tuple[GapSheet, ...] = ()
        self._at_work = False
        self.table: PagedTable[GatewaySheet] = PagedTable(
            self._columns(),
            lambda row: row.name,
            empty="No gateway is connected.\nPress N: it asks for what is needed, step by step.",
        )

    def _columns(self) -> tuple[Column[GatewaySheet], ...]:
        return (
            Column("Gateway", 10, lambda row: (row.name, "strong"), grow=1),
            Column("Make", 8, lambda row: row.make, from_width=100),
            Column("Account", 12, lambda row: (row.account, "muted"), grow=1, from_width=110),
            Column("Mode", 4, lambda row: (mode_word(row.mode), tone_of(mode_word(row.mode)))),
            Column("Polled", 8, lambda row: ago(row.last_polled_at, self.app.now())),
            Column("Facts to", 8, lambda row: ago(row.watermark, self.app.now())),
            Column("Open", 6, lambda row: count(_open(row)), right=True),
            Column("Waiting", 7, lambda row: _number(row.waiting_facts, "warn"), right=True),
            Column("Gaps", 4, lambda row: _number(row.open_gaps, "warn"), right=True),
            Column("State", 10, self._state, grow=2),
        )

    def _state(self, row: GatewaySheet) -> tuple[str, str]:
        """The one thing one must know of it, in words."""
        quiet = _is_quiet(row, self.app.now())
        if row.last_error:
            return (f"quiet: {row.last_error}" if quiet else row.last_error), "bad"
        return ("left alone", "warn") if quiet else ("fine", "good")

    def body(self) -> ComposeResult:
        yield self.table
        yield Pane(id="about")

    # --- the question ---

    def question(self) -> Callable[[Desk], Answer]:
        return lambda desk: (desk.gateways.list(), desk.gateways.gaps())

    def paint(self, answer: Answer) -> None:
        sheets, self._gaps = answer
        self.table.show_rows(sheets)
        self._show_marked()

    def _show_marked(self) -> None:
        row, pane = self.table.row, self.query_one("#about", Pane)
        pane.display = row is not None
        if row is not None:
            lines = self._about(row, GAPS_SHOWN)
            pane.show(lambda width: written(lines, width))

    def _about(self, row: GatewaySheet, gaps_shown: int) -> tuple[Line, ...]:
        times = self.app.times
        fresh = f"{times.full(row.watermark)}" if row.watermark else "nothing told yet"
        lines: list[Line] = [
            ("gateway", f"{row.name}: {row.make} account {row.account}", "strong"),
            ("mode", mode_in_words(row.mode), tone_of(mode_word(row.mode))),
            ("key", row.key, ""),
            ("polled", times.full(row.last_polled_at), ""),
            ("facts up to", fresh, ""),
            ("swept", times.full(row.swept_at), ""),
            ("open", _open_in_words(row), ""),
            ("waiting", _waiting(row), "warn" if row.waiting_facts else ""),
        ]
        if row.last_error:
            lines.append(("last error", row.last_error, "bad"))
        if _is_quiet(row, self.app.now()):
            lines.append(
                ("left alone", f"until {times.full(row.quiet_until)}; K tries it now", "warn")
            )
        gaps = [gap for gap in self._gaps if (gap.gateway, gap.mode) == (row.name, row.mode)]
        for gap in gaps[:gaps_shown]:
            healed = (
                f"healed {times.stamp(gap.healed_at)}"
                if gap.healed_at
                else "open until a sweep covers it"
            )
            span = f"{times.stamp(gap.since)} to {times.stamp(gap.until)}, {healed}"
            lines.append(("gap", span, "" if gap.healed_at else "warn"))
        if len(gaps) > gaps_shown:
            lines.append(("", f"{counted(len(gaps) - gaps_shown, 'more gap')}: Enter", "muted"))
        return tuple(lines)

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table and self.table.row_count:
            self.show_position(f"{self.table.cursor + 1} of {self.table.row_count}")
            self._show_marked()
            self.refresh_bindings()

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            lines = tuple((name, text) for name, text, _ in self._about(row, len(self._gaps)))
            self.app.push_screen(Detail("Gateway", row.name, lines))

    # --- asking them ---

    def action_poll(self) -> None:
        self._ask_gateway("polling", lambda desk, name: desk.gateways.poll(name))

    def action_sweep(self) -> None:
        """Everything of the last two days is listed once more; gaps are healed by it."""
        self._ask_gateway("sweeping", lambda desk, name: desk.gateways.sweep(name))

    def _ask_gateway(self, doing: str, ask: Callable[[Desk, str], TickSheet]) -> None:
        row = self.table.row
        if row is None or not self.may_act() or self._at_work:
            return
        self._at_work = True
        name = row.name
        self.say(f"{doing} {name} …", "muted")
        self.act(lambda desk: ask(desk, name), lambda tick: self._asked(name, tick))

    def _asked(self, name: str, tick: TickSheet) -> None:
        self._at_work = False
        if tick.errors:
            self.say("Problem: " + "; ".join(tick.errors), "bad")
        else:
            came = f"{counted(tick.facts, 'new fact')}, {counted(tick.deposits, 'deposit')}"
            self.say(f"{name}: {came}", "good" if tick.facts else "muted")
        self.ask()

    def action_replay(self) -> None:
        if self.may_act():
            self.act(lambda desk: desk.facts.replay(), self._replayed)

    def _replayed(self, tick: TickSheet) -> None:
        placed = counted(tick.facts, "waiting fact")
        self.say(f"{placed} placed, the others still wait: w says why", "muted")
        self.ask()

    def say_error(self, error: BaseException) -> None:
        self._at_work = False
        super().say_error(error)

    # --- elsewhere ---

    def action_waiting(self) -> None:
        self.app.show_list("facts", "state:waiting")

    def action_payments(self) -> None:
        if self.table.row is not None:
            self.app.show_list("payments", f"gateway:{self.table.row.name}")

    # --- connecting ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        row = self.table.row
        if action in {"poll", "sweep", "check", "payments"}:
            return row is not None
        return row is not None and row.make != "sandbox" if action == "remove" else True

    def action_connect(self) -> None:
        if self.may_act():
            self.app.push_screen(Choose(), lambda _: self.ask())

    def action_check(self) -> None:
        row = self.table.row
        if row is not None and self.may_act() and self.app.desk is not None:
            task = check_gateway(self.app.desk, row.name)
            self.app.push_screen(TaskDialog(task), lambda _: self.ask())

    def action_remove(self) -> None:
        row = self.table.row
        if row is not None and self.may_act() and self.app.desk is not None:
            task = remove_gateway(self.app.desk, row)
            self.app.push_screen(TaskDialog(task), lambda _: self.ask())


def _open(row: GatewaySheet) -> int:
    return row.open_payments + row.open_refunds + row.open_disputes


def _open_in_words(row: GatewaySheet) -> str:
    return ", ".join(
        (
            counted(row.open_payments, "payment"),
            counted(row.open_refunds, "refund"),
            counted(row.open_disputes, "dispute"),
        )
    )


def _waiting(row: GatewaySheet) -> str:
    if not row.waiting_facts:
        return "nothing"
    return f"{counted(row.waiting_facts, 'fact')} nobody could place: w says why, R tries again"


def _number(quantity: int, tone: str) -> tuple[str, str]:
    return (count(quantity), tone) if quantity else (NOTHING, "muted")


def _is_quiet(row: GatewaySheet, now: datetime) -> bool:
    return row.quiet_until is not None and row.quiet_until > now

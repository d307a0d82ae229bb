"""Reconcile: our records beside the gateways' own books, one row for each comparison made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.values.clock import parse_instant
from billdesk.screens.acts import Field, choice_field
from billdesk.screens.figures import count, mode_word, tone_of
from billdesk.screens.form import Form
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.reconcile_items import ReconcileItems

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import GatewaySheet, Page, ReconcileSheet
    from billdesk.screens.filter_line import Query
    from billdesk.screens.progress import Report

AGREE = "matched"


class ReconcileScreen(ListScreen["ReconcileSheet"]):
    """All comparisons, the newest first."""

    place = "reconcile"
    heading = "Reconcile"
    filter_names = ("gateway",)
    filter_hint = "/ filter: gateway:NAME"
    empty = (
        "Nothing has been compared yet.\nPress N: what the desk recorded is laid beside a gateway's own"
        "\nbooks, item by item and in total."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("N", "compare", "Compare now", id="reconcile.compare"),
        Binding("b", "app.go('gateways')", "Gateways", id="reconcile.gateways"),
    ]

    def columns(self) -> Sequence[Column[ReconcileSheet]]:
        return (
            Column("Started", 11, lambda row: self.app.times.short(row.started_at)),
            Column("Gateway", 8, lambda row: (row.gateway, "strong"), grow=1),
            Column("Mode", 4, lambda row: (mode_word(row.mode), tone_of(mode_word(row.mode)))),
            Column("From", 11, lambda row: self.app.times.short(row.since), from_width=96),
            Column("To", 11, lambda row: self.app.times.short(row.until), from_width=90),
            Column("Agree", 7, lambda row: count(row.outcomes.get(AGREE, 0)), right=True),
            Column("Not", 5, lambda row: count(_apart(row)), right=True),
            Column("Explained", 9, lambda row: count(row.explained), right=True),
            Column("Verdict", 9, verdict, grow=2),
            Column("By", 10, lambda row: (row.actor, "muted"), from_width=110),
        )

    def key_of(self, row: ReconcileSheet) -> str:
        return row.id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[ReconcileSheet]]:
        gateway = query.get("gateway")
        return lambda desk, after, limit: desk.reconcile.list(
            gateway=gateway, after=after, limit=limit
        )

    def open_row(self, row: ReconcileSheet) -> None:
        self.app.push_screen(ReconcileItems(row))

    def on_screen_resume(self) -> None:
        """A note is no entry: what was explained meanwhile shows only when it is asked for."""
        self.ask()

    def action_compare(self) -> None:
        if self.may_act():
            self.act(lambda desk: desk.gateways.list(), self._choose)

    def _choose(self, gateways: tuple[GatewaySheet, ...]) -> None:
        if not gateways:
            self.say("no gateway is connected; 9 shows them, and N connects one", "warn")
            return
        self.app.push_screen(Compare(tuple(each.name for each in gateways)), lambda _: self.ask())


class Compare(Form):
    """Whose books, and which span of them."""

    heading = "Compare with a gateway's own books"
    verb = "Compare"

    DEFAULT_CSS = """
    Compare.-done #start { display: none; }
    """

    def __init__(self, gateways: tuple[str, ...]) -> None:
        super().__init__()
        self._gateways = gateways

    def fields(self) -> Sequence[Field]:
        return (
            choice_field("gateway", "Gateway", self._gateways),
            _instant_field("since", "From", "2026-08-01; else 30 days before the end"),
            _instant_field("until", "Until", "2026-09-01; else the last full hour"),
        )

    def opened(self) -> None:
        self.say(
            "Both sides are read to the end of the span. Nothing is posted or changed.", "muted"
        )

    def start(self, values: dict[str, str]) -> None:
        desk, gateway = self.app.desk, values["gateway"].strip()
        if desk is None:
            return
        since, until = values["since"].strip(), values["until"].strip()

        def compare(report: Report) -> ReconcileSheet:
            return desk.reconcile.run(
                gateway,
                parse_instant(since) if since else None,
                parse_instant(until) if until else None,
                on_progress=lambda done, total: report("comparing", done, total),
            )

        self.work(compare, self._compared)

    def _compared(self, sheet: ReconcileSheet) -> None:
        self.app.remember(f"compared with {sheet.gateway}: {verdict(sheet)[0]}", verdict(sheet)[1])
        self.go_on(ReconcileItems(sheet))


def verdict(row: ReconcileSheet) -> tuple[str, str]:
    """How a comparison ended, in words."""
    if row.finished_at is None:
        return (f"broken off: {row.interrupted}" if row.interrupted else "not finished"), "warn"
    if row.alarm:
        return "ALARM: over the limit", "bad"
    left = _apart(row) - row.explained
    if left > 0:
        return f"{count(left)} to explain", "accent"
    return ("all explained" if row.explained else "all agree"), "good"


def _apart(row: ReconcileSheet) -> int:
    return sum(many for outcome, many in row.outcomes.items() if outcome != AGREE)


def _instant_field(name: str, label: str, placeholder: str) -> Field:
    def check(text: str) -> object:
        return parse_instant(text) if text.strip() else text

    return Field(name, label, check, placeholder=placeholder)

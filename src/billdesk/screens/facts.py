"""Facts: what the gateways said happened, as they said it; and why those wait that do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens.detail import Detail
from billdesk.screens.figures import (
    NOTHING,
    amount,
    counted,
    mode_in_words,
    mode_word,
    tone_of,
)
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import FactSheet, Page, TickSheet
    from billdesk.screens.filter_line import Query

STATES = ("waiting", "applied")


class FactsScreen(ListScreen["FactSheet"]):
    """All facts, the newest first."""

    place = "gateways"
    heading = "Facts"
    filter_names = ("state", "gateway", "payment")
    filter_values = tuple(f"state:{state}" for state in STATES)
    filter_hint = "/ filter: state:waiting   gateway:NAME   payment:ID"
    empty = "No gateway has said anything yet.\nStart a deposit, or poll (9, then p)."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "replay", "Replay what waits", id="facts.replay"),
        Binding("f", "state", "State", id="facts.state"),
        Binding("b", "app.go('gateways')", "Gateways", id="facts.gateways"),
    ]

    def columns(self) -> Sequence[Column[FactSheet]]:
        return (
            Column("Happened", 11, lambda row: self.app.times.short(row.happened_at)),
            Column("Gateway", 8, lambda row: row.gateway),
            Column("Mode", 4, lambda row: (mode_word(row.mode), tone_of(mode_word(row.mode)))),
            Column("Stage", 14, lambda row: row.stage.replace("_", " ")),
            Column("State", 7, lambda row: (row.state, tone_of(row.state)), from_width=90),
            Column("Amount", 12, lambda row: amount(row.amount), right=True),
            Column("Why, or of what", 12, _why, grow=3),
            Column("Object", 20, lambda row: (row.object_id, "muted"), grow=1, from_width=120),
        )

    def key_of(self, row: FactSheet) -> str:
        return str(row.number)

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[FactSheet]]:
        state, gateway, payment = (query.get(name) for name in self.filter_names)
        return lambda desk, after, limit: desk.facts.list(
            state=state, gateway=gateway, payment=payment, after=after, limit=limit
        )

    def open_row(self, row: FactSheet) -> None:
        times = self.app.times
        lines = (
            ("gateway", row.gateway),
            ("mode", mode_in_words(row.mode)),
            ("stage", row.stage),
            ("state", row.state),
            ("why", row.detail or NOTHING),
            ("amount", amount(row.amount)),
            ("object", row.object_id),
            ("occurrence", row.occurrence),
            ("payment", row.payment_id or NOTHING),
            ("happened", times.full(row.happened_at)),
            ("received", times.full(row.received_at)),
        )
        self.app.push_screen(Detail("Fact", str(row.number), lines))

    def action_state(self) -> None:
        """From all to each state in turn, and back to all."""
        self.cycle_filter("state", STATES)

    def action_replay(self) -> None:
        if self.may_act():
            self.act(lambda desk: desk.facts.replay(), self._replayed)

    def _replayed(self, tick: TickSheet) -> None:
        self.say(f"{counted(tick.facts, 'waiting fact')} placed, the others still wait", "muted")
        self.ask()


def _why(row: FactSheet) -> tuple[str, str]:
    """Why it waits; of one that was applied, what it was about."""
    if row.state == "waiting":
        return f"waits: {row.detail or 'its target is not known here'}", "warn"
    return row.payment_id or row.detail, "muted"

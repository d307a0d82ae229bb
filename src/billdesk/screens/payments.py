"""Payments: money in through the gateways, what it waits for and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens.detail import Detail, payment_lines
from billdesk.screens.figures import counted, number, tone_of
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import Page, PaymentSheet, TickSheet
    from billdesk.screens.filter_line import Query

STATUSES = ("pending", "succeeded", "failed", "expired")


class PaymentsScreen(ListScreen["PaymentSheet"]):
    """All payments, the newest first."""

    place = "payments"
    heading = "Payments"
    filter_names = ("status", "account")
    filter_values = tuple(f"status:{status}" for status in STATUSES)
    filter_hint = "/ filter: status:pending   account:REF"
    empty = (
        "No payments yet.\nOpen an account (^k finds it) and press D to start a deposit;\n"
        "it shows here until it is paid."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "status", "Status", id="payments.status"),
        Binding("o", "open_account", "Account", id="payments.account"),
    ]

    def columns(self) -> Sequence[Column[PaymentSheet]]:
        return (
            Column(
                "Started", 11, lambda row: self.app.times.short(row.created_at), below_width=100
            ),
            Column("Started", 16, lambda row: self.app.times.stamp(row.created_at), from_width=100),
            Column("Account", 14, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Name", 14, lambda row: row.account_name, grow=2, from_width=100),
            Column("Gateway", 9, lambda row: row.gateway),
            Column("Status", 9, lambda row: (row.status, tone_of(row.status))),
            Column("Amount", 12, lambda row: number(row.amount), right=True),
            Column("", 6, lambda row: (row.amount.asset, "muted")),
            Column("Detail", 20, lambda row: (row.detail, "muted"), grow=2, from_width=115),
            Column("Mode", 4, lambda row: (row.mode, "muted"), from_width=130),
        )

    def key_of(self, row: PaymentSheet) -> str:
        return row.id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[PaymentSheet]]:
        account, status = query.get("account"), query.get("status")
        return lambda desk, after, limit: desk.payments.list(
            account=account, status=status, after=after, limit=limit
        )

    def open_row(self, row: PaymentSheet) -> None:
        self.app.push_screen(Detail("Payment", row.id, payment_lines(row, self.app.times)))

    def action_ask(self) -> None:
        """Ask the gateways what happened; then show what the desk knows now."""
        if not self.app.may_act:
            self.ask()
            return
        self.say("asking the gateways …", "muted")
        self.act(lambda desk: desk.gateways.poll(), self._polled)

    def _polled(self, tick: TickSheet) -> None:
        for trouble in tick.errors:
            self.say(f"Problem: {trouble}", "bad")
        if not tick.errors:
            new = counted(tick.facts, "new fact")
            self.say(f"asked {counted(tick.polled, 'gateway')}: {new}", "muted")
        self.ask()

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)

    def action_status(self) -> None:
        """From all to each status in turn, and back to all."""
        self.cycle_filter("status", STATUSES)

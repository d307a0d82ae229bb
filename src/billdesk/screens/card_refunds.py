"""Card refunds: money of payments on its way back to where it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens.detail import Detail, card_refund_lines
from billdesk.screens.figures import mode_word, number, tone_of
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import CardRefundSheet, Page
    from billdesk.screens.filter_line import Query

STATUSES = ("pending", "succeeded", "failed")


class CardRefundsScreen(ListScreen["CardRefundSheet"]):
    """All refunds to where money came from, the newest first."""

    place = "payments"
    heading = "Card refunds"
    filter_names = ("status", "account", "payment")
    filter_values = tuple(f"status:{status}" for status in STATUSES)
    filter_hint = "/ filter: status:pending   account:REF   payment:ID"
    empty = (
        "No money went back to a card yet.\nGo to a payment (4) and press R: a review shows what\n"
        "will be held, and asks for the amount again."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "app.go('payments')", "Payments", id="card-refunds.payments"),
        Binding("d", "app.go('disputes')", "Disputes", id="card-refunds.disputes"),
        Binding("f", "status", "Status", id="card-refunds.status"),
        Binding("o", "open_account", "Account", id="card-refunds.account"),
    ]

    def columns(self) -> Sequence[Column[CardRefundSheet]]:
        return (
            Column("Started", 11, lambda row: self.app.times.short(row.created_at)),
            Column("Account", 12, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Gateway", 8, lambda row: row.gateway, grow=1),
            Column("Mode", 4, lambda row: (mode_word(row.mode), tone_of(mode_word(row.mode)))),
            Column("Status", 9, lambda row: (row.status, tone_of(row.status))),
            Column("Amount", 11, lambda row: number(row.amount), right=True),
            Column("", 4, lambda row: (row.amount.asset, "muted")),
            Column("Reason", 12, lambda row: (row.memo, "muted"), grow=3, from_width=100),
            Column("Detail", 12, lambda row: (row.detail, "muted"), grow=2, from_width=110),
            Column("By", 8, lambda row: (row.actor, "muted"), from_width=130),
        )

    def key_of(self, row: CardRefundSheet) -> str:
        return row.id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[CardRefundSheet]]:
        status, account, payment = (query.get(name) for name in self.filter_names)
        return lambda desk, after, limit: desk.card_refunds.list(
            account=account, payment=payment, status=status, after=after, limit=limit
        )

    def open_row(self, row: CardRefundSheet) -> None:
        """What is known now: it may have come further since the list was read."""
        self.act(lambda desk: desk.card_refunds.get(row.id), self._show_refund)

    def _show_refund(self, refund: CardRefundSheet) -> None:
        lines = card_refund_lines(refund, self.app.times)
        self.app.push_screen(Detail("Card refund", refund.id, lines))

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)

    def action_status(self) -> None:
        """From all to each status in turn, and back to all."""
        self.cycle_filter("status", STATUSES)

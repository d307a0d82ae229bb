"""Disputes: payments that their payers contest, and how that ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens.detail import Detail, dispute_lines
from billdesk.screens.figures import mode_word, number, tone_of
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import DisputeSheet, Page
    from billdesk.screens.filter_line import Query

STATUSES = ("open", "won", "lost")


class DisputesScreen(ListScreen["DisputeSheet"]):
    """All contested payments, the newest first."""

    place = "payments"
    heading = "Disputes"
    filter_names = ("status", "account")
    filter_values = tuple(f"status:{status}" for status in STATUSES)
    filter_hint = "/ filter: status:open   account:REF"
    empty = (
        "Nobody contests a payment.\nA dispute is answered on the gateway's own pages; what is left of"
        "\nits payment is held here until it is decided."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "app.go('payments')", "Payments", id="disputes.payments"),
        Binding("c", "app.go('card_refunds')", "Card refunds", id="disputes.card-refunds"),
        Binding("f", "status", "Status", id="disputes.status"),
        Binding("o", "open_account", "Account", id="disputes.account"),
    ]

    def columns(self) -> Sequence[Column[DisputeSheet]]:
        return (
            Column("Opened", 11, lambda row: self.app.times.short(row.opened_at)),
            Column("Account", 12, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Gateway", 8, lambda row: row.gateway, grow=1),
            Column("Mode", 4, lambda row: (mode_word(row.mode), tone_of(mode_word(row.mode)))),
            Column("Status", 6, lambda row: (row.status, tone_of(row.status))),
            Column("Amount", 11, lambda row: number(row.amount), right=True),
            Column("", 4, lambda row: (row.amount.asset, "muted")),
            Column("Closed", 11, lambda row: self.app.times.short(row.closed_at), from_width=90),
            Column("Detail", 12, lambda row: (row.detail, "muted"), grow=3, from_width=100),
        )

    def key_of(self, row: DisputeSheet) -> str:
        return row.id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[DisputeSheet]]:
        status, account = (query.get(name) for name in self.filter_names)
        return lambda desk, after, limit: desk.disputes.list(
            account=account, status=status, after=after, limit=limit
        )

    def open_row(self, row: DisputeSheet) -> None:
        lines = dispute_lines(row, self.app.times)
        self.app.push_screen(Detail("Dispute", row.id, lines))

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)

    def action_status(self) -> None:
        """From all to each status in turn, and back to all."""
        self.cycle_filter("status", STATUSES)

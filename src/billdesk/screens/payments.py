"""Payments: money in through the gateways, what it waits for and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.values.plain_text import visible
from billdesk.screens.detail import Detail, fact_lines, payment_lines
from billdesk.screens.figures import counted, mode_word, number, tone_of
from billdesk.screens.gateway_verbs import card_refund, retry, what_is_left
from billdesk.screens.line_table import Column
from billdesk.screens.link_page import LinkPage, payment_page
from billdesk.screens.links import open_link
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.review import Review

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import (
        FactSheet,
        Page,
        PaymentSheet,
        TickSheet,
    )
    from billdesk.core.values.money import Money
    from billdesk.screens.acts import Receipt
    from billdesk.screens.filter_line import Query

STATUSES = ("pending", "succeeded", "failed", "expired", "refunded", "disputed")
WENT_WRONG = ("failed", "expired")
FACTS_SHOWN = 50


class PaymentsScreen(ListScreen["PaymentSheet"]):
    """All payments, the newest first."""

    place = "payments"
    heading = "Payments"
    filter_names = ("status", "account", "gateway")
    filter_values = tuple(f"status:{status}" for status in STATUSES)
    filter_hint = "/ filter: status:pending   account:REF   gateway:NAME"
    empty = (
        "No payments yet.\nOpen an account (^k finds it) and press D to start a deposit;\n"
        "it shows here until it is paid."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "send_back", "Refund to card", id="payments.refund"),
        Binding("T", "retry", "Try again", id="payments.retry"),
        Binding("v", "link", "Link and code", id="payments.link"),
        Binding("f", "status", "Status", id="payments.status"),
        Binding("o", "open_account", "Account", id="payments.account"),
        Binding("c", "app.go('card_refunds')", "Card refunds", id="payments.card-refunds"),
        Binding("d", "app.go('disputes')", "Disputes", id="payments.disputes"),
        Binding("b", "browse", "Open the link", id="payments.browse", show=False),
        Binding("u", "copy_link", "Copy the link", id="payments.copy-link", show=False),
    ]

    def columns(self) -> Sequence[Column[PaymentSheet]]:
        return (
            Column(
                "Started", 11, lambda row: self.app.times.short(row.created_at), below_width=100
            ),
            Column("Started", 16, lambda row: self.app.times.stamp(row.created_at), from_width=100),
            Column("Account", 12, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Name", 12, lambda row: row.account_name, grow=2, from_width=100),
            Column("Gateway", 8, lambda row: row.gateway, grow=1),
            Column("Mode", 4, lambda row: (mode_word(row.mode), tone_of(mode_word(row.mode)))),
            Column("Status", 9, lambda row: (row.status, tone_of(row.status))),
            Column("Amount", 11, lambda row: number(row.amount), right=True),
            Column("", 4, lambda row: (row.amount.asset, "muted")),
            Column("Fee", 7, lambda row: (number(row.fee), "muted"), right=True, from_width=130),
            Column("Detail", 12, lambda row: (row.detail, "muted"), grow=2, from_width=110),
        )

    def key_of(self, row: PaymentSheet) -> str:
        return row.id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[PaymentSheet]]:
        status, account, gateway = (query.get(name) for name in self.filter_names)
        return lambda desk, after, limit: desk.payments.list(
            account=account, status=status, gateway=gateway, after=after, limit=limit
        )

    def open_row(self, row: PaymentSheet) -> None:
        self.act(
            lambda desk: desk.facts.list(payment=row.id, limit=FACTS_SHOWN),
            lambda facts: self._show_payment(row, facts),
        )

    def _show_payment(self, row: PaymentSheet, facts: Page[FactSheet]) -> None:
        times = self.app.times
        lines = payment_lines(row, times) + fact_lines(facts.rows, times)
        self.app.push_screen(Detail("Payment", row.id, lines))

    # --- asking the gateways ---

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

    # --- the marked payment ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        row = self.table.row
        offered = {
            "send_back": row is not None and row.status in {"succeeded", "refunded"},
            "retry": row is not None and row.status in WENT_WRONG,
            "link": row is not None and row.pay_url is not None,
            "browse": row is not None and row.pay_url is not None,
            "copy_link": row is not None and row.pay_url is not None,
            "open_account": row is not None,
        }
        return offered.get(action, True)

    def action_send_back(self) -> None:
        row = self.table.row
        if row is not None and self.may_act():
            self.act(lambda desk: what_is_left(desk, row.id), self._review_refund)

    def _review_refund(self, found: tuple[PaymentSheet, Money]) -> None:
        payment, left = found
        if left.minor <= 0:
            self.say("all of this payment went back already, or is on its way; c shows it", "warn")
            return
        act = card_refund(payment, left, self.app.mint("rfd"))
        self.app.push_screen(Review(act), lambda _: self.ask())

    def action_retry(self) -> None:
        row = self.table.row
        if row is not None and self.may_act():
            self.app.push_screen(Review(retry(row)), self._tried_again)

    def _tried_again(self, receipt: Receipt | None) -> None:
        self.ask()
        if receipt is not None:
            self.app.push_screen(LinkPage(payment_page(receipt.id)))

    def action_link(self) -> None:
        if self.table.row is not None:
            self.app.push_screen(LinkPage(payment_page(self.table.row.id)), lambda _: self.ask())

    def action_browse(self) -> None:
        row = self.table.row
        if row is not None and row.pay_url is not None:
            link = row.pay_url
            self.in_thread(
                lambda: open_link(link),
                lambda _: self.say("opened in a browser", "muted"),
                self.say_error,
            )

    def action_copy_link(self) -> None:
        row = self.table.row
        if row is not None and row.pay_url is not None:
            self.app.copy_to_clipboard(visible(row.pay_url))
            self.say("link sent to terminal clipboard", "muted")

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)

    def action_status(self) -> None:
        """From all to each status in turn, and back to all."""
        self.cycle_filter("status", STATUSES)

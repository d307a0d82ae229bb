"""Packs of credits: what was bought, what it waits for, and taking back what is not used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens import credit_verbs as verbs
from billdesk.screens.credits import AccountCreditsScreen
from billdesk.screens.detail import Detail
from billdesk.screens.figures import NOTHING, amount, count, counted, number, tone_of
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.review import Review

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import PackRefundSheet, PackSheet, Page, PurchaseSheet
    from billdesk.screens.filter_line import Query

STATUSES = ("pending", "completed", "failed", "refunded")


class PacksScreen(ListScreen["PurchaseSheet"]):
    """Purchases of packs, the newest first."""

    place = "packs"
    heading = "Packs"
    filter_names = ("status", "account")
    filter_values = tuple(f"status:{status}" for status in STATUSES)
    filter_hint = "/ filter: status:pending   account:REF"
    empty = (
        "No packs were bought yet.\nv shows what is sold. On the credits of an account (^k finds it,"
        "\nc leads there) B buys one."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "give_back", "Take back", id="packs.refund"),
        Binding("v", "sold", "What is sold", id="packs.sold"),
        Binding("c", "credits", "Its credits", id="packs.credits"),
        Binding("f", "status", "Status", id="packs.status"),
        Binding("o", "open_account", "Account", id="packs.account"),
        Binding("i", "app.go('invoices')", "Invoices", id="packs.invoices", show=False),
    ]

    def columns(self) -> Sequence[Column[PurchaseSheet]]:
        return (
            Column("Bought", 11, lambda row: self.app.times.short(row.created_at)),
            Column("Account", 10, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Pack", 12, lambda row: row.pack_name, grow=2),
            Column("Status", 9, lambda row: (row.status, tone_of(row.status))),
            Column("Left", 8, left_of, right=True),
            Column("Total", 10, lambda row: number(row.total or row.price), right=True),
            Column("", 4, lambda row: (row.price.asset, "muted")),
            Column("By", 8, lambda row: row.paid_by, from_width=100),
            Column("Invoice", 11, lambda row: row.invoice_number or NOTHING, from_width=100),
            Column("Detail", 12, lambda row: (row.detail, "muted"), grow=2, from_width=110),
        )

    def key_of(self, row: PurchaseSheet) -> str:
        return row.id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[PurchaseSheet]]:
        status, account = (query.get(name) for name in self.filter_names)
        return lambda desk, after, limit: desk.packs.list(
            account, status=status, after=after, limit=limit
        )

    def open_row(self, row: PurchaseSheet) -> None:
        times = self.app.times
        lines = (
            ("account", f"{row.account_ref}  {row.account_name}"),
            ("pack", f"{row.pack_name}  ({row.pack_code})"),
            ("credits", count(row.credits)),
            ("left", left_of(row) or NOTHING),
            ("price", amount(row.price)),
            ("with tax", amount(row.total)),
            ("given back", amount(row.refunded)),
            ("paid by", row.paid_by),
            ("status", row.status),
            ("detail", row.detail or NOTHING),
            ("invoice", row.invoice_number or row.invoice_id or NOTHING),
            ("lot", row.lot_id or NOTHING),
            ("bought", times.full(row.created_at)),
            ("changed", times.full(row.changed_at)),
        )
        self.app.push_screen(Detail("Purchase", row.id, lines))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        row = self.table.row
        if action == "give_back":
            return row is not None and row.status == "completed"
        return row is not None or action not in {"credits", "open_account"}

    def action_give_back(self) -> None:
        row = self.table.row
        if row is not None and self.may_act():
            self.act(lambda desk: desk.packs.preview_refund(row.id), self._review)

    def _review(self, preview: PackRefundSheet) -> None:
        if preview.why_not:
            self.say(preview.why_not, "warn")
            return
        self.app.push_screen(Review(verbs.give_back(preview)), lambda _: self.ask())

    def action_sold(self) -> None:
        self.act(lambda desk: desk.catalog.packs(), self._show_sold)

    def _show_sold(self, packs: tuple[PackSheet, ...]) -> None:
        lines = [(pack.code, sold_words(pack)) for pack in packs]
        shown = tuple(lines) or (("", "nothing: apply a catalog that has packs"),)
        self.app.push_screen(Detail("Packs that are sold", "before tax", shown))

    def action_credits(self) -> None:
        if self.table.row is not None:
            ref = self.table.row.account_ref
            self.app.push_screen(AccountCreditsScreen(ref), lambda _: self.ask())

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)

    def action_status(self) -> None:
        """From all to each status in turn, and back to all."""
        self.cycle_filter("status", STATUSES)


def left_of(purchase: PurchaseSheet) -> str:
    """What is left of a pack's credits; nothing before they came."""
    return "" if purchase.remaining is None else count(purchase.remaining)


def sold_words(pack: PackSheet) -> str:
    """What a pack brings, what it costs, and who may buy it."""
    words = f"{pack.name}: {count(pack.credits)} credits for {amount(pack.price)}"
    if pack.expires_days is not None:
        words += f", for {counted(pack.expires_days, 'day')}"
    return f"{words}, with {' or '.join(pack.plans)}" if pack.plans else words

"""Subscriptions: who is on which plan, until when, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens import subscription_verbs as verbs
from billdesk.screens.figures import NOTHING, number, tone_of
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.review import Review
from billdesk.screens.subscription import SubscriptionScreen, ahead, times_of
from billdesk.screens.subscription_acts import SubscriptionActs

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import Page, SubscriptionSheet
    from billdesk.screens.acts import Receipt
    from billdesk.screens.filter_line import Query

STATUSES = ("trialing", "active", "past_due", "paused", "canceled")


class SubscriptionsScreen(
    ListScreen["SubscriptionSheet"],
    SubscriptionActs["tuple[tuple[SubscriptionSheet, ...], str | None]"],
):
    """All subscriptions, the newest first."""

    place = "subscriptions"
    heading = "Subscriptions"
    filter_names = ("status", "account", "plan")
    filter_values = tuple(f"status:{status}" for status in STATUSES)
    filter_hint = "/ filter: status:past_due  account:REF  plan:CODE"
    empty = (
        "No subscriptions yet.\nN puts an account on a plan; plans come from the catalog.\n"
        "Those that a gateway keeps come by themselves."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("N", "new", "New", id="subscriptions.new"),
        Binding("f", "status", "Status", id="subscriptions.status"),
    ]

    def columns(self) -> Sequence[Column[SubscriptionSheet]]:
        return (
            Column("Account", 9, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Name", 10, lambda row: row.account_name, grow=2, from_width=100),
            Column("Plan", 10, lambda row: f"{times_of(row)}{row.plan_name}", grow=2),
            Column("Schedule", 9, lambda row: (row.schedule, "muted"), from_width=90),
            Column("Status", 9, lambda row: (row.status, tone_of(row.status))),
            Column("Paid by", 8, lambda row: (_payer(row), "muted"), from_width=110),
            Column("Until", 10, self._day),
            Column("Then", 11, lambda row: (ahead(row), "muted"), grow=1, from_width=110),
            Column("Price", 10, lambda row: number(row.price), right=True),
            Column("", 6, lambda row: (row.price.asset, "muted")),
        )

    def _day(self, row: SubscriptionSheet) -> str:
        if row.status == "canceled" and row.canceled_at is not None:
            return f"{self.app.times.local(row.canceled_at):%Y-%m-%d}"
        return f"{self.app.times.local(row.period_until):%Y-%m-%d}"

    def key_of(self, row: SubscriptionSheet) -> str:
        return row.id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[SubscriptionSheet]]:
        account, status, plan = (query.get(name) for name in ("account", "status", "plan"))
        # Words without a name are taken for an account.
        account = account or query.words or None
        return lambda desk, after, limit: desk.subscriptions.list(
            account=account, status=status, plan=plan, after=after, limit=limit
        )

    def open_row(self, row: SubscriptionSheet) -> None:
        self._open(row.id)

    def _open(self, subscription_id: str) -> None:
        self.app.push_screen(SubscriptionScreen(subscription_id), lambda _: self.ask())

    def marked(self) -> SubscriptionSheet | None:
        return self.table.row

    def action_status(self) -> None:
        """From all to each status in turn, and back to all."""
        self.cycle_filter("status", STATUSES)

    def action_new(self) -> None:
        if self.may_act():
            self.act(verbs.offer_of, self._subscribe)

    def _subscribe(self, offer: verbs.Offer) -> None:
        ledger = self.app.ledger
        asset = ledger.default_asset if ledger is not None else "USD"
        act = verbs.create(
            self.line.applied.get("account") or "",
            asset,
            offer,
            self.app.mint("ref"),
            self.app.times,
        )
        self.app.push_screen(Review(act), self._subscribed)

    def _subscribed(self, receipt: Receipt | None) -> None:
        self.ask()
        if receipt is not None:
            self._open(receipt.id)


def _payer(row: SubscriptionSheet) -> str:
    """What pays for it; one that is kept at a gateway says at which."""
    return (row.gateway or NOTHING) if row.paid_by == "elsewhere" else row.paid_by

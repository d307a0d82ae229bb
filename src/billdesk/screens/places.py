"""The main screens, their keys and their order. Each is imported when it is first shown."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from billdesk.screens.host import Place

if TYPE_CHECKING:
    from textual.screen import Screen


def _place(key: str, name: str, title: str, maker: str) -> Place:
    """A main screen that is imported when it is first shown."""

    def make() -> Screen[None]:
        screen: Screen[None] = getattr(import_module(f"billdesk.screens.{name}"), maker)()
        return screen

    return Place(key, name, title, make)


PLACES = (
    _place("1", "overview", "Overview", "OverviewScreen"),
    _place("2", "balances", "Balances", "BalancesScreen"),
    _place("3", "ledger", "Ledger", "LedgerScreen"),
    _place("4", "payments", "Payments", "PaymentsScreen"),
    _place("5", "refunds", "Refunds", "RefundsScreen"),
    _place("6", "adjustments", "Adjustments", "AdjustmentsScreen"),
    _place("7", "audit", "Audit", "AuditScreen"),
    _place("8", "health", "Health", "HealthScreen"),
    _place("9", "gateways", "Gateways", "GatewaysScreen"),
    _place("0", "reconcile", "Reconcile", "ReconcileScreen"),
)
BY_NAME = (
    _place("", "keeping", "Keeping", "KeepingScreen"),
    _place("", "card_refunds", "Card refunds", "CardRefundsScreen"),
    _place("", "disputes", "Disputes", "DisputesScreen"),
    _place("", "facts", "Facts", "FactsScreen"),
    _place("", "usage", "Usage", "UsageScreen"),
    _place("", "usage_runs", "Usage runs", "UsageRunsScreen"),
    _place("", "invoices", "Invoices", "InvoicesScreen"),
    _place("", "credits", "Credits", "CreditsScreen"),
    _place("", "packs", "Packs of credits", "PacksScreen"),
    _place("", "plans", "Plans and catalog", "PlansScreen"),
    _place("", "subscriptions", "Subscriptions", "SubscriptionsScreen"),
)
"""Main screens without a digit: the palette has them, and whatever screen leads there."""

WELCOME = _place("", "welcome", "Welcome", "WelcomeScreen")

"""Which key each gateway needs, with which rights and what for, and where such a key is made."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from billdesk.core.rules.gateway import Make
from billdesk.core.rules.sheets.connections import NeedsSheet, RightSheet, SecretSheet

_STRIPE = NeedsSheet(
    make="stripe",
    title="Stripe",
    test_place="https://dashboard.stripe.com/test/apikeys",
    live_place="https://dashboard.stripe.com/apikeys",
    secrets=(
        SecretSheet(
            "key", "secret or restricted key", "rk_test_…, sk_test_…, rk_live_… or sk_live_…"
        ),
        SecretSheet("webhook_secret", "secret of its messages", "whsec_…", optional=True),
    ),
    rights=(
        RightSheet("events", "Events: read", "to hear what happened, without a public address"),
        RightSheet("checkout sessions", "Checkout Sessions: write", "to ask a customer for money"),
        RightSheet(
            "payment intents",
            "PaymentIntents: write",
            "to charge a saved card, and to see what was paid",
        ),
        RightSheet("refunds", "Charges and Refunds: write", "to send money back"),
        RightSheet("disputes", "Disputes: read", "to hear when a payment is contested"),
        RightSheet("customers", "Customers: write", "to know a customer again"),
        RightSheet("setup intents", "SetupIntents: write", "to have a card saved"),
        RightSheet("payment methods", "PaymentMethods: write", "to list and remove saved cards"),
        RightSheet(
            "balance transactions",
            "Balance transaction sources: read",
            "to know fees, and to compare the books",
            needed=False,
        ),
        RightSheet("invoices", "Invoices: read", "to see invoices kept at Stripe", needed=False),
        RightSheet(
            "subscriptions",
            "Subscriptions: read",
            "to see subscriptions kept at Stripe",
            needed=False,
        ),
        RightSheet(
            "account",
            "Account: read",
            "to know whose account it is, where Stripe does not tell anyway",
            needed=False,
        ),
    ),
    remarks=(
        "A restricted key (rk_…) with these rights is enough, and the safer choice.",
        (
            "No webhook and no public address is needed. The secret of its messages is only for messages"
            " brought in from a file."
        ),
    ),
)

_PAYPAL = NeedsSheet(
    make="paypal",
    title="PayPal",
    test_place="https://developer.paypal.com/dashboard/applications/sandbox",
    live_place="https://developer.paypal.com/dashboard/applications/live",
    secrets=(
        SecretSheet("client_id", "client id", "A…, 80 characters"),
        SecretSheet("secret", "secret", "E…, 80 characters"),
    ),
    rights=(
        RightSheet("take payments", "Payments", "to ask a customer for money"),
        RightSheet("send refunds", "Payments: refunds", "to send money back"),
        RightSheet(
            "keep saved methods", "Vault", "to save a way to pay, and to charge it", needed=False
        ),
        RightSheet(
            "read disputes",
            "Customer disputes",
            "to hear when a payment is contested",
            needed=False,
        ),
        RightSheet(
            "search transactions", "Transaction search", "to compare the books", needed=False
        ),
        RightSheet("read events", "Webhooks", "to hear of things a little sooner", needed=False),
    ),
    remarks=(
        (
            "The two don't show whether they are for the sandbox or for real money: without --live they"
            " are tried in test mode, with --live in live mode."
        ),
        "A right that was just given to an app may take up to nine hours to work.",
    ),
)

_PAYSTACK = NeedsSheet(
    make="paystack",
    title="Paystack",
    test_place="https://dashboard.paystack.com/#/settings/developers",
    live_place="https://dashboard.paystack.com/#/settings/developers",
    secrets=(SecretSheet("key", "secret key", "sk_test_… or sk_live_…"),),
    rights=(),
    remarks=(
        (
            "A secret key of Paystack has every right. Where addresses are limited to known ones, this"
            " machine's must be among them."
        ),
    ),
)

NEEDS: Mapping[Make, NeedsSheet] = MappingProxyType(
    {"stripe": _STRIPE, "paypal": _PAYPAL, "paystack": _PAYSTACK}
)

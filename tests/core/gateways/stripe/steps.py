"""The steps that the tests of Stripe's events share."""

from __future__ import annotations

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.rules.gateway import Fact, FactPage, PaymentRequest
from billdesk.core.values.money import Money
from tests.gateway_servers.stripe_books import JSON
from tests.gateway_servers.stripe_scene import StripeScene


def pay(scene: StripeScene, stripe: Stripe, payment_id: str = "pay_1") -> Fact:
    request = PaymentRequest(payment_id, Money(10_000, "USD"), "acme", "deposit")
    opened = stripe.open_payment(request)
    scene.pay(opened)
    return opened


def foreign_intent(scene: StripeScene) -> JSON:
    """A payment that nobody here asked for."""
    intent = scene.books.make("pi", "payment_intent", amount=700, currency="usd")
    intent |= {"status": "succeeded", "last_payment_error": None, "latest_charge": None}
    return intent


def subscription(scene: StripeScene) -> JSON:
    """One that is told from its event alone."""
    return scene.books.make("sub", "subscription", status="active")


def read(stripe: Stripe, cursor: str | None) -> FactPage:
    """A whole pass as one page."""
    page = stripe.facts(cursor)
    while not page.complete:
        more = stripe.facts(page.cursor)
        page = FactPage(
            page.facts + more.facts, more.cursor, more.complete, page.events + more.events
        )
    return page


def stages(page: FactPage) -> list[str]:
    return [fact.stage for fact in page.facts]

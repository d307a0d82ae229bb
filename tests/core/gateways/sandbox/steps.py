"""What the tests of the sandbox ask of it, and how they read what it tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from billdesk.core.gateways.sandbox import Sandbox
from billdesk.core.rules.gateway import Fact, PaymentQuery, PaymentRequest
from billdesk.core.values.money import Money

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # where the tests' clock stands
MINUTE = timedelta(minutes=1)


def request(number: int = 1, minor: int = 10_000, asset: str = "USD") -> PaymentRequest:
    return PaymentRequest(f"pay_{number}", Money(minor, asset), "acme", "deposit to acme")


def everything(sandbox: Sandbox, cursor: str | None = None) -> tuple[list[Fact], str]:
    """All facts of one whole pass, and the cursor after it."""
    told: list[Fact] = []
    while True:
        page = sandbox.facts(cursor)
        told += page.facts
        cursor = page.cursor
        if page.complete:
            return told, cursor


def last(sandbox: Sandbox, payment_id: str = "pay_1") -> Fact | None:
    """The latest that is known of a payment."""
    known = sandbox.find(PaymentQuery(payment_id, None, None, MONDAY))
    return known[-1] if known else None


def stages(facts: list[Fact] | tuple[Fact, ...]) -> list[tuple[str | None, str]]:
    return [(fact.payment_id, fact.stage) for fact in facts]

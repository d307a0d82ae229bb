"""PayPal's scene for the contract suite: our own PayPal, and what people do there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from billdesk.core.gateways.paypal import PayPal
from billdesk.core.rules.gateway import Fact, Gateway
from billdesk.core.values.clock import Clock
from tests.gateway_servers.paypal_server import CLIENT_ID, SECRET, WEBHOOK_ID, PayPalServer
from tests.gateway_servers.paypal_shapes import MERCHANT, from_minor, to_minor
from tests.gateway_servers.paypal_wire import Fault


class PayPalScene:
    make = "paypal"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.server = PayPalServer(clock)
        self.books = self.server.books

    def gateway(self, *, timeout_seconds: float = 2, **more: Any) -> Gateway:
        return self.paypal(timeout_seconds=timeout_seconds, **more)

    def paypal(self, **more: Any) -> PayPal:
        given = {
            "name": "paypal",
            "client_id": CLIENT_ID,
            "secret": SECRET,
            "mode": "test",
            "account": MERCHANT,
            "clock": self.clock,
            "base_url": self.server.url,
            "webhook_id": WEBHOOK_ID,
            "timeout_seconds": 2,
            **more,
        }
        return PayPal(**given)

    def pay(self, fact: Fact) -> None:
        """The buyer agrees; the desk's next look captures."""
        self.books.approve(fact.object_id)

    def decline(self, fact: Fact) -> None:
        self.books.approve(fact.object_id, will="decline")

    def abandon(self, fact: Fact) -> None:
        self.books.orders[fact.object_id].status = "VOIDED"

    def refund_outside(self, charge_id: str, minor: int) -> None:
        capture = self.books.captures[charge_id]
        value = str(from_minor(minor, capture.order.currency))
        amount = {"currency_code": capture.order.currency, "value": value}
        self.books.refund(charge_id, {"amount": amount}, None)

    def dispute(self, charge_id: str, minor: int) -> str:
        currency = self.books.captures[charge_id].order.currency
        return self.books.dispute(charge_id, from_minor(minor, currency)).id

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        outcome = "RESOLVED_SELLER_FAVOUR" if won else "RESOLVED_BUYER_FAVOUR"
        self.books.close_dispute(dispute_id, outcome)

    def save_method(self, customer_id: str, *, declines: bool = False) -> str:
        inside = {"email_address": "buyer@example.com", "account_id": "BUYERPAYERQ22"}
        return self.books.save_method(customer_id, "paypal", inside, declines=declines).id

    def lose_next_reply(self, *, before_effect: bool = False) -> None:
        self.server.faults.append(Fault(effect=not before_effect))

    def answer_next(self, status: int, headers: Mapping[str, str] = {}) -> None:
        self.server.faults.append(Fault(status=status, headers=headers))

    def totals(self) -> dict[str, tuple[int, int, int]]:
        sums: dict[str, tuple[int, int, int]] = {}
        for _, _, currency, amount, fee in self.books.moves:
            paid, fees, back = sums.get(currency, (0, 0, 0))
            minor = to_minor(amount, currency)
            paid, back = paid + max(minor, 0), back + max(-minor, 0)
            sums[currency] = paid, fees + to_minor(fee, currency), back
        return sums

    def effects(self) -> list[tuple[str, str, int]]:
        return [
            (kind, known_as, abs(to_minor(amount, currency)))
            for kind, known_as, currency, amount, _ in self.books.moves
        ]

    def requests(self) -> list[tuple[str, str]]:
        return [(request.method, request.path) for request in self.server.requests]

    def signed(self, fact_or_event_id: str) -> tuple[bytes, dict[str, str]]:
        """The newest message about an object, a payment by its order too."""
        for event in reversed(self.books.events):
            resource = event["resource"]
            names = {event["id"], resource.get("id"), resource.get("dispute_id")}
            capture = self.books.captures.get(resource.get("id", ""))
            if fact_or_event_id in names or (capture and capture.order.id == fact_or_event_id):
                return self.server.sign(event)
        raise KeyError(fact_or_event_id)

    def violations(self) -> list[str]:
        return self.server.violations

    def close(self) -> None:
        self.server.close()


def scene(clock: Clock) -> PayPalScene:
    """A PayPal with nothing in its books yet."""
    return PayPalScene(clock)

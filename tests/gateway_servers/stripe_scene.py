"""Stripe's scene: its adapter, and a pretended Stripe with customers and banks to direct."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.rules.gateway import Fact
from billdesk.core.values.clock import Clock
from tests.gateway_servers.stripe_books import ACCOUNT, StripeBooks, shown
from tests.gateway_servers.stripe_server import Reply, StripeServer

KEY = "sk_test_scene"
WEBHOOK_SECRET = "whsec_scene"


class StripeScene:
    make = "stripe"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.server = StripeServer(clock)
        self._gateways: list[Stripe] = []

    @property
    def books(self) -> StripeBooks:
        return self.server.books

    def gateway(self, *, timeout_seconds: float = 2, **more: Any) -> Stripe:
        given = {
            "account": ACCOUNT,
            "clock": self.clock,
            "base_url": self.server.url,
            "webhook_secret": WEBHOOK_SECRET,
            **more,
        }
        key = given.pop("key", KEY)
        gateway = Stripe("stripe", key, timeout_seconds=timeout_seconds, **given)
        self._gateways.append(gateway)
        return gateway

    def pay(self, fact: Fact) -> None:
        self.books.pay(fact.object_id)

    def decline(self, fact: Fact) -> None:
        self.books.decline(fact.object_id)

    def abandon(self, fact: Fact) -> None:
        self.books.expire(fact.object_id)

    def refund_outside(self, charge_id: str, minor: int) -> None:
        self.books.refund_outside(charge_id, minor)

    def dispute(self, charge_id: str, minor: int) -> str:
        dispute_id: str = self.books.dispute(charge_id, minor)["id"]
        return dispute_id

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        self.books.close_dispute(dispute_id, won=won)

    def save_method(self, customer_id: str, *, declines: bool = False) -> str:
        outcome = "card_declined" if declines else "pays"
        method_id: str = self.books.save_method(customer_id, outcome)["id"]
        return method_id

    def lose_next_reply(self, *, before_effect: bool = False) -> None:
        self.server.lose = "before" if before_effect else "after"

    def answer_next(self, status: int, headers: Mapping[str, str] = {}) -> None:
        body = {"error": {"message": "as it was told", "type": "api_error"}}
        self.server.answer = Reply(status, body, headers)

    def totals(self) -> dict[str, tuple[int, int, int]]:
        sums: dict[str, tuple[int, int, int]] = {}
        for line in self.books.of("balance_transaction"):
            asset, amount = line["currency"].upper(), line["amount"]
            paid_in, fees, back = sums.get(asset, (0, 0, 0))
            if line["type"] == "charge":
                sums[asset] = paid_in + amount, fees + line["fee"], back
            else:
                sums[asset] = paid_in, fees + line["fee"], back - amount
        return sums

    def effects(self) -> list[tuple[str, str, int]]:
        return list(self.books.effects)

    def requests(self) -> list[tuple[str, str]]:
        return list(self.server.asked)

    def signed(self, fact_or_event_id: str) -> tuple[bytes, dict[str, str]]:
        for event in self.books.of("event"):
            if fact_or_event_id in {event["id"], event["data"]["object"]["id"]}:
                return self.sign(json.dumps(shown(event)).encode())
        raise KeyError(fact_or_event_id)

    def sign(self, body: bytes, secret: str = WEBHOOK_SECRET) -> tuple[bytes, dict[str, str]]:
        """A message as Stripe would send it now."""
        stamp = self.books.now()
        text = f"{stamp}.".encode() + body
        signature = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        return body, {"Stripe-Signature": f"t={stamp},v1={signature},v0=unused"}

    def violations(self) -> list[str]:
        return list(self.server.breaches)

    def close(self) -> None:
        for gateway in self._gateways:
            gateway.close()
        self.server.close()


def scene(clock: Clock) -> StripeScene:
    """A pretended Stripe that nobody has asked yet."""
    return StripeScene(clock)

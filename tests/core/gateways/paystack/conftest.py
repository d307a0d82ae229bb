"""A scripted Paystack, and the steps that its tests take with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from billdesk.core.gateways.paystack import Paystack
from billdesk.core.rules.gateway import (
    Fact,
    OffSessionRequest,
    PaymentQuery,
    PaymentRequest,
    RefundQuery,
    RefundRequest,
)
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money
from tests.gateway_servers.paystack_scene import PaystackScene

EMAIL = "billing@acme.test"


class Steps:
    def __init__(self, scene: PaystackScene, clock: MovingClock) -> None:
        self.scene = scene
        self.books = scene.books
        self.clock = clock
        self.gateway: Paystack = scene.gateway()

    def request(
        self,
        number: int = 1,
        minor: int = 10_000,
        *,
        asset: str = "NGN",
        email: str | None = EMAIL,
        save_method: bool = False,
    ) -> PaymentRequest:
        return PaymentRequest(
            f"pay_{number}",
            Money(minor, asset),
            "acme",
            "deposit",
            email,
            save_method=save_method,
        )

    def open(self, number: int = 1) -> Fact:
        return self.gateway.open_payment(self.request(number))

    def find(self, number: int = 1, charge_id: str | None = None) -> tuple[Fact, ...]:
        return self.gateway.find(PaymentQuery(f"pay_{number}", None, charge_id, self.clock.now()))

    def pay(
        self,
        number: int = 1,
        minor: int = 10_000,
        *,
        asset: str = "NGN",
        save_method: bool = False,
    ) -> Fact:
        """A payment of ours that its customer has paid."""
        request = self.request(number, minor, asset=asset, save_method=save_method)
        self.scene.pay(self.gateway.open_payment(request))
        [settled] = self.find(number)
        return settled

    def row(self, number: int = 1) -> dict[str, Any]:
        """Paystack's own record of a payment of ours."""
        return self.books.transactions[f"pay-{number}"]

    def charge(self, method_id: str, customer_id: str, number: int = 9, minor: int = 5_000) -> Fact:
        return self.gateway.charge(
            OffSessionRequest(
                f"pay_{number}",
                Money(minor, "NGN"),
                "acme",
                "top-up",
                customer_id,
                method_id,
                EMAIL,
            )
        )

    def refund_request(self, paid: Fact, minor: int, number: int = 1) -> RefundRequest:
        return RefundRequest(
            f"ref_{number}",
            paid.payment_id or "",
            paid.object_id,
            paid.charge_id,
            Money(minor, "NGN"),
            whole=False,
            note="ordered twice",
        )

    def refund(self, paid: Fact, minor: int, number: int = 1) -> Fact:
        return self.gateway.refund(self.refund_request(paid, minor, number))

    def find_refund(self, number: int = 1, external_id: str | None = None) -> tuple[Fact, ...]:
        return self.gateway.find_refund(
            RefundQuery(
                f"ref_{number}", external_id, "pay_1", "pay-1", None, Money(1, "NGN"),
                self.clock.now(),
            )
        )  # fmt: skip

    def read(self, cursor: str | None = None) -> tuple[list[Fact], str]:
        """All facts of one whole pass, and the cursor after it."""
        told: list[Fact] = []
        for _ in range(100):
            page = self.gateway.facts(cursor)
            told += page.facts
            cursor = page.cursor
            if page.complete:
                return told, cursor
        raise AssertionError("a pass that never ends")

    def asked(self) -> list[tuple[str, str]]:
        """What was asked since the last time."""
        asked = self.scene.requests()
        self.scene.server.requests.clear()
        return asked


@pytest.fixture
def scene(clock: MovingClock) -> Iterator[PaystackScene]:
    scene = PaystackScene(clock)
    yield scene
    scene.close()
    assert scene.violations() == []


@pytest.fixture
def steps(scene: PaystackScene, clock: MovingClock) -> Steps:
    return Steps(scene, clock)

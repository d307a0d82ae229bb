"""A gateway of any make with its counterpart, and the steps that the contract suite takes with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from billdesk.core.rules.gateway import (
    Fact,
    FactPage,
    Gateway,
    OffSessionRequest,
    PaymentQuery,
    PaymentRequest,
    RefundQuery,
    RefundRequest,
    Stage,
)
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.ids import IdMaker
from billdesk.core.values.money import Money
from tests.gateway_servers.scene import Scene

MINUTE = timedelta(minutes=1)

Key = tuple[str, str, str, str, str, str]


class Paid(NamedTuple):
    """A payment that its customer has paid."""

    request: PaymentRequest
    opened: Fact
    settled: Fact

    @property
    def charge_id(self) -> str:
        assert self.settled.charge_id is not None
        return self.settled.charge_id


class Till:
    def __init__(self, scene: Scene, clock: MovingClock) -> None:
        self.scene = scene
        self.clock = clock
        self.gateway: Gateway = scene.gateway()
        self._ids = IdMaker(Random(1).randbytes)
        self._requested_at: dict[str, datetime] = {}

    # --- payments --------------------------------------------------------------------------

    def request(
        self, minor: int = 10_000, asset: str = "USD", customer_id: str | None = None
    ) -> PaymentRequest:
        request = PaymentRequest(
            self._new_id("pay"),
            Money(minor, asset),
            "acme",
            "deposit to acme",
            "billing@acme.test",
            customer_id,
            save_method=customer_id is not None,
        )
        self._requested_at[request.payment_id] = self.clock.now()
        return request

    def query(
        self, request: PaymentRequest | OffSessionRequest, known: Fact | None = None
    ) -> PaymentQuery:
        return PaymentQuery(
            request.payment_id,
            known.object_id if known else None,
            known.charge_id if known else None,
            self._requested_at[request.payment_id],
        )

    def pay(self, minor: int = 10_000, asset: str = "USD", customer_id: str | None = None) -> Paid:
        """Open a payment, have it paid, and ask for it."""
        request = self.request(minor, asset, customer_id)
        opened = self.gateway.open_payment(request)
        self.scene.pay(opened)
        self.clock.advance(MINUTE)
        [settled] = of_stage(self.gateway.find(self.query(request, opened)), "settled")
        return Paid(request, opened, settled)

    def off_session(
        self, customer_id: str, method_id: str, minor: int = 5_000
    ) -> OffSessionRequest:
        request = OffSessionRequest(
            self._new_id("pay"),
            Money(minor, "USD"),
            "acme",
            "top-up of acme",
            customer_id,
            method_id,
            "billing@acme.test",
        )
        self._requested_at[request.payment_id] = self.clock.now()
        return request

    def customer(self) -> str:
        return self.gateway.ensure_customer("acme", "Acme Inc.", "billing@acme.test")

    # --- money back ------------------------------------------------------------------------

    def refund_request(self, paid: Paid, minor: int, *, whole: bool = False) -> RefundRequest:
        request = RefundRequest(
            self._new_id("ref"),
            paid.request.payment_id,
            paid.settled.object_id,
            paid.settled.charge_id,
            Money(minor, paid.request.amount.asset),
            whole,
            "asked for by the customer",
        )
        self._requested_at[request.refund_id] = self.clock.now()
        return request

    def refund_query(self, request: RefundRequest, known: Fact | None = None) -> RefundQuery:
        return RefundQuery(
            request.refund_id,
            known.object_id if known else None,
            request.payment_id,
            request.external_id,
            request.charge_id,
            request.amount,
            self._requested_at[request.refund_id],
        )

    def give_back(self, paid: Paid, minor: int, *, whole: bool = False) -> Fact:
        """Refund, wait, and ask until it has arrived."""
        request = self.refund_request(paid, minor, whole=whole)
        told = self.gateway.refund(request)
        self.clock.advance(MINUTE)
        [refunded] = of_stage(
            self.gateway.find_refund(self.refund_query(request, told)), "refunded"
        )
        return refunded

    # --- what happened ---------------------------------------------------------------------

    def read(self, cursor: str | None = None) -> tuple[list[Fact], str]:
        """All facts of one whole pass, and the cursor after it."""
        pages = self.pages(self.gateway.facts, cursor)
        return [fact for page in pages for fact in page.facts], pages[-1].cursor

    def swept(self, since: datetime) -> list[Fact]:
        """All that a whole sweep finds."""
        pages = self.pages(lambda cursor: self.gateway.sweep(since, cursor), None)
        return [fact for page in pages for fact in page.facts]

    def pages(self, ask: Callable[[str | None], FactPage], cursor: str | None) -> list[FactPage]:
        pages: list[FactPage] = []
        for _ in range(100):
            page = ask(cursor)
            pages.append(page)
            cursor = page.cursor
            if page.complete:
                return pages
        raise AssertionError("a pass that never ends")

    def effects(self, kind: str) -> int:
        """How many movements of money there were at the counterpart."""
        return sum(effect[0] == kind for effect in self.scene.effects())

    def refuse_next(self, status: int) -> None:
        """Have the next request refused, and with it the one that would renew a login."""
        renews = self.scene.make == "paypal" and status == 401
        for _ in range(2 if renews else 1):
            self.scene.answer_next(status)

    def secrets(self) -> set[str]:
        """What the adapter keeps to itself: keys, and whatever it got for them."""
        return _secrets_in(self.gateway) - {""}

    def _new_id(self, prefix: str) -> str:
        return self._ids.make(prefix, self.clock.now())


def of_stage(facts: tuple[Fact, ...] | list[Fact], *stages: Stage) -> list[Fact]:
    """Those facts that say so, each once."""
    return list({fact.key: fact for fact in facts if fact.stage in stages}.values())


def keys(facts: tuple[Fact, ...] | list[Fact]) -> set[Key]:
    """What tells facts apart."""
    return {fact.key for fact in facts}


def _secrets_in(kept: object) -> set[str]:
    secrets: set[str] = set()
    for name, value in getattr(kept, "__dict__", {}).items():
        if isinstance(value, str) and any(word in name for word in ("key", "secret", "token")):
            secrets.add(value)
        elif type(value).__module__.startswith("billdesk.core.gateways."):
            secrets |= _secrets_in(value)
    return secrets

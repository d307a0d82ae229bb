"""The sandbox needs no counterpart: it is one. Here its line gets faults, and its hands are shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, Gateway
from billdesk.core.values.clock import EPOCH, Clock

BY_HAND = SandboxSwitches(settles_after=None, refund_takes=timedelta(seconds=30))
ASKED = (
    "check open_payment find charge refund find_refund facts sweep ensure_customer method_page"
    " methods remove_method rows"
).split()


class Line:
    """A sandbox at the end of a line on which single requests can go wrong."""

    def __init__(self, sandbox: Sandbox, scene: SandboxScene) -> None:
        self._sandbox = sandbox
        self._scene = scene

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._sandbox, name)
        return self._carry(name, found) if name in ASKED else found

    def __repr__(self) -> str:
        return repr(self._sandbox)

    def _carry(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*given: Any, **named: Any) -> Any:
            self._scene.asked.append(("POST", name))
            with self._scene.fault_on(self._sandbox):
                return method(*given, **named)

        return ask


class SandboxScene:
    make = "sandbox"

    def __init__(self, clock: Clock) -> None:
        self.asked: list[tuple[str, str]] = []
        self._folder = TemporaryDirectory()
        self._clock = clock
        self._fault: dict[str, Any] = {}
        self._hands = self._sandbox()

    def _sandbox(self, **more: Any) -> Sandbox:
        given = {"clock": self._clock, "switches": BY_HAND, **more}
        return Sandbox(Path(self._folder.name) / "books", **given)

    def gateway(self, *, timeout_seconds: float = 2, **more: Any) -> Gateway:  # noqa: ARG002 - no wire
        return cast("Gateway", Line(self._sandbox(**more), self))

    def pay(self, fact: Fact) -> None:
        self._hands.pay(fact.object_id)

    def decline(self, fact: Fact) -> None:
        self._hands.decline(fact.object_id, "the card was declined")

    def abandon(self, fact: Fact) -> None:
        self._hands.abandon(fact.object_id)

    def refund_outside(self, charge_id: str, minor: int) -> None:
        self._hands.refund_outside(self._payment_of(charge_id), minor)

    def dispute(self, charge_id: str, minor: int) -> str:
        return self._hands.dispute(self._payment_of(charge_id), minor).object_id

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        self._hands.close_dispute(dispute_id, won=won)

    def save_method(self, customer_id: str, *, declines: bool = False) -> str:
        return self._hands.save_method(customer_id, declines=declines).object_id

    def lose_next_reply(self, *, before_effect: bool = False) -> None:
        self._fault = {"down": True} if before_effect else {"lost_replies_percent": 100}

    def answer_next(self, status: int, headers: Mapping[str, str] = {}) -> None:
        if status == 429:
            self._fault = {"busy_seconds": float(headers.get("Retry-After", "60"))}
        elif status in {401, 403}:
            self._fault = {"key_refused": True}
        else:
            self._fault = {"down": True}

    @contextmanager
    def fault_on(self, sandbox: Sandbox) -> Iterator[None]:
        """Let the fault that was asked for happen to this one request."""
        usual, fault = sandbox.switches, self._fault
        sandbox.switches, self._fault = replace(usual, **fault), {}
        try:
            yield
        finally:
            sandbox.switches = usual

    def totals(self) -> dict[str, tuple[int, int, int]]:
        return self._hands.totals()

    def effects(self) -> list[tuple[str, str, int]]:
        kinds = {
            "settled": "payment",
            "refund_pending": "refund",
            "refunded": "refund",
            "dispute_lost": "dispute",
        }
        done: dict[tuple[str, str], int] = {}
        for fact in self._told():
            kind = kinds.get(fact.stage)
            if kind is not None and fact.amount is not None:
                known_by = fact.payment_id if kind == "payment" else fact.refund_id
                done[kind, known_by or fact.object_id] = fact.amount.minor
        return [(kind, known_by, minor) for (kind, known_by), minor in done.items()]

    def requests(self) -> list[tuple[str, str]]:
        return list(self.asked)

    def signed(self, fact_or_event_id: str) -> tuple[bytes, dict[str, str]]:
        for fact in reversed(self._told()):
            if fact_or_event_id in {fact.object_id, json.loads(fact.raw)["id"]}:
                return self._hands.message(fact)
        raise KeyError(fact_or_event_id)

    def violations(self) -> list[str]:
        return []

    def close(self) -> None:
        self._folder.cleanup()

    def _payment_of(self, charge_id: str) -> str:
        return next(fact.object_id for fact in self._told() if fact.occurrence == charge_id)

    def _told(self) -> list[Fact]:
        told: list[Fact] = []
        cursor = None
        while True:
            page = self._hands.sweep(EPOCH, cursor)
            told += page.facts
            cursor = page.cursor
            if page.complete:
                return told


def scene(clock: Clock) -> SandboxScene:
    """A sandbox in a folder of its own, where nobody acts unless told to."""
    return SandboxScene(clock)

"""What people do at the sandbox: customers, their banks, and who has its pages open.

Whether the sandbox is down or not, people reach it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from billdesk.core.gateways.sandbox import books, messages
from billdesk.core.gateways.sandbox.acts import Act
from billdesk.core.gateways.sandbox.chance import Chance, SandboxSwitches
from billdesk.core.gateways.sandbox.rows import EventRow
from billdesk.core.rules.gateway import Fact, GatewayRow, Make, Mode, Stage
from billdesk.core.values.clock import Clock, SystemClock, to_micros
from billdesk.core.values.errors import GatewayError

EVER = 2**62
"""Microseconds: later than any instant."""


class Hands:
    """The books of a sandbox, and every way to move what is in them from outside the desk."""

    make: Make = "sandbox"
    account = "sandbox"
    mode: Mode = "test"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        name: str = "sandbox",
        clock: Clock | None = None,
        seed: int = 0,
        switches: SandboxSwitches | None = None,
    ) -> None:
        self.name = name
        self.path = Path(path)
        self.switches = switches or SandboxSwitches()
        self._clock = clock or SystemClock()
        self._chance = Chance(seed)

    # --- what people do, whether the sandbox is down or not ----------------------------------

    def pay(self, external_id: str) -> Fact:
        """Let the customer pay now; paid twice is paid once.

        Raises GatewayError for an unknown payment and for one that was declined or has expired.
        """
        with self._act() as act:
            payment = books.payment(act.books, external_id)
            if act.stage_of(external_id) == "opened":
                act.settle(payment, act.now)
            return self._last(act, external_id, "settled")

    def decline(self, external_id: str, reason: str) -> Fact:
        """Let the customer's bank say no now, with a reason in words.

        Raises GatewayError for an unknown payment and for one that was settled or has expired.
        """
        return self._end(external_id, "declined", reason)

    def abandon(self, external_id: str) -> Fact:
        """Let the payment expire now. Raises GatewayError as `decline`."""
        return self._end(external_id, "expired", "nobody paid in time")

    def refund_outside(self, external_id: str, minor: int) -> Fact:
        """Send money of a payment back as if by hand on the gateway's own pages.

        Raises GatewayError for an unknown payment, one not settled, and more than is left of it.
        """
        with self._act() as act:
            payment = books.payment(act.books, external_id)
            act.check_left(payment, minor)
            refund_id = act.send_back(payment, minor, None, "by hand")
            act.catch_up()
            *_, last = books.object_history(act.books, refund_id)
        return self._fact(last)

    def dispute(self, external_id: str, minor: int) -> Fact:
        """Let the payer contest a payment, or a part of it; it waits for `close_dispute`.

        What was given back already may be contested, too: banks do not ask. Raises GatewayError for
        an unknown payment, one that did not settle, and more than was paid.
        """
        with self._act() as act:
            payment = books.payment(act.books, external_id)
            act.check_paid(payment, minor)
            dispute_id = act.dispute(payment, minor, "the payer says: not mine", act.now)
            return self._last(act, dispute_id, "disputed")

    def close_dispute(self, dispute_id: str, *, won: bool) -> Fact:
        """Let the bank decide for us or for the payer; decided twice alike is decided once.

        Raises GatewayError for an unknown dispute and for one that was decided the other way.
        """
        stage: Stage = "dispute_won" if won else "dispute_lost"
        with self._act() as act:
            dispute = books.payback(act.books, dispute_id)
            if act.stage_of(dispute_id) == "disputed":
                act.move(dispute, stage, "the bank has decided", act.now)
            return self._last(act, dispute_id, stage)

    def save_method(self, customer_id: str, *, declines: bool = False) -> Fact:
        """Let a customer save a method now; `declines`: its bank will refuse every charge.

        Raises GatewayError for an unknown customer.
        """
        with self._act() as act:
            books.check_customer(act.books, customer_id)
            count = books.count_methods(act.books, customer_id)
            method = act.add_method(
                customer_id, f"{customer_id}/{count}", at=act.now, declines=declines
            )
            act.save(method, act.now)
            return self._last(act, method.method_id, "method_saved")

    def message(self, fact: Fact) -> tuple[bytes, dict[str, str]]:
        """A fact as the sandbox would send it now: the body and its signed headers."""
        body = fact.raw.encode()
        return body, self.sign(body)

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers that the sandbox would send with a body now."""
        with self._act() as act:
            secret = books.secret(act.books)
        return messages.sign(body, secret, self._clock.now())

    def totals(self) -> dict[str, tuple[int, int, int]]:
        """What these books hold per asset, in minor units: paid in, fees kept, paid back.

        Paid back are refunds that arrived and disputes that were lost.
        """
        sums: dict[str, tuple[int, int, int]] = {}
        for row in self._movements(-EVER, EVER):
            paid_minor, fee_minor, back_minor = sums.get(row.asset, (0, 0, 0))
            if row.kind == "payment":
                paid_minor += row.amount_minor
            else:
                back_minor -= row.amount_minor
            sums[row.asset] = paid_minor, fee_minor + row.fee_minor, back_minor
        return sums

    # --- inside ----------------------------------------------------------------------------

    @contextmanager
    def _act(self) -> Iterator[Act]:
        """One act on the books, after what was due since somebody last looked."""
        now = to_micros(self._clock.now())
        with books.act(self.path) as connection:
            act = Act(connection, now, self.switches, self._chance)
            act.catch_up()
            yield act

    def _end(self, external_id: str, stage: Stage, detail: str) -> Fact:
        with self._act() as act:
            payment = books.payment(act.books, external_id)
            if act.stage_of(external_id) == "opened":
                act.end(payment, stage, detail, act.now)
            return self._last(act, external_id, stage)

    def _last(self, act: Act, object_id: str, stage: Stage) -> Fact:
        """The last fact about an object, which must be of this stage."""
        *_, last = books.object_history(act.books, object_id)
        if last.stage != stage:
            raise GatewayError(f"{object_id} is {last.stage}", "see its facts")
        return self._fact(last)

    def _movements(self, since: int, until: int) -> list[GatewayRow]:
        with self._act() as act:
            return [messages.to_row(row) for row in books.movements(act.books, since, until)]

    def _fact(self, row: EventRow) -> Fact:
        return messages.to_fact(row, self.name, self.account)

    def _facts(self, rows: list[EventRow]) -> tuple[Fact, ...]:
        return tuple(self._fact(row) for row in rows)

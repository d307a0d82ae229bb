"""Whatever is granted, used, held, given back or left to expire: the lots agree with a naive model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from billdesk.core.desk import ChargeRequest, Desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import InsufficientFunds
from billdesk.core.values.money import CREDIT, Money
from tests.proofs.naive_credits import NaiveCredits

MEMO = "because the proof says so"
FLOOR = -20
AMOUNTS = st.integers(1, 40)
YEAR = timedelta(days=365)
numbers = count()


class LotMachine(RuleBasedStateMachine):
    """One account with a credit limit, a new one in every run, on a clock that moves on."""

    desk: Desk
    clock: MovingClock

    charges: Bundle[tuple[str, int]] = Bundle("charges")
    holds: Bundle[tuple[str, int]] = Bundle("holds")

    @initialize()
    def enroll(self) -> None:
        self.ref = f"lots{next(numbers)}"
        self.model = NaiveCredits(FLOOR)
        self.desk.accounts.add(self.ref, name="Lots")
        self.desk.wallets.set_floor(self.ref, Money(FLOOR, CREDIT), memo=MEMO)

    def attempt(self, amount: int, act: Callable[[], str]) -> str | None:
        """New business of so many credits: refused when the model cannot spare them, else its id."""
        after = self.model.copy()
        after.expire(self.clock.now())
        if not after.can_spare(amount):
            with pytest.raises(InsufficientFunds):
                act()
            return None
        self.model = after
        return act()

    @rule(
        amount=AMOUNTS,
        priority=st.sampled_from([10, 50]),
        days=st.one_of(st.none(), st.integers(1, 5)),
    )
    def grant(self, amount: int, priority: int, days: int | None) -> None:
        until = None if days is None else self.clock.now() + timedelta(days=days)
        self.desk.credits.grant(self.ref, amount, memo=MEMO, priority=priority, expires_at=until)
        self.model.grant(amount, priority, until)

    @rule(amount=AMOUNTS)
    def credit_by_hand(self, amount: int) -> None:
        self.desk.adjustments.credit(self.ref, Money(amount, CREDIT), memo=MEMO)
        self.model.grant(amount)

    @rule(target=charges, amount=AMOUNTS)
    def charge(self, amount: int) -> tuple[str, int] | MultipleResults:
        reference = f"lots:{next(numbers)}"
        name = self.attempt(
            amount, lambda: self.desk.credits.deduct(self.ref, amount, reference=reference).id
        )
        if name is None:
            return multiple()
        self.model.charge(name, amount)
        return name, amount

    @rule(target=charges, first=AMOUNTS, second=AMOUNTS)
    def charge_together(self, first: int, second: int) -> MultipleResults:
        requests = [
            ChargeRequest(self.ref, Money(amount, CREDIT), f"lots:{next(numbers)}")
            for amount in (first, second)
        ]
        # A batch lets go what is past its day before it begins, whether it goes through or not.
        self.model.expire(self.clock.now())
        if not self.model.can_spare(first + second):
            with pytest.raises(InsufficientFunds):
                self.desk.charges.create_many(requests)
            return multiple()
        done = self.desk.charges.create_many(requests)
        for sheet, amount in zip(done, (first, second), strict=True):
            self.model.charge(sheet.id, amount)
        return multiple(*zip((sheet.id for sheet in done), (first, second), strict=True))

    @rule(done=consumes(charges), reverses=st.booleans())
    def give_back(self, done: tuple[str, int], *, reverses: bool) -> None:
        name, amount = done
        if reverses:
            self.desk.reversals.create(name, memo=MEMO)
        else:
            self.desk.refunds.create(name)
        self.model.give_back(name, amount)

    @rule(target=holds, amount=AMOUNTS)
    def hold(self, amount: int) -> tuple[str, int] | MultipleResults:
        reference = f"lots:{next(numbers)}"
        name = self.attempt(
            amount,
            lambda: self.desk.credits.reserve(self.ref, amount, reference=reference, lasts=YEAR).id,
        )
        if name is None:
            return multiple()
        self.model.held += amount
        return name, amount

    @rule(target=charges, done=consumes(holds))
    def capture(self, done: tuple[str, int]) -> tuple[str, int]:
        name, amount = done
        sheet = self.desk.credits.capture(name)
        self.model.expire(self.clock.now())
        self.model.held -= amount
        charge_id = sheet.resolved_by or ""
        self.model.charge(charge_id, amount)
        return charge_id, amount

    @rule(done=consumes(holds))
    def release(self, done: tuple[str, int]) -> None:
        self.desk.credits.release(done[0])
        self.model.held -= done[1]

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule()
    def expire(self) -> None:
        self.desk.credits.expire_due()
        self.model.expire(self.clock.now())

    @invariant()
    def every_lot_agrees(self) -> None:
        sheet = self.desk.credits.get(self.ref)
        assert (sheet.balance, sheet.held) == (self.model.balance, self.model.held)
        left = sorted(lot.left for lot in self.model.lots)
        lots = self.desk.credits.lots(self.ref, all=True)
        assert sorted(lot.remaining for lot in lots) == left
        assert sum(left) == max(sheet.balance, 0)
        if sheet.lots:
            burning, following = sheet.lots[0], self.model.next_lot()
            assert (burning.remaining, burning.priority, burning.expires_at) == (
                following.left, following.priority, following.until,
            )  # fmt: skip

    @invariant()
    def what_can_be_used_agrees(self) -> None:
        after = self.model.copy()
        after.expire(self.clock.now())
        room = after.balance - after.held
        assert self.desk.credits.get(self.ref).available == room
        assert self.desk.credits.has_enough(self.ref, max(room - FLOOR, 1)) == (room > FLOOR)


def run(desk: Desk, clock: MovingClock, examples: int, steps: int) -> None:
    machine = type("Machine", (LotMachine,), {"desk": desk, "clock": clock})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps)
    )
    assert desk.verify().findings == ()


def test_lots_agree_with_a_naive_model(desk: Desk, clock: MovingClock) -> None:
    run(desk, clock, 30 if desk.info.kind == "sqlite" else 6, 40)


@pytest.mark.soak
def test_lots_agree_with_a_naive_model_for_long(desk: Desk, clock: MovingClock) -> None:
    run(desk, clock, 300, 60)

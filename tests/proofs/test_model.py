"""Whatever is done in whatever order, the desk and a naive model agree on every balance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

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
from billdesk.core.values.errors import Refused
from billdesk.core.values.money import Money
from tests.proofs.naive_desk import NaiveAccount, NaiveCharge, NaiveHold

MEMO = "because the proof says so"
REFS = st.sampled_from(["a", "b"])
AMOUNTS = st.integers(1, 50)
CAUSES = st.sampled_from(["operator", "dispute"])
numbers = count()

Answer = TypeVar("Answer")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


class DeskMachine(RuleBasedStateMachine):
    """Two accounts, new ones in every run, on one ledger and one clock that moves on."""

    desk: Desk
    clock: MovingClock

    charges: Bundle[tuple[str, str]] = Bundle("charges")
    credited: Bundle[tuple[str, str]] = Bundle("credited")
    holds: Bundle[tuple[str, str]] = Bundle("holds")
    references: Bundle[tuple[str, int, str]] = Bundle("references")

    @initialize()
    def enroll(self) -> None:
        self.run = next(numbers)
        self.model = {ref: NaiveAccount() for ref in "ab"}
        self.done: dict[str, NaiveCharge] = {}
        for ref in self.model:
            self.desk.accounts.add(self.name(ref), name=f"Account {ref}")
            self.desk.adjustments.credit(self.name(ref), usd(100), memo=MEMO)
            self.model[ref].balance = 100

    def name(self, ref: str) -> str:
        return f"{ref}{self.run}"

    def new_reference(self) -> str:
        return f"proof:{next(numbers)}"

    def agree(self, refusal: str | None, act: Callable[[], Answer]) -> Answer | None:
        """Do something that the model refuses (with this code) or not; the desk must do the same."""
        answer, code = None, None
        try:
            answer = act()
        except Refused as refused:
            code = refused.code
        assert code == refusal
        return answer

    # --- money in ------------------------------------------------------------------------------

    @rule(target=credited, ref=REFS, amount=AMOUNTS)
    def credit(self, ref: str, amount: int) -> tuple[str, str]:
        posting = self.desk.adjustments.credit(self.name(ref), usd(amount), memo=MEMO)
        account = self.model[ref]
        account.balance += amount
        account.settle(self.clock.now())
        self.done[posting.id] = NaiveCharge(-amount)
        return ref, posting.id

    # --- money out -----------------------------------------------------------------------------

    @rule(target=references, ref=REFS, amount=AMOUNTS)
    def charge(self, ref: str, amount: int) -> tuple[str, int, str]:
        reference = self.new_reference()
        self.charge_again((ref, amount, reference))
        return ref, amount, reference

    @rule(target=charges, attempt=references)
    def charge_again(self, attempt: tuple[str, int, str]) -> tuple[str, str] | MultipleResults:
        """A refused attempt may be tried again, one that went through is replayed."""
        ref, amount, reference = attempt
        account = self.model[ref]
        known = reference in self.done
        refusal = None if known else account.refusal(amount, self.clock.now())
        sheet = self.agree(
            refusal,
            lambda: self.desk.charges.create(self.name(ref), usd(amount), reference=reference),
        )
        if sheet is None:
            return multiple()
        assert sheet.replayed == known
        if not known:
            account.balance -= amount
            assert sheet.balance_after == usd(account.balance)
            self.done[reference] = self.done[sheet.id] = NaiveCharge(amount)
        return ref, sheet.id

    @rule(first=REFS, second=REFS, amounts=st.tuples(AMOUNTS, AMOUNTS))
    def charge_both_or_neither(self, first: str, second: str, amounts: tuple[int, int]) -> None:
        now, before = self.clock.now(), {ref: self.model[ref].balance for ref in self.model}
        refusal = None
        for ref, amount in zip((first, second), amounts, strict=True):
            refusal = refusal or self.model[ref].refusal(amount, now)
            self.model[ref].balance -= amount
        requests = [
            ChargeRequest(self.name(ref), usd(amount), self.new_reference())
            for ref, amount in zip((first, second), amounts, strict=True)
        ]
        if self.agree(refusal, lambda: self.desk.charges.create_many(requests)) is None:
            for ref, balance in before.items():
                self.model[ref].balance = balance

    @rule(ref=REFS, amount=AMOUNTS)
    def debit(self, ref: str, amount: int) -> None:
        account = self.model[ref]
        refusal = account.refusal(amount, self.clock.now())
        if self.agree(
            refusal,
            lambda: self.desk.adjustments.debit(self.name(ref), usd(amount), memo=MEMO),
        ):
            account.balance -= amount

    # --- holds ---------------------------------------------------------------------------------

    @rule(target=holds, ref=REFS, amount=AMOUNTS, hours=st.integers(1, 5))
    def hold(self, ref: str, amount: int, hours: int) -> tuple[str, str] | MultipleResults:
        account, now = self.model[ref], self.clock.now()
        lasts = timedelta(hours=hours)
        sheet = self.agree(
            account.refusal(amount, now),
            lambda: self.desk.holds.place(
                self.name(ref), usd(amount), reference=self.new_reference(), lasts=lasts
            ),
        )
        if sheet is None:
            return multiple()
        account.holds[sheet.id] = NaiveHold(amount, now + lasts)
        return ref, sheet.id

    def open_hold(self, held: tuple[str, str]) -> NaiveHold | None:
        hold = self.model[held[0]].holds[held[1]]
        is_open = hold.status == "open" and hold.until > self.clock.now()
        return hold if is_open else None

    @rule(target=charges, held=holds, amount=st.integers(1, 150))
    def capture(self, held: tuple[str, str], amount: int) -> tuple[str, str] | MultipleResults:
        ref, hold_id = held
        if self.model[ref].holds[hold_id].status == "captured":
            return multiple()
        hold = self.open_hold(held)
        refusal = None if hold else "hold_not_open"
        sheet = self.agree(refusal, lambda: self.desk.holds.capture(hold_id, usd(amount)))
        if sheet is None or hold is None:
            return multiple()
        done = self.model[ref].capture(hold, amount, self.clock.now())
        assert sheet.captured == usd(amount)
        assert sheet.shortfall == (usd(done.debt) if done.debt else None)
        charge_id = sheet.resolved_by or ""
        self.done[charge_id] = done
        return ref, charge_id

    @rule(held=holds)
    def release(self, held: tuple[str, str]) -> None:
        known = self.model[held[0]].holds[held[1]]
        hold = self.open_hold(held)
        refusal = None if hold or known.status == "released" else "hold_not_open"
        sheet = self.agree(refusal, lambda: self.desk.holds.release(held[1]))
        if sheet is not None:
            known.status = sheet.status

    @rule(minutes=st.integers(1, 120))
    def wait(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    def expire(self) -> None:
        self.desk.holds.expire_due()

    # --- corrections ---------------------------------------------------------------------------

    @rule(done=charges, reverses=st.booleans())
    def give_back(self, done: tuple[str, str], *, reverses: bool) -> None:
        ref, charge_id = done
        charge, account = self.done[charge_id], self.model[ref]
        refusal = "already_corrected" if charge.corrected else None
        if reverses:
            given = self.agree(refusal, lambda: self.desk.reversals.create(charge_id, memo=MEMO))
        else:
            given = self.agree(refusal, lambda: self.desk.refunds.create(charge_id))
        if given is not None:
            charge.corrected = True
            account.balance += charge.cash
            account.debt -= charge.debt
            account.settle(self.clock.now())

    @rule(done=consumes(credited))
    def take_back(self, done: tuple[str, str]) -> None:
        ref, credit_id = done
        credit, account, now = self.done[credit_id], self.model[ref], self.clock.now()
        amount = -credit.cash
        refusal = "insufficient_funds" if amount > account.usable(now) else None
        if self.agree(refusal, lambda: self.desk.reversals.create(credit_id, memo=MEMO)):
            account.balance -= amount
            account.settle(now)

    # --- freezes and floors --------------------------------------------------------------------

    @rule(ref=REFS, cause=CAUSES, freezes=st.sampled_from([False, False, True]))
    def freeze_or_unfreeze(self, ref: str, cause: str, *, freezes: bool) -> None:
        causes = self.model[ref].causes
        refusal = "refused" if (cause in causes) == freezes else None
        wallets = self.desk.wallets
        act = wallets.freeze if freezes else wallets.unfreeze
        self.agree(refusal, lambda: act(self.name(ref), memo=MEMO, cause=cause))
        if freezes:
            causes.add(cause)
        else:
            causes.discard(cause)

    @rule(ref=REFS, floor=st.integers(-40, 0))
    def set_floor(self, ref: str, floor: int) -> None:
        account = self.model[ref]
        room = account.usable(self.clock.now()) + account.floor - floor
        refusal = "floor_in_use" if room < 0 else None
        if self.agree(
            refusal, lambda: self.desk.wallets.set_floor(self.name(ref), usd(floor), memo=MEMO)
        ):
            account.floor = floor

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def every_number_agrees(self) -> None:
        now = self.clock.now()
        for ref, account in self.model.items():
            sheet = self.desk.wallets.balance(self.name(ref))
            told = {
                (wallet.purpose, wallet.balance.minor, wallet.held.minor, wallet.freezes)
                for wallet in self.desk.wallets.list(self.name(ref))
            }
            expected = {("cash", account.balance, account.held(now), len(account.causes))}
            if any(purpose == "receivable" for purpose, *_ in told):
                expected.add(("receivable", -account.debt, 0, 0))
            else:
                assert account.debt == 0
            assert told == expected
            assert sheet.available == usd(account.balance - account.held(now))
            assert self.desk.standing.why(self.name(ref)).word == account.standing(now)

    def teardown(self) -> None:
        """Balances and holds counted anew agree after every run."""
        assert self.desk.ledger.recount().findings == ()


def run(desk: Desk, clock: MovingClock, examples: int, steps: int) -> None:
    machine = type("Machine", (DeskMachine,), {"desk": desk, "clock": clock})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps)
    )
    assert desk.verify().findings == ()


def test_the_desk_agrees_with_a_naive_model(desk: Desk, clock: MovingClock) -> None:
    examples = 80 if desk.info.kind == "sqlite" else 12
    run(desk, clock, examples, 60)


@pytest.mark.soak
def test_the_desk_agrees_with_a_naive_model_for_long(desk: Desk, clock: MovingClock) -> None:
    run(desk, clock, 500, 80)

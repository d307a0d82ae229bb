"""Ninety days of an invented business, lived through by the real operations on a clock that moves.

The story goes in quarters of a day. Each follows from its number and the ledger alone, so a story
that was cut short, or that ended last week, goes on from where it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import PaymentSheet, TickSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    BilldeskError,
    GatewayError,
    GatewayUnreachable,
    NotFound,
    Refused,
)
from billdesk.core.values.ids import IdMaker
from billdesk.core.values.money import Money, format_grouped
from billdesk.demo import routine
from billdesk.demo.counterpart import Counterpart
from billdesk.demo.narration import Step, Teller
from billdesk.demo.telling import tick_told

DAYS = 90
QUARTERS_A_DAY = 4
QUARTERS_A_WEEK = 28
TICKS_EVERY = 8
"""Quarters: as often as the story can afford; in life it is every minute."""
BATCH = 4
_JUST_BEFORE = timedelta(seconds=1)

Answer = TypeVar("Answer")


class Week:
    """What business as usual came to in a week."""

    def __init__(self) -> None:
        self._deposits = 0
        self._topups = 0
        self._charges = 0
        self._sums: dict[str, int] = {}

    def charge(self, amount: Money) -> None:
        """Count a charge."""
        self._charges += 1
        self._sums[amount.asset] = self._sums.get(amount.asset, 0) + amount.minor

    def count(self, tick: TickSheet) -> None:
        """Count what a poll or a tick brought."""
        self._deposits += tick.deposits
        self._topups += tick.topups

    def told(self) -> str:
        """In a line."""
        sums = [Money(self._sums[asset], asset) for asset in sorted(self._sums)]
        told = ", ".join(f"{format_grouped(*amount)} {amount.asset}" for amount in sums)
        return (
            f"{self._deposits} deposits, {self._topups} top-ups, {self._charges} charges ({told})"
        )


class Story:
    """The business's days on one ledger.

    `engine` is the desk of the program that charges, `office` that of the people who help out;
    both live on `clock`, on the ledger at `where`, and so does the gateway, their `counterpart`.
    `surprises` counts what came out otherwise than the story says.
    """

    def __init__(
        self,
        engine: Desk,
        office: Desk,
        counterpart: Counterpart,
        clock: MovingClock,
        teller: Teller,
        where: str,
    ) -> None:
        self.engine = engine
        self.office = office
        self.counterpart = counterpart
        self.clock = clock
        self.teller = teller
        self.where = where
        self.started_at = engine.info.created_at
        self.surprises = 0
        self._week = Week()

    def quarter_of(self, instant: datetime) -> int:
        """The number, from 1, of the quarter of a day in which `instant` lies."""
        return (instant - self.started_at) // routine.QUARTER + 1

    def next_quarter(self) -> int:
        """The first quarter that has not been lived through."""
        newest = self.engine.ledger.entries(limit=1).rows
        if not newest:
            return 1
        quarter = self.quarter_of(newest[0].recorded_at)
        mark = routine.lead_reference(quarter, 0)
        lived = self.engine.ledger.entries(reference=mark, limit=1).rows
        return quarter + 1 if lived else quarter

    def live(
        self, quarter: int, scenes: tuple[Callable[[Story], None], ...], *, is_down: bool = False
    ) -> None:
        """One quarter of a day: what is special about it, then business as usual.

        `is_down`: the gateway does not answer all the while.
        """
        begins_at = self.began_at(quarter)
        self.clock.move_to(begins_at)
        self.counterpart.set_down(down=is_down)
        for scene in scenes:
            scene(self)
        purses = list(self._purses())
        self._top_up(quarter, purses)
        self._work(quarter, begins_at, purses)
        self._count(quarter, begins_at)
        if quarter % QUARTERS_A_WEEK == 0:
            self.teller.heading(f"Week {quarter // QUARTERS_A_WEEK}: {self._week.told()}")
            self._week = Week()

    def began_at(self, quarter: int) -> datetime:
        """When a quarter begins or began."""
        return self.started_at + (quarter - 1) * routine.QUARTER

    # --- what scenes are made of -----------------------------------------------------------

    def act(
        self,
        title: str,
        do: Callable[[], Answer],
        say: Callable[[Answer], str],
        *,
        refused: type[BilldeskError] | None = None,
    ) -> Answer | None:
        """Try something a little later and tell what came of it; None when it was refused.

        `refused` is the refusal that the scene is about; any other outcome is a surprise.
        """
        at = self.clock.advance(timedelta(seconds=47))
        try:
            answer = do()
        except (Refused, NotFound, GatewayError) as error:
            self.surprises += refused is None or not isinstance(error, refused)
            reason = "" if error.code == Refused.code else f", {error.code.replace('_', ' ')}"
            self.teller.step(Step(at, title, f"refused{reason}: {error.message}", error.hint))
            return None
        self.surprises += refused is not None
        self.teller.step(Step(at, title, say(answer)))
        return answer

    def deposit(self, ref: str, amount: str, *, refused: type[BilldeskError] | None = None) -> None:
        """Have a customer pay in through the sandbox, and ask what came of it."""
        self.act(
            f"{ref} pays in {amount}",
            lambda: self.pay_in(ref, amount, f"scene {amount}"),
            lambda payment: f"{payment.status}, to be paid at {payment.pay_url}",
            refused=refused,
        )
        self.wait(minutes=5)
        self.act(
            "ask the sandbox what happened",
            self.engine.gateways.poll,
            lambda tick: f"{tick.facts} new facts, {tick.deposits} deposits credited",
        )

    def tick(self, title: str) -> TickSheet | None:
        """Do what is due, and tell what was done."""
        return self.act(title, self.engine.tick, tick_told)

    def pay_in(
        self, ref: str, amount: Money | str, occasion: str, *, save_method: bool = False
    ) -> PaymentSheet:
        """Start a deposit whose id follows from its occasion, so that it can be said again."""
        payment_id = self.named("pay", f"{ref} {occasion}")
        return self.engine.deposits.start(ref, amount, id=payment_id, save_method=save_method)

    def named(self, prefix: str, occasion: str) -> str:
        """The id of something that happens once; the same whenever it is told again."""
        chance = random.Random(f"{routine.SEED} {occasion}")
        return IdMaker(chance.randbytes).make(prefix, self.started_at)

    def wait(self, **time: int) -> None:
        """Let time go by, in minutes, hours or whatever a timedelta takes."""
        self.clock.advance(timedelta(**time))

    # --- business as usual -----------------------------------------------------------------

    def _purses(self) -> Iterator[routine.Purse]:
        after = None
        while True:
            page = self.engine.wallets.rows(after=after)
            yield from filter(None, (routine.purse(row.wallet) for row in page.rows))
            after = page.after
            if after is None:
                return

    def _top_up(self, quarter: int, purses: list[routine.Purse]) -> None:
        """Who runs low pays in, and gets the next credits; now and then all is done that is due."""
        for ref in routine.without_credits(purses):
            memo = "the next credits of the yearly agreement"
            key = f"credits:{ref}:{quarter}"
            self.office.adjustments.credit(ref, routine.CREDITS, memo=memo, reference=key)
        wanted = routine.top_ups(quarter, purses)
        by_themselves = self._topped_up() if wanted else set()
        for ref, amount in wanted:
            if ref in by_themselves:
                continue
            with suppress(GatewayUnreachable):  # the payment stays open, and a poll asks again
                self.pay_in(ref, amount, f"quarter {quarter}")
            self.wait(minutes=1)
        if wanted:
            self.wait(minutes=5)
        if quarter % TICKS_EVERY == 1:
            self._week.count(self.engine.tick())
        elif wanted:
            self._week.count(self.engine.gateways.poll())

    def _topped_up(self) -> set[str]:
        """Whose wallets are filled up by themselves."""
        watches = self.engine.watches.list().rows
        return {each.account_ref for each in watches if each.topup_below and not each.stopped}

    def _work(self, quarter: int, begins_at: datetime, purses: list[routine.Purse]) -> None:
        """The program charges for what it delivered, moments later; a quarter counts as one act."""
        orders = routine.orders(quarter, begins_at, purses)
        with self.engine.transaction():
            for batch in range(0, len(orders), BATCH):
                part = orders[batch : batch + BATCH]
                self.clock.move_to(part[-1][0] + timedelta(seconds=20))
                for charge in self.engine.charges.create_many([order for _, order in part]):
                    self._week.charge(charge.amount)

    def _count(self, quarter: int, begins_at: datetime) -> None:
        """The programs of those who are on metered plans report what was used."""
        if self.engine.catalog.meters():
            events = routine.use(quarter, begins_at)
            self.clock.move_to(max(self.clock.now(), begins_at + routine.QUARTER - _JUST_BEFORE))
            self.engine.usage.record_many(events)

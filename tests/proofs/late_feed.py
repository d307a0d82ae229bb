"""A gateway whose feed tells late, twice and out of order, and whose desk is restarted at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from billdesk.core.desk import Desk
from billdesk.core.gateways.sandbox import Sandbox
from billdesk.core.rules.gateway import Fact, FactPage, PaymentQuery
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayUnreachable
from tests.core.operations.scripted_gateway import ScriptedGateway

START = datetime.fromisoformat("2026-01-05T09:00:00+00:00")
OVERLAP = timedelta(minutes=10)
PAGE = 100
EVERY = timedelta(seconds=10)
LATER = timedelta(minutes=20)
"""After the last fact has happened nothing is left but what is late by hours."""


class LateFeed(ScriptedGateway):
    """5 % late by up to 300 s, 1 % by 26 hours, 5 % told twice, pages shuffled, calls dropped."""

    def __init__(self, told: Sequence[Fact], clock: MovingClock, chance: Random) -> None:
        super().__init__(Sandbox(Path("never-used"), clock=clock), "late")
        self.account = "late"
        self._clock, self._chance = clock, chance
        self.tell(told)

    def tell(self, told: Sequence[Fact]) -> None:
        """What it is going to say, each when its time has come."""
        self._told = sorted(
            ((fact.happened_at, fact.happened_at + self._lateness(), fact) for fact in told),
            key=lambda line: line[0],
        )
        self.ends = max((line[1] for line in self._told), default=START)

    def _lateness(self) -> timedelta:
        drawn = self._chance.random()
        if drawn < 0.01:
            return timedelta(hours=26)
        if drawn < 0.06:
            return timedelta(seconds=self._chance.randrange(300))
        return timedelta(0)

    def facts(self, cursor: str | None) -> FactPage:
        """A pass from ten minutes before the newest fact of the last whole pass on."""
        mark, start = _read(cursor)
        if self._chance.random() < 0.02:
            raise GatewayUnreachable("the line dropped")
        seen = [
            (happened, fact)
            for happened, visible, fact in self._since(mark - OVERLAP)
            if visible <= self._clock.now()
        ]
        page, rest = seen[start : start + PAGE], seen[start + PAGE :]
        if rest:
            return FactPage(self._mixed(page), f"{mark.isoformat()}/{start + PAGE}", complete=False)
        newest = max([mark, *(happened for happened, _ in seen)])
        return FactPage(self._mixed(page), f"{newest.isoformat()}/0", complete=True)

    def sweep(self, since: datetime, cursor: str | None) -> FactPage:
        """Everything that can be seen from then on, in pages."""
        start = int(cursor or 0)
        seen = [
            (happened, fact)
            for happened, visible, fact in self._since(since)
            if visible <= self._clock.now()
        ]
        complete = len(seen) <= start + PAGE
        return FactPage(
            self._mixed(seen[start : start + PAGE]), str(start + PAGE), complete=complete
        )

    def find(self, query: PaymentQuery) -> tuple[Fact, ...]:
        """Asked about one payment it says nothing here: the feed and the sweeps must do."""
        return ()

    def _since(self, since: datetime) -> list[tuple[datetime, datetime, Fact]]:
        low, high = 0, len(self._told)
        while low < high:
            middle = (low + high) // 2
            if self._told[middle][0] < since:
                low = middle + 1
            else:
                high = middle
        return self._told[low:]

    def _mixed(self, page: Sequence[tuple[datetime, Fact]]) -> tuple[Fact, ...]:
        facts = [fact for _, fact in page]
        facts += [fact for fact in facts if self._chance.random() < 0.05]
        self._chance.shuffle(facts)
        return tuple(facts)

    def run(self, opening: Callable[[], Desk]) -> int:
        """Poll every ten seconds while facts happen, then every twenty minutes until all was told."""
        polls = 0
        happening = self._told[-1][0] + OVERLAP
        desk = opening()
        while self._clock.now() < self.ends + timedelta(days=1, hours=1):
            self._clock.advance(EVERY if self._clock.now() < happening else LATER)
            desk.gateways.poll("late")
            polls += 1
            if self._chance.random() < 0.01:
                desk.close()
                desk = opening()
        desk.close()
        return polls


def _read(cursor: str | None) -> tuple[datetime, int]:
    if not cursor:
        return START, 0
    mark, _, start = cursor.partition("/")
    return datetime.fromisoformat(mark), int(start)

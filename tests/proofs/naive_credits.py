"""Credits kept in the slowest way there is: one by one, each in the lot that it came with."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

FAR = datetime.max.replace(tzinfo=UTC)


@dataclass
class NaiveLot:
    """Credits that came at once; `place` is its place among all lots of its account."""

    place: int
    left: int
    priority: int
    until: datetime | None


@dataclass
class NaiveCredits:
    """One account: the balance, what is held, its lots, and which lot each charged credit came from."""

    floor: int
    balance: int = 0
    held: int = 0
    lots: list[NaiveLot] = field(default_factory=list)
    taken: dict[str, list[int]] = field(default_factory=dict)

    def copy(self) -> Self:
        """A copy to try something on."""
        return deepcopy(self)

    def next_lot(self) -> NaiveLot:
        """The lot that burns next."""
        return min(
            (lot for lot in self.lots if lot.left),
            key=lambda lot: (
                lot.priority,
                lot.until or FAR,
                lot.place,
            ),
        )

    def grant(self, amount: int, priority: int = 50, until: datetime | None = None) -> None:
        """Bring a lot, and fill what is owed first, one credit after the other."""
        lot = NaiveLot(len(self.lots), 0, priority, until)
        self.lots.append(lot)
        for _ in range(amount):
            lot.left += self.balance >= 0
            self.balance += 1

    def burn(self, amount: int) -> list[int]:
        """Use up credits one by one; the places of their lots. What no lot has is owed."""
        places = []
        for _ in range(amount):
            if self.balance > 0:
                lot = self.next_lot()
                lot.left -= 1
                places.append(lot.place)
            self.balance -= 1
        return places

    def charge(self, name: str, amount: int) -> None:
        """Use up credits for something that may be given back."""
        self.taken[name] = self.burn(amount)

    def give_back(self, name: str, amount: int) -> None:
        """Bring a charge back, the credit that went last first; what no lot had is a new one."""
        places, rest = self.taken.pop(name), 0
        for _ in range(amount):
            if self.balance >= 0:
                if places:
                    self.lots[places.pop()].left += 1
                else:
                    rest += 1
            self.balance += 1
        if rest:
            self.lots.append(NaiveLot(len(self.lots), rest, 50, None))

    def expire(self, now: datetime) -> None:
        """Let go what is past its day: hold back, one by one, what holds would burn."""
        trial = self.copy()
        covered = [0] * len(self.lots)
        for _ in range(min(self.held, max(self.balance, 0))):
            lot = trial.next_lot()
            lot.left -= 1
            covered[lot.place] += 1
        for lot in self.lots:
            if lot.until is not None and lot.until <= now:
                gone = lot.left - covered[lot.place]
                lot.left -= gone
                self.balance -= gone

    def can_spare(self, amount: int) -> bool:
        """Whether so much may be used or held."""
        return self.balance - self.held - amount >= self.floor

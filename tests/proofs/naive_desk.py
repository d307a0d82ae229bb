"""What the desk should do, in the plainest words: no database, no chain, no wallets to lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class NaiveCharge:
    """A charge, or anything else that can be undone: what it did to cash and to the debt."""

    cash: int
    debt: int = 0
    corrected: bool = False


@dataclass
class NaiveHold:
    """Money set aside."""

    amount: int
    until: datetime
    status: str = "open"


@dataclass
class NaiveAccount:
    """One account in one asset; amounts in minor units. `debt` is what it owes, above zero."""

    balance: int = 0
    debt: int = 0
    floor: int = 0
    causes: set[str] = field(default_factory=set)
    holds: dict[str, NaiveHold] = field(default_factory=dict)

    def held(self, now: datetime) -> int:
        """What open holds set aside, those past their deadline left out."""
        return sum(h.amount for h in self.holds.values() if h.status == "open" and h.until > now)

    def usable(self, now: datetime) -> int:
        """How much can be charged."""
        return self.balance - self.held(now) - self.floor

    def refusal(self, amount: int, now: datetime) -> str | None:
        """Why new business of this amount is refused, or None."""
        if self.causes:
            return "wallet_frozen"
        return "insufficient_funds" if amount > self.usable(now) else None

    def settle(self, now: datetime) -> None:
        """Pay the debt as far as that goes; what was paid too much comes back."""
        paid = self.debt if self.debt < 0 else min(self.debt, max(self.usable(now), 0))
        self.balance -= paid
        self.debt -= paid

    def capture(self, hold: NaiveHold, wanted: int, now: datetime) -> NaiveCharge:
        """Take from the hold, then from what can be used, then as debt."""
        taken = min(wanted, self.usable(now) + hold.amount)
        hold.status = "captured"
        self.balance -= taken
        self.debt += wanted - taken
        return NaiveCharge(taken, wanted - taken)

    def standing(self, now: datetime) -> str:
        """The word for a list."""
        if self.causes:
            return "FROZEN"
        if self.debt > 0:
            return "OWES"
        return "OK" if self.usable(now) > 0 else "SPENT"

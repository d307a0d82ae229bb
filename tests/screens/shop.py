"""The business the screens are tested on: ten customers, a month of charges, some trouble."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

from billdesk.core.desk import Desk, create_ledger, open_desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import InsufficientFunds

OPENED_AT = datetime(2026, 2, 10, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 12, 12, 4, tzinfo=UTC)

CUSTOMERS = (
    ("acme", "Acme Plumbing Ltd", "billing@acme.example"),
    ("birch", "Birch & Sons", "office@birch.example"),
    ("cafe-zoe", "Café Zoë", "zoe@cafe.example"),
    ("delta", "Delta Roofing", "pay@delta.example"),
    ("eager", "Eager Beaver Movers", None),
    ("foxglove", "Foxglove Media", "accounts@foxglove.example"),
    ("grunwald", "Grünwald GmbH", "buchhaltung@grunwald.example"),
    ("harbor", "Harbor Dental", "front@harbor.example"),
    ("iris", "Iris Flowers", "iris@flowers.example"),
    ("tokyo", "株式会社テスト", "keiri@tokyo.example"),
)

HOSTILE_NAMES = {
    "markup": "Acme [/b][@click=app.quit]pay me now[/] Ltd",
    "escapes": "Acme \x1b]52;c;cGF5\x07\x1b[2J\x9b31m Ltd",
    "right-to-left": "Acme \u202egnp.exe\u2066\u2069 شركة",
    "zero-width": "A\u200bc\u200dm\ufeffe\u2060 L\u00adtd",
    "long": "A" * 200,
    "combining": "Acme " + "e\u0301\u0316\u0323" * 45,
    "wide": "株式会社👩‍👩‍👧‍👦" * 12,
}


@dataclass(frozen=True)
class Shop:
    """A folder with the ledger in it, or a ledger at another address."""

    folder: Path
    address: str | None = None

    @property
    def ledger(self) -> str:
        """Where the ledger is."""
        return self.address or str(self.folder / "shop.ledger")

    def clock(self) -> MovingClock:
        """A clock that stands at the end of the story."""
        return MovingClock(NOW)

    def desk(self, *, read_only: bool = False, actor: str = "mira") -> Desk:
        """The desk on this shop, with a clock that stands still and chance that is none."""
        return open_desk(
            self.ledger,
            read_only=read_only,
            clock=self.clock(),
            actor=actor,
            origin="terminal",
            chance=random.Random(11).randbytes,
        )


def copied(folder: Path, into: Path) -> Shop:
    """A copy of the shop in a folder, to do with as one likes."""
    copytree(folder, into)
    return Shop(into)


def found_shop(folder: Path, address: str | None = None) -> None:
    """Live a month of business in `folder`, or at an address, the same way every time."""
    shop, clock = Shop(folder, address), MovingClock(OPENED_AT)
    # Two kinds of chance: however many ids the desk needs for it, the story is the same.
    chance, ids = random.Random(7), random.Random(3)
    create_ledger(shop.ledger, clock=clock, demo=True, chance=ids.randbytes).close()
    with open_desk(
        shop.ledger, clock=clock, actor="lead-engine", origin="python", chance=ids.randbytes
    ) as desk:
        for ref, name, email in CUSTOMERS:
            desk.accounts.add(ref, name=name, email=email)
            clock.advance(timedelta(minutes=3))
        for day in range(29):
            clock.move_to(OPENED_AT + timedelta(days=day))
            _business(desk, clock, chance, day)
        clock.move_to(NOW - timedelta(hours=6))
        _trouble(desk, clock)
        clock.move_to(NOW)


def _business(desk: Desk, clock: MovingClock, chance: random.Random, day: int) -> None:
    """One day: a deposit by whoever ran low, and some leads sold."""
    for ref, _, _ in CUSTOMERS:
        if desk.wallets.balance(ref).balance.minor < 4_000 and day < 26:
            desk.deposits.start(ref, f"{chance.choice((50, 100, 250))}.00")
    clock.advance(timedelta(minutes=45))
    desk.gateways.poll()
    for sale in range(6):
        ref = chance.choice(CUSTOMERS)[0]
        clock.advance(timedelta(minutes=41))
        price = f"{chance.randrange(3, 30)}.{chance.randrange(100):02d}"
        trade = chance.choice(("plumbing", "roofing", "moving"))
        with suppress(InsufficientFunds):
            desk.charges.create(
                ref,
                price,
                reference=f"lead:{day}:{sale}",
                subject=f"lead {day * 6 + sale}, {trade}",
            )


def _trouble(desk: Desk, clock: MovingClock) -> None:
    """One customer for every way to stand, and one of everything the screens can show."""
    step = timedelta(minutes=11)
    desk.wallets.freeze("birch", memo="disputes three leads, ticket 4711", cause="dispute")
    clock.advance(step)
    available = desk.wallets.balance("cafe-zoe").balance
    desk.charges.create("cafe-zoe", available, reference="lead:last", subject="the last lead")
    clock.advance(step)
    try:
        desk.charges.create("cafe-zoe", "12.50", reference="lead:refused", subject="one too many")
    except InsufficientFunds:
        clock.advance(step)
    for ref in ("acme", "delta", "eager", "grunwald"):
        memo = "bank transfer, booked by hand"
        desk.adjustments.credit(ref, "40.00", memo=memo, reference=f"transfer:{ref}")
    hold = desk.holds.place("eager", "20.00", reference="job:7", subject="a small move")
    clock.advance(step)
    desk.holds.capture(hold.id, desk.wallets.balance("eager").balance.plus(hold.amount))
    desk.accounts.suspend("foxglove", memo="asked to pause until April")
    clock.advance(step)
    charge = desk.charges.create("delta", "18.00", reference="lead:bad", subject="a wrong number")
    clock.advance(step)
    desk.refunds.create(charge.id, memo="the number did not exist")
    clock.advance(step)
    desk.holds.place("acme", "35.00", reference="job:8", subject="a boiler, in parts")
    desk.adjustments.credit("acme", "500 CREDIT", memo="welcome credits", reference="welcome:acme")
    clock.advance(step)
    desk.adjustments.debit("grunwald", "5.00", memo="bank charges passed on", reference="bank:1")
    clock.move_to(NOW - timedelta(minutes=2))
    desk.gateways.poll()
    desk.deposits.start("iris", "50.00")

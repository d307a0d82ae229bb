"""While one looks at the demo its customers go on, every second or two.

Charges and deposits mostly; now and then money goes back, is contested, or tops a wallet up.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import GatewayError, Refused, StoreBusy
from billdesk.core.values.money import Money
from billdesk.demo import routine
from billdesk.demo.counterpart import SANDBOX

PAUSE_SECONDS = 1.5
_GLANCE_SECONDS = 0.1
_ACTS_PER_DEPOSIT = 4
_ACTS_PER_RARITY = 10
_NEWEST = 20
_CONTESTED_MINOR = (16_604, 16_605)  # the sandbox has the first lost and the second won
_FIRST_LEAD = 100_000


def accompany(where: str, _desk: Desk, is_leaving: Callable[[], bool]) -> None:
    """Live on at `where` beside an open desk until `is_leaving`; for a thread of its own.

    The customers' program has a desk of its own, as it would have in real life.
    """
    chance = random.Random()
    with open_desk(where, actor="lead-engine", origin="demo") as engine:
        while not is_leaving():
            _wait(PAUSE_SECONDS * (0.5 + chance.random()), is_leaving)
            try:
                live_on(engine, chance)
            except (Refused, GatewayError, StoreBusy):
                # Whoever looks may have frozen this customer just now: another one, then.
                continue


def _wait(seconds: float, is_leaving: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not is_leaving():
        time.sleep(_GLANCE_SECONDS)


def live_on(desk: Desk, chance: random.Random) -> None:
    """One act of one customer, and a poll of what came of the others.

    Raises Refused, GatewayError, StoreError as the desk's verbs do.
    """
    act = chance.choice(_RARITIES) if chance.randrange(_ACTS_PER_RARITY) == 0 else _use
    act(desk, chance)
    desk.gateways.poll(SANDBOX)


def _use(desk: Desk, chance: random.Random) -> None:
    """A customer is charged, or pays in."""
    member, wallet = _customer(desk, chance)
    lead = _FIRST_LEAD + desk.ledger.pulse()
    goods = routine.delivery(member, wallet.asset, lead, chance)
    poor = goods.amount.minor > routine.room_minor(wallet)
    if wallet.asset == member.asset and (poor or chance.randrange(_ACTS_PER_DEPOSIT) == 0):
        amount = f"{max(member.top_up // 4, 10)} {member.asset}"
        desk.deposits.start(member.ref, amount, gateway=SANDBOX)
    elif not poor:
        desk.charges.create(
            member.ref,
            goods.amount,
            reference=f"live:{to_micros(desk.now())}",
            subject=goods.subject,
            to=goods.counterparty,
        )


def _give_back(desk: Desk, chance: random.Random) -> None:
    """A tenth of a payment goes back to the card it came from."""
    payments = desk.payments.list(status="succeeded", gateway=SANDBOX, limit=_NEWEST).rows
    if payments:
        payment = chance.choice(payments)
        part = Money(payment.amount.minor // 10, payment.amount.asset)
        desk.card_refunds.create(payment.id, part, memo="a part back, as agreed by telephone")


def _contest(desk: Desk, chance: random.Random) -> None:
    """Somebody pays in, and will say that it was not them."""
    member, _ = _customer(desk, chance)
    amount = Money(chance.choice(_CONTESTED_MINOR), member.asset)
    desk.deposits.start(member.ref, amount, gateway=SANDBOX)


def _catch_up(desk: Desk, _chance: random.Random) -> None:
    """Everything that is due, among it topping up who runs low."""
    desk.tick()


_RARITIES = (_give_back, _contest, _catch_up)


def _customer(desk: Desk, chance: random.Random) -> routine.Purse:
    found = (routine.purse(row.wallet) for row in desk.wallets.rows().rows)
    return chance.choice([purse for purse in found if purse is not None])

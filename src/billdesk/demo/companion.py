"""While one looks at the demo its customers go on: charges and deposits every second or two."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import GatewayError, Refused, StoreBusy
from billdesk.demo import routine

PAUSE_SECONDS = 1.5
_GLANCE_SECONDS = 0.1
_ACTS_PER_DEPOSIT = 4
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
    """One act of one customer: a charge mostly, sometimes a deposit; what was paid is polled.

    Raises Refused, GatewayError, StoreError as the desk's verbs do.
    """
    found = (routine.purse(row.wallet) for row in desk.wallets.rows().rows)
    member, wallet = chance.choice([purse for purse in found if purse is not None])
    lead = _FIRST_LEAD + desk.ledger.pulse()
    goods = routine.delivery(member, wallet.asset, lead, chance)
    poor = goods.amount.minor > routine.room_minor(wallet)
    if wallet.asset == member.asset and (poor or chance.randrange(_ACTS_PER_DEPOSIT) == 0):
        desk.deposits.start(member.ref, f"{max(member.top_up // 4, 10)} {member.asset}")
    elif not poor:
        desk.charges.create(
            member.ref,
            goods.amount,
            reference=f"live:{to_micros(desk.now())}",
            subject=goods.subject,
            to=goods.counterparty,
        )
    desk.gateways.poll()

"""While one looks at the demo its customers go on: charges and deposits every second or two."""

from __future__ import annotations

import random
import threading

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import GatewayError, Refused, StoreBusy
from billdesk.demo import routine


class Companion:
    """A thread of invented customers on the ledger at `where`, from `start` to `stop`."""

    def __init__(self, where: str, *, pause_seconds: float = 1.5) -> None:
        self._where = where
        self._pause_seconds = pause_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, name="demo customers", daemon=True)

    def start(self) -> None:
        """Let the customers begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send them home, and wait until the last act is done."""
        self._stopped.set()
        self._thread.join()

    def _live(self) -> None:
        chance = random.Random()
        with open_desk(self._where, actor="lead-engine", origin="demo") as desk:
            while not self._stopped.wait(self._pause_seconds * (0.5 + chance.random())):
                try:
                    live_on(desk, chance)
                except (Refused, GatewayError, StoreBusy):
                    # Whoever looks may have frozen this customer just now: another one, then.
                    continue


def live_on(desk: Desk, chance: random.Random) -> None:
    """One act of one customer: a charge mostly, sometimes a deposit; what was paid is polled.

    Raises Refused, GatewayError, StoreError as the desk's verbs do.
    """
    found = (routine.purse(row.wallet) for row in desk.wallets.rows().rows)
    member, wallet = chance.choice([purse for purse in found if purse is not None])
    lead = desk.ledger.pulse()
    goods = routine.delivery(member, wallet.asset, lead, chance)
    poor = goods.amount.minor > routine.room_minor(wallet)
    if wallet.asset == member.asset and (poor or chance.randrange(8) == 0):
        desk.deposits.start(member.ref, f"{member.top_up} {member.asset}")
    elif not poor:
        desk.charges.create(
            member.ref,
            goods.amount,
            reference=f"live:{to_micros(desk.now())}",
            subject=goods.subject,
            to=goods.counterparty,
        )
    desk.gateways.poll()

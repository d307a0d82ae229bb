"""More of the shop: money back, a contested payment, facts that wait, a saved card, books compared."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from billdesk.core.desk import open_desk
from billdesk.core.gateways.sandbox import Sandbox
from billdesk.core.rules.gateway import PaymentRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money
from tests.screens.shop import NOW, Shop

FIRST = NOW - timedelta(hours=2)


def furnish_till(shop: Shop) -> None:
    """One of everything that can be seen of a gateway, the same way every time."""
    clock = MovingClock(FIRST)
    sandbox = Sandbox(Path(f"{shop.ledger}.sandbox"), clock=clock)
    with open_desk(
        shop.ledger, clock=clock, actor="mira", origin="python", chance=random.Random(13).randbytes
    ) as desk:
        step = timedelta(minutes=4)
        back = desk.deposits.start("acme", "40.00")
        desk.deposits.start("harbor", "66.01")
        desk.deposits.start("delta", "66.05")
        stranger = PaymentRequest(
            "pay_01jqzzzzzzzzzzzzzzzzzzzzzz", Money(3300, "USD"), "nobody", "a link of their own"
        )
        sandbox.open_payment(stranger)
        for _ in range(3):
            clock.advance(step)
            desk.gateways.poll()
        desk.card_refunds.create(back.id, "15.00", memo="the customer paid twice")
        clock.advance(step)
        desk.gateways.poll()
        desk.card_refunds.create(back.id, "5.00", memo="a present for the trouble")
        disputed = desk.deposits.start("birch", "66.04")
        clock.advance(timedelta(seconds=9))
        desk.gateways.poll()
        clock.advance(timedelta(seconds=1))
        assert desk.payments.get(disputed.id).status in {"succeeded", "disputed"}
        desk.methods.page("acme")
        clock.advance(timedelta(seconds=9))
        [card] = desk.methods.refresh("acme")
        if not card.role:
            desk.methods.set_role(card.id, "default")
        desk.watches.set_alert("acme", "50.00")
        desk.watches.set_topup("acme", below="20.00", amount="50.00", daily="100.00")
        clock.advance(timedelta(hours=1))
        desk.reconcile.run("sandbox", NOW - timedelta(days=40), clock.now())
        with desk.transaction() as block:
            block.execute(
                "INSERT INTO gap (gateway, mode, since, until, found_at) VALUES (?, ?, ?, ?, ?)",
                (
                    "sandbox",
                    "test",
                    *(int((FIRST - timedelta(days=d)).timestamp() * 1e6) for d in (3, 2, 2)),
                ),
            )

"""More of the shop: subscriptions in every state, ours and one that a gateway keeps."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from billdesk.core.desk import open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money
from tests.screens.shop import NOW, Shop

CATALOG = """
[schedules.monthly]
name = "Monthly"
months = 1

[schedules.annual]
name = "Annual"
months = 12

[taxes.vat]
name = "VAT"
jurisdiction = "DE"
percent = "19"

[company]
name = "Northwind Labs GmbH"
tax = "vat"

[plans.basic]
name = "Basic"
family = "tiers"
rank = 1

[plans.basic.prices]
monthly = "10.00 USD"
annual = "100.00 USD"

[plans.pro]
name = "Pro"
family = "tiers"
rank = 2
trial_days = 14

[plans.pro.prices]
monthly = "31.00 USD"
annual = "310.00 USD"
"""


def furnish_subscribed(shop: Shop) -> None:
    """Six subscriptions, the same way every time: one for each status, and one mirrored."""
    clock = MovingClock(NOW - timedelta(days=21))
    catalog = Path(shop.folder) / "catalog.toml"
    catalog.write_text(CATALOG, encoding="utf-8")
    sandbox = Sandbox(
        Path(f"{shop.ledger}.sandbox"), clock=clock, switches=SandboxSwitches(settles_after=None)
    )
    with open_desk(
        shop.ledger, clock=clock, actor="mira", origin="python", chance=random.Random(19).randbytes,
        gateways=[sandbox],
    ) as desk:  # fmt: skip
        applied = desk.catalog.apply(catalog)
        assert not applied.mistakes, applied.mistakes
        for ref in ("acme", "eager", "delta"):
            desk.adjustments.credit(ref, "400.00", memo="paid in by bank transfer")
        desk.subscriptions.create("acme", "basic", trial_days=0)
        going = desk.subscriptions.create("eager", "pro", quantity=2, trial_days=0)
        ended = desk.subscriptions.create("delta", "basic", trial_days=0)
        clock.advance(timedelta(days=9))
        desk.subscriptions.cancel(going.id, memo="they move to another town")
        desk.subscriptions.cancel(ended.id, when="now", refund_unused=True)
        customer = sandbox.ensure_customer("harbor", "Harbor Dental", None)
        kept = sandbox.subscribe(
            customer, Money(4_900, "USD"), clock.now() + timedelta(days=30), plan="Chairside"
        )
        desk.mirrors.sync_subscription("sandbox", kept.object_id, account="harbor")
        bill = sandbox.bill(kept.object_id)
        sandbox.pay_invoice(bill.object_id)
        desk.mirrors.sync_invoice("sandbox", bill.object_id)
        paused = desk.subscriptions.create("iris", "basic", paid_by="invoice", trial_days=0)
        desk.subscriptions.pause(paused.id)
        clock.advance(timedelta(days=4))
        desk.subscriptions.create("grunwald", "pro")
        clock.move_to(NOW - timedelta(hours=1))

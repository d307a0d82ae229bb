"""More of the shop: credits in lots, and packs bought in every way."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from billdesk.core.desk import open_desk
from billdesk.core.values.clock import MovingClock
from tests.screens.shop import NOW, Shop

CATALOG = """
[schedules.monthly]
name = "Monthly"
months = 1

[plans.pro]
name = "Pro"
prices.monthly = "10.00 USD"

[packs.small]
name = "1,000 credits"
credits = 1_000
price = "9.99 USD"
expires_days = 90

[packs.large]
name = "100,000 credits"
credits = 100_000
price = "490.00 USD"
plans = ["pro"]
"""
MEMO = "for the patience in February"


def furnish_credited(shop: Shop) -> None:
    """Lots of one account, and three purchases, the same way every time."""
    clock = MovingClock(NOW - timedelta(days=3))
    catalog = Path(shop.folder) / "packs.toml"
    catalog.write_text(CATALOG, encoding="utf-8")
    with open_desk(
        shop.ledger, clock=clock, actor="mira", origin="python", chance=random.Random(23).randbytes
    ) as desk:
        assert not desk.catalog.apply(catalog).mistakes
        desk.credits.grant("acme", 40, memo=MEMO, priority=10)
        desk.credits.grant("acme", 300, memo=MEMO, expires_at=NOW + timedelta(days=9))
        desk.adjustments.credit("acme", "60.00", memo="cash at the counter")
        desk.packs.buy("acme", "small")
        desk.packs.buy("birch", "small", paid_by="invoice")
        failed = desk.packs.buy("delta", "small", paid_by="invoice")
        desk.invoices.void(failed.invoice_id or "", memo="ordered by mistake")
        clock.move_to(NOW - timedelta(hours=2))
        desk.credits.deduct("acme", 55, reference="scan:1", subject="55 pages scanned")
        desk.credits.reserve("acme", 100, reference="scan:2", lasts=timedelta(days=30))
        clock.move_to(NOW)

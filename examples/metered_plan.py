"""A plan with metered use: subscribed, counted, billed, invoiced, and printed.

    python metered_plan.py

The sandbox stands for a payment gateway; a moving clock stands for the month that passes.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from billdesk import Desk, create_ledger
from billdesk.core.values.clock import MovingClock

CATALOG = """
[company]
name = "Example Maps Ltd"

[schedules.monthly]
months = 1

[meters.tiles]
unit = "tile"

[plans.maps]
name = "Maps"
prices.monthly = "20.00 USD"
usage.tiles = { included = 10_000, price = "1.50 USD", per = 1_000 }
"""


def count(desk: Desk, clock: MovingClock) -> None:
    """The program reports what was used each day: once per event id, however often it is told."""
    for day in range(30):
        clock.advance(timedelta(days=1))
        event = ("ann", "tiles", "400", f"tiles:{day}", desk.now())
        desk.usage.record_many([event, event])


def main(folder: Path) -> None:
    """One month of one customer."""
    clock = MovingClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
    with create_ledger(folder / "maps.ledger", clock=clock) as desk:
        (folder / "catalog.toml").write_text(CATALOG, encoding="utf-8")
        desk.catalog.apply(folder / "catalog.toml")
        desk.accounts.add("ann", name="Ann Telford", email="ann@example.com")
        desk.adjustments.credit("ann", "100.00", memo="paid in cash at the counter")

        plan = desk.subscriptions.create("ann", "maps")
        print(f"{plan.plan_name}: {plan.price} until {plan.period_until:%Y-%m-%d}")

        count(desk, clock)
        (tiles,) = desk.usage.period("ann")
        print(
            f"{tiles.used} of {tiles.included} {tiles.unit}s, {tiles.share} %: {tiles.cost} so far"
        )

        clock.advance(timedelta(days=2))
        print(f"periods renewed: {desk.tick().renewed}")
        run = desk.usage_runs.run(reference="january")
        print(f"usage billed: {', '.join(map(str, run.totals))}")

        for invoice in desk.invoices.list(account="ann").rows:
            pdf = desk.pdfs.save(invoice.id, folder)
            print(
                f"{invoice.invoice_number}: {invoice.total}, {invoice.status}, {Path(pdf.path).name}"
            )
        print(f"left: {desk.wallets.balance('ann').available}")
        print(f"verified: {'sound' if desk.verify().ok else 'not sound'}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as here:
        main(Path(here))

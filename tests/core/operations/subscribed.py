"""A desk in Berlin that sells plans, and an account that can be put on them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from billdesk.core.desk import Desk
from billdesk.core.rules.periods import day_of, day_start
from billdesk.core.store.meta import write_meta
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money

BERLIN = ZoneInfo("Europe/Berlin")

CATALOG = """
[company]
name = "Seller Ltd"
terms = "Thank you."

[schedules.monthly]
name = "Monthly"
months = 1

[schedules.quarterly]
name = "Quarterly"
months = 3

[schedules.annual]
name = "Annual"
months = 12

[taxes.vat]
name = "VAT"
jurisdiction = "Germany"
percent = "19"

[meters.calls]
name = "API calls"
unit = "call"

[meters.transfer]
name = "Data transfer"
unit = "GB"
decimals = 3

[plans.free]
name = "Free"
family = "seats"
rank = 1
prices.monthly = "0.00 USD"

[plans.pro]
name = "Pro"
family = "seats"
rank = 2
credits = 1000
prices.monthly = ["31.00 USD", "300 CREDIT"]
prices.quarterly = "84.00 USD"
prices.annual = "310.00 USD"

[plans.team]
name = "Team"
family = "seats"
rank = 3
credits = 5000
prices.monthly = ["93.00 USD", "900 CREDIT"]
prices.quarterly = "252.00 USD"
prices.annual = "930.00 USD"

[plans.small]
name = "Small"
family = "metered"
rank = 1
tax = "vat"
prices.monthly = "10.01 USD"
usage.calls = { included = 1000, price = "0.10 USD" }
usage.transfer = { included = 5, price = "0.05 USD" }

[plans.large]
name = "Large"
family = "metered"
rank = 2
tax = "vat"
trial_days = 14
prices.monthly = "99.99 USD"
usage.calls = { included = 10000, price = "0.10 USD" }
usage.transfer = { included = 50, price = "0.05 USD" }
"""


class Club:
    """A desk with one account, `acme`, that has 1,000.00 USD, on its clock."""

    def __init__(self, desk: Desk, clock: MovingClock, folder: Path) -> None:
        self.desk, self.clock, self._folder = desk, clock, folder
        with desk._office.database.write() as session:
            write_meta(session, "zone", BERLIN.key)
        self.sell(CATALOG)
        desk.accounts.add("acme", name="Acme Ltd", email="ann@acme.example")
        desk.adjustments.credit(
            "acme", "1000.00", memo="for a test of the desk", reference="a beginning"
        )

    def sell(self, catalog: str) -> None:
        """Apply a catalog."""
        path = self._folder / "catalog.toml"
        path.write_text(catalog)
        sheet = self.desk.catalog.apply(path)
        assert not sheet.mistakes

    def give(self, amount: str) -> None:
        """Bring money, or credits."""
        self.desk.adjustments.credit("acme", amount, memo="for a test of the desk")

    def spend(self, amount: str, reference: str = "spent") -> None:
        """Take money for something else."""
        self.desk.charges.create("acme", amount, reference=reference)

    def has(self, asset: str = "USD") -> Money:
        """What can be used."""
        sheet = self.desk.wallets.balance("acme", asset=asset)
        return sheet.available or Money(0, asset)

    def go_to(self, day: str, hours: float = 9) -> datetime:
        """Let it be some hours into a day in Berlin."""
        return self.clock.move_to(
            day_start(date.fromisoformat(day), BERLIN) + timedelta(hours=hours)
        )

    def kinds(self, subscription_id: str) -> list[str]:
        """What happened to a subscription."""
        return [change.kind for change in self.desk.subscriptions.changes(subscription_id)]

    def days(self, subscription_id: str) -> list[tuple[str, str]]:
        """From which day to which it was billed, stretch by stretch."""
        return [
            (day_of(each.since, BERLIN).isoformat(), day_of(each.until, BERLIN).isoformat())
            for each in self.desk.subscriptions.periods(subscription_id)
        ]

    def invoiced(self) -> list[str]:
        """The totals of all invoices, the oldest first, credit notes below zero."""
        sheets = self.desk.invoices.list(account="acme").rows
        return [
            f"{'-' if sheet.kind == 'credit_note' else ''}{sheet.total}"
            for sheet in reversed(sheets)
        ]

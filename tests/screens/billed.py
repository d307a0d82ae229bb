"""More of the shop: invoices in every state, one by one by hand, on a catalog of its own."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from billdesk.core.desk import Desk, open_desk
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.values.clock import MovingClock
from tests.screens.shop import NOW, Shop

CATALOG = """
[company]
name = "Northwind Labs GmbH"
address = "Hafenstraße 12\\n20457 Hamburg"
tax_id = "DE123456789"
email = "billing@northwind.example"
terms = "Payable within 14 days."

[taxes.vat]
name = "VAT"
jurisdiction = "DE"
percent = "19"

[schedules.monthly]
name = "Monthly"
months = 1

[plans.basic]
name = "Basic"
family = "tiers"

[plans.basic.prices]
monthly = "10.00 USD"
"""


def furnish_billed(shop: Shop) -> None:
    """Six invoices, a draft and a credit note, the same way every time."""
    clock = MovingClock(NOW - timedelta(days=24))
    catalog = Path(shop.folder) / "catalog.toml"
    catalog.write_text(CATALOG, encoding="utf-8")
    with open_desk(
        shop.ledger, clock=clock, actor="mira", origin="python", chance=random.Random(17).randbytes
    ) as desk:
        applied = desk.catalog.apply(catalog)
        assert not applied.mistakes, applied.mistakes
        _issue(desk, "birch", "Roof survey", "280.00")
        clock.advance(timedelta(days=9))
        paid = _issue(desk, "acme", "Two site visits", "20.00", quantity="2")
        desk.invoices.pay(paid)
        desk.credit_notes.create(paid, "11.90", memo="the second visit fell through")
        _issue(desk, "tokyo", "サーバー利用料 三月分", "95.50")
        wrong = _issue(desk, "delta", "Wrong customer", "12.00")
        desk.invoices.void(wrong, memo="billed to the wrong customer")
        lost = _issue(desk, "iris", "Delivery in February", "64.00")
        desk.invoices.write_off(lost, memo="she moved away without a word")
        clock.move_to(NOW - timedelta(hours=1))
        _issue(desk, "acme", "Consulting, half a day", "150.00", more=True)
        drafted = desk.invoices.draft("harbor", [LineDraft("Chair repair", 8000)], asset="USD")
        desk.invoices.add_line(drafted.id, "Goodwill", "-10.00")
        clock.move_to(NOW)


def _issue(
    desk: Desk, ref: str, text: str, price: str, *, quantity: str = "1", more: bool = False
) -> str:
    """A finalized invoice; its number."""
    drafted = desk.invoices.draft(ref, asset="USD", memo="by hand" if more else "")
    desk.invoices.add_line(drafted.id, text, price, quantity=quantity, tax="vat")
    if more:
        desk.invoices.add_line(drafted.id, "Travel", "0.42", quantity="118", unit="km", tax="vat")
        desk.invoices.add_line(drafted.id, "Regular customer", "-15.00", tax="vat")
    number = desk.invoices.finalize(drafted.id).invoice_number
    assert number is not None
    return number

"""What an invoice is made of, before it is one: its lines, and what each comes to with tax."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from billdesk.core.rules.catalog import TaxRate

Source = Literal["manual", "subscription", "proration", "usage", "pack", "gateway"]


class LineDraft(NamedTuple):
    """A line before tax is worked out. `amount_minor` holds the tax already if `tax` is inclusive.

    `quantity` and `unit_price` are words for the reader, as they shall stand on paper. `revenue` is the
    counterparty that earns the net amount. A negative amount gives something back.
    """

    text: str
    amount_minor: int
    quantity: str = "1"
    unit: str = ""
    unit_price: str = ""
    tax: TaxRate | None = None
    revenue: str = "revenue"
    period_since: datetime | None = None
    period_until: datetime | None = None


class InvoiceDraft(NamedTuple):
    """An invoice before it is issued.

    `account` is a ref or id; `reference` makes it one (the same again gives the first); `about` is what
    it is for: a subscription's, purchase's or run's id. `due_days`: None takes the account's, else the
    company's.
    """

    account: str
    asset: str
    lines: tuple[LineDraft, ...]
    source: Source = "manual"
    reference: str | None = None
    about: str | None = None
    memo: str = ""
    due_days: int | None = None
    period_since: datetime | None = None
    period_until: datetime | None = None

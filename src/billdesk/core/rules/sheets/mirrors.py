"""Sheets of what is kept at a gateway, too."""

from __future__ import annotations

from typing import NamedTuple

from billdesk.core.values.money import Money


class SentInvoiceSheet(NamedTuple):
    """An invoice of ours as a gateway has it. `url`: where its customer sees and pays it, if told."""

    invoice_id: str
    invoice_number: str
    account_ref: str
    gateway: str
    mode: str
    external_id: str
    status: str
    total: Money
    url: str | None

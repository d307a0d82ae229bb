"""Sheets of invoices, credit notes, and who they are for."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from billdesk.core.values.money import Money


class InvoiceLineSheet(NamedTuple):
    """One line. `amount` as asked for, `net` and `tax` what it comes to; `tax_rate` in percent."""

    place: int
    text: str
    quantity: str
    unit: str
    unit_price: str
    amount: Money
    tax_code: str | None
    tax_rate: str
    tax_inclusive: bool
    net: Money
    tax: Money
    period_since: datetime | None = None
    period_until: datetime | None = None


class InvoiceSheet(NamedTuple):
    """An invoice or credit note (`kind`). `status`: draft, open, paid, void or uncollectible.

    `invoice_number` is None for a draft. `due` is what is still to be paid; `overdue` when its day is
    over. `corrects` names the invoice that a credit note is about. `detail` says in words why it is not
    paid; `attempts` counts tries to collect, the first failure was at `failed_since`.
    """

    id: str
    account_ref: str
    account_name: str
    kind: str
    source: str
    about: str | None
    status: str
    invoice_number: str | None
    subtotal: Money
    tax: Money
    total: Money
    paid: Money
    credited: Money
    due: Money
    corrects: str | None
    issued_on: date | None
    due_on: date | None
    overdue: bool
    memo: str
    detail: str
    attempts: int
    failed_at: datetime | None
    failed_since: datetime | None
    gateway: str | None
    external_id: str | None
    posting_id: str | None
    created_at: datetime
    finalized_at: datetime | None
    closed_at: datetime | None
    replayed: bool = False


class TaxTotalSheet(NamedTuple):
    """What one tax rate comes to on an invoice."""

    code: str
    name: str
    percent: str
    inclusive: bool
    net: Money
    tax: Money


class InvoiceDetailSheet(NamedTuple):
    """An invoice with everything that stands on it. `seller` and `party` are lines as printed."""

    invoice: InvoiceSheet
    lines: tuple[InvoiceLineSheet, ...]
    taxes: tuple[TaxTotalSheet, ...]
    seller: tuple[str, ...]
    party: tuple[str, ...]
    terms: str
    credit_notes: tuple[InvoiceSheet, ...]
    payments: tuple[str, ...]
    digest: str | None
    chain_head: str | None


class PartySheet(NamedTuple):
    """Who an account is on paper. `tax_code` names its tax rate; `language` such as `de`."""

    account_ref: str
    legal_name: str
    address: str
    country: str
    tax_id: str
    tax_code: str | None
    language: str
    due_days: int | None
    changed_at: datetime | None


class InvoiceAuditSheet(NamedTuple):
    """What `invoice audit` found: per series, how many, first and last; and what is wrong."""

    series: tuple[tuple[str, int, str, str], ...]
    checked: int
    problems: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether every number is there once and nothing was changed."""
        return not self.problems


class PdfSheet(NamedTuple):
    """A PDF of an invoice: where it lies, its SHA-256, and whether it was rendered now."""

    invoice_id: str
    path: str
    sha256: str
    size: int
    rendered: bool


class PreparedSheet(NamedTuple):
    """What drawing many PDFs came to: `found` invoices, of which `rendered` had none yet; bytes in all."""

    found: int
    rendered: int
    size: int

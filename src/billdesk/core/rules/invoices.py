"""What an invoice is made of, before it is one: its lines, and what each comes to with tax."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Literal, NamedTuple

from billdesk.core.rules.catalog import TaxRate
from billdesk.core.rules.ledger import field
from billdesk.core.rules.tax import tax_line
from billdesk.core.values.clock import to_micros
from billdesk.core.values.money import check_minor

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


class InvoiceRecord(NamedTuple):
    """An invoice or credit note as the store has it; the fields are its columns.

    Amounts are minor units, instants microseconds, days ISO dates. `seller` and `party` are JSON.
    """

    id: str
    account_id: str
    kind: str
    source: str
    reference: str | None
    about: str | None
    status: str
    series: str | None
    sequence: int | None
    invoice_number: str | None
    asset: str
    subtotal_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    credited_minor: int
    corrects: str | None
    period_since: int | None
    period_until: int | None
    issued_on: str | None
    due_on: str | None
    due_days: int | None
    seller: str
    party: str
    terms: str
    memo: str
    digest: str | None
    chain_head: str | None
    posting_id: str | None
    attempts: int
    failed_at: int | None
    failed_since: int | None
    detail: str
    gateway: str | None
    mode: str | None
    external_id: str | None
    actor: str
    created_at: int
    finalized_at: int | None
    closed_at: int | None
    changed_at: int

    @property
    def due_minor(self) -> int:
        """What is still to be paid, minor units; nothing once it is over."""
        if self.status in ("paid", "void") or self.kind == "credit_note":
            return 0
        return self.total_minor - self.paid_minor - self.credited_minor

    @property
    def name(self) -> str:
        """How people call it: its number, or the id while it has none."""
        return self.invoice_number or self.id


class LineRecord(NamedTuple):
    """A line as the store has it; the fields are its columns. Amounts are minor units."""

    invoice_id: str
    place: int
    text: str
    quantity: str
    unit: str
    unit_price: str
    amount_minor: int
    tax_code: str | None
    tax_name: str
    tax_rate: str
    tax_inclusive: int
    net_minor: int
    tax_minor: int
    revenue: str
    period_since: int | None
    period_until: int | None

    @property
    def gross_minor(self) -> int:
        """What it comes to with tax, minor units."""
        return self.net_minor + self.tax_minor


class Totals(NamedTuple):
    """What lines come to, minor units."""

    subtotal_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        """With tax."""
        return self.subtotal_minor + self.tax_minor


def line_record(draft: LineDraft, invoice_id: str, place: int) -> LineRecord:
    """A line with its tax worked out, rounded once, half up on the absolute value."""
    tax = draft.tax
    taxed = tax_line(draft.amount_minor, tax)
    return LineRecord(
        invoice_id=invoice_id,
        place=place,
        text=draft.text,
        quantity=draft.quantity,
        unit=draft.unit,
        unit_price=draft.unit_price,
        amount_minor=draft.amount_minor,
        tax_code=tax.code if tax else None,
        tax_name=tax.name if tax else "",
        tax_rate=plain(tax.percent) if tax else "0",
        tax_inclusive=int(tax.inclusive) if tax else 0,
        net_minor=taxed.net_minor,
        tax_minor=taxed.tax_minor,
        revenue=draft.revenue,
        period_since=to_micros(draft.period_since) if draft.period_since else None,
        period_until=to_micros(draft.period_until) if draft.period_until else None,
    )


def plain(number: Decimal) -> str:
    """A decimal as people write it: no exponent, no zeros at the end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def totals_of(lines: Iterable[LineRecord]) -> Totals:
    """The sums of lines. Raises BadInput for what a 64-bit column cannot keep."""
    subtotal_minor = tax_minor = 0
    for line in lines:
        subtotal_minor += line.net_minor
        tax_minor += line.tax_minor
    check_minor(subtotal_minor + tax_minor)
    return Totals(check_minor(subtotal_minor), check_minor(tax_minor))


def earnings(
    lines: Iterable[LineRecord], credited: Iterable[LineRecord] = ()
) -> tuple[tuple[str, int], ...]:
    """What each counterparty gets of lines, less what was credited since: minor units by name.

    The net amount goes to a line's `revenue`, its tax to `tax:<code>`; who gets nothing is left out.
    What goes back to the payer comes first, so that no balance on the way is below the last one.
    """
    shares: dict[str, int] = {}
    for sign, each in (*((1, line) for line in lines), *((-1, line) for line in credited)):
        shares[each.revenue] = shares.get(each.revenue, 0) + sign * each.net_minor
        if each.tax_minor:
            party = f"tax:{each.tax_code}"
            shares[party] = shares.get(party, 0) + sign * each.tax_minor
    return tuple(sorted((pair for pair in shares.items() if pair[1]), key=lambda pair: pair[::-1]))


_FROZEN = (
    "id account_id kind source reference about series sequence invoice_number asset subtotal_minor"
    " tax_minor total_minor corrects period_since period_until issued_on due_on due_days seller party"
    " terms memo chain_head actor created_at finalized_at"
).split()
"""Everything that never changes on a finalized invoice: what its digest covers, beside its lines."""


def digest_of_invoice(invoice: InvoiceRecord, lines: Iterable[LineRecord]) -> str:
    """SHA-256, in hexadecimal, of everything on an invoice, in one canonical form.

    Version `1`, then each field with its length in front (NULL: -1), the lines in their order.
    """
    values = [getattr(invoice, name) for name in _FROZEN]
    values += [value for line in lines for value in line[1:]]
    texts = (field(None if value is None else str(value)) for value in values)
    return sha256(("1" + "".join(texts)).encode()).hexdigest()


def number_text(prefix: str, digits: int, sequence: int) -> str:
    """An invoice's number as it stands on paper: `INV-000042`."""
    return f"{prefix}{sequence:0{digits}d}"

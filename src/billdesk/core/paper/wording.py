"""What stands on the paper of an invoice, in words: everything that is drawn, and nothing else."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import NamedTuple

from billdesk.core.rules.sheets import InvoiceDetailSheet, InvoiceLineSheet, InvoiceSheet
from billdesk.core.values.money import Money, format_grouped

LAYOUT = "1"
"""The version of how paper looks: another one where anything is drawn otherwise than before."""

_MARKS = {"draft": "DRAFT", "paid": "PAID", "void": "VOID", "uncollectible": "UNCOLLECTIBLE"}
_A_MOMENT = timedelta(microseconds=1)


class PaperLine(NamedTuple):
    """A line of the table: `note` stands small below its text."""

    text: str
    note: str
    quantity: str
    unit_price: str
    tax: str
    amount: str


class PaperTotal(NamedTuple):
    """A sum below the table."""

    label: str
    amount: str
    strong: bool = False


class InvoicePaper(NamedTuple):
    """An invoice as it is drawn. `mark` is stamped on it; `seals` are printed small at the end."""

    heading: str
    number: str
    mark: str
    seller: tuple[str, ...]
    party: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    memo: str
    columns: tuple[str, ...]
    lines: tuple[PaperLine, ...]
    totals: tuple[PaperTotal, ...]
    terms: str
    notes: tuple[str, ...]
    seals: tuple[str, ...]
    logo: bytes | None

    @property
    def key(self) -> str:
        """SHA-256, in hexadecimal, of everything that is drawn and of how: the same key, the same bytes."""
        logo = sha256(self.logo).hexdigest() if self.logo else None
        drawn = json.dumps([LAYOUT, *self._replace(logo=None), logo])
        return sha256(drawn.encode()).hexdigest()


def invoice_paper(
    detail: InvoiceDetailSheet, zone: tzinfo, logo: bytes | None = None
) -> InvoicePaper:
    """What stands on the paper of an invoice; days are those of `zone`.

    `invoice.corrects` is printed as it is: give the number of the invoice there, not its id.
    """
    invoice = detail.invoice
    is_note = invoice.kind == "credit_note"
    return InvoicePaper(
        heading="Credit note" if is_note else "Invoice",
        number=invoice.invoice_number or "",
        mark=_mark(invoice),
        seller=detail.seller,
        party=detail.party or (invoice.account_name,),
        facts=_facts(invoice, zone),
        memo=invoice.memo,
        columns=(
            "Description",
            "Quantity",
            "Unit price" if any(line.unit_price for line in detail.lines) else "",
            "Tax" if any(line.tax_code for line in detail.lines) else "",
            f"Amount {invoice.total.asset}",
        ),
        lines=tuple(_line(line, zone) for line in detail.lines),
        totals=tuple(_totals(detail)),
        terms="" if is_note else detail.terms,
        notes=tuple(_notes(detail)),
        seals=tuple(_seals(detail)),
        logo=logo,
    )


def _mark(invoice: InvoiceSheet) -> str:
    if invoice.kind == "credit_note" and invoice.status == "paid":
        return ""
    return _MARKS.get(invoice.status, "")


def _facts(invoice: InvoiceSheet, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    is_paid = invoice.kind == "invoice" and invoice.status == "paid"
    paid_on = invoice.closed_at.astimezone(zone).date() if is_paid and invoice.closed_at else None
    facts = (
        ("Number", invoice.invoice_number or "none yet"),
        ("Issued", _day(invoice.issued_on)),
        ("Due", "" if invoice.kind == "credit_note" else _day(invoice.due_on)),
        ("Paid", _day(paid_on)),
        ("Corrects", invoice.corrects or ""),
        ("Account", invoice.account_ref),
    )
    return tuple((label, text) for label, text in facts if text)


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _line(line: InvoiceLineSheet, zone: tzinfo) -> PaperLine:
    tax = f"{line.tax_rate} %{' incl.' if line.tax_inclusive else ''}" if line.tax_code else ""
    return PaperLine(
        text=line.text,
        note=_period(line.period_since, line.period_until, zone),
        quantity=f"{line.quantity} {line.unit}".strip(),
        unit_price=line.unit_price,
        tax=tax,
        amount=format_grouped(*line.amount),
    )


def _period(since: datetime | None, until: datetime | None, zone: tzinfo) -> str:
    """The first and the last day of a period that ends before `until`."""
    if since is None or until is None:
        return ""
    first = since.astimezone(zone).date()
    last = max(first, (until - _A_MOMENT).astimezone(zone).date())
    return f"{first} to {last}" if last > first else f"{first}"


def _totals(detail: InvoiceDetailSheet) -> list[PaperTotal]:
    invoice = detail.invoice
    totals = [PaperTotal("Subtotal", format_grouped(*invoice.subtotal))]
    for tax in detail.taxes:
        label = f"{tax.name or tax.code} {tax.percent} %"
        included = ", included in the prices" if tax.inclusive else ""
        totals.append(PaperTotal(label + included, format_grouped(*tax.tax)))
    totals.append(PaperTotal("Total", _with_asset(invoice.total), strong=True))
    if invoice.kind == "credit_note":
        return totals
    if invoice.credited.minor:
        totals.append(PaperTotal("Credited", format_grouped(*invoice.credited.negated())))
    if invoice.paid.minor:
        totals.append(PaperTotal("Paid", format_grouped(*invoice.paid.negated())))
    if invoice.status != "void":
        totals.append(PaperTotal("Due", _with_asset(invoice.due), strong=True))
    return totals


def _with_asset(money: Money) -> str:
    return f"{format_grouped(*money)} {money.asset}"


def _notes(detail: InvoiceDetailSheet) -> list[str]:
    return [
        f"{note.invoice_number} of {_day(note.issued_on)}: {_with_asset(note.total)}"
        for note in detail.credit_notes
    ]


def _seals(detail: InvoiceDetailSheet) -> list[str]:
    seals = (("SHA-256", detail.digest), ("ledger", detail.chain_head))
    return [f"{name} {value}" for name, value in seals if value]

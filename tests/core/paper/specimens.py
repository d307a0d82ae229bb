"""Invoices to be drawn: finished sheets, as the desk would give them."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, date, datetime
from typing import Any

from billdesk.core.rules.sheets import (
    InvoiceDetailSheet,
    InvoiceLineSheet,
    InvoiceSheet,
    TaxTotalSheet,
)
from billdesk.core.values.money import Money

ISSUED = datetime(2026, 9, 1, 8, tzinfo=UTC)

SELLER = ("Northwind Labs GmbH", "Hafenstraße 12", "20457 Hamburg", "VAT DE123456789")
PARTY = ("Acme Corporation", "1 Main Street", "Springfield", "US", "Tax id 12-3456789")


def line(place: int, text: str, amount: Money, *, tax: int = 0, **more: Any) -> InvoiceLineSheet:
    """A line; `tax` in minor units on top, at 20 %."""
    return InvoiceLineSheet(
        place=place,
        text=text,
        quantity=more.pop("quantity", "1"),
        unit=more.pop("unit", ""),
        unit_price=more.pop("unit_price", ""),
        amount=amount,
        tax_code="vat" if tax else None,
        tax_rate="20" if tax else "0",
        tax_inclusive=more.pop("inclusive", False),
        net=more.pop("net", amount),
        tax=Money(tax, amount.asset),
        **more,
    )


def taxes_of(lines: tuple[InvoiceLineSheet, ...]) -> tuple[TaxTotalSheet, ...]:
    """What the lines' one tax comes to."""
    taxed = [each for each in lines if each.tax_code]
    if not taxed:
        return ()
    net, tax = (sum(getattr(each, name).minor for each in taxed) for name in ("net", "tax"))
    asset = taxed[0].amount.asset
    return (
        TaxTotalSheet("vat", "VAT", "20", taxed[0].tax_inclusive, Money(net, asset), Money(tax, asset)),
    )  # fmt: skip


def detail(
    *lines: InvoiceLineSheet,
    party: tuple[str, ...] = PARTY,
    seller: tuple[str, ...] = SELLER,
    terms: str = "Payable within 14 days.",
    **changes: Any,
) -> InvoiceDetailSheet:
    """An open invoice of these lines; `changes` to its sheet."""
    asset = lines[0].amount.asset if lines else "USD"
    subtotal, tax = (
        Money(sum(getattr(each, name).minor for each in lines), asset) for name in ("net", "tax")
    )
    total = subtotal.plus(tax)
    nothing = Money(0, asset)
    payments = changes.pop("payments", ())
    notes = changes.pop("credit_notes", ())
    invoice = InvoiceSheet(
        id="inv_00000000000000000000000001", account_ref="acme", account_name="Acme Corporation",
        kind="invoice", source="manual", about=None, status="open", invoice_number="INV-000042",
        subtotal=subtotal, tax=tax, total=total, paid=nothing, credited=nothing, due=total,
        corrects=None, issued_on=date(2026, 9, 1), due_on=date(2026, 9, 15), overdue=False,
        memo="", detail="", attempts=0, failed_at=None, failed_since=None, gateway=None,
        external_id=None, posting_id=None, created_at=ISSUED, finalized_at=ISSUED, closed_at=None,
    )._replace(**changes)  # fmt: skip
    return InvoiceDetailSheet(
        invoice=invoice, lines=lines, taxes=taxes_of(lines), seller=seller, party=party,
        terms=terms, credit_notes=notes, payments=payments, digest="5a" * 32, chain_head="c0" * 32,
    )  # fmt: skip


def dollars(minor: int) -> Money:
    """US cents."""
    return Money(minor, "USD")


def small() -> InvoiceDetailSheet:
    """One page: a plan, its usage, and a tax."""
    since, until = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    return detail(
        line(1, "Pro, monthly", dollars(4900), tax=980, unit_price="49.00", period_since=since,
             period_until=until),
        line(2, "API calls", dollars(123456), tax=24691, quantity="1,234,560", unit="calls",
             unit_price="0.001", period_since=since, period_until=until),
        line(3, "Unused time on Starter", dollars(-1250), tax=-250),
        memo="Your order 4711",
    )  # fmt: skip


def long(lines: int) -> InvoiceDetailSheet:
    """Many lines, on several pages."""
    return detail(
        *(line(at, f"Lead {at:05d} from the campaign", dollars(100 + at), unit_price="1.00")
          for at in range(1, lines + 1))
    )  # fmt: skip


def logo(width: int = 120, height: int = 40) -> bytes:
    """A picture: PNG, a coloured gradient."""
    rows = b"".join(
        b"\0" + b"".join(bytes((20, 80 + x % 150, 160)) for x in range(width))
        for _ in range(height)
    )

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )  # fmt: skip


HOSTILE = (
    "\x1b]0;owned\x07<b>bold</b> %(x)s {0} \u202egnp.exe\u2066 \x00 " + "W" * 300 + " \U0001f9fe\U0001f680 a\u0301"
)  # fmt: skip
ARABIC = "شركة المستقبل للتجارة (2024) ذ.م.م"
HEBREW = "חברת הדוגמה בע״מ 2024 (Acme) 10%"
CJK = "株式会社サンプル・東京都千代田区丸の内一丁目、請求書。주식회사 예시 서울특별시 有限公司发票"


def scripts() -> InvoiceDetailSheet:
    """Names and texts of many scripts."""
    return detail(
        line(1, ARABIC, dollars(100)),
        line(2, HEBREW, dollars(200)),
        line(3, CJK * 3, dollars(300)),
        line(4, "Łódź Żółć · Ελληνικά · Українська їжа ґрунт · ქართული · Հայերեն · Tiếng Việt", dollars(400)),
        line(5, "नमस्ते ไทย \U0001f600 \U0001f9fe", dollars(500)),
        line(6, ARABIC * 4, dollars(600)),
        party=(ARABIC, HEBREW, CJK, "Zażółć gęślą jaźń", "Οδός Πανεπιστημίου 5"),
        seller=("ООО «Ромашка»", "ул. Ленина, д. 1"),
    )  # fmt: skip

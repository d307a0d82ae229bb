"""Invoices to be drawn: finished sheets, as the desk would give them."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, date, datetime

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


def line(
    place: int,
    text: str,
    amount: Money,
    *,
    tax: int = 0,
    quantity: str = "1",
    unit: str = "",
    unit_price: str = "",
    net: Money | None = None,
    period: tuple[datetime, datetime] | None = None,
) -> InvoiceLineSheet:
    """A line; `tax` in minor units, at 20 %, on top or, where `net` is given, within the amount."""
    since, until = period or (None, None)
    return InvoiceLineSheet(
        place=place,
        text=text,
        quantity=quantity,
        unit=unit,
        unit_price=unit_price,
        amount=amount,
        tax_code="vat" if tax else None,
        tax_rate="20" if tax else "0",
        tax_inclusive=net is not None,
        net=net or amount,
        tax=Money(tax, amount.asset),
        period_since=since,
        period_until=until,
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


def detail(*lines: InvoiceLineSheet, status: str = "open") -> InvoiceDetailSheet:
    """An invoice of these lines, with all its sums."""
    asset = lines[0].amount.asset
    subtotal, tax = (
        Money(sum(getattr(each, name).minor for each in lines), asset) for name in ("net", "tax")
    )
    total, nothing = subtotal.plus(tax), Money(0, asset)
    is_paid = status == "paid"
    invoice = InvoiceSheet(
        id="inv_00000000000000000000000001", account_ref="acme", account_name="Acme Corporation",
        kind="invoice", source="manual", about=None, status=status, invoice_number="INV-000042",
        subtotal=subtotal, tax=tax, total=total, paid=total if is_paid else nothing,
        credited=nothing, due=nothing if is_paid else total, corrects=None,
        issued_on=date(2026, 9, 1), due_on=date(2026, 9, 15), overdue=False, memo="", detail="",
        attempts=0, failed_at=None, failed_since=None, gateway=None, external_id=None,
        posting_id=None, created_at=ISSUED, finalized_at=ISSUED,
        closed_at=ISSUED if is_paid else None,
    )  # fmt: skip
    return InvoiceDetailSheet(
        invoice=invoice, lines=lines, taxes=taxes_of(lines), seller=SELLER, party=PARTY,
        terms="Payable within 14 days.", credit_notes=(), payments=(), digest="5a" * 32,
        chain_head="c0" * 32,
    )  # fmt: skip


def dollars(minor: int) -> Money:
    """US cents."""
    return Money(minor, "USD")


def small() -> InvoiceDetailSheet:
    """One page: a plan, its usage, and a tax."""
    since, until = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    sheet = detail(
        line(1, "Pro, monthly", dollars(4900), tax=980, unit_price="49.00", period=(since, until)),
        line(2, "API calls", dollars(123456), tax=24691, quantity="1,234,560", unit="calls",
             unit_price="0.001", period=(since, until)),
        line(3, "Unused time on Starter", dollars(-1250), tax=-250),
    )  # fmt: skip
    return sheet._replace(invoice=sheet.invoice._replace(memo="Your order 4711"))


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
    "\x1b]0;owned\x07<b>bold</b> %(x)s {0} \u202egnp.exe\u2066 \x00 "
    f"{'W' * 300} \U0001f9fe\U0001f680 a\u0301"
)
ARABIC = "شركة المستقبل للتجارة (2024) ذ.م.م"
HEBREW = "חברת הדוגמה בע״מ 2024 (Acme) 10%"
CJK = "株式会社サンプル・東京都千代田区丸の内一丁目、請求書。주식회사 예시 서울특별시 有限公司发票"
RUSSIAN = "\u041e\u041e\u041e «Ромашка»"
EUROPEAN = "Łódź Żółć · Ελληνικά · Українська їжа ґрунт · ქართული · Հայերեն · Tiếng Việt"


def scripts() -> InvoiceDetailSheet:
    """Names and texts of many scripts."""
    return detail(
        line(1, ARABIC, dollars(100)),
        line(2, HEBREW, dollars(200)),
        line(3, CJK * 3, dollars(300)),
        line(4, EUROPEAN, dollars(400)),
        line(5, "नमस्ते ไทย \U0001f600 \U0001f9fe", dollars(500)),
        line(6, ARABIC * 4, dollars(600)),
    )._replace(
        party=(ARABIC, HEBREW, CJK, "Zażółć gęślą jaźń", "Οδός Πανεπιστημίου 5"),
        seller=(RUSSIAN, "ул. Ленина, д. 1"),
    )


def hostile() -> InvoiceDetailSheet:
    """Everything too long, too large, or not meant to be read."""
    huge = Money(2**62, "USD")
    sheet = detail(
        line(1, HOSTILE, dollars(100), quantity="9" * 200, unit="W" * 50, unit_price="x" * 150),
        line(2, "L" * 500, huge),
        line(3, "", dollars(0)),
    )
    return sheet._replace(
        invoice=sheet.invoice._replace(memo=HOSTILE, account_ref="r" * 64),
        seller=(HOSTILE[:200], *(f"s{number}" for number in range(70))),
        party=(HOSTILE[:200],) * 3,
        terms=f"{HOSTILE}\n" * 30,
        payments=(HOSTILE,),
    )


def japanese() -> InvoiceDetailSheet:
    """Prices that hold the tax, in a currency without decimals."""
    return detail(
        line(1, "ご利用料金", Money(120_000, "JPY"), tax=20_000, net=Money(100_000, "JPY"))
    )

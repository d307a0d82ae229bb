from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from billdesk.core.paper.wording import InvoicePaper, PaperTotal, invoice_paper
from billdesk.core.rules.sheets import InvoiceDetailSheet
from billdesk.core.values.money import Money
from tests.core.paper.specimens import detail, dollars, japanese, line, logo, small

ZONE = ZoneInfo("UTC")


def paper(sheet: InvoiceDetailSheet) -> InvoicePaper:
    return invoice_paper(sheet, ZONE)


def totals(sheet: InvoiceDetailSheet) -> dict[str, str]:
    return {total.label: total.amount for total in paper(sheet).totals}


def test_every_amount_stands_on_paper_as_the_sheet_has_it() -> None:
    drawn = paper(small())
    assert [each.amount for each in drawn.lines] == ["49.00", "1,234.56", "-12.50"]
    assert drawn.totals == (
        PaperTotal("Subtotal", "1,271.06"),
        PaperTotal("VAT 20 %", "254.21"),
        PaperTotal("Total", "1,525.27 USD", strong=True),
        PaperTotal("Due", "1,525.27 USD", strong=True),
    )
    assert drawn.columns == ("Description", "Quantity", "Unit price", "Tax", "Amount USD")


def test_tax_within_the_prices_is_told_as_such_and_yen_have_no_decimals() -> None:
    assert totals(japanese()) == {
        "Subtotal": "100,000", "VAT 20 %, included in the prices": "20,000",
        "Total": "120,000 JPY", "Due": "120,000 JPY",
    }  # fmt: skip
    assert paper(japanese()).lines[0].tax == "20 % incl."


def test_columns_that_nobody_filled_are_not_headed() -> None:
    assert paper(detail(line(1, "Consulting", dollars(100)))).columns == (
        "Description", "Quantity", "", "", "Amount USD",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "mark"),
    [("draft", "DRAFT"), ("open", ""), ("paid", "PAID"), ("void", "VOID"),
     ("uncollectible", "UNCOLLECTIBLE")],
)  # fmt: skip
def test_what_became_of_an_invoice_is_stamped_on_it(status: str, mark: str) -> None:
    assert paper(detail(line(1, "Pro", dollars(100)), status=status)).mark == mark


def test_a_paid_invoice_says_when_and_that_nothing_is_due() -> None:
    sheet = detail(line(1, "Pro", dollars(100)), status="paid")
    assert ("Paid", "2026-09-01") in paper(sheet).facts
    assert totals(sheet)["Paid"] == "-1.00"
    assert totals(sheet)["Due"] == "0.00 USD"


def test_what_was_credited_is_taken_off_and_named() -> None:
    sheet = detail(line(1, "Pro", dollars(1000)))
    note = sheet.invoice._replace(invoice_number="CN-000007", total=dollars(400))
    sheet = sheet._replace(
        invoice=sheet.invoice._replace(credited=dollars(400), due=dollars(600)),
        credit_notes=(note,),
    )
    assert totals(sheet)["Credited"] == "-4.00"
    assert paper(sheet).notes == ("CN-000007 of 2026-09-01: 4.00 USD",)


def test_nothing_is_due_on_a_void_invoice() -> None:
    assert "Due" not in totals(detail(line(1, "Pro", dollars(100)), status="void"))


def test_a_credit_note_says_what_it_corrects_and_asks_for_nothing() -> None:
    sheet = detail(line(1, "Pro", dollars(4900)), status="paid")
    note = sheet._replace(
        invoice=sheet.invoice._replace(
            kind="credit_note", invoice_number="CN-000001", corrects="INV-000042"
        )
    )
    drawn = paper(note)
    assert (drawn.heading, drawn.mark, drawn.terms) == ("Credit note", "", "")
    assert ("Corrects", "INV-000042") in drawn.facts
    assert {"Due", "Paid"}.isdisjoint(label for label, _ in drawn.facts)
    assert list(totals(note)) == ["Subtotal", "Total"]


def test_a_draft_has_no_number_and_no_days() -> None:
    sheet = detail(line(1, "Pro", dollars(100)), status="draft")
    sheet = sheet._replace(
        invoice=sheet.invoice._replace(invoice_number=None, issued_on=None, due_on=None),
        digest=None,
        chain_head=None,
    )
    drawn = paper(sheet)
    assert drawn.number == ""
    assert drawn.facts == (("Number", "none yet"), ("Account", "acme"))
    assert drawn.seals == ()


def test_an_account_without_a_party_is_named() -> None:
    assert paper(small()._replace(party=())).party == ("Acme Corporation",)


@pytest.mark.parametrize(
    ("zone", "since", "until", "days"),
    [
        ("UTC", (2026, 8, 1), (2026, 9, 1), "2026-08-01 to 2026-08-31"),
        ("UTC", (2026, 8, 1), (2026, 8, 2), "2026-08-01"),
        ("UTC", (2026, 8, 1), (2026, 8, 1), "2026-08-01"),
        # Midnight in New York is four hours later.
        ("America/New_York", (2026, 8, 1, 4), (2026, 9, 1, 4), "2026-08-01 to 2026-08-31"),
    ],
)
def test_a_period_is_named_by_its_days_in_the_desks_zone(
    zone: str, since: tuple[int, int, int], until: tuple[int, int, int], days: str
) -> None:
    period = (datetime(*since, tzinfo=UTC), datetime(*until, tzinfo=UTC))
    sheet = detail(line(1, "Pro", dollars(100), period=period))
    assert invoice_paper(sheet, ZoneInfo(zone)).lines[0].note == days


def test_digest_and_chain_head_are_printed() -> None:
    assert paper(small()).seals == (f"SHA-256 {'5a' * 32}", f"ledger {'c0' * 32}")


def test_papers_have_one_key_if_and_only_if_they_look_the_same() -> None:
    picture = logo()
    assert paper(small()).key == paper(small()).key
    keys = {
        paper(small()).key,
        invoice_paper(small(), ZONE, picture).key,
        invoice_paper(small(), ZONE, logo(121)).key,
        paper(small()._replace(terms="Now")).key,
        paper(small()._replace(digest="00" * 32)).key,
        paper(detail(line(1, "Pro", dollars(100)))).key,
        paper(detail(line(1, "Pro", Money(100, "EUR")))).key,
        paper(detail(line(1, "Pro", dollars(100)), status="paid")).key,
    }
    assert len(keys) == 8
    # What nobody reads on it makes no other paper.
    quiet = small()._replace(invoice=small().invoice._replace(attempts=3, detail="declined"))
    assert paper(quiet).key == paper(small()).key

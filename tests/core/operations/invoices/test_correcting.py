"""Credit notes give back what was invoiced: from whom it went to, and never more than that."""

from __future__ import annotations

import pytest

from billdesk.core.desk import Desk
from billdesk.core.operations.invoices.correcting import credit_invoice
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.rules.sheets import InvoiceSheet
from billdesk.core.values.errors import BadInput, NotFound, ReferenceReused, Refused
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.invoiced import GST, VAT, block, entries, issued

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def paid(desk: Desk) -> InvoiceSheet:
    """A paid invoice of 18.90 USD: 10.00 + 1.90 for a plan, 7.00 of which tax is a part for calls."""
    lines = (
        LineDraft("Plan", 1000, tax=VAT, revenue="revenue:plan:pro"),
        LineDraft("Calls", 700, tax=GST, revenue="revenue:usage:calls"),
    )
    return desk.invoices.pay(issued(desk, *lines).id)


def cents(desk: Desk) -> int:
    return desk.wallets.balance("acme").balance.minor


def test_all_that_was_paid_goes_back_from_whom_it_went_to(desk: Desk, paid: InvoiceSheet) -> None:
    before = cents(desk)
    note = desk.credit_notes.create("INV-000001", memo=MEMO)
    taken = entries(desk, paid.posting_id)
    assert entries(desk, note.posting_id) == {party: -minor for party, minor in taken.items()}
    assert (note.invoice_number, note.kind, note.status, note.corrects, note.total) == (
        *("CN-000001", "credit_note", "paid", paid.id, paid.total),
    )
    assert cents(desk) == before + 1890
    after = desk.invoices.get(paid.id)
    assert (after.credited, after.status, after.invoice_number) == (
        *(paid.total, "paid", "INV-000001"),
    )
    lines = desk.invoices.detail(note.id).lines
    assert [(line.text, line.net.minor, line.tax.minor) for line in lines] == [
        ("Plan", 1000, 190),
        ("Calls", 593, 107),
    ]
    assert desk.invoices.audit().is_clean


def test_parts_sum_to_the_whole_to_the_minor_unit(desk: Desk, paid: InvoiceSheet) -> None:
    before = cents(desk)
    for amount in ("0.01", "6.31", "6.31"):
        desk.credit_notes.create(paid.id, amount, memo=MEMO)
    desk.credit_notes.create(paid.id, memo=MEMO)
    assert cents(desk) == before + 1890
    sums = desk.ledger.trial_balance()[0]
    parties = {each.name: each.amount.minor for each in sums.counterparties}
    assert {parties.get(name, 0) for name in entries(desk, paid.posting_id)} == {0}
    assert desk.invoices.audit().is_clean


def test_a_line_is_credited_no_further_than_it_goes(desk: Desk, paid: InvoiceSheet) -> None:
    note = desk.credit_notes.create(paid.id, lines={1: "5.95", 2: Money(350, "USD")}, memo=MEMO)
    assert entries(desk, note.posting_id) == {
        "revenue:plan:pro": 500,
        "revenue:usage:calls": 296,
        "tax:vat": 95,
        "tax:gst": 54,
    }
    for lines in ({1: "5.96"}, {1: "11.91"}, {3: "1"}):
        with pytest.raises(Refused, match=r"can be credited|no line 3"):
            desk.credit_notes.create(paid.id, lines=lines, memo=MEMO)
    desk.credit_notes.create(paid.id, lines={1: "5.95"}, memo=MEMO)
    with pytest.raises(Refused, match=r"line 1 holds 0\.00 USD"):
        desk.credit_notes.create(paid.id, lines={1: "0.01"}, memo=MEMO)


def test_never_more_than_is_left(desk: Desk, paid: InvoiceSheet) -> None:
    with pytest.raises(Refused, match=r"18\.91 USD is more than the 18\.90 USD"):
        desk.credit_notes.create(paid.id, "18.91", memo=MEMO)
    desk.credit_notes.create(paid.id, "10", memo=MEMO)
    with pytest.raises(Refused, match=r"8\.90 USD that is left"):
        desk.credit_notes.create(paid.id, "8.91", memo=MEMO)
    desk.credit_notes.create(paid.id, "8.90", memo=MEMO)
    with pytest.raises(Refused, match="nothing is left"):
        desk.credit_notes.create(paid.id, memo=MEMO)
    assert len(desk.credit_notes.list(account="acme").rows) == 2


def test_a_discount_is_taken_back_with_the_rest(desk: Desk) -> None:
    sheet = issued(
        desk,
        LineDraft("New", 2000, revenue="revenue:new"),
        LineDraft("Old", -500, revenue="revenue:old"),
    )
    paid = desk.invoices.pay(sheet.id)
    desk.credit_notes.create(paid.id, "10", memo=MEMO)
    note = desk.credit_notes.create(paid.id, memo=MEMO)
    assert entries(desk, note.posting_id) == {"revenue:new": 1000, "revenue:old": -500}
    with pytest.raises(Refused, match="can be credited"):
        desk.credit_notes.create(
            issued(desk, LineDraft("a", 9), LineDraft("b", -1)).id, lines={2: "1"}, memo=MEMO
        )


def test_on_an_open_invoice_less_is_due(desk: Desk) -> None:
    sheet = issued(desk, LineDraft("Plan", 1000, tax=VAT, revenue="revenue:plan:pro"))
    note = desk.credit_notes.create(sheet.id, "5.95", memo=MEMO)
    assert (note.posting_id, note.paid.minor) == (None, 0)
    assert desk.invoices.get(sheet.id).due.minor == 595
    paid = desk.invoices.pay(sheet.id)
    assert paid.paid.minor == 595
    assert entries(desk, paid.posting_id) == {"revenue:plan:pro": -500, "tax:vat": -95}
    desk.credit_notes.create(sheet.id, memo=MEMO)
    assert cents(desk) == 10_000
    assert desk.invoices.audit().is_clean


def test_an_open_invoice_that_is_credited_in_full_is_settled(desk: Desk) -> None:
    sheet = issued(desk)
    desk.invoices.write_off(sheet.id, memo=MEMO)
    desk.credit_notes.create(sheet.id, memo=MEMO)
    settled = desk.invoices.get(sheet.id)
    assert (settled.status, settled.detail, settled.due.minor, settled.posting_id) == (
        *("paid", "credited in full", 0, None),
    )
    assert desk.invoices.audit().is_clean


def test_only_an_invoice_that_stands_is_credited(desk: Desk) -> None:
    draft = desk.invoices.draft("acme").id
    void = desk.invoices.void(issued(desk).id, memo=MEMO).id
    note = desk.credit_notes.create(issued(desk).id, "1", memo=MEMO).id
    for invoice, message in ((draft, "is draft"), (void, "is void"), (note, "is a credit note")):
        with pytest.raises(Refused, match=message):
            desk.credit_notes.create(invoice, memo=MEMO)
    with pytest.raises(NotFound):
        desk.credit_notes.create("INV-999999", memo=MEMO)


def test_what_a_credit_note_is_told_must_make_sense(desk: Desk, paid: InvoiceSheet) -> None:
    for arguments, message in (
        ({"amount": "1", "lines": {1: "1"}}, "an amount and lines"),
        ({"amount": "1 EUR"}, "the invoice is in USD"),
        ({"amount": "0"}, "not above zero"),
        ({"lines": {}}, "gives nothing back"),
    ):
        with pytest.raises(BadInput, match=message):
            desk.credit_notes.create(paid.id, **arguments, memo=MEMO)
    with pytest.raises(BadInput, match="memo"):
        desk.credit_notes.create(paid.id, memo="short")
    assert desk.credit_notes.list(invoice=paid.id).rows == ()


def test_the_same_reference_credits_once(desk: Desk, paid: InvoiceSheet) -> None:
    first = desk.credit_notes.create(paid.id, "1", memo=MEMO, reference="n")
    again = desk.credit_notes.create(paid.id, "1", memo=MEMO, reference="n")
    assert (again.id, again.replayed, first.replayed) == (first.id, True, False)
    other = issued(desk, reference="i")
    for invoice, reference in ((other.id, "n"), (paid.id, "i")):
        with pytest.raises(ReferenceReused):
            desk.credit_notes.create(invoice, "1", memo=MEMO, reference=reference)


def test_operations_credit_lines_of_their_own(desk: Desk, paid: InvoiceSheet) -> None:
    line = LineDraft("Unused days", 500, tax=VAT, revenue="revenue:plan:pro")
    with block(desk) as (office, session):
        note = credit_invoice(office, session, paid.id, desk.now(), memo="", lines=[line])
    assert entries(desk, note.posting_id) == {"revenue:plan:pro": 500, "tax:vat": 95}
    for minor, message in ((1300, "more than"), (0, "gives nothing back")):
        with pytest.raises(Refused, match=message), block(desk) as (office, session):
            credit_invoice(
                office, session, paid.id, desk.now(), memo="",
                lines=[line._replace(amount_minor=minor)],
            )  # fmt: skip


def test_a_debt_is_paid_from_what_goes_back(desk: Desk, paid: InvoiceSheet) -> None:
    before = cents(desk)
    hold = desk.holds.place("acme", f"{before // 100}.{before % 100:02}", reference="h")
    desk.holds.capture(hold.id, "100")  # more than was held: the rest is owed
    owed = Money(10_000 - before, "USD")
    assert cents(desk) == 0
    desk.credit_notes.create(paid.id, memo=MEMO)
    assert cents(desk) == paid.total.minor - owed.minor


def test_credit_notes_are_listed_page_by_page(desk: Desk, paid: InvoiceSheet) -> None:
    notes = [desk.credit_notes.create(paid.id, "1", memo=MEMO).id for _ in range(3)]
    page = desk.credit_notes.list(limit=2)
    assert [sheet.id for sheet in page.rows] == [notes[2], notes[1]]
    rest = desk.credit_notes.list(limit=2, after=page.after)
    assert ([sheet.id for sheet in rest.rows], rest.after) == ([notes[0]], None)

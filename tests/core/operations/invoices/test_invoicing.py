"""Drafts, lists, what stands on an invoice, and its end."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk
from billdesk.core.operations.invoices import invoicing
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.rules.sheets import InvoiceSheet
from billdesk.core.store import invoice_lists
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import AccountClosed, BadInput, NotFound, Refused
from tests.core.operations.conftest import MEMO
from tests.core.operations.invoiced import VAT, issued, set_up

pytestmark = pytest.mark.usefixtures("acme")


def ids(desk: Desk, **wanted: object) -> list[str]:
    return [sheet.id for sheet in desk.invoices.list(**wanted).rows]  # type: ignore[arg-type]


# --- drafts --------------------------------------------------------------------------------------


def test_a_draft_is_changed_line_by_line(desk: Desk, tmp_path: Path) -> None:
    set_up(desk, tmp_path)
    draft = desk.invoices.draft("acme", [LineDraft("Given", 100)], memo=" Thanks ", due_days=7)
    assert (draft.status, draft.invoice_number, draft.memo) == ("draft", None, "Thanks")
    desk.invoices.add_line(draft.id, "Work", "100", quantity="2.5", unit="hour")
    desk.invoices.add_line(draft.id, "Book", "11.80", tax="gst", revenue="revenue:books")
    desk.invoices.add_line(draft.id, "Gift", "-1.005", tax="none")
    removed = desk.invoices.remove_line(draft.id, 1)
    assert removed.total.minor == 29_750 + 1180 - 101
    added = desk.invoices.add_line(draft.id, "Last", "0.333333333", quantity="3", tax="none")
    detail = desk.invoices.detail(draft.id)
    assert [
        (line.place, line.text, line.quantity, line.unit, line.unit_price, line.net.minor)
        for line in detail.lines
    ] == [
        (2, "Work", "2.5", "hour", "100.00", 25_000),
        (3, "Book", "1", "", "11.80", 1000),
        (4, "Gift", "1", "", "-1.005", -101),
        (5, "Last", "3", "", "0.333333333", 100),
    ]
    assert added.total.minor == removed.total.minor + 100
    assert [(tax.code, tax.net.minor, tax.tax.minor, tax.inclusive) for tax in detail.taxes] == [
        ("vat", 25_000, 4_750, False),
        ("gst", 1000, 180, True),
    ]
    # What would be copied onto it is shown as it is now.
    assert detail.seller[0] == "Seller Ltd"
    assert (detail.party, detail.terms, detail.digest) == (("Acme Ltd",), "Thank you.", None)


def test_what_cannot_be_a_line_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = desk.invoices.draft("acme")
    for price, quantity in (("1e3", "1"), ("1", "many"), ("٣", "1"), ("9" * 15, "9" * 15)):
        with pytest.raises(BadInput):
            desk.invoices.add_line(draft.id, "Work", price, quantity=quantity)
    with pytest.raises(NotFound, match="no tax 'vat'"):
        desk.invoices.add_line(draft.id, "Work", "1", tax="vat")
    with pytest.raises(NotFound, match="no line 1"):
        desk.invoices.remove_line(draft.id, 1)
    monkeypatch.setattr(invoicing, "MOST_LINES", 1)
    desk.invoices.add_line(draft.id, "Work", "1")
    with pytest.raises(Refused, match="full"):
        desk.invoices.add_line(draft.id, "Work", "1")
    assert desk.invoices.get(draft.id).total.minor == 100


def test_a_finalized_invoice_takes_no_line_and_loses_none(desk: Desk) -> None:
    number = issued(desk).invoice_number or ""
    refusal = "INV-000001 is open and never changes"
    with pytest.raises(Refused, match=refusal):
        desk.invoices.add_line(number, "More", "1")
    with pytest.raises(Refused, match=refusal):
        desk.invoices.remove_line(number, 1)


def test_a_draft_is_begun_once_for_a_reference(desk: Desk) -> None:
    first = desk.invoices.draft("acme", reference="a")
    again = desk.invoices.draft("acme", reference="a", asset="USD")
    assert (again.id, again.replayed, first.replayed) == (first.id, True, False)
    assert len(desk.audit.list(action="invoice.draft").rows) == 1


def test_an_account_that_is_not_open_takes_no_new_invoice(desk: Desk) -> None:
    desk.accounts.suspend("acme", memo=MEMO)
    with pytest.raises(AccountClosed):
        desk.invoices.draft("acme")
    with pytest.raises(NotFound):
        desk.invoices.draft("nobody")


# --- the end -------------------------------------------------------------------------------------


def test_a_paid_invoice_is_not_voided(desk: Desk) -> None:
    sheet = desk.invoices.pay(issued(desk).id)
    for act in (desk.invoices.void, desk.invoices.write_off):
        with pytest.raises(Refused, match="is paid"):
            act(sheet.id, memo=MEMO)
    assert desk.invoices.get(sheet.id) == sheet


def test_void_keeps_the_number_and_a_discarded_draft_had_none(desk: Desk) -> None:
    void = desk.invoices.void(issued(desk).id, memo=MEMO)
    discarded = desk.invoices.void(desk.invoices.draft("acme").id, memo=MEMO)
    assert (void.status, void.invoice_number, void.due.minor) == ("void", "INV-000001", 0)
    assert (discarded.status, discarded.invoice_number) == ("void", None)
    assert (void.detail, void.closed_at) == (MEMO, desk.now())
    assert issued(desk).invoice_number == "INV-000002"
    for invoice in (void.id, discarded.id):
        with pytest.raises(Refused, match="is void"):
            desk.invoices.void(invoice, memo=MEMO)
    assert desk.invoices.audit().checked == 2


def test_giving_up_is_for_what_is_open_and_not_for_ever(desk: Desk) -> None:
    with pytest.raises(Refused, match="is draft"):
        desk.invoices.write_off(desk.invoices.draft("acme").id, memo=MEMO)
    sheet = desk.invoices.write_off(issued(desk).id, memo=MEMO)
    assert (sheet.status, sheet.due.minor) == ("uncollectible", 1000)
    with pytest.raises(Refused, match="is uncollectible"):
        desk.invoices.write_off(sheet.id, memo=MEMO)
    assert desk.invoices.mark_failed(sheet.id, memo=MEMO).attempts == 1
    assert desk.invoices.pay(sheet.id).status == "paid"


def test_a_credit_note_is_no_invoice_to_end(desk: Desk) -> None:
    note = desk.credit_notes.create(issued(desk).id, "1", memo=MEMO)
    for act in (desk.invoices.void, desk.invoices.write_off, desk.invoices.mark_failed):
        with pytest.raises(Refused, match="is a credit note"):
            act(note.id, memo=MEMO)


def test_postings_of_an_invoice_are_not_undone_alone(desk: Desk) -> None:
    paid = desk.invoices.pay(issued(desk).id)
    note = desk.credit_notes.create(paid.id, "1", memo=MEMO)
    for posting_id, remedy in ((paid.posting_id, "credit note"), (note.posting_id, "issue")):
        with pytest.raises(Refused) as refusal:
            desk.reversals.create(posting_id or "", memo=MEMO)
        assert remedy in refusal.value.hint
        with pytest.raises(Refused):
            desk.refunds.create(posting_id or "")
    lot = desk.credits.grant("acme", 100, memo=MEMO)
    assert desk.reversals.create(lot.posting_id, memo=MEMO).kind == "reversal"


def test_an_invoice_that_is_kept_at_a_gateway_is_only_read_here(desk: Desk) -> None:
    sheet = issued(desk, source="gateway")
    verbs = desk.invoices
    for act in (verbs.void, verbs.write_off, verbs.mark_paid, verbs.mark_failed):
        with pytest.raises(Refused, match="is kept at"):
            act(sheet.id, memo=MEMO)
    for verb in (verbs.pay, verbs.collect, verbs.finalize):
        with pytest.raises(Refused, match="is kept at"):
            verb(sheet.id)
    with pytest.raises(Refused, match="is kept at"):
        verbs.add_line(sheet.id, "More", "1")
    assert verbs.get(sheet.id) == sheet


def test_a_packs_credits_come_and_stay_away_with_its_invoice(desk: Desk, tmp_path: Path) -> None:
    set_up(desk, tmp_path)
    paid, void, credited = (desk.packs.buy("acme", "small", paid_by="invoice") for _ in range(3))
    number = desk.invoices.pay(paid.invoice_id or "").invoice_number or ""
    desk.invoices.void(void.invoice_id or "", memo=MEMO)
    desk.credit_notes.create(credited.invoice_id or "", memo=MEMO)
    states = [desk.packs.get(each.id).status for each in (paid, void, credited)]
    assert (states, desk.credits.get("acme").balance) == (["completed", "failed", "failed"], 500)
    [entry, tax] = desk.ledger.entries("acme", kinds=("pack_purchase",)).rows
    assert {entry.counterparty, tax.counterparty} == {"revenue:pack:small", "tax:vat"}
    with pytest.raises(Refused) as refusal:
        desk.credit_notes.create(number, "1", memo=MEMO)
    assert "pack refund" in refusal.value.hint
    grant = desk.credits.lots("acme")[0].posting_id
    with pytest.raises(Refused, match="is a credit_grant"):
        desk.reversals.create(grant, memo=MEMO)
    assert desk.invoices.audit().is_clean


# --- lists ---------------------------------------------------------------------------------------


@pytest.fixture
def several(desk: Desk, clock: MovingClock) -> dict[str, InvoiceSheet]:
    """Invoices of two accounts, day by day: paid, open and overdue, a draft, a credit note."""
    desk.accounts.add("zoe", name="Zoë & Söhne 100%_")
    paid = desk.invoices.pay(issued(desk).id)
    clock.advance(timedelta(days=1))
    late = issued(desk, account="zoe", due_days=0)
    clock.advance(timedelta(days=1))
    fresh = issued(desk, due_days=5)
    draft = desk.invoices.draft("zoe", memo="Half ready")
    note = desk.credit_notes.create(fresh.id, "1", memo="a mistake of ours")
    return {"paid": paid, "late": late, "fresh": fresh, "draft": draft, "note": note}


def test_invoices_are_found_by_what_is_known_of_them(
    desk: Desk, several: dict[str, InvoiceSheet]
) -> None:
    def names(**wanted: object) -> list[str]:
        of = {sheet.id: name for name, sheet in several.items()}
        return [of[invoice_id] for invoice_id in ids(desk, **wanted)]

    assert names() == ["note", "draft", "fresh", "late", "paid"]
    assert names(account="zoe") == ["draft", "late"]
    assert names(status="open") == ["fresh", "late"]
    assert names(kind="invoice", status="paid") == ["paid"]
    assert names(kind="credit_note") == ["note"]
    assert names(overdue=True) == ["late"]
    assert names(overdue=False) == ["note", "draft", "fresh", "paid"]
    assert names(since=date(2026, 1, 6), until=date(2026, 1, 7)) == ["late"]
    assert names(text="INV-00000") == ["fresh", "late", "paid"]
    assert names(text="INV-000002") == ["late"]
    assert names(text="CN-") == ["note"]
    assert names(text="acme") == ["note", "fresh", "paid"]
    assert names(text="ALF rea") == ["draft"]
    assert names(text="0%_") == ["draft", "late"]
    assert names(text="000003") == ["fresh"]
    assert names(text="_____") == []
    assert names(text="  ") == names()


def test_a_list_is_read_page_by_page(desk: Desk, several: dict[str, InvoiceSheet]) -> None:
    seen: list[str] = []
    after: str | None = None
    while True:
        page = desk.invoices.list(limit=2, after=after)
        seen += [sheet.id for sheet in page.rows]
        after = page.after
        if after is None:
            break
    assert seen == ids(desk)
    assert len(seen) == len(several)


def test_a_text_is_looked_for_a_stretch_at_a_time(
    desk: Desk, several: dict[str, InvoiceSheet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoice_lists, "_SCANNED", 2)
    page = desk.invoices.list(text="000001")
    assert ([sheet.id for sheet in page.rows], page.after is not None) == (
        [several["note"].id],
        True,
    )
    page = desk.invoices.list(text="000001", after=page.after)
    assert (page.rows, page.after is not None) == ((), True)
    page = desk.invoices.list(text="000001", after=page.after)
    assert ([sheet.id for sheet in page.rows], page.after) == ([several["paid"].id], None)


def test_a_list_is_asked_for_what_there_is(desk: Desk) -> None:
    for wanted in ({"status": "late"}, {"kind": "bill"}, {"limit": 0}, {"after": "x"}):
        with pytest.raises(BadInput):
            ids(desk, **wanted)
    with pytest.raises(NotFound):
        ids(desk, account="nobody")
    assert ids(desk, text="nothing at all") == []


def test_an_invoice_is_named_by_id_or_number(desk: Desk) -> None:
    sheet = issued(desk, LineDraft("x", 100, tax=VAT))
    assert desk.invoices.get(sheet.id) == desk.invoices.get("INV-000001")
    with pytest.raises(NotFound):
        desk.invoices.get("INV-000002")
    detail = desk.invoices.detail("INV-000001")
    assert (len(detail.digest or ""), detail.invoice) == (64, sheet)

"""Invoices get their number and their final form when they are finalized, and one posting when paid."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.invoices.drafting import MOST_LINES, draft_invoice
from billdesk.core.operations.invoices.issuing import (
    finalize,
    issue,
    note_failure,
    pay_from_elsewhere,
    pay_from_wallet,
    tax_for,
)
from billdesk.core.rules.invoices import InvoiceDraft, LineDraft
from billdesk.core.rules.ledger import CASH
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    InsufficientFunds,
    NotFound,
    ReferenceReused,
    Refused,
    WalletFrozen,
)
from billdesk.core.values.money import LARGEST_MINOR, Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.invoiced import GST, VAT, block, entries, issued, sell, set_up

pytestmark = pytest.mark.usefixtures("acme")


def test_numbers_follow_one_another(desk: Desk) -> None:
    assert [issued(desk).invoice_number for _ in range(3)] == [
        "INV-000001",
        "INV-000002",
        "INV-000003",
    ]


def test_a_number_is_given_back_with_its_block(desk: Desk) -> None:
    with desk.rehearsal():
        assert issued(desk).invoice_number == "INV-000001"
    assert issued(desk).invoice_number == "INV-000001"


def test_a_new_prefix_goes_on_in_the_same_series(desk: Desk, tmp_path: Path) -> None:
    issued(desk)
    sell(desk, '[company]\nname = "X"\ninvoice_prefix = "2026-"\ndigits = 4\n', tmp_path)
    assert issued(desk).invoice_number == "2026-0002"
    assert desk.invoices.audit().is_clean


def test_the_same_reference_is_the_same_invoice(desk: Desk) -> None:
    first, again = issued(desk, reference="a"), issued(desk, reference="a")
    assert (again.id, again.replayed, first.replayed) == (first.id, True, False)
    desk.accounts.add("other", name="Other")
    for account, asset in (("other", "USD"), ("acme", "EUR")):
        with pytest.raises(ReferenceReused):
            issued(desk, account=account, asset=asset, reference="a")
    assert len(desk.invoices.list().rows) == 1


def test_two_that_issue_by_one_reference_at_once_get_the_same_invoice(
    desk: Desk, ledger_url: str
) -> None:
    waiting = Event()

    def issue_too() -> str:
        with open_desk(ledger_url, clock=desk.clock) as other:
            waiting.set()
            return issued(other, reference="a").id

    with ThreadPoolExecutor(1) as pool:
        with desk.transaction():
            first = issued(desk, reference="a")
            second = pool.submit(issue_too)
            assert waiting.wait(10)
            time.sleep(0.3)  # it stands before the door by now
        assert second.result(10) == first.id
    assert len(desk.invoices.list().rows) == 1


def test_a_draft_of_a_reference_is_finalized_by_issuing_it(desk: Desk) -> None:
    draft = InvoiceDraft("acme", "USD", (LineDraft("x", 500),), reference="a")
    with block(desk) as (office, session):
        invoice_id = draft_invoice(office, session, draft, desk.now())
        assert draft_invoice(office, session, draft, desk.now()) == invoice_id
        sheet = issue(office, session, draft, desk.now())
    assert (sheet.id, sheet.status, sheet.replayed) == (invoice_id, "open", False)


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (InvoiceDraft("acme", "CREDIT", ()), "credits are not invoiced"),
        (InvoiceDraft("acme", "XXX", ()), "not an asset"),
        (InvoiceDraft("house", "USD", ()), "the house"),
        (InvoiceDraft("acme", "USD", (LineDraft(" ", 1),)), "no text"),
        (InvoiceDraft("acme", "USD", (LineDraft("x" * 501, 1),)), "501 characters"),
        (InvoiceDraft("acme", "USD", (LineDraft("x", 1, unit="x" * 201),)), "201 characters"),
        (InvoiceDraft("acme", "USD", (LineDraft("x", 2**63),)), "does not fit"),
        (InvoiceDraft("acme", "USD", (LineDraft("x", 1, revenue=" "),)), "cannot be used"),
        (InvoiceDraft("acme", "USD", (LineDraft("x", LARGEST_MINOR),) * 2), "does not fit"),
        (InvoiceDraft("acme", "USD", (LineDraft("x", 1),) * (MOST_LINES + 1)), "5001 lines"),
        (InvoiceDraft("acme", "USD", (), reference=" a"), "cannot be used"),
        (InvoiceDraft("acme", "USD", (), due_days=367), "due in 367 days"),
        (InvoiceDraft("acme", "USD", (), due_days=-1), "due in -1 days"),
        (InvoiceDraft("acme", "USD", (), memo="x" * 501), "501 characters"),
    ],
)
def test_what_cannot_be_an_invoice_is_refused_and_leaves_nothing(
    desk: Desk, draft: InvoiceDraft, message: str
) -> None:
    with pytest.raises(BadInput, match=message), block(desk) as (office, session):
        draft_invoice(office, session, draft, desk.now())
    assert desk.invoices.list().rows == ()


def test_only_a_draft_with_something_to_pay_is_finalized(desk: Desk) -> None:
    empty = desk.invoices.draft("acme")
    with pytest.raises(Refused, match="no lines"):
        desk.invoices.finalize(empty.id)
    desk.invoices.add_line(empty.id, "Discount", "-5")
    with pytest.raises(Refused, match=r"its total is -5\.00 USD"):
        desk.invoices.finalize(empty.id)
    desk.invoices.add_line(empty.id, "Work", "7")
    desk.invoices.finalize(empty.id)
    with pytest.raises(Refused, match="INV-000001 is open"):
        desk.invoices.finalize(empty.id)
    with block(desk) as (office, session), pytest.raises(NotFound):
        finalize(office, session, "inv_nothing", desk.now())


def test_days_are_those_of_the_desks_zone(desk: Desk, clock: MovingClock, tmp_path: Path) -> None:
    set_up(desk, tmp_path)
    clock.move_to(datetime(2026, 1, 31, 23, 30, tzinfo=UTC))  # in Berlin it is February
    sheet = issued(desk)
    assert (sheet.issued_on, sheet.due_on) == (date(2026, 2, 1), date(2026, 2, 11))
    assert not desk.invoices.get(sheet.id).overdue
    clock.move_to(datetime(2026, 2, 11, 22, 30, tzinfo=UTC))
    assert not desk.invoices.get(sheet.id).overdue
    clock.move_to(datetime(2026, 2, 11, 23, 30, tzinfo=UTC))
    assert desk.invoices.get(sheet.id).overdue


def test_the_nearest_word_on_when_it_is_due_counts(desk: Desk, tmp_path: Path) -> None:
    set_up(desk, tmp_path)
    assert issued(desk).due_on == date(2026, 1, 15)
    desk.parties.set("acme", due_days=30)
    assert issued(desk).due_on == date(2026, 2, 4)
    assert issued(desk, due_days=0).due_on == date(2026, 1, 5)


def test_who_sells_and_who_buys_stays_on_it_as_it_was(desk: Desk, tmp_path: Path) -> None:
    set_up(desk, tmp_path)
    desk.parties.set("acme", legal_name="Acme GmbH", address="2 Short Street\nBonn", country="DE")
    before = desk.invoices.detail(issued(desk, LineDraft("x", 1000, tax=VAT)).id)
    desk.parties.set("acme", legal_name="Another GmbH")
    sell(desk, '[company]\nname = "Buyer of Seller"\nterms = "At once."\n', tmp_path)
    after = desk.invoices.detail(before.invoice.id)
    assert after == before
    assert after.seller == (
        *("Seller Ltd", "1 Long Street", "Berlin", "DE123", "billing@seller.example"),
    )
    assert after.party == ("Acme GmbH", "2 Short Street", "Bonn", "DE")
    assert after.terms == "Thank you."
    assert (after.taxes[0].name, after.taxes[0].tax) == ("VAT", Money(190, "USD"))
    assert desk.invoices.audit().is_clean


def test_the_head_of_the_wallets_chain_stands_on_it(desk: Desk) -> None:
    with block(desk) as (_, session):
        wallet = wallet_state(session, "acme", CASH, "USD")
    assert wallet is not None
    assert desk.invoices.detail(issued(desk).id).chain_head == wallet.head.hex()
    desk.accounts.add("poor", name="Without a wallet")
    assert desk.invoices.detail(issued(desk, account="poor", asset="JPY").id).chain_head is None


# --- tax -----------------------------------------------------------------------------------------


def test_the_accounts_tax_comes_before_the_things_and_the_companys(
    desk: Desk, tmp_path: Path
) -> None:
    account_id = desk.accounts.get("acme").id
    with block(desk) as (_, session):
        assert tax_for(session, account_id, None) is None
        with pytest.raises(Refused, match="no tax 'gst'"):
            tax_for(session, account_id, "gst")
    set_up(desk, tmp_path)
    with block(desk) as (_, session):
        assert tax_for(session, account_id, None) == VAT
        assert tax_for(session, account_id, "gst") == GST
        assert tax_for(session, account_id, "none") is None
    desk.parties.set("acme", tax_code="vat")
    with block(desk) as (_, session):
        assert tax_for(session, account_id, "gst") == VAT
    desk.parties.set("acme", tax_code="none")
    with block(desk) as (_, session):
        assert tax_for(session, account_id, "gst") is None


@pytest.mark.parametrize(
    ("asset", "amounts", "exclusive", "inclusive"),
    [
        # Worked out by hand: net, tax, total of 19 % on top and of 18 % within, line by line.
        ("USD", (1050, 1050, 3), (2103, 401, 2504), (1783, 320, 2103)),
        ("JPY", (99, 1), (100, 19, 119), (85, 15, 100)),
        ("KWD", (12345, -45), (12300, 2337, 14637), (10424, 1876, 12300)),
    ],
)
def test_totals_are_the_sums_of_lines_that_are_rounded_one_by_one(
    desk: Desk,
    asset: str,
    amounts: tuple[int, ...],
    exclusive: tuple[int, int, int],
    inclusive: tuple[int, int, int],
) -> None:
    for tax, expected in ((VAT, exclusive), (GST, inclusive)):
        lines = [LineDraft("x", amount, tax=tax) for amount in amounts]
        sheet = issued(desk, *lines, asset=asset)
        assert (sheet.subtotal.minor, sheet.tax.minor, sheet.total.minor) == expected


# --- paying --------------------------------------------------------------------------------------


def test_an_open_invoice_posts_nothing_and_a_paid_one_once(desk: Desk) -> None:
    sheet = issued(
        desk,
        LineDraft("Plan", 1000, tax=VAT, revenue="revenue:plan:pro"),
        LineDraft("Calls", 500, tax=VAT, revenue="revenue:usage:calls"),
        LineDraft("More calls", 11, revenue="revenue:usage:calls"),
        LineDraft("Unused", -300, tax=VAT, revenue="revenue:plan:small"),
        LineDraft("Nothing", 0, revenue="revenue:nothing"),
    )
    assert desk.wallets.balance("acme").balance.minor == 10_000
    paid = desk.invoices.pay(sheet.id)
    assert (paid.status, paid.paid, paid.due.minor) == ("paid", sheet.total, 0)
    assert entries(desk, paid.posting_id) == {
        "revenue:plan:pro": -1000,
        "revenue:usage:calls": -511,
        "revenue:plan:small": 300,
        "tax:vat": -228,
    }
    posting = desk.ledger.posting(paid.posting_id or "")
    assert (posting.kind, posting.about, posting.subject, posting.scope, posting.reference) == (
        *("invoice_payment", sheet.id, "INV-000001", "system", f"invoice:{sheet.id}"),
    )
    assert desk.invoices.pay("INV-000001").replayed
    assert desk.wallets.balance("acme").balance.minor == 10_000 - 1439
    assert desk.invoices.audit().is_clean


def test_several_that_pay_one_invoice_at_once_pay_it_once(desk: Desk, ledger_url: str) -> None:
    sheet = issued(desk, LineDraft("x", 1000, tax=VAT))

    def pay(_: int) -> bool:
        with open_desk(ledger_url, clock=desk.clock) as other:
            return other.invoices.pay(sheet.id).replayed

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(pay, range(4))) == [False, True, True, True]
    assert desk.wallets.balance("acme").balance.minor == 10_000 - 1190


def test_what_goes_back_helps_to_pay_the_rest(desk: Desk) -> None:
    sheet = issued(
        desk, LineDraft("New", 15_000, revenue="a"), LineDraft("Old", -5_000, revenue="b")
    )
    assert desk.invoices.pay(sheet.id).status == "paid"
    assert desk.wallets.balance("acme").balance.minor == 0


def test_an_invoice_of_nothing_is_paid_at_once_without_a_posting(desk: Desk) -> None:
    sheet = issued(desk, LineDraft("New", 500, revenue="a"), LineDraft("Old", -500, revenue="b"))
    assert (sheet.status, sheet.posting_id, sheet.invoice_number) == ("paid", None, "INV-000001")
    assert sheet.closed_at == desk.now()
    assert desk.invoices.audit().is_clean


def test_an_invoice_is_paid_whole_or_not(desk: Desk) -> None:
    sheet = issued(desk, LineDraft("Much", 10_001))
    with pytest.raises(InsufficientFunds):
        desk.invoices.pay(sheet.id)
    desk.wallets.freeze("acme", memo=MEMO)
    with pytest.raises(WalletFrozen):
        desk.invoices.pay(sheet.id)
    desk.wallets.unfreeze("acme", memo=MEMO)
    desk.accounts.suspend("acme", memo=MEMO)
    with pytest.raises(AccountClosed):
        desk.invoices.pay(sheet.id)
    assert desk.invoices.get(sheet.id).status == "open"
    assert desk.wallets.balance("acme").balance.minor == 10_000


@pytest.mark.parametrize("state", ["draft", "void", "credit note"])
def test_only_what_is_owed_can_be_paid(desk: Desk, state: str) -> None:
    if state == "draft":
        invoice_id = desk.invoices.add_line(desk.invoices.draft("acme").id, "x", "1").id
    elif state == "void":
        invoice_id = desk.invoices.void(issued(desk).id, memo=MEMO).id
    else:
        invoice_id = desk.credit_notes.create(issued(desk).id, "1", memo=MEMO).id
    for act in (pay_from_wallet, pay_from_elsewhere):
        with pytest.raises(Refused, match=f"is (a )?{state}"), block(desk) as (office, session):
            act(office, session, invoice_id, desk.now())


def test_money_that_came_elsewhere_pays_also_while_frozen_or_suspended(desk: Desk) -> None:
    sheet = issued(desk, LineDraft("Much", 50_000, tax=VAT))
    desk.wallets.freeze("acme", memo=MEMO)
    desk.accounts.suspend("acme", memo=MEMO)
    paid = desk.invoices.mark_paid(sheet.id, memo="by transfer on Monday")
    assert (paid.status, paid.paid.minor) == ("paid", 59_500)
    assert desk.wallets.balance("acme").balance.minor == 10_000
    [deposit] = desk.ledger.entries("acme", kinds=("deposit",)).rows
    assert (deposit.counterparty, deposit.amount.minor) == ("elsewhere", 59_500)
    assert desk.invoices.mark_paid(sheet.id, memo="by transfer on Monday").replayed
    assert len(desk.ledger.entries("acme", kinds=("deposit",)).rows) == 1


# --- failures ------------------------------------------------------------------------------------


def test_failures_are_counted_from_the_first_on_and_forgotten_when_it_is_paid(
    desk: Desk, clock: MovingClock
) -> None:
    sheet, first = issued(desk), desk.now()
    desk.invoices.mark_failed(sheet.id, memo="the card was lost")
    clock.move_to(datetime(2026, 1, 9, tzinfo=UTC))
    failed = desk.invoices.mark_failed(sheet.id, memo="it is still lost")
    assert (failed.attempts, failed.failed_since, failed.failed_at, failed.detail) == (
        *(2, first, desk.now(), "it is still lost"),
    )
    paid = desk.invoices.pay(sheet.id)
    assert (paid.detail, paid.failed_since, paid.attempts) == ("", None, 2)
    with block(desk) as (office, session):  # a late word on an old attempt
        note_failure(office, session, sheet.id, "declined", desk.now())
    assert desk.invoices.get(sheet.id).attempts == 2
    with pytest.raises(Refused, match="is paid"):
        desk.invoices.mark_failed(sheet.id, memo="too late for that")

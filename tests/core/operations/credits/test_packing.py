"""Packs of credits: bought, paid or not, and given back for the share that is not used."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.credits import packing
from billdesk.core.rules.sheets import PurchaseSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    InsufficientFunds,
    NotFound,
    ReferenceReused,
    Refused,
)
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.off_session import Killed, Shop

DAY = timedelta(days=1)

CATALOG = """
[company]
name = "Seller Ltd"

[schedules.monthly]
name = "Monthly"
months = 1

[taxes.vat]
name = "VAT"
jurisdiction = "GB"
percent = "20"

[plans.pro]
name = "Pro"
prices.monthly = "10.00 USD"

[packs.small]
name = "100 credits"
credits = 100
price = "9.99 USD"

[packs.taxed]
name = "1000 credits"
credits = 1000
price = "50.00 USD"
tax = "vat"
expires_days = 30

[packs.cheap]
name = "1000 old credits"
credits = 1000
price = "1.00 USD"

[packs.pros]
name = "Only for Pro"
credits = 500
price = "20.00 USD"
plans = ["pro"]
"""


def apply(desk: Desk, folder: Path) -> None:
    """Sell the packs of this file."""
    path = folder / "catalog.toml"
    path.write_text(CATALOG)
    assert desk.catalog.apply(path).applied


@pytest.fixture
def sold(desk: Desk, acme: str, tmp_path: Path) -> str:
    """Acme with 100.00 USD, and packs to buy."""
    apply(desk, tmp_path)
    return acme


def test_a_pack_from_the_wallet_is_paid_and_granted_at_once(desk: Desk, sold: str) -> None:
    bought = desk.packs.buy(sold, "small")
    assert (bought.status, bought.total, bought.remaining) == ("completed", Money(999, "USD"), 100)
    assert bought.invoice_number == "INV-000001"
    (lot,) = desk.credits.lots(sold)
    assert (lot.id, lot.source, lot.paid) == (bought.lot_id, "pack", Money(999, "USD"))
    assert desk.wallets.balance(sold).balance == Money(9001, "USD")


def test_an_invoice_brings_the_credits_when_it_is_paid(
    desk: Desk, sold: str, clock: MovingClock
) -> None:
    bought = desk.packs.buy(sold, "taxed", paid_by="invoice")
    assert (bought.status, bought.lot_id, bought.total) == ("pending", None, Money(6000, "USD"))
    assert desk.credits.get(sold).balance == 0
    clock.advance(DAY)
    desk.invoices.pay(bought.invoice_id or "")
    bought = desk.packs.get(bought.id)
    assert (bought.status, bought.remaining, bought.detail) == ("completed", 1000, "")
    (lot,) = desk.credits.lots(sold)
    assert (lot.id, lot.about, lot.expires_at) == (
        bought.lot_id, bought.id, clock.now() + 30 * DAY,
    )  # fmt: skip
    assert desk.invoices.get(bought.invoice_id or "").source == "pack"


def test_a_pack_whose_invoice_is_void_has_failed(desk: Desk, sold: str) -> None:
    bought = desk.packs.buy(sold, "small", paid_by="invoice")
    desk.invoices.void(bought.invoice_id or "", memo="nobody wants it any more")
    failed = desk.packs.get(bought.id)
    assert (failed.status, failed.detail) == ("failed", "nobody wants it any more")
    assert desk.credits.get(sold).balance == 0
    assert desk.audit.list(account=sold).rows[0].action == "pack.fail"


def test_a_pack_that_is_credited_before_it_is_paid_has_failed(desk: Desk, sold: str) -> None:
    bought = desk.packs.buy(sold, "small", paid_by="invoice")
    desk.credit_notes.create(bought.invoice_id or "", memo="nobody wants it any more")
    assert desk.packs.get(bought.id).status == "failed"


def test_what_is_credited_before_it_is_paid_does_not_come_back_twice(desk: Desk, sold: str) -> None:
    bought = desk.packs.buy(sold, "small", paid_by="invoice")
    desk.credit_notes.create(bought.invoice_id or "", "9.00", memo="a friendly discount")
    desk.invoices.pay(bought.invoice_id or "")
    given = desk.packs.refund(bought.id, memo="not needed after all")
    assert given.refunded == Money(99, "USD")
    assert desk.wallets.balance(sold).balance == Money(10_000, "USD")


def test_nothing_of_a_pack_is_kept_when_money_is_short(desk: Desk, sold: str) -> None:
    desk.adjustments.debit(sold, "95", memo=MEMO)
    with pytest.raises(InsufficientFunds):
        desk.packs.buy(sold, "small")
    assert desk.packs.list(sold).rows == ()
    assert desk.invoices.list().rows == ()


def test_a_pack_can_be_for_certain_plans(desk: Desk, sold: str) -> None:
    offers = {offer.code: offer for offer in desk.packs.offers(sold)}
    assert list(offers) == ["small", "pros", "cheap", "taxed"]
    assert offers["pros"].why_not == "it is for the plans pro"
    assert (offers["taxed"].tax, offers["taxed"].total) == (Money(1000, "USD"), Money(6000, "USD"))
    assert offers["small"].available == Money(10_000, "USD")
    with pytest.raises(Refused, match="it is for the plans pro"):
        desk.packs.buy(sold, "pros")
    desk.subscriptions.create(sold, "pro")
    assert desk.packs.buy(sold, "pros").credits == 500


def test_what_is_not_sold_cannot_be_bought(desk: Desk, sold: str) -> None:
    with pytest.raises(NotFound, match="no pack"):
        desk.packs.buy(sold, "huge")
    with pytest.raises(BadInput, match="no way to pay"):
        desk.packs.buy(sold, "small", paid_by="barter")
    with pytest.raises(BadInput, match="not the id of a purchase"):
        desk.packs.buy(sold, "small", id="pur_1")
    desk.accounts.suspend(sold, memo=MEMO)
    with pytest.raises(AccountClosed, match="the account is suspended"):
        desk.packs.buy(sold, "small", paid_by="invoice")


def test_the_same_id_buys_once(desk: Desk, sold: str) -> None:
    first = desk.packs.buy(sold, "small")
    again = desk.packs.buy(sold, "small", id=first.id)
    assert again == first._replace(replayed=True)
    with pytest.raises(ReferenceReused):
        desk.packs.buy(sold, "taxed", id=first.id)
    assert desk.packs.list(sold).rows == (first,)


def test_an_account_without_a_wallet_has_nothing_to_pay_with(desk: Desk, sold: str) -> None:
    desk.accounts.add("poor", name="Poor")
    assert desk.packs.offers("poor")[0].available == Money(0, "USD")


def test_one_purchase_by_two_at_once_is_one(
    desk: Desk, sold: str, ledger_url: str, clock: MovingClock
) -> None:
    """On Postgres the second waits for the first, and then finds what that has bought."""
    purchase_id = "pur_" + "0" * 26
    barrier = threading.Barrier(2)

    def buy(_: int) -> PurchaseSheet:
        with open_desk(ledger_url, clock=clock) as own:
            barrier.wait()
            return own.packs.buy(sold, "small", id=purchase_id)

    with ThreadPoolExecutor(2) as threads:
        sheets = list(threads.map(buy, range(2)))
    assert sorted(sheet.replayed for sheet in sheets) == [False, True]
    assert desk.credits.get(sold).balance == 100
    assert desk.wallets.balance(sold).balance == Money(9001, "USD")


# --- giving back -------------------------------------------------------------------------------


def test_unused_credits_go_back_for_their_share_rounded_down(desk: Desk, sold: str) -> None:
    bought = desk.packs.buy(sold, "small")
    desk.credits.deduct(sold, 1, reference="r1")
    preview = desk.packs.preview_refund(bought.id)
    assert (preview.unused, preview.amount, preview.why_not) == (99, Money(989, "USD"), "")
    given = desk.packs.refund(bought.id, memo="not needed after all")
    assert (given.status, given.refunded, given.remaining) == ("refunded", Money(989, "USD"), 0)
    assert desk.wallets.balance(sold).balance == Money(9990, "USD")
    assert desk.credits.get(sold).balance == 0
    (note,) = desk.credit_notes.list(invoice=bought.invoice_id).rows
    assert (note.total, note.memo) == (Money(989, "USD"), "not needed after all")
    (entry,) = desk.ledger.entries(sold, kinds=("pack_refund",)).rows
    assert (entry.amount, entry.counterparty) == (Money(-99, "CREDIT"), "granted:pack")


def test_what_a_pack_led_to_is_not_undone_alone(desk: Desk, sold: str) -> None:
    bought = desk.packs.buy(sold, "small")
    desk.packs.refund(bought.id, memo="not needed after all")
    for kind in ("pack_purchase", "credit_grant", "pack_refund"):
        (entry,) = desk.ledger.entries(sold, kinds=(kind,)).rows
        with pytest.raises(Refused, match=f"is a {kind}"):
            desk.reversals.create(entry.posting_id, memo=MEMO)


def test_tax_comes_back_with_its_pack(desk: Desk, sold: str) -> None:
    bought = desk.packs.buy(sold, "taxed")
    desk.credits.deduct(sold, 250, reference="r1")
    given = desk.packs.refund(bought.id, memo="not needed after all")
    assert given.refunded == Money(4500, "USD")
    (usd,) = [sheet for sheet in desk.ledger.trial_balance() if sheet.asset == "USD"]
    parties = {party.name: party.amount.minor for party in usd.counterparties}
    assert (parties["revenue:pack:taxed"], parties["tax:vat"]) == (1250, 250)


def test_what_is_held_is_not_given_back(desk: Desk, sold: str) -> None:
    bought = desk.packs.buy(sold, "small")
    hold = desk.credits.reserve(sold, 40, reference="job")
    assert desk.packs.preview_refund(bought.id).unused == 60
    assert desk.packs.refund(bought.id, memo="not needed after all").refunded == Money(599, "USD")
    desk.credits.capture(hold.id)
    assert desk.credits.get(sold).balance == 0


def test_credits_of_other_lots_stay(desk: Desk, sold: str) -> None:
    desk.credits.grant(sold, 10, memo=MEMO, priority=90)
    bought = desk.packs.buy(sold, "small")
    desk.packs.refund(bought.id, memo="not needed after all")
    assert [lot.remaining for lot in desk.credits.lots(sold)] == [10]


@pytest.mark.parametrize("how", ["used", "twice", "pending", "worthless"])
def test_what_cannot_be_given_back_says_why(desk: Desk, sold: str, how: str) -> None:
    bought = desk.packs.buy(sold, "small", paid_by="invoice" if how == "pending" else "wallet")
    expected = {
        "used": "all of its credits are used, held or gone",
        "twice": "the pack was given back already",
        "pending": "the purchase is pending",
        "worthless": "what is left of it comes to nothing",
    }[how]
    if how == "used":
        desk.credits.deduct(sold, 100, reference="r1")
    elif how == "twice":
        charge = desk.credits.deduct(sold, 10, reference="r1")
        desk.packs.refund(bought.id, memo="not needed after all")
        desk.refunds.create(charge.id)
        assert desk.packs.get(bought.id).remaining == 10
    elif how == "worthless":
        desk.credits.deduct(sold, 100, reference="r1")
        bought = desk.packs.buy(sold, "cheap")
        desk.credits.deduct(sold, 999, reference="r2")
    before = desk.wallets.balance(sold).balance
    assert desk.packs.preview_refund(bought.id).why_not == expected
    with pytest.raises(Refused, match=expected):
        desk.packs.refund(bought.id, memo="not needed after all")
    assert desk.wallets.balance(sold).balance == before


def test_what_is_no_purchase_is_not_found(desk: Desk, sold: str) -> None:
    for act in (desk.packs.get, desk.packs.preview_refund):
        with pytest.raises(NotFound, match="there is no purchase"):
            act("pur_1")
    with pytest.raises(NotFound):
        desk.packs.refund("pur_1", memo="not needed after all")
    with pytest.raises(BadInput, match="memo"):
        desk.packs.refund("pur_1", memo="why")


def test_purchases_are_listed_the_newest_first(desk: Desk, sold: str) -> None:
    first, second = desk.packs.buy(sold, "small"), desk.packs.buy(sold, "small", paid_by="invoice")
    page = desk.packs.list(limit=1)
    assert page.rows == (second,)
    assert desk.packs.list(after=page.after).rows == (first,)
    assert desk.packs.list(sold, status="completed").rows == (first,)
    with pytest.raises(BadInput, match="no status"):
        desk.packs.list(status="lost")


# --- through a gateway -------------------------------------------------------------------------


@pytest.fixture
def store_front(shop: Shop, tmp_path: Path) -> Shop:
    """A shop where packs are sold, too."""
    apply(shop.desk, tmp_path)
    return shop


def test_a_pack_is_charged_to_what_is_saved(store_front: Shop) -> None:
    store_front.save()
    bought = store_front.desk.packs.buy("acme", "small", paid_by="gateway")
    assert (bought.status, bought.remaining) == ("completed", 100)
    assert store_front.taken() == 999
    assert store_front.cents() == 0


def test_a_declined_pack_leaves_nothing_owing(store_front: Shop) -> None:
    store_front.save(declines=True)
    bought = store_front.desk.packs.buy("acme", "small", paid_by="gateway")
    assert bought.status == "failed"
    assert bought.detail
    assert store_front.desk.invoices.get(bought.invoice_id or "").status == "void"


def test_nothing_is_begun_when_nothing_is_saved(store_front: Shop) -> None:
    with pytest.raises(Refused, match="no default method"):
        store_front.desk.packs.buy("acme", "small", paid_by="gateway")
    assert store_front.desk.packs.list().rows == ()


def test_inside_a_transaction_the_next_poll_asks(store_front: Shop) -> None:
    store_front.save()
    with store_front.desk.transaction():
        bought = store_front.desk.packs.buy("acme", "small", paid_by="gateway")
    assert (bought.status, store_front.taken()) == ("pending", 0)
    for _ in range(3):
        store_front.tick()
    assert store_front.desk.packs.get(bought.id).status == "completed"
    assert store_front.taken() == 999


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_purchase_that_was_killed_is_finished_by_repeating_it(
    store_front: Shop, moment: Literal["before", "after"]
) -> None:
    store_front.save()
    purchase_id = "pur_" + "0" * 26
    store_front.gateway.kill = moment
    with pytest.raises(Killed):
        store_front.desk.packs.buy("acme", "small", paid_by="gateway", id=purchase_id)
    assert store_front.desk.packs.get(purchase_id).status == "pending"
    again = store_front.desk.packs.buy("acme", "small", paid_by="gateway", id=purchase_id)
    assert again.replayed
    for _ in range(4):
        store_front.tick()
    assert store_front.desk.packs.get(purchase_id).status == "completed"
    assert store_front.taken() == 999


def test_a_purchase_that_was_killed_before_it_was_charged_is_charged_by_repeating_it(
    store_front: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_front.save()
    purchase_id = "pur_" + "0" * 26

    def die(*_: object) -> str:
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(packing, "try_to_collect", die)
        with pytest.raises(Killed):
            store_front.desk.packs.buy("acme", "small", paid_by="gateway", id=purchase_id)
    assert store_front.payments() == []
    again = store_front.desk.packs.buy("acme", "small", paid_by="gateway", id=purchase_id)
    assert (again.status, again.replayed) == ("completed", True)
    assert store_front.desk.packs.buy("acme", "small", paid_by="gateway", id=purchase_id) == again
    assert store_front.taken() == 999


def test_what_comes_back_for_a_pack_can_go_on_to_its_card(store_front: Shop) -> None:
    store_front.save()
    desk = store_front.desk
    bought = desk.packs.buy("acme", "small", paid_by="gateway")
    desk.credits.deduct("acme", 50, reference="r1")
    given = desk.packs.refund(bought.id, memo="not needed after all")
    assert (given.refunded, store_front.cents()) == (Money(499, "USD"), 499)
    (payment,) = store_front.payments()
    desk.card_refunds.create(payment.id, given.refunded, memo="back for half a pack")
    for _ in range(3):
        store_front.tick()
    (sent,) = desk.card_refunds.list(payment=payment.id).rows
    assert (sent.status, sent.amount, store_front.cents()) == ("succeeded", given.refunded, 0)

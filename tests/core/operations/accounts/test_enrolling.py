"""Accounts and their wallets: adding, suspending and closing, freezing, floors."""

import threading
import time
from datetime import timedelta

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AlreadyExists,
    BadInput,
    FloorInUse,
    InsufficientFunds,
    NotFound,
    Refused,
    WalletFrozen,
)
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.rows import add_row

# --- accounts ----------------------------------------------------------------------------------


def test_an_account_is_added_open_and_found_by_ref_and_id(desk: Desk, clock: MovingClock) -> None:
    account = desk.accounts.add("acme", name="Acme Ltd", email="ann@acme.example")
    assert (account.ref, account.name, account.email, account.status) == (
        "acme", "Acme Ltd", "ann@acme.example", "open",
    )  # fmt: skip
    assert (account.created_at, account.status_since) == (clock.now(), clock.now())
    assert desk.accounts.get("acme") == desk.accounts.get(account.id) == account


def test_the_same_account_again_is_the_same_account(desk: Desk) -> None:
    first = desk.accounts.add("acme", name="Acme Ltd")
    assert desk.accounts.add("acme", name="Acme Ltd") == first
    with pytest.raises(AlreadyExists):
        desk.accounts.add("acme", name="Another")
    with pytest.raises(AlreadyExists):
        desk.accounts.add("acme", name="Acme Ltd", email="a@b.example")
    added = [line for line in desk.audit.list().rows if line.action == "account.add"]
    assert len(added) == 1


def test_the_same_account_from_two_desks_at_once_is_one_account(
    desk: Desk, ledger_url: str, clock: MovingClock
) -> None:
    inside = threading.Event()

    def others() -> None:
        with open_desk(ledger_url, clock=clock) as other, other.transaction():
            other.accounts.add("acme", name="Acme Ltd")
            inside.set()
            time.sleep(0.5)

    thread = threading.Thread(target=others)
    thread.start()
    assert inside.wait(20)
    account = desk.accounts.add("acme", name="Acme Ltd")
    thread.join()
    assert desk.accounts.list().rows == (account,)


@pytest.mark.parametrize(
    "ref",
    ["", "-a", "a-", "a b", "é", "a\x00", "\ud800", "\u202ea", "[b]", "x" * 65, "acc_1", "a\n"],
    ids=ascii,
)
def test_what_cannot_name_an_account_is_refused(desk: Desk, ref: str) -> None:
    with pytest.raises(BadInput):
        desk.accounts.add(ref, name="Acme")


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "\ud800", "x" * 201], ids=ascii)
def test_a_name_that_cannot_be_kept_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(BadInput):
        desk.accounts.add("acme", name=name)


@pytest.mark.parametrize("name", ["[bold]x[/]", "\x1b[31mred", "\u202eabc", "%s ?", "Ōsaka 株"])
def test_any_other_name_is_kept_as_it_was_given(desk: Desk, name: str) -> None:
    assert desk.accounts.add("acme", name=name).name == name
    assert desk.accounts.list(text=name).rows[0].name == name


@pytest.mark.parametrize("email", ["x", "@x", "x@", "a@b@c", "a b@c", "a@b\x1b", "x" * 201 + "@a"])
def test_what_is_no_e_mail_address_is_refused(desk: Desk, email: str) -> None:
    with pytest.raises(BadInput):
        desk.accounts.add("acme", name="Acme", email=email)


def test_no_e_mail_address_is_none(desk: Desk) -> None:
    assert desk.accounts.add("acme", name="Acme", email="  ").email is None


def test_accounts_are_listed_by_ref_without_the_house(desk: Desk) -> None:
    for ref in ("cora", "alba", "bert"):
        desk.accounts.add(ref, name=f"{ref.title()} Ltd", email=f"{ref}@x.example")
    desk.accounts.suspend("bert", memo=MEMO)
    page = desk.accounts.list(limit=2)
    assert [account.ref for account in page.rows] == ["alba", "bert"]
    assert [account.ref for account in desk.accounts.list(after=page.after).rows] == ["cora"]
    assert [account.ref for account in desk.accounts.list(status="suspended").rows] == ["bert"]
    for text in ("cor", "CORA", "Cora L", "cora@x"):
        assert [account.ref for account in desk.accounts.list(text=text).rows] == ["cora"]
    assert desk.accounts.list(text="%").rows == ()


def test_a_list_of_accounts_is_asked_for_in_words_it_knows(desk: Desk) -> None:
    with pytest.raises(BadInput, match="no status"):
        desk.accounts.list(status="gone")
    with pytest.raises(BadInput, match="page of 10001"):
        desk.accounts.list(limit=10_001)


def test_the_finder_knows_everything_that_belongs_to_an_account(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    desk.accounts.add("acme-two", name="Another")
    charge = desk.charges.create(acme, "1", reference="lead:77")
    payment = desk.deposits.start(acme, "20")
    asked = {
        acme: "ref",
        desk.accounts.get(acme).id: "id",
        "ann@": "e-mail begins",
        "Acme L": "name begins",
        "cme Ltd": "name",
        "@acme.ex": "e-mail",
        charge.id: "posting",
        "lead:77": "reference",
        payment.id: "payment",
        str(payment.external_id): "payment at the gateway",
    }
    for text, why in asked.items():
        first = desk.accounts.find(f" {text} ")[0]
        assert (first.account.ref, first.why) == (acme, why), text
    assert [match.account.ref for match in desk.accounts.find("acme")] == ["acme", "acme-two"]
    assert len(desk.accounts.find("acme", limit=1)) == 1
    assert desk.accounts.find("  ") == desk.accounts.find("nothing like it") == ()


def test_an_invoice_or_a_subscription_leads_to_its_account(desk: Desk, acme: str) -> None:
    made = {"account_id": desk.accounts.get(acme).id, "asset": "USD", "actor": "me"}
    with desk._office.database.write() as session:
        for number in ("INV-000021", "Re-21"):
            add_row(
                session, "invoice",
                {**made, "id": f"inv_{number}", "kind": "invoice", "source": "manual",
                 "status": "open", "invoice_number": number, "created_at": 0, "changed_at": 0,
                 "finalized_at": 0},
            )  # fmt: skip
        add_row(
            session, "subscription",
            {**made, "id": "sub_1", "status": "active", "plan_code": "pro", "plan_version": 1,
             "schedule": "monthly", "paid_by": "wallet", "anchor_on": "2026-01-01",
             "period_since": 0, "period_until": 1, "created_at": 0, "changed_at": 0},
        )  # fmt: skip
    for text, why in (
        ("INV-000021", "invoice"),
        ("inv-000021", "invoice"),
        ("Re-21", "invoice"),
        ("inv_Re-21", "invoice"),
        ("sub_1", "subscription"),
    ):
        [found] = desk.accounts.find(text)
        assert (found.account.ref, found.why) == (acme, why)
    assert desk.accounts.find("INV-000022") == ()


def test_an_account_that_matches_twice_is_found_once(desk: Desk) -> None:
    desk.accounts.add("alba", name="Alba")
    desk.adjustments.credit("alba", "5", memo=MEMO, reference="alba")
    assert [match.why for match in desk.accounts.find("alba")] == ["reference"]


# --- status ------------------------------------------------------------------------------------


def test_a_suspended_account_is_opened_again(desk: Desk, clock: MovingClock, acme: str) -> None:
    clock.advance(timedelta(hours=1))
    suspended = desk.accounts.suspend(acme, memo="the owner asked for it")
    assert (suspended.status, suspended.status_since) == ("suspended", clock.now())
    assert desk.accounts.reopen(acme, memo=MEMO).status == "open"
    actions = [line.action for line in desk.audit.list(account=acme).rows]
    assert actions[:2] == ["account.reopen", "account.suspend"]


def test_an_account_is_closed_when_it_is_empty_and_may_be_opened_again(
    desk: Desk, acme: str
) -> None:
    with pytest.raises(Refused, match=r"holds 100\.00 USD"):
        desk.accounts.close(acme, memo=MEMO)
    hold = desk.holds.place(acme, "100", reference="job:1")
    desk.holds.capture(hold.id, "101")
    with pytest.raises(Refused, match=r"receivable wallet holds -1\.00 USD"):
        desk.accounts.close(acme, memo=MEMO)
    desk.adjustments.credit(acme, "1", memo=MEMO)
    assert desk.accounts.close(acme, memo=MEMO).status == "closed"
    assert desk.accounts.reopen(acme, memo=MEMO).status == "open"


def test_an_account_with_a_hold_is_not_closed(desk: Desk, acme: str) -> None:
    desk.wallets.set_floor(acme, "-10", memo=MEMO)
    desk.charges.create(acme, "100", reference="a")
    desk.holds.place(acme, "10", reference="job:1")
    with pytest.raises(Refused, match=r"10\.00 USD of it set aside"):
        desk.accounts.close(acme, memo=MEMO)


def test_a_status_changes_only_into_another(desk: Desk, acme: str) -> None:
    with pytest.raises(Refused, match="is open"):
        desk.accounts.reopen(acme, memo=MEMO)
    desk.accounts.suspend(acme, memo=MEMO)
    with pytest.raises(Refused, match="is suspended"):
        desk.accounts.suspend(acme, memo=MEMO)
    with pytest.raises(BadInput, match="memo"):
        desk.accounts.reopen(acme, memo="short")


def test_the_house_is_nobodys_to_close(desk: Desk) -> None:
    with pytest.raises(Refused, match="house"):
        desk.accounts.suspend("house", memo=MEMO)


# --- freezes -----------------------------------------------------------------------------------


def test_what_is_frozen_by_hand_stays_frozen_when_another_cause_is_lifted(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    by_hand = desk.wallets.freeze(acme, memo="looks like fraud")
    clock.advance(timedelta(minutes=1))
    desk.wallets.freeze(acme, memo="a dispute was opened", cause="dispute")
    assert desk.wallets.list(acme)[0].freezes == 2
    (lifted,) = desk.wallets.unfreeze(acme, memo="the dispute is over", cause="dispute")
    assert (lifted.cause, lifted.lifted_at, lifted.lifted_by) == ("dispute", clock.now(), "tester")
    with pytest.raises(WalletFrozen):
        desk.charges.create(acme, "1", reference="a")
    assert desk.incident(acme).open_freezes == (by_hand,)
    desk.wallets.unfreeze(acme, memo="it was no fraud")
    desk.charges.create(acme, "1", reference="a")


def test_one_cause_freezes_once(desk: Desk, acme: str) -> None:
    desk.wallets.freeze(acme, memo=MEMO)
    with pytest.raises(Refused, match="frozen already"):
        desk.wallets.freeze(acme, memo=MEMO)
    assert desk.wallets.list(acme)[0].freezes == 1


def test_without_an_asset_all_wallets_are_frozen(desk: Desk, acme: str) -> None:
    desk.adjustments.credit(acme, "5 EUR", memo=MEMO)
    desk.holds.capture(desk.holds.place(acme, "1", reference="job:1").id, "200")
    desk.wallets.freeze(acme, memo=MEMO)
    assert {(w.purpose, w.asset): w.freezes for w in desk.wallets.list(acme)} == {
        ("cash", "EUR"): 1, ("cash", "USD"): 1, ("receivable", "USD"): 0,
    }  # fmt: skip
    assert len(desk.wallets.unfreeze(acme, memo=MEMO)) == 2


def test_one_asset_is_frozen_alone(desk: Desk, acme: str) -> None:
    desk.adjustments.credit(acme, "5 EUR", memo=MEMO)
    assert desk.wallets.freeze(acme, memo=MEMO, asset="EUR").asset == "EUR"
    desk.charges.create(acme, "1", reference="a")
    with pytest.raises(WalletFrozen):
        desk.charges.create(acme, "1 EUR", reference="b")
    with pytest.raises(Refused, match="nothing is frozen"):
        desk.wallets.unfreeze(acme, memo=MEMO, asset="USD")
    assert len(desk.wallets.unfreeze(acme, memo=MEMO, asset="EUR")) == 1


def test_an_account_without_wallets_is_frozen_before_it_has_money(desk: Desk) -> None:
    desk.accounts.add("new", name="New")
    desk.wallets.freeze("new", memo=MEMO)
    desk.adjustments.credit("new", "10", memo=MEMO)
    with pytest.raises(WalletFrozen):
        desk.charges.create("new", "1", reference="a")


@pytest.mark.parametrize("cause", ["", "a b", "é", "x" * 41, "a\n", "[b]"])
def test_a_cause_is_one_word(desk: Desk, acme: str, cause: str) -> None:
    with pytest.raises(BadInput, match="cause"):
        desk.wallets.freeze(acme, memo=MEMO, cause=cause)


def test_freezing_needs_a_reason_an_account_and_an_asset_that_is_one(desk: Desk, acme: str) -> None:
    with pytest.raises(BadInput, match="memo"):
        desk.wallets.freeze(acme, memo="because")
    with pytest.raises(NotFound):
        desk.wallets.freeze("nobody", memo=MEMO)
    with pytest.raises(BadInput, match="XXX"):
        desk.wallets.freeze(acme, memo=MEMO, asset="XXX")


# --- floors ------------------------------------------------------------------------------------


def test_a_credit_limit_is_set_and_taken_back(desk: Desk, acme: str) -> None:
    wallet = desk.wallets.set_floor(acme, "-50", memo=MEMO)
    assert wallet.floor == Money(-5000, "USD")
    desk.charges.create(acme, "140", reference="a")
    with pytest.raises(FloorInUse, match=r"-30\.00 USD"):
        desk.wallets.set_floor(acme, "-30", memo=MEMO)
    assert desk.wallets.set_floor(acme, "-40", memo=MEMO).floor == Money(-4000, "USD")
    with pytest.raises(InsufficientFunds):
        desk.charges.create(acme, "0.01", reference="b")


def test_what_is_held_counts_as_used_until_it_is_overdue(
    desk: Desk, clock: MovingClock, acme: str
) -> None:
    desk.wallets.set_floor(acme, "-50", memo=MEMO)
    desk.holds.place(acme, "120", reference="job:1", lasts=timedelta(hours=1))
    with pytest.raises(FloorInUse):
        desk.wallets.set_floor(acme, "0", memo=MEMO)
    clock.advance(timedelta(hours=1))
    assert desk.wallets.set_floor(acme, "0", memo=MEMO).floor == Money(0, "USD")


def test_a_wallet_may_have_no_floor(desk: Desk, acme: str) -> None:
    assert desk.wallets.set_floor(acme, None, memo=MEMO).floor is None
    desk.charges.create(acme, "101", reference="a")
    with pytest.raises(FloorInUse):
        desk.wallets.set_floor(acme, "0", memo=MEMO)


def test_a_floor_is_set_for_a_wallet_that_is_not_there_yet(desk: Desk) -> None:
    desk.accounts.add("new", name="New")
    assert desk.wallets.set_floor("new", Money(-500, "EUR"), memo=MEMO).asset == "EUR"
    desk.charges.create("new", "5 EUR", reference="a")
    assert desk.wallets.set_floor("new", "-7", memo=MEMO, asset="CREDIT").purpose == "credits"


@pytest.mark.parametrize("floor", ["5", "--5", "-", "+0", "-1e3", "-12.345", "x", Money(1, "USD")])
def test_what_is_no_floor_is_refused(desk: Desk, acme: str, floor: str | Money) -> None:
    with pytest.raises(BadInput):
        desk.wallets.set_floor(acme, floor, memo=MEMO)


def test_a_floor_is_in_the_wallets_asset(desk: Desk, acme: str) -> None:
    with pytest.raises(BadInput, match="in EUR, the wallet in USD"):
        desk.wallets.set_floor(acme, Money(-1, "EUR"), memo=MEMO, asset="USD")


# --- balances ----------------------------------------------------------------------------------


def test_rows_are_sorted_filtered_and_paged(desk: Desk, acme: str) -> None:
    desk.accounts.add("beta", name="Beta")
    desk.adjustments.credit("beta", "500", memo=MEMO)
    desk.adjustments.credit("beta", "5 EUR", memo=MEMO)
    desk.wallets.freeze("beta", memo=MEMO)
    rows = desk.wallets.rows(sort="balance", descending=True, asset="USD").rows
    assert [(row.wallet.account_ref, row.standing) for row in rows] == [
        ("beta", "FROZEN"), ("acme", "OK"),
    ]  # fmt: skip
    assert [r.wallet.account_ref for r in desk.wallets.rows(standing="OK").rows] == ["acme"]
    assert {r.wallet.asset for r in desk.wallets.rows(text="bet").rows} == {"EUR", "USD"}
    for sort in ("ref", "name", "balance", "available", "last"):
        first = desk.wallets.rows(sort=sort, limit=2)
        second = desk.wallets.rows(sort=sort, after=first.after)
        assert len({row.wallet.id for row in (*first.rows, *second.rows)}) == 3


def test_rows_are_asked_for_in_words_they_know(desk: Desk) -> None:
    with pytest.raises(BadInput, match="sort"):
        desk.wallets.rows(sort="hash")
    with pytest.raises(BadInput, match="standing"):
        desk.wallets.rows(standing="RICH")


def test_a_wallet_list_belongs_to_an_account(desk: Desk, acme: str) -> None:
    (wallet,) = desk.wallets.list(acme)
    assert (wallet.account_ref, wallet.entries, str(wallet.balance)) == ("acme", 1, "100.00 USD")
    with pytest.raises(NotFound):
        desk.wallets.list("nobody")


def test_an_account_pays_by_the_gateway_chosen_for_it(desk: Desk, acme: str) -> None:
    assert desk.accounts.get(acme).gateway is None
    chosen = desk.accounts.set_gateway(acme, "sandbox")
    assert chosen.gateway == desk.accounts.get(acme).gateway == "sandbox"
    assert desk.accounts.set_gateway(acme, "sandbox") == chosen
    assert desk.accounts.set_gateway(acme, None).gateway is None
    lines = [line for line in desk.audit.list().rows if line.action == "account.gateway"]
    assert [line.summary for line in lines] == ["the desk's", "sandbox"]


def test_a_gateway_that_is_not_there_is_chosen_for_nobody(desk: Desk, acme: str) -> None:
    with pytest.raises(NotFound, match="no gateway 'stripe'"):
        desk.accounts.set_gateway(acme, "stripe")
    with pytest.raises(NotFound):
        desk.accounts.set_gateway("nobody", "sandbox")
    with pytest.raises(Refused, match="house"):
        desk.accounts.set_gateway("house", "sandbox")
    assert desk.accounts.get(acme).gateway is None

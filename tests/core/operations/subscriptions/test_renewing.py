"""Renewing: each period once, in order, whatever the clock and other processes do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.subscriptions import renewing
from billdesk.core.operations.subscriptions.renewing import Renewed, remind, renew_due
from billdesk.core.operations.subscriptions.terms import locked
from billdesk.core.store.parties import Party, save_party
from billdesk.core.store.subscriptions import save_subscription, subscription_by_id
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import AlreadyExists, InsufficientFunds, ReferenceReused, Refused
from billdesk.core.values.money import Money
from tests.core.operations.subscribed import CATALOG, Club
from tests.new_ledger import START


@pytest.fixture
def club(desk: Desk, clock: MovingClock, tmp_path: Path) -> Club:
    """A desk in Berlin that sells plans."""
    return Club(desk, clock, tmp_path)


def _renew(club: Club) -> Renewed:
    return renew_due(club.desk._office, club.clock.now())


def test_a_period_is_renewed_with_the_first_instant_after_it_and_once(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.clock.move_to(sheet.period_until - timedelta(microseconds=1))
    assert _renew(club) == Renewed()
    club.clock.move_to(sheet.period_until)
    assert _renew(club) == Renewed(renewed=1)
    assert _renew(club) == Renewed()
    renewed = club.desk.subscriptions.get(sheet.id)
    assert (renewed.period_since, renewed.period_seq) == (sheet.period_until, 2)
    assert club.invoiced() == ["31.00 USD", "31.00 USD"]
    assert club.has("CREDIT") == Money(1000, "CREDIT")
    assert club.kinds(sheet.id) == ["created", "renewed"]


def test_three_missed_months_are_billed_once_each_in_order(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.go_to("2026-04-20")
    assert _renew(club) == Renewed(renewed=3)
    assert club.days(sheet.id) == [
        ("2026-01-05", "2026-02-05"),
        ("2026-02-05", "2026-03-05"),
        ("2026-03-05", "2026-04-05"),
        ("2026-04-05", "2026-05-05"),
    ]
    invoices = [
        club.desk.invoices.get(each.invoice_id or "")
        for each in club.desk.subscriptions.periods(sheet.id)
    ]
    numbers = [each.invoice_number for each in invoices]
    assert numbers == ["INV-000001", "INV-000002", "INV-000003", "INV-000004"]
    assert club.has("CREDIT") == Money(1000, "CREDIT"), "those of past periods are gone"
    assert _renew(club) == Renewed()


@pytest.mark.parametrize(
    ("begins", "schedule", "days"),
    [
        ("2026-01-31", "monthly", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("2026-01-29", "monthly", ["2026-02-28", "2026-03-29", "2026-04-29"]),
        ("2026-01-30", "quarterly", ["2026-04-30", "2026-07-30", "2026-10-30"]),
        ("2028-02-29", "annual", ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
    ],
)
def test_anchors_late_in_the_month_come_back(
    club: Club, begins: str, schedule: str, days: list[str]
) -> None:
    club.go_to(begins)
    sheet = club.desk.subscriptions.create("acme", "pro", schedule=schedule, paid_by="invoice")
    club.go_to(days[-1])
    _renew(club)
    assert [since for since, _ in club.days(sheet.id)] == [begins, *days]


def test_a_clock_that_was_set_back_bills_nothing_twice(club: Club, ledger_url: str) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.go_to("2026-02-10")
    _renew(club)
    with open_desk(ledger_url, clock=MovingClock(START), actor="tester") as late:
        assert renew_due(late._office, START) == Renewed()
        preview = late.subscriptions.preview(sheet.id, "team")
        assert preview.due_now == Money(6200, "USD"), "never more than a whole period"
    club.go_to("2026-03-05")
    assert _renew(club) == Renewed(renewed=1)
    assert club.invoiced() == ["31.00 USD"] * 3


def test_a_trial_is_told_of_once_three_days_before_and_then_billed(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "large")
    club.go_to("2026-01-15", 23)
    _renew(club)
    assert club.kinds(sheet.id) == ["created"]
    club.go_to("2026-01-16", 0)
    _renew(club)
    _renew(club)
    assert club.kinds(sheet.id) == ["created", "trial_ending"]
    told = club.desk.subscriptions.changes(sheet.id)[-1].summary
    assert told == "Large, monthly: the trial ends on 2026-01-19, then 99.99 USD a period"
    club.go_to("2026-01-19", 0)
    assert _renew(club) == Renewed(renewed=1)
    assert club.desk.subscriptions.get(sheet.id).status == "active"
    assert club.kinds(sheet.id)[-1] == "trial_ended"
    assert club.days(sheet.id)[-1] == ("2026-01-19", "2026-02-19")


def test_a_trial_that_another_process_told_of_is_not_told_of_again(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "large")
    office, now = club.desk._office, club.go_to("2026-01-17")
    for _ in range(2):
        with office.database.write() as session:
            remind(office, session, locked(session, sheet.id), now)
    assert club.kinds(sheet.id) == ["created", "trial_ending"]


def test_a_trial_that_will_end_for_good_says_so(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "large")
    club.desk.subscriptions.cancel(sheet.id)
    club.go_to("2026-01-18")
    _renew(club)
    assert "nothing follows" in club.desk.subscriptions.changes(sheet.id)[-1].summary
    club.go_to("2026-01-19")
    assert _renew(club) == Renewed(ended=1)
    assert club.invoiced() == []


def test_no_money_no_period_and_money_begins_one_that_day(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.spend("960.00")
    club.go_to("2026-02-07")
    assert _renew(club) == Renewed(paused=1)
    paused = club.desk.subscriptions.get(sheet.id)
    assert (paused.status, paused.paused_why, paused.period_seq) == ("paused", "balance", 1)
    assert "31.00 USD is needed, 9.00 USD can be used" in (
        club.desk.subscriptions.changes(sheet.id)[-1].summary
    )
    assert (_renew(club), club.invoiced()) == (Renewed(), ["31.00 USD"])
    with pytest.raises(InsufficientFunds):
        club.desk.subscriptions.resume(sheet.id)
    club.give("22.00")
    club.go_to("2026-02-12", 14.5)
    assert _renew(club) == Renewed(resumed=1)
    again = club.desk.subscriptions.get(sheet.id)
    assert (again.status, again.paused_why, again.paused_at) == ("active", None, None)
    assert club.days(sheet.id)[-1] == ("2026-02-12", "2026-03-12")
    assert club.has() == Money(0, "USD")


def test_a_refund_lets_it_run_on_too(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    charge = club.desk.charges.create("acme", "969.00", reference="lead:1")
    club.go_to("2026-02-05")
    assert _renew(club).paused == 1
    club.desk.refunds.create(charge.id)
    assert _renew(club).resumed == 1
    assert club.kinds(sheet.id) == ["created", "paused", "resumed"]


def test_of_three_missed_months_as_many_are_billed_as_can_be_paid(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.spend("930.00")
    club.go_to("2026-04-20")
    assert _renew(club) == Renewed(renewed=1, paused=1)
    club.give("100.00")
    assert _renew(club) == Renewed(resumed=1)
    assert club.days(sheet.id)[1:] == [("2026-02-05", "2026-03-05"), ("2026-04-20", "2026-05-20")]


def test_credits_are_what_some_live_on(club: Club) -> None:
    club.give("300 CREDIT")
    sheet = club.desk.subscriptions.create("acme", "pro", paid_by="credits")
    club.spend("1000 CREDIT")
    club.go_to("2026-02-05")
    assert _renew(club) == Renewed(paused=1)
    club.give("300 CREDIT")
    assert _renew(club) == Renewed(resumed=1)
    assert club.desk.subscriptions.get(sheet.id).status == "active"


def test_nobody_is_billed_while_suspended_or_frozen_and_the_closed_end(club: Club) -> None:
    desk, memo = club.desk, "for a test of the desk"
    one = desk.subscriptions.create("acme", "pro")
    two = desk.subscriptions.create("acme", "small", paid_by="invoice")
    desk.wallets.freeze("acme", memo=memo)
    club.go_to("2026-02-05")
    assert _renew(club) == Renewed(renewed=1, paused=1)
    assert desk.subscriptions.changes(one.id)[-1].summary.endswith("the USD wallet is frozen")
    desk.wallets.unfreeze("acme", memo=memo)
    desk.accounts.suspend("acme", memo=memo)
    club.go_to("2026-03-05")
    assert _renew(club) == Renewed(paused=1)
    assert desk.subscriptions.changes(two.id)[-1].summary.endswith("the account is suspended")
    desk.accounts.reopen("acme", memo=memo)
    assert _renew(club) == Renewed(resumed=2)
    club.spend(str(club.has()))
    club.spend(str(club.has("CREDIT")), "credits")
    desk.accounts.close("acme", memo=memo)
    club.go_to("2026-04-05")
    assert _renew(club) == Renewed(ended=2)


def test_what_costs_nothing_goes_on_whatever_the_account_is(club: Club) -> None:
    club.desk.subscriptions.create("acme", "free")
    club.desk.accounts.suspend("acme", memo="for a test of the desk")
    club.go_to("2026-02-05")
    assert _renew(club) == Renewed(renewed=1)


def test_a_wallet_without_a_floor_waits_for_its_freeze_only(club: Club) -> None:
    club.desk.subscriptions.create("acme", "pro")
    club.desk.wallets.set_floor("acme", None, memo="for a test of the desk")
    club.spend("2000.00")
    assert club.desk.subscriptions.preview_create("acme", "large").available is None
    club.desk.wallets.freeze("acme", memo="for a test of the desk")
    club.go_to("2026-02-05")
    assert _renew(club) == Renewed(paused=1)
    club.desk.wallets.unfreeze("acme", memo="for a test of the desk")
    assert _renew(club) == Renewed(resumed=1)
    assert club.has() == Money(-106200, "USD")


def test_an_account_without_a_wallet_waits_for_its_first_money(club: Club) -> None:
    club.desk.accounts.add("new", name="New Ltd")
    sheet = club.desk.subscriptions.create("new", "pro", trial_days=1)
    club.go_to("2026-01-06")
    assert _renew(club) == Renewed(paused=1)
    assert "0.00 USD can be used" in club.desk.subscriptions.changes(sheet.id)[-1].summary
    club.desk.adjustments.credit("new", "31.00", memo="for a test of the desk")
    assert _renew(club) == Renewed(resumed=1)


def test_what_is_kept_at_a_gateway_is_left_to_it(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro", trial_days=5)
    with club.desk._office.database.write() as session:
        kept = subscription_by_id(session, sheet.id)
        assert kept is not None
        save_subscription(session, kept._replace(paid_by="elsewhere", gateway="sandbox"))
    club.go_to("2026-03-01")
    assert _renew(club) == Renewed()
    for verb in (club.desk.subscriptions.cancel, club.desk.subscriptions.pause):
        with pytest.raises(Refused, match="kept at sandbox"):
            verb(sheet.id)
    with pytest.raises(Refused, match="not about to end"):
        club.desk.subscriptions.reactivate(sheet.id)
    club.desk.subscriptions.create("acme", "pro")  # it is no other one of ours


def test_what_goes_wrong_is_told_and_stops_nobody_else(club: Club) -> None:
    club.desk.accounts.add("other", name="Other Ltd")
    right = club.desk.subscriptions.create("other", "pro", paid_by="invoice")
    wrong = club.desk.subscriptions.create("acme", "pro")
    with club.desk._office.database.write() as session:
        account_id = club.desk.accounts.get("acme").id
        save_party(session, account_id, Party(tax_code="gst", changed_at=0))
    club.go_to("2026-02-05")
    result = _renew(club)
    assert result.renewed == 1
    assert result.errors == (f"{wrong.id}: the catalog has no tax 'gst'",)
    assert club.desk.subscriptions.get(right.id).period_seq == 2
    club.sell(CATALOG + "[taxes.gst]\nname = 'GST'\njurisdiction = 'IN'\npercent = '18'\n")
    assert _renew(club) == Renewed(renewed=1), "nothing is lost by it"


def test_a_run_does_a_bounded_number_of_steps_and_the_next_one_the_rest(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewing, "_BATCH", 2)
    monkeypatch.setattr(renewing, "_MOST_STEPS", 4)
    for number in range(7):
        club.desk.accounts.add(f"a{number}", name="A Ltd")
        club.desk.subscriptions.create(f"a{number}", "pro", paid_by="invoice", trial_days=2)
    club.go_to("2026-01-06")
    told = []
    for _ in range(3):
        _renew(club)
        kinds = [club.kinds(sheet.id) for sheet in club.desk.subscriptions.list().rows]
        told.append(sum("trial_ending" in each for each in kinds))
    assert told == [4, 7, 7]
    club.go_to("2026-01-07")
    assert [_renew(club).renewed for _ in range(3)] == [4, 3, 0]
    for number in range(7):
        club.desk.accounts.suspend(f"a{number}", memo="for a test of the desk")
    club.go_to("2026-02-07")
    assert [_renew(club).paused for _ in range(3)] == [4, 3, 0]
    for number in range(7):
        club.desk.accounts.reopen(f"a{number}", memo="for a test of the desk")
    assert [_renew(club).resumed for _ in range(3)] == [4, 3, 0]


def test_two_who_renew_at_once_bill_once(club: Club, ledger_url: str) -> None:
    for number in range(4):
        club.desk.accounts.add(f"a{number}", name="A Ltd")
        club.desk.subscriptions.create(f"a{number}", "pro", paid_by="invoice")
    club.desk.subscriptions.create("acme", "pro")
    now = club.go_to("2026-03-06")
    start, done = Barrier(3), list[Renewed]()

    def renew() -> None:
        with open_desk(ledger_url, clock=MovingClock(now), actor="tester") as desk:
            start.wait()
            done.append(renew_due(desk._office, now))

    threads = [Thread(target=renew) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.errors for each in done] == [()] * 3
    assert sum(each.renewed for each in done) == 10
    for sheet in club.desk.subscriptions.list().rows:
        assert [each.seq for each in club.desk.subscriptions.periods(sheet.id)] == [1, 2, 3]
    assert club.desk.invoices.audit().is_clean


def test_two_who_subscribe_an_account_at_once_make_one(club: Club, ledger_url: str) -> None:
    start, refused = Barrier(2), list[str]()

    def subscribe() -> None:
        with open_desk(ledger_url, clock=MovingClock(START), actor="tester") as desk:
            start.wait()
            try:
                desk.subscriptions.create("acme", "pro")
            except AlreadyExists as error:
                refused.append(error.message)

    threads = [Thread(target=subscribe) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), club.invoiced()) == (1, ["31.00 USD"])


def test_two_with_one_reference_at_once_get_the_same(club: Club, ledger_url: str) -> None:
    start, ids = Barrier(2), list[str]()

    def subscribe() -> None:
        with open_desk(ledger_url, clock=MovingClock(START), actor="tester") as desk:
            start.wait()
            ids.append(desk.subscriptions.create("acme", "pro", reference="order:1").id)

    threads = [Thread(target=subscribe) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ids), len(set(ids))) == (2, 1)
    assert club.invoiced() == ["31.00 USD"]


def test_one_reference_for_two_accounts_at_once_is_the_first_ones(
    club: Club, ledger_url: str
) -> None:
    club.desk.accounts.add("other", name="Other Ltd")
    refused = []

    def subscribe() -> None:
        with open_desk(ledger_url, clock=MovingClock(START), actor="tester") as desk:
            try:
                desk.subscriptions.create("other", "free", reference="order:1")
            except ReferenceReused as error:
                refused.append(error.message)

    thread = Thread(target=subscribe)
    with club.desk.transaction():
        club.desk.subscriptions.create("acme", "free", reference="order:1")
        thread.start()
        thread.join(0.3)  # it waits for the end of this block
    thread.join()
    assert len(refused) == 1
    assert [sheet.account_ref for sheet in club.desk.subscriptions.list().rows] == ["acme"]

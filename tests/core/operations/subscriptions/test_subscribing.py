"""Being put on a plan, leaving it, and what follows from its invoices."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk
from billdesk.core.operations.invoices.issuing import note_failure
from billdesk.core.operations.payments.collecting import collect_due
from billdesk.core.operations.subscriptions.renewing import renew_due
from billdesk.core.operations.subscriptions.subscribing import invoice_failed
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AccountClosed,
    AlreadyExists,
    BadInput,
    InsufficientFunds,
    NotFound,
    ReferenceReused,
    Refused,
)
from billdesk.core.values.money import Money
from tests.core.operations.off_session import Shop
from tests.core.operations.subscribed import BERLIN, CATALOG, Club


@pytest.fixture
def club(desk: Desk, clock: MovingClock, tmp_path: Path) -> Club:
    """A desk in Berlin that sells plans."""
    return Club(desk, clock, tmp_path)


def test_the_first_period_is_billed_at_once_and_lasts_whole_days(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro", memo="by phone")
    assert (sheet.status, sheet.price, sheet.period_seq) == ("active", Money(3100, "USD"), 1)
    assert club.days(sheet.id) == [("2026-01-05", "2026-02-05")]
    assert club.has() == Money(96900, "USD")
    (period,) = club.desk.subscriptions.periods(sheet.id)
    invoice = club.desk.invoices.get(period.invoice_id or "")
    assert (invoice.status, invoice.about, invoice.total) == ("paid", sheet.id, Money(3100, "USD"))
    assert club.has("CREDIT") == Money(1000, "CREDIT")
    assert club.desk.subscriptions.get(sheet.id) == sheet
    assert club.kinds(sheet.id) == ["created"]
    actions = [line.action for line in club.desk.audit.list(account="acme").rows]
    assert "subscription.created" in actions


def test_its_revenue_is_earned_by_the_plan_and_the_tax_by_the_tax(club: Club) -> None:
    club.desk.subscriptions.create("acme", "small")
    legs = {
        entry.counterparty: entry.amount.minor
        for entry in club.desk.ledger.entries("acme", asset="USD").rows
        if entry.kind == "invoice_payment"
    }
    assert legs == {"revenue:plan:small": -1001, "tax:vat": -190}


def test_a_preview_of_a_new_one_is_what_is_charged(club: Club) -> None:
    preview = club.desk.subscriptions.preview_create("acme", "small", quantity=3)
    assert (preview.due_now, preview.available) == (Money(3574, "USD"), Money(100000, "USD"))
    sheet = club.desk.subscriptions.create("acme", "small", quantity=3)
    assert (preview.next_at, preview.next_price) == (sheet.period_until, sheet.price)
    (invoice,) = club.desk.invoices.list(account="acme").rows
    assert invoice.total == preview.due_now
    assert club.desk.invoices.detail(invoice.id).lines == preview.lines
    with pytest.raises(AlreadyExists):
        club.desk.subscriptions.preview_create("acme", "large")


def test_who_cannot_pay_is_on_no_plan(club: Club) -> None:
    club.spend("999.00")
    with pytest.raises(InsufficientFunds):
        club.desk.subscriptions.create("acme", "pro")
    assert club.desk.subscriptions.list().rows == ()
    assert club.invoiced() == []
    assert club.desk.subscriptions.create("acme", "free").price == Money(0, "USD")
    assert club.invoiced() == []


def test_a_trial_costs_nothing_and_its_periods_count_from_its_end(club: Club) -> None:
    preview = club.desk.subscriptions.preview_create("acme", "large")
    assert (preview.lines, preview.due_now) == ((), Money(0, "USD"))
    assert "14 days" in preview.summary
    sheet = club.desk.subscriptions.create("acme", "large")
    assert (sheet.status, sheet.trial_until) == ("trialing", sheet.period_until)
    assert (sheet.anchor_on.isoformat(), club.invoiced()) == ("2026-01-19", [])
    assert club.days(sheet.id) == [("2026-01-05", "2026-01-19")]
    assert club.desk.subscriptions.periods(sheet.id)[0].trial
    club.desk.subscriptions.cancel(sheet.id, when="now")
    assert club.desk.subscriptions.create("acme", "large", trial_days=0).status == "active"


def test_one_that_began_in_the_past_is_billed_for_every_period_since(club: Club) -> None:
    began = club.clock.now() - timedelta(days=70)  # 27 October
    sheet = club.desk.subscriptions.create("acme", "pro", starts_at=began)
    assert club.days(sheet.id) == [("2025-10-27", "2025-11-27")]
    assert club.has("CREDIT") == Money(0, "CREDIT"), "that period's credits are gone already"
    renew_due(club.desk._office, club.clock.now())
    assert club.days(sheet.id)[1:] == [("2025-11-27", "2025-12-27"), ("2025-12-27", "2026-01-27")]
    assert club.invoiced() == ["31.00 USD"] * 3
    assert club.has("CREDIT") == Money(1000, "CREDIT")


def test_the_same_reference_is_the_same_subscription(club: Club) -> None:
    first = club.desk.subscriptions.create("acme", "pro", reference="order:1")
    again = club.desk.subscriptions.create("acme", "pro", reference="order:1")
    assert (again.id, again.replayed) == (first.id, True)
    assert club.invoiced() == ["31.00 USD"]
    with pytest.raises(ReferenceReused):
        club.desk.subscriptions.create("acme", "pro", quantity=2, reference="order:1")
    club.desk.accounts.add("other", name="Other Ltd")
    with pytest.raises(ReferenceReused):
        club.desk.subscriptions.create("other", "pro", reference="order:1")


def test_credits_pay_without_an_invoice(club: Club) -> None:
    with pytest.raises(InsufficientFunds):
        club.desk.subscriptions.create("acme", "pro", paid_by="credits")
    club.give("350 CREDIT")
    sheet = club.desk.subscriptions.create("acme", "pro", paid_by="credits")
    assert (sheet.price, club.invoiced()) == (Money(300, "CREDIT"), [])
    (entry,) = (
        entry
        for entry in club.desk.ledger.entries("acme", asset="CREDIT").rows
        if entry.kind == "credit_use"
    )
    assert (entry.counterparty, entry.amount) == ("revenue:plan:pro", Money(-300, "CREDIT"))
    assert club.has("CREDIT") == Money(1050, "CREDIT")


def test_an_invoice_waits_for_its_money(club: Club) -> None:
    club.spend("1000.00")
    sheet = club.desk.subscriptions.create("acme", "pro", paid_by="invoice")
    (invoice,) = club.desk.invoices.list(account="acme").rows
    assert (sheet.status, invoice.status) == ("active", "open")
    assert (
        club.desk.subscriptions.preview_create("acme", "small", paid_by="invoice").available is None
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"plan": "gold"}, NotFound),
        ({"schedule": "weekly"}, NotFound),
        ({"plan": "free", "schedule": "annual"}, Refused),
        ({"asset": "EUR"}, Refused),
        ({"asset": "CREDIT"}, BadInput),
        ({"asset": "USD", "paid_by": "credits"}, BadInput),
        ({"paid_by": "cash"}, BadInput),
        ({"paid_by": "gateway"}, Refused),
        ({"quantity": 0}, BadInput),
        ({"quantity": 1_000_001}, BadInput),
        ({"trial_days": -1}, BadInput),
        ({"trial_days": 732}, BadInput),
        ({"account": "house"}, Refused),
        ({"account": "nobody"}, NotFound),
        ({"reference": " "}, BadInput),
    ],
)
def test_what_cannot_be_ordered_is_refused_and_leaves_nothing(
    club: Club, arguments: dict[str, object], error: type[Exception]
) -> None:
    asked = {"account": "acme", "plan": "pro", **arguments}
    with pytest.raises(error):
        club.desk.subscriptions.create(**asked)  # type: ignore[arg-type]  # some are wrong on purpose
    assert club.desk.subscriptions.list().rows == ()


def test_nothing_begins_in_the_future_or_long_ago(club: Club) -> None:
    for days in (-800, 1):
        with pytest.raises(BadInput):
            club.desk.subscriptions.create(
                "acme", "pro", starts_at=club.clock.now() + timedelta(days=days)
            )
    day = date(2026, 1, 4)
    assert club.desk.subscriptions.create("acme", "pro", starts_at=day).anchor_on == day


def test_an_account_that_is_not_open_subscribes_to_nothing(club: Club) -> None:
    club.desk.accounts.suspend("acme", memo="for a test of the desk")
    with pytest.raises(AccountClosed):
        club.desk.subscriptions.create("acme", "free")


# --- ending --------------------------------------------------------------------------------------


def test_a_canceled_one_runs_to_the_end_of_its_period_and_can_go_on(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    ending = club.desk.subscriptions.cancel(sheet.id, memo="too dear")
    assert (ending.status, ending.cancel_at) == ("active", sheet.period_until)
    assert club.desk.subscriptions.preview_cancel(sheet.id).effective_at == sheet.period_until
    with pytest.raises(Refused, match="ends with its period"):
        club.desk.subscriptions.change(sheet.id, "team")
    assert club.desk.subscriptions.reactivate(sheet.id).cancel_at is None
    with pytest.raises(Refused, match="not about to end"):
        club.desk.subscriptions.reactivate(sheet.id)
    club.desk.subscriptions.cancel(sheet.id)
    club.go_to("2026-02-05")
    assert renew_due(club.desk._office, club.clock.now()).ended == 1
    over = club.desk.subscriptions.get(sheet.id)
    assert (over.status, over.canceled_at) == ("canceled", sheet.period_until)
    assert club.desk.subscriptions.cancel(sheet.id).replayed
    assert club.invoiced() == ["31.00 USD"]
    assert club.kinds(sheet.id) == [
        "created", "cancel_scheduled", "reactivated", "cancel_scheduled", "canceled",
    ]  # fmt: skip


def test_what_is_unused_goes_back_with_its_tax_and_its_credits(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "small")
    club.go_to("2026-01-21", 23)
    preview = club.desk.subscriptions.preview_cancel(sheet.id, when="now", refund_unused=True)
    # 15 of 31 days of 10.01 are 4.84, and 19 % of that 0.92
    assert (preview.due_now, preview.kind) == (Money(-576, "USD"), "canceled")
    before = club.has()
    over = club.desk.subscriptions.cancel(sheet.id, when="now", refund_unused=True)
    assert over.status == "canceled"
    assert club.has().minor == before.minor + 576
    assert club.invoiced() == ["11.91 USD", "-5.76 USD"]


def test_what_was_upgraded_goes_back_from_its_newest_invoice_first(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.go_to("2026-01-20")
    club.desk.subscriptions.change(sheet.id, "team")
    club.desk.subscriptions.cancel(sheet.id, when="now", refund_unused=True)
    # 16 of 31 days of 93.00 are 48.00: all of the upgrade, and the rest of the first invoice
    assert club.invoiced() == ["31.00 USD", "32.00 USD", "-32.00 USD", "-16.00 USD"]
    assert club.has() == Money(100000 - 1500, "USD")


def test_a_period_given_back_on_its_first_day_cost_nothing(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.desk.subscriptions.cancel(sheet.id, when="now", refund_unused=True)
    assert (club.has(), club.has("CREDIT")) == (Money(100000, "USD"), Money(0, "CREDIT"))
    again = club.desk.subscriptions.reactivate(sheet.id)
    assert (again.status, again.canceled_at, again.period_seq) == ("active", None, 2)
    assert (club.has(), club.has("CREDIT")) == (Money(96900, "USD"), Money(1000, "CREDIT"))


def test_one_that_ended_at_once_goes_on_in_what_is_paid(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.desk.subscriptions.cancel(sheet.id, when="now")
    club.go_to("2026-02-01")
    assert club.desk.subscriptions.reactivate(sheet.id).period_until == sheet.period_until
    assert club.invoiced() == ["31.00 USD"]
    club.desk.subscriptions.cancel(sheet.id, when="now")
    club.go_to("2026-02-20")
    again = club.desk.subscriptions.reactivate(sheet.id)
    assert again.anchor_on.isoformat() == "2026-02-20"
    assert club.days(sheet.id) == [("2026-01-05", "2026-02-05"), ("2026-02-20", "2026-03-20")]


def test_what_is_paid_goes_on_as_it_was_and_what_begins_anew_as_it_is_sold(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.sell(CATALOG.replace("31.00 USD", "41.00 USD"))
    club.desk.subscriptions.cancel(sheet.id, when="now")
    assert club.desk.subscriptions.reactivate(sheet.id).plan_version == 1
    club.desk.subscriptions.cancel(sheet.id, when="now")
    club.go_to("2026-02-05")
    assert club.desk.subscriptions.reactivate(sheet.id).price == Money(4100, "USD")


def test_none_goes_on_beside_another_of_its_family(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    club.desk.subscriptions.cancel(sheet.id, when="now")
    club.desk.subscriptions.create("acme", "free")
    with pytest.raises(AlreadyExists):
        club.desk.subscriptions.reactivate(sheet.id)


def test_a_trial_is_left_without_a_cent(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "large")
    over = club.desk.subscriptions.cancel(sheet.id, when="now", refund_unused=True)
    assert (over.status, club.invoiced(), club.has()) == ("canceled", [], Money(100000, "USD"))
    free = club.desk.subscriptions.create("acme", "free")
    over = club.desk.subscriptions.cancel(free.id, when="now", refund_unused=True)
    assert (over.status, club.invoiced()) == ("canceled", [])


def test_what_was_paid_by_credits_is_not_given_back(club: Club) -> None:
    club.give("300 CREDIT")
    sheet = club.desk.subscriptions.create("acme", "pro", paid_by="credits")
    with pytest.raises(Refused, match="no invoice"):
        club.desk.subscriptions.cancel(sheet.id, when="now", refund_unused=True)
    assert club.desk.subscriptions.get(sheet.id).status == "active"


def test_a_cancel_is_told_what_is_wrong_with_it(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    with pytest.raises(BadInput):
        club.desk.subscriptions.cancel(sheet.id, when="soon")
    with pytest.raises(BadInput):
        club.desk.subscriptions.cancel(sheet.id, refund_unused=True)
    with pytest.raises(NotFound):
        club.desk.subscriptions.cancel("sub_nothing")
    with pytest.raises(NotFound):
        club.desk.subscriptions.get("sub_nothing")


# --- pausing by hand -----------------------------------------------------------------------------


def test_a_pause_by_hand_is_not_renewed_and_resumes_in_its_period(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    paused = club.desk.subscriptions.pause(sheet.id)
    assert (paused.status, paused.paused_why) == ("paused", "hand")
    assert club.desk.subscriptions.pause(sheet.id).replayed
    with pytest.raises(Refused, match="paused by hand"):
        club.desk.subscriptions.change(sheet.id, "team")
    assert club.desk.subscriptions.resume(sheet.id).status == "active"
    with pytest.raises(Refused, match="not paused"):
        club.desk.subscriptions.resume(sheet.id)
    club.desk.subscriptions.pause(sheet.id)
    club.go_to("2026-02-10")
    assert renew_due(club.desk._office, club.clock.now()).renewed == 0
    resumed = club.desk.subscriptions.resume(sheet.id)
    assert (resumed.anchor_on.isoformat(), resumed.period_seq) == ("2026-02-10", 2)
    club.desk.subscriptions.pause(sheet.id)
    assert club.desk.subscriptions.cancel(sheet.id).status == "canceled", (
        "it has no end to wait for"
    )


def test_a_trial_goes_on_as_one(club: Club) -> None:
    sheet = club.desk.subscriptions.create("acme", "large")
    club.desk.subscriptions.pause(sheet.id)
    assert club.desk.subscriptions.resume(sheet.id).status == "trialing"


# --- looking -------------------------------------------------------------------------------------


def test_lists_are_filtered_and_paged(club: Club) -> None:
    one = club.desk.subscriptions.create("acme", "pro")
    two = club.desk.subscriptions.create("acme", "large")
    list_of = club.desk.subscriptions.list
    assert [sheet.id for sheet in list_of().rows] == [two.id, one.id]
    page = list_of(limit=1)
    assert [sheet.id for sheet in list_of(limit=1, after=page.after).rows] == [one.id]
    assert [sheet.id for sheet in list_of(account="acme", status="trialing").rows] == [two.id]
    assert [sheet.id for sheet in list_of(plan="pro").rows] == [one.id]
    with pytest.raises(BadInput):
        list_of(status="gone")


# --- what follows from invoices ------------------------------------------------------------------


def test_a_gateway_is_charged_at_once(shop: Shop, tmp_path: Path) -> None:
    club = Club(shop.desk, shop.clock, tmp_path)
    shop.save()
    sheet = club.desk.subscriptions.create("acme", "pro", paid_by="gateway")
    assert (sheet.status, club.invoiced()) == ("active", ["31.00 USD"])
    assert club.desk.invoices.list(account="acme").rows[0].status == "paid"
    assert shop.taken() == 3100
    assert club.desk.subscriptions.create("acme", "large", paid_by="gateway").status == "trialing"


def test_a_decline_makes_it_past_due(shop: Shop, tmp_path: Path) -> None:
    club = Club(shop.desk, shop.clock, tmp_path)
    shop.save(declines=True)
    sheet = club.desk.subscriptions.create("acme", "pro", paid_by="gateway")
    assert sheet.status == "past_due"
    club.desk.subscriptions.change(sheet.id, "free")
    (failed,) = club.desk.invoices.list(account="acme").rows
    assert failed.attempts == 1, "what only waits charges nothing"
    with club.desk.transaction():
        upgraded = club.desk.subscriptions.change(sheet.id, "team")
    assert upgraded.status == "past_due"
    newest = club.desk.invoices.list(account="acme").rows[0]
    assert (newest.status, newest.attempts) == ("open", 0), "no gateway is asked inside a block"


def test_a_failed_invoice_makes_it_past_due_until_nothing_is_owed(club: Club) -> None:
    club.spend("1000.00")
    desk, now = club.desk, club.clock.now()
    sheet = desk.subscriptions.create("acme", "pro", paid_by="invoice")
    trial = desk.subscriptions.create("acme", "large", paid_by="invoice")
    (invoice,) = desk.invoices.list(account="acme").rows
    with desk._office.database.write() as session:
        note_failure(desk._office, session, invoice.id, "declined", now)
    assert desk.subscriptions.get(sheet.id).status == "past_due"
    with desk._office.database.write() as session:
        invoice_failed(desk._office, session, trial.id, invoice.id, now)
    assert desk.subscriptions.get(trial.id).status == "trialing"
    desk.subscriptions.pause(sheet.id)
    with desk._office.database.write() as session:
        note_failure(desk._office, session, invoice.id, "declined again", now)
    assert desk.subscriptions.get(sheet.id).status == "paused"
    assert desk.subscriptions.resume(sheet.id).status == "past_due"
    club.go_to("2026-02-06")
    renew_due(desk._office, club.clock.now())
    assert desk.subscriptions.get(sheet.id).status == "past_due", "a renewal does not make it well"
    club.give("31.00")
    assert collect_due(desk._office, club.clock.now()).paid == 1
    assert desk.subscriptions.get(sheet.id).status == "active"
    assert club.kinds(sheet.id)[-1] == "recovered"


def test_a_plan_that_is_sold_no_more_is_kept_by_who_is_on_it_and_begun_by_nobody(
    club: Club,
) -> None:
    sheet = club.desk.subscriptions.create("acme", "pro")
    start = CATALOG.index("[plans.pro]")
    club.sell(CATALOG[:start] + CATALOG[CATALOG.index("[plans.team]") :])
    club.go_to("2026-02-05")
    assert renew_due(club.desk._office, club.clock.now()).renewed == 1
    assert club.desk.subscriptions.get(sheet.id).price == Money(3100, "USD")
    assert club.desk.subscriptions.change(sheet.id, quantity=2).price == Money(6200, "USD")
    club.desk.subscriptions.cancel(sheet.id, when="now")
    club.go_to("2026-03-06")
    with pytest.raises(NotFound, match="'pro'"):
        club.desk.subscriptions.reactivate(sheet.id)


def test_days_are_those_of_the_desks_zone(club: Club) -> None:
    club.go_to("2026-03-31", 0.5)  # still 30 March in UTC
    sheet = club.desk.subscriptions.create("acme", "pro")
    assert sheet.anchor_on.isoformat() == "2026-03-31"
    assert sheet.period_until.astimezone(BERLIN).isoformat() == "2026-04-30T00:00:00+02:00"

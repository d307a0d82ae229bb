"""Credits come in lots: which burns first, what comes back, what expires, what a period leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from billdesk.core.desk import ChargeRequest, Desk
from billdesk.core.operations.credits.crediting import read_credits
from billdesk.core.operations.credits.granting import grant_lot, reset_cycle
from billdesk.core.operations.ledger import expiring
from billdesk.core.operations.ledger.booking import book
from billdesk.core.rules.ledger import Draft, Leg, digest_of
from billdesk.core.rules.sheets import LotSheet
from billdesk.core.values.clock import MovingClock, to_micros
from billdesk.core.values.errors import (
    AccountClosed,
    AlreadyCorrected,
    BadInput,
    Broken,
    InsufficientFunds,
    NotFound,
    ReferenceReused,
)
from billdesk.core.values.money import CREDIT, Money
from tests.core.operations.conftest import MEMO

DAY = timedelta(days=1)


@pytest.fixture
def hill(desk: Desk) -> str:
    """An account without anything, by its ref."""
    desk.accounts.add("hill", name="Hill & Co")
    return "hill"


def granted(
    desk: Desk,
    amount: int,
    *,
    days: int | None = None,
    priority: int | None = None,
    account: str = "hill",
) -> LotSheet:
    """A lot that is gone after so many days."""
    until = None if days is None else desk._office.now() + days * DAY
    return desk.credits.grant(account, amount, memo=MEMO, expires_at=until, priority=priority)


def left(desk: Desk, account: str = "hill") -> list[int]:
    """What is left of an account's lots, in the order in which they came."""
    office = desk._office
    with office.database.read() as session:
        rows = session.all(
            "SELECT remaining FROM credit_lot WHERE account_id = ? ORDER BY number",
            (office.account(session, account).id,),
        )
    return [remaining for (remaining,) in rows]


def cycle(desk: Desk, amount: int, *, since: datetime, until: datetime) -> LotSheet | None:
    """A period of hill's subscription begins."""
    office = desk._office
    with office.database.write() as session:
        return reset_cycle(
            office, session, "hill", "sub_1", amount, since=since, until=until, now=office.now()
        )


# --- which lot pays ------------------------------------------------------------------------------


def test_a_charge_burns_by_priority_then_expiry_then_age(desk: Desk, hill: str) -> None:
    for days, priority in ((None, None), (9, None), (5, None), (None, 10), (None, None)):
        granted(desk, 10, days=days, priority=priority)
    assert [lot.burns for lot in desk.credits.lots(hill)] == [1, 2, 3, 4, 5]
    desk.charges.create(hill, "35 CREDIT", reference="r1")
    assert left(desk) == [5, 0, 0, 0, 10]
    uses = desk.credits.uses(hill).rows
    assert [(use.amount, use.kind) for use in reversed(uses)] == [
        (10, "charge"), (10, "charge"), (10, "charge"), (5, "charge"),
    ]  # fmt: skip


def test_a_lot_that_is_used_up_has_ended(desk: Desk, hill: str, clock: MovingClock) -> None:
    lot = granted(desk, 10)
    clock.advance(DAY)
    charge = desk.credits.deduct(hill, 10, reference="r1", subject="a job", to="revenue:jobs")
    ended = desk.credits.lot(lot.id)
    assert (ended.remaining, ended.ended_at, ended.burns) == (0, clock.now(), None)
    assert desk.credits.lots(hill) == ()
    assert desk.credits.lots(hill, all=True) == (ended,)
    (use,) = desk.credits.uses(posting=charge.id).rows
    assert (use.lot_id, use.subject) == (lot.id, "a job")
    desk.refunds.create(charge.id)
    assert desk.credits.lot(lot.id).ended_at is None


def test_a_batch_burns_lots_in_its_own_order(desk: Desk, hill: str) -> None:
    desk.accounts.add("dale", name="Dale")
    for account in (hill, "dale"):
        granted(desk, 3, days=5, account=account)
        granted(desk, 10, account=account)
    desk.charges.create_many(
        [ChargeRequest(hill, "2 CREDIT", f"r{number}") for number in range(3)]
        + [ChargeRequest("dale", "4 CREDIT", "r9")]
    )
    assert (left(desk), left(desk, "dale")) == ([0, 7], [0, 9])
    with pytest.raises(InsufficientFunds, match="charge 2 of 2"):
        desk.charges.create_many(
            [ChargeRequest(hill, "7 CREDIT", "s1"), ChargeRequest(hill, "1 CREDIT", "s2")]
        )
    assert left(desk) == [0, 7]


def test_a_charge_that_is_repeated_burns_nothing_twice(desk: Desk, hill: str) -> None:
    granted(desk, 10)
    for _ in range(2):
        desk.credits.deduct(hill, 4, reference="r1")
    assert left(desk) == [6]


def test_a_refused_charge_burns_nothing(desk: Desk, hill: str) -> None:
    granted(desk, 10)
    with pytest.raises(InsufficientFunds):
        desk.credits.deduct(hill, 11, reference="r1")
    assert left(desk) == [10]


def test_credits_that_move_to_another_account_come_in_a_lot_there(desk: Desk, hill: str) -> None:
    desk.accounts.add("dale", name="Dale")
    granted(desk, 10)
    granted(desk, 1, account="dale")
    office = desk._office
    now = office.now()
    legs = (
        Leg(hill, "credits", CREDIT, -4, 0, "transfer"),
        Leg("dale", "credits", CREDIT, 4, 0, "transfer"),
    )
    posting_id = office.ids.make("mov", now)
    draft = Draft(
        posting_id, "transfer", "system", posting_id, digest_of("transfer", legs), "tester", legs,
        recorded_at=to_micros(now),
    )  # fmt: skip
    book(office, draft, now)
    assert (left(desk), left(desk, "dale")) == ([6], [1, 4])
    assert desk.credits.lots("dale")[1].source == "other"


# --- what is owed ------------------------------------------------------------------------------


def test_what_is_owed_is_filled_before_new_credits_can_be_used(desk: Desk, hill: str) -> None:
    granted(desk, 30)
    desk.wallets.set_floor(hill, "-70", asset=CREDIT, memo=MEMO)
    charge = desk.credits.deduct(hill, 100, reference="r1")
    assert (left(desk), desk.credits.get(hill).balance) == ([0], -70)
    lot = granted(desk, 100)
    assert (lot.granted, lot.remaining) == (100, 30)
    (use,) = desk.credits.uses(lot=lot.id).rows
    assert (use.amount, use.posting_id) == (70, lot.posting_id)
    desk.refunds.create(charge.id)
    # Of the 100 that come back the first lot paid 30; the 70 that were owed are a lot of their own.
    assert left(desk) == [30, 30, 70]
    assert desk.credits.get(hill).balance == 130


def test_a_refund_that_only_lowers_what_is_owed_fills_no_lot(desk: Desk, hill: str) -> None:
    granted(desk, 10)
    desk.wallets.set_floor(hill, "-100", asset=CREDIT, memo=MEMO)
    desk.credits.deduct(hill, 50, reference="r1")
    charge = desk.credits.deduct(hill, 20, reference="r2")
    desk.refunds.create(charge.id)
    assert (left(desk), desk.credits.get(hill).balance) == ([0], -40)


def test_a_debt_of_credits_is_settled_from_the_new_lot(desk: Desk, hill: str) -> None:
    granted(desk, 10)
    hold = desk.credits.reserve(hill, 10, reference="job")
    assert desk.credits.capture(hold.id, 25).shortfall == Money(15, CREDIT)
    lot = granted(desk, 100)
    assert lot.remaining == 85
    assert desk.credits.get(hill).balance == 85


# --- what comes back ----------------------------------------------------------------------------


def test_what_a_charge_took_goes_back_to_its_lots(desk: Desk, hill: str) -> None:
    granted(desk, 10)
    granted(desk, 10)
    charge = desk.credits.deduct(hill, 15, reference="r1")
    desk.credits.deduct(hill, 2, reference="r2")
    desk.refunds.create(charge.id)
    assert left(desk) == [10, 8]
    assert [use.amount for use in desk.credits.uses(hill).rows] == [-10, -5, 2, 5, 10]
    assert desk.credits.get(hill).used_this_period == 2


def test_a_reversed_refund_takes_from_the_lots_that_it_filled(desk: Desk, hill: str) -> None:
    granted(desk, 10, priority=10)
    granted(desk, 10, priority=20)
    charge = desk.credits.deduct(hill, 12, reference="r1")
    refund = desk.refunds.create(charge.id)
    granted(desk, 50, priority=1)
    desk.reversals.create(refund.id, memo=MEMO)
    assert left(desk) == [0, 8, 50]


def test_a_reversed_grant_takes_its_own_lot(desk: Desk, hill: str) -> None:
    granted(desk, 10, priority=1)
    lot = granted(desk, 20)
    desk.reversals.create(lot.posting_id, memo=MEMO)
    assert left(desk) == [10, 0]
    with pytest.raises(AlreadyCorrected):
        desk.reversals.create(lot.posting_id, memo=MEMO)


def test_a_reversed_grant_that_is_partly_used_takes_the_rest_elsewhere(
    desk: Desk, hill: str
) -> None:
    lot = granted(desk, 20, priority=1)
    granted(desk, 30)
    desk.credits.deduct(hill, 5, reference="r1")
    desk.reversals.create(lot.posting_id, memo=MEMO)
    assert left(desk) == [0, 25]


def test_a_reversed_grant_that_filled_a_debt_leaves_the_debt(desk: Desk, hill: str) -> None:
    desk.wallets.set_floor(hill, "-10", asset=CREDIT, memo=MEMO)
    desk.credits.deduct(hill, 10, reference="r1")
    lot = granted(desk, 15)
    desk.reversals.create(lot.posting_id, memo=MEMO)
    assert (left(desk), desk.credits.get(hill).balance) == ([0], -10)


def test_what_no_lot_paid_for_comes_back_as_a_lot(desk: Desk, hill: str) -> None:
    """A credit by hand whose lot is gone: what its debit takes and its reversal brings."""
    desk.wallets.set_floor(hill, "-10", asset=CREDIT, memo=MEMO)
    debit = desk.adjustments.debit(hill, "10 CREDIT", memo=MEMO)
    desk.adjustments.credit(hill, "10 CREDIT", memo=MEMO)
    desk.reversals.create(debit.id, memo=MEMO)
    (lot,) = desk.credits.lots(hill)
    assert (lot.source, lot.about, lot.remaining) == ("other", debit.id, 10)


# --- coming in ----------------------------------------------------------------------------------


def test_a_grant_says_where_it_comes_from(desk: Desk, hill: str, clock: MovingClock) -> None:
    lot = desk.credits.grant(
        hill, "500", memo="a voucher of the fair", source="promotion", priority=10,
        expires_at=clock.now() + DAY, paid="2.50",
    )  # fmt: skip
    assert (lot.source, lot.granted, lot.remaining, lot.priority, lot.paid) == (
        "promotion", 500, 500, 10, Money(250, "USD"),
    )  # fmt: skip
    assert (lot.granted_at, lot.expires_at) == (clock.now(), clock.now() + DAY)
    (entry,) = desk.ledger.entries(hill).rows
    assert (entry.kind, entry.counterparty, entry.memo) == (
        "credit_grant", "granted:promotion", "a voucher of the fair",
    )  # fmt: skip


def test_the_same_reference_grants_once(desk: Desk, hill: str) -> None:
    first = desk.credits.grant(hill, 5, memo=MEMO, reference="voucher:1")
    assert desk.credits.grant(hill, 5, memo=MEMO, reference="voucher:1") == first
    assert left(desk) == [5]
    with pytest.raises(ReferenceReused):
        desk.credits.grant(hill, 5, memo=MEMO, reference="voucher:1", priority=1)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"source": "plan"}, "by hand"),
        ({"amount": 0}, "not above zero"),
        ({"amount": "5 USD"}, "no credits"),
        ({"amount": "5.5"}, "finer than CREDIT"),
        ({"memo": "why"}, "memo"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "gone already"),
    ],
)
def test_what_cannot_be_granted_says_why(
    desk: Desk, hill: str, words: dict[str, Any], match: str
) -> None:
    grant = partial(desk.credits.grant, hill)
    asked = {"amount": 5, "memo": MEMO, **words}
    with pytest.raises(BadInput, match=match):
        grant(**asked)
    assert desk.credits.lots(hill, all=True) == ()


def test_lots_come_from_known_sources_only(desk: Desk, hill: str) -> None:
    office = desk._office
    with office.database.write() as session, pytest.raises(BadInput, match="cannot come from"):
        grant_lot(office, session, hill, 5, source="luck", about=None, now=office.now())


def test_credits_are_read_as_people_say_them() -> None:
    for amount in (500, "500", "500 CREDIT", Money(500, CREDIT)):
        assert read_credits(amount) == 500
    with pytest.raises(BadInput, match="not a whole number"):
        read_credits(amount=True)


def test_what_is_credited_by_hand_comes_in_a_lot_that_stays(desk: Desk, hill: str) -> None:
    posting = desk.adjustments.credit(hill, "5 CREDIT", memo=MEMO)
    (lot,) = desk.credits.lots(hill)
    assert (lot.source, lot.posting_id, lot.expires_at) == ("manual", posting.id, None)


def test_imported_credits_come_in_lots(desk: Desk, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("ref,name,opening_balance,asset\nglen,Glen,7,CREDIT\nfern,Fern,3.00,USD\n")
    assert desk.imports.accounts(accounts).added == 2
    (lot,) = desk.credits.lots("glen")
    assert (lot.source, lot.remaining) == ("opening", 7)
    assert desk.credits.lots("fern") == ()


# --- expiry ------------------------------------------------------------------------------------


def test_what_is_left_of_a_lot_past_its_day_is_booked_away(
    desk: Desk, hill: str, clock: MovingClock
) -> None:
    lot = granted(desk, 10, days=5)
    granted(desk, 10)
    clock.advance(5 * DAY - timedelta(seconds=1))
    assert desk.credits.expire_due() == 0
    clock.advance(timedelta(seconds=1))
    assert desk.credits.get(hill).available == 10
    assert desk.credits.get(hill).balance == 20
    assert desk.credits.expire_due() == 1
    assert desk.credits.expire_due() == 0
    (entry,) = desk.ledger.entries(hill, kinds=("credit_expiry",)).rows
    assert (entry.amount, entry.counterparty, entry.reference) == (
        Money(-10, CREDIT), "expired", f"expire:{lot.id}",
    )  # fmt: skip
    posting = desk.ledger.posting(entry.posting_id)
    assert (posting.about, posting.actor) == (lot.id, "system")
    assert left(desk) == [0, 10]
    assert desk.credits.get(hill).used_this_period == 0


def test_a_tick_lets_lots_expire(desk: Desk, hill: str, clock: MovingClock) -> None:
    granted(desk, 10, days=1)
    clock.advance(DAY)
    assert desk.tick().expired_lots == 1
    assert left(desk) == [0]


def test_nothing_past_its_day_pays_for_new_business(
    desk: Desk, hill: str, clock: MovingClock
) -> None:
    granted(desk, 10, days=1)
    granted(desk, 4)
    clock.advance(DAY)
    assert not desk.credits.has_enough(hill, 5)
    for act in (desk.credits.deduct, desk.credits.reserve):
        with pytest.raises(InsufficientFunds):
            act(hill, 5, reference="r1")
    desk.credits.deduct(hill, 3, reference="r2")
    assert left(desk) == [0, 1]
    with pytest.raises(InsufficientFunds):
        desk.charges.create_many([ChargeRequest(hill, "2 CREDIT", "r3")])


def test_a_hold_keeps_what_it_will_burn_from_expiring(
    desk: Desk, hill: str, clock: MovingClock
) -> None:
    lot = granted(desk, 10, days=1)
    granted(desk, 10)
    hold = desk.credits.reserve(hill, 4, reference="job")
    clock.advance(DAY)
    assert desk.credits.expire_due() == 1
    assert left(desk) == [4, 10]
    desk.credits.release(hold.id)
    assert desk.credits.expire_due() == 1
    references = [
        entry.reference for entry in desk.ledger.entries(hill, kinds=("credit_expiry",)).rows
    ]
    assert references == [f"expire:{lot.id}:2", f"expire:{lot.id}"]


def test_use_beyond_a_hold_is_not_paid_by_what_is_past_its_day(
    desk: Desk, hill: str, clock: MovingClock
) -> None:
    granted(desk, 10, days=1)
    hold = desk.credits.reserve(hill, 4, reference="job", lasts=2 * DAY)
    clock.advance(DAY)
    assert desk.credits.capture(hold.id, 6).shortfall == Money(2, CREDIT)
    assert left(desk) == [0]


def test_what_comes_back_to_a_lot_past_its_day_expires_next(
    desk: Desk, hill: str, clock: MovingClock
) -> None:
    granted(desk, 10, days=1)
    charge = desk.credits.deduct(hill, 10, reference="r1")
    clock.advance(DAY)
    desk.refunds.create(charge.id)
    assert (desk.credits.get(hill).balance, desk.credits.get(hill).available) == (10, 0)
    assert desk.credits.expire_due() == 1
    assert left(desk) == [0]


def test_more_accounts_than_are_looked_at_together_expire(
    desk: Desk, hill: str, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiring, "_BATCH", 1)
    desk.accounts.add("dale", name="Dale")
    for account in (hill, "dale"):
        granted(desk, 3, days=1, account=account)
    clock.advance(DAY)
    assert desk.credits.expire_due() == 2


# --- periods of a plan ---------------------------------------------------------------------------


def test_a_period_takes_what_the_last_one_left(desk: Desk, hill: str, clock: MovingClock) -> None:
    start = clock.now()
    granted(desk, 5)
    first = cycle(desk, 100, since=start, until=start + 30 * DAY)
    assert first is not None
    assert (first.source, first.about, first.expires_at) == ("plan", "sub_1", start + 30 * DAY)
    desk.credits.deduct(hill, 40, reference="r1")
    clock.advance(30 * DAY)
    second = cycle(desk, 80, since=clock.now(), until=clock.now() + 30 * DAY)
    assert left(desk) == [5, 0, 80]
    assert cycle(desk, 80, since=clock.now(), until=clock.now() + 30 * DAY) == second
    (entry,) = desk.ledger.entries(hill, kinds=("cycle_reset",)).rows
    assert (entry.amount, entry.reference) == (Money(-60, CREDIT), f"reset:{first.id}")


def test_a_period_without_credits_only_takes(desk: Desk, hill: str, clock: MovingClock) -> None:
    start = clock.now()
    cycle(desk, 100, since=start, until=start + 30 * DAY)
    clock.advance(DAY)
    assert cycle(desk, 0, since=clock.now(), until=clock.now() + 30 * DAY) is None
    assert left(desk) == [0]


def test_a_new_period_leaves_what_is_held(desk: Desk, hill: str, clock: MovingClock) -> None:
    start = clock.now()
    cycle(desk, 100, since=start, until=start + 30 * DAY)
    hold = desk.credits.reserve(hill, 30, reference="job", lasts=60 * DAY)
    clock.advance(30 * DAY)
    cycle(desk, 100, since=clock.now(), until=clock.now() + 30 * DAY)
    assert left(desk) == [30, 100]
    desk.credits.capture(hold.id, 20)
    desk.credits.expire_due()
    assert left(desk) == [0, 100]


# --- looking -----------------------------------------------------------------------------------


def test_credits_at_a_glance(desk: Desk, hill: str, clock: MovingClock) -> None:
    empty = desk.credits.get(hill)
    assert (empty.balance, empty.lots, empty.expiring_next) == (0, (), None)
    assert not desk.credits.has_enough(hill, 1)
    granted(desk, 10, priority=10)
    late, soon = granted(desk, 20, days=9), granted(desk, 30, days=5)
    desk.credits.deduct(hill, 12, reference="r1")
    desk.credits.reserve(hill, 8, reference="job", lasts=DAY)
    sheet = desk.credits.get(hill)
    assert (sheet.balance, sheet.held, sheet.available) == (48, 8, 40)
    assert [lot.id for lot in sheet.lots] == [soon.id, late.id]
    assert sheet.expiring_next is not None
    assert sheet.expiring_next.id == soon.id
    assert (sheet.granted_this_period, sheet.used_this_period) == (60, 12)
    assert sheet.period_since == clock.now().replace(day=1, hour=0)
    assert desk.credits.has_enough(hill, "40")
    assert not desk.credits.has_enough(hill, 41)
    clock.advance(2 * DAY)
    assert desk.credits.get(hill).held == 0


def test_a_credit_limit_counts_as_enough(desk: Desk, hill: str) -> None:
    desk.wallets.set_floor(hill, "-10", asset=CREDIT, memo=MEMO)
    assert desk.credits.has_enough(hill, 10)
    assert not desk.credits.has_enough(hill, 11)


def test_without_a_limit_there_is_always_enough(desk: Desk) -> None:
    granted(desk, 1, account="house")
    assert desk.credits.has_enough("house", 1_000_000)


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound, match="there is no lot"):
        desk.credits.lot("lot_1")
    for look in (desk.credits.get, desk.credits.lots, desk.credits.uses):
        with pytest.raises(NotFound):
            look("nobody")


def test_uses_are_read_page_by_page(desk: Desk, hill: str) -> None:
    granted(desk, 10)
    for number in range(3):
        desk.credits.deduct(hill, 1, reference=f"r{number}")
    page = desk.credits.uses(hill, limit=2)
    assert len(page.rows) == 2
    rest = desk.credits.uses(hill, limit=2, after=page.after)
    assert (len(rest.rows), rest.after) == (1, None)
    assert desk.credits.uses().rows == (*page.rows, *rest.rows)


# --- the check that can fail ---------------------------------------------------------------------


def test_lots_out_of_step_are_found_with_their_account(desk: Desk, hill: str) -> None:
    lot = granted(desk, 10)
    database = desk._office.database
    with database.write() as session:
        session.run("UPDATE credit_lot SET remaining = 7 WHERE id = ?", (lot.id,))
    balance, uses = desk.verify().findings
    assert (balance.check, balance.account_ref) == ("lots", hill)
    assert balance.text == "the lots of hill have 7 left, its balance backs 10 CREDIT"
    assert uses.text == f"{lot.id} of hill has 7 of 10 left, 0 of it paid for something"
    with database.write() as session:
        session.run("UPDATE credit_lot SET remaining = 10 WHERE id = ?", (lot.id,))


def test_lots_that_lack_what_is_charged_stop_the_charge(desk: Desk, hill: str) -> None:
    lot = granted(desk, 10)
    database = desk._office.database
    with database.write() as session:
        session.run("UPDATE credit_lot SET remaining = 7 WHERE id = ?", (lot.id,))
    with pytest.raises(Broken, match="out of step"):
        desk.credits.deduct(hill, 8, reference="r1")
    assert desk.credits.get(hill).balance == 10
    with database.write() as session:
        session.run("UPDATE credit_lot SET remaining = 10 WHERE id = ?", (lot.id,))


def test_a_refusal_is_remembered_though_its_block_is_undone(desk: Desk, hill: str) -> None:
    granted(desk, 10)
    with pytest.raises(InsufficientFunds):
        desk.credits.deduct(hill, 11, reference="r1")
    (line,) = [row for row in desk.audit.list(account=hill).rows if row.outcome == "refused"]
    assert line.summary == "11 CREDIT is needed, 10 CREDIT can be used"
    desk.accounts.suspend(hill, memo=MEMO)
    with pytest.raises(AccountClosed):
        desk.credits.deduct(hill, 1, reference="r1")
    assert desk.credits.grant(hill, 1, memo=MEMO).remaining == 1

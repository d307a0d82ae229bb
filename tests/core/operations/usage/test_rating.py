"""Use is billed once: every month that is over, whoever runs it how often, to the minor unit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import UsageLineSheet, UsageRunSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import BadInput, NotFound, ReferenceReused, Refused
from billdesk.core.values.money import Money
from tests.core.operations.metered import METERED, STARTER, sell
from tests.core.operations.rated import Paid, months, pay_for, subscribe

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
MARCH, APRIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
FIRST = date(2026, 1, 1)
MEMO = "for a test of the desk"

_names = itertools.count()


@pytest.fixture
def metered(desk: Desk, acme: str) -> Iterator[Desk]:
    """A desk with meters, whose account acme is on Starter from January."""
    sell(desk)
    subscribe(desk, acme, months(FIRST, 1))
    yield desk
    assert_every_line_is_in_the_books(desk)


def use(
    desk: Desk, quantity: int | str, at: datetime, *, account: str = "acme", meter: str = "calls"
) -> None:
    """Tell of some use, no earlier than it happened."""
    assert isinstance(desk.clock, MovingClock)
    desk.clock.move_to(at)
    sheet = desk.usage.record_many([(account, meter, quantity, f"e{next(_names)}", at)])
    assert sheet.new == 1


def customer(desk: Desk, ref: str, balance: str = "100.00", count: int = 1) -> str:
    """Another account on Starter."""
    desk.accounts.add(ref, name=ref.title())
    if balance != "0":
        desk.adjustments.credit(ref, balance, memo=MEMO)
    return subscribe(desk, ref, months(FIRST, count))


def balance(desk: Desk, account: str = "acme") -> int:
    return desk.wallets.balance(account).balance.minor


def usage_entries(desk: Desk, account: str = "acme") -> list[tuple[int, str]]:
    page = desk.ledger.entries(account, kinds=("usage",))
    return sorted((entry.amount.minor, entry.counterparty) for entry in page.rows)


def lines(desk: Desk, run: UsageRunSheet) -> tuple[UsageLineSheet, ...]:
    assert run.id is not None
    return desk.usage_runs.lines(run.id).rows


def figures(run: UsageRunSheet) -> tuple[int, int, int, int]:
    return run.periods, run.lines, run.corrections, run.failed


def assert_every_line_is_in_the_books(desk: Desk) -> None:
    """Lines that were billed from the wallet and the entries of the ledger are the same money."""
    with desk._office.database.read() as session:
        [(billed,)] = session.all(
            "SELECT coalesce(sum(amount_minor), 0) FROM usage_line"
            " WHERE seq > 0 AND posting_id IS NOT NULL"
        )
        [(booked,)] = session.all(
            "SELECT coalesce(sum(-amount_minor), 0) FROM entry WHERE counterparty LIKE 'revenue:usage:%'"
            " AND kind IN ('usage', 'credit_use')"
        )
        [(closed,)] = session.all("SELECT coalesce(sum(amount_minor), 0) FROM usage_period")
        [(of_periods,)] = session.all(
            "SELECT coalesce(sum(amount_minor), 0) FROM usage_line WHERE seq > 0"
        )
    assert (billed, closed) == (booked, of_periods)


def test_a_month_is_billed_when_it_is_over(metered: Desk, clock: MovingClock) -> None:
    use(metered, 1500, JANUARY + timedelta(hours=3))
    use(metered, 9, FEBRUARY - timedelta(microseconds=1))
    assert figures(metered.usage_runs.run()) == (0, 0, 0, 0)
    use(metered, 999, FEBRUARY)
    run = metered.usage_runs.run()
    assert figures(run) == (1, 1, 0, 0)
    assert (run.status, run.totals) == ("done", (Money(5090, "USD"),))
    [line] = lines(metered, run)
    assert (line.quantity, line.billable, line.amount) == ("1509", "509", Money(5090, "USD"))
    assert (line.period_since, line.period_until, line.seq) == (JANUARY, FEBRUARY, 1)
    assert usage_entries(metered) == [(-5090, "revenue:usage:calls")]
    assert balance(metered) == 10_000 - 5_090


def test_a_run_again_bills_nothing_again(metered: Desk, clock: MovingClock) -> None:
    use(metered, 1500, JANUARY + timedelta(hours=3))
    clock.move_to(FEBRUARY)
    metered.usage_runs.run()
    assert figures(metered.usage_runs.run()) == (0, 0, 0, 0)
    assert balance(metered) == 5000


def test_the_same_reference_gives_the_first_run(metered: Desk, clock: MovingClock) -> None:
    use(metered, 1500, JANUARY + timedelta(hours=3))
    clock.move_to(FEBRUARY)
    first = metered.usage_runs.run(reference="january")
    assert metered.usage_runs.run(reference="january") == first._replace(replayed=True)
    with pytest.raises(ReferenceReused):
        metered.usage_runs.run(reference="january", post_to="invoice")
    assert len(metered.usage_runs.list().rows) == 1


def test_a_preview_says_what_the_run_then_does(metered: Desk, clock: MovingClock) -> None:
    customer(metered, "poor", "0")
    for account in ("acme", "poor"):
        use(metered, 1234, JANUARY + timedelta(days=3), account=account)
        use(metered, "77.777", JANUARY + timedelta(days=4), account=account, meter="transfer")
    clock.move_to(FEBRUARY)
    preview, foreseen = metered.usage_runs.preview(), metered.usage_runs.preview_lines()
    run = metered.usage_runs.run()
    assert (preview.id, preview.status, preview.failed) == (None, "preview", 1)
    assert figures(preview) == figures(run)
    assert (preview.totals, preview.subscriptions, preview.done) == (run.totals, 2, 2)
    told = [line._replace(number=None, posting_id=None) for line in lines(metered, run)]
    assert [line._replace(detail="") for line in foreseen.rows if line.seq] == [
        line._replace(detail="") for line in told if line.seq
    ]
    assert [line.account_ref for line in foreseen.rows if line.seq == 0] == ["poor", "poor"]
    assert "cannot pay" in foreseen.rows[-1].detail


def test_a_preview_changes_nothing(metered: Desk, clock: MovingClock) -> None:
    use(metered, 1500, JANUARY + timedelta(hours=3))
    clock.move_to(FEBRUARY)
    assert metered.usage_runs.preview() == metered.usage_runs.preview()
    assert (balance(metered), metered.usage_runs.list().rows) == (10_000, ())


def test_what_cannot_be_paid_stays_open_and_comes_again(metered: Desk, clock: MovingClock) -> None:
    customer(metered, "poor", "1.00", count=2)
    use(metered, 1500, JANUARY + timedelta(hours=3))
    use(metered, 1500, JANUARY + timedelta(hours=3), account="poor")
    use(metered, 1001, FEBRUARY + timedelta(hours=3), account="poor")
    clock.move_to(MARCH)
    assert figures(metered.usage_runs.preview()) == (1, 1, 0, 1)
    run = metered.usage_runs.run()
    assert figures(run) == (1, 1, 0, 1)
    assert run.totals == (Money(5000, "USD"),)
    [failed] = [line for line in lines(metered, run) if line.seq == 0]
    assert (failed.account_ref, failed.period_since) == ("poor", JANUARY)
    assert "50.00 USD is needed, 1.00 USD can be used" in failed.detail
    assert run.id is not None
    assert metered.usage_runs.lines(run.id, only="failed").rows == (failed,)
    assert metered.usage_runs.lines(run.id, only="late").rows == ()
    assert len(metered.usage_runs.preview_lines(only="failed").rows) == 1
    assert balance(metered, "poor") == 100
    assert usage_entries(metered, "poor") == []
    [refusal] = [row for row in metered.audit.list(account="poor").rows if row.outcome == "refused"]
    assert refusal.action == "usage"
    metered.adjustments.credit("poor", "100.00", memo=MEMO)
    again = metered.usage_runs.run()
    assert figures(again) == (2, 2, 0, 0)
    assert [line.period_since for line in lines(metered, again)] == [JANUARY, FEBRUARY]
    assert balance(metered, "poor") == 100 + 10_000 - 5000 - 10


def test_three_missed_months_are_closed_once_each_in_order(
    metered: Desk, clock: MovingClock
) -> None:
    pay_for(metered, "sub_acme", months(FIRST, 3)[1:])
    for month, quantity in ((JANUARY, 1010), (FEBRUARY, 1020), (MARCH, 1030)):
        use(metered, quantity, month + timedelta(days=1))
    clock.move_to(APRIL)
    run = metered.usage_runs.run()
    assert [(line.period_since, line.amount.minor) for line in lines(metered, run)] == [
        (JANUARY, 100),
        (FEBRUARY, 200),
        (MARCH, 300),
    ]
    postings = metered.ledger.entries("acme", kinds=("usage",)).rows
    assert len({entry.reference for entry in postings}) == 3
    assert figures(metered.usage_runs.run()) == (0, 0, 0, 0)


def test_until_leaves_later_months_open(metered: Desk, clock: MovingClock) -> None:
    pay_for(metered, "sub_acme", months(FIRST, 2)[1:])
    use(metered, 1010, JANUARY + timedelta(days=1))
    use(metered, 1020, FEBRUARY + timedelta(days=1))
    clock.move_to(APRIL)
    assert metered.usage_runs.run(FEBRUARY).totals == (Money(100, "USD"),)
    assert metered.usage_runs.run().totals == (Money(200, "USD"),)


def test_a_clock_that_was_set_back_bills_nothing_again(metered: Desk, clock: MovingClock) -> None:
    use(metered, 1500, JANUARY + timedelta(days=1))
    clock.move_to(MARCH)
    metered.usage_runs.run()
    clock._now = FEBRUARY - timedelta(days=3)
    assert figures(metered.usage_runs.run()) == (0, 0, 0, 0)
    use(metered, 100, JANUARY + timedelta(days=1))
    assert metered.usage_runs.run().totals == (Money(1000, "USD"),)


@pytest.mark.parametrize("only", [None, "acme"])
def test_late_use_lands_in_the_next_run_as_a_correction(
    metered: Desk, clock: MovingClock, only: str | None
) -> None:
    use(metered, 900, JANUARY + timedelta(days=1))
    use(metered, 60, JANUARY + timedelta(days=1), meter="transfer")
    clock.move_to(FEBRUARY)
    metered.usage_runs.run()
    use(metered, 300, JANUARY + timedelta(days=2))
    use(metered, 200, JANUARY + timedelta(days=2))
    assert len(metered.usage_runs.preview_lines(only="late").rows) == 1
    assert metered.usage_runs.preview_lines(only="failed").rows == ()
    run = metered.usage_runs.run(account=only)
    assert figures(run) == (0, 1, 1, 0)
    [line] = lines(metered, run)
    assert (line.seq, line.quantity, line.billable) == (2, "500", "400")
    assert line.amount == Money(4000, "USD")
    assert line.detail == "400 × 0.10 in all"
    use(metered, 2, JANUARY + timedelta(days=2), meter="transfer")
    [line] = lines(metered, metered.usage_runs.run(account=only))
    assert (line.meter, line.seq, line.amount.minor) == ("transfer", 3, 10)
    assert figures(metered.usage_runs.run()) == (0, 0, 0, 0)
    assert balance(metered) == 10_000 - 50 - 4000 - 10


def test_late_use_within_what_is_included_is_kept_and_costs_nothing(
    metered: Desk, clock: MovingClock
) -> None:
    clock.move_to(FEBRUARY)
    metered.usage_runs.run()
    use(metered, 300, JANUARY + timedelta(days=2))
    [line] = lines(metered, metered.usage_runs.run())
    assert (line.seq, line.quantity, line.amount.minor, line.posting_id) == (2, "300", 0, None)
    use(metered, 701, JANUARY + timedelta(days=2))
    [line] = lines(metered, metered.usage_runs.run())
    assert (line.seq, line.quantity, line.amount.minor) == (3, "701", 10)


def test_late_use_that_could_not_be_paid_comes_again(metered: Desk, clock: MovingClock) -> None:
    use(metered, 2000, JANUARY + timedelta(days=1))
    clock.move_to(FEBRUARY)
    metered.usage_runs.run()
    use(metered, 5, JANUARY + timedelta(days=2))
    for _ in range(3):
        run = metered.usage_runs.run()
        assert figures(run) == (0, 0, 0, 1)
        assert [line.seq for line in lines(metered, run)] == [0]
    metered.adjustments.credit("acme", "1.00", memo=MEMO)
    assert figures(metered.usage_runs.run()) == (0, 1, 1, 0)
    assert figures(metered.usage_runs.run()) == (0, 0, 0, 0)
    assert balance(metered) == 50


def test_one_account_can_be_billed_alone(metered: Desk, clock: MovingClock) -> None:
    customer(metered, "other")
    for account in ("acme", "other"):
        use(metered, 1500, JANUARY + timedelta(days=1), account=account)
    clock.move_to(FEBRUARY)
    run = metered.usage_runs.run(account="other")
    assert (run.account_ref, run.subscriptions, figures(run)) == ("other", 1, (1, 1, 0, 0))
    assert (balance(metered), balance(metered, "other")) == (10_000, 5_000)
    assert metered.usage_runs.preview(account="acme").totals == (Money(5000, "USD"),)
    with pytest.raises(NotFound):
        metered.usage_runs.run(account="nobody")


def test_what_is_asked_for_must_make_sense(metered: Desk) -> None:
    with pytest.raises(BadInput, match="when its period is over"):
        metered.usage_runs.run(APRIL)
    with pytest.raises(BadInput, match="posted to 'moon'"):
        metered.usage_runs.preview(post_to="moon")
    with pytest.raises(BadInput, match="no sort of lines"):
        metered.usage_runs.preview_lines(only="moon")
    with pytest.raises(NotFound):
        metered.usage_runs.get("urn_nothing")
    with metered.transaction(), pytest.raises(Refused, match="write blocks of its own"):
        metered.usage_runs.run()


def test_a_canceled_subscription_is_closed_at_its_end(metered: Desk, clock: MovingClock) -> None:
    metered.accounts.add("gone", name="Gone")
    metered.adjustments.credit("gone", "100.00", memo=MEMO)
    end = datetime(2026, 1, 20, tzinfo=UTC)
    subscribe(metered, "gone", months(FIRST, 1), canceled_at=end)
    use(metered, 1100, end - timedelta(hours=1), account="gone")
    use(metered, 5000, end, account="gone")
    clock.move_to(end)
    [line] = lines(metered, metered.usage_runs.run())
    assert (line.period_until, line.quantity, line.amount.minor) == (end, "1100", 1000)
    clock.move_to(MARCH)
    assert metered.usage_runs.run(account="gone").periods == 0


def test_use_in_a_trial_costs_nothing(metered: Desk, clock: MovingClock) -> None:
    metered.accounts.add("new", name="New")
    ends = datetime(2026, 1, 15, tzinfo=UTC)
    anchor = ends.date()
    trial = Paid(JANUARY, ends, trial=True, anchor_on=anchor)
    subscribe(metered, "new", [trial, *months(anchor, 1)])
    use(metered, 50_000, JANUARY + timedelta(days=2), account="new")
    clock.move_to(datetime(2026, 2, 15, tzinfo=UTC))
    run = metered.usage_runs.run(account="new")
    [line] = lines(metered, run)
    assert (line.quantity, line.billable, line.amount.minor) == ("50000", "0", 0)
    assert (line.period_until, line.detail, run.periods) == (ends, "trial", 2)
    use(metered, 1, JANUARY + timedelta(days=2), account="new")
    [line] = lines(metered, metered.usage_runs.run())
    assert (line.seq, line.amount.minor) == (2, 0)


def test_terms_are_those_of_the_plan_at_the_beginning_of_the_month(
    metered: Desk, clock: MovingClock
) -> None:
    dear = STARTER._replace(
        version=2, usage=(STARTER.usage[0]._replace(unit_price=Decimal(1)), STARTER.usage[1])
    )
    sell(metered, METERED._replace(plans={"starter": dear}))
    half = datetime(2026, 1, 16, tzinfo=UTC)
    pay_for(
        metered,
        "sub_acme",
        [Paid(half, FEBRUARY, version=2), *months(FIRST, 2, version=2)[1:]],
    )
    use(metered, 1010, JANUARY + timedelta(days=1))
    use(metered, 1020, FEBRUARY + timedelta(days=1))
    clock.move_to(MARCH)
    run = metered.usage_runs.run()
    assert [line.amount.minor for line in lines(metered, run)] == [100, 2000]


def test_a_meter_is_billed_by_one_subscription_only(metered: Desk, clock: MovingClock) -> None:
    subscribe(metered, "acme", months(FIRST, 1), id="sub_second")
    use(metered, 1500, JANUARY + timedelta(days=1))
    clock.move_to(FEBRUARY)
    [line] = lines(metered, metered.usage_runs.run())
    assert line.subscription_id == "sub_acme"


def test_who_subscribes_again_on_the_day_of_the_end_pays_for_each_hour_once(
    desk: Desk, clock: MovingClock
) -> None:
    """A new subscription counts from the beginning of its day, when the old one still ran."""
    sell(desk)
    desk.accounts.add("again", name="Again")
    desk.adjustments.credit("again", "500.00", memo=MEMO)
    noon = JANUARY + timedelta(days=9, hours=12)
    end = noon + timedelta(minutes=40)
    subscribe(desk, "again", months(FIRST, 1), id="sub_old", canceled_at=end)
    subscribe(desk, "again", months(date(2026, 1, 10), 1), id="sub_new")
    use(desk, 1100, noon + timedelta(minutes=10), account="again")
    use(desk, 5, noon + timedelta(minutes=50), account="again")  # its hour began with the old one
    use(desk, 1200, noon + timedelta(hours=1), account="again")
    clock.move_to(MARCH)
    run = desk.usage_runs.run()
    assert [
        (line.subscription_id, line.quantity, line.amount.minor) for line in lines(desk, run)
    ] == [
        ("sub_old", "1105", 1050),
        ("sub_new", "1200", 2000),
    ]
    use(desk, 10, noon, account="again")
    use(desk, 20, noon + timedelta(hours=2), account="again")
    late = lines(desk, desk.usage_runs.run())
    assert [(line.subscription_id, line.quantity) for line in late] == [
        ("sub_old", "10"),
        ("sub_new", "20"),
    ]
    assert_every_line_is_in_the_books(desk)


def test_what_a_gateway_bills_is_left_to_it(metered: Desk, clock: MovingClock) -> None:
    metered.accounts.add("theirs", name="Theirs")
    subscribe(metered, "theirs", months(FIRST, 1), paid_by="elsewhere")
    use(metered, 1500, JANUARY + timedelta(days=1), account="theirs")
    clock.move_to(FEBRUARY)
    run = metered.usage_runs.run()
    assert (run.subscriptions, figures(run)) == (1, (1, 0, 0, 0))


def test_a_frozen_account_is_told_and_billed_when_it_is_free(
    metered: Desk, clock: MovingClock
) -> None:
    use(metered, 1500, JANUARY + timedelta(days=1))
    clock.move_to(FEBRUARY)
    metered.wallets.freeze("acme", memo=MEMO)
    assert metered.usage_runs.preview_lines().rows[0].detail == "the wallet is frozen"
    run = metered.usage_runs.run()
    assert run.failed == 1
    assert "frozen" in lines(metered, run)[0].detail
    metered.wallets.unfreeze("acme", memo=MEMO)
    assert metered.usage_runs.run().periods == 1

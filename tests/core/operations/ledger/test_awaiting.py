"""A lot waits past its day for as long as use from before it may still be billed in credits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk
from billdesk.core.operations.credits.granting import reset_cycle
from billdesk.core.rules.sheets import LotSheet
from billdesk.core.values.clock import MovingClock
from tests.core.operations.conftest import MEMO

CATALOG = """
[company]
name = "Seller Ltd"

[schedules.monthly]
name = "Monthly"
months = 1

[meters.calls]
name = "Calls"
unit = "call"

[meters.visits]
name = "Visits"
unit = "visit"

[plans.metered]
name = "Metered"
prices.monthly = "1.00 USD"
usage.calls = { included = 0, price = "1 CREDIT" }
usage.visits = { included = 10 }

[plans.flat]
name = "Flat"
prices.monthly = "1.00 USD"
"""
DAY = timedelta(days=1)
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def sold(desk: Desk, acme: str, tmp_path: Path, clock: MovingClock) -> str:
    """acme, with 100.00 USD, on the first of March."""
    path = tmp_path / "catalog.toml"
    path.write_text(CATALOG)
    assert desk.catalog.apply(path).applied
    clock.move_to(FIRST)
    return acme


def lot(desk: Desk, until: datetime) -> LotSheet:
    """100 credits of acme's that last until then."""
    return desk.credits.grant("acme", 100, memo=MEMO, expires_at=until)


def left(desk: Desk) -> int:
    return desk.credits.get("acme").balance


def use(desk: Desk, quantity: int) -> None:
    desk.usage.record("acme", "calls", quantity, event_id=f"{desk._office.now()}")


def test_use_is_billed_from_the_lot_that_was_there_when_it_happened(
    desk: Desk, sold: str, clock: MovingClock
) -> None:
    desk.subscriptions.create(sold, "metered")
    waiting = lot(desk, FIRST + 20 * DAY)
    clock.advance(19 * DAY)
    use(desk, 30)
    clock.advance(2 * DAY)
    assert desk.credits.expire_due() == 0
    assert desk.credits.get(sold).available == 100
    clock.move_to(datetime(2026, 4, 2, tzinfo=UTC))
    assert desk.credits.expire_due() == 0
    desk.usage_runs.run()
    assert left(desk) == 70
    assert desk.credits.expire_due() == 1
    amounts = [each.amount for each in desk.credits.uses(lot=waiting.id).rows]
    assert amounts == [70, 30]


def test_a_month_in_which_nothing_was_used_is_waited_for_to_its_end(
    desk: Desk, sold: str, clock: MovingClock
) -> None:
    desk.subscriptions.create(sold, "metered")
    lot(desk, FIRST + 20 * DAY)
    clock.advance(21 * DAY)
    assert desk.credits.expire_due() == 0
    clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    assert desk.credits.expire_due() == 1


def test_an_earlier_month_that_is_not_billed_is_waited_for_too(
    desk: Desk, sold: str, clock: MovingClock
) -> None:
    desk.subscriptions.create(sold, "metered")
    lot(desk, datetime(2026, 4, 20, tzinfo=UTC))
    use(desk, 5)
    clock.move_to(datetime(2026, 5, 3, tzinfo=UTC))
    assert desk.credits.expire_due() == 0
    desk.tick()
    desk.usage_runs.run()
    assert desk.credits.expire_due() == 1


def test_a_lot_that_ends_before_its_month_is_billed_goes_at_once_when_the_month_is_closed(
    desk: Desk, sold: str, clock: MovingClock
) -> None:
    desk.subscriptions.create(sold, "metered")
    lot(desk, FIRST + 20 * DAY)
    use(desk, 5)
    clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    desk.tick()
    desk.usage_runs.run()
    later = lot(desk, datetime(2026, 4, 2, tzinfo=UTC))
    assert desk.credits.expire_due() == 1
    clock.advance(2 * DAY)
    assert desk.credits.expire_due() == 0
    assert desk.credits.lot(later.id).remaining == 100


def test_plans_that_price_nothing_in_credits_keep_no_lot(
    desk: Desk, sold: str, clock: MovingClock
) -> None:
    desk.subscriptions.create(sold, "flat")
    lot(desk, FIRST + DAY)
    use(desk, 5)
    clock.advance(DAY)
    assert desk.credits.expire_due() == 1


def test_a_subscription_that_has_ended_is_used_no_more(
    desk: Desk, sold: str, clock: MovingClock
) -> None:
    subscription = desk.subscriptions.create(sold, "metered")
    lot(desk, datetime(2026, 4, 10, tzinfo=UTC))
    clock.advance(DAY)
    desk.subscriptions.cancel(subscription.id, when="now")
    clock.move_to(datetime(2026, 4, 10, tzinfo=UTC))
    assert desk.credits.expire_due() == 1


def test_a_new_period_of_the_plan_leaves_credits_for_what_the_last_one_used(
    desk: Desk, sold: str, clock: MovingClock, tmp_path: Path
) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(CATALOG.replace("usage.calls", "credits = 100\nusage.calls"))
    desk.catalog.apply(path)
    desk.subscriptions.create(sold, "metered")
    (first,) = desk.credits.lots(sold)
    use(desk, 30)
    clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    assert desk.tick().renewed == 1
    assert [each.remaining for each in desk.credits.lots(sold)] == [100, 100]
    desk.usage_runs.run()
    assert desk.credits.expire_due() == 1
    (second,) = desk.credits.lots(sold)
    assert (second.remaining, second.id != first.id) == (100, True)
    assert [each.amount for each in desk.credits.uses(lot=first.id).rows] == [70, 30]


def test_a_change_within_a_period_takes_the_plans_credits_at_once(
    desk: Desk, sold: str, clock: MovingClock, tmp_path: Path
) -> None:
    """What was used so far is billed from the new lot, which goes on to the period's end."""
    path = tmp_path / "catalog.toml"
    path.write_text(CATALOG.replace("usage.calls", "credits = 100\nusage.calls"))
    desk.catalog.apply(path)
    subscription = desk.subscriptions.create(sold, "metered")
    use(desk, 30)
    clock.advance(9 * DAY)
    office = desk._office
    with office.database.write() as session:
        reset_cycle(
            *(office, session, sold, subscription.id, 200),
            since=clock.now(), until=subscription.period_until, now=clock.now(),
        )  # fmt: skip
    assert [each.remaining for each in desk.credits.lots(sold, all=True)] == [200, 0]
    clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    desk.usage_runs.run()
    assert [each.remaining for each in desk.credits.lots(sold)] == [170]

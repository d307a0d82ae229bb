"""Credits come in lots: which burns first, what comes back, what expires, what a period leaves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from billdesk.core.desk import ChargeRequest, Desk
from billdesk.core.operations.crediting import grant_lot, reset_cycle
from billdesk.core.rules.sheets import LotSheet
from billdesk.core.store.credit_questions import lots_of
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import InsufficientFunds
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
    expires_at: datetime | None = None,
    priority: int | None = None,
    about: str | None = None,
) -> LotSheet:
    """A lot of hill's."""
    office = desk._office
    with office.database.write() as session:
        return grant_lot(
            *(office, session, "hill", amount),
            source="promotion", about=about, now=office.now(), expires_at=expires_at,
            priority=priority,
        )  # fmt: skip


def left(desk: Desk, account: str = "hill") -> list[int]:
    """What is left of an account's lots, in the order in which they came."""
    office = desk._office
    with office.database.read() as session:
        lots = lots_of(session, office.account(session, account).id, used_up=True)
    return [lot.remaining for lot in sorted(lots, key=lambda lot: (lot.granted_at, lot.id))]


def test_a_charge_burns_by_priority_then_expiry_then_age(
    desk: Desk, hill: str, clock: MovingClock
) -> None:
    for expires, priority in ((None, None), (9, None), (5, None), (None, 10), (None, None)):
        granted(
            desk, 10, expires_at=expires and clock.now() + expires * DAY, priority=priority
        )
        clock.advance(timedelta(seconds=1))
    desk.charges.create(hill, "35 CREDIT", reference="r1")
    assert left(desk) == [5, 0, 0, 0, 10]


def test_what_a_charge_took_goes_back_to_its_lots(desk: Desk, hill: str, clock: MovingClock) -> None:
    granted(desk, 10)
    clock.advance(timedelta(seconds=1))
    granted(desk, 10)
    charge = desk.charges.create(hill, "15 CREDIT", reference="r1")
    desk.charges.create(hill, "2 CREDIT", reference="r2")
    desk.refunds.create(charge.id)
    assert left(desk) == [10, 8]

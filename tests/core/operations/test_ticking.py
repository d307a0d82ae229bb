"""A tick does everything that is due, and may be repeated."""

from datetime import timedelta

import pytest

from billdesk.core.desk import ChargeRequest, Desk
from billdesk.core.operations import ticking
from billdesk.core.values.clock import MovingClock


def test_a_tick_does_what_is_due_once(desk: Desk, clock: MovingClock, acme: str) -> None:
    desk.holds.place(acme, "10", reference="job:1", lasts=timedelta(seconds=5))
    desk.deposits.start(acme, "50")
    clock.advance(timedelta(seconds=5))
    sheet = desk.tick()
    assert (sheet.at, sheet.polled, sheet.deposits, sheet.holds_expired, sheet.errors) == (
        clock.now(), 1, 1, 1, (),
    )  # fmt: skip
    assert sheet.facts >= 1
    assert sheet.indexed > 0
    clock.advance(timedelta(seconds=5))
    again = desk.tick()
    assert (again.facts, again.deposits, again.holds_expired, again.indexed) == (0, 0, 0, 0)
    assert desk.wallets.balance(acme).balance.minor == 15_000


def test_a_poll_asks_and_does_nothing_else(desk: Desk, clock: MovingClock, acme: str) -> None:
    desk.holds.place(acme, "10", reference="job:1", lasts=timedelta(seconds=5))
    clock.advance(timedelta(seconds=5))
    sheet = desk.gateways.poll()
    assert (sheet.polled, sheet.holds_expired, sheet.indexed) == (1, 0, 0)


def test_a_tick_indexes_in_bounded_steps(
    desk: Desk, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticking, "_INDEX_BATCHES", 1)
    desk.charges.create_many([ChargeRequest(acme, "0.01", f"n:{number}") for number in range(3000)])
    indexed = 0
    for _ in range(10):
        step = desk.tick().indexed
        indexed += step
        if step == 0:
            break
    assert indexed == 3001

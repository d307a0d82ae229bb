"""Thresholds and budgets are told once each per period, and only what moved is looked at."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.usage import alerting
from billdesk.core.operations.usage.metering import alert_due
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import NotFound
from tests.core.operations.metered import sell, subscribe

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


@pytest.fixture
def metered(desk: Desk, acme: str) -> Desk:
    """A desk whose account acme has 1000 calls and 50 GB included in January."""
    sell(desk)
    subscribe(desk, acme, JANUARY, FEBRUARY)
    return desk


def look(desk: Desk) -> int:
    """What the tick does."""
    return alert_due(desk._office, desk.now())


def told(desk: Desk) -> list[tuple[str, int]]:
    """(meter, percent) of what was told, oldest first."""
    return [(sheet.meter, sheet.percent) for sheet in reversed(desk.usage.alerts().rows)]


def test_each_threshold_is_told_once_in_a_period(metered: Desk) -> None:
    for number, (quantity, expected) in enumerate(
        [(749, []), (1, [75]), (149, []), (101, [90, 95, 100]), (500, [])]
    ):
        metered.usage.record("acme", "calls", quantity, event_id=f"e{number}")
        assert look(metered) == len(expected)
        assert look(metered) == 0
        assert told(metered)[len(told(metered)) - len(expected) :] == [
            ("calls", percent) for percent in expected
        ]
    summaries = [line.summary for line in metered.audit.list(action="usage.threshold").rows]
    assert len(summaries) == 4
    assert summaries[-1] == "API calls: 75 % of 1000 call reached (750 used)"


def test_the_next_period_begins_anew(metered: Desk, clock: MovingClock) -> None:
    metered.usage.record("acme", "calls", 800, event_id="e1")
    assert look(metered) == 1
    clock.move_to(datetime(2026, 2, 3, tzinfo=UTC))
    subscribe(metered, "acme", FEBRUARY, MARCH)
    metered.usage.record("acme", "calls", 10, event_id="e2", at="2026-02-02T00:00Z")
    assert look(metered) == 0
    metered.usage.record("acme", "calls", 790, event_id="e3", at="2026-02-02T00:00Z")
    assert look(metered) == 1
    assert told(metered) == [("calls", 75), ("calls", 75)]


def test_a_budget_is_told_when_it_will_not_last_and_when_it_is_spent(metered: Desk) -> None:
    metered.usage.set_budget("acme", "500.00")
    metered.usage.record("acme", "calls", 1100, event_id="e1", at="2026-01-02T00:00Z")
    assert look(metered) == 5  # four thresholds, and the forecast
    assert told(metered)[-1] == ("", 0)
    metered.usage.record("acme", "calls", 4900, event_id="e2", at="2026-01-03T00:00Z")
    assert look(metered) == 1
    assert told(metered)[-1] == ("", 100)
    assert metered.usage.budget("acme").told_at == metered.now()
    newest = metered.usage.alerts("acme", limit=1).rows[0]
    assert newest.summary == "the budget of 500.00 USD is spent (500.00 USD)"
    metered.usage.record("acme", "calls", 4900, event_id="e3", at="2026-01-03T00:00Z")
    assert look(metered) == 0


def test_a_budget_that_lasts_is_not_told_of(metered: Desk) -> None:
    metered.usage.set_budget("acme", "500.00")
    metered.usage.record("acme", "calls", 10, event_id="e1", at="2026-01-02T00:00Z")
    assert look(metered) == 0


def test_who_used_nothing_since_is_not_looked_at(
    metered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    metered.usage.record("acme", "calls", 1, event_id="e1")
    look(metered)
    looked: list[str] = []
    before = alerting._look

    def noting(*arguments: object) -> int:
        looked.extend(account.ref for account in arguments[1])  # type: ignore[attr-defined]
        return before(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(alerting, "_look", noting)
    metered.accounts.add("zoo", name="Zoo")
    metered.usage.record("zoo", "calls", 1, event_id="e2")
    look(metered)
    assert looked == ["zoo"]


def test_very_many_events_are_looked_at_in_steps(
    metered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "EVENTS_AT_ONCE", 3)
    monkeypatch.setattr(alerting, "_STEPS", 2)
    metered.usage.record_many(
        ("acme", "calls" if n < 9 else "transfer", 100 if n < 9 else 50, f"e{n}", metered.now())
        for n in range(10)
    )
    # What is summed up is there at once; what was not looked at yet comes with the next tick.
    assert look(metered) == 6
    metered.accounts.add("zoo", name="Zoo")
    subscribe(metered, "zoo", JANUARY, FEBRUARY)
    metered.usage.record("zoo", "calls", 800, event_id="zoo")
    assert look(metered) == 1
    with pytest.raises(NotFound):
        metered.usage.alerts("nobody")
    assert [sheet.account_ref for sheet in metered.usage.alerts("zoo").rows] == ["zoo"]
    first = metered.usage.alerts(limit=4)
    assert len(metered.usage.alerts(after=first.after).rows) == 3


def test_while_somebody_keeps_writing_events_it_is_left_for_the_next_time(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovingClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
    monkeypatch.setenv("BILLDESK_DEADLINE_SECONDS", "0.2")
    with (
        open_desk(postgres_url, clock=clock) as desk,
        open_desk(postgres_url, clock=clock) as other,
    ):
        sell(desk)
        desk.accounts.add("acme", name="Acme")
        subscribe(desk, "acme", JANUARY, FEBRUARY)
        desk.usage.record_many(
            [("acme", meter, 1, meter, "2026-01-04T00:00Z") for meter in ("calls", "transfer")]
        )
        with other.transaction():
            other.usage.record("acme", "calls", 1000, event_id="e1")
            desk.usage.record("acme", "transfer", 1, event_id="e2")
            assert look(desk) == 0
        # What was committed last has the lower number, and is seen all the same.
        assert look(desk) == 4

"""An hour that is not the sum of its events is found by verify, and named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billdesk.core.desk import Desk
from billdesk.core.values.clock import to_micros
from tests.core.operations.metered import sell
from tests.new_ledger import START

HOUR = timedelta(hours=1)


@pytest.fixture
def metered(desk: Desk) -> Desk:
    """Two accounts that use two meters in five hours."""
    sell(desk)
    desk.accounts.add("acme", name="Acme")
    desk.accounts.add("zoo", name="Zoo")
    desk.usage.record_many(
        (ref, meter, 3, f"{ref}{meter}{n}", START - n % 5 * HOUR)
        for ref in ("acme", "zoo")
        for meter in ("calls", "transfer")
        for n in range(25)
    )
    return desk


@pytest.mark.parametrize("at_once", [7, 200_000])
def test_hours_that_agree_are_silent(
    metered: Desk, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("billdesk.core.store.usage_checks._EVENTS_AT_ONCE", at_once)
    assert metered.verify().findings == ()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE usage_hour SET quantity = quantity + 1 WHERE hour = {hour} AND stream_number = {one}",
         ["acme calls: the hour from 2026-01-05T09:00:00Z has 16 in 5 events, they sum to 15 in 5"]),
        ("UPDATE usage_hour SET events = 6 WHERE hour = {hour} AND stream_number = {one}",
         ["acme calls: the hour from 2026-01-05T09:00:00Z has 15 in 6 events, they sum to 15 in 5"]),
        ("DELETE FROM usage_hour WHERE hour = {hour} AND stream_number = {one}",
         ["acme calls: the hour from 2026-01-05T09:00:00Z has 0 in 0 events, they sum to 15 in 5"]),
        ("INSERT INTO usage_hour VALUES ({one}, 0, 7, 1, 0)",
         ["acme calls: the hour from 1970-01-01T00:00:00Z has 7 in 1 events, they sum to 0 in 0"]),
        ("INSERT INTO usage_hour VALUES (77, 0, 7, 1, 0)",
         ["None stream 77: the hour from 1970-01-01T00:00:00Z has 7 in 1 events, they sum to 0 in 0"]),
    ],
)  # fmt: skip
def test_an_hour_that_was_altered_is_named(
    metered: Desk, statement: str, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billdesk.core.store.usage_checks._EVENTS_AT_ONCE", 30)
    with metered._office.database.write() as session:
        one = session.one(
            "SELECT s.number FROM usage_stream s JOIN account a ON a.id = s.account_id"
            " WHERE a.ref = 'acme' AND s.meter = 'calls'"
        )
        assert one is not None
        session.run(statement.format(hour=to_micros(START), one=one[0]))
    findings = metered.verify().findings
    assert {finding.check for finding in findings} == {"usage"}
    assert [f"{finding.account_ref} {finding.text}" for finding in findings] == told


def test_what_was_moved_between_hours_is_found_though_the_sum_is_the_same(metered: Desk) -> None:
    with metered._office.database.write() as session:
        for hour, more in ((0, 1), (1, -2), (2, 1)):
            session.run(
                "UPDATE usage_hour SET quantity = quantity + ? WHERE hour = ?",
                (more, to_micros(START - hour * HOUR)),
            )
    assert len(metered.verify().findings) == 12


def test_of_very_many_findings_enough_are_named(
    metered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billdesk.core.store.usage_checks._MOST_FINDINGS", 7)
    with metered._office.database.write() as session:
        session.run("DELETE FROM usage_hour")
    assert len(metered.verify().findings) == 7

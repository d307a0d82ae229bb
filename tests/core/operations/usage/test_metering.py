"""Usage is taken in once, whoever tells it how often and in which order, and its hours always agree."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from billdesk.core.desk import Desk, create_ledger, open_desk
from billdesk.core.operations.usage import ingesting
from billdesk.core.rules.sheets import IngestSheet
from billdesk.core.store.usage import PeriodKey, PeriodQuantity, hour_quantities, period_quantities
from billdesk.core.values.clock import MovingClock, to_micros
from billdesk.core.values.errors import AlreadyExists, BadInput, NotFound, ReadOnly
from tests.core.operations.metered import METERED, difference, hours, sell
from tests.new_ledger import START

HOUR = timedelta(hours=1)


@pytest.fixture
def metered(desk: Desk, acme: str) -> Desk:
    """A desk with meters, and the account acme."""
    sell(desk)
    return desk


def test_an_event_is_recorded_once_and_exactly(metered: Desk) -> None:
    first = metered.usage.record("acme", "transfer", "1.25", event_id="e1", at=START - HOUR)
    assert (first.quantity, first.unit, first.replayed) == ("1.250", "GB", False)
    again = metered.usage.record(
        metered.accounts.get("acme").id,
        "transfer",
        Decimal("1.250"),
        event_id="e1",
        at=START - HOUR,
    )
    assert again == first._replace(replayed=True)
    assert hours(metered, "acme", "transfer") == {START - HOUR: 1250}


def test_an_event_without_an_instant_happens_now(metered: Desk, clock: MovingClock) -> None:
    clock.advance(timedelta(minutes=20))
    sheet = metered.usage.record("acme", "calls", 7, event_id="e1")
    assert sheet.at == sheet.received_at == START + timedelta(minutes=20)
    assert hours(metered, "acme", "calls") == {START: 7}


def test_an_id_is_not_used_for_something_else(metered: Desk) -> None:
    metered.usage.record("acme", "calls", 7, event_id="e1")
    with pytest.raises(AlreadyExists, match="other content"):
        metered.usage.record("acme", "calls", 8, event_id="e1")
    assert hours(metered, "acme", "calls") == {START: 7}


@pytest.mark.parametrize(
    ("account", "meter", "quantity", "event_id", "at", "told"),
    [
        ("nobody", "calls", 1, "e", START, "no account"),
        ("acme", "steps", 1, "e", START, "there is no meter"),
        ("acme", "calls", -1, "e", START, "negative"),
        ("acme", "calls", "0.5", "e", START, "finer"),
        ("acme", "calls", 10**16, "e", START, "absurd"),
        ("acme", "calls", 1, "two words ", START, "event id"),
        ("acme", "calls", 1, 42, START, "event id"),
        ("acme", "calls", 1, "e", START + 2 * HOUR, "future"),
        ("acme", "calls", 1, "e", "1999-12-31T00:00Z", "too long ago"),
        ("house", "calls", 1, "e", START, "house"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    metered: Desk, account: str, meter: str, quantity: int, event_id: str, at: datetime, told: str
) -> None:
    with pytest.raises((BadInput, NotFound), match=told):
        metered.usage.record(account, meter, quantity, event_id=event_id, at=at)
    assert metered.usage.record_many([(account, meter, quantity, event_id, at)]).rejected == 1
    assert difference(metered) == []


def test_of_a_batch_the_good_ones_are_in_and_the_others_told_by_place(metered: Desk) -> None:
    sheet = metered.usage.record_many(
        [
            ("acme", "calls", 1, "a", START),
            ("acme", "calls", "x", "b", START),
            ("nobody", "calls", 1, "c", START),
            ("acme", "calls", 2, "a", START),  # the first of two that differ counts
            ("acme", "calls", 1, "a", START),
            ("acme", "transfer", "0.5", "d", START - HOUR),
        ]
    )
    assert (sheet.read, sheet.new, sheet.known, sheet.rejected) == (6, 2, 1, 3)
    assert [error.line for error in sheet.errors] == [2, 3, 4]
    assert "other content" in sheet.errors[2].text
    assert hours(metered, "acme", "calls") == {START: 1}
    assert hours(metered, "acme", "transfer") == {START - HOUR: 500}
    again = metered.usage.record_many([("acme", "transfer", "0.500", "d", START - HOUR)])
    assert (again.new, again.known, again.rejected) == (0, 1, 0)


def test_an_account_that_was_not_there_is_found_when_it_is(metered: Desk) -> None:
    event = ("later", "calls", 1, "e1", START)
    assert metered.usage.record_many([event]).rejected == 1
    metered.accounts.add("later", name="Later Ltd")
    assert metered.usage.record_many([event]).new == 1


def test_what_a_transaction_took_back_is_counted_nowhere(metered: Desk) -> None:
    with metered.rehearsal():
        metered.usage.record("acme", "calls", 5, event_id="e1")
    # The stream's number is free again: it may not be remembered for calls.
    metered.usage.record("acme", "transfer", "1", event_id="e2")
    assert hours(metered, "acme", "calls") == {}
    metered.usage.record("acme", "calls", 5, event_id="e1")
    assert hours(metered, "acme", "calls") == {START: 5}
    assert hours(metered, "acme", "transfer") == {START: 1000}


def test_nothing_is_recorded_on_a_desk_that_only_looks(metered: Desk, ledger_url: str) -> None:
    with open_desk(ledger_url, read_only=True) as desk, pytest.raises(ReadOnly):
        desk.usage.record("acme", "calls", 5, event_id="e1", at=START)


def test_events_in_any_order_with_replays_sum_up_to_the_same(metered: Desk) -> None:
    chance = Random(4)
    events = [
        ("acme", chance.choice(["calls", "transfer"]), chance.randrange(50), f"e{number}",
         START - chance.randrange(100) * timedelta(minutes=7))
        for number in range(600)
    ]  # fmt: skip
    told = [*events, *chance.sample(events, 200)]
    chance.shuffle(told)
    batches = [told[start : start + 130] for start in range(0, len(told), 130)]
    sheets = [metered.usage.record_many(batch) for batch in batches]
    assert sum(sheet.new for sheet in sheets) == 600
    assert sum(sheet.known for sheet in sheets) == 200
    assert difference(metered) == []
    calls = sum(event[2] for event in events if event[1] == "calls")
    assert sum(hours(metered, "acme", "calls").values()) == calls


def test_two_who_tell_the_same_at_once_count_it_once(metered: Desk, ledger_url: str) -> None:
    events = [("acme", "calls", number % 7, f"e{number}", START) for number in range(3000)]
    sheets: list[IngestSheet] = []

    def tell(order: int) -> None:
        with open_desk(ledger_url, clock=MovingClock(START)) as desk:
            mine = events[::order]
            sheets.extend(
                desk.usage.record_many(mine[start : start + 500]) for start in range(0, 3000, 500)
            )

    threads = [threading.Thread(target=tell, args=(order,)) for order in (1, -1, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sheet.new for sheet in sheets) == 3000
    assert sum(sheet.known for sheet in sheets) == 6000
    assert hours(metered, "acme", "calls") == {START: sum(event[2] for event in events)}


def test_a_period_is_the_sum_of_its_hours_and_of_nothing_else(metered: Desk) -> None:
    metered.accounts.add("zoo", name="Zoo")
    since, until = START - 10 * HOUR, START
    metered.usage.record_many(
        [
            ("acme", "calls", 1, "before", since - timedelta(microseconds=1)),
            ("acme", "calls", 2, "first", since),
            ("acme", "calls", 4, "last", until - timedelta(microseconds=1)),
            ("acme", "calls", 8, "after", until),
            ("acme", "transfer", "0.016", "other", since),
            ("zoo", "calls", 32, "zoo", since),
        ]
    )
    acme = metered.accounts.get("acme").id
    zoo = metered.accounts.get("zoo").id
    now, lower, upper = to_micros(START), to_micros(since), to_micros(until)
    keys = [
        PeriodKey(acme, lower, upper),
        PeriodKey(acme, upper, upper + 1),
        PeriodKey(zoo, lower, upper),
    ]
    with metered._office.database.read() as session:
        assert period_quantities(session, keys) == {
            (acme, "calls", lower): PeriodQuantity(6, 2, now),
            (acme, "transfer", lower): PeriodQuantity(16, 1, now),
            (acme, "calls", upper): PeriodQuantity(8, 1, now),
            (zoo, "calls", lower): PeriodQuantity(32, 1, now),
        }
        assert period_quantities(session, []) == {}
        assert hour_quantities(session, acme, "calls", lower, upper) == [
            (lower, 2),
            (upper - 3_600_000_000, 4),
        ]


@pytest.mark.parametrize(
    ("zone", "begins"), [("Asia/Kolkata", 30), ("Asia/Kathmandu", 15), ("America/St_Johns", 30)]
)
def test_where_the_clock_differs_by_less_than_an_hour_a_day_begins_with_an_hour(
    tmp_path_factory: pytest.TempPathFactory, zone: str, begins: int
) -> None:
    path = tmp_path_factory.mktemp("zone") / "ledger"
    with create_ledger(str(path), zone=zone, clock=MovingClock(START), gateways=()) as desk:
        sell(desk, METERED)
        desk.accounts.add("acme", name="Acme")
        desk.usage.record(
            "acme", "calls", 1, event_id="e1", at=datetime(2026, 1, 4, 10, 14, tzinfo=UTC)
        )
        [hour] = hours(desk, "acme", "calls")
    assert hour.minute == begins


def test_what_came_after_its_period_was_billed_is_late(metered: Desk) -> None:
    acme = metered.accounts.get("acme").id
    metered.usage.record("acme", "calls", 1, event_id="e0")
    with metered._office.database.write() as session:
        session.run(
            "INSERT INTO usage_period (subscription_id, meter, since, until, account_id, quantity,"
            " amount_minor, lines, closed_at) VALUES ('s', 'calls', 0, ?, ?, 0, 0, 1, 0)",
            (to_micros(START - HOUR), acme),
        )
        session.run(
            "INSERT INTO usage_run (id, until, post_to, status, actor, started_at)"
            " VALUES ('run', 0, 'wallet', 'done', 'x', 0)"
        )
    late = ("acme", "calls", 2, "late", START - 2 * HOUR)
    assert metered.usage.record_many([late, ("acme", "calls", 2, "now", START)]).late == 1
    assert metered.usage.record_many([late, ("acme", "calls", 3, "l2", START - 3 * HOUR)]).late == 1


HEADING = "account,meter,quantity,event_id,at,unit\n"


def test_of_a_file_the_good_lines_are_in_and_the_same_again_changes_nothing(
    metered: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(
        "\ufeff" + HEADING + "acme,calls,5,e1,2026-01-05T08:30Z,call\n"
        "acme,transfer,1.5,e2,2026-01-05T08:30Z,MB\n"
        "acme,transfer,-1,e3,2026-01-05T08:30Z,\n"
        "broken\n"
        "acme,calls,6,e1,2026-01-05T08:30Z,\n"
        "acme,steps,6,e4,2026-01-05T08:30Z,feet\n"
        "acme,transfer,1.5,e5,2026-01-05T08:30+01:00,GB\n",
        encoding="utf-8",
    )
    seen: list[tuple[int, int]] = []
    sheet = metered.usage.ingest(path, on_progress=lambda done, of: seen.append((done, of)))
    assert (sheet.read, sheet.new, sheet.known, sheet.rejected) == (7, 2, 0, 5)
    assert [error.line for error in sheet.errors] == [3, 4, 5, 6, 7]
    assert sheet.errors[0].text == "the unit is 'MB'; transfer is counted in GB"
    size = path.stat().st_size
    assert seen == [(size, size)]
    assert hours(metered, "acme", "calls") == {START - HOUR: 5}
    assert hours(metered, "acme", "transfer") == {START - 2 * HOUR: 1500}
    again = metered.usage.ingest(path)
    assert (again.new, again.known, again.rejected) == (0, 2, 5)
    assert difference(metered) == []


def test_of_very_many_broken_lines_the_first_thousand_are_told(metered: Desk) -> None:
    sheet = metered.usage.ingest(io.StringIO(HEADING + "broken\n" * 2500))
    assert (sheet.read, sheet.rejected, len(sheet.errors)) == (2500, 2500, 1000)
    assert sheet.errors[-1].line == 1001


def test_where_events_go_is_forgotten_before_it_fills_memory(
    metered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "_MOST_TARGETS", 1)
    monkeypatch.setattr(ingesting, "BATCH", 2)
    meters = ["calls", "transfer"] * 3
    sheet = metered.usage.record_many(
        ("acme", meter, 1, f"e{number}", START) for number, meter in enumerate(meters)
    )
    assert sheet.new == 6
    assert difference(metered) == []

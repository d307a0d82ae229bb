"""Use is billed month by month: nothing twice, nothing that was paid for left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from billdesk.core.rules.periods import months_after, period_bounds
from billdesk.core.rules.usage_periods import Stretch, ended_at, left_of, terms_at, usage_periods
from billdesk.core.values.clock import from_micros, to_micros

LONDON, KOLKATA = ZoneInfo("Europe/London"), ZoneInfo("Asia/Kolkata")
NEVER, ALWAYS = 2**62, -(2**62)


def stretch(
    since: str, until: str, version: int = 1, *, anchor: str = "", trial: bool = False
) -> Stretch:
    return Stretch(
        at(since), at(until), "pro", version, trial, date.fromisoformat(anchor or since[:10])
    )


def at(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


def days(
    stretches: list[Stretch], *, after: int = ALWAYS, end: int = NEVER
) -> list[tuple[str, str, int]]:
    return [
        (f"{from_micros(each.since):%m-%d}", f"{from_micros(each.until):%m-%d}", each.plan_version)
        for each in usage_periods(stretches, ZoneInfo("UTC"), after=after, end=end)
    ]


def test_a_month_is_closed_whole_and_a_quarter_by_its_months() -> None:
    assert days([stretch("2026-01-10", "2026-02-10")]) == [("01-10", "02-10", 1)]
    assert days([stretch("2026-01-31", "2026-04-30")]) == [
        ("01-31", "02-28", 1),
        ("02-28", "03-31", 1),
        ("03-31", "04-30", 1),
    ]


def test_only_what_is_over_and_not_closed_yet_is_left() -> None:
    quarter = [stretch("2026-01-01", "2026-04-01")]
    assert days(quarter, after=at("2026-02-01"), end=at("2026-03-31")) == [("02-01", "03-01", 1)]
    # A month that was closed in its middle, when the subscription seemed to have ended there.
    assert days(quarter, after=at("2026-03-10")) == [("03-10", "04-01", 1)]


def test_a_change_within_a_month_leaves_the_month_whole_and_counts_from_the_next() -> None:
    year = [
        stretch("2026-01-01", "2027-01-01"),
        stretch("2026-02-15", "2027-01-01", 2, anchor="2026-01-01"),
    ]
    assert days(year, end=at("2026-04-01")) == [
        ("01-01", "02-01", 1),
        ("02-01", "03-01", 1),
        ("03-01", "04-01", 2),
    ]


def test_a_new_period_that_begins_early_ends_the_old_one() -> None:
    restarted = [stretch("2026-01-01", "2026-02-01"), stretch("2026-01-12", "2026-04-12", 2)]
    assert days(restarted, end=at("2026-03-12")) == [
        ("01-01", "01-12", 1),
        ("01-12", "02-12", 2),
        ("02-12", "03-12", 2),
    ]


def test_nothing_is_closed_for_a_pause_or_after_the_end() -> None:
    paused = [stretch("2026-01-01", "2026-02-01"), stretch("2026-02-20", "2026-03-20")]
    assert days(ended_at(paused, at("2026-03-01"))) == [
        ("01-01", "02-01", 1),
        ("02-20", "03-01", 1),
    ]
    assert days(ended_at(paused, at("2026-01-15"))) == [("01-01", "01-15", 1)]


def test_a_trial_is_told_apart() -> None:
    trial = [
        stretch("2026-01-01", "2026-01-15", anchor="2026-01-15", trial=True),
        stretch("2026-01-15", "2026-02-15"),
    ]
    assert [each.trial for each in usage_periods(trial, LONDON, after=ALWAYS, end=NEVER)] == [
        True,
        False,
    ]


def test_terms_of_a_time_that_nobody_paid_for_are_the_first() -> None:
    stretches = [stretch("2026-01-01", "2026-02-01"), stretch("2026-02-01", "2026-03-01", 2)]
    assert terms_at(stretches, at("2025-06-01")).plan_version == 1
    assert terms_at(stretches, at("2026-02-01")).plan_version == 2


def test_what_others_had_is_not_left() -> None:
    assert left_of(10, 20, []) == ((10, 20),)
    assert left_of(10, 20, [(0, 12)]) == ((12, 20),)
    assert left_of(10, 20, [(15, 30)]) == ((10, 15),)
    assert left_of(10, 20, [(12, 14), (13, 16), (18, 20)]) == ((10, 12), (16, 18))
    assert left_of(10, 20, [(0, 11), (0, 40), (30, 50)]) == ()
    assert left_of(10, 20, [(25, 30)]) == ((10, 20),)


@settings(max_examples=60)
@given(
    anchor=st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    months=st.sampled_from([1, 3, 12]),
    zone=st.sampled_from([LONDON, KOLKATA, ZoneInfo("America/Los_Angeles")]),
    cut=st.integers(0, 800),
)
def test_months_follow_one_another_without_gap_or_overlap(
    anchor: date, months: int, zone: ZoneInfo, cut: int
) -> None:
    bounds = [period_bounds(anchor, months, index, zone) for index in range(24 // months)]
    stretches = [
        Stretch(to_micros(since), to_micros(until), "pro", 1, trial=False, anchor_on=anchor)
        for since, until in bounds
    ]
    end = stretches[0].since + cut * timedelta(days=1) // timedelta(microseconds=1)
    all_of_them = list(usage_periods(stretches, zone, after=ALWAYS, end=NEVER))
    assert len(all_of_them) == len({each.since for each in all_of_them}) == 24
    assert all_of_them[0].since == stretches[0].since
    assert all_of_them[-1].until == stretches[-1].until
    for place, (before, after) in enumerate(pairwise(all_of_them), 1):
        assert before.until == after.since
        local = from_micros(after.since).astimezone(zone)
        assert local.date() == months_after(anchor, place)
    over = list(usage_periods(stretches, zone, after=ALWAYS, end=end))
    rest = list(usage_periods(stretches, zone, after=over[-1].until if over else ALWAYS, end=NEVER))
    assert over + rest == all_of_them

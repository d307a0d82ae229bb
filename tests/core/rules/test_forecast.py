"""What is expected follows the weekdays; how far off that was before is said honestly."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.rules.forecast import Backtest, Forecast, backtested, forecast

DAY = timedelta(days=1)
AUGUST = (date(2026, 8, 1), date(2026, 9, 1))
JULY = (date(2026, 7, 1), date(2026, 8, 1))
JUNE = (date(2026, 6, 1), date(2026, 7, 1))


def days(since: date, until: date, weekday: int, weekend: int) -> dict[date, int]:
    """So much on each weekday, so much at weekends."""
    every = [since + number * DAY for number in range((until - since).days)]
    return {day: weekend if day.weekday() >= 5 else weekday for day in every}


def test_with_four_weeks_behind_each_weekday_is_expected_as_it_was() -> None:
    today = date(2026, 8, 10)
    used = days(JULY[0], today, 100, 10)
    answer = forecast(used, AUGUST, today, 0)
    whole = sum(days(*AUGUST, 100, 10).values())
    assert answer.likely == answer.low == answer.high == whole
    assert answer.used == sum(days(AUGUST[0], today, 100, 10).values())
    assert dict(answer.expected) == days(today, AUGUST[1], 100, 10)


def test_with_less_than_two_weeks_behind_every_day_is_expected_alike() -> None:
    used = {date(2026, 8, 1): 10, date(2026, 8, 3): 20}
    answer = forecast(used, AUGUST, date(2026, 8, 5), None)
    # Thirty in four days, two of them without any use: seven a day, rounded down.
    assert {quantity for _, quantity in answer.expected} == {7}
    assert answer.likely == 30 + 27 * 7
    # The days differ by the root of (9 + 49 + 169 + 49) / 4, and 27 of them are ahead.
    assert (answer.low, answer.high) == (answer.likely - 8 * 5, answer.likely + 8 * 5)


def test_today_counts_as_what_it_has_used_already_if_that_is_more() -> None:
    today = date(2026, 8, 5)
    used = {date(2026, 8, 4): 10, today: 3}
    assert forecast(used, AUGUST, today, 0).expected[0] == (today, 10)
    used[today] = 50
    answer = forecast(used, AUGUST, today, 0)
    assert answer.expected[0] == (today, 50)
    assert (answer.used, answer.likely) == (60, 60 + 26 * 10)


def test_without_any_use_nothing_is_expected() -> None:
    answer = forecast({}, AUGUST, date(2026, 8, 30), None)
    expected = ((date(2026, 8, 30), 0), (date(2026, 8, 31), 0))
    assert answer == Forecast(0, expected, 0, 0, 0)


def test_the_margin_is_as_wide_as_the_method_was_off() -> None:
    today = date(2026, 8, 31)
    answer = forecast({date(2026, 8, 30): 1000}, AUGUST, today, 100)
    assert (answer.low, answer.likely, answer.high) == (1800, 2000, 2200)
    # Never below what was used already.
    assert forecast({date(2026, 8, 30): 1000}, AUGUST, today, 900).low == 1000


def test_a_steady_customer_was_always_foreseen() -> None:
    used = days(date(2026, 5, 1), date(2026, 8, 10), 100, 10)
    assert backtested(used, (JULY, JUNE), 9) == Backtest(0, 2)


def test_the_error_is_the_mean_of_the_past_periods() -> None:
    june = dict.fromkeys([JUNE[0] + number * DAY for number in range(30)], 10)
    # All of June on one day later: after nine days, 90 were there, and 21 days at ten were expected.
    july = {JULY[0] + number * DAY: 10 for number in range(9)} | {date(2026, 7, 20): 910}
    used = {date(2026, 5, 31): 10} | june | july
    # June was foreseen, July came to 1000 instead of 310.
    assert backtested(used, (JULY, JUNE), 9) == Backtest(690 // 2, 2)


def test_periods_that_cannot_be_judged_are_left_out() -> None:
    assert backtested({}, (JULY,), 5) == Backtest(None, 0)
    assert backtested({date(2026, 7, 2): 5}, (JULY,), 5) == Backtest(None, 0)
    assert backtested({date(2026, 6, 1): 5}, (JULY,), 5) == Backtest(None, 0)


@given(
    st.dictionaries(st.dates(date(2026, 5, 1), date(2026, 8, 20)), st.integers(0, 10**12)),
    st.integers(0, 30),
    st.one_of(st.none(), st.integers(0, 3000)),
)
def test_a_forecast_is_never_below_what_was_used(
    used: dict[date, int], passed: int, error: int | None
) -> None:
    today = AUGUST[0] + passed * DAY
    known = {day: quantity for day, quantity in used.items() if day <= today}
    answer = forecast(known, AUGUST, today, error)
    assert answer.used <= answer.low <= answer.likely <= answer.high
    assert [day for day, _ in answer.expected] == [today + n * DAY for n in range(31 - passed)]
    spent = sum(quantity for day, quantity in known.items() if AUGUST[0] <= day < today)
    assert answer.likely == spent + sum(quantity for _, quantity in answer.expected)

"""A share is said in whole percent and in a word, and crosses its thresholds exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.rules.thresholds import THRESHOLDS, crossed, level_of, parts_of, share_percent


@pytest.mark.parametrize(
    ("used", "share", "level", "told"),
    [
        (0, 0, "ok", ()),
        (7499, 74, "ok", ()),
        (7500, 75, "warning", (75,)),
        (8999, 89, "warning", (75,)),
        (9000, 90, "high", (75, 90)),
        (9500, 95, "high", (75, 90, 95)),
        (9999, 99, "high", (75, 90, 95)),
        (10_000, 100, "over", THRESHOLDS),
        (25_000, 250, "over", THRESHOLDS),
    ],
)
def test_of_ten_thousand(used: int, share: int, level: str, told: tuple[int, ...]) -> None:
    assert share_percent(used, 10_000) == share
    assert level_of(share) == level
    assert crossed(share) == told


def test_where_nothing_is_included_there_is_no_share_to_cross() -> None:
    assert share_percent(5, 0) is None
    assert (level_of(None), crossed(None)) == ("ok", ())


@given(st.integers(0, 10**15), st.integers(1, 10**12))
def test_a_threshold_is_crossed_when_exactly_so_much_was_used(used: int, included: int) -> None:
    told = crossed(share_percent(used, included))
    assert told == tuple(each for each in THRESHOLDS if used * 100 >= each * included)


def test_what_a_plan_includes_is_counted_in_the_smallest_part() -> None:
    assert parts_of(Decimal("2.5"), 3) == 2500
    assert parts_of(Decimal("1E+6"), 0) == 1_000_000
    assert parts_of(Decimal("0.0019"), 3) == 1

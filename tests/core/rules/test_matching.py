"""Two lists side by side: every line of either lands in one outcome, and nothing gets lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.rules.matching import (
    DIFFERS,
    MATCHED,
    MISSING_HERE,
    MISSING_THERE,
    TIMING,
    USUAL_TERMS,
    WITHIN_TOLERANCE,
    Line,
    Pair,
    Span,
    Tally,
    Terms,
    alarm_minor,
    folded,
    item_of,
    outcome_of,
    paired,
)
from billdesk.core.values.errors import Broken

HOUR = 3_600_000_000
MONTH = Span(0, 720 * HOUR)
NOON = 300 * HOUR
SWAPPED = {MISSING_HERE: MISSING_THERE, MISSING_THERE: MISSING_HERE}


def line(
    name: str = "x", minor: int = 1000, fee: int = 30, at: int = NOON, *, waits: int = 0,
    kind: str = "payment", asset: str = "USD",
) -> Line:  # fmt: skip
    return Line(kind, name, asset, minor, fee, at, waits=waits)


lines = st.lists(
    st.builds(
        line,
        name=st.sampled_from("abcdeéz"),
        minor=st.integers(-10_000, 10_000),
        fee=st.integers(0, 100),
        at=st.integers(MONTH.since, MONTH.until - 1),
        waits=st.integers(0, 1),
        kind=st.sampled_from(["dispute", "payment", "refund"]),
        asset=st.sampled_from(["JPY", "USD"]),
    )
).map(sorted)


def outcomes(pairs: Iterable[Pair]) -> list[tuple[Pair, str]]:
    return [(pair, outcome_of(*pair, MONTH, USUAL_TERMS)) for pair in pairs]


@given(lines, lines)
def test_every_line_of_either_side_lands_in_exactly_one_outcome(
    ours: list[Line], theirs: list[Line]
) -> None:
    pairs = list(paired(ours, theirs))
    keys = [(our or their or line()).key for our, their in pairs]
    assert keys == sorted({some.key for some in (*ours, *theirs)})
    assert [our for our, _ in pairs if our] == list(folded(ours))
    assert [their for _, their in pairs if their] == list(folded(theirs))
    assert all(our.key == their.key for our, their in pairs if our and their)


@given(lines, lines)
def test_the_totals_are_the_sums_of_the_lines_and_of_the_items(
    ours: list[Line], theirs: list[Line]
) -> None:
    tally, items = Tally(), []
    for (our, their), outcome in outcomes(paired(ours, theirs)):
        tally.add(our, their, outcome)
        items.append(item_of(our, their, outcome))
    assert Counter(item.outcome for item in items) == Counter(
        {name: count for name, count in tally.outcomes.items() if count}
    )
    for asset, sums in tally.sums.items():
        mine = [item for item in items if item.asset == asset]
        assert sums.ours_minor == sum(item.ours_minor or 0 for item in mine)
        assert sums.ours_minor == sum(some.amount_minor for some in ours if some.asset == asset)
        assert sums.theirs_minor == sum(item.theirs_minor or 0 for item in mine)
        assert sums.theirs_minor == sum(some.amount_minor for some in theirs if some.asset == asset)
        assert sums.our_fees_minor == sum(some.fee_minor for some in ours if some.asset == asset)
        assert sums.their_fees_minor == sum(item.their_fee_minor or 0 for item in mine)
        assert sums.difference_minor == sum(
            abs((item.theirs_minor or 0) - (item.ours_minor or 0))
            for item in mine
            if item.outcome != TIMING
        )


@given(lines, lines)
def test_with_the_sides_swapped_what_is_missing_here_is_missing_there(
    ours: list[Line], theirs: list[Line]
) -> None:
    one_way = [outcome for _, outcome in outcomes(paired(ours, theirs))]
    other_way = [outcome for _, outcome in outcomes(paired(theirs, ours))]
    assert [SWAPPED.get(outcome, outcome) for outcome in one_way] == other_way


@given(lines)
def test_a_list_agrees_with_itself(both: list[Line]) -> None:
    assert {outcome for _, outcome in outcomes(paired(both, both))} <= {MATCHED}


@pytest.mark.parametrize(
    ("our", "their", "outcome"),
    [
        (line(), line(), MATCHED),
        (line(), line(at=NOON + HOUR), MATCHED),
        (line(fee=30), line(fee=31), WITHIN_TOLERANCE),
        (line(minor=1000), line(minor=1005), WITHIN_TOLERANCE),
        (line(minor=1000, fee=1), line(minor=1005), WITHIN_TOLERANCE),
        (line(minor=1000), line(minor=1006), DIFFERS),
        (line(minor=-1000), line(minor=-1005), WITHIN_TOLERANCE),
        (line(minor=-1000), line(minor=1000), DIFFERS),
        (line(minor=0), line(minor=1), DIFFERS),
        (line(), None, MISSING_THERE),
        (None, line(), MISSING_HERE),
        # What came to nothing in the end is missed by nobody; a fee that stayed is a small thing.
        (line(minor=0, fee=0), None, MATCHED),
        (None, line(minor=0, fee=0), MATCHED),
        (None, line(minor=0, fee=1500), WITHIN_TOLERANCE),
        # The other side may be late …
        (line(at=MONTH.until - 24 * HOUR), None, TIMING),
        (line(at=MONTH.until - 24 * HOUR - 1), None, MISSING_THERE),
        (None, line(at=MONTH.until - 1), TIMING),
        (line(waits=1), None, TIMING),
        (None, line(waits=1), TIMING),
        # … or its clock may cut the beginning elsewhere.
        (None, line(at=HOUR - 1), TIMING),
        (None, line(at=HOUR), MISSING_HERE),
        # What both have is not late.
        (line(at=MONTH.until - 1), line(minor=2000, at=MONTH.until - 1), DIFFERS),
    ],
)
def test_what_becomes_of_an_object(our: Line | None, their: Line | None, outcome: str) -> None:
    assert outcome_of(our, their, MONTH, USUAL_TERMS) == outcome


def test_the_terms_can_be_tightened() -> None:
    strict = Terms(tolerance_basis_points=0, late_hours=0, early_hours=0)
    assert outcome_of(line(minor=1000), line(minor=1001), MONTH, strict) == DIFFERS
    assert outcome_of(None, line(at=MONTH.until - 1), MONTH, strict) == MISSING_HERE
    assert outcome_of(line(at=MONTH.since), None, MONTH, strict) == MISSING_THERE


def test_lines_of_one_object_are_one() -> None:
    failed = [
        Line("refund", "re_1", "USD", -500, 0, 7),
        Line("refund", "re_1", "USD", 500, 3, 5, "ch_1", "rfd_1", "acc_1", 1),
    ]
    assert list(folded(failed)) == [
        Line("refund", "re_1", "USD", 0, 3, 5, "ch_1", "rfd_1", "acc_1", 1)
    ]


def test_a_list_that_is_not_in_order_is_noticed() -> None:
    with pytest.raises(Broken, match="sorts in another way"):
        list(paired([line("b"), line("a")], []))


def test_an_item_says_who_we_think_it_is_and_what_either_side_has() -> None:
    our = Line("payment", "x", "USD", 5, 1, 9, "ch", "pay_1", "acc_1")
    assert item_of(our, None, MISSING_THERE) == (
        *("payment", MISSING_THERE, "x", "pay_1", "acc_1", "USD"),
        *(5, None, 1, None, 9),
    )
    assert item_of(None, line(), MISSING_HERE)[3:10] == (None, None, "USD", None, 1000, None, 30)
    assert item_of(our, line(minor=6, at=3), DIFFERS)[6:] == (5, 6, 1, 30, 9)


@pytest.mark.parametrize(
    ("asset", "minor"), [("USD", 100_000), ("JPY", 1_000), ("KWD", 1_000_000), ("XXX", 1_000)]
)
def test_the_alarm_is_a_thousand_of_the_asset_s_own_units(asset: str, minor: int) -> None:
    assert alarm_minor(asset, USUAL_TERMS) == minor

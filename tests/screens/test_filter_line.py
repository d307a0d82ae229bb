from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.rules.sheets import EntryFilter
from billdesk.core.values.errors import BadInput
from billdesk.screens.entry_query import ENTRY_NAMES, entry_filter_of
from billdesk.screens.filter_line import LastWord, Query, read_query


def test_words_and_pairs_are_told_apart() -> None:
    query = read_query("late  kind:charge since:2026-03-01 lead", ENTRY_NAMES)
    assert query == Query("late lead", {"kind": "charge", "since": "2026-03-01"})
    assert query.get("kind") == "charge"
    assert query.get("until") is None


def test_a_reference_with_a_colon_is_looked_for_like_any_word() -> None:
    assert read_query("lead:42", ENTRY_NAMES) == Query("lead:42", {})
    assert read_query("ref:lead:42", ENTRY_NAMES) == Query("", {"ref": "lead:42"})


@pytest.mark.parametrize("line", ["kind:", "kind:charge kind:refund"])
def test_half_a_pair_and_the_same_pair_twice_are_refused(line: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read_query(line, ENTRY_NAMES)
    assert refusal.value.hint


@given(st.text())
def test_any_line_reads_or_is_refused(line: str) -> None:
    try:
        read_query(line, ENTRY_NAMES)
    except BadInput:
        return


def test_a_filter_line_becomes_the_desks_filter() -> None:
    query = read_query(
        "plumbing kind:charge,refund account:acme since:2026-03 until:2026-04-01 asset:usd ref:x",
        ENTRY_NAMES,
    )
    assert entry_filter_of(query) == EntryFilter(
        account="acme",
        kinds=("charge", "refund"),
        since=datetime(2026, 3, 1, tzinfo=UTC),
        until=datetime(2026, 4, 1, tzinfo=UTC),
        reference="x",
        text="plumbing",
        asset="USD",
    )


def test_as_of_leaves_out_what_was_recorded_later() -> None:
    query = read_query("asof:2026-03-01T12:00Z", ENTRY_NAMES)
    assert entry_filter_of(query).until == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("line", ["ab", "since:yesterday", "asof:2026-13"])
def test_what_the_desk_cannot_look_for_is_refused_with_a_hint(line: str) -> None:
    with pytest.raises(BadInput) as refusal:
        entry_filter_of(read_query(line, ENTRY_NAMES))
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("ki", "kind:"),
        ("late kind:ch", "late kind:charge"),
        ("kind:charge", None),
        ("", None),
        ("late ", None),
        ("zz", None),
    ],
)
async def test_the_word_being_typed_is_completed(typed: str, suggested: str | None) -> None:
    assert await LastWord(["kind:", "kind:charge"]).get_suggestion(typed) == suggested

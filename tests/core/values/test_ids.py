"""Ids sort by the time they were made, and names cannot be mistaken for each other."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.values.errors import BadInput
from billdesk.core.values.ids import IdMaker, check_account_ref, check_reference, is_id

MOMENTS = st.integers(0, 253_402_300_799_999).map(
    lambda millis: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
)


@given(MOMENTS, MOMENTS)
def test_later_ids_sort_after_earlier_ones(one: datetime, other: datetime) -> None:
    maker = IdMaker()
    earlier, later = sorted((one, other))
    if later - earlier >= timedelta(milliseconds=1):
        assert maker.make("chg", earlier) < maker.make("chg", later)


def test_the_layout_is_that_of_a_ulid() -> None:
    maker = IdMaker(lambda size: bytes(range(size)))
    # ULID's own example: 1469918176385 ms are 01ARYZ6S41.
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1_469_918_176_385)
    assert maker.make("chg", instant) == "chg_01aryz6s41000g40r40m30e209"
    assert IdMaker(lambda size: b"\xff" * size).make("x", instant)[2:] == "01aryz6s41" + "z" * 16
    assert maker.salt() == bytes(range(16))


def test_ids_of_one_moment_differ() -> None:
    maker = IdMaker()
    now = datetime.now(UTC)
    assert len({maker.make("chg", now) for _ in range(10_000)}) == 10_000


def test_ids_made_at_once_are_like_others_and_sort_in_their_order() -> None:
    maker = IdMaker()
    now = datetime.now(UTC)
    batch = maker.make_many("chg", now, 3_000)
    assert batch == sorted(set(batch))
    assert all(is_id(made, "chg") for made in batch)
    assert {made[:14] for made in batch} == {maker.make("chg", now)[:14]}
    assert not set(batch) & set(maker.make_many("chg", now, 3_000))


def test_an_id_is_known_by_its_shape() -> None:
    made = IdMaker().make("chg", datetime.now(UTC))
    assert re.fullmatch("chg_[0-9a-hjkmnp-tv-z]{26}", made)
    assert is_id(made, "chg")
    for other in (made[:-1], made + "0", made.replace("chg_", "ent_"), made[:-1] + "u", "chg"):
        assert not is_id(other, "chg")


@pytest.mark.parametrize("text", ["a", "lead:42", "Invoice 7 / 2026", "!", "~" * 200])
def test_a_reference_is_printable(text: str) -> None:
    assert check_reference(text) == text


@pytest.mark.parametrize(
    "text", ["", " ", " a", "a ", "a\n", "a\tb", "ä", "a\u200bb", "a\x00", "~" * 201, "٤٢"]
)
def test_a_reference_that_looks_like_another_is_none(text: str) -> None:
    with pytest.raises(BadInput):
        check_reference(text)


@pytest.mark.parametrize("text", ["a", "acme", "Acme-7", "ann@example.com", "a+b_c.d", "a" * 64])
def test_an_account_has_a_short_name_of_its_own(text: str) -> None:
    assert check_account_ref(text) == text


@pytest.mark.parametrize(
    "text", ["", "a b", "-a", "a.", "ä", "a/b", "a\n", "a" * 65, "acc_1", "../a", "a:b", "\u0661"]
)
def test_an_account_cannot_be_named_otherwise(text: str) -> None:
    with pytest.raises(BadInput):
        check_account_ref(text)

"""Rows kept aside come back whole and in order, however many they are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from billdesk.core.store.spill import RUN_ROWS, Row, Spill
from billdesk.core.values.errors import GatewayUnreachable, StoreFull


def rows(count: int) -> list[Row]:
    made = [(f"é{place:09d}", place % 7, "") for place in range(count)]
    Random(1).shuffle(made)
    return list(made)


@pytest.mark.parametrize("count", [0, 1, RUN_ROWS, 2 * RUN_ROWS + 1])
def test_rows_come_back_in_order(count: int) -> None:
    with Spill(sorted_by=2) as spill:
        assert spill.extend(rows(count)) == count
        assert list(spill) == sorted(rows(count))
        assert list(spill) == sorted(rows(count))


def test_rows_come_back_as_they_came_when_that_is_wanted() -> None:
    came = rows(RUN_ROWS + 5)
    with Spill(sorted_by=0) as spill:
        for row in came:
            spill.add(row)
        assert list(spill) == came


def test_memory_stays_flat() -> None:
    def taken(count: int) -> int:
        source = ((f"{place * 7919 % count:09d}", place) for place in range(count))
        tracemalloc.start()
        with Spill(sorted_by=2) as spill:
            spill.extend(source)
            assert sum(1 for _ in spill) == count
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert taken(12 * RUN_ROWS) < 1.5 * taken(3 * RUN_ROWS)


def test_what_stops_the_reading_is_told_as_it_is() -> None:
    def breaking() -> Iterator[Row]:
        yield ("a",)
        raise GatewayUnreachable("gone")

    with Spill(sorted_by=1) as spill, pytest.raises(GatewayUnreachable):
        spill.extend(breaking())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("r+b", buffering=0) as full, Spill(sorted_by=1) as spill:
        monkeypatch.setattr(spill, "_file", full)
        with pytest.raises(StoreFull, match="No space left"):
            spill.extend(rows(RUN_ROWS))
        monkeypatch.undo()

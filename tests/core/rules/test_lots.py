"""Lots without a database: the order, claims, what comes back, what holds stand on."""

from __future__ import annotations

from billdesk.core.rules.lots import (
    Lot,
    backed,
    burn,
    burning_order,
    give_back,
    source_of,
    unheld,
)
from billdesk.core.rules.packs import refund_minor


def lot(number: int, remaining: int, *, priority: int = 50, expires_at: int | None = None) -> Lot:
    return Lot(
        number, f"lot_{number}", "other", None, "grt_1", 100, remaining, priority, expires_at
    )


def numbers(parts: list[tuple[Lot, int]]) -> list[tuple[int, int]]:
    return [(lot.number, part) for lot, part in parts]


def test_lots_burn_by_priority_then_earliest_expiry_then_age() -> None:
    lots = [
        lot(1, 1), lot(2, 1, expires_at=9), lot(3, 1, expires_at=0), lot(4, 1, priority=1),
        lot(5, 1, expires_at=9),
    ]  # fmt: skip
    assert [each.number for each in sorted(lots, key=burning_order)] == [4, 3, 2, 5, 1]


def test_what_is_claimed_of_a_lot_burns_before_all_others() -> None:
    lots = [lot(1, 10), lot(2, 10), lot(3, 10)]
    assert numbers(burn(lots, 12, {})) == [(1, 10), (2, 2)]
    assert numbers(burn(lots, 12, {3: 4})) == [(1, 8), (3, 4)]
    assert numbers(burn(lots, 12, {3: 90})) == [(1, 2), (3, 10)]


def test_what_the_lots_lack_is_missing_from_the_answer() -> None:
    assert numbers(burn([lot(1, 3)], 5, {})) == [(1, 3)]


def test_what_comes_back_goes_to_the_last_used_first_and_over_no_brim() -> None:
    used = [(lot(1, 50), 10), (lot(2, 95), 20), (lot(3, 0), 5)]
    assert numbers(give_back(used, 100)) == [(3, 5), (2, 5), (1, 10)]
    assert numbers(give_back(used, 7)) == [(3, 5), (2, 2)]


def test_holds_stand_on_what_burns_first() -> None:
    lots = [lot(1, 10), lot(2, 10, expires_at=5)]
    assert unheld(lots, 0) == {1: 10, 2: 10}
    assert unheld(lots, 12) == {2: 0, 1: 8}
    assert unheld(lots, 99) == {1: 0, 2: 0}


def test_only_what_is_not_owed_stands_in_lots() -> None:
    assert (backed(5), backed(0), backed(-5)) == (5, 0, 0)


def test_credits_say_where_they_come_from() -> None:
    assert [source_of(kind) for kind in ("manual_credit", "opening", "transfer")] == [
        "manual", "opening", "other",
    ]  # fmt: skip


def test_parts_of_a_pack_never_sum_to_more_than_was_paid() -> None:
    assert refund_minor(999, 1, 100) == 9
    assert refund_minor(999, 100, 100) == 999
    assert sum(refund_minor(999, part, 100) for part in (33, 33, 34)) <= 999

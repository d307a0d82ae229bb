from __future__ import annotations

from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import NamedTuple

import pytest

from billdesk.cli.printing import card, cell, plural, table, to_json
from billdesk.core.values.money import Money

AT = datetime(2026, 8, 21, 9, 14, 5, 250_000, tzinfo=UTC)


class Sheet(NamedTuple):
    amount: Money
    at: datetime
    on: date
    parts: tuple[str, ...]


def test_a_sheet_becomes_json_with_money_as_an_object_and_instants_in_utc() -> None:
    sheet = Sheet(Money(-1250, "USD"), AT, date(2026, 8, 21), ("a", "b"))
    assert to_json(MappingProxyType({"sheet": sheet, "none": None, "yes": True})) == {
        "sheet": {
            "amount": {"minor": -1250, "asset": "USD", "text": "-12.50"},
            "at": "2026-08-21T09:14:05.250000Z",
            "on": "2026-08-21",
            "parts": ["a", "b"],
        },
        "none": None,
        "yes": True,
    }


@pytest.mark.parametrize("value", [1.5, b"bytes", {1, 2}, Sheet])
def test_what_no_sheet_may_hold_is_no_json(value: object) -> None:
    with pytest.raises(TypeError):
        to_json([value])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        (Money(123_456_789, "USD"), "1,234,567.89 USD"),
        (Money(-5, "JPY"), "-5 JPY"),
        (AT, "2026-08-21T09:14:05Z"),
        (date(2026, 8, 21), "2026-08-21"),
        (12_345, "12,345"),
        ("ab\x1b[2Jc", "ab␛[2Jc"),
    ],
)
def test_a_cell_is_what_people_read(value: str | int | Money | None, text: str) -> None:
    assert cell(value) == text


def test_a_table_aligns_words_left_and_numbers_right_whatever_their_script() -> None:
    rows = [
        ("acme", Money(100, "USD"), "株式会社"),
        ("b", Money(123_456, "USD"), "Zoe\u0301"),
        ("c", None, None),
    ]
    assert table(("REF", "BALANCE", "NAME"), rows) == [
        "REF        BALANCE  NAME",
        "acme      1.00 USD  株式会社",
        "b     1,234.56 USD  Zoe\u0301",
        "c                -  -",
    ]
    assert table(("NAME", "N"), [("株式会社", 1), ("a", 10)]) == [
        "NAME       N",
        "株式会社   1",
        "a         10",
    ]


def test_a_table_without_rows_has_no_lines() -> None:
    assert table(("REF",), []) == []


def test_a_line_break_in_a_name_starts_no_row_of_its_own() -> None:
    lines = table(("REF", "NAME"), [("acme", "Acme\nevil  999.00 USD")])
    assert lines == ["REF   NAME", "acme  Acme␊evil  999.00 USD"]


def test_a_card_aligns_what_belongs_to_the_labels() -> None:
    assert card([("ref", "acme"), ("balance", Money(1, "USD"))]) == [
        "ref      acme",
        "balance  0.01 USD",
    ]


@pytest.mark.parametrize(
    ("count", "thing", "text"),
    [(1, "entry", "1 entry"), (0, "entry", "0 entries"), (1200, "day", "1,200 days")],
)
def test_things_are_counted_in_words(count: int, thing: str, text: str) -> None:
    assert plural(count, thing) == text

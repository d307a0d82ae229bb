"""A line of usage says exactly what was meant, or why nobody can know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billdesk.core.rules.catalog import Meter
from billdesk.core.rules.usage_rows import (
    MOST_PARTS,
    UsageRow,
    check_event_id,
    check_names,
    check_unit,
    csv_row,
    hour_of,
    hours_begin,
    instant_of,
    json_row,
    quantity_parts,
)
from billdesk.core.values.clock import from_micros
from billdesk.core.values.errors import BadInput
from billdesk.core.values.quantities import format_parts, group_digits

NAMES = ["account", "meter", "quantity", "event_id", "at"]
NOW = datetime(2026, 8, 21, 9, tzinfo=UTC)


def test_a_csv_line_is_read_with_or_without_quotes() -> None:
    expected = UsageRow("acme", "calls", "12", "e,1", "2026-08-21T09:00Z")
    assert csv_row('acme,calls,12,"e,1",2026-08-21T09:00Z', ",", NAMES) == expected
    assert csv_row("acme; calls;12;e,1;2026-08-21T09:00Z", ";", NAMES) == expected
    with_unit = csv_row("GB,acme,calls,12,e,now", ",", ["unit", *NAMES])
    assert with_unit.unit == "GB"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('acme,calls,12,"e', "not CSV"),
        ("acme,calls,12,e", "4 fields where the heading has 5"),
        ("acme,,12,e,x", "no meter"),
        ("acme,calls,,e,x", "no quantity"),
    ],
)
def test_a_broken_csv_line_says_what_is_wrong(line: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        csv_row(line, ",", NAMES)


def test_a_json_line_keeps_its_number_exact() -> None:
    line = (
        '{"account":"acme","meter":"transfer","quantity":0.1,"event_id":"e","at":"x","unit":"GB"}'
    )
    assert json_row(line) == UsageRow("acme", "transfer", Decimal("0.1"), "e", "x", "GB")
    assert json_row(line.replace("0.1", '"0.1"')).quantity == "0.1"
    assert json_row(line.replace("0.1", "3")).quantity == 3


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not JSON"),
        pytest.param("[" * 4000, "not JSON", id="deep"),
        pytest.param("9" * 4096, "not an object", id="digits"),
        ("[1]", "not an object"),
        ('{"who":"acme"}', "unknown field 'who'"),
        ('{"account":"acme","meter":"m","quantity":NaN,"event_id":"e","at":"x"}', "not JSON"),
        ('{"account":"acme","meter":"m","quantity":true,"event_id":"e","at":"x"}', "no number"),
        ('{"account":"acme","meter":"m","quantity":[1],"event_id":"e","at":"x"}', "no number"),
        ('{"account":"acme","meter":"m","quantity":null,"event_id":"e","at":"x"}', "no quantity"),
        ('{"account":7,"meter":"m","quantity":1,"event_id":"e","at":"x"}', "'7' is not text"),
        ('{"account":["a"],"meter":"m","quantity":1,"event_id":"e","at":"x"}', "is not text"),
    ],
)
def test_a_broken_json_line_says_what_is_wrong(line: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        json_row(line)


@pytest.mark.parametrize(
    ("quantity", "decimals", "parts"),
    [
        (12, 0, 12),
        ("12", 3, 12_000),
        ("0.25", 3, 250),
        ("0.250000", 2, 25),
        (Decimal("1e3"), 0, 1000),
        (Decimal("0.001"), 3, 1),
        ("1000000000000000", 0, MOST_PARTS),
        (0, 9, 0),
    ],
)
def test_a_quantity_is_counted_in_the_smallest_part(
    quantity: int | str | Decimal, decimals: int, parts: int
) -> None:
    assert quantity_parts(quantity, decimals) == parts


@pytest.mark.parametrize(
    ("quantity", "told"),
    [
        (-1, "negative"),
        ("-1", "negative"),
        (Decimal(-1), "negative"),
        ("0.0001", "finer"),
        (Decimal("0.0001"), "finer"),
        ("1e3", "not a quantity"),
        ("+1", "not a quantity"),
        ("1,000", "not a quantity"),
        ("\u0661", "not a quantity"),
        ("", "not a quantity"),
        ("1000000000000.001", "absurd"),
        pytest.param(10**5000, "absurd", id="huge"),
        (Decimal("1e400"), "absurd"),
        (Decimal("0e-999999999"), "absurd"),
        (Decimal("nan"), "absurd"),
        (0.5, "not exact"),
        (True, "not exact"),
        (None, "not exact"),
    ],
)
def test_a_quantity_nobody_can_mean_is_refused(quantity: object, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        quantity_parts(quantity, 3)  # type: ignore[arg-type]  # what callers pass all the same


@given(st.integers(0, MOST_PARTS), st.integers(0, 9))
def test_what_is_written_is_read_as_the_same(parts: int, decimals: int) -> None:
    assert quantity_parts(format_parts(parts, decimals), decimals) == parts
    assert (
        format_parts(-parts, decimals) == f"{'-' if parts else ''}{format_parts(parts, decimals)}"
    )


def test_an_instant_is_read_to_the_microsecond() -> None:
    assert from_micros(instant_of("2026-08-21T09:00:00.000001+02:00", NOW)) == datetime(
        2026, 8, 21, 7, 0, 0, 1, tzinfo=UTC
    )
    at = datetime(2026, 8, 21, 9, tzinfo=timezone(timedelta(hours=-7)))
    assert from_micros(instant_of(at, at)) == at


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("yesterday", "not a time"),
        ("2026-08-21", "has no zone"),
        (datetime(2026, 8, 21), "has no zone"),  # noqa: DTZ001 - that is what is refused
        (1_790_000_000, "not a time"),
        ("2026-08-21T09:00:00.000001Z", "future"),
        ("0001-01-01T00:00+14:00", "too long ago"),
    ],
)
def test_an_instant_nobody_can_mean_is_refused(at: datetime | str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        instant_of(at, NOW)


def test_ids_names_and_units_are_what_they_must_be() -> None:
    assert check_event_id("lead:42") == "lead:42"
    check_unit("", Meter("transfer", "Data", "GB", 3))
    check_unit("GB", Meter("transfer", "Data", "GB", 3))
    check_names("acme", "calls")
    for wrong in (5, "", " x", "e\x00", "x" * 201):
        with pytest.raises(BadInput, match="event id"):
            check_event_id(wrong)
    for name in (5, None, "", "a\x00", "ü", "x" * 65):
        with pytest.raises(BadInput, match="is no meter"):
            check_names("acme", name)
    with pytest.raises(BadInput, match="the unit is 'MB'") as error:
        check_unit("MB", Meter("transfer", "Data", "GB", 3))
    assert error.value.hint == "transfer is counted in GB"


def test_an_hour_begins_where_a_day_of_the_zone_can() -> None:
    assert hours_begin(ZoneInfo("UTC")) == 0
    assert hours_begin(ZoneInfo("America/New_York")) == 0
    half = hours_begin(ZoneInfo("Asia/Kolkata"))
    assert half == 30 * 60 * 10**6
    midnight = datetime(2026, 8, 20, 18, 30, tzinfo=UTC)
    micros = instant_of(midnight, NOW)
    assert hour_of(micros, half) == hour_of(micros + 3_599_999_999, half) == micros
    assert hour_of(micros - 1, half) == micros - 3_600_000_000


def test_people_read_quantities_with_thousands_set_apart() -> None:
    assert group_digits("1234567.250") == "1,234,567.25"
    assert group_digits("1234567.000") == "1,234,567"
    assert group_digits("0.001") == "0.001"
    assert group_digits("-1000") == "-1,000"

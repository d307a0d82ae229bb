from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billdesk.core.values.money import Money
from billdesk.screens.figures import (
    Times,
    ago,
    amount,
    amounts,
    counted,
    digits_apart,
    signed,
    tone_of,
)
from billdesk.screens.safe_text import TONES

NOW = datetime(2026, 8, 21, 9, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        (Money(123450, "USD"), "+1,234.50"),
        (Money(-5, "JPY"), "-5"),
        (Money(-1, "KWD"), "-0.001"),
        (Money(0, "USD"), "0.00"),
        (None, "–"),
    ],
)
def test_a_signed_amount_shows_its_sign_both_ways(money: Money | None, shown: str) -> None:
    assert signed(money) == shown


def test_an_amount_names_its_asset() -> None:
    assert amount(Money(-250, "USD")) == "-2.50 USD"
    assert amount(None) == "–"


def test_assets_stand_side_by_side_and_are_never_added_up() -> None:
    assert amounts([Money(100, "USD"), Money(5, "CREDIT")]) == "1.00 USD   5 CREDIT"
    assert amounts([]) == "–"


def test_one_of_a_thing_is_not_many() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(1204, "entry", "entries") == "1,204 entries"
    assert counted(0, "account") == "0 accounts"


@pytest.mark.parametrize(
    ("back", "shown"),
    [
        (timedelta(0), "0s ago"),
        (timedelta(seconds=59), "59s ago"),
        (timedelta(seconds=60), "1m ago"),
        (timedelta(hours=3, minutes=59), "3h ago"),
        (timedelta(days=41), "41d ago"),
        (timedelta(days=729), "729d ago"),
        (timedelta(days=-3650), "in 10y"),
        (timedelta(hours=-5), "in 5h"),
    ],
)
def test_an_age_is_told_in_its_largest_whole_unit(back: timedelta, shown: str) -> None:
    assert ago(NOW - back, NOW) == shown


def test_what_never_happened_has_no_age() -> None:
    assert ago(None, NOW) == "never"


def test_times_are_those_of_the_ledgers_zone() -> None:
    tokyo = Times(ZoneInfo("Asia/Tokyo"))
    assert tokyo.stamp(NOW) == "2026-08-21 18:14"
    assert tokyo.full(NOW) == "2026-08-21 18:14:07 JST"
    assert tokyo.short(NOW) == "08-21 18:14"
    assert (tokyo.stamp(None), tokyo.full(None), tokyo.short(None)) == ("–", "–", "–")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1499.00", "1,499.00"),
        ("-1234567", "-1,234,567"),
        ("0.0000125", "0.0000125"),
        ("1000.50", "1,000.50"),
        ("", ""),
        ("10 each", "10 each"),
        ("١٢٣٤", "١٢٣٤"),
    ],
)
def test_thousands_are_set_apart_and_no_digit_is_lost(text: str, shown: str) -> None:
    assert digits_apart(text) == shown


def test_every_state_has_a_tone_the_text_boundary_knows() -> None:
    for state in ("OK", "FROZEN", "SPENT", "OWES", "SUSPENDED", "CLOSED", "failed", "refused"):
        assert tone_of(state) in TONES
    assert tone_of("something new") == ""

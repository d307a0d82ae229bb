"""What gateways bill by themselves survives being kept, and its rhythm has a word."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from billdesk.core.rules.mirrors import (
    GatewayInvoice,
    GatewayLine,
    GatewayPart,
    GatewaySubscription,
    invoice_from_plain,
    schedule_of,
    subscription_from_plain,
    to_plain,
)

AT = datetime(2026, 1, 5, 9, 0, 0, 7, tzinfo=UTC)


def test_a_subscription_comes_back_as_it_was_kept() -> None:
    state = GatewaySubscription(
        "active", "price_1", "Pro", None, "monthly", 3, "JPY", None, AT, AT, "cus_1",
        trial_until=AT,
    )  # fmt: skip
    assert subscription_from_plain(json.loads(json.dumps(to_plain(state)))) == state


def test_an_invoice_comes_back_with_its_lines_and_parts() -> None:
    line = GatewayLine("Pro", "1", "", 100, 80, 20, "25", tax_inclusive=True, since=AT)
    part = GatewayPart("pi_1", "pi_1", 100, None)
    state = GatewayInvoice(
        "paid", "A-1", "USD", 80, 20, 100, 100, (line,), (part,), due_at=AT, failure="no"
    )
    assert invoice_from_plain(json.loads(json.dumps(to_plain(state)))) == state


@pytest.mark.parametrize(
    ("unit", "count", "word"),
    [
        ("month", 1, "monthly"), ("month", 3, "quarterly"), ("month", 12, "annual"),
        ("year", 1, "annual"), ("week", 1, "every week"), ("week", 2, "every 2 weeks"),
        ("year", 2, "every 2 years"),
    ],
)  # fmt: skip
def test_a_rhythm_has_the_catalogs_word_where_there_is_one(
    unit: str, count: int, word: str
) -> None:
    assert schedule_of(unit, count) == word

"""What makes two facts of a gateway one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from billdesk.core.rules.gateway import Fact

FACT = Fact(
    gateway="sandbox",
    account="main",
    mode="test",
    object_id="pay_1",
    stage="declined",
    occurrence="try_1",
    amount=None,
    fee=None,
    happened_at=datetime(2026, 1, 5, tzinfo=UTC),
    detail="card declined",
    raw="{}",
)


def test_the_same_news_told_twice_is_one_fact() -> None:
    again = replace(FACT, detail="Card declined.", raw='{"late": true}', payment_id="pmt_1")
    assert again.key == FACT.key


def test_a_second_decline_is_another_fact() -> None:
    assert replace(FACT, occurrence="try_2").key != FACT.key
    assert replace(FACT, mode="live").key != FACT.key

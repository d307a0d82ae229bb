"""A new ledger, the same every time: its instant and its chance are known."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from billdesk.core.desk import create_ledger
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.ids import Chance

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def seeded(seed: int = 1) -> Chance:
    """Chance that falls the same way every time."""
    return Random(seed).randbytes


def make_ledger(url: str) -> None:
    """Make the ledger that tests copy, and leave no connection open."""
    create_ledger(
        url, clock=MovingClock(START), chance=seeded(0), actor="tester", gateways=()
    ).close()

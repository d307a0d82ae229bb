"""An account with money, and the promise that every test leaves a sound ledger behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import MovingClock
from tests.core.operations.off_session import BY_HAND, Fragile, Shop
from tests.new_ledger import seeded

MEMO = "for a test of the desk"


@pytest.fixture
def acme(desk: Desk) -> str:
    """An account with 100.00 USD, by its ref."""
    desk.accounts.add("acme", name="Acme Ltd", email="ann@acme.example")
    desk.adjustments.credit("acme", "100.00", memo=MEMO)
    return "acme"


@pytest.fixture(autouse=True)
def sound(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did, chain, balances and holds agree at its end."""
    desk = request.getfixturevalue("desk") if "desk" in request.fixturenames else None
    yield
    if desk is not None:
        assert desk.verify().findings == ()


@pytest.fixture
def shop(ledger_url: str, clock: MovingClock, tmp_path: Path) -> Iterator[Shop]:
    """A desk at a gateway where customers save what they pay with, on either database."""
    gateway = Fragile(tmp_path / "books", clock=clock, switches=BY_HAND)
    with open_desk(
        ledger_url, clock=clock, actor="tester", chance=seeded(), gateways=[gateway]
    ) as desk:
        desk.accounts.add("acme", name="Acme Ltd", email="ann@acme.example")
        yield Shop(desk, gateway, clock)
        assert desk.verify().findings == ()

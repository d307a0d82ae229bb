"""An account with money, and the promise that every test leaves a sound ledger behind."""

from collections.abc import Iterator

import pytest

from billdesk.core.desk import Desk

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

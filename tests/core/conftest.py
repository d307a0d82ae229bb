"""Ledgers to test the core on: on either database, new, and the same every time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import MovingClock
from tests.core.moved import Route
from tests.core.store.story import tell
from tests.new_ledger import START, make_ledger, seeded


@pytest.fixture
def clock() -> MovingClock:
    """A clock that stands at nine on a Monday until it is moved."""
    return MovingClock(START)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that every `sqlite_url` is a copy of."""
    path = tmp_path_factory.mktemp("template") / "desk.ledger"
    make_ledger(str(path))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A new ledger in a file of the test's own."""
    return str(shutil.copy(sqlite_template, tmp_path / "desk.ledger"))


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """A new ledger, once on each database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def desk(ledger_url: str, clock: MovingClock) -> Iterator[Desk]:
    """The desk, open on a new ledger, once on each database; it has no gateway but the sandbox."""
    with open_desk(ledger_url, clock=clock, actor="tester", chance=seeded()) as desk:
        yield desk


@pytest.fixture(params=["sqlite", "postgres"])
def route(request: pytest.FixtureRequest, clock: MovingClock, tmp_path: Path) -> Route:
    """A ledger with a story on either database, and a place for it on the other."""
    source: str = request.getfixturevalue(f"{request.param}_url")
    target = str(tmp_path / "new" / "moved.ledger")
    if request.param == "sqlite":
        target = request.getfixturevalue("postgres_empty_url")
    with open_desk(source, clock=clock, actor="tester", chance=seeded(), gateways=()) as desk:
        tell(desk, clock)
    return Route(source, target, clock)

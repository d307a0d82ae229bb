"""A small business whose every instant, id and name is known, and the desk in a terminal on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screens.desk_pilot import Staged, stages
from tests.screens.shop import Shop, copied, found_shop
from tests.screens.till import furnish_till


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop that has been in business for a month."""
    folder = tmp_path_factory.mktemp("shop")
    found_shop(folder)
    return folder


@pytest.fixture
def shop(furnished: Path, tmp_path: Path) -> Shop:
    """A copy of the shop, to do with as one likes."""
    return copied(furnished, tmp_path / "shop")


@pytest.fixture(scope="session")
def furnished_till(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same shop with one of everything that can be seen of a gateway."""
    folder = tmp_path_factory.mktemp("till") / "shop"
    furnish_till(copied(furnished, folder))
    return folder


@pytest.fixture
def till(furnished_till: Path, tmp_path: Path) -> Shop:
    """A copy of that, to do with as one likes."""
    return copied(furnished_till, tmp_path / "till")


@pytest.fixture
def staged(shop: Shop) -> Iterator[Staged]:
    """Makes the app on the shop; takes what `stage` takes. Its desk is closed after the test."""
    yield from stages(shop)


@pytest.fixture
def at_till(till: Shop) -> Iterator[Staged]:
    """The same on the till."""
    yield from stages(till)

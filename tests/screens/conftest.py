"""A small business whose every instant, id and name is known, and the desk in a terminal on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.screens.shop import Shop, found_shop


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop that has been in business for a month."""
    folder = tmp_path_factory.mktemp("shop")
    found_shop(folder)
    return folder


@pytest.fixture
def shop(furnished: Path, tmp_path: Path) -> Shop:
    """A copy of the shop, to do with as one likes."""
    folder = tmp_path / "shop"
    shutil.copytree(furnished, folder)
    return Shop(folder)

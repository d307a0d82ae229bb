"""A demo told once, and copies of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from billdesk.demo import furnish
from tests.demo.listener import NOW, Listener


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Listener, int]:
    """A demo told in one go, which no test may change."""
    folder = tmp_path_factory.mktemp("demo")
    listener = Listener()
    surprises = furnish(str(folder / "demo.ledger"), listener, now=NOW)
    return folder, listener, surprises


@pytest.fixture
def demo(furnished: tuple[Path, Listener, int], tmp_path: Path) -> str:
    """A copy of it."""
    shutil.copytree(furnished[0], tmp_path, dirs_exist_ok=True)
    return str(tmp_path / "demo.ledger")

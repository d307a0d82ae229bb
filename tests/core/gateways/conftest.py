"""Gateways to test: a sandbox, and every make at a counterpart of its own for the contract suite."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.values.clock import MovingClock
from tests.core.gateways.sandbox.steps import MINUTE
from tests.gateway_servers.scene import Scene

MAKES = ("sandbox", "stripe", "paypal", "paystack")


@pytest.fixture(params=MAKES)
def scene(request: pytest.FixtureRequest, clock: MovingClock) -> Iterator[Scene]:
    """A running counterpart, once of each make."""
    module = import_module(f"tests.gateway_servers.{request.param}_scene")
    scene: Scene = module.scene(clock)
    yield scene
    scene.close()
    assert scene.violations() == []


@pytest.fixture
def sandbox(tmp_path: Path, clock: MovingClock) -> Sandbox:
    """A sandbox with books of the test's own, whose customers take a minute to pay."""
    return Sandbox(tmp_path / "sandbox.db", clock=clock, switches=SandboxSwitches(MINUTE))

"""Every make of gateway, at a counterpart of its own, for the suite that holds them all alike."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from billdesk.core.values.clock import MovingClock
from tests.gateway_servers.scene import Scene

MAKES = ("sandbox", "stripe", "paypal", "paystack")


@pytest.fixture(params=MAKES)
def scene(request: pytest.FixtureRequest, clock: MovingClock) -> Iterator[Scene]:
    """A running counterpart, once of each make."""
    name = f"tests.gateway_servers.{request.param}_scene"
    try:
        module = import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != name:
            raise
        pytest.skip(f"{request.param} has no scene yet")
    scene: Scene = module.scene(clock)
    yield scene
    scene.close()
    assert scene.violations() == []

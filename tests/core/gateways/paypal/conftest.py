"""A PayPal of our own for each test, judged by the official descriptions where they are at hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from billdesk.core.values.clock import MovingClock
from tests.core.gateways.till import Till
from tests.gateway_servers.paypal_scene import PayPalScene


@pytest.fixture
def world(clock: MovingClock) -> Iterator[PayPalScene]:
    world = PayPalScene(clock)
    yield world
    world.close()
    assert world.violations() == []


@pytest.fixture
def till(world: PayPalScene, clock: MovingClock) -> Till:
    return Till(world, clock)

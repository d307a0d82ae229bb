"""A Stripe of our own for each test, judged by the official description where it is at hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from billdesk.core.gateways.stripe import Stripe
from billdesk.core.values.clock import MovingClock
from tests.gateway_servers.stripe_scene import StripeScene


@pytest.fixture
def scene(clock: MovingClock) -> Iterator[StripeScene]:
    scene = StripeScene(clock)
    yield scene
    scene.close()
    assert scene.violations() == []


@pytest.fixture
def stripe(scene: StripeScene) -> Stripe:
    return scene.gateway()

"""What several tests of PayPal do."""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.gateway import Fact
from tests.core.gateways.till import Till
from tests.gateway_servers.paypal_scene import PayPalScene

TODAY = '{"paypal": "facts", "mark": "2026-01-05T09:00:00Z"}'
"""A cursor that spares a test the thirty days before it."""


def told(till: Till) -> list[Fact]:
    """What the feed tells of this day."""
    return till.read(TODAY)[0]


def one_fact(world: PayPalScene, till: Till, type: str, resource: dict[str, Any]) -> Fact:
    """The fact that an event with this resource is read as."""
    world.books.tell(type, "object", resource)
    *_, fact = told(till)
    return fact

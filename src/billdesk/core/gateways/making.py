"""From a link and its secrets to a gateway that can be asked: the only place that knows every make.

An adapter is imported when a gateway of its make is first asked: `stripe` alone takes half a second.
"""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.gateway import Gateway
from billdesk.core.rules.gateway_keys import Secrets
from billdesk.core.rules.links import Link
from billdesk.core.values.clock import Clock


def make_gateway(link: Link, secrets: Secrets, clock: Clock) -> Gateway:
    """The adapter for a connected gateway; talks to nobody yet."""
    shared: dict[str, Any] = {"account": link.account, "clock": clock}
    if secrets.base_url:
        shared["base_url"] = secrets.base_url
    if "return_url" in link.settings:
        shared["return_url"] = link.settings["return_url"]
    if link.make == "stripe":
        from billdesk.core.gateways.stripe import Stripe

        webhook_secret = secrets.webhook_secret or None
        return Stripe(link.name, secrets.key, webhook_secret=webhook_secret, **shared)
    if link.make == "paypal":
        from billdesk.core.gateways.paypal import PayPal

        webhook_id = link.settings.get("webhook_id")
        return PayPal(
            link.name, secrets.client_id, secrets.secret,
            mode=link.mode, webhook_id=webhook_id, **shared,
        )  # fmt: skip
    from billdesk.core.gateways.paystack import Paystack

    return Paystack(link.name, secrets.key, **shared)

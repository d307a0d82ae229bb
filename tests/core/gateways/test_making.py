"""Every make becomes its own adapter, which says what its link says and nothing of its secrets."""

from __future__ import annotations

import subprocess
import sys

import pytest

from billdesk.core.gateways.making import make_gateway
from billdesk.core.rules.gateway import Make
from billdesk.core.rules.gateway_keys import Secrets
from billdesk.core.rules.links import Link
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayUnreachable

# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"

SECRETS: dict[Make, Secrets] = {
    "stripe": Secrets(key="sk_test_hushhush", webhook_secret="whsec_hushhush"),
    "paypal": Secrets(client_id="hushhush1", secret="hushhush2"),
    "paystack": Secrets(key="sk_test_hushhush"),
}


@pytest.mark.parametrize("make", SECRETS)
@pytest.mark.parametrize(
    "settings", [{}, {"return_url": "https://acme.example", "webhook_id": "W"}]
)
def test_a_link_becomes_the_adapter_of_its_make(
    make: Make, settings: dict[str, str], clock: MovingClock
) -> None:
    link = Link("till", make, "acct_1", "test", settings)
    gateway = make_gateway(link, SECRETS[make], clock)
    assert (gateway.name, gateway.make) == ("till", make)
    assert (gateway.account, gateway.mode) == ("acct_1", "test")
    assert "hushhush" not in repr(gateway)


@pytest.mark.parametrize("make", SECRETS)
def test_another_base_address_is_the_only_one_asked(make: Make, clock: MovingClock) -> None:
    words = {**SECRETS[make].words(), "base_url": NOWHERE}
    gateway = make_gateway(Link("till", make, "", "test"), Secrets(**words), clock)
    with pytest.raises(GatewayUnreachable) as unreachable:
        gateway.check()
    assert "hushhush" not in unreachable.value.message + unreachable.value.hint


def test_no_adapter_is_loaded_before_it_is_made() -> None:
    script = (
        "import sys; import billdesk.core.gateways.making;"
        "sys.exit(bool({'stripe', 'httpx', 'billdesk.core.gateways.paypal'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

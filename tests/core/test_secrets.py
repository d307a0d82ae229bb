"""Secrets come from the environment or the keyring, whole, and are told to nobody."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from billdesk.core import secrets as keeper
from billdesk.core.rules.gateway_keys import Secrets
from billdesk.core.values.errors import KeyRefused, Refused
from tests.core.keyrings import MemoryKeyring, keys, no_keyring

__all__ = ["keys", "no_keyring"]

LEDGER = "led_1"
KEY = "sk_test_51VerySecretIndeed"


@pytest.fixture
def in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of stripe-eu is in the environment."""
    monkeypatch.setenv("BILLDESK_GATEWAY_STRIPE_EU_KEY", f" {KEY}\n")


def test_what_is_kept_is_found_again_under_ledger_and_name_alone(keys: MemoryKeyring) -> None:
    given = Secrets(key=KEY, webhook_secret="whsec_1")
    keeper.keep(LEDGER, "stripe", given)
    assert keeper.find(LEDGER, "stripe") == (given, "in the keyring")
    assert keeper.find(LEDGER, "stripe-eu") is None
    assert keeper.find("led_2", "stripe") is None
    [(place, text)] = keys.kept.items()
    assert place == ("billdesk", "led_1/stripe")
    assert json.loads(text) == {"key": KEY, "webhook_secret": "whsec_1"}


def test_the_environment_wins_whole_and_the_keyring_is_not_asked(
    keys: MemoryKeyring, in_environment: None
) -> None:
    keeper.keep(LEDGER, "stripe-eu", Secrets(key="sk_test_other", webhook_secret="whsec_1"))
    keys.locked = True
    found = keeper.find(LEDGER, "stripe-eu")
    assert found == (Secrets(key=KEY), "in the environment")


def test_a_machine_without_a_keyring_has_no_keys_and_keeps_none(no_keyring: None) -> None:
    assert keeper.find(LEDGER, "paypal") is None
    with pytest.raises(Refused) as refused:
        keeper.keep(LEDGER, "paypal", Secrets(client_id="A" * 80, secret=KEY, base_url="https://x"))
    hint = refused.value.hint
    assert "BILLDESK_GATEWAY_PAYPAL_CLIENT_ID and BILLDESK_GATEWAY_PAYPAL_SECRET" in hint
    assert "BASE_URL" not in hint
    assert KEY not in refused.value.message + hint
    assert "cannot be opened" in keeper.forget(LEDGER, "paypal")


def test_a_keyring_that_swallows_what_it_is_given_is_found_out() -> None:
    # The null keyring of the tests' surroundings takes everything and keeps nothing.
    with pytest.raises(Refused, match="no keyring that keeps the key"):
        keeper.keep(LEDGER, "stripe", Secrets(key=KEY))


def test_a_locked_keyring_is_not_taken_for_an_empty_one(keys: MemoryKeyring) -> None:
    keeper.keep(LEDGER, "stripe", Secrets(key=KEY))
    keys.locked = True
    with pytest.raises(KeyRefused, match="cannot be read from the keyring"):
        keeper.find(LEDGER, "stripe")
    with pytest.raises(Refused):
        keeper.keep(LEDGER, "stripe", Secrets(key="sk_test_2"))
    assert "nothing was taken out" in keeper.forget(LEDGER, "stripe")
    keys.locked = False
    assert keeper.find(LEDGER, "stripe") == (Secrets(key=KEY), "in the keyring")


@pytest.mark.parametrize(
    "text", [f'"{KEY}"', f"{KEY}", f'["{KEY}"]', f'{{"{KEY}": "x"}}', f'{{"key": ["{KEY}"]}}', "7"]
)
def test_what_somebody_else_wrote_there_is_refused_without_showing_it(
    keys: MemoryKeyring, text: str
) -> None:
    keys.kept["billdesk", "led_1/stripe"] = text
    with pytest.raises(KeyRefused) as refused:
        keeper.find(LEDGER, "stripe")
    assert KEY not in f"{refused.value.message}{refused.value.hint}"
    assert refused.value.__suppress_context__


def test_forgetting_says_what_became_of_the_key(keys: MemoryKeyring, in_environment: None) -> None:
    keeper.keep(LEDGER, "stripe", Secrets(key=KEY))
    assert keeper.forget(LEDGER, "stripe") == "its key was taken out of the keyring"
    assert keys.kept == {}
    assert keeper.forget(LEDGER, "stripe") == "its key was not in the keyring"
    assert "BILLDESK_GATEWAY_STRIPE_EU_KEY" in keeper.forget(LEDGER, "stripe-eu")
    assert keeper.find(LEDGER, "stripe-eu") is not None


def test_secrets_are_shown_as_the_words_there_are() -> None:
    secrets = Secrets(key=KEY, base_url="https://stripe.example")
    assert f"{secrets} {secrets!r} {[secrets]}" == (
        "Secrets(key, base_url) Secrets(key, base_url) [Secrets(key, base_url)]"
    )


def test_the_keyring_is_not_loaded_before_it_is_needed() -> None:
    script = (
        "import sys; from billdesk.core import desk, secrets; secrets.from_environment('stripe');"
        "sys.exit('keyring' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

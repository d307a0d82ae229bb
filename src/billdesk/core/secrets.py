"""The only keeper of gateways' secrets: the environment, else this machine's keyring; nowhere else.

All of a gateway's secrets come from one of the two, so that halves of two keys are never put together.
No text that leaves here holds one.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from billdesk.core.rules.gateway_keys import WORDS, Secrets, secrets_of
from billdesk.core.values.errors import BadInput, KeyNotHere, Refused

SERVICE = "billdesk"


class Found(NamedTuple):
    """A gateway's secrets, and where they were."""

    secrets: Secrets
    place: str


def variable(name: str, word: str) -> str:
    """The environment variable of one secret of the gateway `name`."""
    return f"BILLDESK_GATEWAY_{name.upper().replace('-', '_')}_{word.upper()}"


def from_environment(name: str) -> Secrets | None:
    """What the environment has for this gateway; None if that is nothing."""
    values = {word: os.environ.get(variable(name, word), "") for word in WORDS}
    return secrets_of(values) if any(values.values()) else None


def find(ledger_id: str, name: str) -> Found | None:
    """A gateway's secrets on this machine. Raises KeyNotHere when the keyring cannot be read."""
    given = from_environment(name)
    if given is not None:
        return Found(given, "in the environment")
    kept = from_keyring(ledger_id, name)
    return None if kept is None else Found(kept, "in the keyring")


def from_keyring(ledger_id: str, name: str) -> Secrets | None:
    """What the keyring has for this gateway; None if that is nothing, or there is no keyring.

    Raises KeyNotHere when it cannot be read.
    """
    import keyring  # a third of a second
    from keyring.errors import KeyringError, NoKeyringError

    try:
        text = keyring.get_password(SERVICE, _user(ledger_id, name))
        return None if text is None else secrets_of(json.loads(text))
    except NoKeyringError:
        return None
    except (KeyringError, ValueError, TypeError, AttributeError, BadInput):
        # Not chained: what was read would stand in the error.
        raise KeyNotHere(
            f"the key of {name} cannot be read from the keyring", "unlock it, or add the key again"
        ) from None


def keep(ledger_id: str, name: str, secrets: Secrets) -> None:
    """Keep a gateway's secrets in the keyring, and make sure that they are there. Raises Refused."""
    import keyring
    from keyring.errors import KeyringError

    user, text = _user(ledger_id, name), json.dumps(secrets.words())
    try:
        keyring.set_password(SERVICE, user, text)
        kept = keyring.get_password(SERVICE, user) == text
    except KeyringError:
        kept = False
    if not kept:
        variables = " and ".join(
            variable(name, word) for word in secrets.words() if word != "base_url"
        )
        raise Refused(
            "this machine has no keyring that keeps the key",
            f"set {variables} in the environment, and add it without giving a key",
        )


def forget(ledger_id: str, name: str) -> str:
    """Take a gateway's secrets out of the keyring; what has become of them, in words."""
    import keyring
    from keyring.errors import KeyringError

    try:
        if keyring.get_password(SERVICE, _user(ledger_id, name)) is not None:
            keyring.delete_password(SERVICE, _user(ledger_id, name))
            forgotten = "its key was taken out of the keyring"
        else:
            forgotten = "its key was not in the keyring"
    except KeyringError:
        forgotten = "the keyring of this machine cannot be opened: nothing was taken out"
    if from_environment(name) is not None:
        forgotten += f"; {variable(name, 'key')} and the like are still in the environment"
    return forgotten


def _user(ledger_id: str, name: str) -> str:
    return f"{ledger_id}/{name}"

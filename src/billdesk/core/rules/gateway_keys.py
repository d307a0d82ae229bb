"""What a gateway is connected with: its secrets, and what they must be.

Pure decisions. Secrets pass through here, and no text that leaves here ever holds one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from billdesk.core.rules.gateway import GatewayCheck, Make, Mode
from billdesk.core.rules.gateway_needs import NEEDS
from billdesk.core.rules.links import Link
from billdesk.core.values.errors import BadInput

RESERVED = ("sandbox", "none")
"""What no connected gateway may be called."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_NAME_LENGTH = 40
_KEY_MODE = re.compile(r"(?:sk|rk)_(test|live)_[A-Za-z0-9_]+", re.ASCII)
_PRINTABLE = re.compile(r"[!-~]{1,255}", re.ASCII)
_AT_HOME = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What opens an account at a gateway. Shown as which words there are, never as what they are.

    `base_url` is no secret, but whoever sets it is sent the key: so it is kept where the key is, and
    not in a ledger that others may write to.
    """

    key: str = ""
    client_id: str = ""
    secret: str = ""
    webhook_secret: str = ""
    base_url: str = ""

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.words())})"

    def words(self) -> dict[str, str]:
        """Those that are there, by word."""
        values = {word: getattr(self, word) for word in WORDS}
        return {word: value for word, value in values.items() if value}


WORDS: tuple[str, ...] = tuple(field.name for field in fields(Secrets))


def secrets_of(given: Mapping[str, str]) -> Secrets:
    """Secrets by word, blanks around them taken off. Raises BadInput for a word nobody knows."""
    for word in given:
        if word not in WORDS:
            raise BadInput(f"there is no secret called {word[:30]!r}", f"one of {', '.join(WORDS)}")
    return Secrets(**{word: value.strip() for word, value in given.items()})


def check_make(make: str) -> Make:
    """A make that can be connected. Raises BadInput."""
    for known in NEEDS:
        if known == make:
            return known
    raise BadInput(f"there is no make {make[:30]!r}", f"one of {', '.join(NEEDS)}")


def check_name(name: str) -> str:
    """A name to connect a gateway under. Raises BadInput.

    Never with `-webhook` at its end: the variable of its secret would be another gateway's.
    """
    fits = _NAME.fullmatch(name) and len(name) <= _NAME_LENGTH and not name.endswith("-webhook")
    if not fits or name in RESERVED:
        raise BadInput(
            f"{name[:40]!r} cannot be the name of a gateway",
            "lower-case letters, digits and hyphens, such as stripe-eu",
        )
    return name


def problem_of(make: Make, secrets: Secrets) -> str:
    """Why these cannot be the secrets of such a gateway, in words without them; empty if they can."""
    needs = NEEDS[make]
    there = secrets.words()
    known = {need.word for need in needs.secrets} | {"base_url"}
    for need in needs.secrets:
        if not need.optional and need.word not in there:
            return f"{needs.title} needs its {need.label}, and it was not given"
    for word, value in there.items():
        if word not in known:
            return f"{needs.title} has no {word.replace('_', ' ')}"
        if not _PRINTABLE.fullmatch(value):
            return f"the {word.replace('_', ' ')} is too long, or holds blanks or odd characters"
    if make != "paypal" and not _KEY_MODE.fullmatch(secrets.key):
        return _what_else(needs.title, secrets.key)
    if not _is_safe(secrets.base_url):
        return "the base address is neither https nor on this machine"
    return ""


def _what_else(title: str, key: str) -> str:
    if key.startswith("pk_"):
        return f"that is {title}'s publishable key, which opens nothing; the secret key is needed"
    if key.startswith("whsec_"):
        return f"that is the secret of {title}'s messages; the secret key is needed"
    return f"that does not look like a secret key of {title}"


def _is_safe(base_url: str) -> bool:
    address = urlsplit(base_url)
    on_this_machine = address.scheme == "http" and address.hostname in _AT_HOME
    return not base_url or on_this_machine or (address.scheme == "https" and bool(address.hostname))


def mode_of(make: Make, secrets: Secrets, *, otherwise: Mode) -> Mode:
    """The mode that a key is for; `otherwise` where it does not show."""
    shown = _KEY_MODE.fullmatch(secrets.key)
    if make == "paypal" or shown is None:
        return otherwise
    return "live" if shown[1] == "live" else "test"


def fingerprint_of(ledger_id: str, name: str, secrets: Secrets) -> str:
    """Tells whether the secrets are still those that were tried; says nothing else about them."""
    parts = [ledger_id, name, *(f"{word}={value}" for word, value in secrets.words().items())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def why_not_the_same(link: Link, tried: GatewayCheck) -> str:
    """Why a key does not belong to what is connected under its name; empty if it does."""
    if tried.mode != link.mode:
        return (
            f"the key of {link.name} is for {tried.mode} mode, and it is connected in {link.mode}"
        )
    if link.account and tried.account != link.account:
        return (
            f"the key of {link.name} opens the account {tried.account},"
            f" and it is connected to {link.account}"
        )
    return ""


def rights_in_words(make: Make, missing: tuple[str, ...]) -> tuple[str, ...]:
    """Rights that are lacking, as the gateway's own pages call them, each with what it is for."""
    rights = {right.word: f"{right.name} ({right.purpose})" for right in NEEDS[make].rights}
    return tuple(rights.get(word, word) for word in missing)


def lacks_needed(make: Make, missing: tuple[str, ...]) -> bool:
    """Whether the desk cannot work with a key that lacks these rights."""
    can_wait = {right.word for right in NEEDS[make].rights if not right.needed}
    return not can_wait.issuperset(missing)

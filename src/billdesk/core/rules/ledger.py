"""How the ledger works, without a database: drafts of postings, the guards, and the hash chain.

The Postgres function `billdesk.post` says the same in SQL; one conformance suite holds them equal.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Protocol

from billdesk.core.values.money import CREDIT

CASH, CREDITS, RECEIVABLE = "cash", "credits", "receivable"

KINDS = (
    "deposit",
    "charge",
    "refund",
    "card_refund",
    "manual_credit",
    "manual_debit",
    "opening",
    "reversal",
    "chargeback",
    "debt",
    "transfer",
    "fee",
    "pack_purchase",
    "pack_refund",
    "credit_grant",
    "credit_use",
    "credit_expiry",
    "cycle_reset",
    "invoice_payment",
    "credit_note",
    "usage",
)
"""Every kind an entry can have."""

CALLER, SYSTEM, IMPORT = "caller", "system", "import"


class Leg(NamedTuple):
    """One side of a posting.

    A wallet (by its account's ref or id, purpose and asset), what its balance and its held part
    change by in minor units, and who is on the other side.
    """

    account: str
    purpose: str
    asset: str
    amount_minor: int
    held_minor: int
    counterparty: str


class HoldChange(NamedTuple):
    """What a posting does to a hold: opens it (status open, with a deadline) or resolves it."""

    id: str
    status: str
    expires_at: int | None = None


class Draft(NamedTuple):
    """A posting before it is posted. Instants are microseconds; None lets the store decide.

    `guarded` drafts are new business: refused while a freeze is open or the account is not.
    """

    id: str
    kind: str
    scope: str
    reference: str
    digest: bytes
    actor: str
    legs: tuple[Leg, ...]
    subject: str | None = None
    memo: str | None = None
    salt: bytes | None = None
    happened_at: int | None = None
    recorded_at: int | None = None
    corrects: str | None = None
    about: str | None = None
    guarded: bool = True
    hold: HoldChange | None = None


class WalletState(NamedTuple):
    """A wallet as the store has it, with the status of its account."""

    number: int
    id: str
    account_id: str
    status: str
    purpose: str
    asset: str
    balance_minor: int
    held_minor: int
    floor_minor: int | None
    freezes: int
    seq: int
    head: bytes
    last_at: int


class Guard(StrEnum):
    """Why a leg is refused."""

    CLOSED = "closed"
    SUSPENDED = "suspended"
    FROZEN = "frozen"
    INSUFFICIENT = "insufficient"


def purpose_of(asset: str) -> str:
    """The purpose of an account's own wallet in `asset`: credits are kept apart from money."""
    return CREDITS if asset == CREDIT else CASH


class Guarded(Protocol):
    """What the guards look at."""

    @property
    def status(self) -> str: ...  # noqa: D102 - the fields of WalletState
    @property
    def freezes(self) -> int: ...  # noqa: D102
    @property
    def floor_minor(self) -> int | None: ...  # noqa: D102
    @property
    def balance_minor(self) -> int: ...  # noqa: D102
    @property
    def held_minor(self) -> int: ...  # noqa: D102


def guard(wallet: Guarded, leg: Leg, *, guarded: bool) -> Guard | None:
    """The first guard that refuses `leg` on `wallet`, or None when it may be posted."""
    if guarded:
        if wallet.status != "open":
            return Guard.CLOSED if wallet.status == "closed" else Guard.SUSPENDED
        if wallet.freezes:
            return Guard.FROZEN
    change_minor = leg.amount_minor - leg.held_minor
    if change_minor >= 0 or wallet.floor_minor is None:
        return None
    available_minor = wallet.balance_minor - wallet.held_minor
    return None if available_minor + change_minor >= wallet.floor_minor else Guard.INSUFFICIENT


def content_digest(*fields: str | None) -> bytes:
    """SHA-256 of what a posting is about: two attempts with one reference must agree on it."""
    return sha256("".join(map(field, fields)).encode()).digest()


def digest_of(kind: str, legs: tuple[Leg, ...], *more: str | None) -> bytes:
    """What two attempts with one reference must agree on: the kind, the money, and `more`.

    The account and the texts are compared by themselves: an account has two names, and texts can be
    erased.
    """
    return _digest(kind, tuple([leg[1:] for leg in legs]), more)


@lru_cache(maxsize=1024)  # a business has few prices
def _digest(
    kind: str, sides: tuple[tuple[str, str, int, int, str], ...], more: tuple[str | None, ...]
) -> bytes:
    """`sides` are legs without their accounts."""
    parts: list[str | None] = [kind]
    for purpose, asset, amount_minor, held_minor, counterparty in sides:
        parts += [purpose, asset, str(amount_minor), str(held_minor), counterparty]
    return content_digest(*parts, *more)


def text_digest(salt: bytes, subject: str | None, memo: str | None) -> bytes:
    """Salted SHA-256 of text that can hold personal data: the chain keeps it when the text goes."""
    return sha256(salt + (field(subject) + field(memo)).encode()).digest()


def genesis(wallet_id: str) -> bytes:
    """The head of a wallet without entries."""
    return sha256(wallet_id.encode()).digest()


def field(value: str | None) -> str:
    """One field of the canonical form: its length in UTF-8 bytes, a colon, the text; -1: for None."""
    if value is None:
        return "-1:"
    size = len(value) if value.isascii() else len(value.encode())
    return f"{size}:{value}"


def front_of(
    *,
    id: str,
    kind: str,
    scope: str,
    reference: str,
    digest: bytes,
    text: bytes | None,
    actor: str,
    corrects: str | None,
    about: str | None,
    account_id: str,
    happened_at: int,
    recorded_at: int,
) -> str:
    """The part of the canonical form that all legs of a posting share; `1` is its version."""
    happened = str(happened_at)
    recorded = happened if recorded_at == happened_at else str(recorded_at)
    return (
        f"1{len(id)}:{id}{_sort(kind, scope)}{field(reference)}64:{digest.hex()}"
        f"{'-1:' if text is None else '64:' + text.hex()}{_origin(actor, corrects, about)}"
        f"{len(account_id)}:{account_id}{len(happened)}:{happened}{len(recorded)}:{recorded}"
    )


@lru_cache(maxsize=256)
def _sort(kind: str, scope: str) -> str:
    """Two fields that are nearly always the same."""
    return field(kind) + field(scope)


@lru_cache(maxsize=256)
def _origin(actor: str, corrects: str | None, about: str | None) -> str:
    """Three fields that are the same for everything that corrects nothing."""
    return field(actor) + field(corrects) + field(about)


def link(
    head: bytes,
    front: str,
    *,
    wallet_id: str,
    seq: int,
    asset: str,
    amount_minor: int,
    balance_after: int,
    counterparty: str,
) -> bytes:
    """The hash of one entry: SHA-256 over the previous head, its posting and itself."""
    place, amount, balance = str(seq), str(amount_minor), str(balance_after)
    leg = (
        f"{front}{len(wallet_id)}:{wallet_id}{len(place)}:{place}{len(asset)}:{asset}"
        f"{len(amount)}:{amount}{len(balance)}:{balance}{field(counterparty)}"
    )
    return sha256(head + leg.encode()).digest()

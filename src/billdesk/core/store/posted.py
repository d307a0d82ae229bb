"""What the ledger made of a posting, and what a reference led to the first time."""

from __future__ import annotations

from typing import NamedTuple

from billdesk.core.store.sessions import Session


class Posted(NamedTuple):
    """What the ledger made of a draft: its place, when it was recorded, balances leg by leg."""

    number: int
    account_id: str
    actor: str
    happened_at: int
    recorded_at: int
    balances_after: tuple[int, ...]


class FirstResult(NamedTuple):
    """What a reference led to the first time."""

    id: str
    digest: bytes
    account_id: str
    subject: str | None
    memo: str | None
    erased: bool
    happened_at: int
    recorded_at: int
    balances_after: tuple[int, ...]


def first_result(session: Session, scope: str, reference: str) -> FirstResult | None:
    """The posting that a reference made, or None while it is new."""
    row = session.one(
        "SELECT number, id, digest, account_id, subject, memo, salt, text_digest, happened_at,"
        " recorded_at FROM posting WHERE reference = ? AND scope = ?",
        (reference, scope),
    )
    if row is None:
        return None
    balances = session.all(
        "SELECT balance_after FROM entry WHERE posting_number = ? ORDER BY number", (row[0],)
    )
    return FirstResult(
        id=row[1],
        digest=bytes(row[2]),
        account_id=row[3],
        subject=row[4],
        memo=row[5],
        erased=row[6] is None and row[7] is not None,
        happened_at=row[8],
        recorded_at=row[9],
        balances_after=tuple(balance for (balance,) in balances),
    )


def is_corrected(session: Session, posting_id: str) -> bool:
    """Whether a posting was refunded or reversed."""
    return session.one("SELECT 1 FROM posting WHERE corrects = ?", (posting_id,)) is not None

"""What an import looks up for many lines at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from billdesk.core.store.sessions import Session


class KnownAccount(NamedTuple):
    """An account that is here already."""

    id: str
    name: str
    email: str | None


class KnownPosting(NamedTuple):
    """What a reference led to; `erased`: its texts are gone."""

    digest: bytes
    account_id: str
    subject: str | None
    memo: str | None
    erased: bool


def known_accounts(session: Session, refs: Sequence[str]) -> dict[str, KnownAccount]:
    """Those accounts that are here already, by ref."""
    if not refs:
        return {}
    rows = session.all(
        f"SELECT ref, id, name, email FROM account WHERE ref IN ({_marks(refs)})", refs
    )
    return {row[0]: KnownAccount._make(row[1:]) for row in rows}


def known_postings(
    session: Session, scope: str, references: Sequence[str]
) -> dict[str, KnownPosting]:
    """What those references (one at least) led to that have been used already."""
    rows = session.all(
        "SELECT reference, digest, account_id, subject, memo,"
        " CASE WHEN salt IS NULL AND text_digest IS NOT NULL THEN 1 ELSE 0 END"
        f" FROM posting WHERE scope = ? AND reference IN ({_marks(references)})",
        (scope, *references),
    )
    return {
        row[0]: KnownPosting(bytes(row[1]), row[2], row[3], row[4], bool(row[5])) for row in rows
    }


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))

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


def known_accounts(session: Session, refs: Sequence[str]) -> dict[str, KnownAccount]:
    """Those accounts that are here already, by ref."""
    rows = session.all(
        f"SELECT ref, id, name, email FROM account WHERE ref IN ({_marks(refs)})", refs
    )
    return {row[0]: KnownAccount._make(row[1:]) for row in rows}


def known_references(session: Session, scope: str, references: Sequence[str]) -> set[str]:
    """Those references that have led to a posting already."""
    rows = session.all(
        f"SELECT reference FROM posting WHERE scope = ? AND reference IN ({_marks(references)})",
        (scope, *references),
    )
    return {reference for (reference,) in rows}


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))

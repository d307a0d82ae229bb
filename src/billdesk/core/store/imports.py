"""What an import looks up for many lines at once."""

from __future__ import annotations

from collections.abc import Sequence

from billdesk.core.store.sessions import Session


def account_ids(session: Session, refs: Sequence[str]) -> dict[str, str]:
    """The ids of those accounts that are there, by ref."""
    marks = ", ".join("?" * len(refs))
    rows = session.all(f"SELECT ref, id FROM account WHERE ref IN ({marks})", refs)
    return dict(rows)  # type: ignore[arg-type]  # two columns are two values


def known_references(session: Session, scope: str, references: Sequence[str]) -> set[str]:
    """Which of these references have led to a posting already."""
    marks = ", ".join("?" * len(references))
    rows = session.all(
        f"SELECT reference FROM posting WHERE scope = ? AND reference IN ({marks})",
        (scope, *references),
    )
    return {reference for (reference,) in rows}

"""What a ledger knows of itself: a few words by key."""

from __future__ import annotations

from billdesk.core.store.sessions import Session


def read_meta(session: Session) -> dict[str, str]:
    """All of it."""
    rows = session.all("SELECT key, value FROM meta")
    return {row[0]: row[1] for row in rows}


def write_meta(session: Session, key: str, value: str) -> None:
    """Set one word."""
    session.run(
        "INSERT INTO meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )

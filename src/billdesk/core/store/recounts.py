"""When all balances were last counted anew, and how many were wrong then."""

from __future__ import annotations

from billdesk.core.store.sessions import Session

_AT, _WRONG = "recounted_at", "recounted_wrong"


def recounted_at(session: Session) -> int | None:
    """The instant of the last recount, in microseconds."""
    return _number(session, _AT)


def recounted_wrong(session: Session) -> int:
    """How much the last recount found wrong."""
    return _number(session, _WRONG) or 0


def remember_recount(session: Session, at: int, wrong: int) -> None:
    """Keep what a recount of all balances found."""
    for name, number in ((_AT, at), (_WRONG, wrong)):
        session.run(
            "INSERT INTO indexing (name, up_to) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET up_to = excluded.up_to",
            (name, number),
        )


def _number(session: Session, name: str) -> int | None:
    row = session.one("SELECT up_to FROM indexing WHERE name = ?", (name,))
    return None if row is None else row[0]

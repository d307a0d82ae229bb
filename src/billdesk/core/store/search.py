"""Finding postings by any three letters of their text, in tens of millions.

The index is filled outside the charge's block, by whoever ticks or searches next; what is not in it
yet is read directly. SQLite: FTS5 with trigrams. Postgres: an array of trigrams under GIN, which needs
no extension.
"""

from __future__ import annotations

from billdesk.core.store.accounts import like_anywhere
from billdesk.core.store.sessions import Session

BATCH = 5_000
_LATE_COMMITS = 10_000
"""On Postgres a lower number can be committed later: that many are looked at again."""


def index_batch(session: Session) -> int:
    """Index the next postings; how many there were (0: the index is complete)."""
    if session.kind == "postgres":
        return _index_postgres(session)
    return _index_sqlite(session)


def _index_sqlite(session: Session) -> int:
    indexed = indexed_up_to(session)
    row = session.one(
        "SELECT max(number), count(*) FROM (SELECT number FROM posting WHERE number > ?"
        " ORDER BY number LIMIT ?)",
        (indexed, BATCH),
    )
    if row is None or not row[1]:
        return 0
    session.run(
        "INSERT INTO posting_text (rowid, subject, memo, reference)"
        " SELECT number, subject, memo, reference FROM posting WHERE number > ? AND number <= ?",
        (indexed, row[0]),
    )
    _mark_indexed(session, row[0])
    return int(row[1])


def _index_postgres(session: Session) -> int:
    rows = session.all(
        "SELECT p.number, p.subject, p.memo, p.reference FROM posting p WHERE p.number > ?"
        " AND NOT EXISTS (SELECT 1 FROM posting_search s WHERE s.number = p.number)"
        " ORDER BY p.number LIMIT ?",
        (indexed_up_to(session) - _LATE_COMMITS, BATCH),
    )
    session.many(
        "INSERT INTO posting_search (number, grams) VALUES (?, ?) ON CONFLICT (number) DO NOTHING",
        [
            (row[0], sorted({gram for text in row[1:] if text for gram in trigrams(text)}))
            for row in rows
        ],
    )
    if rows:
        _mark_indexed(session, rows[-1][0])
    return len(rows)


def indexed_up_to(session: Session) -> int:
    """The newest posting in the index."""
    row = session.one("SELECT up_to FROM indexing WHERE name = 'postings'")
    return int(row[0]) if row else 0


def _mark_indexed(session: Session, number: int) -> None:
    session.run(
        "INSERT INTO indexing (name, up_to) VALUES ('postings', ?)"
        " ON CONFLICT (name) DO UPDATE SET up_to = excluded.up_to",
        (number,),
    )


def trigrams(text: str) -> set[str]:
    """Every run of three characters, without regard to case."""
    lowered = text.lower()
    return {lowered[index : index + 3] for index in range(len(lowered) - 2)}


def matching_postings(session: Session, text: str, below: int, limit: int) -> list[int]:
    """Numbers of postings under `below` whose subject, memo or reference hold `text`, newest first."""
    indexed = indexed_up_to(session)
    like = like_anywhere(text)
    word = "ILIKE" if session.kind == "postgres" else "LIKE"
    holds_it = " OR ".join(
        f"p.{column} {word} ? ESCAPE '\\'" for column in ("subject", "memo", "reference")
    )
    fresh = session.all(
        f"SELECT p.number FROM posting p WHERE p.number > ? AND p.number < ? AND ({holds_it})"
        " ORDER BY p.number DESC LIMIT ?",
        (indexed, below, like, like, like, limit),
    )
    found = [row[0] for row in fresh]
    if len(found) < limit:
        top = min(below, indexed + 1)
        found += _indexed_matches(session, text, like, holds_it, top, limit - len(found))
    return found


def _indexed_matches(
    session: Session, text: str, like: str, holds_it: str, below: int, limit: int
) -> list[int]:
    if session.kind == "postgres":
        rows = session.all(
            "SELECT p.number FROM posting p JOIN posting_search s ON s.number = p.number"
            f" WHERE s.grams @> ? AND p.number < ? AND ({holds_it}) ORDER BY p.number DESC LIMIT ?",
            (sorted(trigrams(text)), below, like, like, like, limit),
        )
    else:
        quoted = '"' + text.replace('"', '""') + '"'
        rows = session.all(
            # What was erased stands in the index still; only a posting with texts keeps its salt.
            "SELECT t.rowid FROM posting_text t JOIN posting p ON p.number = t.rowid"
            " WHERE posting_text MATCH ? AND t.rowid < ?"
            " AND (p.salt IS NOT NULL OR p.reference LIKE ? ESCAPE '\\')"
            " ORDER BY t.rowid DESC LIMIT ?",
            (quoted, below, like, limit),
        )
    return [row[0] for row in rows]

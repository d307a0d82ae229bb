"""Postings read back in full."""

from __future__ import annotations

from billdesk.core.rules.sheets import PostingSheet
from billdesk.core.store.history import entries_of_posting
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros


def posting_by_id(session: Session, posting_id: str) -> PostingSheet | None:
    """One posting with its entries."""
    row = session.one(
        "SELECT p.id, p.kind, a.ref, p.scope, p.reference, p.subject, p.memo, p.actor,"
        " p.happened_at, p.recorded_at, p.corrects, p.about"
        " FROM posting p JOIN account a ON a.id = p.account_id WHERE p.id = ?",
        (posting_id,),
    )
    if row is None:
        return None
    return PostingSheet(
        id=row[0],
        kind=row[1],
        account_ref=row[2],
        scope=row[3],
        reference=row[4],
        subject=row[5],
        memo=row[6],
        actor=row[7],
        happened_at=from_micros(row[8]),
        recorded_at=from_micros(row[9]),
        corrects=row[10],
        about=row[11],
        entries=tuple(entries_of_posting(session, posting_id)),
    )

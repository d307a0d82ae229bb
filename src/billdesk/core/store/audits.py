"""The audit log: every operation and every refusal, and the postings, which are rows of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from billdesk.core.rules.sheets import AuditSheet
from billdesk.core.store.accounts import like_anywhere
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.money import LARGEST_MINOR, Money


def write_audit(
    session: Session,
    *,
    at: int,
    actor: str,
    account_id: str | None,
    action: str,
    outcome: str,
    summary: str,
    data: Mapping[str, object],
    origin: str,
) -> None:
    """Append one line."""
    values = (at, actor, account_id, action, outcome, summary, json.dumps(data), origin)
    if session.kind == "postgres":
        session.one("SELECT write_audit(?, ?, ?, ?, ?, ?, ?, ?)", values)
        return
    session.run(
        "INSERT INTO audit (at, actor, account_id, action, outcome, summary, data, origin)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )


def list_audit(
    session: Session,
    *,
    account_id: str | None,
    action: str | None,
    text: str | None,
    after: str | None,
    limit: int,
) -> tuple[list[AuditSheet], str | None]:
    """Log lines and postings merged, the newest first, and where to go on.

    The cursor holds the last audit number and the last posting number that were shown.
    """
    audit_below, posting_below = _read_cursor(after)
    lines = _audit_lines(session, account_id, action, text, audit_below, limit)
    postings = _posting_lines(session, account_id, action, text, posting_below, limit)
    merged = sorted([*lines, *postings], key=lambda line: (line[0], line[2]), reverse=True)[:limit]
    for _, source, number, _ in merged:
        if source == "audit":
            audit_below = number
        else:
            posting_below = number
    cursor = f"{audit_below}.{posting_below}" if len(merged) == limit else None
    return [sheet for _, _, _, sheet in merged], cursor


def _read_cursor(after: str | None) -> tuple[int, int]:
    if after is None:
        return LARGEST_MINOR, LARGEST_MINOR
    audit_below, _, posting_below = after.partition(".")
    return read_cursor(audit_below) or 0, read_cursor(posting_below) or 0


_Line = tuple[int, str, int, AuditSheet]


def _audit_lines(
    session: Session, account_id: str | None, action: str | None, text: str | None,
    below: int, limit: int,
) -> list[_Line]:  # fmt: skip
    where, values = _conditions(account_id, "l.account_id", action, "l.action")
    if text:
        where.append(f"l.summary {_like(session)} ? ESCAPE '\\'")
        values.append(like_anywhere(text))
    rows = session.all(
        "SELECT l.number, l.at, l.actor, a.ref, l.action, l.outcome, l.summary, l.data, l.origin"
        " FROM audit l LEFT JOIN account a ON a.id = l.account_id"
        f" WHERE {' AND '.join(['l.number < ?', *where])} ORDER BY l.number DESC LIMIT ?",
        (below, *values, limit),
    )
    return [
        (
            row[1],
            "audit",
            row[0],
            AuditSheet(
                at=from_micros(row[1]),
                actor=row[2],
                account_ref=row[3],
                action=row[4],
                outcome=row[5],
                summary=row[6],
                data=json.loads(row[7]),
                origin=row[8],
                posting_id=None,
            ),
        )
        for row in rows
    ]


def _posting_lines(
    session: Session, account_id: str | None, action: str | None, text: str | None,
    below: int, limit: int,
) -> list[_Line]:  # fmt: skip
    where, values = _conditions(account_id, "p.account_id", action, "p.kind")
    if text:
        like = _like(session)
        where.append(
            f"(p.reference {like} ? ESCAPE '\\' OR p.subject {like} ? ESCAPE '\\'"
            f" OR p.memo {like} ? ESCAPE '\\')"
        )
        values += [like_anywhere(text)] * 3
    rows = session.all(
        "SELECT p.number, p.recorded_at, p.actor, a.ref, p.kind, p.id, p.scope, p.reference,"
        " p.subject, p.memo,"
        " (SELECT min(e.number) FROM entry e WHERE e.posting_number = p.number)"
        " FROM posting p JOIN account a ON a.id = p.account_id"
        f" WHERE {' AND '.join(['p.number < ?', *where])} ORDER BY p.number DESC LIMIT ?",
        (below, *values, limit),
    )
    return [(row[1], "posting", row[0], _posting_sheet(session, row)) for row in rows]


def _posting_sheet(session: Session, row: tuple[Any, ...]) -> AuditSheet:
    amount = ""
    if row[10] is not None:
        entry = session.one(
            "SELECT e.amount_minor, w.asset FROM entry e JOIN wallet w ON w.number = e.wallet_number"
            " WHERE e.number = ?",
            (row[10],),
        )
        amount = f"{Money(*entry)} · " if entry else ""
    return AuditSheet(
        at=from_micros(row[1]),
        actor=row[2],
        account_ref=row[3],
        action=row[4],
        outcome="done",
        summary=f"{amount}{row[8] or row[9] or row[7]}",
        data={"reference": row[7], "scope": row[6]},
        origin=row[6],
        posting_id=row[5],
    )


def _conditions(
    account_id: str | None, account_column: str, action: str | None, action_column: str
) -> tuple[list[str], list[Any]]:
    where, values = [], []
    if account_id:
        where.append(f"{account_column} = ?")
        values.append(account_id)
    if action:
        where.append(f"{action_column} = ?")
        values.append(action)
    return where, values


def _like(session: Session) -> str:
    return "ILIKE" if session.kind == "postgres" else "LIKE"

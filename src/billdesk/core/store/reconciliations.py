"""Comparisons with gateways' own books: the runs and their lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from billdesk.core.rules.matching import MATCHED, Item, Span
from billdesk.core.rules.sheets import ReconcileItemSheet, ReconcileSheet, ReconcileTotalSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.money import Money

EXPLAINED = "explained"
OPEN = "open"

_BATCH = 500
_MICROS_PER_DAY = 86_400_000_000

_RUN = """
SELECT r.number, r.id, r.reference, r.gateway, r.mode, r.since, r.until, r.actor, r.started_at,
       r.finished_at, r.summary, r.digest,
       (SELECT count(*) FROM reconciliation_item i
        WHERE i.reconciliation_number = r.number AND i.note IS NOT NULL)
FROM reconciliation r"""
_ITEM = """
SELECT i.number, i.kind, i.outcome, i.external_id, i.our_id, a.ref, i.asset, i.ours_minor,
       i.theirs_minor, i.our_fee_minor, i.their_fee_minor, i.happened_at, i.note, i.explained_by,
       i.explained_at
FROM reconciliation_item i LEFT JOIN account a ON a.id = i.account_id"""
_ADD_ITEM = (
    f"INSERT INTO reconciliation_item (reconciliation_number, {', '.join(Item._fields)},"
    f" note, explained_by, explained_at) VALUES ({', '.join('?' * (len(Item._fields) + 4))})"
)

Explanation = tuple[str | None, str | None, int | None]
"""A note, who wrote it, and when."""


def begin_run(
    session: Session,
    *,
    id: str,
    reference: str | None,
    gateway: str,
    mode: str,
    span: Span,
    actor: str,
    at: int,
) -> None:
    """Write down that a comparison begins; it counts once it is finished."""
    session.run(
        "INSERT INTO reconciliation (id, reference, gateway, mode, since, until, actor, started_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (id, reference, gateway, mode, *span, actor, at),
    )


def interrupt_run(session: Session, run_id: str, why: str) -> None:
    """Say why a comparison came to nothing."""
    session.run(
        "UPDATE reconciliation SET summary = ? WHERE id = ?",
        (json.dumps({"interrupted": why}), run_id),
    )


def finish_run(
    session: Session,
    run_id: str,
    items: Iterable[Item],
    *,
    outcomes: Mapping[str, int],
    totals: Sequence[ReconcileTotalSheet],
    matched_kept: bool,
    digest: str,
    at: int,
) -> None:
    """Keep a comparison's lines and what it came to; lines explained before come explained."""
    [(number, gateway, mode)] = session.all(
        "SELECT number, gateway, mode FROM reconciliation WHERE id = ?", (run_id,)
    )
    lines = iter(items)
    while batch := list(islice(lines, _BATCH)):
        known = _explained_before(session, gateway, mode, batch)
        nothing: Explanation = (None, None, None)
        session.many(
            _ADD_ITEM, [(number, *item, *known.get(_content(item), nothing)) for item in batch]
        )
    summary = {
        "outcomes": dict(outcomes),
        "totals": [_plain(total) for total in totals],
        "alarm": any(total.alarm for total in totals),
        "matched_kept": matched_kept,
    }
    session.run(
        "UPDATE reconciliation SET finished_at = ?, summary = ?, digest = ? WHERE id = ?",
        (at, json.dumps(summary), digest, run_id),
    )


def _plain(total: ReconcileTotalSheet) -> list[object]:
    """A total without its Moneys, in the order of its fields."""
    return [value.minor if isinstance(value, Money) else value for value in total]


def _content(item: Item) -> tuple[object, ...]:
    """What an explanation speaks of: the object and the amounts, not when they were compared."""
    return (item.kind, item.external_id, item.asset, *item[6:10])


def _explained_before(
    session: Session, gateway: str, mode: str, items: Sequence[Item]
) -> dict[tuple[object, ...], Explanation]:
    """The newest explanation of each line's content at this gateway, where there is one."""
    ids = sorted({item.external_id for item in items if item.outcome != MATCHED})
    if not ids:
        return {}
    rows = session.all(
        "SELECT i.kind, i.external_id, i.asset, i.ours_minor, i.theirs_minor, i.our_fee_minor,"
        " i.their_fee_minor, i.note, i.explained_by, i.explained_at"
        " FROM reconciliation_item i JOIN reconciliation r ON r.number = i.reconciliation_number"
        f" WHERE i.note IS NOT NULL AND i.external_id IN ({', '.join('?' * len(ids))})"
        " AND r.gateway = ? AND r.mode = ? ORDER BY i.explained_at, i.number",
        (*ids, gateway, mode),
    )
    return {row[:7]: row[7:] for row in rows}


def explain_item(session: Session, number: int, note: str, by: str, at: int) -> None:
    """Keep what somebody found out about a line."""
    session.run(
        "UPDATE reconciliation_item SET note = ?, explained_by = ?, explained_at = ?"
        " WHERE number = ?",
        (note, by, at, number),
    )


def run_by_id(session: Session, run_id: str) -> ReconcileSheet | None:
    """One comparison."""
    row = session.one(f"{_RUN} WHERE r.id = ?", (run_id,))
    return _run_sheet(row) if row else None


def finished_run(session: Session, reference: str, since: int) -> ReconcileSheet | None:
    """The first comparison with this reference that began at `since` or later and was finished."""
    row = session.one(
        f"{_RUN} WHERE r.reference = ? AND r.started_at >= ? AND r.finished_at IS NOT NULL"
        " ORDER BY r.number LIMIT 1",
        (reference, since),
    )
    return _run_sheet(row) if row else None


def list_runs(
    session: Session, *, gateway: str | None, after: str | None, limit: int
) -> tuple[list[ReconcileSheet], str | None]:
    """Comparisons, the newest first, and where to go on."""
    where, values = ["1 = 1"], list[Any]()
    if gateway is not None:
        where.append("r.gateway = ?")
        values.append(gateway)
    below = read_cursor(after)
    if below is not None:
        where.append("r.number < ?")
        values.append(below)
    rows = session.all(
        f"{_RUN} WHERE {' AND '.join(where)} ORDER BY r.number DESC LIMIT ?", (*values, limit)
    )
    return [_run_sheet(row) for row in rows], str(rows[-1][0]) if len(rows) == limit else None


def newest_runs(session: Session) -> list[ReconcileSheet]:
    """The last comparison that was finished of each gateway and mode."""
    rows = session.all(
        f"{_RUN} WHERE r.number IN (SELECT max(number) FROM reconciliation"
        " WHERE finished_at IS NOT NULL GROUP BY gateway, mode) ORDER BY r.gateway, r.mode"
    )
    return [_run_sheet(row) for row in rows]


def last_runs(session: Session) -> dict[tuple[str, str], tuple[int, int | None]]:
    """When a comparison was last begun and last finished, by (gateway, mode)."""
    rows = session.all(
        "SELECT gateway, mode, max(started_at), max(finished_at) FROM reconciliation"
        " GROUP BY gateway, mode"
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def _run_sheet(row: tuple[Any, ...]) -> ReconcileSheet:
    summary = json.loads(row[10])
    return ReconcileSheet(
        id=row[1],
        reference=row[2],
        gateway=row[3],
        mode=row[4],
        since=from_micros(row[5]),
        until=from_micros(row[6]),
        actor=row[7],
        started_at=from_micros(row[8]),
        finished_at=None if row[9] is None else from_micros(row[9]),
        totals=tuple(_total_sheet(total) for total in summary.get("totals", ())),
        outcomes=summary.get("outcomes", {}),
        alarm=summary.get("alarm", False),
        digest=row[11],
        explained=row[12],
        matched_kept=summary.get("matched_kept", True),
        interrupted=summary.get("interrupted"),
    )


def _total_sheet(plain: Sequence[Any]) -> ReconcileTotalSheet:
    asset, *minors, alarm = plain
    return ReconcileTotalSheet._make((asset, *(Money(minor, asset) for minor in minors), alarm))


def item_by_number(session: Session, number: int, now: int) -> ReconcileItemSheet | None:
    """One line."""
    row = session.one(f"{_ITEM} WHERE i.number = ?", (number,))
    return _item_sheet(row, now) if row else None


def list_items(
    session: Session,
    run_id: str,
    *,
    outcome: str | None,
    after: str | None,
    limit: int,
    now: int,
) -> tuple[list[ReconcileItemSheet], str | None]:
    """Lines of a comparison in their order, and where to go on.

    `outcome` may also be `explained`, or `open`: what does not match and nobody has explained.
    """
    condition, values = _wanted(outcome)
    rows = session.all(
        f"{_ITEM} WHERE i.reconciliation_number ="
        f" (SELECT number FROM reconciliation WHERE id = ?) AND {condition} AND i.number > ?"
        " ORDER BY i.number LIMIT ?",
        (run_id, *values, read_cursor(after) or 0, limit),
    )
    sheets = [_item_sheet(row, now) for row in rows]
    return sheets, str(rows[-1][0]) if len(rows) == limit else None


def _wanted(outcome: str | None) -> tuple[str, tuple[str, ...]]:
    if outcome is None:
        return "1 = 1", ()
    if outcome == EXPLAINED:
        return "i.note IS NOT NULL", ()
    if outcome == OPEN:
        return "i.note IS NULL AND i.outcome <> ?", (MATCHED,)
    return "i.outcome = ?", (outcome,)


def stream_items(session: Session, run_id: str, now: int) -> Iterator[ReconcileItemSheet]:
    """All lines of a comparison in their order, in flat memory; needs a snapshot read."""
    rows = session.stream(
        f"{_ITEM} WHERE i.reconciliation_number ="
        " (SELECT number FROM reconciliation WHERE id = ?) ORDER BY i.number",
        (run_id,),
    )
    return (_item_sheet(row, now) for row in rows)


def _item_sheet(row: tuple[Any, ...], now: int) -> ReconcileItemSheet:
    asset = row[6]
    ours, theirs, our_fee, their_fee = (
        None if minor is None else Money(minor, asset) for minor in row[7:11]
    )
    return ReconcileItemSheet(
        number=row[0],
        kind=row[1],
        outcome=row[2],
        external_id=row[3],
        our_id=row[4],
        account_ref=row[5],
        asset=asset,
        ours=ours,
        theirs=theirs,
        our_fee=our_fee,
        their_fee=their_fee,
        happened_at=from_micros(row[11]),
        age_days=max(0, (now - row[11]) // _MICROS_PER_DAY),
        note=row[12],
        explained_by=row[13],
        explained_at=None if row[14] is None else from_micros(row[14]),
    )

"""Our side of a comparison: what moved at a gateway as the desk has it, and what the ledger booked.

Spans are cut by the gateway's time, which postings and disputes carry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from billdesk.core.rules.matching import Line, Span
from billdesk.core.store.history import first_number_at
from billdesk.core.store.sessions import Session

_CLOCKS_APART = 86_400_000_000
"""An entry is recorded after it happened, unless the gateway's clock is ahead: not by more than a day."""

# In the order of Line's fields. Each ends with how its time is cut, and sorts as Python does.
_DISPUTES = """
SELECT * FROM (
    SELECT 'dispute', d.external_id AS external_id, d.asset AS asset, -d.amount_minor, 0,
           d.opened_at AS at, NULL, d.id, p.account_id,
           CASE WHEN d.status = 'lost' AND d.closed_at < ? THEN 0 ELSE 1 END
    FROM dispute d JOIN payment p ON p.id = d.payment_id
    WHERE d.gateway = ? AND d.mode = ? AND d.opened_at >= ? AND d.opened_at < ?
    UNION ALL
    SELECT 'dispute', d.external_id, d.asset, d.amount_minor, 0, d.closed_at, NULL, d.id,
           p.account_id, 1
    FROM dispute d JOIN payment p ON p.id = d.payment_id
    WHERE d.gateway = ? AND d.mode = ? AND d.status = 'won' AND d.closed_at >= ? AND d.closed_at < ?
) AS moved ORDER BY external_id{}, asset, at"""
_PAYMENTS = """
SELECT 'payment', p.external_id, p.asset, p.amount_minor, coalesce(p.fee_minor, 0), g.happened_at,
       p.charge_id, p.id, p.account_id, 0
FROM payment p JOIN posting g ON g.id = p.posting_id
WHERE p.gateway = ? AND p.mode = ? AND p.external_id IS NOT NULL
      AND g.happened_at >= ? AND g.happened_at < ?
ORDER BY p.external_id{}"""
_REFUNDS = """
SELECT * FROM (
    SELECT 'refund', r.external_id AS external_id, r.asset AS asset, -r.amount_minor, 0,
           g.happened_at AS at, NULL, r.id, p.account_id, 0
    FROM card_refund r JOIN payment p ON p.id = r.payment_id JOIN posting g ON g.id = r.posting_id
    WHERE r.gateway = ? AND r.mode = ? AND r.external_id IS NOT NULL
          AND g.happened_at >= ? AND g.happened_at < ?
    UNION ALL
    SELECT 'refund', r.external_id, r.asset, r.amount_minor, 0, r.changed_at, NULL, r.id,
           p.account_id, 1
    FROM card_refund r JOIN payment p ON p.id = r.payment_id
    WHERE r.gateway = ? AND r.mode = ? AND r.external_id IS NOT NULL AND r.posting_id IS NOT NULL
          AND r.status = 'failed' AND r.changed_at >= ? AND r.changed_at < ?
) AS moved ORDER BY external_id{}, asset, at"""


def our_lines(
    session: Session, gateway: str, mode: str, span: Span, late_from: int
) -> Iterator[Line]:
    """Disputes, payments and refunds that moved money in a span, in the order of `Line.key`.

    A dispute takes its money when it is opened and gives it back when it is won, as most gateways
    do; while it is open, or closed from `late_from` on, the gateway may not have. Needs a snapshot.
    """
    where = (gateway, mode, *span)
    yield from _lines(session, _DISPUTES, (late_from, *where, *where))
    yield from _lines(session, _PAYMENTS, where)
    yield from _lines(session, _REFUNDS, (*where, *where))


def _lines(session: Session, sql: str, values: Sequence[Any]) -> Iterator[Line]:
    collation = ' COLLATE "C"' if session.kind == "postgres" else ""
    return map(Line._make, session.stream(sql.format(collation), values))


class Known(NamedTuple):
    """An object of ours that a line of theirs speaks of.

    `waits`: it is still open, or its money moved in another span.
    """

    our_id: str
    account_id: str
    waits: bool


def known_objects(
    session: Session, gateway: str, mode: str, span: Span, kind: str, lines: Sequence[Line]
) -> dict[str, Known]:
    """What the desk knows, in any span, of the names that lines of a kind carry."""
    if kind == "payment":
        return _known_payments(session, gateway, mode, span, lines)
    table = {"refund": _KNOWN_REFUNDS, "dispute": _KNOWN_DISPUTES}.get(kind)
    if table is None:
        return {}
    ids = [line.external_id for line in lines]
    rows = session.all(table.format(_marks(ids)), (gateway, mode, *ids))
    return {row[0]: _known(row[1:], span) for row in rows}


_KNOWN_PAYMENTS = """
SELECT p.{0}, p.id, p.account_id, CASE WHEN p.status = 'pending' THEN 1 ELSE 0 END, g.happened_at
FROM payment p LEFT JOIN posting g ON g.id = p.posting_id
WHERE p.gateway = ? AND p.mode = ? AND p.{0} IN ({1})"""
_KNOWN_REFUNDS = """
SELECT r.external_id, r.id, p.account_id, CASE WHEN r.status = 'pending' THEN 1 ELSE 0 END,
       g.happened_at
FROM card_refund r JOIN payment p ON p.id = r.payment_id LEFT JOIN posting g ON g.id = r.posting_id
WHERE r.gateway = ? AND r.mode = ? AND r.external_id IN ({})"""
_KNOWN_DISPUTES = """
SELECT d.external_id, d.id, p.account_id, CASE WHEN d.status = 'open' THEN 1 ELSE 0 END, d.opened_at
FROM dispute d JOIN payment p ON p.id = d.payment_id
WHERE d.gateway = ? AND d.mode = ? AND d.external_id IN ({})"""


def _known_payments(
    session: Session, gateway: str, mode: str, span: Span, lines: Sequence[Line]
) -> dict[str, Known]:
    """By the gateway's id, by the charge's and by ours: whichever the gateway carried."""
    names = {
        "external_id": [line.external_id for line in lines],
        "charge_id": [
            name for line in lines for name in (line.charge_id, line.external_id) if name
        ],
        "id": [line.our_id for line in lines if line.our_id],
    }
    known = {}
    for column, values in names.items():
        if values:
            sql = _KNOWN_PAYMENTS.format(column, _marks(values))
            for row in session.all(sql, (gateway, mode, *values)):
                known[row[0]] = _known(row[1:], span)
    return known


def _known(row: tuple[Any, ...], span: Span) -> Known:
    our_id, account_id, is_open, happened_at = row
    elsewhere = happened_at is not None and not span.since <= happened_at < span.until
    return Known(our_id, account_id, bool(is_open) or elsewhere)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def clearing(session: Session, gateway: str, span: Span) -> dict[str, int]:
    """What the ledger booked against a gateway in a span, by asset: money in less fees and money back.

    Read from the entries themselves, not from the payments.
    """
    assets = [row[0] for row in session.all("SELECT DISTINCT asset FROM wallet ORDER BY asset")]
    if not assets:
        return {}
    # Grouped by asset, all entries would have to be sorted first, which SQLite does in memory here.
    sums = ", ".join(["sum(CASE WHEN w.asset = ? THEN e.amount_minor END)"] * len(assets))
    [row] = session.all(
        f"SELECT {sums} FROM entry e"
        " JOIN posting g ON g.number = e.posting_number JOIN wallet w ON w.number = e.wallet_number"
        " WHERE e.counterparty = ? AND e.number >= ? AND g.happened_at >= ? AND g.happened_at < ?",
        (*assets, f"gateway:{gateway}", first_number_at(session, span.since - _CLOCKS_APART), *span),
    )
    return {
        asset: int(minor) for asset, minor in zip(assets, row, strict=True) if minor is not None
    }

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

# In the order of Line's fields; {} makes Postgres sort as Python does. Indexes give the order.
_DISPUTES = """
SELECT 'dispute', d.external_id{0} AS external_id, d.asset, -d.amount_minor, 0, d.opened_at,
       '', d.id, p.account_id,
       CASE WHEN d.status = 'lost' AND d.closed_at < ? THEN 0 ELSE 1 END
FROM dispute d JOIN payment p ON p.id = d.payment_id
WHERE d.gateway = ? AND d.mode = ? AND d.opened_at >= ? AND d.opened_at < ?
UNION ALL
SELECT 'dispute', d.external_id{0}, d.asset, d.amount_minor, 0, d.closed_at, '', d.id,
       p.account_id, 1
FROM dispute d JOIN payment p ON p.id = d.payment_id
WHERE d.gateway = ? AND d.mode = ? AND d.status = 'won' AND d.closed_at >= ? AND d.closed_at < ?
ORDER BY external_id"""
_PAYMENTS = """
SELECT 'payment', p.external_id{0} AS external_id, p.asset, p.amount_minor,
       coalesce(p.fee_minor, 0), g.happened_at, coalesce(p.charge_id, ''), p.id, p.account_id, 0
FROM payment p JOIN posting g ON g.id = p.posting_id
WHERE p.gateway = ? AND p.mode = ? AND p.external_id IS NOT NULL
      AND g.happened_at >= ? AND g.happened_at < ?
ORDER BY external_id"""
_REFUNDS = """
SELECT 'refund', r.external_id{0} AS external_id, r.asset, -r.amount_minor, 0, g.happened_at,
       '', r.id, p.account_id, 0
FROM card_refund r JOIN payment p ON p.id = r.payment_id JOIN posting g ON g.id = r.posting_id
WHERE r.gateway = ? AND r.mode = ? AND r.external_id IS NOT NULL
      AND g.happened_at >= ? AND g.happened_at < ?
UNION ALL
SELECT 'refund', r.external_id{0}, r.asset, r.amount_minor, 0, r.changed_at, '', r.id,
       p.account_id, 1
FROM card_refund r JOIN payment p ON p.id = r.payment_id
WHERE r.gateway = ? AND r.mode = ? AND r.external_id IS NOT NULL AND r.posting_id IS NOT NULL
      AND r.status = 'failed' AND r.changed_at >= ? AND r.changed_at < ?
ORDER BY external_id"""


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
    """An object of ours that a line of theirs speaks of; `external_id` is the name it has here.

    `waits`: it is still open, or its money moved in another span.
    """

    external_id: str
    our_id: str
    account_id: str
    waits: bool


def known_objects(
    session: Session, gateway: str, mode: str, span: Span, kind: str, lines: Sequence[Line]
) -> dict[str, Known]:
    """What the desk knows, of any span, by the names that lines of a kind carry."""
    if kind not in _KNOWN:
        return {}
    sql, known = _KNOWN[kind], dict[str, Known]()
    for column, names in _names(kind, lines).items():
        rows = session.all(sql.format(column, _marks(names)), (gateway, mode, *names))
        for name, external_id, our_id, account_id, is_open, happened_at in rows:
            elsewhere = happened_at is not None and not span.since <= happened_at < span.until
            known[name] = Known(external_id, our_id, account_id, bool(is_open) or elsewhere)
    return known


# A payment whose gateway's id is not known yet goes by our own.
_KNOWN = {
    "payment": """
SELECT o.{0}, coalesce(o.external_id, o.id), o.id, o.account_id,
       CASE WHEN o.status = 'pending' THEN 1 ELSE 0 END, g.happened_at
FROM payment o LEFT JOIN posting g ON g.id = o.posting_id
WHERE o.gateway = ? AND o.mode = ? AND o.{0} IN ({1})""",
    "refund": """
SELECT o.{0}, o.external_id, o.id, p.account_id,
       CASE WHEN o.status = 'pending' THEN 1 ELSE 0 END, g.happened_at
FROM card_refund o JOIN payment p ON p.id = o.payment_id LEFT JOIN posting g ON g.id = o.posting_id
WHERE o.gateway = ? AND o.mode = ? AND o.{0} IN ({1})""",
    "dispute": """
SELECT o.{0}, o.external_id, o.id, p.account_id,
       CASE WHEN o.status = 'open' THEN 1 ELSE 0 END, o.opened_at
FROM dispute o JOIN payment p ON p.id = o.payment_id
WHERE o.gateway = ? AND o.mode = ? AND o.{0} IN ({1})""",
}


def _names(kind: str, lines: Sequence[Line]) -> dict[str, list[str]]:
    """The columns to look into, and for what. A payment has more names than one."""
    ids = [line.external_id for line in lines]
    if kind != "payment":
        return {"external_id": ids}
    ids += [line.charge_id for line in lines if line.charge_id]
    ours = [line.our_id for line in lines if line.our_id]
    names = {"external_id": ids, "charge_id": ids}
    return {**names, "id": ours} if ours else names


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
    # Joined instead of looked up, a new Postgres ledger without statistics would go astray.
    sums = ", ".join(["sum(CASE WHEN asset = ? THEN amount_minor END)"] * len(assets))
    [row] = session.all(
        f"SELECT {sums} FROM (SELECT e.amount_minor AS amount_minor,"
        " (SELECT g.happened_at FROM posting g WHERE g.number = e.posting_number) AS happened_at,"
        " (SELECT w.asset FROM wallet w WHERE w.number = e.wallet_number) AS asset"
        " FROM entry e WHERE e.counterparty = ? AND e.number >= ?) AS booked"
        " WHERE happened_at >= ? AND happened_at < ?",
        (
            *assets,
            f"gateway:{gateway}",
            first_number_at(session, span.since - _CLOCKS_APART),
            *span,
        ),
    )
    return {
        asset: int(minor) for asset, minor in zip(assets, row, strict=True) if minor is not None
    }

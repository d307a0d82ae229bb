"""Our side of a comparison: what moved at a gateway as the desk has it, and what the ledger booked.

Spans are cut by the gateway's time, which postings and disputes carry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from billdesk.core.rules.matching import Line, Span
from billdesk.core.store.history import first_number_at
from billdesk.core.store.sessions import Kind, Session

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
    known = dict[str, Known]()
    for column, names in _names(kind, lines).items():
        sql = lookup(session.kind, kind, column)
        rows = session.all(sql, (json.dumps(list(names)), gateway, mode))
        for name, external_id, our_id, account_id, is_open, happened_at in rows:
            elsewhere = happened_at is not None and not span.since <= happened_at < span.until
            known[name] = Known(external_id, our_id, account_id, bool(is_open) or elsewhere)
    return known


# Other tables are looked into row by row: joined, they might be read whole.
_HAPPENED_AT = "(SELECT g.happened_at FROM posting g WHERE g.id = o.posting_id)"
_ACCOUNT_ID = "(SELECT p.account_id FROM payment p WHERE p.id = o.payment_id)"
_IS_PENDING = "CASE WHEN o.status = 'pending' THEN 1 ELSE 0 END"
_IS_OPEN = "CASE WHEN o.status = 'open' THEN 1 ELSE 0 END"

# A kind's table, and what is told of a row. A payment whose gateway's id is not known yet goes by ours.
_KNOWN = {
    "payment": (
        "payment",
        f"coalesce(o.external_id, o.id), o.id, o.account_id, {_IS_PENDING}, {_HAPPENED_AT}",
    ),
    "refund": (
        "card_refund",
        f"o.external_id, o.id, {_ACCOUNT_ID}, {_IS_PENDING}, {_HAPPENED_AT}",
    ),
    "dispute": ("dispute", f"o.external_id, o.id, {_ACCOUNT_ID}, {_IS_OPEN}, o.opened_at"),
}

# Each name is looked up by itself in the unique index of its column, whatever is known of the tables.
# Postgres without statistics expects next to no rows of a gateway; then all indexes that begin with
# the gateway seem equally good to it, and each name would cost a walk through all payments. So the
# row is asked for in an order that the right index alone can give, where an `=` would not ask for
# any, and under LIMIT, which keeps the lookups from becoming a join.
_LOOKUP_SQLITE = """
SELECT n.value, {told} FROM json_each(?) AS n
CROSS JOIN {table} o ON o.gateway = ? AND o.mode = ? AND o.{column} = n.value"""
_LOOKUP_POSTGRES = """
SELECT n.value, {told} FROM json_array_elements_text(?::json) AS n
CROSS JOIN LATERAL (
    SELECT * FROM {table} WHERE gateway = ? AND mode = ? AND {column} BETWEEN n.value AND n.value
    ORDER BY {column} LIMIT 1
) AS o"""
_LOOKUP_POSTGRES_BY_OUR_ID = """
SELECT n.value, {told} FROM json_array_elements_text(?::json) AS n
CROSS JOIN LATERAL (SELECT * FROM {table} WHERE id = n.value LIMIT 1) AS o
WHERE o.gateway = ? AND o.mode = ?"""


def lookup(database: Kind, kind: str, column: str) -> str:
    """The SQL that finds objects of a kind by a column; values: names as JSON, gateway, mode."""
    table, told = _KNOWN[kind]
    if database == "sqlite":
        template = _LOOKUP_SQLITE
    elif column == "id":
        template = _LOOKUP_POSTGRES_BY_OUR_ID
    else:
        template = _LOOKUP_POSTGRES
    return template.format(table=table, told=told, column=column)


def _names(kind: str, lines: Sequence[Line]) -> dict[str, Iterable[str]]:
    """The columns to look into, and for what, once each. A payment has more names than one."""
    if kind not in _KNOWN:
        return {}
    ids = dict.fromkeys(line.external_id for line in lines)
    if kind != "payment":
        return {"external_id": ids}
    ids.update(dict.fromkeys(line.charge_id for line in lines if line.charge_id))
    ours = dict.fromkeys(line.our_id for line in lines if line.our_id)
    names: dict[str, Iterable[str]] = {"external_id": ids, "charge_id": ids}
    if ours:
        names["id"] = ours
    return names


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

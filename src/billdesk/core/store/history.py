"""The ledger's history: pages of entries by key, never by offset into the whole, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from billdesk.core.rules.sheets import EntryFilter, EntrySheet
from billdesk.core.store.search import matching_postings
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.errors import BadInput
from billdesk.core.values.money import Money

SHORTEST_TEXT = 3
_MATCHES = 1_000
_TOP = 2**63 - 1
_CLOCKS_APART = 10_000_000
"""Microseconds by which recorded_at may run against the numbers when processes write at once."""

_ENTRY = """
SELECT e.number, w.id, a.ref, a.name, w.purpose, w.asset, e.seq, p.id, e.kind, e.amount_minor,
       e.balance_after, e.counterparty, p.scope, p.reference, p.subject, p.memo, p.actor,
       p.happened_at, e.recorded_at, p.corrects, p.about, e.hash
FROM entry e JOIN posting p ON p.number = e.posting_number
JOIN wallet w ON w.number = e.wallet_number JOIN account a ON a.id = w.account_id"""


def entry_sheet(row: tuple[Any, ...]) -> EntrySheet:
    """A row of `_ENTRY` as a sheet."""
    asset = row[5]
    return EntrySheet(
        number=row[0],
        wallet_id=row[1],
        account_ref=row[2],
        account_name=row[3],
        purpose=row[4],
        seq=row[6],
        posting_id=row[7],
        kind=row[8],
        amount=Money(row[9], asset),
        balance_after=Money(row[10], asset),
        counterparty=row[11],
        scope=row[12],
        reference=row[13],
        subject=row[14],
        memo=row[15],
        actor=row[16],
        happened_at=from_micros(row[17]),
        recorded_at=from_micros(row[18]),
        corrects=row[19],
        about=row[20],
        hash=bytes(row[21]).hex(),
    )


def newest_number(session: Session) -> int:
    """The number of the newest entry, 0 when there is none."""
    row = session.one("SELECT coalesce(max(number), 0) FROM entry")
    return int(row[0]) if row else 0


def entries_of_posting(session: Session, posting_id: str) -> list[EntrySheet]:
    """The legs of one posting."""
    rows = session.all(f"{_ENTRY} WHERE p.id = ? ORDER BY e.number", (posting_id,))
    return [entry_sheet(row) for row in rows]


class Query(NamedTuple):
    """A filter turned into SQL: alternatives that each walk an index, and what all must satisfy."""

    sources: tuple[tuple[str, tuple[Any, ...]], ...]
    conditions: tuple[str, ...]
    values: tuple[Any, ...]
    text: str | None
    whole: bool


def compile_filter(session: Session, wanted: EntryFilter) -> Query:
    """Choose the index to walk for a filter. Raises BadInput for a text that is too short."""
    if wanted.text is not None and len(wanted.text) < SHORTEST_TEXT:
        raise BadInput("the text to look for is too short", f"{SHORTEST_TEXT} characters at least")
    conditions: list[str] = []
    values: list[Any] = []
    sources: list[tuple[str, tuple[Any, ...]]] = [("1 = 1", ())]
    if wanted.reference is not None:
        sources = [
            ("e.posting_number = ?", row)
            for row in session.all(
                "SELECT number FROM posting WHERE reference = ?", (wanted.reference,)
            )
        ]
        _add_account(session, wanted.account, conditions, values)
        _add_kinds(wanted.kinds, conditions, values)
    elif wanted.account is not None:
        sources = [("e.wallet_number = ?", (n,)) for n in _wallet_numbers(session, wanted.account)]
        _add_kinds(wanted.kinds, conditions, values)
    elif wanted.kinds and wanted.text is None:
        sources = [("e.kind = ?", (kind,)) for kind in wanted.kinds]
    else:
        _add_kinds(wanted.kinds, conditions, values)
    if wanted.asset is not None:
        conditions.append("e.wallet_number IN (SELECT number FROM wallet WHERE asset = ?)")
        values.append(wanted.asset)
    _add_times(session, wanted, conditions, values)
    whole = not (conditions or wanted.account or wanted.kinds or wanted.reference or wanted.text)
    return Query(tuple(sources), tuple(conditions), tuple(values), wanted.text, whole)


def _wallet_numbers(session: Session, account: str) -> list[int]:
    column = "id" if account.startswith("acc_") else "ref"
    rows = session.all(
        "SELECT w.number FROM wallet w JOIN account a ON a.id = w.account_id"
        f" WHERE a.{column} = ? ORDER BY w.number",
        (account,),
    )
    return [row[0] for row in rows]


def _add_account(
    session: Session, account: str | None, conditions: list[str], values: list[Any]
) -> None:
    if account is None:
        return
    numbers = _wallet_numbers(session, account)
    conditions.append(f"e.wallet_number IN ({', '.join('?' * len(numbers)) or 'NULL'})")
    values += numbers


def _add_kinds(kinds: tuple[str, ...], conditions: list[str], values: list[Any]) -> None:
    if kinds:
        conditions.append(f"e.kind IN ({', '.join('?' * len(kinds))})")
        values += kinds


def _add_times(
    session: Session, wanted: EntryFilter, conditions: list[str], values: list[Any]
) -> None:
    """Times become bounds on the number too, so that old months are reached without a scan."""
    if wanted.since is not None:
        since = to_micros(wanted.since)
        conditions += ["e.recorded_at >= ?", "e.number >= ?"]
        values += [since, first_number_at(session, since - _CLOCKS_APART)]
    if wanted.until is not None:
        until = to_micros(wanted.until)
        conditions += ["e.recorded_at < ?", "e.number <= ?"]
        values += [until, first_number_at(session, until + _CLOCKS_APART)]


def first_number_at(session: Session, micros: int) -> int:
    """The lowest entry number recorded at `micros` or later, by bisection over the primary key."""
    low, high = 1, newest_number(session) + 1
    while low < high:
        middle = (low + high) // 2
        row = session.one(
            "SELECT number, recorded_at FROM entry WHERE number >= ? ORDER BY number LIMIT 1",
            (middle,),
        )
        if row is None or row[1] >= micros:
            high = middle
        else:
            low = row[0] + 1
    return low


def numbers_below(session: Session, query: Query, below: int, limit: int) -> list[int]:
    """Numbers of the entries that a query finds under `below`, the newest first."""
    if query.text is None:
        return _walk(session, query, below, limit)
    found: list[int] = []
    for postings in _match_batches(session, query.text, below):
        found += _walk(session, query, below, limit - len(found), postings)
        if len(found) >= limit:
            break
    return found


def _match_batches(session: Session, text: str, below: int) -> Iterator[list[int]]:
    row = session.one(
        "SELECT posting_number FROM entry WHERE number < ? ORDER BY number DESC LIMIT 1", (below,)
    )
    if row is None:
        return
    posting_below = row[0] + 1
    while True:
        postings = matching_postings(session, text, posting_below, _MATCHES)
        if postings:
            yield postings
        if len(postings) < _MATCHES:
            return
        posting_below = postings[-1]


def _walk(
    session: Session, query: Query, below: int, limit: int, postings: list[int] | None = None
) -> list[int]:
    sql, values = _key_sql(query, below, limit, postings)
    return [row[0] for row in session.all(sql, values)] if sql else []


def _key_sql(
    query: Query, below: int, limit: int | None, postings: list[int] | None = None
) -> tuple[str, list[Any]]:
    """SQL for the numbers of a query under `below`, newest first: one walk per source, merged."""
    parts, values = [], []
    conditions = ["e.number < ?", *query.conditions]
    if postings is not None:
        conditions.append(f"e.posting_number IN ({', '.join('?' * len(postings))})")
    cut = "" if limit is None else f" ORDER BY e.number DESC LIMIT {int(limit)}"
    for source, source_values in query.sources:
        parts.append(
            "SELECT number FROM (SELECT e.number FROM entry e"
            f" WHERE {' AND '.join([source, *conditions])}{cut}) AS walked"
        )
        values += [*source_values, below, *query.values, *(postings or ())]
    if not parts:
        return "", []
    sql = f"SELECT number FROM ({' UNION ALL '.join(parts)}) AS merged ORDER BY number DESC"
    return (sql if limit is None else f"{sql} LIMIT {int(limit)}"), values


def entries_by_number(session: Session, numbers: list[int]) -> list[EntrySheet]:
    """Entries with these numbers, the newest first."""
    if not numbers:
        return []
    rows = session.all(
        f"{_ENTRY} WHERE e.number IN ({', '.join('?' * len(numbers))}) ORDER BY e.number DESC",
        numbers,
    )
    return [entry_sheet(row) for row in rows]


def entries_page(
    session: Session, wanted: EntryFilter, after: int | None, limit: int
) -> list[EntrySheet]:
    """One page of a filter, the newest first, below the number `after`."""
    query = compile_filter(session, wanted)
    below = _TOP if after is None else after
    return entries_by_number(session, numbers_below(session, query, below, limit))


ANCHOR_ROWS = 1_000
"""Distance between anchors: a page is found from the nearest one above it."""


class Anchors(NamedTuple):
    """A counted filter: how many rows, and the number of every thousandth."""

    total: int
    numbers: tuple[int, ...]


def build_anchors(session: Session, query: Query, top: int) -> Anchors:
    """Count a filter from `top` down and remember every thousandth number."""
    if query.text is not None:
        found = numbers_below(session, query, top + 1, _TOP)
        return Anchors(len(found), tuple(found[::ANCHOR_ROWS]))
    sql, values = _key_sql(query, top + 1, None)
    if not sql:
        return Anchors(0, ())
    counted = session.one(f"SELECT count(*) FROM ({sql}) AS counted", values)
    rows = session.all(
        "SELECT number FROM (SELECT number, row_number() OVER (ORDER BY number DESC) AS place"
        f" FROM ({sql}) AS keys) AS placed WHERE place % {ANCHOR_ROWS} = 1 ORDER BY number DESC",
        values,
    )
    return Anchors(counted[0] if counted else 0, tuple(row[0] for row in rows))


def stream_entries(
    session: Session, wanted: EntryFilter, on_row: Callable[[int], None]
) -> Iterator[EntrySheet]:
    """Every entry of a filter, oldest first, in flat memory; `on_row` hears how many came by."""
    query = compile_filter(session, wanted)
    anchors = build_anchors(session, query, newest_number(session))
    done = 0
    for start in reversed(anchors.numbers):
        numbers = numbers_below(session, query, start + 1, ANCHOR_ROWS)
        yield from reversed(entries_by_number(session, numbers))
        done += len(numbers)
        on_row(done)


def balance_at(session: Session, wallet_number: int, at: datetime) -> int:
    """A wallet's balance as it was recorded at a moment: the last entry by then, by bisection."""
    micros = to_micros(at)
    low, high, balance = 0, newest_number(session), 0
    while low < high:
        middle = (low + high + 1) // 2
        row = session.one(
            "SELECT number, recorded_at, balance_after FROM entry"
            " WHERE wallet_number = ? AND number <= ? ORDER BY number DESC LIMIT 1",
            (wallet_number, middle),
        )
        if row is None:
            low = middle
        elif row[1] <= micros:
            low, balance = middle, row[2]
        else:
            high = row[0] - 1
    return balance


def balance_effective(session: Session, wallet_number: int, effective: datetime) -> int:
    """A wallet's balance by what had happened at a moment, whenever it was recorded."""
    row = session.one(
        "SELECT coalesce(sum(e.amount_minor), 0) FROM entry e"
        " JOIN posting p ON p.number = e.posting_number"
        " WHERE e.wallet_number = ? AND p.happened_at <= ?",
        (wallet_number, to_micros(effective)),
    )
    return int(row[0]) if row else 0

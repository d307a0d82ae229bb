"""What an audit of the invoices reads: every number, every finalized invoice, every posting for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from billdesk.core.rules.invoices import InvoiceRecord, LineRecord
from billdesk.core.store.invoices import COLUMNS
from billdesk.core.store.sessions import Session

_AT_ONCE = 500
_MOST_GAPS = 20


class Series(NamedTuple):
    """A series of numbers as its invoices tell it: how many, the first and last, and the counter."""

    name: str
    numbers: int
    first: int
    last: int
    first_number: str
    last_number: str
    counter: int | None


def series_told(session: Session) -> list[Series]:
    """Every series that there is a number or a counter of."""
    counters = dict(session.all("SELECT name, last FROM invoice_series"))
    told = session.all(
        "SELECT t.series, t.count, t.first, t.last, f.invoice_number, l.invoice_number FROM"
        " (SELECT series, count(*) AS count, min(sequence) AS first, max(sequence) AS last"
        "  FROM invoice WHERE sequence IS NOT NULL GROUP BY series) t"
        " JOIN invoice f ON f.series = t.series AND f.sequence = t.first"
        " JOIN invoice l ON l.series = t.series AND l.sequence = t.last"
    )
    found = {row[0]: Series._make((*row, counters.get(row[0]))) for row in told}
    unused = {
        name: Series(name, 0, 0, 0, "", "", last)
        for name, last in counters.items()
        if name not in found
    }
    return [series for _, series in sorted((found | unused).items())]


def gaps(session: Session, series: str) -> list[tuple[int, int]]:
    """The first numbers that are missing within a series: (from, to)."""
    rows = session.all(
        "SELECT before + 1, sequence - 1 FROM"
        " (SELECT sequence, coalesce(lag(sequence) OVER (ORDER BY sequence), 0) AS before"
        "  FROM invoice WHERE series = ? AND sequence IS NOT NULL) n"
        " WHERE sequence <> before + 1 ORDER BY sequence LIMIT ?",
        (series, _MOST_GAPS),
    )
    return [(row[0], row[1]) for row in rows]


class Audited(NamedTuple):
    """A finalized invoice with everything that must agree with it, amounts in minor units.

    `posted`: what its posting gave each counterparty. `noted`: the lines of credit notes that were
    made before it was paid. `credited_minor`: what all its credit notes come to.
    """

    record: InvoiceRecord
    lines: list[LineRecord]
    posted: dict[str, int]
    noted: list[LineRecord]
    credited_minor: int


def finalized_invoices(session: Session) -> Iterator[list[Audited]]:
    """Everything that was finalized, some at once, the oldest first."""
    after = 0
    while True:
        rows = session.all(
            f"SELECT {COLUMNS}, i.number FROM invoice i"
            " WHERE i.finalized_at IS NOT NULL AND i.number > ? ORDER BY i.number LIMIT ?",
            (after, _AT_ONCE),
        )
        if not rows:
            return
        after = rows[-1][-1]
        yield _with_all(session, [InvoiceRecord._make(row[:-1]) for row in rows])


_LINES = ", ".join(f"l.{name}" for name in LineRecord._fields)


def _with_all(session: Session, records: Sequence[InvoiceRecord]) -> list[Audited]:
    ids = [record.id for record in records]
    found = {each.id: Audited(each, [], {}, [], 0) for each in records}
    for row in _of(
        session,
        f"SELECT {_LINES} FROM invoice_line l WHERE l.invoice_id IN ({{}})"
        " ORDER BY l.invoice_id, l.place",
        ids,
    ):
        found[row[0]].lines.append(LineRecord._make(row))
    for row in _of(
        session,
        f"SELECT {_LINES}, n.corrects FROM invoice n JOIN invoice_line l ON l.invoice_id = n.id"
        " WHERE n.corrects IN ({}) AND n.posting_id IS NULL",
        ids,
    ):
        found[row[-1]].noted.append(LineRecord._make(row[:-1]))
    for invoice_id, party, amount_minor in _of(
        session,
        "SELECT i.id, e.counterparty, -sum(e.amount_minor) FROM invoice i"
        " JOIN posting p ON p.id = i.posting_id JOIN entry e ON e.posting_number = p.number"
        " JOIN wallet w ON w.number = e.wallet_number"
        " WHERE i.id IN ({}) AND p.scope = 'system' AND p.about = i.id"
        " AND w.account_id = i.account_id AND w.asset = i.asset GROUP BY i.id, e.counterparty",
        ids,
    ):
        found[invoice_id].posted[party] = int(amount_minor)
    for invoice_id, credited_minor in _of(
        session,
        "SELECT corrects, sum(total_minor) FROM invoice WHERE corrects IN ({}) GROUP BY corrects",
        ids,
    ):
        found[invoice_id] = found[invoice_id]._replace(credited_minor=int(credited_minor))
    return list(found.values())


def _of(session: Session, sql: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows of a question about a list of values."""
    return session.all(sql.format(", ".join("?" * len(values))), values)


def strange_postings(session: Session) -> list[tuple[str, str]]:
    """Postings made for an invoice or credit note that does not name them: (id, reference)."""
    if session.kind == "sqlite":  # its index on references tells a beginning by this alone
        begins = "p.reference GLOB 'invoice:*' OR p.reference GLOB 'credit_note:*'"
    else:
        begins = "starts_with(p.reference, 'invoice:') OR starts_with(p.reference, 'credit_note:')"
    rows = session.all(
        f"SELECT p.id, p.reference FROM posting p WHERE p.scope = 'system' AND ({begins})"
        " AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.id = p.about AND i.posting_id = p.id)"
        " ORDER BY p.number LIMIT 100"
    )
    return [(row[0], row[1]) for row in rows]


def reversed_postings(session: Session) -> list[tuple[str, str]]:
    """Invoices whose posting was undone alone: (invoice id, posting id)."""
    rows = session.all(
        "SELECT i.id, i.posting_id FROM invoice i JOIN posting c ON c.corrects = i.posting_id"
        " WHERE i.posting_id IS NOT NULL ORDER BY i.number LIMIT 100"
    )
    return [(row[0], row[1]) for row in rows]


def count_finalized(session: Session) -> int:
    """How many invoices and credit notes were finalized."""
    [[count]] = session.all("SELECT count(*) FROM invoice WHERE finalized_at IS NOT NULL")
    return int(count)

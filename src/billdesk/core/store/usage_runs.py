"""Runs that bill usage: the run's row with its lease, and what is open."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from billdesk.core.rules.catalog import Meter
from billdesk.core.rules.catalog_bodies import read_meter
from billdesk.core.rules.usage_bills import FAILED, Closed
from billdesk.core.rules.usage_periods import Stretch
from billdesk.core.store.catalogs import newest_versions
from billdesk.core.store.sessions import Session

LEASE_SECONDS = 30
"""For how long a run is believed to be at work after its last batch."""

_LEASE = LEASE_SECONDS * 1_000_000
_BEFORE_ALL = -(2**62)
_AT_ONCE = 500
_CLOCKS = {
    "sqlite": "SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    "postgres": "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
}
_INGEST_LOCK = 0x75736167
"""Those who write events on Postgres hold it shared (see `usage`)."""

_RUN = (
    "SELECT r.number, r.id, r.reference, r.until, r.account_id, a.ref, r.post_to, r.status, r.cursor,"
    " r.summary, r.lease_until, r.actor, r.started_at, r.finished_at"
    " FROM usage_run r LEFT JOIN account a ON a.id = r.account_id"
)


class Run(NamedTuple):
    """A run's row; instants in microseconds. `lease_until` is by the database's own clock."""

    number: int
    id: str
    reference: str | None
    until: int
    account_id: str | None
    account_ref: str | None
    post_to: str
    status: str
    cursor: int
    summary: dict[str, Any]
    lease_until: int | None
    actor: str
    started_at: int
    finished_at: int | None


class Metered(NamedTuple):
    """A subscription whose use may be due; its use is closed up to `closed_until`, microseconds.

    `leader` is the number of its account's first one: accounts are worked through in that order.
    """

    leader: int
    id: str
    account_id: str
    account_ref: str
    account_name: str
    canceled_at: int | None
    closed_until: int


# --- the run's row -------------------------------------------------------------------------------


def clock(session: Session) -> int:
    """The database's own time, in microseconds: the same for every process that asks."""
    row = session.one(_CLOCKS[session.kind])
    return int(row[0]) if row else 0


def is_at_work(run: Run, clock_now: int) -> bool:
    """Whether a run's process moved on lately. A lease from the far future is one of a wrong clock."""
    return (
        run.status == "running"
        and run.lease_until is not None
        and clock_now < run.lease_until <= clock_now + _LEASE
    )


def begin_run(
    session: Session,
    *,
    id: str,
    reference: str | None,
    until: int,
    account_id: str | None,
    post_to: str,
    summary: dict[str, Any],
    actor: str,
    at: int,
) -> None:
    """Write a new run down; KeyTaken when another one runs, or the reference is known."""
    session.run(
        "INSERT INTO usage_run (id, reference, until, account_id, post_to, status, summary,"
        " lease_until, actor, started_at) VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?, ?)",
        (
            id,
            reference,
            until,
            account_id,
            post_to,
            json.dumps(summary),
            clock(session) + _LEASE,
            actor,
            at,
        ),
    )


def renew_lease(session: Session, run: Run) -> Run | None:
    """Go on with a run; None when another process has taken it over, or ended it."""
    lease_until = max(clock(session) + _LEASE, (run.lease_until or 0) + 1)
    changed = session.run(
        "UPDATE usage_run SET lease_until = ?"
        " WHERE number = ? AND status = 'running' AND lease_until = ?",
        (lease_until, run.number, run.lease_until),
    )
    return run._replace(lease_until=lease_until) if changed else None


def take_over(session: Session, run: Run) -> Run | None:
    """Go on with a run that was stopped, or whose process is gone; None when somebody else did.

    Raises KeyTaken while another one runs.
    """
    lease_until = clock(session) + _LEASE
    changed = session.run(
        "UPDATE usage_run SET status = 'running', lease_until = ? WHERE number = ? AND status = ?"
        " AND (lease_until = ? OR lease_until IS NULL)",
        (lease_until, run.number, run.status, run.lease_until),
    )
    return run._replace(status="running", lease_until=lease_until) if changed else None


def end_run(session: Session, run: Run, status: str, at: int | None) -> bool:
    """Say that a run is done or stopped; False when it is somebody else's by now."""
    changed = session.run(
        "UPDATE usage_run SET status = ?, lease_until = NULL, finished_at = ?"
        " WHERE number = ? AND status = 'running' AND lease_until = ?",
        (status, at, run.number, run.lease_until),
    )
    return changed == 1


def move_on(session: Session, run: Run) -> None:
    """Keep how far a run has come, and what it came to so far."""
    session.run(
        "UPDATE usage_run SET cursor = ?, summary = ? WHERE number = ?",
        (run.cursor, json.dumps(run.summary), run.number),
    )


def find_run(session: Session, id: str) -> Run | None:
    """A run by its id."""
    return _run(session.one(f"{_RUN} WHERE r.id = ?", (id,)))


def run_by_reference(session: Session, reference: str) -> Run | None:
    """The run that a reference began."""
    return _run(session.one(f"{_RUN} WHERE r.reference = ?", (reference,)))


def running(session: Session) -> Run | None:
    """The run that runs, or whose process died."""
    return _run(session.one(f"{_RUN} WHERE r.status = 'running'"))


def last_of_all(session: Session) -> Run | None:
    """The newest run over all accounts that was done."""
    return _run(
        session.one(
            f"{_RUN} WHERE r.status = 'done' AND r.account_id IS NULL ORDER BY r.number DESC LIMIT 1"
        )
    )


def list_runs(session: Session, after: int | None, limit: int) -> list[Run]:
    """Runs, the newest first, before the one with the number `after`."""
    where, values = ("", ()) if after is None else (" WHERE r.number < ?", (after,))
    rows = session.all(f"{_RUN}{where} ORDER BY r.number DESC LIMIT ?", (*values, limit))
    return [_full_run(row) for row in rows]


def _run(row: tuple[Any, ...] | None) -> Run | None:
    return None if row is None else _full_run(row)


def _full_run(row: tuple[Any, ...]) -> Run:
    return Run._make((*row[:9], json.loads(row[9]), *row[10:]))


# --- what is open --------------------------------------------------------------------------------

_OURS = "s.paid_by <> 'elsewhere'"
_FIRST = (
    "NOT EXISTS (SELECT 1 FROM subscription o WHERE o.account_id = s.account_id"
    " AND o.number < s.number AND o.paid_by <> 'elsewhere')"
)


def count_metered(session: Session, account_id: str | None) -> int:
    """How many subscriptions there are to look at."""
    whose, values = _whose(account_id)
    row = session.one(f"SELECT count(*) FROM subscription s WHERE {_OURS}{whose}", values)
    return int(row[0]) if row else 0


def next_metered(
    session: Session, after: int, account_id: str | None, accounts: int
) -> list[Metered]:
    """The subscriptions of the next accounts, each account's together and in order of their making."""
    whose, values = _whose(account_id)
    return [
        Metered._make(row)
        for row in session.all(
            "WITH firsts (leader, account_id) AS (SELECT s.number, s.account_id FROM subscription s"
            f" WHERE s.number > ? AND {_OURS} AND {_FIRST}{whose} ORDER BY s.number LIMIT ?)"
            " SELECT f.leader, s.id, s.account_id, a.ref, a.name,"
            " CASE WHEN s.status = 'canceled' THEN s.canceled_at END,"
            " coalesce((SELECT max(p.until) FROM usage_period p WHERE p.subscription_id = s.id), 0)"
            " FROM firsts f JOIN subscription s ON s.account_id = f.account_id"
            f" JOIN account a ON a.id = s.account_id WHERE {_OURS} ORDER BY f.leader, s.number",
            (after, *values, accounts),
        )
    ]


def _whose(account_id: str | None) -> tuple[str, tuple[str, ...]]:
    return ("", ()) if account_id is None else (" AND s.account_id = ?", (account_id,))


def stretches_of(
    session: Session, ids: Sequence[str], after: Mapping[str, int] | None = None
) -> dict[str, list[Stretch]]:
    """What subscriptions were paid for, by id, in the order in which it was begun.

    `after`: of these subscriptions only what ends behind an instant, microseconds: years of what was
    billed long ago are left where they are.
    """
    found: dict[str, list[Stretch]] = {}
    known = after or {}
    rows = session.all(
        "WITH wanted (id, after) AS (VALUES "
        + ", ".join(["(CAST(? AS text), CAST(? AS bigint))"] * len(ids))
        + ") SELECT b.subscription_id, b.since, b.until, b.plan_code, b.plan_version, b.trial,"
        " b.anchor_on FROM wanted w CROSS JOIN billing_period b WHERE b.subscription_id = w.id"
        " AND b.until > w.after ORDER BY b.subscription_id, b.seq",
        [value for each in ids for value in (each, known.get(each, _BEFORE_ALL))],
    )
    for owner, since, until, code, version, trial, anchor_on in rows:
        found.setdefault(owner, []).append(
            Stretch(since, until, code, version, bool(trial), date.fromisoformat(anchor_on))
        )
    return found


def closed_periods(session: Session, ids: Sequence[str]) -> dict[str, list[Closed]]:
    """What was closed of subscriptions, by id, oldest first."""
    found: dict[str, list[Closed]] = {}
    if ids:
        rows = session.all(
            "SELECT subscription_id, meter, since, until, quantity, amount_minor, lines"
            f" FROM usage_period WHERE subscription_id IN ({_marks(ids)})"
            " ORDER BY subscription_id, since, meter",
            ids,
        )
        for owner, *closed in rows:
            found.setdefault(owner, []).append(Closed._make(closed))
    return found


def quantities_of(
    session: Session, periods: Sequence[tuple[str, int, int]]
) -> dict[tuple[str, int, int], dict[str, int]]:
    """What accounts used of each meter in periods (account id, since, until), in smallest parts.

    An hour belongs to the period in which it begins; a meter of which nothing was told is left out.
    """
    found: dict[tuple[str, int, int], dict[str, int]] = {}
    for start in range(0, len(periods), _AT_ONCE):
        some = periods[start : start + _AT_ONCE]
        rows = session.all(
            "WITH wanted (account_id, since, until) AS (VALUES "
            + ", ".join(["(CAST(? AS text), CAST(? AS bigint), CAST(? AS bigint))"] * len(some))
            + ") SELECT w.account_id, w.since, w.until, s.meter,"
            # No grouping: the hours of a stream lie side by side.
            " (SELECT sum(h.quantity) FROM usage_hour h WHERE h.stream_number = s.number"
            "  AND h.hour >= w.since AND h.hour < w.until)"
            " FROM wanted w CROSS JOIN usage_stream s WHERE s.account_id = w.account_id",
            [value for period in some for value in period],
        )
        for account_id, since, until, meter, quantity in rows:
            if quantity is not None:
                found.setdefault((account_id, since, until), {})[meter] = int(quantity)
    return found


def meters_ever(session: Session) -> dict[str, Meter]:
    """Every meter that is or was counted: what is closed late may be sold no more."""
    return {
        code: read_meter(code, version.body)
        for (sort, code), version in newest_versions(session).items()
        if sort == "meter"
    }


def newest_event(session: Session) -> int:
    """The number of the newest event, below which none can come any more; in a write block."""
    if session.kind == "postgres":
        # Whoever is writing events has numbers already that others do not see: wait for them.
        session.one("SELECT pg_advisory_xact_lock(?)", (_INGEST_LOCK,))
    return last_event(session)


def last_event(session: Session) -> int:
    """The number of the newest event that can be seen."""
    row = session.one("SELECT max(number) FROM usage_event")
    return (row[0] or 0) if row else 0


_LATE = f"""
SELECT DISTINCT (SELECT min(o.number) FROM subscription o
                 WHERE o.account_id = b.account_id AND o.paid_by <> 'elsewhere') AS leader
FROM usage_event e JOIN usage_stream s ON s.number = e.stream_number
JOIN subscription b ON b.account_id = s.account_id AND b.paid_by <> 'elsewhere'
WHERE e.number > ? AND e.number <= ? AND e.at < ?
AND EXISTS (SELECT 1 FROM usage_period p WHERE p.subscription_id = b.id AND p.meter = s.meter
            AND p.since <= e.at AND p.until > e.at)
UNION
SELECT (SELECT min(o.number) FROM subscription o
        WHERE o.account_id = l.account_id AND o.paid_by <> 'elsewhere')
FROM usage_line l WHERE l.run_number = ? AND l.seq = {FAILED}
ORDER BY 1"""


def late_accounts(session: Session, since: int, until: int, run_number: int) -> array[int]:
    """The leaders of the accounts whose closed periods are to be looked at again, sorted.

    They have had events (numbers above `since`, up to `until`) in periods that are closed by now, or
    the run `run_number` could not bill them. Eight bytes each, so that a ledger in which everybody is
    late is looked through in flat memory too.
    """
    row = session.one("SELECT max(until) FROM usage_period")
    if row is None or row[0] is None:
        return array("q")
    # Nearly all of what was told since the last run was used since, and is passed over by its instant.
    values = (since, until, row[0], run_number)
    return array("q", (leader for (leader,) in session.stream(_LATE, values)))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))

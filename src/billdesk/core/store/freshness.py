"""How fresh a gateway's facts are: how far its feed was read, what went wrong, which spans it lacks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from billdesk.core.rules.sheets import GapSheet, GatewaySheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros

if TYPE_CHECKING:
    from billdesk.core.rules.gateway import Gateway


class Freshness(NamedTuple):
    """A gateway's row; instants in microseconds."""

    cursor: str | None = None
    watermark: int | None = None
    polled_at: int | None = None
    error: str | None = None
    failures: int = 0
    quiet_until: int | None = None
    swept_at: int | None = None
    sweep_since: int | None = None
    sweep_cursor: str | None = None


def freshness_of(session: Session, gateway: str, mode: str) -> Freshness:
    """What is known of a gateway; nothing yet for a new one."""
    row = session.one(
        "SELECT cursor, watermark, polled_at, error, failures, quiet_until, swept_at, sweep_since,"
        " sweep_cursor FROM freshness WHERE gateway = ? AND mode = ?",
        (gateway, mode),
    )
    return Freshness._make(row) if row else Freshness()


def mark_fresh(
    session: Session, *, gateway: str, mode: str, cursor: str, watermark: int | None, at: int
) -> None:
    """A whole pass was read: move the cursor and the watermark on, forget the last error."""
    session.run(
        "INSERT INTO freshness (gateway, mode, cursor, watermark, polled_at, swept_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, mode) DO UPDATE SET"
        " cursor = excluded.cursor,"
        " watermark = coalesce(excluded.watermark, freshness.watermark),"
        " polled_at = excluded.polled_at, error = NULL, error_at = NULL, failures = 0,"
        " quiet_until = NULL, swept_at = coalesce(freshness.swept_at, excluded.swept_at)",
        (gateway, mode, cursor, watermark, at, at),
    )


def mark_failed(
    session: Session, *, gateway: str, mode: str, error: str, at: int, quiet_until: int | None
) -> None:
    """A pass failed: keep the cursor, remember what went wrong and how long to leave it alone."""
    session.run(
        "INSERT INTO freshness (gateway, mode, error, error_at, failures, quiet_until)"
        " VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (gateway, mode) DO UPDATE SET"
        " error = excluded.error, error_at = excluded.error_at,"
        " failures = freshness.failures + 1, quiet_until = excluded.quiet_until",
        (gateway, mode, error, at, quiet_until),
    )


def mark_sweep(
    session: Session,
    *,
    gateway: str,
    mode: str,
    since: int | None,
    cursor: str | None,
    swept_at: int | None,
) -> None:
    """How far a sweep has come; at its end `since` and `cursor` are None and `swept_at` is told."""
    session.run(
        "INSERT INTO freshness (gateway, mode, sweep_since, sweep_cursor, swept_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (gateway, mode) DO UPDATE SET"
        " sweep_since = excluded.sweep_since, sweep_cursor = excluded.sweep_cursor,"
        " swept_at = coalesce(excluded.swept_at, freshness.swept_at)",
        (gateway, mode, since, cursor, swept_at),
    )


def add_gap(session: Session, *, gateway: str, mode: str, since: int, until: int, at: int) -> None:
    """Record a span that the feed cannot tell any more; one that is known is not recorded twice."""
    session.run(
        "INSERT INTO gap (gateway, mode, since, until, found_at) SELECT ?, ?, ?, ?, ?"
        " WHERE NOT EXISTS (SELECT 1 FROM gap WHERE gateway = ? AND mode = ? AND since = ?)",
        (gateway, mode, since, until, at, gateway, mode, since),
    )


def heal_gaps(session: Session, gateway: str, mode: str, since: int, at: int) -> None:
    """Everything from `since` on was listed: gaps that begin there or later are healed."""
    session.run(
        "UPDATE gap SET healed_at = ?"
        " WHERE gateway = ? AND mode = ? AND since >= ? AND healed_at IS NULL",
        (at, gateway, mode, since),
    )


def open_gap_since(session: Session, gateway: str, mode: str) -> int | None:
    """Where the oldest gap that is not healed begins."""
    row = session.one(
        "SELECT min(since) FROM gap WHERE gateway = ? AND mode = ? AND healed_at IS NULL",
        (gateway, mode),
    )
    return row[0] if row else None


def list_gaps(session: Session, limit: int) -> list[GapSheet]:
    """Gaps, those that are open first, then the newest."""
    rows = session.all(
        "SELECT number, gateway, mode, since, until, found_at, healed_at FROM gap"
        " ORDER BY CASE WHEN healed_at IS NULL THEN 0 ELSE 1 END, number DESC LIMIT ?",
        (limit,),
    )
    return [
        GapSheet(
            number=row[0],
            gateway=row[1],
            mode=row[2],
            since=from_micros(row[3]),
            until=from_micros(row[4]),
            found_at=from_micros(row[5]),
            healed_at=_instant(row[6]),
        )
        for row in rows
    ]


def gateway_sheet(session: Session, gateway: Gateway, key: str, now: int) -> GatewaySheet:
    """A gateway's freshness and its open business; `key` says in words whether its key is here."""
    fresh = freshness_of(session, gateway.name, gateway.mode)
    [counts] = session.all(
        f"SELECT {', '.join(f'({_OPEN[what]})' for what in _OPEN)}",
        (gateway.name, gateway.mode) * len(_OPEN),
    )
    return GatewaySheet(
        name=gateway.name,
        mode=gateway.mode,
        last_polled_at=_instant(fresh.polled_at),
        watermark=_instant(fresh.watermark),
        lag_seconds=None
        if fresh.polled_at is None
        else max(0, (now - fresh.polled_at) // 1_000_000),
        last_error=fresh.error,
        open_payments=counts[0],
        waiting_facts=counts[1],
        make=gateway.make,
        account=gateway.account,
        key=key,
        open_refunds=counts[2],
        open_disputes=counts[3],
        open_gaps=counts[4],
        swept_at=_instant(fresh.swept_at),
        quiet_until=_instant(fresh.quiet_until),
    )


_OF = "WHERE gateway = ? AND mode = ?"
_OPEN = {
    "payments": f"SELECT count(*) FROM payment {_OF} AND status = 'pending'",
    "facts": f"SELECT count(*) FROM fact {_OF} AND state = 'waiting'",
    "refunds": f"SELECT count(*) FROM card_refund {_OF} AND status = 'pending'",
    "disputes": f"SELECT count(*) FROM dispute {_OF} AND status = 'open'",
    "gaps": f"SELECT count(*) FROM gap {_OF} AND healed_at IS NULL",
}


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)

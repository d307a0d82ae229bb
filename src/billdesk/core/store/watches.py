"""What is watched of wallets: when a low one is told of, and when it is topped up."""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.sheets import WatchSheet
from billdesk.core.rules.watches import STOPPED_BY_HAND, Watch
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.money import Money

_AVAILABLE = "coalesce(w.balance_minor - w.held_minor, 0)"
_WATCH = f"""
SELECT t.account_id, a.ref, t.asset, a.status, coalesce(w.freezes, 0), {_AVAILABLE}, t.alert_minor,
       t.alert_armed, t.alerted_at, t.topup_below_minor, t.topup_amount_minor, t.topup_daily_minor,
       t.topup_armed, t.declines, t.stopped, t.topup_payment_id, p.status, p.detail, p.method_id,
       p.retries_id
FROM watch t
JOIN account a ON a.id = t.account_id
LEFT JOIN wallet w ON w.account_id = t.account_id AND w.asset = t.asset
     AND w.purpose = CASE t.asset WHEN 'CREDIT' THEN 'credits' ELSE 'cash' END
LEFT JOIN payment p ON p.id = t.topup_payment_id"""

# Where there is something to tell, to learn, to arm again or to top up.
_DUE = f"""
WHERE (t.account_id > ? OR (t.account_id = ? AND t.asset > ?)) AND (
    (t.alert_armed = 1 AND {_AVAILABLE} < t.alert_minor)
    OR (t.alert_armed = 0 AND {_AVAILABLE} >= t.alert_minor)
    OR (t.topup_payment_id IS NOT NULL AND p.status <> 'pending')
    OR (t.topup_armed = 0 AND {_AVAILABLE} >= t.topup_below_minor)
    OR (t.topup_armed = 1 AND {_AVAILABLE} < t.topup_below_minor AND t.topup_payment_id IS NULL
        AND t.stopped IS NULL AND a.status = 'open' AND coalesce(w.freezes, 0) = 0))
ORDER BY t.account_id, t.asset LIMIT ?"""


def _watch(row: tuple[Any, ...]) -> Watch:
    watch = Watch._make(row)
    return watch._replace(alert_armed=bool(row[7]), topup_armed=bool(row[12]))


def watch_sheet(watch: Watch) -> WatchSheet:
    """A watch as the doors see it."""

    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, watch.asset)

    return WatchSheet(
        account_ref=watch.account_ref,
        asset=watch.asset,
        alert_below=money(watch.alert_minor),
        alerted_at=None if watch.alerted_at is None else from_micros(watch.alerted_at),
        topup_below=money(watch.below_minor),
        topup_amount=money(watch.amount_minor),
        topup_daily=money(watch.daily_minor),
        declines=watch.declines,
        stopped=watch.stopped,
    )


def due_watches(session: Session, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
    """Watches with something to do, as (account id, asset), from `after` on."""
    account_id, asset = after
    rows = session.all(_WATCH + _DUE, (account_id, account_id, asset, limit))
    return [(row[0], row[2]) for row in rows]


def watch_of(session: Session, account_id: str, asset: str) -> Watch | None:
    """One watch as it is now."""
    row = session.one(f"{_WATCH} WHERE t.account_id = ? AND t.asset = ?", (account_id, asset))
    return _watch(row) if row else None


def locked_watch(session: Session, account_id: str, asset: str) -> Watch | None:
    """One watch, kept from others until the block ends; on SQLite a write block is the lock already."""
    if session.kind == "postgres":
        session.one(
            "SELECT 1 FROM watch WHERE account_id = ? AND asset = ? FOR UPDATE", (account_id, asset)
        )
    return watch_of(session, account_id, asset)


def open_watch(session: Session, account_id: str, asset: str, at: int) -> Watch | None:
    """The watch of a wallet, locked; made if it is not there."""
    session.run(
        "INSERT INTO watch (account_id, asset, changed_at) VALUES (?, ?, ?)"
        " ON CONFLICT (account_id, asset) DO NOTHING",
        (account_id, asset, at),
    )
    return locked_watch(session, account_id, asset)


def save_watch(session: Session, watch: Watch, at: int) -> None:
    """Write a locked watch back."""
    session.run(
        "UPDATE watch SET alert_minor = ?, alert_armed = ?, alerted_at = ?, topup_below_minor = ?,"
        " topup_amount_minor = ?, topup_daily_minor = ?, topup_armed = ?, topup_payment_id = ?,"
        " declines = ?, stopped = ?, changed_at = ? WHERE account_id = ? AND asset = ?",
        (
            *(watch.alert_minor, int(watch.alert_armed), watch.alerted_at, watch.below_minor),
            *(watch.amount_minor, watch.daily_minor, int(watch.topup_armed), watch.payment_id),
            *(watch.declines, watch.stopped, at, watch.account_id, watch.asset),
        ),
    )


def list_watches(session: Session, after: tuple[str, str], limit: int) -> list[Watch]:
    """Watches that watch something, by ref and asset, from `after` on."""
    ref, asset = after
    rows = session.all(
        f"{_WATCH} WHERE (a.ref > ? OR (a.ref = ? AND t.asset > ?))"
        " AND (t.alert_minor IS NOT NULL OR t.topup_below_minor IS NOT NULL)"
        " ORDER BY a.ref, t.asset LIMIT ?",
        (ref, ref, asset, limit),
    )
    return [_watch(row) for row in rows]


def topped_up_assets(session: Session, account_id: str) -> list[str]:
    """In which assets an account is topped up by itself."""
    rows = session.all(
        "SELECT asset FROM watch WHERE account_id = ? AND topup_below_minor IS NOT NULL"
        " AND stopped IS NULL ORDER BY asset",
        (account_id,),
    )
    return [row[0] for row in rows]


def low_wallets(session: Session) -> tuple[int, str | None]:
    """How many wallets were told to be low and still are, and the account of one of them."""
    row = session.one(
        "SELECT count(*), min(a.ref) FROM watch t JOIN account a ON a.id = t.account_id"
        " WHERE t.alert_armed = 0 AND t.alert_minor IS NOT NULL"
    )
    return (row[0], row[1]) if row else (0, None)


def stopped_topups(session: Session) -> tuple[int, str | None]:
    """How many top-ups stopped by themselves, and the account of one of them."""
    row = session.one(
        "SELECT count(*), min(a.ref) FROM watch t JOIN account a ON a.id = t.account_id"
        " WHERE t.stopped <> ? AND t.topup_below_minor IS NOT NULL",
        (STOPPED_BY_HAND,),
    )
    return (row[0], row[1]) if row else (0, None)

"""What somebody is told of usage: thresholds once each per period, budgets, and how far was looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from billdesk.core.rules.sheets import UsageAlertSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros

_LOOKED_AT = "usage_alerts"
_TOP = 2**63 - 1


class Account(NamedTuple):
    """Whose usage it is."""

    id: str
    ref: str
    name: str


class Budget(NamedTuple):
    """What an account means to spend on usage in a period."""

    account_id: str
    asset: str
    amount_minor: int


def looked_up_to(session: Session) -> int:
    """The number of the last event that thresholds were looked at for."""
    row = session.one("SELECT up_to FROM indexing WHERE name = ?", (_LOOKED_AT,))
    return row[0] if row else 0


def has_news(session: Session) -> bool:
    """Whether there are events that thresholds were not looked at for."""
    row = session.one("SELECT max(number) FROM usage_event")
    return bool(row and row[0] and row[0] > looked_up_to(session))


def have_looked(session: Session, up_to: int) -> None:
    """Remember it; never goes back, whoever else looks at the same time."""
    session.run(
        "INSERT INTO indexing (name, up_to) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
        " SET up_to = excluded.up_to WHERE excluded.up_to > indexing.up_to",
        (_LOOKED_AT, up_to),
    )


def accounts_that_used(session: Session, after: int, up_to: int) -> list[Account]:
    """Those with events of these numbers (`after` itself not included)."""
    rows = session.all(
        "SELECT a.id, a.ref, a.name FROM account a WHERE a.id IN (SELECT s.account_id"
        " FROM usage_stream s WHERE s.number IN (SELECT e.stream_number FROM usage_event e"
        " WHERE e.number > ? AND e.number <= ?)) ORDER BY a.ref",
        (after, up_to),
    )
    return [Account._make(row) for row in rows]


def accounts_with_usage(
    session: Session, *, text: str | None, after: str | None, limit: int
) -> list[Account]:
    """Accounts that ever used anything, by ref; `text` is in ref or name."""
    where, values = ["a.ref > ?"], [after or ""]
    if text:
        where.append("(lower(a.ref) LIKE ? ESCAPE '\\' OR lower(a.name) LIKE ? ESCAPE '\\')")
        escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values += [f"%{escaped}%"] * 2
    rows = session.all(
        f"SELECT a.id, a.ref, a.name FROM account a WHERE {' AND '.join(where)}"
        " AND EXISTS (SELECT 1 FROM usage_stream s WHERE s.account_id = a.id)"
        " ORDER BY a.ref LIMIT ?",
        (*values, limit),
    )
    return [Account._make(row) for row in rows]


def keep_alert(
    session: Session,
    *,
    account_id: str,
    subscription_id: str,
    meter: str,
    period_since: int,
    percent: int,
    summary: str,
    at: int,
) -> bool:
    """Keep that a threshold was crossed; False when it was told before in this period."""
    return (
        session.run(
            "INSERT INTO usage_alert (account_id, subscription_id, meter, period_since, percent,"
            " summary, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (subscription_id, meter, period_since, percent) DO NOTHING",
            (account_id, subscription_id, meter, period_since, percent, summary, at),
        )
        == 1
    )


def list_alerts(
    session: Session, *, account_id: str | None, below: int | None, limit: int
) -> list[UsageAlertSheet]:
    """Thresholds that were crossed, the newest first."""
    where = ["l.number < ?"]
    values: list[object] = [_TOP if below is None else below]
    if account_id is not None:
        where.append("l.account_id = ?")
        values.append(account_id)
    rows = session.all(
        "SELECT l.number, a.ref, a.name, l.subscription_id, l.meter, l.period_since, l.percent,"
        " l.summary, l.at FROM usage_alert l JOIN account a ON a.id = l.account_id"
        f" WHERE {' AND '.join(where)} ORDER BY l.number DESC LIMIT ?",
        (*values, limit),
    )
    return [
        UsageAlertSheet(
            number=row[0],
            account_ref=row[1],
            account_name=row[2],
            subscription_id=row[3],
            meter=row[4],
            period_since=from_micros(row[5]),
            percent=row[6],
            summary=row[7],
            at=from_micros(row[8]),
        )
        for row in rows
    ]


def alert_at(
    session: Session, subscription_id: str, meter: str, period_since: int, percent: int
) -> int | None:
    """When a threshold was told of in a period, if it was."""
    row = session.one(
        "SELECT at FROM usage_alert WHERE subscription_id = ? AND meter = ? AND period_since = ?"
        " AND percent = ?",
        (subscription_id, meter, period_since, percent),
    )
    return row[0] if row else None


def budgets_of(session: Session, account_ids: Sequence[str]) -> dict[str, Budget]:
    """The budgets of those of some accounts (one at least) that have one."""
    rows = session.all(
        "SELECT account_id, asset, amount_minor FROM usage_budget"
        f" WHERE account_id IN ({', '.join('?' * len(account_ids))})",
        account_ids,
    )
    return {row[0]: Budget._make(row) for row in rows}


def set_budget(session: Session, budget: Budget, actor: str, at: int) -> None:
    """Set what an account means to spend."""
    session.run(
        "INSERT INTO usage_budget (account_id, asset, amount_minor, actor, changed_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET asset = excluded.asset,"
        " amount_minor = excluded.amount_minor, actor = excluded.actor,"
        " changed_at = excluded.changed_at",
        (*budget, actor, at),
    )


def drop_budget(session: Session, account_id: str) -> None:
    """Have none any more."""
    session.run("DELETE FROM usage_budget WHERE account_id = ?", (account_id,))


def live_subscriptions_of(session: Session, account_ids: Sequence[str]) -> list[tuple[str, str]]:
    """(id, account id) of the subscriptions of accounts that are not canceled, the oldest first."""
    if not account_ids:
        return []
    rows: list[tuple[Any, ...]] = session.all(
        "SELECT id, account_id FROM subscription WHERE status <> 'canceled'"
        f" AND account_id IN ({', '.join('?' * len(account_ids))}) ORDER BY number",
        account_ids,
    )
    return [(row[0], row[1]) for row in rows]

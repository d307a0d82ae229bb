"""Subscriptions, the stretches they were billed for, and what happened to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from billdesk.core.rules.catalog import Schedule
from billdesk.core.rules.catalog_bodies import read_schedule
from billdesk.core.rules.sheets import PeriodSheet, SubscriptionChangeSheet
from billdesk.core.rules.subscriptions import RUNNING, Subscription
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros, to_micros

_INSTANTS = frozenset(
    "period_since period_until trial_until trial_told_at cancel_at canceled_at paused_at created_at"
    " changed_at".split()
)
_FIELDS = tuple(
    name for name in Subscription._fields if name not in ("account_ref", "account_name")
)
_CHANGING = tuple(
    name
    for name in _FIELDS
    if name not in ("id", "account_id", "reference", "actor", "created_at", "asset")
)
_SELECT = (
    "SELECT "
    + ", ".join(
        {"account_ref": "a.ref", "account_name": "a.name"}.get(name, f"s.{name}")
        for name in Subscription._fields
    )
    + " FROM subscription s JOIN account a ON a.id = s.account_id"
)
_RUNNING = ", ".join(f"'{status}'" for status in RUNNING)


def _read(row: Sequence[Any]) -> Subscription:
    values: dict[str, Any] = dict(zip(Subscription._fields, row, strict=True))
    for name in _INSTANTS:
        if values[name] is not None:
            values[name] = from_micros(values[name])
    values["anchor_on"] = date.fromisoformat(values["anchor_on"])
    return Subscription(**values)


def _value(subscription: Subscription, name: str) -> object:
    value = getattr(subscription, name)
    if isinstance(value, datetime):
        return to_micros(value)
    return value.isoformat() if isinstance(value, date) else value


def add_subscription(session: Session, subscription: Subscription) -> None:
    """Write a new one. Raises KeyTaken for its id, reference or external id."""
    session.run(
        f"INSERT INTO subscription ({', '.join(_FIELDS)}) VALUES ({', '.join('?' * len(_FIELDS))})",
        [_value(subscription, name) for name in _FIELDS],
    )


def save_subscription(session: Session, subscription: Subscription) -> None:
    """Write a locked one back; whose it is, and in what it pays, never changes."""
    session.run(
        f"UPDATE subscription SET {', '.join(f'{name} = ?' for name in _CHANGING)} WHERE id = ?",
        [*(_value(subscription, name) for name in _CHANGING), subscription.id],
    )


def subscription_by_id(
    session: Session, subscription_id: str, *, lock: bool = False
) -> Subscription | None:
    """One of them; `lock` keeps others away until the block ends (lock its wallet before)."""
    if lock and session.kind == "postgres":
        session.one("SELECT 1 FROM subscription WHERE id = ? FOR UPDATE", (subscription_id,))
    row = session.one(f"{_SELECT} WHERE s.id = ?", (subscription_id,))
    return _read(row) if row else None


def subscription_by_reference(session: Session, reference: str) -> Subscription | None:
    """What a reference made."""
    row = session.one(f"{_SELECT} WHERE s.reference = ?", (reference,))
    return _read(row) if row else None


def subscription_by_external(
    session: Session, gateway: str, mode: str, external_id: str
) -> Subscription | None:
    """The one that mirrors a gateway's."""
    row = session.one(
        f"{_SELECT} WHERE s.gateway = ? AND s.mode = ? AND s.external_id = ?",
        (gateway, mode, external_id),
    )
    return _read(row) if row else None


def live_subscriptions(session: Session, account_id: str) -> list[Subscription]:
    """Those of an account that are not canceled, the oldest first."""
    rows = session.all(
        f"{_SELECT} WHERE s.account_id = ? AND s.status <> 'canceled' ORDER BY s.number",
        (account_id,),
    )
    return [_read(row) for row in rows]


def list_subscriptions(
    session: Session,
    *,
    account_id: str | None,
    status: str | None,
    plan: str | None,
    after: str | None,
    limit: int,
) -> list[Subscription]:
    """Subscriptions, the newest first, from `after` (an id) on."""
    where, values = ["1 = 1"], []
    for column, value in (("account_id", account_id), ("status", status), ("plan_code", plan)):
        if value is not None:
            where.append(f"s.{column} = ?")
            values.append(value)
    if after is not None:
        where.append("s.number < (SELECT number FROM subscription WHERE id = ?)")
        values.append(after)
    rows = session.all(
        f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY s.number DESC LIMIT ?", (*values, limit)
    )
    return [_read(row) for row in rows]


def lock_account(session: Session, account_id: str) -> None:
    """Let nobody else subscribe an account until the block ends; on SQLite the block is the lock."""
    if session.kind == "postgres":
        session.one("SELECT 1 FROM account WHERE id = ? FOR NO KEY UPDATE", (account_id,))


# --- what is due ---------------------------------------------------------------------------------

Cursor = tuple[int, str]
"""Where a run goes on: an instant in microseconds and the id of what was seen last."""

START: Cursor = (-(2**63), "")


def due_subscriptions(session: Session, now: int, after: Cursor, limit: int) -> list[Cursor]:
    """Running ones of ours whose period is over, the longest due first."""
    rows = session.all(
        "SELECT period_until, id FROM subscription"
        f" WHERE status <> 'canceled' AND status IN ({_RUNNING}) AND paid_by <> 'elsewhere'"
        " AND period_until <= ? AND (period_until > ? OR (period_until = ? AND id > ?))"
        " ORDER BY period_until, id LIMIT ?",
        (now, after[0], *after, limit),
    )
    return [(row[0], row[1]) for row in rows]


def ending_trials(session: Session, until: int, after: Cursor, limit: int) -> list[Cursor]:
    """Trials of ours that end by then and were not told of yet."""
    rows = session.all(
        "SELECT trial_until, id FROM subscription WHERE status = 'trialing'"
        " AND paid_by <> 'elsewhere' AND trial_told_at IS NULL AND trial_until <= ?"
        " AND (trial_until > ? OR (trial_until = ? AND id > ?)) ORDER BY trial_until, id LIMIT ?",
        (until, after[0], *after, limit),
    )
    return [(row[0], row[1]) for row in rows]


def waiting_subscriptions(session: Session, after: str, limit: int) -> list[Subscription]:
    """Those that wait for money, by id, where something can be used at all."""
    rows = session.all(
        f"{_SELECT} LEFT JOIN wallet w ON w.account_id = s.account_id AND w.asset = s.asset"
        " AND w.purpose = CASE s.asset WHEN 'CREDIT' THEN 'credits' ELSE 'cash' END"
        " WHERE s.status = 'paused' AND s.paused_why = 'balance' AND s.id > ?"
        " AND (s.paid_by NOT IN ('wallet', 'credits') OR w.floor_minor IS NULL"
        "      OR w.balance_minor - w.held_minor > w.floor_minor)"
        " ORDER BY s.id LIMIT ?",
        (after, limit),
    )
    return [_read(row) for row in rows]


def has_failed_invoice(session: Session, subscription_id: str) -> bool:
    """Whether something that a subscription owes could not be collected and is still owed."""
    row = session.one(
        "SELECT 1 FROM invoice WHERE about = ? AND status IN ('open', 'uncollectible')"
        " AND kind = 'invoice' AND failed_since IS NOT NULL LIMIT 1",
        (subscription_id,),
    )
    return row is not None


# --- periods and changes -------------------------------------------------------------------------


class Stretch(NamedTuple):
    """A stretch of a subscription on the same terms, as the store has it; instants are microseconds.

    A change at once begins another stretch within the period: of two that cover an instant, the one
    with the higher `seq` holds. Months within it are counted from `anchor_on`.
    """

    seq: int
    since: int
    until: int
    plan_code: str
    plan_version: int
    schedule: str
    quantity: int
    trial: int
    invoice_id: str | None
    anchor_on: str


_STRETCH = ", ".join(Stretch._fields)


def add_stretch(
    session: Session,
    subscription: Subscription,
    since: datetime,
    now: datetime,
    *,
    trial: bool,
    invoice_id: str | None,
) -> None:
    """Write down on which terms a subscription is from `since` to its period's end.

    Raises KeyTaken when that stretch is billed already.
    """
    stretch = Stretch(
        seq=subscription.period_seq,
        since=to_micros(since),
        until=to_micros(subscription.period_until),
        plan_code=subscription.plan_code,
        plan_version=subscription.plan_version,
        schedule=subscription.schedule,
        quantity=subscription.quantity,
        trial=int(trial),
        invoice_id=invoice_id,
        anchor_on=subscription.anchor_on.isoformat(),
    )
    session.run(
        f"INSERT INTO billing_period (subscription_id, {_STRETCH}, created_at)"
        f" VALUES (?{', ?' * len(Stretch._fields)}, ?)",
        (subscription.id, *stretch, to_micros(now)),
    )


def stretches_of(session: Session, subscription_id: str, until: int | None = None) -> list[Stretch]:
    """The stretches of a subscription, or of its period that ends at `until`, the oldest first."""
    condition = "" if until is None else " AND until = ?"
    values: list[Any] = [subscription_id] if until is None else [subscription_id, until]
    rows = session.all(
        f"SELECT {_STRETCH} FROM billing_period WHERE subscription_id = ?{condition} ORDER BY seq",
        values,
    )
    return [Stretch._make(row) for row in rows]


def period_sheet(stretch: Stretch) -> PeriodSheet:
    """A stretch as the doors see it."""
    return PeriodSheet(
        seq=stretch.seq,
        since=from_micros(stretch.since),
        until=from_micros(stretch.until),
        plan_code=stretch.plan_code,
        plan_version=stretch.plan_version,
        schedule=stretch.schedule,
        quantity=stretch.quantity,
        trial=bool(stretch.trial),
        invoice_id=stretch.invoice_id,
    )


def creditable_invoices(
    session: Session, subscription_id: str, period_until: int
) -> list[tuple[str, int]]:
    """The invoices of the period that ends then, the newest first, and what is left of each total."""
    rows = session.all(
        "SELECT id, total_minor - credited_minor FROM invoice WHERE about = ? AND kind = 'invoice'"
        " AND source IN ('subscription', 'proration') AND status IN ('open', 'paid')"
        " AND period_until = ? AND total_minor > credited_minor ORDER BY number DESC",
        (subscription_id, period_until),
    )
    return [(row[0], row[1]) for row in rows]


def add_change(
    session: Session,
    subscription_id: str,
    *,
    kind: str,
    at: int,
    actor: str,
    summary: str,
    data: Mapping[str, object],
    invoice_id: str | None,
) -> None:
    """Append what happened."""
    session.run(
        "INSERT INTO subscription_change (subscription_id, kind, at, actor, summary, data,"
        " invoice_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (subscription_id, kind, at, actor, summary, json.dumps(data), invoice_id),
    )


def changes_of(session: Session, subscription_id: str) -> list[SubscriptionChangeSheet]:
    """What happened to a subscription, the oldest first."""
    rows = session.all(
        "SELECT number, kind, at, actor, summary, invoice_id FROM subscription_change"
        " WHERE subscription_id = ? ORDER BY number",
        (subscription_id,),
    )
    return [SubscriptionChangeSheet(row[0], row[1], from_micros(row[2]), *row[3:]) for row in rows]


def schedule_named(session: Session, code: str) -> Schedule | None:
    """A schedule in its newest version, whether it is sold now or was."""
    row = session.one(
        "SELECT body FROM catalog_item WHERE sort = 'schedule' AND code = ?"
        " ORDER BY version DESC LIMIT 1",
        (code,),
    )
    return read_schedule(code, row[0]) if row else None

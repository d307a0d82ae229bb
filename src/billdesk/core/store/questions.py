"""Wide reads for whole screens: balances with standings, the overview, an account's time line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billdesk.core.rules.sheets import BalanceRowSheet, DaySheet, TimelineSheet
from billdesk.core.rules.standing import word_of
from billdesk.core.store.accounts import like_anywhere, wallet_sheet
from billdesk.core.store.history import first_number_at, newest_number
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.money import Money

SORTS = {
    "ref": "ref",
    "name": "name",
    "balance": "balance_minor",
    "available": "balance_minor - held_minor",
    "last": "last_at",
}

_FLAGS = """
EXISTS (SELECT 1 FROM wallet f WHERE f.account_id = a.id AND f.freezes > 0) AS frozen,
EXISTS (SELECT 1 FROM wallet o WHERE o.account_id = a.id AND o.purpose = 'receivable'
        AND o.balance_minor < 0) AS owes,
NOT EXISTS (SELECT 1 FROM wallet r WHERE r.account_id = a.id AND r.purpose <> 'receivable'
        AND (r.floor_minor IS NULL OR r.balance_minor - r.held_minor > r.floor_minor)) AS spent"""

_ROWS = f"""
SELECT w.id AS id, a.id AS account_id, a.ref AS ref, a.name AS name, a.status AS status,
       w.purpose AS purpose, w.asset AS asset, w.balance_minor AS balance_minor,
       w.held_minor - coalesce((SELECT sum(h.amount_minor) FROM hold h
           WHERE h.wallet_number = w.number AND h.status = 'open' AND h.expires_at <= ?), 0)
           AS held_minor,
       w.floor_minor AS floor_minor, w.freezes AS freezes, w.seq AS seq, w.last_at AS last_at, {_FLAGS}
FROM wallet w JOIN account a ON a.id = w.account_id WHERE a.ref <> 'house'"""

_STANDING = {
    "CLOSED": "status = 'closed'",
    "SUSPENDED": "status = 'suspended'",
    "FROZEN": "status = 'open' AND frozen",
    "OWES": "status = 'open' AND NOT frozen AND owes",
    "SPENT": "status = 'open' AND NOT frozen AND NOT owes AND spent",
    "OK": "status = 'open' AND NOT frozen AND NOT owes AND NOT spent",
}
STANDINGS = tuple(_STANDING)


def balance_rows(
    session: Session,
    *,
    now: int,
    sort: str,
    descending: bool,
    standing: str | None,
    text: str | None,
    asset: str | None,
    offset: int,
    limit: int,
) -> list[BalanceRowSheet]:
    """Wallets with the standing of their account, sorted and filtered."""
    where: list[str] = ["1 = 1"]
    values: list[Any] = [now]
    if asset:
        where.append("asset = ?")
        values.append(asset)
    if text:
        word = "ILIKE" if session.kind == "postgres" else "LIKE"
        where.append(f"(ref {word} ? ESCAPE '\\' OR name {word} ? ESCAPE '\\')")
        values += [like_anywhere(text)] * 2
    if standing:
        where.append(_STANDING[standing])
    rows = session.all(
        f"SELECT * FROM ({_ROWS}) AS listed WHERE {' AND '.join(where)}"
        f" ORDER BY {SORTS[sort]} {'DESC' if descending else 'ASC'}, ref, purpose, asset"
        " LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [_balance_row(row) for row in rows]


def _balance_row(row: tuple[Any, ...]) -> BalanceRowSheet:
    wallet = wallet_sheet(row)
    word = word_of(status=row[4], frozen=bool(row[13]), owes=bool(row[14]), spent=bool(row[15]))
    return BalanceRowSheet(wallet, word)


def standing_counts(session: Session) -> dict[str, int]:
    """How many accounts stand how, in the order of the ladder."""
    rows = session.all(
        "SELECT status, frozen, owes, spent, count(*) FROM"
        f" (SELECT a.status AS status, {_FLAGS} FROM account a WHERE a.ref <> 'house') AS accounts"
        " GROUP BY status, frozen, owes, spent"
    )
    counts = dict.fromkeys(STANDINGS, 0)
    for status, frozen, owes, spent, count in rows:
        word = word_of(status=status, frozen=bool(frozen), owes=bool(owes), spent=bool(spent))
        counts[word] += count
    return counts


def totals(session: Session) -> list[tuple[str, int, int]]:
    """(asset, sum of balances, sum of held) of the customers' own wallets."""
    rows: Any = session.all(
        "SELECT w.asset, sum(w.balance_minor), sum(w.held_minor) FROM wallet w"
        " JOIN account a ON a.id = w.account_id"
        " WHERE w.purpose <> 'receivable' AND a.ref <> 'house' GROUP BY w.asset ORDER BY w.asset"
    )
    return [(asset, int(balance), int(held)) for asset, balance, held in rows]


def daily_money(session: Session, asset: str, days: list[datetime]) -> list[DaySheet]:
    """Money per day: `days` are the beginnings of days, the last one being the end of the last day."""
    numbers = [first_number_at(session, to_micros(day)) for day in days]
    sheets = []
    for index, day in enumerate(days[:-1]):
        rows = session.all(
            "SELECT e.kind, sum(e.amount_minor) FROM entry e"
            " JOIN wallet w ON w.number = e.wallet_number AND w.asset = ?"
            " WHERE e.number >= ? AND e.number < ? AND w.purpose <> 'receivable' GROUP BY e.kind",
            (asset, numbers[index], numbers[index + 1]),
        )
        sums = {kind: abs(int(amount)) for kind, amount in rows}
        sheets.append(
            DaySheet(
                day=day.date(),
                deposits_minor=sums.get("deposit", 0),
                charges_minor=sums.get("charge", 0),
                refunds_minor=sums.get("refund", 0),
            )
        )
    return sheets


def counts(session: Session) -> tuple[int, int]:
    """(accounts, entries). Entries are counted on SQLite by their gapless number."""
    accounts = session.one("SELECT count(*) FROM account WHERE ref <> 'house'")
    if session.kind == "sqlite":
        entries = newest_number(session)
    else:
        row = session.one("SELECT coalesce(sum(seq), 0) FROM wallet")
        entries = int(row[0]) if row else 0
    return (accounts[0] if accounts else 0), entries


def overdue_holds(session: Session, now: int) -> int:
    """How many open holds have passed their deadline."""
    row = session.one("SELECT count(*) FROM hold WHERE status = 'open' AND expires_at <= ?", (now,))
    return int(row[0]) if row else 0


def timeline(session: Session, account_id: str, limit: int) -> list[TimelineSheet]:
    """An account's holds, freezes, payments and audit lines, the newest first."""
    lines = [
        *_hold_lines(session, account_id, limit),
        *_freeze_lines(session, account_id, limit),
        *_payment_lines(session, account_id, limit),
        *_audit_lines(session, account_id, limit),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:limit]


def _hold_lines(session: Session, account_id: str, limit: int) -> list[TimelineSheet]:
    rows = session.all(
        "SELECT h.id, h.amount_minor, w.asset, h.status, h.placed_at, h.resolved_at, p.actor,"
        " p.subject, p.reference FROM hold h JOIN wallet w ON w.number = h.wallet_number"
        " JOIN posting p ON p.id = h.id WHERE w.account_id = ? ORDER BY h.placed_at DESC LIMIT ?",
        (account_id, limit),
    )
    lines = []
    for hold, amount, asset, status, placed, resolved, actor, subject, reference in rows:
        money, about = Money(amount, asset), subject or reference
        lines.append(
            TimelineSheet(from_micros(placed), "hold", "hold placed", money, actor, hold, about)
        )
        if resolved is not None:
            title = f"hold {status}"
            lines.append(
                TimelineSheet(from_micros(resolved), "hold", title, money, actor, hold, about)
            )
    return lines


def _freeze_lines(session: Session, account_id: str, limit: int) -> list[TimelineSheet]:
    rows = session.all(
        "SELECT f.id, f.cause, f.memo, f.set_by, f.since, f.lifted_at, f.lifted_by, f.lift_memo"
        " FROM wallet_freeze f JOIN wallet w ON w.number = f.wallet_number WHERE w.account_id = ?"
        " ORDER BY f.since DESC LIMIT ?",
        (account_id, limit),
    )
    lines = []
    for freeze, cause, memo, set_by, since, lifted, lifted_by, lift_memo in rows:
        title = f"frozen ({cause})"
        lines.append(TimelineSheet(from_micros(since), "freeze", title, None, set_by, freeze, memo))
        if lifted is not None:
            title = f"unfrozen ({cause})"
            lines.append(
                TimelineSheet(
                    from_micros(lifted), "freeze", title, None, lifted_by, freeze, lift_memo or ""
                )
            )
    return lines


def _payment_lines(session: Session, account_id: str, limit: int) -> list[TimelineSheet]:
    rows = session.all(
        "SELECT id, gateway, mode, status, asset, amount_minor, detail, actor, created_at, changed_at"
        " FROM payment WHERE account_id = ? ORDER BY number DESC LIMIT ?",
        (account_id, limit),
    )
    return [
        TimelineSheet(
            at=from_micros(changed),
            kind="payment",
            title=f"payment {status} ({gateway}, {mode})",
            amount=Money(amount, asset),
            actor=actor,
            id=payment,
            detail=detail,
        )
        for payment, gateway, mode, status, asset, amount, detail, actor, _, changed in rows
    ]


def _audit_lines(session: Session, account_id: str, limit: int) -> list[TimelineSheet]:
    rows = session.all(
        "SELECT number, at, actor, action, outcome, summary FROM audit WHERE account_id = ?"
        " AND action NOT IN ('wallet.freeze', 'wallet.unfreeze')"  # freezes have lines of their own
        " ORDER BY at DESC LIMIT ?",
        (account_id, limit),
    )
    return [
        TimelineSheet(
            at=from_micros(at),
            kind="audit",
            title=f"{action} {outcome}",
            amount=None,
            actor=actor,
            id=f"audit {number}",
            detail=summary,
        )
        for number, at, actor, action, outcome, summary in rows
    ]


def status_set_by(session: Session, account_id: str, status: str) -> str:
    """Who gave an account its status, as the audit log has it."""
    action = {"closed": "account.close", "suspended": "account.suspend"}.get(status)
    row = session.one(
        "SELECT actor FROM audit WHERE account_id = ? AND action = ? AND outcome = 'done'"
        " ORDER BY at DESC, number DESC LIMIT 1",
        (account_id, action),
    )
    return row[0] if row else "the desk"

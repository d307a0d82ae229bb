"""Accounts, their wallets and what freezes them."""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.ledger import genesis
from billdesk.core.rules.sheets import AccountSheet, FreezeSheet, MatchSheet, WalletSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import from_micros
from billdesk.core.values.money import Money

_ACCOUNT = "a.id, a.ref, a.name, a.email, a.status, a.created_at, a.status_since, a.gateway"


def account_sheet(row: tuple[Any, ...]) -> AccountSheet:
    """A row of `_ACCOUNT` as a sheet."""
    return AccountSheet(
        id=row[0],
        ref=row[1],
        name=row[2],
        email=row[3],
        status=row[4],
        created_at=from_micros(row[5]),
        status_since=from_micros(row[6]),
        gateway=row[7],
    )


def find_account(session: Session, ref: str) -> AccountSheet | None:
    """The account with this ref or id."""
    column = "id" if ref.startswith("acc_") else "ref"
    row = session.one(f"SELECT {_ACCOUNT} FROM account a WHERE a.{column} = ?", (ref,))
    return account_sheet(row) if row else None


def add_account(
    session: Session,
    *,
    id: str,
    ref: str,
    name: str,
    email: str | None,
    at: int,
) -> None:
    """Write a new account; the driver's unique violation says that the ref is taken."""
    session.run(
        "INSERT INTO account (id, ref, name, email, status, created_at, status_since)"
        " VALUES (?, ?, ?, ?, 'open', ?, ?)",
        (id, ref, name, email, at, at),
    )


def add_accounts(session: Session, rows: list[tuple[str, str, str, str | None, int]]) -> None:
    """Write many new accounts: (id, ref, name, email, at)."""
    session.many(
        "INSERT INTO account (id, ref, name, email, status, created_at, status_since)"
        " VALUES (?, ?, ?, ?, 'open', ?, ?)",
        [(*row, row[-1]) for row in rows],
    )


def set_status(session: Session, account_id: str, status: str, at: int) -> None:
    """Open, suspend or close an account."""
    session.run(
        "UPDATE account SET status = ?, status_since = ? WHERE id = ?", (status, at, account_id)
    )


def set_gateway(session: Session, account_id: str, name: str | None) -> None:
    """Say which gateway an account pays by; None: the desk's."""
    session.run("UPDATE account SET gateway = ? WHERE id = ?", (name, account_id))


def list_accounts(
    session: Session, *, text: str | None, status: str | None, after: str | None, limit: int
) -> list[AccountSheet]:
    """Accounts by ref, from `after` on; `text` matches ref, name or e-mail anywhere."""
    where, values = ["a.ref > ?", "a.ref <> 'house'"], [after or ""]
    if status:
        where.append("a.status = ?")
        values.append(status)
    if text:
        like = like_anywhere(text)
        where.append(f"({_matches(session, 'a.ref')} OR {_matches(session, 'a.name')}"
                     f" OR {_matches(session, 'a.email')})")  # fmt: skip
        values += [like, like, like]
    rows = session.all(
        f"SELECT {_ACCOUNT} FROM account a WHERE {' AND '.join(where)} ORDER BY a.ref LIMIT ?",
        (*values, limit),
    )
    return [account_sheet(row) for row in rows]


def like_anywhere(text: str) -> str:
    """A LIKE pattern that finds `text` itself, wherever it stands."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _matches(session: Session, column: str) -> str:
    """LIKE without regard to case, which each database spells its own way."""
    word = "ILIKE" if session.kind == "postgres" else "LIKE"
    return f"{column} {word} ? ESCAPE '\\'"


def search_accounts(session: Session, text: str, limit: int) -> list[MatchSheet]:
    """Accounts for the finder, best first: exact ref or id, beginnings, then anywhere."""
    like = like_anywhere(text)
    begins = like[1:]
    steps = (
        ("ref", "a.ref = ?", text),
        ("id", "a.id = ?", text),
        ("ref begins", _matches(session, "a.ref"), begins),
        ("e-mail begins", _matches(session, "a.email"), begins),
        ("name begins", _matches(session, "a.name"), begins),
        ("ref", _matches(session, "a.ref"), like),
        ("name", _matches(session, "a.name"), like),
        ("e-mail", _matches(session, "a.email"), like),
    )
    found: dict[str, MatchSheet] = {}
    for why, condition, value in steps:
        if len(found) >= limit:
            break
        rows = session.all(
            f"SELECT {_ACCOUNT} FROM account a WHERE {condition} AND a.ref <> 'house'"
            " ORDER BY a.ref LIMIT ?",
            (value, limit),
        )
        for row in rows:
            found.setdefault(row[0], MatchSheet(account_sheet(row), why))
    return list(found.values())[:limit]


def account_of_posting(session: Session, text: str) -> tuple[AccountSheet, str] | None:
    """The account behind the id of what belongs to it, an invoice's number, or an exact reference."""
    for why, table, column, value in (
        ("posting", "posting", "id", text),
        ("payment", "payment", "id", text),
        ("invoice", "invoice", "id", text),
        ("invoice", "invoice", "invoice_number", text),
        ("invoice", "invoice", "invoice_number", text.upper()),
        ("subscription", "subscription", "id", text),
        ("payment at the gateway", "payment", "external_id", text),
        ("reference", "posting", "reference", text),
    ):
        row = session.one(f"SELECT account_id FROM {table} WHERE {column} = ?", (value,))
        account = find_account(session, row[0]) if row else None
        if account:
            return account, why
    return None


_WALLET = """
SELECT w.id, a.id, a.ref, a.name, a.status, w.purpose, w.asset, w.balance_minor,
       w.held_minor - coalesce((SELECT sum(h.amount_minor) FROM hold h
           WHERE h.wallet_number = w.number AND h.status = 'open' AND h.expires_at <= ?), 0),
       w.floor_minor, w.freezes, w.seq, w.last_at
FROM wallet w JOIN account a ON a.id = w.account_id"""


def wallet_sheet(row: tuple[Any, ...]) -> WalletSheet:
    """A row of `_WALLET` as a sheet."""
    asset, balance_minor, held_minor, floor_minor = row[6], row[7], int(row[8]), row[9]
    return WalletSheet(
        id=row[0],
        account_id=row[1],
        account_ref=row[2],
        account_name=row[3],
        account_status=row[4],
        purpose=row[5],
        asset=asset,
        balance=Money(balance_minor, asset),
        held=Money(held_minor, asset),
        available=Money(balance_minor - held_minor, asset),
        floor=None if floor_minor is None else Money(floor_minor, asset),
        freezes=row[10],
        entries=row[11],
        last_entry_at=from_micros(row[12]) if row[11] else None,
    )


def wallets_of(session: Session, account_id: str, now: int) -> list[WalletSheet]:
    """An account's wallets; holds past their deadline no longer count as held."""
    rows = session.all(
        f"{_WALLET} WHERE w.account_id = ? ORDER BY w.purpose, w.asset", (now, account_id)
    )
    return [wallet_sheet(row) for row in rows]


_BALANCE = """
SELECT a.ref, a.name, w.balance_minor, w.held_minor, w.number, a.id
FROM account a LEFT JOIN wallet w ON w.account_id = a.id AND w.purpose = ? AND w.asset = ?
WHERE a.{} = ?"""


def balance_row(
    session: Session, ref: str, purpose: str, asset: str
) -> tuple[str, str, int | None, int | None, int | None, str] | None:
    """(ref, name, balance, held, wallet number, account id): one indexed look-up."""
    column = "id" if ref.startswith("acc_") else "ref"
    row = session.one(_BALANCE.format(column), (purpose, asset, ref))
    return row and (row[0], row[1], row[2], row[3], row[4], row[5])


def expired_minor(session: Session, wallet_number: int, now: int) -> int:
    """How much of what is held has passed its deadline."""
    row = session.one(
        "SELECT coalesce(sum(amount_minor), 0) FROM hold"
        " WHERE wallet_number = ? AND status = 'open' AND expires_at <= ?",
        (wallet_number, now),
    )
    return int(row[0]) if row else 0


def open_wallet(
    session: Session, *, id: str, account_id: str, purpose: str, asset: str,
    floor_minor: int | None,
) -> None:  # fmt: skip
    """Open an empty wallet unless the account has that one already."""
    if session.kind == "postgres":
        session.one(
            "SELECT open_wallet(?, ?, ?, ?, ?)", (id, account_id, purpose, asset, floor_minor)
        )
        return
    session.run(
        "INSERT INTO wallet (id, account_id, purpose, asset, floor_minor, head, last_at)"
        " VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (account_id, purpose, asset) DO NOTHING",
        (id, account_id, purpose, asset, floor_minor, genesis(id)),
    )


def set_floor(session: Session, wallet_number: int, floor_minor: int | None) -> int:
    """Set how low available may go; 0 rows when it is used below that already."""
    return session.run(
        "UPDATE wallet SET floor_minor = ? WHERE number = ?"
        " AND (? IS NULL OR balance_minor - held_minor >= ?)".replace(
            "? IS NULL", "CAST(? AS bigint) IS NULL"
        ),
        (floor_minor, wallet_number, floor_minor, floor_minor),
    )


_FREEZE = """
SELECT f.id, a.ref, w.asset, f.cause, f.memo, f.set_by, f.since, f.lifted_at, f.lifted_by
FROM wallet_freeze f JOIN wallet w ON w.number = f.wallet_number JOIN account a ON a.id = w.account_id"""


def freeze_sheet(row: tuple[Any, ...]) -> FreezeSheet:
    """A row of `_FREEZE` as a sheet."""
    return FreezeSheet(
        id=row[0],
        account_ref=row[1],
        asset=row[2],
        cause=row[3],
        memo=row[4],
        set_by=row[5],
        since=from_micros(row[6]),
        lifted_at=from_micros(row[7]) if row[7] is not None else None,
        lifted_by=row[8],
    )


def add_freeze(
    session: Session,
    *,
    id: str,
    wallet_number: int,
    cause: str,
    memo: str,
    set_by: str,
    at: int,
) -> None:
    """Open a freeze; the driver's unique violation says that this cause is open already."""
    session.run(
        "INSERT INTO wallet_freeze (id, wallet_number, cause, memo, set_by, since)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (id, wallet_number, cause, memo, set_by, at),
    )
    session.run("UPDATE wallet SET freezes = freezes + 1 WHERE number = ?", (wallet_number,))


def lift_freezes(
    session: Session, *, wallet_number: int, cause: str, memo: str, lifted_by: str, at: int
) -> int:
    """Lift the open freeze of this cause; how many were open (0 or 1)."""
    lifted = session.run(
        "UPDATE wallet_freeze SET lifted_at = ?, lifted_by = ?, lift_memo = ?"
        " WHERE wallet_number = ? AND cause = ? AND lifted_at IS NULL",
        (at, lifted_by, memo, wallet_number, cause),
    )
    if lifted:
        session.run(
            "UPDATE wallet SET freezes = freezes - ? WHERE number = ?", (lifted, wallet_number)
        )
    return lifted


def freezes_of(session: Session, account_id: str, *, open_only: bool) -> list[FreezeSheet]:
    """An account's freezes, the newest first."""
    condition = " AND f.lifted_at IS NULL" if open_only else ""
    rows = session.all(
        f"{_FREEZE} WHERE w.account_id = ?{condition} ORDER BY f.since DESC, f.id DESC",
        (account_id,),
    )
    return [freeze_sheet(row) for row in rows]


def freeze_by_id(session: Session, freeze_id: str) -> FreezeSheet | None:
    """One freeze."""
    row = session.one(f"{_FREEZE} WHERE f.id = ?", (freeze_id,))
    return freeze_sheet(row) if row else None

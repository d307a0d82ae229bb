"""Wallets as the guards and the chain need them: with the status of their account."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from billdesk.core.rules.ledger import WalletState
from billdesk.core.store.sessions import Session

_WALLET = """
SELECT w.number, w.id, w.account_id, a.status, w.purpose, w.asset, w.balance_minor, w.held_minor,
       w.floor_minor, w.freezes, w.seq, w.head, w.last_at
FROM account a JOIN wallet w ON w.account_id = a.id
WHERE {} AND w.purpose = ? AND w.asset = ?"""
_WALLETS_OF_MANY = """
SELECT a.ref, w.number, w.id, w.account_id, a.status, w.purpose, w.asset, w.balance_minor,
       w.held_minor, w.floor_minor, w.freezes, w.seq, w.head, w.last_at
FROM account a JOIN wallet w ON w.account_id = a.id
WHERE a.ref IN (SELECT value FROM json_each(?))"""
_WALLET_BY_REF = _WALLET.format("a.ref = ?")
_WALLET_BY_ID = _WALLET.format("a.id = ?")
_NEXT_POSTING = "(SELECT coalesce(max(number), 0) + 1 FROM posting)"
_FIRST_BY_REF = _WALLET_BY_REF.replace("w.last_at", f"w.last_at, {_NEXT_POSTING}")
_FIRST_BY_ID = _WALLET_BY_ID.replace("w.last_at", f"w.last_at, {_NEXT_POSTING}")
_LOCK_WALLET = "SELECT lock_wallets(ARRAY[?]::bigint[])"


def wallet_state(
    session: Session, account: str, purpose: str, asset: str, *, lock: bool = False
) -> WalletState | None:
    """A wallet by its account's ref or id; `lock` keeps others away until the block ends.

    On SQLite a write block is the lock already.
    """
    sql = _WALLET_BY_ID if account.startswith("acc_") else _WALLET_BY_REF
    row = session.one(sql, (account, purpose, asset))
    if row is not None and lock and session.kind == "postgres":
        session.one(_LOCK_WALLET, (row[0],))
        row = session.one(sql, (account, purpose, asset))
    return None if row is None else WalletState._make(row)


def next_posting(session: Session) -> int:
    """The number of the next posting, under the write lock; for SQLite."""
    row = session.one(f"SELECT {_NEXT_POSTING}")
    return row[0] if row else 1


def wallet_and_next_posting(
    session: Session, account: str, purpose: str, asset: str
) -> tuple[Any, ...] | None:
    """The fields of a WalletState, and the number of the next posting: one question; for SQLite."""
    sql = _FIRST_BY_ID if account.startswith("acc_") else _FIRST_BY_REF
    return session.one(sql, (account, purpose, asset))


def wallet_states(session: Session, refs: Iterable[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """All wallets of the accounts with these refs: the ref, a WalletState's fields; for SQLite."""
    for row in session.all(_WALLETS_OF_MANY, (json.dumps(list(refs)),)):
        yield row[0], row[1:]

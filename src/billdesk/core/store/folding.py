"""Posting on SQLite: drafts folded over the wallets they touch, and written under the write lock.

Wallets are read, chain and balances made in memory, rows written at the end. Nobody else can write in
between, and the UPDATE still insists on what was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from billdesk.core.rules.ledger import (
    Draft,
    HoldChange,
    Leg,
    front_of,
    guard,
    link,
    text_digest,
)
from billdesk.core.store.posted import Posted
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import next_posting, wallet_and_next_posting, wallet_states
from billdesk.core.values.errors import BadInput, Broken
from billdesk.core.values.money import LARGEST_MINOR

_UPDATE_WALLET = """
UPDATE wallet SET balance_minor = ?, held_minor = ?, seq = ?, head = ?, last_at = ?
WHERE number = ? AND seq = ? AND balance_minor = ? AND held_minor = ?"""
_INSERT_POSTING = """
INSERT INTO posting (number, id, kind, scope, reference, digest, account_id, actor, happened_at,
    recorded_at, subject, memo, salt, text_digest, corrects, about)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
# Six columns are often empty, and to bind a NULL costs the driver more than to write one.
_INSERT_PLAIN_POSTING = """
INSERT INTO posting (number, id, kind, scope, reference, digest, account_id, actor, happened_at,
    recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_ENTRY = """
INSERT INTO entry (posting_number, wallet_number, seq, kind, amount_minor, balance_after,
    counterparty, recorded_at, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_OPEN_HOLD = """
INSERT INTO hold (id, wallet_number, amount_minor, status, placed_at, expires_at)
VALUES (?, ?, ?, 'open', ?, ?)"""
_RESOLVE_HOLD = """
UPDATE hold SET status = ?, resolved_at = ?, resolved_by = ? WHERE id = ? AND status = 'open'"""


_NO_TEXTS = (None,) * 6

# A statement's round through the driver is a tenth of what a row costs; more rows save no more.
_ROWS_AT_ONCE = 100


@lru_cache(maxsize=8)
def _by_the_hundred(sql: str) -> str:
    """An INSERT of one row as an INSERT of a hundred."""
    head, _, marks = sql.partition("VALUES ")
    return f"{head}VALUES {', '.join([marks] * _ROWS_AT_ONCE)}"


class _Purse:
    """A wallet that drafts are folded over: as it was read, and as it has become."""

    __slots__ = (
        "account_id", "asset", "balance_minor", "floor_minor", "freezes", "head", "held_minor", "id",
        "last_at", "number", "read", "seq", "status",
    )  # fmt: skip

    balance_minor: int
    held_minor: int
    seq: int

    def __init__(self, wallet: Sequence[Any]) -> None:
        """`wallet`: the fields of a WalletState."""
        (
            self.number, self.id, self.account_id, self.status, _, self.asset,
            self.balance_minor, self.held_minor, self.floor_minor, self.freezes,
            self.seq, self.head, self.last_at,
        ) = wallet  # fmt: skip
        self.read = (self.number, self.seq, self.balance_minor, self.held_minor)

    def is_changed(self) -> bool:
        """Whether anything was folded over it."""
        _, seq, _, held_minor = self.read
        return (self.seq, self.held_minor) != (seq, held_minor)

    def change(self) -> tuple[Any, ...]:
        """The values of `_UPDATE_WALLET`, which insists on what was read."""
        now = (self.balance_minor, self.held_minor, self.seq, self.head, self.last_at)
        return now + self.read


class Fold:
    """Drafts folded over the wallets they touch: chain and balances in memory, rows at the end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._purses: dict[tuple[str, ...], _Purse] = {}
        self._by_number: dict[int, _Purse] = {}
        self._postings: list[tuple[Any, ...]] = []
        self._plain_postings: list[tuple[Any, ...]] = []
        self._entries: list[tuple[Any, ...]] = []
        self._holds: list[tuple[str, tuple[Any, ...]]] = []
        self._next_posting = 0  # not known yet

    def add(self, draft: Draft) -> Posted | None:
        """Fold one draft in; None when a wallet is missing or a guard says no."""
        (
            posting_id, kind, scope, reference, digest, actor, legs, subject, memo, salt,
            happened_at, recorded_at, corrects, about, guarded, hold,
        ) = draft  # fmt: skip
        if recorded_at is None:
            raise Broken("on SQLite the desk's clock says when a posting is recorded")
        purses = []
        for leg in legs:
            purse = self._purses.get(leg[:3]) or self._read(leg)
            if purse is None:
                return None
            purses.append(purse)
            recorded_at = max(recorded_at, purse.last_at)
        if happened_at is None:
            happened_at = recorded_at
        number, account_id = self._next_posting, purses[0].account_id
        self._next_posting += 1
        text = None if salt is None else text_digest(salt, subject, memo)
        front = front_of(
            id=posting_id, kind=kind, scope=scope, reference=reference, digest=digest, text=text,
            actor=actor, corrects=corrects, about=about, account_id=account_id,
            happened_at=happened_at, recorded_at=recorded_at,
        )  # fmt: skip
        self._write_down(
            (number, posting_id, kind, scope, reference, digest, account_id, actor, happened_at,
             recorded_at),
            (subject, memo, salt, text, corrects, about),
        )  # fmt: skip
        balances = []
        for leg, purse in zip(legs, purses, strict=True):
            if guard(purse, leg, guarded=guarded) is not None:
                return None
            balances.append(self._move(purse, leg, number, kind, front, recorded_at))
        if hold is not None:
            self._hold(draft, hold, purses[0].number, recorded_at)
        return Posted(number, account_id, actor, happened_at, recorded_at, tuple(balances))

    def write(self) -> None:
        """Write what was folded. A wallet that is not as it was read is a bug of ours."""
        wallets = [purse.change() for purse in self._by_number.values() if purse.is_changed()]
        if self._run(_UPDATE_WALLET, wallets) != len(wallets):
            raise Broken("a wallet changed under the write lock")
        self._insert(_INSERT_PLAIN_POSTING, self._plain_postings)
        self._insert(_INSERT_POSTING, self._postings)
        self._insert(_INSERT_ENTRY, self._entries)
        for sql, values in self._holds:
            if self._session.run(sql, values) != 1:
                raise Broken("a hold was resolved under the write lock")

    def _run(self, sql: str, rows: list[tuple[Any, ...]]) -> int:
        """A statement for each of the rows; one row alone is quicker by itself."""
        if len(rows) == 1:
            return self._session.run(sql, rows[0])
        return self._session.many(sql, rows) if rows else 0

    def _insert(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Rows by the hundred, and what is left one by one."""
        whole = len(rows) - len(rows) % _ROWS_AT_ONCE
        for start in range(0, whole, _ROWS_AT_ONCE):
            values = list(chain.from_iterable(rows[start : start + _ROWS_AT_ONCE]))
            self._session.run(_by_the_hundred(sql), values)
        self._run(sql, rows[whole:] if whole else rows)

    def read_ahead(self, accounts: set[str]) -> None:
        """Read the wallets of many accounts (those given by ref) in one go."""
        self._next_posting = next_posting(self._session)
        for ref, wallet in wallet_states(self._session, accounts):
            purse = self._by_number[wallet[0]] = _Purse(wallet)
            self._purses[ref, wallet[4], wallet[5]] = purse

    def _read(self, leg: Leg) -> _Purse | None:
        """A leg's wallet, which may be known already under its account's other name."""
        wallet = wallet_and_next_posting(self._session, leg.account, leg.purpose, leg.asset)
        if wallet is None:
            return None
        *fields, number = wallet
        self._next_posting = self._next_posting or number
        purse = self._by_number.get(fields[0]) or _Purse(fields)
        self._by_number[purse.number] = self._purses[leg[:3]] = purse
        return purse

    def _write_down(self, row: tuple[Any, ...], texts: tuple[Any, ...]) -> None:
        """Keep a posting's row. Most have no text, and correct nothing."""
        if texts == _NO_TEXTS:
            self._plain_postings.append(row)
        else:
            self._postings.append(row + texts)

    def _move(
        self, purse: _Purse, leg: Leg, number: int, kind: str, front: str, recorded_at: int
    ) -> int:
        """Fold a leg of posting `number` over its purse, whose new balance is the answer."""
        _, _, asset, amount_minor, held_minor, counterparty = leg
        balance_minor = purse.balance_minor = purse.balance_minor + amount_minor
        if not -LARGEST_MINOR <= balance_minor <= LARGEST_MINOR:
            raise BadInput("the balance would not fit 64 bits", "use smaller amounts")
        purse.held_minor += held_minor
        purse.last_at = recorded_at
        if amount_minor:
            seq = purse.seq = purse.seq + 1
            head = purse.head = link(
                purse.head, front, wallet_id=purse.id, seq=seq, asset=asset,
                amount_minor=amount_minor, balance_after=balance_minor, counterparty=counterparty,
            )  # fmt: skip
            self._entries.append(
                (number, purse.number, seq, kind, amount_minor, balance_minor, counterparty,
                 recorded_at, head)
            )  # fmt: skip
        return balance_minor

    def _hold(self, draft: Draft, hold: HoldChange, wallet_number: int, recorded_at: int) -> None:
        if hold.status == "open":
            held_minor = draft.legs[0].held_minor
            values = (hold.id, wallet_number, held_minor, recorded_at, hold.expires_at)
            self._holds.append((_OPEN_HOLD, values))
        else:
            self._holds.append((_RESOLVE_HOLD, (hold.status, recorded_at, draft.id, hold.id)))

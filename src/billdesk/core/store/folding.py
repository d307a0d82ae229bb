"""Posting on SQLite: drafts folded over the wallets they touch, and written under the write lock.

Wallets are read, chain and balances made in memory, rows written at the end. Nobody else can write in
between, and the UPDATE still insists on what was read.
"""

from __future__ import annotations

from typing import Any

from billdesk.core.rules.ledger import (
    Draft,
    HoldChange,
    Leg,
    WalletState,
    front_of,
    guard,
    link,
    text_digest,
)
from billdesk.core.store.posted import Posted
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state, wallet_states
from billdesk.core.values.errors import BadInput, Broken
from billdesk.core.values.money import LARGEST_MINOR

_UPDATE_WALLET = """
UPDATE wallet SET balance_minor = ?, held_minor = ?, seq = ?, head = ?, last_at = ?
WHERE number = ? AND seq = ? AND balance_minor = ? AND held_minor = ?"""
_NEXT_POSTING = "SELECT coalesce(max(number), 0) + 1 FROM posting"
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


class _Purse:
    """A wallet that drafts are folded over: as it was read, and as it has become."""

    __slots__ = (
        "balance_minor", "floor_minor", "freezes", "head", "held_minor", "last_at", "read", "seq",
        "status",
    )  # fmt: skip

    def __init__(self, read: WalletState) -> None:
        self.read = read
        self.status, self.freezes, self.floor_minor = read.status, read.freezes, read.floor_minor
        self.balance_minor, self.held_minor = read.balance_minor, read.held_minor
        self.seq, self.head, self.last_at = read.seq, read.head, read.last_at

    def is_changed(self) -> bool:
        """Whether anything was folded over it."""
        read = self.read
        return self.seq != read.seq or self.held_minor != read.held_minor

    def change(self) -> tuple[Any, ...]:
        """The values of `_UPDATE_WALLET`, which insists on what was read."""
        read = self.read
        return (
            *(self.balance_minor, self.held_minor, self.seq, self.head, self.last_at),
            *(read.number, read.seq, read.balance_minor, read.held_minor),
        )


class Fold:
    """Drafts folded over the wallets they touch: chain and balances in memory, rows at the end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._purses: dict[tuple[str, str, str], _Purse] = {}
        self._by_number: dict[int, _Purse] = {}
        self._postings: list[tuple[Any, ...]] = []
        self._extras: list[tuple[Any, ...]] = []
        self._plain = True
        self._entries: list[tuple[Any, ...]] = []
        self._holds: list[tuple[str, tuple[Any, ...]]] = []
        row = session.one(_NEXT_POSTING)
        self._next_posting: int = row[0] if row else 1

    def add(self, draft: Draft) -> Posted | None:
        """Fold one draft in; None when a wallet is missing or a guard says no."""
        recorded_at = draft.recorded_at
        if recorded_at is None:
            raise Broken("on SQLite the desk's clock says when a posting is recorded")
        purses = []
        for leg in draft.legs:
            purse = self._purses.get(leg[:3]) or self._read(leg)
            if purse is None:
                return None
            purses.append(purse)
            recorded_at = max(recorded_at, purse.last_at)
        happened_at = recorded_at if draft.happened_at is None else draft.happened_at
        number, account_id = self._next_posting, purses[0].read.account_id
        self._next_posting += 1
        front = self._write_down(draft, number, account_id, happened_at, recorded_at)
        balances = []
        for leg, purse in zip(draft.legs, purses, strict=True):
            if guard(purse, leg, guarded=draft.guarded) is not None:
                return None
            purse.balance_minor += leg.amount_minor
            purse.held_minor += leg.held_minor
            purse.last_at = recorded_at
            if abs(purse.balance_minor) > LARGEST_MINOR:
                raise BadInput("the balance would not fit 64 bits", "use smaller amounts")
            if leg.amount_minor:
                self._link(purse, leg, number, draft.kind, front, account_id, happened_at)
            balances.append(purse.balance_minor)
        if draft.hold is not None:
            self._hold(draft, draft.hold, purses[0].read.number, recorded_at)
        return Posted(number, account_id, draft.actor, happened_at, recorded_at, tuple(balances))

    def write(self) -> None:
        """Write what was folded. A wallet that is not as it was read is a bug of ours."""
        wallets = [purse.change() for purse in self._by_number.values() if purse.is_changed()]
        if self._run(_UPDATE_WALLET, wallets) != len(wallets):
            raise Broken("a wallet changed under the write lock")
        if self._plain:
            self._run(_INSERT_PLAIN_POSTING, self._postings)
        else:
            rows = zip(self._postings, self._extras, strict=True)
            self._run(_INSERT_POSTING, [row + extra for row, extra in rows])
        self._run(_INSERT_ENTRY, self._entries)
        for sql, values in self._holds:
            if self._session.run(sql, values) != 1:
                raise Broken("a hold was resolved under the write lock")

    def _run(self, sql: str, rows: list[tuple[Any, ...]]) -> int:
        """A statement for each of the rows; one row alone is quicker by itself."""
        if len(rows) == 1:
            return self._session.run(sql, rows[0])
        return self._session.many(sql, rows)

    def read_ahead(self, accounts: set[str]) -> None:
        """Read the wallets of many accounts (those given by ref) in one go."""
        for ref, wallet in wallet_states(self._session, accounts):
            purse = self._by_number[wallet.number] = _Purse(wallet)
            self._purses[ref, wallet.purpose, wallet.asset] = purse

    def _read(self, leg: Leg) -> _Purse | None:
        """A leg's wallet, which may be known already under its account's other name."""
        wallet = wallet_state(self._session, leg.account, leg.purpose, leg.asset)
        if wallet is None:
            return None
        purse = self._by_number.get(wallet.number) or _Purse(wallet)
        self._by_number[wallet.number] = self._purses[leg[:3]] = purse
        return purse

    def _write_down(
        self, draft: Draft, number: int, account_id: str, happened_at: int, recorded_at: int
    ) -> str:
        """Keep the posting's row; what all its entries' hashes begin with."""
        posting_id, kind, scope, reference, digest, actor = draft[:6]
        text = None
        if draft.salt is not None:
            text = text_digest(draft.salt, draft.subject, draft.memo)
        self._postings.append(
            (
                number,
                posting_id,
                kind,
                scope,
                reference,
                digest,
                account_id,
                actor,
                happened_at,
                recorded_at,
            )
        )
        extra = (draft.subject, draft.memo, draft.salt, text, draft.corrects, draft.about)
        self._extras.append(extra)
        self._plain = self._plain and not any(extra)
        return front_of(
            id=posting_id, kind=kind, scope=scope, reference=reference, digest=digest, text=text,
            actor=actor, corrects=draft.corrects, about=draft.about,
        )  # fmt: skip

    def _link(
        self,
        purse: _Purse,
        leg: Leg,
        posting_number: int,
        kind: str,
        front: str,
        account_id: str,
        happened_at: int,
    ) -> None:
        """Add an entry to the purse's chain, which already has its new balance."""
        purse.seq += 1
        purse.head = link(
            purse.head,
            front,
            account_id=account_id,
            happened_at=happened_at,
            recorded_at=purse.last_at,
            wallet_id=purse.read.id,
            seq=purse.seq,
            asset=leg.asset,
            amount_minor=leg.amount_minor,
            balance_after=purse.balance_minor,
            counterparty=leg.counterparty,
        )
        self._entries.append(
            (
                posting_number,
                purse.read.number,
                purse.seq,
                kind,
                leg.amount_minor,
                purse.balance_minor,
                leg.counterparty,
                purse.last_at,
                purse.head,
            )
        )

    def _hold(self, draft: Draft, hold: HoldChange, wallet_number: int, recorded_at: int) -> None:
        if hold.status == "open":
            held_minor = draft.legs[0].held_minor
            values = (hold.id, wallet_number, held_minor, recorded_at, hold.expires_at)
            self._holds.append((_OPEN_HOLD, values))
        else:
            self._holds.append((_RESOLVE_HOLD, (hold.status, recorded_at, draft.id, hold.id)))

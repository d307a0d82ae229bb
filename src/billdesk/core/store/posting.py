"""The one primitive that posts everything, on both databases.

SQLite: wallets are read, folded in memory and written under the write lock; nobody else can write
in between, and the UPDATE still insists on the seq it saw. Postgres: the function `billdesk.post`.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

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
from billdesk.core.store.sessions import Session
from billdesk.core.values.errors import BadInput, Broken
from billdesk.core.values.money import LARGEST_MINOR


class Posted(NamedTuple):
    """What the ledger made of a draft: its place, when it was recorded, balances leg by leg."""

    number: int
    account_id: str
    actor: str
    happened_at: int
    recorded_at: int
    balances_after: tuple[int, ...]


class FirstResult(NamedTuple):
    """What a reference led to the first time."""

    id: str
    digest: bytes
    account_id: str
    subject: str | None
    memo: str | None
    erased: bool
    happened_at: int
    recorded_at: int
    balances_after: tuple[int, ...]


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
_LOCK_WALLET = "SELECT lock_wallets(ARRAY[?]::bigint[])"

_LOCK_ACCOUNTS = """
SELECT lock_wallets(ARRAY(SELECT w.number FROM account a JOIN wallet w ON w.account_id = a.id
WHERE a.ref = ANY (?::text[]) OR a.id = ANY (?::text[])))"""

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
_CALL_POST = """
SELECT * FROM post(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ARRAY[{0}]::text[], ARRAY[{0}]::text[],
    ARRAY[{0}]::text[], ARRAY[{0}]::bigint[], ARRAY[{0}]::bigint[], ARRAY[{0}]::text[], ?, ?, ?)"""


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


def first_result(session: Session, scope: str, reference: str) -> FirstResult | None:
    """The posting that a reference made, or None while it is new."""
    row = session.one(
        "SELECT number, id, digest, account_id, subject, memo, salt, text_digest, happened_at,"
        " recorded_at FROM posting WHERE reference = ? AND scope = ?",
        (reference, scope),
    )
    if row is None:
        return None
    balances = session.all(
        "SELECT balance_after FROM entry WHERE posting_number = ? ORDER BY number", (row[0],)
    )
    return FirstResult(
        id=row[1],
        digest=bytes(row[2]),
        account_id=row[3],
        subject=row[4],
        memo=row[5],
        erased=row[6] is None and row[7] is not None,
        happened_at=row[8],
        recorded_at=row[9],
        balances_after=tuple(balance for (balance,) in balances),
    )


def is_corrected(session: Session, posting_id: str) -> bool:
    """Whether a posting was refunded or reversed."""
    return session.one("SELECT 1 FROM posting WHERE corrects = ?", (posting_id,)) is not None


def post(session: Session, draft: Draft) -> Posted | None:
    """Post one draft inside the open write block; None when a wallet is missing or a guard says no.

    Raises KeyTaken when the reference was seen before, LegRefused for a later leg on Postgres.
    """
    if session.kind == "postgres":
        return _call_post(session, draft)
    fold = _Fold(session)
    posted = fold.add(draft)
    if posted is not None:
        fold.write()
    return posted


def post_many(session: Session, drafts: Sequence[Draft]) -> list[Posted] | int:
    """Post all drafts or none: what became of each, or the index of the first that was refused.

    One UPDATE per wallet and `executemany` for the rows on SQLite. On Postgres all wallets are locked
    first, in one order, so that two batches never wait for each other in a ring.
    """
    if session.kind == "postgres":
        accounts = sorted({leg.account for draft in drafts for leg in draft.legs})
        session.one(_LOCK_ACCOUNTS, (accounts, accounts))
        return _post_each(lambda draft: _call_post(session, draft), drafts)
    with _collector_at_rest():
        fold = _Fold(session)
        fold.read_ahead({leg.account for draft in drafts for leg in draft.legs})
        answer = _post_each(fold.add, drafts)
        if not isinstance(answer, int):
            fold.write()
    return answer


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Let the garbage collector wait.

    A batch makes rows by the thousand, none of them in a circle, and the collector would walk over all
    that there are again and again: a tenth of the batch's time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _post_each(
    add: Callable[[Draft], Posted | None], drafts: Sequence[Draft]
) -> list[Posted] | int:
    answers = []
    for index, draft in enumerate(drafts):
        posted = add(draft)
        if posted is None:
            return index
        answers.append(posted)
    return answers


def _call_post(session: Session, draft: Draft) -> Posted | None:
    hold = draft.hold
    row = session.one(
        _call_post_sql(len(draft.legs)),
        (
            draft.id,
            draft.kind,
            draft.scope,
            draft.reference,
            draft.digest,
            draft.subject,
            draft.memo,
            draft.salt,
            draft.actor,
            draft.happened_at,
            draft.recorded_at,
            draft.corrects,
            draft.about,
            draft.guarded,
            *(part for parts in zip(*draft.legs, strict=True) for part in parts),
            hold and hold.id,
            hold and hold.status,
            hold and hold.expires_at,
        ),
    )
    if row is None or row[0] is None:
        return None
    number, recorded_at, account_id, actor, balances = row
    happened_at = recorded_at if draft.happened_at is None else draft.happened_at
    return Posted(number, account_id, actor, happened_at, recorded_at, tuple(balances))


@lru_cache(maxsize=64)
def _call_post_sql(legs: int) -> str:
    """The call for so many legs; values one by one, since the driver is slow to look into lists."""
    return _CALL_POST.format(", ".join("?" * legs))


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


class _Fold:
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
        for row in self._session.all(_WALLETS_OF_MANY, (json.dumps(list(accounts)),)):
            wallet = WalletState._make(row[1:])
            purse = self._by_number[wallet.number] = _Purse(wallet)
            self._purses[row[0], wallet.purpose, wallet.asset] = purse

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

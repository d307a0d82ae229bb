"""Credits in lots, kept in step with the postings on credits wallets.

Who writes here holds the wallet's lock: the posting took it a moment ago, in the same write block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from billdesk.core.rules.ledger import CREDITS, Draft, Leg
from billdesk.core.rules.lots import Lot, LotTerms, backed, burn, give_back, source_of
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Broken

TAKEN_FROM_ITS_LOT = ("credit_expiry", "cycle_reset", "pack_refund")
"""Kinds of postings that are about a lot, and take from it."""

_LOT = "l.number, l.id, l.source, l.about, l.posting_id, l.granted, l.remaining, l.priority, l.expires_at"
_OPEN = f"SELECT {_LOT} FROM credit_lot l WHERE l.account_id = ? AND l.remaining > 0"
_USED_BY = f"""
SELECT {_LOT}, u.used FROM credit_lot l JOIN (
    SELECT lot_number, sum(amount) AS used, max(number) AS last FROM credit_use
    WHERE posting_id = ? GROUP BY lot_number) u ON u.lot_number = l.number
WHERE l.account_id = ? ORDER BY u.last"""
_INSERT = """
INSERT INTO credit_lot (id, account_id, source, about, posting_id, paid_minor, paid_asset, granted,
    remaining, priority, granted_at, expires_at, ended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number"""


class LotPosting(NamedTuple):
    """What the lots need to know of a posting that was made. Instants in microseconds."""

    account_id: str
    happened_at: int
    recorded_at: int
    balances_after: tuple[int, ...]


class LotFold:
    """Lots of some accounts in memory, while postings are applied to them; `write` keeps the result.

    `make_id` names the lots that are new.
    """

    def __init__(self, session: Session, make_id: Callable[[], str]) -> None:
        self._session = session
        self._make_id = make_id
        self._lots: dict[str, dict[int, Lot]] = {}
        self._changed: dict[int, tuple[int, int | None]] = {}
        self._uses: list[tuple[str, int, int, int]] = []
        self.granted: list[str] = []
        """Ids of the lots that came."""

    def add(self, draft: Draft, posted: LotPosting, terms: LotTerms | None = None) -> None:
        """Apply one posting, each of its legs on a credits wallet."""
        for leg, after in zip(draft.legs, posted.balances_after, strict=True):
            if leg.purpose != CREDITS or leg.amount_minor == 0:
                continue
            account_id = self._account_id(leg, draft, posted)
            change = backed(after) - backed(after - leg.amount_minor)
            if leg.amount_minor < 0:
                self._burn(account_id, -change, draft, posted)
            elif draft.corrects is not None:
                self._return(account_id, change, draft, posted)
            else:
                self._grant(account_id, leg.amount_minor, change, draft, posted, terms)

    def write(self) -> None:
        """Keep what became of the lots."""
        self._session.many(
            "UPDATE credit_lot SET remaining = ?, ended_at = ? WHERE number = ?",
            [(*after, number) for number, after in self._changed.items()],
        )
        self._session.many(
            "INSERT INTO credit_use (posting_id, lot_number, amount, at) VALUES (?, ?, ?, ?)",
            self._uses,
        )

    def _account_id(self, leg: Leg, draft: Draft, posted: LotPosting) -> str:
        if leg.account == draft.legs[0].account:
            return posted.account_id
        row = self._session.one("SELECT id FROM account WHERE ref = ?", (leg.account,))
        return leg.account if row is None else str(row[0])

    def _of(self, account_id: str) -> dict[int, Lot]:
        """The lots of an account that have something left, and those that were used in this fold."""
        lots = self._lots.get(account_id)
        if lots is None:
            rows = self._session.all(_OPEN, (account_id,))
            lots = self._lots[account_id] = {row[0]: Lot._make(row) for row in rows}
        return lots

    def _burn(self, account_id: str, amount: int, draft: Draft, posted: LotPosting) -> None:
        if amount == 0:
            return
        lots = self._of(account_id)
        parts = burn(lots.values(), amount, self._claims(account_id, draft))
        if sum(part for _, part in parts) != amount:
            raise Broken(f"the lots of {account_id} are out of step with its balance")
        for lot, part in parts:
            self._use(account_id, lot, part, draft, posted)

    def _claims(self, account_id: str, draft: Draft) -> dict[int, int]:
        """How much a posting takes of certain lots before all others, by their number."""
        if draft.kind in TAKEN_FROM_ITS_LOT:
            lots = self._of(account_id).values()
            return {lot.number: lot.remaining for lot in lots if lot.id == draft.about}
        if draft.corrects is None:
            return {}
        lots = self._of(account_id).values()
        claims = {lot.number: lot.remaining for lot in lots if lot.posting_id == draft.corrects}
        for *lot, used in self._session.all(_USED_BY, (draft.corrects, account_id)):
            if used < 0:
                claims[lot[0]] = -int(used)
        return claims

    def _return(self, account_id: str, change: int, draft: Draft, posted: LotPosting) -> None:
        """Bring back what a posting had taken, to its lots; what was in none is a lot of its own."""
        lots = self._of(account_id)
        used = [
            (lots.setdefault(row[0], Lot._make(row)), int(amount))
            for *row, amount in self._session.all(_USED_BY, (draft.corrects, account_id))
        ]
        parts = give_back(used, change)
        for lot, part in parts:
            self._use(account_id, lot, -part, draft, posted)
        rest = change - sum(part for _, part in parts)
        if rest:
            terms = LotTerms("other", draft.corrects)
            self._grant(account_id, rest, rest, draft, posted, terms)

    def _grant(
        self,
        account_id: str,
        granted: int,
        remaining: int,
        draft: Draft,
        posted: LotPosting,
        terms: LotTerms | None,
    ) -> None:
        """Write a new lot; what is not `remaining` filled what was owed, under the same posting."""
        terms = terms or LotTerms(source_of(draft.kind), draft.about)
        expires_at = None if terms.expires_at is None else to_micros(terms.expires_at)
        paid = terms.paid
        lot_id = self._make_id()
        row: tuple[Any, ...] | None = self._session.one(
            _INSERT,
            (
                *(lot_id, account_id, terms.source, terms.about, draft.id),
                *((paid.minor, paid.asset) if paid else (0, None)),
                *(granted, granted, terms.priority, posted.happened_at, expires_at, None),
            ),
        )
        if row is None:
            raise Broken("a lot that was just written is not there")
        lot = Lot(
            *(row[0], lot_id, terms.source, terms.about, draft.id, granted, granted),
            *(terms.priority, expires_at),
        )
        self._of(account_id)[lot.number] = lot
        self.granted.append(lot_id)
        if remaining < granted:
            self._use(account_id, lot, granted - remaining, draft, posted)

    def _use(
        self, account_id: str, lot: Lot, amount: int, draft: Draft, posted: LotPosting
    ) -> None:
        left = lot.remaining - amount
        self._of(account_id)[lot.number] = lot._replace(remaining=left)
        self._changed[lot.number] = (left, None if left else posted.recorded_at)
        self._uses.append((draft.id, lot.number, amount, posted.recorded_at))


def open_lots(session: Session, account_id: str) -> Sequence[Lot]:
    """The lots of an account that have something left, in no order."""
    return [Lot._make(row) for row in session.all(_OPEN, (account_id,))]


def accounts_due(session: Session, at: int, after: str, limit: int) -> list[str]:
    """Ids of accounts with something left in a lot whose day has passed, in order, after one."""
    rows = session.all(
        "SELECT DISTINCT account_id FROM credit_lot WHERE remaining > 0 AND expires_at <= ?"
        " AND account_id > ? ORDER BY account_id LIMIT ?",
        (at, after, limit),
    )
    return [row[0] for row in rows]


def due_account(session: Session, account: str, at: int) -> str | None:
    """An account's id, by its ref or id, when something is left in a lot of it whose day has passed."""
    column = "id" if account.startswith("acc_") else "ref"
    row = session.one(
        "SELECT a.id FROM account a JOIN credit_lot l ON l.account_id = a.id"
        f" WHERE a.{column} = ? AND l.remaining > 0 AND l.expires_at <= ? LIMIT 1",
        (account, at),
    )
    return None if row is None else str(row[0])


def times_taken(session: Session, lot_number: int, kind: str) -> int:
    """How often a posting of this kind took from a lot."""
    row = session.one(
        "SELECT count(*) FROM credit_use u JOIN posting p ON p.id = u.posting_id"
        " WHERE u.lot_number = ? AND p.kind = ?",
        (lot_number, kind),
    )
    return 0 if row is None else int(row[0])

"""Checks that can fail: balances against entries, counterparties against balances, the hash chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from billdesk.core.rules.ledger import KINDS, Leg, digest_of, front_of, genesis, link, text_digest
from billdesk.core.rules.sheets import CounterpartySheet, FindingSheet, TrialBalanceSheet
from billdesk.core.store.sessions import Session
from billdesk.core.values.money import Money

PROGRESS_ROWS = 20_000
_MOST_FINDINGS = 1_000

_RECOUNT = """
SELECT a.ref, w.id, w.asset, w.balance_minor, coalesce(s.total, 0), w.held_minor,
       coalesce(h.total, 0), w.freezes, coalesce(f.total, 0)
FROM wallet w JOIN account a ON a.id = w.account_id
LEFT JOIN (SELECT wallet_number, sum(amount_minor) AS total FROM entry{entries}
           GROUP BY wallet_number) s ON s.wallet_number = w.number
LEFT JOIN (SELECT wallet_number, sum(amount_minor) AS total FROM hold WHERE status = 'open'
           GROUP BY wallet_number) h ON h.wallet_number = w.number
LEFT JOIN (SELECT wallet_number, count(*) AS total FROM wallet_freeze WHERE lifted_at IS NULL
           GROUP BY wallet_number) f ON f.wallet_number = w.number
WHERE (w.balance_minor <> coalesce(s.total, 0) OR w.held_minor <> coalesce(h.total, 0)
       OR w.freezes <> coalesce(f.total, 0)){wallets}
ORDER BY a.ref, w.asset LIMIT ?"""


def recount(session: Session, account_id: str | None = None) -> list[FindingSheet]:
    """Wallets whose stored balance, held sum or freezes differ from what they are made of."""
    entries, wallets, values = "", "", []
    if account_id is not None:
        entries = " WHERE wallet_number IN (SELECT number FROM wallet WHERE account_id = ?)"
        wallets, values = " AND w.account_id = ?", [account_id, account_id]
    rows = session.all(_RECOUNT.format(entries=entries, wallets=wallets), (*values, _MOST_FINDINGS))
    findings = []
    for ref, wallet, asset, balance, total, held, holds, freezes, open_freezes in rows:
        if balance != total:
            findings.append(
                FindingSheet(
                    "balance", ref, wallet, None,
                    f"the stored balance is {Money(balance, asset)},"
                    f" its entries sum to {Money(int(total), asset)}",
                )
            )  # fmt: skip
        if held != holds:
            findings.append(
                FindingSheet(
                    "held", ref, wallet, None,
                    f"{Money(held, asset)} is stored as held, its open holds sum to"
                    f" {Money(int(holds), asset)}",
                )
            )  # fmt: skip
        if freezes != open_freezes:
            text = f"{freezes} freezes are stored, {open_freezes} are open"
            findings.append(FindingSheet("freezes", ref, wallet, None, text))
    return findings


def size(session: Session, account_id: str | None = None) -> tuple[int, int]:
    """(wallets, entries) of one account or of all."""
    condition, values = (" WHERE account_id = ?", (account_id,)) if account_id else ("", ())
    row = session.one(f"SELECT count(*), coalesce(sum(seq), 0) FROM wallet{condition}", values)
    return (int(row[0]), int(row[1])) if row else (0, 0)


def trial_balance(session: Session) -> list[TrialBalanceSheet]:
    """Per asset: stored wallet balances beside what every counterparty gave or received."""
    stored = session.all(
        "SELECT asset, sum(balance_minor) FROM wallet GROUP BY asset ORDER BY asset"
    )
    sums = session.all(
        "SELECT w.asset, e.counterparty, -sum(e.total), sum(e.legs) FROM wallet w JOIN"
        " (SELECT wallet_number, counterparty, sum(amount_minor) AS total, count(*) AS legs"
        "  FROM entry GROUP BY wallet_number, counterparty) e ON e.wallet_number = w.number"
        " GROUP BY w.asset, e.counterparty ORDER BY w.asset, e.counterparty"
    )
    sheets = []
    for asset, total in stored:
        parties = tuple(
            CounterpartySheet(name, Money(int(amount), asset), int(legs))
            for party_asset, name, amount, legs in sums
            if party_asset == asset
        )
        difference = int(total) + sum(party.amount.minor for party in parties)
        sheets.append(
            TrialBalanceSheet(asset, Money(int(total), asset), parties, Money(difference, asset))
        )
    return sheets


class Sealed(NamedTuple):
    """A wallet as a checkpoint has it."""

    seq: int
    head: bytes


@dataclass(slots=True)
class _Chain:
    """How far a wallet's chain has been followed."""

    id: str
    ref: str
    account_id: str
    asset: str
    head: bytes
    seq: int = 0
    balance_minor: int = 0


@dataclass(slots=True)
class ChainCheck:
    """What following all chains found."""

    entries: int = 0
    wallets: int = 0
    erased_texts: int = 0
    findings: list[FindingSheet] = field(default_factory=list)

    def add(self, check: str, chain: _Chain, seq: int | None, text: str) -> None:
        """Name what is wrong with a wallet; past a thousand findings the rest says no more."""
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(FindingSheet(check, chain.ref, chain.id, seq, text))


_CHAIN = """
SELECT e.number, e.wallet_number, e.seq, e.kind, e.amount_minor, e.balance_after, e.counterparty,
       e.recorded_at, e.hash, p.id, p.kind, p.scope, p.reference, p.digest, p.account_id, p.subject,
       p.memo, p.salt, p.text_digest, p.actor, p.happened_at, p.recorded_at, p.corrects, p.about
FROM entry e LEFT JOIN posting p ON p.number = e.posting_number ORDER BY e.number"""


def follow_chains(
    session: Session, sealed: Mapping[str, Sealed], on_entry: Callable[[int], None]
) -> ChainCheck:
    """Follow every wallet's chain from its genesis to its head, and past the sealed checkpoint.

    One pass over all entries in the order they were written; memory grows with wallets, not entries.
    """
    check = ChainCheck()
    chains: dict[int, _Chain] = {}
    for number, wallet_id, ref, account_id, asset in session.all(
        "SELECT w.number, w.id, a.ref, a.id, w.asset FROM wallet w JOIN account a ON a.id = w.account_id"
    ):
        chains[number] = _Chain(wallet_id, ref, account_id, asset, genesis(wallet_id))
    pending = dict(sealed)
    gapless = session.kind == "sqlite"
    expected = 1
    for row in session.stream(_CHAIN):
        check.entries += 1
        chain = chains.get(row[1])
        if chain is None:
            chain = chains[row[1]] = _Chain(f"number {row[1]}", "?", "?", "?", b"")
            check.add("chain", chain, row[2], f"entry {row[0]} names a wallet that is not there")
        if gapless and row[0] != expected:
            check.add("chain", chain, row[2], f"entries {expected} to {row[0] - 1} are missing")
        expected = row[0] + 1
        _follow(check, chain, row)
        at_seal = chain.id in pending and pending[chain.id].seq == row[2]
        if at_seal and pending.pop(chain.id).head != bytes(row[8]):
            check.add("checkpoint", chain, row[2], "the sealed checkpoint has another hash here")
        if check.entries % PROGRESS_ROWS == 0:
            on_entry(check.entries)
    _check_ends(session, check, chains, pending)
    _check_bare_postings(session, check)
    check.wallets = len(chains)
    return check


def _follow(check: ChainCheck, chain: _Chain, row: tuple[Any, ...]) -> None:
    """Check one entry against its chain and its posting, then move the chain on to it."""
    (number, _, seq, kind, amount, balance, counterparty, recorded, hashed,
     posting, p_kind, scope, reference, digest, account, subject, memo, salt, text,
     actor, happened, p_recorded, corrects, about) = row  # fmt: skip
    if seq != chain.seq + 1:
        check.add("chain", chain, seq, f"entry {number} has seq {seq} where {chain.seq + 1} is due")
    if balance != chain.balance_minor + amount:
        check.add("chain", chain, seq, f"entry {number}: balance_after does not follow")
    if posting is None:
        check.add("chain", chain, seq, f"the posting of entry {number} is missing")
    else:
        if salt is not None:
            if text is None or bytes(text) != text_digest(bytes(salt), subject, memo):
                check.add("text", chain, seq, f"subject or memo of {posting} was altered")
        elif text is not None:
            check.erased_texts += 1
            if subject is not None or memo is not None:
                check.add("text", chain, seq, f"subject or memo of {posting} was put back")
        elif subject is not None or memo is not None:
            check.add("text", chain, seq, f"subject or memo of {posting} was inserted")
        front = front_of(
            id=posting, kind=p_kind, scope=scope, reference=reference, digest=bytes(digest),
            text=text and bytes(text), actor=actor, corrects=corrects, about=about,
            account_id=account, happened_at=happened, recorded_at=p_recorded,
        )  # fmt: skip
        due = link(
            chain.head, front, wallet_id=chain.id, seq=seq, asset=chain.asset,
            amount_minor=amount, balance_after=balance, counterparty=counterparty,
        )  # fmt: skip
        # Only a transfer has legs of several accounts: any other entry is its posting's account's.
        moved = account != chain.account_id and counterparty != "transfer"
        if due != hashed or kind != p_kind or recorded != p_recorded or moved:
            check.add("chain", chain, seq, f"entry {number} ({posting}) is not what was posted")
    chain.head, chain.seq, chain.balance_minor = bytes(hashed), seq, balance


def _check_ends(
    session: Session, check: ChainCheck, chains: dict[int, _Chain], pending: dict[str, Sealed]
) -> None:
    """Each wallet must end where its chain ends, and no sealed place may be missing."""
    known = set()
    for number, seq, head, balance in session.stream(
        "SELECT number, seq, head, balance_minor FROM wallet"
    ):
        chain = chains[number]
        known.add(chain.id)
        if seq != chain.seq or bytes(head) != chain.head:
            text = f"the wallet ends at seq {seq}, its chain at {chain.seq}"
            check.add("chain", chain, chain.seq, text if seq != chain.seq else "the head differs")
        if balance != chain.balance_minor:
            text = f"the stored balance is {Money(balance, chain.asset)},"
            text += f" the chain says {Money(chain.balance_minor, chain.asset)}"
            check.add("balance", chain, chain.seq, text)
        if chain.id in pending and pending[chain.id].seq > 0:
            text = f"the sealed checkpoint knows seq {pending[chain.id].seq}, which is gone"
            check.add("checkpoint", chain, chain.seq, text)
    for wallet_id in pending.keys() - known:
        chain = _Chain(wallet_id, "?", "?", "?", b"")
        check.add("checkpoint", chain, None, "the sealed checkpoint knows a wallet that is gone")


def _check_bare_postings(session: Session, check: ChainCheck) -> None:
    """A posting of a kind that moves money must have entries."""
    marks = ", ".join("?" * len(KINDS))
    for posting, ref in session.all(
        "SELECT p.id, a.ref FROM posting p LEFT JOIN account a ON a.id = p.account_id"
        f" WHERE p.kind IN ({marks}) AND NOT EXISTS"
        " (SELECT 1 FROM entry e WHERE e.posting_number = p.number) LIMIT ?",
        (*KINDS, _MOST_FINDINGS),
    ):
        check.findings.append(
            FindingSheet("chain", ref, None, None, f"the entries of {posting} are missing")
        )


_HOLDS = """
SELECT h.id, a.ref, w.id, w.purpose, w.asset, h.amount_minor, h.placed_at, p.digest, p.recorded_at,
       h.status, h.resolved_by, h.resolved_at, r.about, r.kind, r.recorded_at
FROM hold h JOIN wallet w ON w.number = h.wallet_number JOIN account a ON a.id = w.account_id
LEFT JOIN posting p ON p.id = h.id AND p.kind = 'hold'
LEFT JOIN posting r ON r.id = h.resolved_by
ORDER BY h.id"""
_RESOLVED = {"hold_release": "released", "hold_expiry": "expired"}
"""What became of a hold, by the kind of the posting that resolved it; any other one captured it."""


def check_holds(session: Session) -> list[FindingSheet]:
    """Each hold against the posting that placed it and the one that resolved it.

    Acts that only set money aside have no entry, so the chain does not carry them; what both say
    is held against each other instead. Nothing else says when a hold expires.
    """
    findings = []
    for (
        hold, ref, wallet, purpose, asset, amount, placed_at, digest, placed,
        status, resolved_by, resolved_at, about, kind, resolved,
    ) in session.stream(_HOLDS):  # fmt: skip
        due = digest_of("hold", (Leg("", purpose, asset, 0, amount, "hold"),))
        if digest is None or bytes(digest) != due or placed_at != placed:
            text = f"{hold} is not what was placed"
            findings.append(FindingSheet("hold", ref, wallet, None, text))
        if resolved_by is None:
            fits = status == "open" and resolved_at is None
        else:
            became = _RESOLVED.get(kind, "captured")
            fits = (about, became, resolved) == (hold, status, resolved_at)
        if not fits:
            text = f"{hold} is {status} and was not resolved so by {resolved_by or 'anything'}"
            findings.append(FindingSheet("hold", ref, wallet, None, text))
    for posting, ref in session.all(
        "SELECT p.id, a.ref FROM posting p LEFT JOIN account a ON a.id = p.account_id"
        " WHERE p.kind = 'hold' AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.id = p.id) LIMIT ?",
        (_MOST_FINDINGS,),
    ):
        findings.append(FindingSheet("hold", ref, None, None, f"{posting} has lost its hold"))
    return findings


_LOTS = """
SELECT a.ref, w.id, CASE WHEN w.balance_minor > 0 THEN w.balance_minor ELSE 0 END,
       coalesce(s.remaining, 0)
FROM account a
LEFT JOIN wallet w ON w.account_id = a.id AND w.purpose = 'credits'
LEFT JOIN (SELECT account_id, sum(remaining) AS remaining FROM credit_lot
           GROUP BY account_id) s ON s.account_id = a.id
WHERE coalesce(s.remaining, 0) <>
      CASE WHEN w.balance_minor > 0 THEN w.balance_minor ELSE 0 END
ORDER BY a.ref LIMIT ?"""
_LOT_USES = """
SELECT a.ref, l.id, l.granted, l.remaining, coalesce(u.used, 0)
FROM credit_lot l JOIN account a ON a.id = l.account_id
LEFT JOIN (SELECT lot_number, sum(amount) AS used FROM credit_use
           GROUP BY lot_number) u ON u.lot_number = l.number
WHERE l.granted - l.remaining <> coalesce(u.used, 0) ORDER BY l.number LIMIT ?"""


def check_lots(session: Session) -> list[FindingSheet]:
    """Each account's credits against its lots, and each lot against what it paid for."""
    findings = []
    for ref, wallet, balance, remaining in session.all(_LOTS, (_MOST_FINDINGS,)):
        text = f"the lots of {ref} have {int(remaining)} left, its balance backs {balance} CREDIT"
        findings.append(FindingSheet("lots", ref, wallet, None, text))
    for ref, lot, granted, remaining, used in session.all(_LOT_USES, (_MOST_FINDINGS,)):
        text = f"{lot} of {ref} has {remaining} of {granted} left, {int(used)} of it paid for something"
        findings.append(FindingSheet("lots", ref, None, None, text))
    return findings


def heads(session: Session) -> list[tuple[str, int, bytes]]:
    """(wallet id, seq, head) of every wallet, by id: what a checkpoint seals."""
    return [
        (row[0], row[1], bytes(row[2]))
        for row in session.stream("SELECT id, seq, head FROM wallet ORDER BY id")
    ]

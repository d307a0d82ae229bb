"""Booking one posting: the quick path, and the slow path that says why when it is refused.

The quick path is one statement on Postgres and one short block on SQLite. When it moves nothing, the
slow path looks in full, in one block: a replay, wallets to open, holds past their deadline, a reason.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple, NoReturn

from billdesk.core.operations.ledger.burning import keep_lots, on_credits
from billdesk.core.operations.ledger.expiring import expire_overdue
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import SYSTEM, Draft, Guard, HoldChange, Leg, digest_of, guard
from billdesk.core.rules.lots import LotTerms
from billdesk.core.rules.sheets import AccountSheet
from billdesk.core.store.accounts import open_wallet
from billdesk.core.store.holds import due_holds
from billdesk.core.store.lots import LotPosting
from billdesk.core.store.posted import FirstResult, Posted, first_result, is_corrected
from billdesk.core.store.posting import post
from billdesk.core.store.sessions import KeyTaken, LegRefused, Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import (
    AccountClosed,
    AlreadyCorrected,
    Broken,
    InsufficientFunds,
    ReferenceReused,
    Refused,
    WalletFrozen,
)
from billdesk.core.values.money import Money

_EXPIRED_BATCH = 500


class Booked(NamedTuple):
    """A posting as the ledger has it; `replayed` when its reference was known."""

    id: str
    account_id: str
    happened_at: int
    recorded_at: int
    balances_after: tuple[int, ...]
    replayed: bool


def book(office: Office, draft: Draft, now: datetime, terms: LotTerms | None = None) -> Booked:
    """Post `draft`, or give the first result of its reference; lots of credits follow at once.

    `terms` are those of the lot that credits come in. Raises NotFound, InsufficientFunds,
    WalletFrozen, AccountClosed, ReferenceReused, AlreadyCorrected, StoreError kinds.
    """
    if not on_credits(draft):
        return _book(office, draft, now)
    with office.database.write() as session:
        if draft.guarded:
            expire_overdue(office, session, draft.legs[0].account, now)
        booked = _book(office, draft, now)
        if not booked.replayed:
            posted = LotPosting(booked.account_id, *booked[2:5])
            keep_lots(office, session, draft, posted, terms, now)
    return booked


def system_draft(
    office: Office,
    prefix: str,
    kind: str,
    reference: str,
    legs: tuple[Leg, ...],
    about: str,
    now: datetime,
) -> Draft:
    """A posting that follows from what `about` names: once for its reference, and no new business.

    `prefix` is that of its id.
    """
    return Draft(
        id=office.ids.make(prefix, now),
        kind=kind,
        scope=SYSTEM,
        reference=reference,
        digest=digest_of(kind, legs),
        actor=office.actor,
        legs=legs,
        recorded_at=office.recorded_at(now),
        about=about,
        guarded=False,
    )


def _book(office: Office, draft: Draft, now: datetime) -> Booked:
    try:
        with office.database.single() as session:
            posted = post(session, draft)
    except KeyTaken:
        return _after_race(office, draft, now)
    except LegRefused:
        posted = None
    if posted is not None:
        return _booked(draft, posted)
    return _slowly(office, draft, now)


def _booked(draft: Draft, posted: Posted) -> Booked:
    return Booked(
        draft.id,
        posted.account_id,
        posted.happened_at,
        posted.recorded_at,
        posted.balances_after,
        replayed=False,
    )


def _after_race(office: Office, draft: Draft, now: datetime) -> Booked:
    """A unique key was taken: by this reference, or by another correction of the same posting."""
    with office.database.read() as session:
        account = office.account(session, draft.legs[0].account)
        first = first_result(session, draft.scope, draft.reference)
    if first is not None:
        return _replay(office, draft, first, account, now)
    if draft.corrects is not None:
        refusal = _already_corrected(draft.corrects)
        _remember(office, draft, refusal, account, now)
        raise refusal
    raise Broken(f"a unique key was taken while booking {draft.id}")


def _already_corrected(posting_id: str) -> AlreadyCorrected:
    return AlreadyCorrected(
        f"{posting_id} is corrected already", "a posting is refunded or reversed once only"
    )


def _slowly(office: Office, draft: Draft, now: datetime) -> Booked:
    with office.database.read() as session:
        account = office.account(session, draft.legs[0].account)
    try:
        with office.database.write() as session:
            first = first_result(session, draft.scope, draft.reference)
            if first is not None:
                return _replay(office, draft, first, account, now)
            _prepare(office, session, draft, now)
            posted = _try_again(office, session, draft)
            if posted is not None:
                return _booked(draft, posted)
            if draft.corrects is not None and is_corrected(session, draft.corrects):
                raise _already_corrected(draft.corrects)
            _explain(session, draft)
    except ReferenceReused:
        raise
    except Refused as refusal:
        _remember(office, draft, refusal, account, now)
        raise
    except KeyTaken:
        return _after_race(office, draft, now)


def _try_again(office: Office, session: Session, draft: Draft) -> Posted | None:
    """Post once more, in a savepoint, since a refused later leg leaves Postgres's block broken."""
    try:
        with office.database.write():
            return post(session, draft)
    except LegRefused:
        return None


def _replay(
    office: Office, draft: Draft, first: FirstResult, account: AccountSheet, now: datetime
) -> Booked:
    """The first result of a reference, if this attempt asks for the same."""
    same = first.digest == draft.digest and first.account_id == account.id
    if not first.erased:
        same = same and (first.subject, first.memo) == (draft.subject, draft.memo)
    if not same:
        refusal = ReferenceReused(
            f"the reference {draft.reference} was used for something else ({first.id})",
            "use a new reference for new business",
        )
        _remember(office, draft, refusal, account, now)
        raise refusal
    return Booked(
        first.id,
        first.account_id,
        first.happened_at,
        first.recorded_at,
        first.balances_after,
        replayed=True,
    )


def _prepare(office: Office, session: Session, draft: Draft, now: datetime) -> None:
    """Open the wallets that are missing, lock all, and free what is held past its deadline."""
    states = []
    for leg in draft.legs:
        state = wallet_state(session, leg.account, leg.purpose, leg.asset)
        if state is None:
            account = office.account(session, leg.account)
            open_wallet(
                session,
                id=office.ids.make("wal", now),
                account_id=account.id,
                purpose=leg.purpose,
                asset=leg.asset,
                floor_minor=None if leg.purpose == "receivable" or account.ref == "house" else 0,
            )
            state = wallet_state(session, leg.account, leg.purpose, leg.asset)
        if state is None:
            raise Broken("a wallet that was just opened is not there")
        states.append(state)
    for state in sorted(set(states), key=lambda state: state.number):
        wallet_state(session, state.account_id, state.purpose, state.asset, lock=True)
    for number in sorted({state.number for state in states}):
        free_overdue(office, session, number, now)


def free_overdue(office: Office, session: Session, wallet_number: int, now: datetime) -> int:
    """Free what a locked wallet holds past its deadline; how much that was, in minor units."""
    freed_minor = 0
    while True:
        due = due_holds(session, to_micros(now), _EXPIRED_BATCH, wallet_number)
        for hold in due:
            post(session, expiry_draft(office, hold, now))
            freed_minor += hold[4]
        if len(due) < _EXPIRED_BATCH:
            return freed_minor


def expiry_draft(office: Office, hold: tuple[str, str, str, str, int], now: datetime) -> Draft:
    """The posting that frees a hold past its deadline: (id, account id, purpose, asset, amount)."""
    hold_id, account_id, purpose, asset, amount_minor = hold
    legs = (Leg(account_id, purpose, asset, 0, -amount_minor, "hold"),)
    draft = system_draft(office, "exp", "hold_expiry", f"resolve:{hold_id}", legs, hold_id, now)
    return draft._replace(actor="system", hold=HoldChange(hold_id, "expired"))


def release_draft(office: Office, hold_id: str, freed: Leg, now: datetime) -> Draft:
    """The posting that frees an open hold before its deadline."""
    reference = f"resolve:{hold_id}"
    draft = system_draft(office, "rel", "hold_release", reference, (freed,), hold_id, now)
    return draft._replace(hold=HoldChange(hold_id, "released"))


def _explain(session: Session, draft: Draft) -> NoReturn:
    """Raise the reason why a draft was refused; legs on one wallet are taken one after the other."""
    taken_minor: Counter[int] = Counter()
    for leg in draft.legs:
        state = wallet_state(session, leg.account, leg.purpose, leg.asset)
        if state is None:
            raise Broken("a locked wallet is gone")
        before_minor = taken_minor[state.number]
        so_far = state._replace(balance_minor=state.balance_minor - before_minor)
        reason = guard(so_far, leg, guarded=draft.guarded)
        taken_minor[state.number] += leg.held_minor - leg.amount_minor
        if reason is None:
            continue
        if reason in (Guard.CLOSED, Guard.SUSPENDED):
            raise AccountClosed(f"the account is {reason}", "reopen it, or use another account")
        if reason is Guard.FROZEN:
            raise WalletFrozen(
                f"the {leg.asset} wallet is frozen", "see billdesk why, then unfreeze it"
            )
        available = Money(
            state.balance_minor - state.held_minor - (state.floor_minor or 0), leg.asset
        )
        needed = Money(before_minor + leg.held_minor - leg.amount_minor, leg.asset)
        raise InsufficientFunds(
            f"{needed} is needed, {available} can be used", "deposit money, then try again"
        )
    raise Broken(f"{draft.id} was refused for no reason that can be found")


def _remember(
    office: Office, draft: Draft, refusal: Refused, account: AccountSheet, now: datetime
) -> None:
    leg = draft.legs[0]
    amount = Money(leg.amount_minor or leg.held_minor, leg.asset)
    office.audit_refusal(
        refusal,
        now=now,
        action=draft.kind,
        account_id=account.id,
        data={"reference": draft.reference, "amount": str(amount)},
    )

"""Money that leaves an account again: set aside while a gateway decides, taken back, or freed.

What is taken back and no longer there becomes debt, which the next money that comes in settles.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from billdesk.core.operations.ledger.booking import (
    book,
    free_overdue,
    release_draft,
    system_draft,
)
from billdesk.core.operations.ledger.holding import capture_legs
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import (
    Draft,
    HoldChange,
    Leg,
    WalletState,
    digest_of,
    purpose_of,
)
from billdesk.core.store.holds import hold_by_id
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import Broken
from billdesk.core.values.money import Money

_UNTIL_DECIDED = timedelta(days=3650)
"""A gateway takes as long as it takes: these holds end with its word, not by themselves."""


def available_minor(
    office: Office, session: Session, account: str, asset: str, now: datetime
) -> int:
    """What could be taken from an account's own wallet, which is locked until the block ends."""
    state = _locked_wallet(session, account, asset)
    freed_minor = free_overdue(office, session, state.number, now)
    floor_minor = state.floor_minor or 0
    return max(state.balance_minor - state.held_minor + freed_minor - floor_minor, 0)


def set_aside(
    office: Office, account: str, amount: Money, *, about: str, guarded: bool, now: datetime
) -> str:
    """Hold `amount` for what `about` names, with no deadline; the hold's id. Once for each `about`.

    Raises InsufficientFunds, and when `guarded` WalletFrozen and AccountClosed.
    """
    legs = (Leg(account, purpose_of(amount.asset), amount.asset, 0, amount.minor, "hold"),)
    draft = system_draft(office, "hold", "hold", f"hold:{about}", legs, about, now)
    hold = HoldChange(draft.id, "open", to_micros(now + _UNTIL_DECIDED))
    return book(office, draft._replace(guarded=guarded, hold=hold), now).id


def set_free(office: Office, session: Session, hold_id: str | None, now: datetime) -> None:
    """Free a hold, if there is one; one that is resolved already stays as it is."""
    hold = hold_by_id(session, hold_id) if hold_id else None
    if hold is None or hold.status != "open":
        return
    asset = hold.amount.asset
    freed = Leg(hold.account_ref, purpose_of(asset), asset, 0, -hold.amount.minor, "hold")
    book(office, release_draft(office, hold.id, freed, now), now)


def take_back(
    office: Office,
    session: Session,
    account: str,
    amount: Money,
    *,
    kind: str,
    scope: str,
    reference: str,
    party: str,
    about: str,
    hold_id: str | None,
    happened_at: datetime,
    now: datetime,
) -> str:
    """Take `amount` from an account: what was held for it, what is available, the rest as debt.

    Frozen and closed accounts give it, too: the money has left the building. The posting's id.
    """
    asset, purpose = amount.asset, purpose_of(amount.asset)
    state = _locked_wallet(session, account, asset)
    freed_minor = free_overdue(office, session, state.number, now)
    state = state._replace(held_minor=state.held_minor - freed_minor)
    hold = hold_by_id(session, hold_id) if hold_id else None
    open_hold = hold if hold is not None and hold.status == "open" else None
    held_minor = open_hold.amount.minor if open_hold else 0
    legs = capture_legs(state, held_minor, amount.minor, party)
    draft = Draft(
        id=office.ids.make("bak", now),
        kind=kind,
        scope=scope,
        reference=reference,
        digest=digest_of(kind, (Leg(account, purpose, asset, -amount.minor, 0, party),), about),
        actor=office.actor,
        legs=legs,
        happened_at=to_micros(happened_at),
        recorded_at=office.recorded_at(now),
        about=open_hold.id if open_hold else about,  # a hold is tied to what resolved it
        guarded=False,
        hold=HoldChange(open_hold.id, "captured") if open_hold else None,
    )
    return book(office, draft, now).id


def _locked_wallet(session: Session, account: str, asset: str) -> WalletState:
    """The wallet that a payment was credited to, locked until the block ends."""
    state = wallet_state(session, account, purpose_of(asset), asset, lock=True)
    if state is None:
        raise Broken("a payment was credited to no wallet")
    return state

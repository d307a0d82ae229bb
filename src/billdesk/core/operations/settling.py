"""Settling debts: what an account owes is paid from the money that arrives, at once."""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.booking import Booked, book, free_overdue
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import (
    RECEIVABLE,
    SYSTEM,
    Draft,
    Leg,
    WalletState,
    digest_of,
    purpose_of,
)
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.errors import Broken

TRANSFER = "transfer"
"""The counterparty of both legs when money goes from wallet to wallet."""


def book_credit(office: Office, draft: Draft, now: datetime) -> Booked:
    """Book a posting that brings money, and settle what its account owes, in one write block.

    Raises what `book` raises.
    """
    with office.database.write():
        booked = book(office, draft, now)
        if not booked.replayed:
            _settle(office, booked, draft.legs[0].asset, now)
    return booked


def _settle(office: Office, booked: Booked, asset: str, now: datetime) -> None:
    """Bring the receivable wallet to zero, as far as the account's own wallet allows.

    It stands above zero when a charge is given back after its debt was settled.
    """
    account_id, purpose = booked.account_id, purpose_of(asset)
    with office.database.write() as session:
        owed = wallet_state(session, account_id, RECEIVABLE, asset)
        if owed is None or owed.balance_minor == 0:
            return
        # The account's own wallet is the older one: postings lock it first, too.
        own = wallet_state(session, account_id, purpose, asset, lock=True)
        owed = wallet_state(session, account_id, RECEIVABLE, asset, lock=True)
        if own is None or owed is None:
            raise Broken("a locked wallet is gone")
        held_minor = own.held_minor - free_overdue(office, session, own.number, now)
        moved_minor = _settled_minor(-owed.balance_minor, own._replace(held_minor=held_minor))
        if moved_minor == 0:
            return
        legs = (
            Leg(account_id, purpose, asset, -moved_minor, 0, TRANSFER),
            Leg(account_id, RECEIVABLE, asset, moved_minor, 0, TRANSFER),
        )
        settlement = Draft(
            id=office.ids.make("set", now),
            kind=TRANSFER,
            scope=SYSTEM,
            reference=f"settle:{booked.id}",
            digest=digest_of(TRANSFER, legs),
            actor="system",
            legs=legs,
            recorded_at=office.recorded_at(now),
            about=booked.id,
            guarded=False,
        )
        book(office, settlement, now)


def _settled_minor(owed_minor: int, own: WalletState) -> int:
    """How much of a debt can be paid from a wallet: down to its floor, all if it has none."""
    if own.floor_minor is None:
        return owed_minor
    usable_minor = own.balance_minor - own.held_minor - own.floor_minor
    return min(owed_minor, max(usable_minor, 0))

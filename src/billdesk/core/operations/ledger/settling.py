"""Settling debts: what an account owes is paid from the money that arrives, at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from billdesk.core.operations.ledger.booking import Booked, book, free_overdue, system_draft
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import (
    RECEIVABLE,
    Draft,
    Leg,
    WalletState,
    purpose_of,
)
from billdesk.core.rules.lots import LotTerms
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.errors import Broken

TRANSFER = "transfer"
"""The counterparty of both legs when money goes from wallet to wallet."""


def book_credit(
    office: Office, draft: Draft, now: datetime, terms: LotTerms | None = None
) -> Booked:
    """Book a posting that brings money, and settle what its account owes, in one write block.

    `terms` are those of the lot that credits come in. Raises what `book` raises.
    """
    with office.database.write():
        booked = book(office, draft, now, terms)
        if not booked.replayed:
            _settle(office, booked.account_id, booked.id, draft.legs[0].asset, now)
    return booked


def settle_debts(office: Office, session: Session, credits: Sequence[Draft], now: datetime) -> None:
    """After a batch of postings that brought money: settle what their accounts owe; for SQLite."""
    owing = session.all(
        "SELECT a.ref FROM json_each(?) AS credited JOIN account a ON a.ref = credited.value"
        " JOIN wallet w ON w.account_id = a.id"
        " WHERE w.purpose = 'receivable' AND w.balance_minor <> 0",
        (json.dumps([draft.legs[0].account for draft in credits]),),
    )
    refs = {row[0] for row in owing}
    for draft in credits:
        if draft.legs[0].account in refs:
            _settle(office, draft.legs[0].account, draft.id, draft.legs[0].asset, now)


def _settle(office: Office, account: str, after: str, asset: str, now: datetime) -> None:
    """Bring the receivable wallet to zero, as far as the account's own wallet allows.

    It stands above zero when a charge is given back after its debt was settled.
    """
    purpose = purpose_of(asset)
    with office.database.write() as session:
        owed = wallet_state(session, account, RECEIVABLE, asset)
        if owed is None or owed.balance_minor == 0:
            return
        # The account's own wallet is the older one: postings lock it first, too.
        own = wallet_state(session, account, purpose, asset, lock=True)
        owed = wallet_state(session, account, RECEIVABLE, asset, lock=True)
        if own is None or owed is None:
            raise Broken("a locked wallet is gone")
        held_minor = own.held_minor - free_overdue(office, session, own.number, now)
        moved_minor = _settled_minor(-owed.balance_minor, own._replace(held_minor=held_minor))
        if moved_minor == 0:
            return
        legs = (
            Leg(account, purpose, asset, -moved_minor, 0, TRANSFER),
            Leg(account, RECEIVABLE, asset, moved_minor, 0, TRANSFER),
        )
        settlement = system_draft(office, "set", TRANSFER, f"settle:{after}", legs, after, now)
        book(office, settlement._replace(actor="system"), now)


def _settled_minor(owed_minor: int, own: WalletState) -> int:
    """How much of a debt can be paid from a wallet: down to its floor, all if it has none."""
    if own.floor_minor is None:
        return owed_minor
    usable_minor = own.balance_minor - own.held_minor - own.floor_minor
    return min(owed_minor, max(usable_minor, 0))

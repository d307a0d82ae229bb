"""Keeping lots in step: whatever moves an account's credits moves its lots, in the same write block."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import CREDITS, SYSTEM, Draft, Leg, digest_of
from billdesk.core.rules.lots import Lot, LotTerms
from billdesk.core.store.lots import LotFold, LotPosting, times_taken
from billdesk.core.store.posted import Posted
from billdesk.core.store.posting import post
from billdesk.core.store.sessions import Session
from billdesk.core.values.errors import Broken
from billdesk.core.values.money import CREDIT

_PARTIES = {"credit_expiry": "expired", "cycle_reset": "expired", "pack_refund": "granted:pack"}
_VERBS = {"credit_expiry": "expire", "cycle_reset": "reset", "pack_refund": "pack_refund"}


def on_credits(draft: Draft) -> bool:
    """Whether a posting touches credits at all: what is money alone needs nothing of this."""
    for leg in draft.legs:  # noqa: SIM110 - every charge asks; a generator takes thrice as long
        if leg.purpose == CREDITS:
            return True
    return False


def keep_lots(
    office: Office,
    session: Session,
    draft: Draft,
    posted: LotPosting,
    terms: LotTerms | None,
    now: datetime,
) -> None:
    """After a posting on a credits wallet: burn, return or add its lots. `terms` are those of a new lot."""
    fold = LotFold(session, lambda: office.ids.make("lot", now))
    fold.add(draft, posted, terms)
    fold.write()


def keep_many_lots(
    office: Office,
    session: Session,
    drafts: Sequence[Draft],
    posted: Sequence[Posted],
    now: datetime,
) -> None:
    """After a batch of postings: the same for those among them that are on credits."""
    pairs = [pair for pair in zip(drafts, posted, strict=True) if on_credits(pair[0])]
    if not pairs:
        return
    fold = LotFold(session, lambda: office.ids.make("lot", now))
    for draft, done in pairs:
        fold.add(draft, LotPosting(done.account_id, *done[3:]))
    fold.write()


def take_from_lot(
    office: Office,
    session: Session,
    account_id: str,
    lot: Lot,
    amount: int,
    *,
    kind: str,
    now: datetime,
) -> None:
    """Book `amount` credits out of one lot. The wallet is locked, and so much of it is not held.

    `kind` is one of those that are about a lot; it may happen to a lot again, when a hold is released.
    """
    legs = (Leg(account_id, CREDITS, CREDIT, -amount, 0, _PARTIES[kind]),)
    times = times_taken(session, lot.number, kind)
    reference = f"{_VERBS[kind]}:{lot.id}"
    draft = Draft(
        id=office.ids.make("exp", now),
        kind=kind,
        scope=SYSTEM,
        reference=reference if times == 0 else f"{reference}:{times + 1}",
        digest=digest_of(kind, legs, lot.id),
        actor="system",
        legs=legs,
        recorded_at=office.recorded_at(now),
        about=lot.id,
        guarded=False,
    )
    posted = post(session, draft)
    if posted is None:
        raise Broken(f"{amount} of {lot.id} cannot be taken")
    keep_lots(office, session, draft, LotPosting(posted.account_id, *posted[3:]), None, now)

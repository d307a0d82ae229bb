"""Bringing credits in lots, and taking what a period leaves of them: inside the caller's write block."""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.ledger.awaiting import use_is_unbilled
from billdesk.core.operations.ledger.burning import take_from_lot
from billdesk.core.operations.ledger.expiring import takeable
from billdesk.core.operations.ledger.settling import book_credit
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import CREDITS, SYSTEM, Draft, Leg, digest_of
from billdesk.core.rules.lots import PRIORITY, SOURCES, LotTerms
from billdesk.core.rules.sheets import LotSheet
from billdesk.core.store.credit_questions import lot_of_posting
from billdesk.core.store.posted import first_result
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import aware, to_micros
from billdesk.core.values.errors import BadInput, Broken
from billdesk.core.values.ids import check_reference
from billdesk.core.values.money import CREDIT, Money


def grant_lot(
    office: Office,
    session: Session,
    account: str,
    amount: int,
    *,
    source: str,
    about: str | None,
    now: datetime,
    expires_at: datetime | None = None,
    priority: int | None = None,
    reference: str | None = None,
    paid: Money | None = None,
    kind: str = "credit_grant",
    memo: str | None = None,
    scope: str = SYSTEM,
) -> LotSheet:
    """Bring `amount` credits in a lot of their own, inside an open write block.

    What the account owes in credits is filled first. The same `reference` gives the first lot. Raises
    BadInput, NotFound, ReferenceReused.
    """
    if source not in SOURCES:
        raise BadInput(f"credits cannot come from {source[:30]!r}", f"one of {', '.join(SOURCES)}")
    if expires_at is not None and aware(expires_at) <= now:
        raise BadInput("these credits would be gone already", "let them expire later")
    terms = LotTerms(source, about, expires_at, PRIORITY if priority is None else priority, paid)
    posting_id = office.ids.make("grt", now)
    legs = (Leg(account, CREDITS, CREDIT, amount, 0, f"granted:{source}"),)
    draft = Draft(
        id=posting_id,
        kind=kind,
        scope=scope if reference else SYSTEM,
        reference=check_reference(reference) if reference else posting_id,
        digest=digest_of(
            kind,
            legs,
            None if expires_at is None else str(to_micros(expires_at)),
            str(terms.priority),
            None if paid is None else str(paid),
        ),
        actor=office.actor,
        legs=legs,
        memo=memo,
        salt=office.ids.salt() if memo else None,
        recorded_at=office.recorded_at(now),
        about=about,
        guarded=False,
    )
    booked = book_credit(office, draft, now, terms)
    lot = lot_of_posting(session, booked.id)
    if lot is None:
        raise Broken(f"{booked.id} brought credits without a lot")
    return lot


def reset_cycle(
    office: Office,
    session: Session,
    account: str,
    subscription_id: str,
    amount: int,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    key: str | None = None,
) -> LotSheet | None:
    """Begin a period of a subscription with `amount` credits that last to its end, in an open block.

    What is left of its earlier lots is taken, but for what is held, which goes when the hold does, and
    what use of the ended period may need, which goes when that is billed. The same period again changes
    nothing. None when the plan brings no credits. Raises NotFound.
    """
    account_id = office.account(session, account).id
    takes = takeable(session, account_id)
    reference = f"plan:{subscription_id}:{key or to_micros(since)}"
    first = first_result(session, SYSTEM, reference)
    if first is not None:
        return lot_of_posting(session, first.id)
    for lot, free in takes:
        if (lot.source, lot.about) != ("plan", subscription_id):
            continue
        ended = lot.expires_at is not None and lot.expires_at <= to_micros(since)
        if not ended or not use_is_unbilled(session, account_id, to_micros(since), now):
            take_from_lot(office, session, account_id, lot, free, kind="cycle_reset", now=now)
    if amount <= 0:
        return None
    return grant_lot(
        office,
        session,
        account,
        amount,
        source="plan",
        about=subscription_id,
        now=now,
        expires_at=until,
        reference=reference,
    )

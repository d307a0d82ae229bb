"""Posting on Postgres: the functions that are the only way in, called with a draft.

`post_one` is the quick way for one leg in a commit of its own, `post` the general one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from billdesk.core.rules.ledger import Draft
from billdesk.core.store.posted import Posted
from billdesk.core.store.sessions import Session, Values

_CALL_POST = """
SELECT * FROM post(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ARRAY[{0}]::text[], ARRAY[{0}]::text[],
    ARRAY[{0}]::text[], ARRAY[{0}]::bigint[], ARRAY[{0}]::bigint[], ARRAY[{0}]::text[], ?, ?, ?)"""


def call_post(session: Session, draft: Draft) -> Posted | None:
    """Post one draft; None when a wallet is missing or a guard says no.

    Raises KeyTaken when the reference was seen before, LegRefused for a later leg.
    """
    if session.post_one is not None and len(draft.legs) == 1:
        leg = draft.legs[0]
        holds = leg.held_minor != 0 or draft.hold is not None
        if not holds and leg.amount_minor != 0 and not leg.account.startswith("acc_"):
            return _call_post_one(session.post_one, draft)
    return _call_post(session, draft)


def _call_post_one(post_one: Callable[[Values], str | None], draft: Draft) -> Posted | None:
    account, purpose, asset, amount_minor, _, counterparty = draft.legs[0]
    posting_id, kind, scope, reference, digest, actor = draft[:6]
    subject, memo, salt, happened_at, recorded_at, corrects, about, guarded = draft[7:15]
    answer = post_one(
        (
            *(posting_id, kind, scope, reference, digest, subject, memo, salt, actor),
            *(happened_at, recorded_at, corrects, about, guarded),
            *(account, purpose, asset, amount_minor, counterparty),
        )
    )
    if answer is None:
        return None
    number, recorded, balance, account_id, actor = answer.split(" ", 4)
    recorded_at = int(recorded)
    if happened_at is None:
        happened_at = recorded_at
    return Posted(int(number), account_id, actor, happened_at, recorded_at, (int(balance),))


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

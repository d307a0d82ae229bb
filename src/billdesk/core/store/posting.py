"""The one primitive that posts everything, on both databases.

SQLite folds drafts in memory under the write lock (`folding`); Postgres calls the functions that are
its only way in (`calling`). One conformance suite proves the two the same, hashes included.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from billdesk.core.rules.ledger import Draft
from billdesk.core.store.calling import call_post
from billdesk.core.store.folding import Fold
from billdesk.core.store.posted import Posted
from billdesk.core.store.sessions import Session

_LOCK_ACCOUNTS = """
SELECT lock_wallets(ARRAY(SELECT w.number FROM account a JOIN wallet w ON w.account_id = a.id
WHERE a.ref = ANY (?::text[]) OR a.id = ANY (?::text[])))"""


def post(session: Session, draft: Draft) -> Posted | None:
    """Post one draft inside the open write block; None when a wallet is missing or a guard says no.

    Raises KeyTaken when the reference was seen before, LegRefused for a later leg on Postgres.
    """
    if session.kind == "postgres":
        return call_post(session, draft)
    fold = Fold(session)
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
        lock_accounts(session, {leg.account for draft in drafts for leg in draft.legs})
        return _post_each(lambda draft: call_post(session, draft), drafts)
    with collector_at_rest():
        fold = Fold(session)
        fold.read_ahead({leg.account for draft in drafts for leg in draft.legs})
        answer = _post_each(fold.add, drafts)
        if not isinstance(answer, int):
            fold.write()
    return answer


def lock_accounts(session: Session, accounts: set[str]) -> None:
    """Lock all wallets of these accounts (refs or ids) in one order until the block ends.

    On SQLite a write block is the lock already.
    """
    if session.kind == "postgres":
        ordered = sorted(accounts)
        session.one(_LOCK_ACCOUNTS, (ordered, ordered))


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Let the garbage collector wait.

    A batch makes rows by the thousand, none of them in a circle, and the collector would walk over all
    that there are again and again: a tenth of the batch's time. Nested, the outermost counts.
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

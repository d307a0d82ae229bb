"""What a usage run would come to, worked out as the run does it, in one look at the ledger."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from billdesk.core.operations.office import Office
from billdesk.core.operations.usage.posting import Settled, draft_of
from billdesk.core.operations.usage.pricing import Owed, Pricer
from billdesk.core.operations.usage.tallying import (
    add_up,
    new_tally,
    previewed_line_sheets,
    run_sheet,
)
from billdesk.core.rules.ledger import Draft, Guard, Leg, guard
from billdesk.core.rules.sheets import Page, UsageLineSheet, UsageRunSheet
from billdesk.core.rules.usage_bills import CLOSING, assets_of
from billdesk.core.store import usage_runs as store
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage_runs import Metered, Run
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.money import CREDIT

_ACCOUNTS_AT_ONCE = 250
_LINES_OF_ACCOUNT = 3

_REASONS = {
    Guard.CLOSED: "the account is closed",
    Guard.SUSPENDED: "the account is suspended",
    Guard.FROZEN: "the wallet is frozen",
    Guard.INSUFFICIENT: "the wallet cannot pay it as it stands",
}


def preview(
    office: Office, end: int, account_id: str | None, account: str | None, post_to: str
) -> UsageRunSheet:
    """What closing everything up to `end` (microseconds) would come to."""
    now = office.now()
    with office.database.read(snapshot=True) as session:
        pricer = _pricer(session, end, account_id)
        tally = new_tally(subscriptions=store.count_metered(session, account_id))
        for some in _batches(session, 0, account_id, _ACCOUNTS_AT_ONCE):
            owed = pricer.work_out(session, some)
            tally = add_up(tally, len(some), _foresee(office, session, owed, post_to))
    at = to_micros(now)
    run = Run(
        0, "", None, end, account_id, account, post_to, "preview", 0, tally, None, office.actor, at,
        None,
    )  # fmt: skip
    return run_sheet(run)


def preview_lines(
    office: Office,
    end: int,
    account_id: str | None,
    post_to: str,
    only: str | None,
    after: int,
    limit: int,
) -> Page[UsageLineSheet]:
    """The lines of the accounts behind the one whose leader is `after`, `limit` or a few more."""
    sheets: list[UsageLineSheet] = []
    with office.database.read(snapshot=True) as session:
        pricer = _pricer(session, end, account_id)
        at_once = max(1, limit // _LINES_OF_ACCOUNT)
        for some in _batches(session, after, account_id, at_once):
            foreseen = _foresee(office, session, pricer.work_out(session, some), post_to)
            for each in foreseen:
                if only is None or only == _sort_of(each):
                    sheets += previewed_line_sheets(each, pricer.meters)
            if len(sheets) >= limit:
                return Page(tuple(sheets), str(some[-1].leader))
    return Page(tuple(sheets), None)


def _sort_of(settled: Settled) -> str:
    if not settled.is_booked:
        return "failed"
    return "closing" if settled.owed.bill.seq == CLOSING else "late"


def _pricer(session: Session, end: int, account_id: str | None) -> Pricer:
    late: array[int] | None = None
    if account_id is None:
        last = store.last_of_all(session)
        since = last.summary["events_until"] if last else 0
        late = store.late_accounts(
            session, since, store.last_event(session), last.number if last else 0
        )
    return Pricer(session, end, late)


def _batches(
    session: Session, after: int, account_id: str | None, at_once: int
) -> Iterator[list[Metered]]:
    while some := store.next_metered(session, after, account_id, at_once):
        yield some
        after = some[-1].leader


def _foresee(office: Office, session: Session, owed: Sequence[Owed], post_to: str) -> list[Settled]:
    """What would become of bills, as far as the wallets tell now; nothing is booked."""
    now = office.now()
    spent: dict[tuple[str, str], int] = {}
    stuck: set[str] = set()
    foreseen = []
    for each in owed:
        account_id = each.subscription.account_id
        if account_id in stuck:
            continue
        assets = assets_of(each.bill)
        drafts = [
            draft_of(office, each, asset, now)
            for asset in assets
            if post_to == "wallet" or asset == CREDIT
        ]
        reason = _refusal(session, drafts, spent)
        if reason is not None:
            stuck.add(account_id)
        foreseen.append(Settled(each, {}, {}, reason))
    return foreseen


def _refusal(
    session: Session, drafts: Sequence[Draft], spent: dict[tuple[str, str], int]
) -> str | None:
    """Why some of these postings would be refused, after those that went before; None: none would."""
    after = dict(spent)
    for draft in drafts:
        for leg in draft.legs:
            reason = _guarded(session, draft, leg, after.get((leg.account, leg.asset), 0))
            if reason is not None:
                return _REASONS[reason]
            key = (leg.account, leg.asset)
            after[key] = after.get(key, 0) + leg.amount_minor
    spent.update(after)
    return None


def _guarded(session: Session, draft: Draft, leg: Leg, change_minor: int) -> Guard | None:
    state = wallet_state(session, leg.account, leg.purpose, leg.asset)
    if state is None:  # it will be opened, empty
        return Guard.INSUFFICIENT if leg.amount_minor + change_minor < 0 else None
    now = state._replace(balance_minor=state.balance_minor + change_minor)
    return guard(now, leg, guarded=draft.guarded)

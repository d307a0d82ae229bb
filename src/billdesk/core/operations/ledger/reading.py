"""Reading one thing back: postings as sheets, and what the doors list."""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.ledger.booking import Booked
from billdesk.core.operations.ledger.windows import LedgerView
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import KINDS, purpose_of
from billdesk.core.rules.sheets import (
    AuditSheet,
    BalanceSheet,
    EntryFilter,
    EntrySheet,
    FreezeSheet,
    Page,
    PostingSheet,
    StandingSheet,
    TrialBalanceSheet,
    VerifySheet,
)
from billdesk.core.rules.standing import Purse, standing
from billdesk.core.store import history
from billdesk.core.store.accounts import (
    balance_row,
    expired_minor,
    freezes_of,
    wallets_of,
)
from billdesk.core.store.audits import list_audit
from billdesk.core.store.checks import recount, size, trial_balance
from billdesk.core.store.postings import posting_by_id
from billdesk.core.store.questions import status_set_by
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import aware, to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import BadInput, Broken, NotFound
from billdesk.core.values.money import Money, exponent_of, read_amount
from billdesk.core.values.text import check_word

MOST_AT_ONCE = 10_000


def check_limit(limit: int) -> int:
    """A page's size. Raises BadInput unless it is 1 to 10,000."""
    if not 1 <= limit <= MOST_AT_ONCE:
        raise BadInput(f"a page of {limit} rows", f"ask for 1 to {MOST_AT_ONCE}")
    return limit


def posting_sheet(office: Office, booked: Booked) -> PostingSheet:
    """A posting that was just booked, in full."""
    with office.database.read() as session:
        sheet = posting_by_id(session, booked.id)
    if sheet is None:
        raise Broken("a posting that was just booked is not there")
    return sheet._replace(replayed=booked.replayed)


class Ledger:
    """`desk.ledger`: history, balances of the whole, and its checks."""

    kinds = KINDS

    def __init__(self, office: Office) -> None:
        self._office = office

    def entries(
        self,
        account: str | None = None,
        *,
        kinds: tuple[str, ...] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        reference: str | None = None,
        text: str | None = None,
        asset: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[EntrySheet]:
        """Entries, the newest first; `since` inclusive and `until` exclusive, by recorded time.

        Raises BadInput, NotFound for the account.
        """
        wanted = EntryFilter(account, kinds, since, until, reference, text, asset)
        check_limit(limit)
        with self._office.database.read() as session:
            check_filter(self._office, session, wanted)
            rows = history.entries_page(session, wanted, read_cursor(after), limit)
        return Page(tuple(rows), str(rows[-1].number) if len(rows) == limit else None)

    def posting(self, posting_id: str) -> PostingSheet:
        """One posting with its entries. Raises NotFound."""
        with self._office.database.read() as session:
            sheet = posting_by_id(session, posting_id)
        if sheet is None:
            raise NotFound(f"there is no posting {posting_id[:64]!r}", "check the id")
        return sheet

    def view(self, wanted: EntryFilter) -> LedgerView:
        """A window on the entries of a filter, for reading any page of millions.

        Raises BadInput, NotFound for the account.
        """
        with self._office.database.read() as session:
            check_filter(self._office, session, wanted)
        return LedgerView(self._office.database, wanted)

    def pulse(self) -> int:
        """The number of the newest entry: it changes when anybody posts."""
        with self._office.database.read() as session:
            return history.newest_number(session)

    def trial_balance(self) -> tuple[TrialBalanceSheet, ...]:
        """Per asset: stored wallet balances beside the counterparties' sums."""
        with self._office.database.read(snapshot=True) as session:
            return tuple(trial_balance(session))

    def recount(self, account: str | None = None) -> VerifySheet:
        """Balances, held sums and freezes counted anew, for one account or all. Raises NotFound."""
        with self._office.database.read(snapshot=True) as session:
            account_id = self._office.account(session, account).id if account else None
            findings = tuple(recount(session, account_id))
            wallets, entries = size(session, account_id)
        return VerifySheet(
            ok=not findings,
            wallets=wallets,
            entries=entries,
            findings=findings,
            unproven=("the hash chain was not followed: verify does that",),
            checkpoint_at=None,
            erased_texts=0,
        )


def check_filter(office: Office, session: Session, wanted: EntryFilter) -> None:
    """Raises BadInput or NotFound for a filter that can find nothing by mistake."""
    if wanted.account is not None:
        office.account(session, wanted.account)
    if wanted.asset is not None:
        exponent_of(wanted.asset)
    for kind in wanted.kinds:
        check_word(kind, "kind", KINDS)
    for instant in (wanted.since, wanted.until):
        if instant is not None:
            aware(instant)


def balance(
    office: Office,
    ref: str,
    asset: str | None,
    at: datetime | None,
    effective: datetime | None,
) -> BalanceSheet:
    """A balance now, or at a past moment by recorded or by happened time."""
    if at is not None and effective is not None:
        raise BadInput("two times were given", "ask by recorded time or by happened time")
    wanted = asset or office.default_asset
    exponent_of(wanted)
    with office.database.read() as session:
        row = balance_row(session, ref, purpose_of(wanted), wanted)
        if row is None:
            raise NotFound(f"there is no account {ref[:64]!r}", "look it up with billdesk find")
        account_ref, name, minor, held, wallet_number, _ = row
        past: int | None = None
        if at is not None or effective is not None:
            past = 0
            if wallet_number is not None and at is not None:
                past = history.balance_at(session, wallet_number, aware(at))
            elif wallet_number is not None and effective is not None:
                past = history.balance_effective(session, wallet_number, aware(effective))
        elif held:
            held -= expired_minor(session, wallet_number or 0, to_micros(office.now()))
    now_minor, held_minor = minor or 0, held or 0
    return BalanceSheet(
        account_ref=account_ref,
        account_name=name,
        asset=wanted,
        balance=Money(now_minor if past is None else past, wanted),
        held=Money(held_minor, wanted) if past is None else None,
        available=Money(now_minor - held_minor, wanted) if past is None else None,
        at=at,
        effective=effective,
    )


class Standing:
    """`desk.standing`: may an account be used, and every reason why not."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def why(self, ref: str, *, needs: Money | str | None = None) -> StandingSheet:
        """The verdict and all reasons; `needs` is what must be available. Raises NotFound."""
        amount = None if needs is None else read_amount(needs, self._office.default_asset)
        with self._office.database.read(snapshot=True) as session:
            return standing_of(self._office, session, ref, amount)

    def may_run(self, ref: str, *, needs: Money | str | None = None) -> bool:
        """Whether the account may be used. Raises NotFound."""
        return self.why(ref, needs=needs).may_run


def standing_of(office: Office, session: Session, ref: str, needs: Money | None) -> StandingSheet:
    """The standing of one account, read in one session."""
    account = office.account(session, ref)
    freezes: list[FreezeSheet] = freezes_of(session, account.id, open_only=True)
    wallets = wallets_of(session, account.id, to_micros(office.now()))
    return standing(
        account_ref=account.ref,
        account_name=account.name,
        status=account.status,
        status_since=account.status_since,
        status_set_by=status_set_by(session, account.id, account.status),
        purses=[
            Purse(wallet.purpose, wallet.available, wallet.floor, wallet.last_entry_at)
            for wallet in wallets
        ],
        freezes=freezes,
        needs=needs,
    )


class Audit:
    """`desk.audit`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def list(
        self,
        *,
        account: str | None = None,
        action: str | None = None,
        text: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[AuditSheet]:
        """Operations, refusals and postings, the newest first. Raises NotFound for the account."""
        check_limit(limit)
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id if account else None
            rows, cursor = list_audit(
                session,
                account_id=account_id,
                action=action,
                text=text,
                after=after,
                limit=limit,
            )
        return Page(tuple(rows), cursor)

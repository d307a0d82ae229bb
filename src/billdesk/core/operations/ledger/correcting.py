"""Corrections: refunds of charges, reversals, and what an operator credits or debits by hand."""

from __future__ import annotations

from datetime import datetime

from billdesk.core.operations.ledger.booking import book
from billdesk.core.operations.ledger.reading import check_limit, posting_sheet
from billdesk.core.operations.ledger.settling import book_credit
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import CALLER, SYSTEM, Draft, Leg, digest_of, purpose_of
from billdesk.core.rules.sheets import EntryFilter, EntrySheet, Page, PostingSheet
from billdesk.core.store.history import entries_of_posting, entries_page
from billdesk.core.store.postings import posting_by_id
from billdesk.core.store.sessions import Session
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import NotFound, Refused
from billdesk.core.values.ids import check_reference
from billdesk.core.values.money import Money, read_amount
from billdesk.core.values.text import MEMO_LENGTH, check_memo, check_optional_text


class Refunds:
    """`desk.refunds`: the whole of a charge back to the wallet, once."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def create(self, charge_id: str, *, memo: str | None = None) -> PostingSheet:
        """Give a charge back, all of it.

        Raises NotFound, Refused when it is not a charge, AlreadyCorrected on a second try.
        """
        office = self._office
        now = office.now()
        note = check_optional_text(memo, "memo", MEMO_LENGTH)
        with office.database.read() as session:
            legs = _opposite_legs(session, charge_id, "charge")
        return _correct(office, "refund", "ref", charge_id, legs, note, now)

    def list(self, *, after: str | None = None, limit: int = 200) -> Page[EntrySheet]:
        """Refunds, the newest first. Raises BadInput for the limit or the cursor."""
        return _page(self._office, ("refund",), after, limit)


class Reversals:
    """`desk.reversals`: any posting undone by its opposite, which points at it."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def create(self, posting_id: str, *, memo: str) -> PostingSheet:
        """Undo a posting.

        Raises BadInput for the memo, NotFound, InsufficientFunds when what was credited is spent,
        AlreadyCorrected, Refused for what belongs to an invoice, a pack, a period or a usage run.
        """
        office = self._office
        now = office.now()
        note = check_memo(memo)
        with office.database.read() as session:
            _check_reversible(session, posting_id)
            legs = _opposite_legs(session, posting_id, None)
        return _correct(office, "reversal", "rev", posting_id, legs, note, now)


class Adjustments:
    """`desk.adjustments`: credits and debits by hand, each with its reason."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def credit(
        self, account: str, amount: Money | str, *, memo: str, reference: str | None = None
    ) -> PostingSheet:
        """Credit an account by hand; `memo` says why in 10 to 500 characters.

        Raises BadInput, NotFound, ReferenceReused.
        """
        return self._adjust(account, amount, 1, memo, reference)

    def debit(
        self, account: str, amount: Money | str, *, memo: str, reference: str | None = None
    ) -> PostingSheet:
        """Debit an account by hand, never below its floor.

        Raises BadInput, NotFound, InsufficientFunds, WalletFrozen, AccountClosed, ReferenceReused.
        """
        return self._adjust(account, amount, -1, memo, reference)

    def list(self, *, after: str | None = None, limit: int = 200) -> Page[EntrySheet]:
        """Adjustments, the newest first. Raises BadInput for the limit or the cursor."""
        kinds = ("manual_credit", "manual_debit", "reversal")
        return _page(self._office, kinds, after, limit)

    def _adjust(
        self, account: str, amount: Money | str, sign: int, memo: str, reference: str | None
    ) -> PostingSheet:
        office = self._office
        now = office.now()
        money = read_amount(amount, office.default_asset)
        note = check_memo(memo)
        kind = "manual_credit" if sign > 0 else "manual_debit"
        posting_id = office.ids.make("adj", now)
        purpose = purpose_of(money.asset)
        legs = (Leg(account, purpose, money.asset, sign * money.minor, 0, "adjustment"),)
        draft = Draft(
            id=posting_id,
            kind=kind,
            scope=CALLER if reference else SYSTEM,
            reference=check_reference(reference) if reference else posting_id,
            digest=digest_of(kind, legs),
            actor=office.actor,
            legs=legs,
            memo=note,
            salt=office.ids.salt(),
            recorded_at=office.recorded_at(now),
            guarded=sign < 0,
        )
        booked = book_credit(office, draft, now) if sign > 0 else book(office, draft, now)
        return posting_sheet(office, booked)


def reverse_posting(
    office: Office, session: Session, posting_id: str, memo: str, now: datetime
) -> None:
    """Undo a posting inside an open write block, with a reason of the desk's own."""
    legs = _opposite_legs(session, posting_id, None)
    _correct(office, "reversal", "rev", posting_id, legs, memo, now)


def _page(
    office: Office, kinds: tuple[str, ...], after: str | None, limit: int
) -> Page[EntrySheet]:
    check_limit(limit)
    with office.database.read() as session:
        rows = entries_page(session, EntryFilter(kinds=kinds), read_cursor(after), limit)
    return Page(tuple(rows), str(rows[-1].number) if len(rows) == limit else None)


_REMEDIES = {
    "invoice_payment": "give it back by a credit note: billdesk credit-note create",
    "pack_purchase": "give the pack back: billdesk pack refund",
    "pack_refund": "sell the pack again: billdesk pack buy",
    "credit_note": "issue another invoice",
    "usage": "record what was used, and the next run corrects it",
    "credit_use": "grant credits instead: billdesk credits grant",
    "cycle_reset": "grant credits instead: billdesk credits grant",
    "credit_expiry": "grant credits instead: billdesk credits grant",
    "credit_grant": "cancel the plan or give the pack back, which take their credits with them",
}
"""What to do instead of undoing postings that something else stands on."""


def _check_reversible(session: Session, posting_id: str) -> None:
    """Raises Refused for a posting that something else stands on: undone alone, they would disagree."""
    posting = posting_by_id(session, posting_id)
    if posting is None or posting.scope != SYSTEM or posting.kind not in _REMEDIES:
        return
    if posting.kind in _ALONE and posting.about is None:
        return
    raise Refused(f"{posting_id} is a {posting.kind}", _REMEDIES[posting.kind])


_ALONE = ("credit_grant", "credit_use")
"""Kinds that are also made by hand, about nothing."""


def _opposite_legs(session: Session, posting_id: str, kind: str | None) -> tuple[Leg, ...]:
    """The legs that undo a posting's."""
    entries = entries_of_posting(session, posting_id)
    if not entries:
        raise NotFound(f"there is no posting {posting_id[:64]!r} with entries", "check the id")
    if kind is not None and entries[0].kind != kind:
        raise Refused(
            f"{posting_id} is a {entries[0].kind}, not a {kind}", "use a reversal to undo it"
        )
    return tuple(
        Leg(
            entry.account_ref,
            entry.purpose,
            entry.amount.asset,
            -entry.amount.minor,
            0,
            entry.counterparty,
        )
        for entry in entries
    )


def _correct(
    office: Office,
    kind: str,
    prefix: str,
    corrected_id: str,
    legs: tuple[Leg, ...],
    memo: str | None,
    now: datetime,
) -> PostingSheet:
    posting_id = office.ids.make(prefix, now)
    draft = Draft(
        id=posting_id,
        kind=kind,
        scope=SYSTEM,
        reference=posting_id,
        digest=digest_of(kind, legs, corrected_id),
        actor=office.actor,
        legs=legs,
        memo=memo,
        salt=office.ids.salt() if memo else None,
        recorded_at=office.recorded_at(now),
        corrects=corrected_id,
        guarded=False,
    )
    return posting_sheet(office, book_credit(office, draft, now))

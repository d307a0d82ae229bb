"""Charging accounts: money for something, once per reference, never below the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from billdesk.core.operations.ledger.booking import Booked, book
from billdesk.core.operations.ledger.burning import keep_many_lots, on_credits
from billdesk.core.operations.ledger.expiring import expire_due
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import CALLER, Draft, Leg, digest_of, purpose_of
from billdesk.core.rules.sheets import ChargeSheet
from billdesk.core.store.posted import Posted
from billdesk.core.store.posting import collector_at_rest, post_many
from billdesk.core.store.sessions import KeyTaken
from billdesk.core.values.clock import aware, from_micros, to_micros
from billdesk.core.values.errors import BadInput, BilldeskError
from billdesk.core.values.ids import check_reference
from billdesk.core.values.money import Money, read_amount
from billdesk.core.values.text import (
    MEMO_LENGTH,
    SUBJECT_LENGTH,
    check_optional_text,
)

MOST_AT_ONCE = 100_000

_Side = tuple[str, str, int, int, str]


@lru_cache(maxsize=1024)  # a business has few prices, and few things earn
def _side(minor: int, asset: str, to: str, happened: int | None) -> tuple[_Side, bytes]:
    """What a charge's leg says beside its account, and the digest of its content."""
    side = (purpose_of(asset), asset, -minor, 0, check_reference(to))
    more = None if happened is None else str(happened)
    return side, digest_of("charge", (Leg("", *side),), more)


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """One charge of many: the same fields as `Charges.create`."""

    account: str
    amount: Money | str
    reference: str
    subject: str | None = None
    memo: str | None = None
    to: str = "revenue"
    happened_at: datetime | None = None


class Charges:
    """`desk.charges`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def create(
        self,
        account: str,
        amount: Money | str,
        *,
        reference: str,
        subject: str | None = None,
        memo: str | None = None,
        to: str = "revenue",
        happened_at: datetime | None = None,
    ) -> ChargeSheet:
        """Charge `amount` to `account`, once for this `reference`.

        `to` names the counterparty that receives it; `happened_at` is when the thing charged for
        happened, if that is not now. The same reference with the same content gives the first
        result. Raises BadInput, NotFound, InsufficientFunds, WalletFrozen, AccountClosed,
        ReferenceReused, ReadOnly, StoreError kinds.
        """
        office = self._office
        now = office.clock.now()
        draft = self._draft(
            *(account, amount, reference, subject, memo, to, happened_at),
            id=office.ids.make("chg", now),
            recorded_at=office.recorded_at(now),
        )
        booked = book(office, draft, now)
        return _sheet(account, draft, booked.id, booked, replayed=booked.replayed)

    def create_many(self, requests: Sequence[ChargeRequest]) -> tuple[ChargeSheet, ...]:
        """Charge them all, or none, in one write block, in the order given.

        Raises what `create` raises for the first request that is refused; the message says which.
        """
        if len(requests) > MOST_AT_ONCE:
            raise BadInput(f"{len(requests)} charges at once", f"at most {MOST_AT_ONCE}")
        if not requests:
            return ()
        with collector_at_rest():
            return self._all_at_once(requests, self._office.clock.now())

    def _all_at_once(
        self, requests: Sequence[ChargeRequest], now: datetime
    ) -> tuple[ChargeSheet, ...]:
        """The quick path of a batch: one fold, in one write block."""
        office = self._office
        ids = office.ids.make_many("chg", now, len(requests))
        recorded_at = office.recorded_at(now)
        drafts: list[Draft] = []
        try:
            for request, posting_id in zip(requests, ids, strict=True):
                draft = self._draft(
                    *(request.account, request.amount, request.reference, request.subject),
                    *(request.memo, request.to, request.happened_at),
                    id=posting_id,
                    recorded_at=recorded_at,
                )
                drafts.append(draft)
        except BadInput as error:
            raise _placed(error, len(drafts) + 1, len(requests)) from error
        if any(map(on_credits, drafts)):
            expire_due(office, now)
        try:
            with office.database.write() as session:
                posted = post_many(session, drafts)
                if isinstance(posted, int):
                    raise _OneByOne
                keep_many_lots(office, session, drafts, posted, now)
        except (_OneByOne, KeyTaken):
            return self._one_by_one(requests, drafts, now)
        return tuple(
            [
                _sheet(request.account, draft, draft.id, done)
                for request, draft, done in zip(requests, drafts, posted, strict=True)
            ]
        )

    def _one_by_one(
        self, requests: Sequence[ChargeRequest], drafts: Sequence[Draft], now: datetime
    ) -> tuple[ChargeSheet, ...]:
        """The slow path of a batch: replays among them, or the first refusal told by its place."""
        office = self._office
        sheets = []
        with office.database.write():
            for place, (request, draft) in enumerate(zip(requests, drafts, strict=True), 1):
                try:
                    booked = book(office, draft, now)
                    sheets.append(
                        _sheet(request.account, draft, booked.id, booked, replayed=booked.replayed)
                    )
                except BilldeskError as error:
                    raise _placed(error, place, len(drafts)) from error
        return tuple(sheets)

    def _draft(
        self,
        account: str,
        amount: Money | str,
        reference: str,
        subject: str | None,
        memo: str | None,
        to: str,
        happened_at: datetime | None,
        *,
        id: str,
        recorded_at: int | None,
    ) -> Draft:
        office = self._office
        minor, asset = read_amount(amount, office.default_asset)
        if subject is not None:
            subject = check_optional_text(subject, "subject", SUBJECT_LENGTH)
        if memo is not None:
            memo = check_optional_text(memo, "memo", MEMO_LENGTH)
        happened = None if happened_at is None else to_micros(aware(happened_at))
        side, digest = _side(minor, asset, to, happened)
        return Draft(
            id,
            "charge",
            CALLER,
            check_reference(reference),
            digest,
            office.actor,
            (Leg(account, *side),),
            subject,
            memo,
            office.ids.salt() if subject or memo else None,
            happened,
            recorded_at,
        )


def _placed(error: BilldeskError, place: int, of: int) -> BilldeskError:
    """The same error, told by the place of the charge it is about."""
    return type(error)(f"charge {place} of {of}: {error.message}", error.hint)


class _OneByOne(Exception):
    """A batch that needs the slow path; its block is rolled back first."""


def _sheet(
    account: str, draft: Draft, id: str, done: Posted | Booked, *, replayed: bool = False
) -> ChargeSheet:
    """What a charge came to; `id` is that of the posting that stands."""
    leg = draft.legs[0]
    return ChargeSheet(
        id,
        account,
        Money(-leg.amount_minor, leg.asset),
        Money(done.balances_after[0], leg.asset),
        draft.reference,
        from_micros(done.recorded_at),
        replayed,
    )

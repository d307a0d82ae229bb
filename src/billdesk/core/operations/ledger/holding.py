"""Holds: money set aside before a job, then captured, released, or freed past its deadline."""

from __future__ import annotations

from datetime import datetime, timedelta

from billdesk.core.operations.ledger.booking import (
    book,
    expiry_draft,
    free_overdue,
    release_draft,
    system_draft,
)
from billdesk.core.operations.ledger.expiring import expire_overdue
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import (
    CALLER,
    CREDITS,
    RECEIVABLE,
    Draft,
    HoldChange,
    Leg,
    WalletState,
    digest_of,
    purpose_of,
)
from billdesk.core.rules.sheets import HoldSheet, Page
from billdesk.core.store.holds import due_holds, hold_by_id, hold_wallet, list_holds
from billdesk.core.store.posting import post
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import BadInput, Broken, HoldNotOpen, NotFound
from billdesk.core.values.ids import check_reference
from billdesk.core.values.money import Money, read_amount
from billdesk.core.values.text import SUBJECT_LENGTH, check_optional_text, check_word

LONGEST = timedelta(days=366)
STATUSES = ("open", "captured", "released", "expired")
_BATCH = 500


class Holds:
    """`desk.holds`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def place(
        self,
        account: str,
        amount: Money | str,
        *,
        reference: str,
        subject: str | None = None,
        lasts: timedelta = timedelta(days=7),
    ) -> HoldSheet:
        """Set money aside for `lasts`, once for this `reference`.

        Raises BadInput, NotFound, InsufficientFunds, WalletFrozen, AccountClosed, ReferenceReused.
        """
        office = self._office
        now = office.now()
        money = read_amount(amount, office.default_asset)
        if not timedelta(0) < lasts <= LONGEST:
            raise BadInput(f"a hold cannot last {lasts}", "more than nothing, a year at most")
        text = check_optional_text(subject, "subject", SUBJECT_LENGTH)
        hold_id = office.ids.make("hold", now)
        legs = (Leg(account, purpose_of(money.asset), money.asset, 0, money.minor, "hold"),)
        draft = Draft(
            id=hold_id,
            kind="hold",
            scope=CALLER,
            reference=check_reference(reference),
            digest=digest_of("hold", legs),
            actor=office.actor,
            legs=legs,
            subject=text,
            salt=office.ids.salt() if text else None,
            recorded_at=office.recorded_at(now),
            about=hold_id,
            hold=HoldChange(hold_id, "open", to_micros(now + lasts)),
        )
        booked = book(office, draft, now)
        return self._sheet(booked.id, replayed=booked.replayed)

    def capture(
        self,
        hold_id: str,
        amount: Money | str | None = None,
        *,
        subject: str | None = None,
        to: str = "revenue",
    ) -> HoldSheet:
        """Charge a hold: all of it, a part (the rest is freed), or more.

        Use beyond the hold is taken if the balance allows; what it does not cover is booked as debt
        and said in `shortfall`. A frozen wallet's hold can still be captured. The same capture again
        gives the first result. Raises BadInput, NotFound, HoldNotOpen.
        """
        office = self._office
        now = office.now()
        text = check_optional_text(subject, "subject", SUBJECT_LENGTH)
        with office.database.write() as session:
            account_id, purpose, asset, held_minor, status = self._locked(session, hold_id)
            money = read_amount(amount, asset) if amount is not None else Money(held_minor, asset)
            if money.asset != asset:
                raise BadInput(f"the hold is in {asset}, not in {money.asset}", "use its asset")
            if status == "captured":
                return _replay(self._sheet(hold_id, replayed=True), money)
            self._check_open(session, hold_id, now)
            if purpose == CREDITS:
                expire_overdue(office, session, account_id, now)
            state = wallet_state(session, account_id, purpose, asset)
            if state is None:
                raise Broken("a locked wallet is gone")
            freed_minor = free_overdue(office, session, state.number, now)
            state = state._replace(held_minor=state.held_minor - freed_minor)
            legs = capture_legs(state, held_minor, money.minor, check_reference(to))
            draft = system_draft(office, "chg", "charge", f"resolve:{hold_id}", legs, hold_id, now)
            draft = draft._replace(
                subject=text,
                salt=office.ids.salt() if text else None,
                hold=HoldChange(hold_id, "captured"),
            )
            book(office, draft, now)
        return self._sheet(hold_id)

    def release(self, hold_id: str) -> HoldSheet:
        """Free what a hold set aside; released twice it stays released.

        Raises NotFound, HoldNotOpen when it was captured or has expired.
        """
        office = self._office
        now = office.now()
        with office.database.write() as session:
            account_id, purpose, asset, held_minor, status = self._locked(session, hold_id)
            if status == "released":
                return self._sheet(hold_id, replayed=True)
            self._check_open(session, hold_id, now)
            freed = Leg(account_id, purpose, asset, 0, -held_minor, "hold")
            book(office, release_draft(office, hold_id, freed, now), now)
        return self._sheet(hold_id)

    def get(self, hold_id: str) -> HoldSheet:
        """One hold. Raises NotFound."""
        return self._sheet(hold_id)

    def list(
        self,
        *,
        account: str | None = None,
        status: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[HoldSheet]:
        """Holds, the newest first. Raises BadInput, NotFound for the account."""
        check_limit(limit)
        check_word(status, "status", STATUSES)
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id if account else None
            rows = list_holds(
                session, account_id=account_id, status=status, after=after, limit=limit
            )
        return Page(tuple(rows), rows[-1].id if len(rows) == limit else None)

    def expire_due(self) -> int:
        """Free every hold past its deadline; how many there were."""
        office = self._office
        now = office.now()
        freed = 0
        while True:
            with office.database.read() as session:
                due = due_holds(session, to_micros(now), _BATCH)
            for hold in due:
                with office.database.write() as session:
                    if self._locked(session, hold[0])[4] == "open":
                        post(session, expiry_draft(office, hold, now))
                        freed += 1
            if len(due) < _BATCH:
                return freed

    def _sheet(self, hold_id: str, *, replayed: bool = False) -> HoldSheet:
        with self._office.database.read() as session:
            sheet = hold_by_id(session, hold_id, replayed=replayed)
        if sheet is None:
            raise NotFound(f"there is no hold {hold_id[:64]!r}", "see billdesk holds")
        return sheet

    def _locked(self, session: Session, hold_id: str) -> tuple[str, str, str, int, str]:
        """A hold's wallet, locked: (account id, purpose, asset, amount, status). Raises NotFound."""
        found = hold_wallet(session, hold_id)
        if found is None:
            raise NotFound(f"there is no hold {hold_id[:64]!r}", "see billdesk holds")
        wallet_state(session, found[0], found[1], found[2], lock=True)
        locked = hold_wallet(session, hold_id)
        if locked is None:
            raise Broken("a locked hold is gone")
        return locked

    def _check_open(self, session: Session, hold_id: str, now: datetime) -> None:
        sheet = hold_by_id(session, hold_id)
        if sheet is None or sheet.status != "open" or sheet.expires_at <= now:
            status = "expired" if sheet is None or sheet.status == "open" else sheet.status
            raise HoldNotOpen(f"the hold is {status}", "place a new one")


def capture_legs(
    wallet: WalletState, held_minor: int, wanted_minor: int, to: str
) -> tuple[Leg, ...]:
    """From the hold, then from what is available above the floor, then as debt."""
    account_id, asset = wallet.account_id, wallet.asset
    taken_minor = wanted_minor
    if wallet.floor_minor is not None:
        usable_minor = wallet.balance_minor - wallet.held_minor + held_minor - wallet.floor_minor
        taken_minor = min(wanted_minor, usable_minor)
    legs = [Leg(account_id, wallet.purpose, asset, -taken_minor, -held_minor, to)]
    if taken_minor < wanted_minor:
        debt_minor = wanted_minor - taken_minor
        legs.append(Leg(account_id, RECEIVABLE, asset, -debt_minor, 0, to))
    return tuple(legs)


def _replay(sheet: HoldSheet, wanted: Money) -> HoldSheet:
    """The first result of a capture, if this one asks for the same."""
    if sheet.captured != wanted:
        raise HoldNotOpen(f"the hold was captured for {sheet.captured}", "place a new one")
    return sheet

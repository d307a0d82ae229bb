"""Credits as the doors see them: granted in lots, looked at, charged, and set aside for a job."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from billdesk.core.operations.credits.granting import grant_lot
from billdesk.core.operations.ledger.charging import Charges
from billdesk.core.operations.ledger.expiring import expire_due, overdue, unheld_lots
from billdesk.core.operations.ledger.holding import Holds
from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.rules.ledger import CALLER, CREDITS
from billdesk.core.rules.periods import day_of, day_start
from billdesk.core.rules.sheets import (
    ChargeSheet,
    CreditsSheet,
    HoldSheet,
    LotSheet,
    LotUseSheet,
    Page,
)
from billdesk.core.store.accounts import expired_minor
from billdesk.core.store.credit_questions import (
    lot_by_id,
    lots_of,
    moved_since,
    period_begun,
    uses_page,
)
from billdesk.core.store.meta import read_meta
from billdesk.core.store.sessions import Session
from billdesk.core.store.wallets import wallet_state
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.cursors import read_cursor
from billdesk.core.values.errors import BadInput, NotFound
from billdesk.core.values.money import CREDIT, Money, read_amount
from billdesk.core.values.text import check_memo

BY_HAND = ("promotion", "manual", "opening", "other")
"""Where credits can come from that somebody grants; plans and packs bring theirs by themselves."""


class Credits:
    """`desk.credits`: what comes in lots. Charges, holds and refunds of credits move the lots along."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def get(self, account: str) -> CreditsSheet:
        """An account's credits at a glance. `available` counts nothing that is held or past its day.

        Raises NotFound.
        """
        office = self._office
        now = office.now()
        with office.database.read() as session:
            found = office.account(session, account)
            state = wallet_state(session, found.id, CREDITS, CREDIT)
            balance, held = (state.balance_minor, state.held_minor) if state else (0, 0)
            if state and held:
                held -= expired_minor(session, state.number, to_micros(now))
            gone = overdue(session, found.id, unheld_lots(session, found.id, held), now)
            lots = lots_of(session, found.id, used_up=False)
            since = self._period_since(session, found.id, now)
            granted, used = moved_since(session, found.id, to_micros(since))
        passing = [lot for lot in lots if lot.expires_at is not None]
        return CreditsSheet(
            account_ref=found.ref,
            account_name=found.name,
            balance=balance,
            held=held,
            available=balance - held - sum(amount for _, amount in gone),
            lots=tuple(lots),
            expiring_next=min(passing, key=lambda lot: lot.expires_at or now, default=None),
            period_since=since,
            granted_this_period=granted,
            used_this_period=used,
        )

    def has_enough(self, account: str, amount: Money | int | str) -> bool:
        """Whether so many credits can be used now, a credit limit counted in. Raises BadInput, NotFound."""
        wanted = read_credits(amount)
        with self._office.database.read() as session:
            sheet = self.get(account)
            state = wallet_state(session, account, CREDITS, CREDIT)
        if state is not None and state.floor_minor is None:
            return True
        floor = 0 if state is None else state.floor_minor or 0
        return sheet.available - floor >= wanted

    def grant(
        self,
        account: str,
        amount: Money | int | str,
        *,
        memo: str,
        source: str = "promotion",
        expires_at: datetime | None = None,
        priority: int | None = None,
        reference: str | None = None,
        paid: Money | str | None = None,
    ) -> LotSheet:
        """Give credits in a lot of their own; `memo` says why in 10 to 500 characters.

        `priority`: smaller burns first (50 if nothing is said). `paid` is what they cost elsewhere, for
        the record. The same `reference` gives the first lot. Raises BadInput, NotFound,
        ReferenceReused, ReadOnly.
        """
        office = self._office
        if source not in BY_HAND:
            raise BadInput(
                f"nobody grants credits from {source[:30]!r} by hand",
                f"one of {', '.join(BY_HAND)}",
            )
        wanted, note = read_credits(amount), check_memo(memo)
        cost = None if paid is None else read_amount(paid, office.default_asset)
        with office.database.write() as session:
            return grant_lot(
                office,
                session,
                account,
                wanted,
                source=source,
                about=None,
                now=office.now(),
                expires_at=expires_at,
                priority=priority,
                reference=reference,
                paid=cost,
                memo=note,
                scope=CALLER,
            )

    def lots(self, account: str, *, all: bool = False) -> tuple[LotSheet, ...]:
        """An account's lots, the next to burn first; with `all` those that are used up, too.

        Raises NotFound.
        """
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id
            return tuple(lots_of(session, account_id, used_up=all))

    def lot(self, lot_id: str) -> LotSheet:
        """One lot; `burns` is not told. Raises NotFound."""
        with self._office.database.read() as session:
            found = lot_by_id(session, lot_id)
        if found is None:
            raise NotFound(f"there is no lot {lot_id[:64]!r}", "see billdesk credits lots ACCOUNT")
        return found

    def uses(
        self,
        account: str | None = None,
        *,
        lot: str | None = None,
        posting: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[LotUseSheet]:
        """Which lot paid for what, the newest first; a negative amount came back. Raises NotFound."""
        check_limit(limit)
        with self._office.database.read() as session:
            rows = uses_page(
                session,
                account_id=self._office.account(session, account).id if account else None,
                lot_id=lot,
                posting_id=posting,
                after=read_cursor(after),
                limit=limit,
            )
        return Page(tuple(use for _, use in rows), str(rows[-1][0]) if len(rows) == limit else None)

    def deduct(
        self,
        account: str,
        amount: Money | int | str,
        *,
        reference: str,
        subject: str | None = None,
        to: str = "revenue",
    ) -> ChargeSheet:
        """Charge credits: `charges.create` in credits. Raises what that raises."""
        money = Money(read_credits(amount), CREDIT)
        charges = Charges(self._office)
        return charges.create(account, money, reference=reference, subject=subject, to=to)

    def reserve(
        self,
        account: str,
        amount: Money | int | str,
        *,
        reference: str,
        subject: str | None = None,
        lasts: timedelta = timedelta(days=7),
    ) -> HoldSheet:
        """Set credits aside before a job: `holds.place` in credits. Raises what that raises.

        Capture and release it with `capture` and `release`, or those of `desk.holds`.
        """
        money = Money(read_credits(amount), CREDIT)
        holds = Holds(self._office)
        return holds.place(account, money, reference=reference, subject=subject, lasts=lasts)

    def capture(self, hold_id: str, amount: Money | int | str | None = None) -> HoldSheet:
        """Charge what a job took of its hold: all, a part, or more. Raises as `holds.capture` does."""
        money = None if amount is None else Money(read_credits(amount), CREDIT)
        return Holds(self._office).capture(hold_id, money)

    def release(self, hold_id: str) -> HoldSheet:
        """Free what was set aside. Raises as `holds.release` does."""
        return Holds(self._office).release(hold_id)

    def expire_due(self) -> int:
        """Book away what is left of lots past their day; of how many something went. Raises ReadOnly."""
        self._office.check_writable()
        return expire_due(self._office, self._office.now())

    def _period_since(self, session: Session, account_id: str, now: datetime) -> datetime:
        """Since when the present period runs: a subscription's, or the month."""
        since = period_begun(session, account_id, to_micros(now))
        if since is not None:
            return from_micros(since)
        zone = ZoneInfo(read_meta(session)["zone"])
        return day_start(day_of(now, zone).replace(day=1), zone)


def read_credits(amount: Money | int | str) -> int:
    """Credits as callers say them: 500, "500" or "500 CREDIT". Raises BadInput."""
    money = read_amount(Money(amount, CREDIT) if isinstance(amount, int) else amount, CREDIT)
    if money.asset != CREDIT:
        raise BadInput(f"{money} are no credits", "say how many, such as 500")
    return money.minor

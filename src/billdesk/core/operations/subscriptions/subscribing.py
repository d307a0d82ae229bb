"""Who is on which plan: creating, changing, cancelling, pausing, and what follows from invoices.

Time is counted in days of the desk's zone: a subscription begins with the day on which it is made.
"""

from __future__ import annotations

from datetime import date, datetime

from billdesk.core.operations.ledger.reading import check_limit
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.collecting import try_to_collect
from billdesk.core.operations.subscriptions.changing import (
    Wanted,
    carry_out,
    check_ours,
    decide,
    preview_sheet,
)
from billdesk.core.operations.subscriptions.ending import (
    check_ending,
    end_period_today,
    preview_ending,
)
from billdesk.core.operations.subscriptions.ordering import (
    Asked,
    begin,
    check_family,
    check_payer,
    first_of,
    preview_order,
    reference_reused,
)
from billdesk.core.operations.subscriptions.renewing import (
    begin_again,
    can_resume,
    canceled,
    catch_up,
)
from billdesk.core.operations.subscriptions.terms import (
    keep,
    locked,
    no_subscription,
    plan_sold,
    subscription_sheet,
    terms_for,
    terms_of,
    without_next_terms,
)
from billdesk.core.rules.sheets import (
    ChangePreviewSheet,
    Page,
    PeriodSheet,
    SubscriptionChangeSheet,
    SubscriptionSheet,
)
from billdesk.core.rules.subscriptions import (
    RUNNING,
    STATUSES,
    Subscription,
)
from billdesk.core.store import subscriptions as store
from billdesk.core.store.sessions import KeyTaken, Session
from billdesk.core.values.cursors import read_id_cursor
from billdesk.core.values.errors import Refused
from billdesk.core.values.ids import check_reference
from billdesk.core.values.text import MEMO_LENGTH, check_text, check_word


class Subscriptions:
    """`desk.subscriptions`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    # --- beginning -------------------------------------------------------------------------------

    def create(
        self,
        account: str,
        plan: str,
        *,
        schedule: str = "monthly",
        quantity: int = 1,
        asset: str | None = None,
        paid_by: str = "wallet",
        trial_days: int | None = None,
        starts_at: datetime | date | None = None,
        reference: str | None = None,
        memo: str = "",
    ) -> SubscriptionSheet:
        """Put an account on a plan, from today on; the first period is billed at once.

        `paid_by` is wallet, credits, gateway or invoice; `trial_days` (None: the plan's) cost nothing;
        `starts_at` (a day, or an instant of one) may lie in the past, and the periods since then are
        billed one by one. The same `reference` gives the first. Raises BadInput, NotFound,
        AlreadyExists when the account is on a plan of that family, InsufficientFunds, WalletFrozen,
        AccountClosed, ReferenceReused, Refused.
        """
        office = self._office
        now = office.now()
        asked = Asked(
            account, plan, schedule, quantity, asset, paid_by, trial_days, starts_at,
            check_reference(reference) if reference is not None else None,
            check_text(memo, "memo", MEMO_LENGTH),
        )  # fmt: skip
        try:
            with office.database.write() as session:
                store.lock_account(session, office.account(session, account).id)
                sheet = first_of(office, session, asked)
                if sheet is None:
                    sheet = subscription_sheet(session, begin(office, session, asked, now))
        except KeyTaken as error:  # by another process, for another account, a moment ago
            raise reference_reused(reference) from error
        return sheet if sheet.replayed else self._collected(sheet, 0, now)

    def preview_create(
        self,
        account: str,
        plan: str,
        *,
        schedule: str = "monthly",
        quantity: int = 1,
        asset: str | None = None,
        paid_by: str = "wallet",
        trial_days: int | None = None,
        starts_at: datetime | date | None = None,
    ) -> ChangePreviewSheet:
        """What `create` would do and bill at once. Raises as that, but for what cannot be paid."""
        asked = Asked(account, plan, schedule, quantity, asset, paid_by, trial_days, starts_at)
        with self._office.database.read() as session:
            return preview_order(self._office, session, asked, self._office.now())

    # --- changing --------------------------------------------------------------------------------

    def change(
        self,
        subscription_id: str,
        plan: str | None = None,
        *,
        schedule: str | None = None,
        quantity: int | None = None,
        when: str | None = None,
    ) -> SubscriptionSheet:
        """Put a subscription on another plan, schedule or quantity.

        `when` is now (prorated, billed at once) or period_end; None: now if it costs more by the
        month or is in its trial. Raises BadInput, NotFound, InsufficientFunds, WalletFrozen,
        AccountClosed, Refused when it cannot be, and then nothing is changed.
        """
        office = self._office
        now = office.now()
        wanted = Wanted(plan, schedule, quantity, when)
        with office.database.write() as session:
            subscription = catch_up(office, session, subscription_id, now)
            billed = subscription.period_seq
            decision = decide(session, subscription, wanted, now)
            subscription = carry_out(office, session, subscription, decision, now)
            if subscription.paused_why == "balance" and can_resume(session, subscription, now):
                terms = terms_of(session, subscription)
                subscription = begin_again(office, session, subscription, terms, now, "resumed")
            sheet = subscription_sheet(session, subscription)
        return self._collected(sheet, billed, now)

    def preview(
        self,
        subscription_id: str,
        plan: str | None = None,
        *,
        schedule: str | None = None,
        quantity: int | None = None,
        when: str | None = None,
    ) -> ChangePreviewSheet:
        """What `change` would do, to the minor unit; what is due before it is not done.

        Raises as that, but for what cannot be paid.
        """
        now = self._office.now()
        with self._office.database.read() as session:
            subscription = self._known(session, subscription_id)
            if subscription.status in RUNNING and subscription.period_until <= now:
                raise Refused("its renewal is due", "run billdesk tick first")
            decision = decide(session, subscription, Wanted(plan, schedule, quantity, when), now)
            return preview_sheet(session, subscription, decision, now)

    def unschedule(self, subscription_id: str) -> SubscriptionSheet:
        """Drop the change that waits for the period's end. Raises NotFound, Refused when none does."""
        now = self._office.now()
        with self._office.database.write() as session:
            subscription = catch_up(self._office, session, subscription_id, now)
            if subscription.next_plan_code is None:
                raise Refused("no change waits", "nothing was changed")
            summary = f"stays on {terms_of(session, subscription).words}"
            return self._kept(
                session, without_next_terms(subscription), "unscheduled", summary, now
            )

    # --- ending, pausing -------------------------------------------------------------------------

    def cancel(
        self,
        subscription_id: str,
        *,
        when: str = "period_end",
        refund_unused: bool = False,
        memo: str = "",
    ) -> SubscriptionSheet:
        """End a subscription with its period, or now; twice is once.

        `refund_unused` gives the share of the days that are left back, today included, by credit notes,
        and takes back what is left of the period's credits. Raises BadInput, NotFound, Refused when
        nothing was invoiced that could be given back.
        """
        now = self._office.now()
        check_ending(when, with_refund=refund_unused)
        note = check_text(memo, "memo", MEMO_LENGTH)
        with self._office.database.write() as session:
            subscription = catch_up(self._office, session, subscription_id, now)
            if subscription.status == "canceled":
                return subscription_sheet(session, subscription, replayed=True)
            check_ours(subscription)
            words = ": ".join(filter(None, (terms_of(session, subscription).words, note)))
            if when == "period_end" and subscription.status in RUNNING:
                ending = without_next_terms(subscription)._replace(
                    cancel_at=subscription.period_until
                )
                return self._kept(session, ending, "cancel_scheduled", words, now)
            if refund_unused:
                subscription = end_period_today(self._office, session, subscription, now)
            return self._kept(session, canceled(subscription, now), "canceled", words, now)

    def preview_cancel(
        self, subscription_id: str, *, when: str = "period_end", refund_unused: bool = False
    ) -> ChangePreviewSheet:
        """What `cancel` would do; what it gives back is below zero. Raises BadInput, NotFound, Refused."""
        now = self._office.now()
        check_ending(when, with_refund=refund_unused)
        with self._office.database.read() as session:
            subscription = self._known(session, subscription_id)
            return preview_ending(session, subscription, now, when=when, with_refund=refund_unused)

    def reactivate(self, subscription_id: str) -> SubscriptionSheet:
        """Let a subscription go on that was to end, or begin one again that has ended.

        What is paid for already is used up first; then, or if it was given back, a period on the plan
        as it is sold now begins today. Raises NotFound, AlreadyExists, InsufficientFunds, WalletFrozen,
        AccountClosed, Refused.
        """
        office = self._office
        now = office.now()
        with office.database.write() as session:
            subscription = catch_up(office, session, subscription_id, now)
            billed = subscription.period_seq
            if subscription.paid_by != "elsewhere" and subscription.cancel_at is not None:
                summary = f"goes on with {terms_of(session, subscription).words}"
                going = subscription._replace(cancel_at=None)
                return self._kept(session, going, "reactivated", summary, now)
            if subscription.paid_by == "elsewhere" or subscription.status != "canceled":
                raise Refused("the subscription is not about to end", "nothing was changed")
            account = office.account(session, subscription.account_id)
            store.lock_account(session, account.id)
            check_payer(session, account, subscription.paid_by)
            terms = terms_of(session, subscription)
            check_family(session, account, terms.plan.family)
            if subscription.period_until <= now:
                plan = plan_sold(session, terms.plan.code)
                terms = terms_for(
                    session, account.id, plan, terms.schedule, terms.quantity, terms.asset
                )
            subscription = begin_again(office, session, subscription, terms, now, "reactivated")
            sheet = subscription_sheet(session, subscription)
        return self._collected(sheet, billed, now)

    def pause(self, subscription_id: str) -> SubscriptionSheet:
        """Stop a subscription until it is resumed by hand: it is not renewed; nothing is given back.

        Raises NotFound, Refused.
        """
        now = self._office.now()
        with self._office.database.write() as session:
            subscription = catch_up(self._office, session, subscription_id, now)
            check_ours(subscription)
            if subscription.paused_why == "hand":
                return subscription_sheet(session, subscription, replayed=True)
            paused = subscription._replace(status="paused", paused_why="hand", paused_at=now)
            return self._kept(session, paused, "paused", "by hand", now)

    def resume(self, subscription_id: str) -> SubscriptionSheet:
        """Let a paused subscription run on, in its period, or in a new one from today if that is over.

        Raises NotFound, InsufficientFunds, WalletFrozen, AccountClosed, Refused.
        """
        office = self._office
        now = office.now()
        with office.database.write() as session:
            subscription = catch_up(office, session, subscription_id, now)
            check_ours(subscription)
            billed = subscription.period_seq
            if subscription.status != "paused":
                raise Refused("the subscription is not paused", "nothing was changed")
            terms = terms_of(session, subscription)
            subscription = begin_again(office, session, subscription, terms, now, "resumed")
            sheet = subscription_sheet(session, subscription)
        return self._collected(sheet, billed, now)

    # --- looking ---------------------------------------------------------------------------------

    def get(self, subscription_id: str) -> SubscriptionSheet:
        """One subscription. Raises NotFound."""
        with self._office.database.read() as session:
            return subscription_sheet(session, self._known(session, subscription_id))

    def list(
        self,
        account: str | None = None,
        status: str | None = None,
        plan: str | None = None,
        *,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[SubscriptionSheet]:
        """Subscriptions, the newest first. Raises BadInput, NotFound for the account."""
        check_limit(limit)
        check_word(status, "status", STATUSES)
        with self._office.database.read() as session:
            account_id = self._office.account(session, account).id if account else None
            rows = store.list_subscriptions(
                session,
                account_id=account_id,
                status=status,
                plan=plan,
                after=read_id_cursor(after, "sub"),
                limit=limit,
            )
            sheets = tuple(subscription_sheet(session, row) for row in rows)
        return Page(sheets, rows[-1].id if len(rows) == limit else None)

    def changes(self, subscription_id: str) -> tuple[SubscriptionChangeSheet, ...]:
        """What happened to a subscription, the oldest first. Raises NotFound."""
        with self._office.database.read() as session:
            self._known(session, subscription_id)
            return tuple(store.changes_of(session, subscription_id))

    def periods(self, subscription_id: str) -> tuple[PeriodSheet, ...]:
        """The stretches it was billed for, the oldest first. Raises NotFound."""
        with self._office.database.read() as session:
            self._known(session, subscription_id)
            stretches = store.stretches_of(session, subscription_id)
        return tuple(store.period_sheet(stretch) for stretch in stretches)

    def _collected(self, sheet: SubscriptionSheet, billed: int, now: datetime) -> SubscriptionSheet:
        """Charge what was invoiced since stretch `billed`, where a gateway pays.

        Inside a block no gateway is asked: the next tick does.
        """
        office = self._office
        if sheet.paid_by != "gateway" or office.database.in_block():
            return sheet
        with office.database.read() as session:
            newest = store.stretches_of(session, sheet.id)[-1]
        if newest.seq > billed and newest.invoice_id is not None:
            try_to_collect(office, newest.invoice_id, now)
        return self.get(sheet.id)

    def _known(self, session: Session, subscription_id: str) -> Subscription:
        subscription = store.subscription_by_id(session, subscription_id)
        if subscription is None:
            raise no_subscription(subscription_id)
        return subscription

    def _kept(
        self, session: Session, subscription: Subscription, kind: str, summary: str, now: datetime
    ) -> SubscriptionSheet:
        kept = keep(self._office, session, subscription, kind, summary, now)
        return subscription_sheet(session, kept)


# --- what follows from invoices --------------------------------------------------------------------


def invoice_paid(
    office: Office, session: Session, subscription_id: str, invoice_id: str, now: datetime
) -> None:
    """An invoice of a subscription is paid or came to nothing: one past due may be active again."""
    subscription = locked(session, subscription_id)
    if subscription.status == "past_due" and not store.has_failed_invoice(session, subscription_id):
        keep(
            office, session, subscription._replace(status="active"), "recovered",
            "nothing is past due any more", now, invoice_id=invoice_id,
        )  # fmt: skip


def invoice_failed(
    office: Office, session: Session, subscription_id: str, invoice_id: str, now: datetime
) -> None:
    """An invoice of a subscription could not be collected: an active one is past due."""
    subscription = locked(session, subscription_id)
    if subscription.status == "active":
        keep(
            office, session, subscription._replace(status="past_due"), "past_due",
            "its invoice could not be collected", now, invoice_id=invoice_id,
        )  # fmt: skip

"""What the tick does for subscriptions: renews, applies what waited, ends, pauses, resumes, reminds.

One step is one write block for one subscription, which is locked and looked at again inside it: two
processes that renew at once bill once, and whoever is killed leaves nothing half done. Periods that
were missed are billed one after the other, each as if it had been in time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from billdesk.core.operations.office import Office
from billdesk.core.operations.subscriptions.billing import open_period, total_of, why_unpayable
from billdesk.core.operations.subscriptions.terms import (
    keep,
    locked,
    next_terms_of,
    terms_of,
    with_next_terms,
    without_next_terms,
    zone_of,
)
from billdesk.core.rules.periods import day_of, index_at, period_bounds
from billdesk.core.rules.subscriptions import (
    RUNNING,
    Subscription,
    Terms,
    kind_of_change,
    period_line,
)
from billdesk.core.store import subscriptions as store
from billdesk.core.store.sessions import Session
from billdesk.core.values.clock import to_micros
from billdesk.core.values.errors import NotFound, Refused

REMINDER = timedelta(days=3)
"""So long before its end a trial is told of."""

_BATCH = 200
_MOST_STEPS = 2_000
"""In one run; the rest comes with the next tick."""


class Renewed(NamedTuple):
    """What a run did, in periods and subscriptions, and what went wrong, each told by its account."""

    renewed: int = 0
    paused: int = 0
    resumed: int = 0
    ended: int = 0
    errors: tuple[str, ...] = ()


def renew_due(office: Office, now: datetime) -> Renewed:
    """Do what is due for every subscription, in bounded steps; safe to repeat, and to interrupt."""
    run = _Run(office, now)
    run.remind()
    run.renew()
    run.resume()
    return Renewed(
        run.counts["renewed"],
        run.counts["paused"],
        run.counts["resumed"],
        run.counts["ended"],
        tuple(run.errors),
    )


class _Run:
    """One run: what it counted, and how many steps it may still do."""

    def __init__(self, office: Office, now: datetime) -> None:
        self.office, self.now = office, now
        self.counts = {"renewed": 0, "paused": 0, "resumed": 0, "ended": 0}
        self.errors: list[str] = []
        self.steps = _MOST_STEPS

    def remind(self) -> None:
        """Tell of each trial once that it ends soon."""
        after = store.START
        until = to_micros(self.now + REMINDER)
        while self.steps > 0:
            with self.office.database.read() as session:
                ending = store.ending_trials(session, until, after, min(_BATCH, self.steps))
            for _, subscription_id in ending:
                self.steps -= 1
                with self.office.database.write() as session:
                    remind(self.office, session, locked(session, subscription_id), self.now)
            if len(ending) < _BATCH:
                return
            after = ending[-1]

    def renew(self) -> None:
        """Take every running subscription to the period that covers this instant, or to its end."""
        after = store.START
        while self.steps > 0:
            with self.office.database.read() as session:
                due = store.due_subscriptions(session, to_micros(self.now), after, _BATCH)
            for _, subscription_id in due:
                while self.steps > 0 and self._step(subscription_id):
                    pass
            if len(due) < _BATCH:
                return
            after = due[-1]

    def resume(self) -> None:
        """Begin a period for each that waited for money and has enough of it now."""
        after = ""
        while self.steps > 0:
            with self.office.database.read() as session:
                waiting = store.waiting_subscriptions(session, after, _BATCH)
                payable = [each.id for each in waiting if can_resume(session, each, self.now)]
            for subscription_id in payable[: self.steps]:
                self._step(subscription_id)
            if len(waiting) < _BATCH:
                return
            after = waiting[-1].id

    def _step(self, subscription_id: str) -> bool:
        """One step of one subscription; whether there may be another one."""
        self.steps -= 1
        try:
            with self.office.database.write() as session:
                did = step(self.office, session, locked(session, subscription_id), self.now)
        except (Refused, NotFound) as error:
            self.errors.append(f"{subscription_id}: {error.message}")
            return False
        if did is None:
            return False
        self.counts[did.what] += 1
        return did.is_due_again


class Step(NamedTuple):
    """What was done for a subscription: renewed, paused, resumed or ended; and whether more is due."""

    what: str
    is_due_again: bool = False


def step(
    office: Office, session: Session, subscription: Subscription, now: datetime
) -> Step | None:
    """Do the next thing that is due for a locked subscription, if anything is.

    Raises Refused for what the catalog no longer says, NotFound.
    """
    if subscription.paid_by == "elsewhere":
        return None
    if subscription.status in RUNNING and subscription.period_until <= now:
        return _renew(office, session, subscription, now)
    if subscription.paused_why == "balance" and can_resume(session, subscription, now):
        begin_again(office, session, subscription, terms_of(session, subscription), now, "resumed")
        return Step("resumed")
    return None


def catch_up(office: Office, session: Session, subscription_id: str, now: datetime) -> Subscription:
    """A locked subscription with everything that was due for it done, in the open block."""
    subscription = locked(session, subscription_id)
    while subscription.status in RUNNING and step(office, session, subscription, now):
        subscription = locked(session, subscription_id)
    return subscription


def remind(office: Office, session: Session, subscription: Subscription, now: datetime) -> None:
    """Tell that a trial ends soon, unless that was told."""
    if subscription.status != "trialing" or subscription.trial_told_at is not None:
        return
    terms = next_terms_of(session, subscription)
    ends_on = day_of(subscription.period_until, zone_of(session))
    what = "and nothing follows" if subscription.cancel_at else f"then {terms.price} a period"
    keep(
        office,
        session,
        subscription._replace(trial_told_at=now),
        "trial_ending",
        f"{terms.words}: the trial ends on {ends_on}, {what}",
        now,
    )


def _renew(office: Office, session: Session, subscription: Subscription, now: datetime) -> Step:
    ends_at = subscription.period_until
    if subscription.cancel_at is not None and subscription.cancel_at <= ends_at:
        return _end(office, session, subscription, ends_at, "its period is over", now)
    if office.account(session, subscription.account_id).status == "closed":
        return _end(office, session, subscription, ends_at, "the account is closed", now)
    old, terms = terms_of(session, subscription), next_terms_of(session, subscription)
    kind = _kind_of_renewal(subscription, old, terms)
    subscription = with_next_terms(subscription)
    zone = zone_of(session)
    if terms.months != old.months:
        subscription = subscription._replace(anchor_on=day_of(ends_at, zone))
    index = index_at(subscription.anchor_on, terms.months, ends_at, zone)
    until = period_bounds(subscription.anchor_on, terms.months, index, zone)[1]
    line = period_line(terms, ends_at, until)
    why = why_unpayable(session, subscription, total_of((line,)))
    if why is not None:
        paused = subscription._replace(status="paused", paused_why="balance", paused_at=now)
        keep(office, session, paused, "paused", f"{terms.words}: {why}", now)
        return Step("paused")
    subscription, invoice_id = open_period(
        office, session, subscription, terms, (ends_at, until), now
    )
    if subscription.status == "trialing":
        subscription = subscription._replace(status="active")
    summary = f"{terms.words}: {terms.price} from {day_of(ends_at, zone)}"
    keep(office, session, subscription, kind, summary, now, invoice_id=invoice_id)
    return Step("renewed", is_due_again=until <= now)


def _kind_of_renewal(subscription: Subscription, old: Terms, new: Terms) -> str:
    if subscription.next_plan_code is not None:
        return kind_of_change(old, new)
    return "trial_ended" if subscription.is_in_trial else "renewed"


def _end(
    office: Office,
    session: Session,
    subscription: Subscription,
    at: datetime,
    why: str,
    now: datetime,
) -> Step:
    ended = canceled(subscription, at)
    keep(office, session, ended, "canceled", f"{terms_of(session, ended).words}: {why}", now)
    return Step("ended")


def canceled(subscription: Subscription, at: datetime) -> Subscription:
    """A subscription that is over since `at`."""
    return without_next_terms(subscription)._replace(
        status="canceled", cancel_at=None, canceled_at=at, paused_why=None, paused_at=None
    )


def can_resume(session: Session, subscription: Subscription, now: datetime) -> bool:
    """Whether one that waits for money has enough for a period that begins now."""
    line = period_line(terms_of(session, subscription), now, now)
    return why_unpayable(session, subscription, total_of((line,))) is None


def begin_again(
    office: Office,
    session: Session,
    subscription: Subscription,
    terms: Terms,
    now: datetime,
    kind: str,
) -> Subscription:
    """Let a locked subscription run on: in the period that it is in, or in a new one from today.

    A new period moves the anchor to today. Raises InsufficientFunds, WalletFrozen, AccountClosed.
    """
    subscription = subscription._replace(paused_why=None, paused_at=None, canceled_at=None)
    invoice_id = None
    if subscription.period_until <= now:
        zone = zone_of(session)
        today = day_of(now, zone)
        bounds = period_bounds(today, terms.months, 0, zone)
        subscription = subscription._replace(anchor_on=today)
        subscription, invoice_id = open_period(office, session, subscription, terms, bounds, now)
    status = _status_of_running(session, subscription)
    return keep(
        office,
        session,
        subscription._replace(status=status),
        kind,
        f"{terms.words}: {terms.price} a period",
        now,
        invoice_id=invoice_id,
    )


def _status_of_running(session: Session, subscription: Subscription) -> str:
    if subscription.is_in_trial:
        return "trialing"
    return "past_due" if store.has_failed_invoice(session, subscription.id) else "active"

"""Working out what the use of some accounts comes to: the same for a run and for its preview."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.rules.catalog import Plan
from billdesk.core.rules.usage_bills import Bill, Closed, closing_bill, correcting_bill
from billdesk.core.rules.usage_periods import (
    Stretch,
    UsagePeriod,
    ended_at,
    left_of,
    terms_at,
    usage_periods,
)
from billdesk.core.store.catalogs import plan_version
from billdesk.core.store.meta import read_meta
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage_runs import (
    Metered,
    closed_periods,
    meters_ever,
    quantities_of,
    stretches_of,
)
from billdesk.core.values.errors import Broken


class Owed(NamedTuple):
    """A bill, and the subscription it is for."""

    subscription: Metered
    bill: Bill


Parts = tuple[tuple[int, int], ...]
"""Stretches of time, each from an instant to another, microseconds."""


class _Due(NamedTuple):
    """A period to be closed (`closed` None) or looked at again.

    `shared` meters are counted by an older subscription of the account, too, and here when not there.
    """

    subscription: Metered
    period: UsagePeriod
    closed: tuple[Closed, ...] | None
    shared: Mapping[str, Parts]


class Pricer:
    """What is the same for a whole run: meters, versions of plans, the zone, who is late.

    `late` holds the leaders of accounts whose closed periods are looked at again, sorted; None: all.
    """

    def __init__(self, session: Session, until: int, late: array[int] | None) -> None:
        self._until = until
        self._late = late
        self._zone = ZoneInfo(read_meta(session)["zone"])
        self.meters = meters_ever(session)
        self._plans: dict[tuple[str, int], Plan] = {}

    def plan(self, session: Session, code: str, version: int) -> Plan:
        """A version of a plan that somebody is or was on."""
        known = self._plans.get((code, version))
        if known is None:
            known = plan_version(session, code, version)
            if known is None:
                raise Broken(f"version {version} of the plan {code} is gone")
            self._plans[code, version] = known
        return known

    def work_out(self, session: Session, subscriptions: Sequence[Metered]) -> list[Owed]:
        """The bills of some accounts (each one's subscriptions together): late use first, oldest first."""
        due = self._due(session, subscriptions)
        whole = {
            (each.subscription.account_id, each.period.since, each.period.until) for each in due
        }
        parts = {
            (each.subscription.account_id, *part)
            for each in due
            for some in each.shared.values()
            for part in some
        }
        used = quantities_of(session, sorted(whole | parts))
        owed = []
        for each in due:
            subscription, period, closed, shared = each
            plan = self.plan(session, period.plan_code, period.plan_version)
            whose = subscription.account_id
            quantities = used.get((whose, period.since, period.until), {})
            for meter, some in shared.items():
                quantities = {
                    **quantities,
                    meter: sum(used.get((whose, *part), {}).get(meter, 0) for part in some),
                }
            skipped = frozenset(meter for meter, some in shared.items() if not some)
            bill = (
                closing_bill(period, plan, self.meters, quantities, skipped)
                if closed is None
                else correcting_bill(period, plan, self.meters, quantities, closed)
            )
            if bill is not None and bill.lines:
                owed.append(Owed(subscription, bill))
        return owed

    def _due(self, session: Session, subscriptions: Sequence[Metered]) -> list[_Due]:
        together = Counter(each.leader for each in subscriptions)
        stretches = stretches_of(
            session,
            [each.id for each in subscriptions],
            {
                each.id: each.closed_until
                for each in subscriptions
                if together[each.leader] == 1 and not self._is_late(each.leader)
            },
        )
        closed = closed_periods(
            session, [each.id for each in subscriptions if self._is_late(each.leader)]
        )
        due = []
        for _, of_account in groupby(subscriptions, key=lambda each: each.leader):
            others: list[list[Stretch]] = []
            for each in of_account:
                begun = stretches.get(each.id, [])
                for period, meters in _look_again(begun, closed.get(each.id, ())):
                    shared = self._shared(session, others, period)
                    due.append(_Due(each, period, meters, shared))
                own = begun if each.canceled_at is None else ended_at(begun, each.canceled_at)
                months = usage_periods(own, self._zone, after=each.closed_until, end=self._until)
                due += [
                    _Due(each, period, None, self._shared(session, others, period))
                    for period in months
                ]
                others.append(own)
        return due

    def _is_late(self, leader: int) -> bool:
        if self._late is None:
            return True
        place = bisect_left(self._late, leader)
        return place < len(self._late) and self._late[place] == leader

    def _shared(
        self, session: Session, others: Sequence[Sequence[Stretch]], period: UsagePeriod
    ) -> dict[str, Parts]:
        """The meters that older subscriptions of the same account count, too: use is billed once.

        With the times that are left for this one.
        """
        overlapping = [
            each
            for stretches in others
            for each in stretches
            if each.since < period.until and period.since < each.until
        ]
        taken: dict[str, list[tuple[int, int]]] = {}
        for each in overlapping:
            for terms in self.plan(session, each.plan_code, each.plan_version).usage:
                taken.setdefault(terms.meter, []).append((each.since, each.until))
        return {meter: left_of(period.since, period.until, times) for meter, times in taken.items()}


def _look_again(
    stretches: Sequence[Stretch], closed: Sequence[Closed]
) -> Iterator[tuple[UsagePeriod, tuple[Closed, ...]]]:
    """Periods that were closed, with the terms they were closed by."""
    for since, some in groupby(closed, key=lambda each: each.since):
        meters = tuple(some)
        terms = terms_at(stretches, since)
        yield (
            UsagePeriod(since, meters[0].until, terms.plan_code, terms.plan_version, terms.trial),
            meters,
        )

"""What accounts have used in their present periods, beside what their plans include."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.rules import forecast as rules
from billdesk.core.rules.catalog import Meter, Plan, UsageTerms
from billdesk.core.rules.periods import day_of, period_bounds
from billdesk.core.rules.pricing import price_usage
from billdesk.core.rules.sheets import (
    ForecastSheet,
    MeterUseSheet,
    UsageDaySheet,
)
from billdesk.core.rules.thresholds import level_of, parts_of, share_percent
from billdesk.core.rules.usage_periods import UsagePeriod, usage_periods
from billdesk.core.rules.usage_rows import hour_of, hours_begin
from billdesk.core.store.catalogs import plan_version
from billdesk.core.store.meta import read_meta
from billdesk.core.store.sessions import Session
from billdesk.core.store.usage import (
    HOUR,
    PeriodKey,
    hour_quantities,
    period_quantities,
)
from billdesk.core.store.usage_alerts import Account, live_subscriptions_of
from billdesk.core.store.usage_runs import meters_ever, stretches_of
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.errors import Broken
from billdesk.core.values.money import Money
from billdesk.core.values.quantities import format_parts

HOURS_SHOWN = 48
PERIODS_TESTED = 6

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62


class MeterUse(NamedTuple):
    """One meter in an account's present period; microseconds, quantities in smallest parts.

    `terms` are those that hold it, None where no plan has any: then nothing is included, or all is.
    """

    account: Account
    meter: Meter
    subscription_id: str | None
    plan_code: str | None
    terms: UsageTerms | None
    trial: bool
    since: int
    until: int
    used: int
    asset: str

    @property
    def included(self) -> int | None:
        """What the plan includes."""
        return self.terms and parts_of(self.terms.included, self.meter.decimals)

    @property
    def share(self) -> int | None:
        """Whole percent of what is included."""
        return share_percent(self.used, self.included or 0)

    def cost_of(self, quantity: int) -> Money:
        """What so much of it costs in this period."""
        if self.terms is None or self.trial:
            return Money(0, self.asset)
        priced = price_usage(self.terms, quantity, self.meter.decimals)
        return Money(priced.amount_minor, self.asset)

    @property
    def cost(self) -> Money:
        """What it has cost so far."""
        return self.cost_of(self.used)

    def words(self, quantity: int) -> str:
        """A quantity as text in the meter's unit."""
        return format_parts(quantity, self.meter.decimals)


class AccountUse(NamedTuple):
    """An account's present period (that of its oldest subscription, else the month) and its meters."""

    account: Account
    subscription_id: str | None
    since: int
    until: int
    meters: tuple[MeterUse, ...]

    @property
    def key(self) -> str:
        """What alerts of the account as a whole are kept by."""
        return self.subscription_id or self.account.id


class _Slot(NamedTuple):
    """The subscription that counts a meter, and by which terms."""

    subscription_id: str | None
    period: UsagePeriod
    terms: UsageTerms | None


class Present:
    """The present of some accounts, read in one session at one instant (microseconds)."""

    def __init__(self, session: Session, now: int, default_asset: str) -> None:
        self._session = session
        self._now = now
        self._default_asset = default_asset
        self.zone = ZoneInfo(read_meta(session)["zone"])
        self.meters = meters_ever(session)
        self._plans: dict[tuple[str, int], Plan] = {}

    def of(self, accounts: Sequence[Account]) -> list[AccountUse]:
        """What each has used so far, meter by meter."""
        subscribed = self._slots(accounts)
        month = self._month()
        spans: dict[str, set[tuple[int, int]]] = {}
        for account in accounts:
            slots = subscribed.get(account.id, [])
            spans[account.id] = {(slot.period.since, slot.period.until) for slot in slots} or {
                (month.since, month.until)
            }
        used = self._used(spans)
        answer = []
        for account in accounts:
            slots = subscribed.get(account.id, [])
            first = slots[0] if slots else _Slot(None, month, None)
            meters = tuple(self._meters_of(account, slots, first, used))
            since, until = first.period.since, first.period.until
            answer.append(AccountUse(account, first.subscription_id, since, until, meters))
        return answer

    def forecast(self, use: MeterUse) -> ForecastSheet:
        """Where a meter will be at its period's end, and how far off the method was before."""
        since = day_of(from_micros(use.since), self.zone)
        until = day_of(from_micros(use.until - 1), self.zone) + timedelta(days=1)
        today = min(day_of(from_micros(self._now), self.zone), until - timedelta(days=1))
        past = [
            tuple(day_of(bound, self.zone) for bound in period_bounds(since, 1, -back, self.zone))
            for back in range(1, PERIODS_TESTED + 1)
        ]
        days = self._days(use, since, past[-1][0])
        tested = rules.backtested(days, [(span[0], span[1]) for span in past], (today - since).days)
        found = rules.forecast(days, (since, until), today, tested.error_permille)
        so_far, total = [], 0
        for number in range((today - since).days + 1):
            day = since + timedelta(days=number)
            total += days.get(day, 0)
            so_far.append(UsageDaySheet(day, days.get(day, 0), total))
        expected, total = [], found.used - days.get(today, 0)
        for day, quantity in found.expected:
            total += quantity
            expected.append(UsageDaySheet(day, quantity, total))
        permille = tested.error_permille
        return ForecastSheet(
            account_ref=use.account.ref,
            meter=use.meter.code,
            unit=use.meter.unit,
            decimals=use.meter.decimals,
            method=rules.METHOD,
            error_percent=None if permille is None else f"{permille // 10}.{permille % 10}",
            periods_tested=tested.periods,
            days=tuple(so_far),
            expected=tuple(expected),
            included=use.included,
            low=found.low,
            likely=found.likely,
            high=found.high,
            likely_cost=use.cost_of(found.likely),
        )

    def hours(self, use: MeterUse) -> tuple[int, ...]:
        """What was used in each of the last 48 hours, oldest first."""
        last = hour_of(self._now, hours_begin(self.zone))
        first = last - (HOURS_SHOWN - 1) * HOUR
        found = dict(
            hour_quantities(self._session, use.account.id, use.meter.code, first, last + HOUR)
        )
        return tuple(found.get(first + place * HOUR, 0) for place in range(HOURS_SHOWN))

    def sheet(self, use: MeterUse) -> MeterUseSheet:
        """A meter as the doors show it, without what takes long: hours and forecast."""
        included = use.included
        return MeterUseSheet(
            account_ref=use.account.ref,
            account_name=use.account.name,
            subscription_id=use.subscription_id,
            plan_code=use.plan_code,
            meter=use.meter.code,
            meter_name=use.meter.name,
            unit=use.meter.unit,
            period_since=from_micros(use.since),
            period_until=from_micros(use.until),
            used=use.words(use.used),
            included=None if included is None else use.words(included),
            over=use.words(0 if included is None else max(use.used - included, 0)),
            share=use.share,
            level=level_of(use.share),
            cost=use.cost,
        )

    def _slots(self, accounts: Sequence[Account]) -> dict[str, list[_Slot]]:
        """By account: its subscriptions' meters, each once, the oldest subscription's first."""
        subscriptions = live_subscriptions_of(self._session, [each.id for each in accounts])
        ids = [subscription_id for subscription_id, _ in subscriptions]
        stretches = stretches_of(self._session, ids) if ids else {}
        slots: dict[str, list[_Slot]] = {}
        for subscription_id, account_id in subscriptions:
            running = [
                each for each in stretches.get(subscription_id, ()) if each.until > self._now
            ]
            for period in usage_periods(running, self.zone, after=_BEFORE_ALL, end=_AFTER_ALL):
                if period.since <= self._now < period.until:
                    break
            else:
                continue  # paused, or not begun
            known = slots.setdefault(account_id, [])
            counted = {slot.terms.meter for slot in known if slot.terms}
            own = [
                _Slot(subscription_id, period, terms)
                for terms in self._plan(period).usage
                if terms.meter not in counted
            ]
            known += own or ([] if known else [_Slot(subscription_id, period, None)])
        return slots

    def _plan(self, period: UsagePeriod) -> Plan:
        key = (period.plan_code, period.plan_version)
        plan = self._plans.get(key) or plan_version(self._session, *key)
        if plan is None:
            raise Broken(f"version {key[1]} of the plan {key[0]} is gone")
        return self._plans.setdefault(key, plan)

    def _month(self) -> UsagePeriod:
        today = day_of(from_micros(self._now), self.zone)
        since, until = period_bounds(today.replace(day=1), 1, 0, self.zone)
        return UsagePeriod(to_micros(since), to_micros(until), "", 0, trial=False)

    def _used(self, spans: dict[str, set[tuple[int, int]]]) -> dict[tuple[str, int, int, str], int]:
        """By account, span and meter. Spans of one account that begin together are asked for in turn."""
        wanted = {PeriodKey(account, *span) for account, own in spans.items() for span in own}
        used = {}
        while wanted:
            some = {(key.account_id, key.since): key for key in wanted}
            found = period_quantities(self._session, sorted(some.values()))
            for (account, meter, since), sums in found.items():
                used[account, since, some[account, since].until, meter] = sums.quantity
            wanted -= set(some.values())
        return used

    def _meters_of(
        self,
        account: Account,
        slots: Sequence[_Slot],
        first: _Slot,
        used: dict[tuple[str, int, int, str], int],
    ) -> Iterator[MeterUse]:
        """What plans have terms for, and then what was used without any."""
        counted = set()
        for slot in slots:
            if slot.terms is not None:
                counted.add(slot.terms.meter)
                yield self._use(account, slot, slot.terms.meter, used)
        since, until = first.period.since, first.period.until
        for code in self.meters:
            if code not in counted and used.get((account.id, since, until, code)):
                yield self._use(account, first._replace(terms=None), code, used)

    def _use(
        self,
        account: Account,
        slot: _Slot,
        code: str,
        used: dict[tuple[str, int, int, str], int],
    ) -> MeterUse:
        period = slot.period
        return MeterUse(
            account=account,
            meter=self.meters[code],
            subscription_id=slot.subscription_id,
            plan_code=period.plan_code or None,
            terms=slot.terms,
            trial=period.trial,
            since=period.since,
            until=period.until,
            used=used.get((account.id, period.since, period.until, code), 0),
            asset=slot.terms.asset if slot.terms else self._default_asset,
        )

    def _days(self, use: MeterUse, since: date, oldest: date) -> dict[date, int]:
        """What was used day by day; what the period's first day used before it began is left out."""
        begin = use.since - (since - oldest).days * 24 * HOUR - 24 * HOUR
        days: dict[date, int] = {}
        for hour, quantity in hour_quantities(
            self._session, use.account.id, use.meter.code, begin, use.until
        ):
            day = day_of(from_micros(hour), self.zone)
            if hour >= use.since or day < since:
                days[day] = days.get(day, 0) + quantity
        return days

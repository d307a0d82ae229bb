"""What closing a month of use comes to, line by line, and what a closed one comes to when use is late.

A run and its preview both stand on this: the same lines, to the minor unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from billdesk.core.rules.catalog import Meter, Plan
from billdesk.core.rules.ledger import Leg, purpose_of
from billdesk.core.rules.pricing import Priced, price_usage
from billdesk.core.rules.usage_periods import UsagePeriod
from billdesk.core.values.money import CREDIT

FAILED = 0
"""The `seq` of a line that could not be billed."""
CLOSING = 1
"""The `seq` of the lines that close a period; those above are corrections."""

_FREE = Priced(0, 0, ())


class Closed(NamedTuple):
    """What a meter was billed for a closed period so far; `lines` is the last `seq`."""

    meter: str
    since: int
    until: int
    quantity: int
    amount_minor: int
    lines: int


class UsageLine(NamedTuple):
    """One meter of a bill.

    `quantity`, `billable` (smallest parts) and `amount_minor` are what comes on top of what was billed
    before; `total_quantity` and `total_minor` what the period then comes to.
    """

    meter: str
    quantity: int
    billable: int
    asset: str
    amount_minor: int
    detail: str
    total_quantity: int
    total_minor: int


class Bill(NamedTuple):
    """The lines that close one period of a subscription (`seq` 1) or correct it; microseconds."""

    since: int
    until: int
    seq: int
    plan_code: str
    plan_version: int
    lines: tuple[UsageLine, ...]


def closing_bill(
    period: UsagePeriod,
    plan: Plan,
    meters: Mapping[str, Meter],
    quantities: Mapping[str, int],
    skipped: frozenset[str] = frozenset(),
) -> Bill:
    """What a period comes to: one line for each meter that the plan has terms for.

    In a trial nothing is charged. `quantities` by meter, in its smallest part; `skipped` meters are
    billed by another subscription.
    """
    lines = []
    for terms in plan.usage:
        if terms.meter in skipped:
            continue
        quantity = quantities.get(terms.meter, 0)
        if period.trial:
            priced, detail = _FREE, "trial"
        else:
            priced = price_usage(terms, quantity, meters[terms.meter].decimals)
            detail = " + ".join(priced.parts)
        lines.append(
            UsageLine(
                terms.meter,
                quantity,
                priced.billable,
                terms.asset,
                priced.amount_minor,
                detail,
                quantity,
                priced.amount_minor,
            )
        )
    return Bill(
        period.since, period.until, CLOSING, period.plan_code, period.plan_version, tuple(lines)
    )


def correcting_bill(
    period: UsagePeriod,
    plan: Plan,
    meters: Mapping[str, Meter],
    quantities: Mapping[str, int],
    closed: Sequence[Closed],
) -> Bill | None:
    """What a closed period comes to more, or less, for use that was told since; None: all was billed.

    `closed` are the period's meters. One `seq` for all lines that are booked together.
    """
    lines = []
    for before in closed:
        quantity = quantities.get(before.meter, 0)
        terms = plan.terms(before.meter)
        if quantity == before.quantity or terms is None:
            continue
        decimals = meters[before.meter].decimals
        was, is_now = (
            (_FREE, _FREE)
            if period.trial
            else (
                price_usage(terms, before.quantity, decimals),
                price_usage(terms, quantity, decimals),
            )
        )
        lines.append(
            UsageLine(
                before.meter,
                quantity - before.quantity,
                is_now.billable - was.billable,
                terms.asset,
                is_now.amount_minor - before.amount_minor,
                f"{' + '.join(is_now.parts)} in all" if is_now.parts else "",
                quantity,
                is_now.amount_minor,
            )
        )
    if not lines:
        return None
    seq = max(before.lines for before in closed) + 1
    return Bill(
        period.since, period.until, seq, period.plan_code, period.plan_version, tuple(lines)
    )


def assets_of(bill: Bill) -> list[str]:
    """The assets in which a bill comes to anything, in the order of its lines."""
    return list(dict.fromkeys(line.asset for line in bill.lines if line.amount_minor))


def legs_of(bill: Bill, account: str, asset: str) -> tuple[Leg, ...]:
    """The legs of a bill's posting on the account's own wallet: one per meter, what is given back first."""
    lines = sorted(
        (line for line in bill.lines if line.asset == asset and line.amount_minor),
        key=lambda line: line.amount_minor > 0,
    )
    return tuple(
        Leg(account, purpose_of(asset), asset, -line.amount_minor, 0, revenue_of(line.meter))
        for line in lines
    )


def kind_of(asset: str) -> str:
    """The kind of entry by which use is paid for: credits are used, money is charged."""
    return "credit_use" if asset == CREDIT else "usage"


def revenue_of(meter: str) -> str:
    """The counterparty that earns the use of a meter."""
    return f"revenue:usage:{meter}"

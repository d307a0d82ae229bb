"""What a usage run comes to: counted batch by batch, and shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from billdesk.core.operations.usage.posting import Settled
from billdesk.core.rules.catalog import Meter
from billdesk.core.rules.sheets import UsageLineSheet, UsageRunSheet
from billdesk.core.rules.usage_bills import CLOSING, FAILED
from billdesk.core.store.usage_lines import LineRow
from billdesk.core.store.usage_runs import Run
from billdesk.core.values.clock import from_micros
from billdesk.core.values.money import Money
from billdesk.core.values.quantities import format_parts

Tally = dict[str, Any]


def new_tally(*, subscriptions: int, **marks: int) -> Tally:
    """A run's count at its beginning; `marks` is what it needs to go on after a kill."""
    counts = dict.fromkeys(("done", "periods", "lines", "corrections", "failed"), 0)
    return {"subscriptions": subscriptions, **counts, "totals": {}, **marks}


def add_up(tally: Tally, subscriptions: int, settled: Sequence[Settled]) -> Tally:
    """The count after some more subscriptions."""
    totals: dict[str, int] = dict(tally["totals"])
    periods = lines = corrections = 0
    stuck = set()
    for each in settled:
        if not each.is_booked:
            stuck.add(each.owed.subscription.account_id)
            continue
        bill = each.owed.bill
        shown = [line for line in bill.lines if line.quantity or line.amount_minor]
        lines += len(shown)
        periods += bill.seq == CLOSING
        corrections += 0 if bill.seq == CLOSING else len(shown)
        for line in shown:
            totals[line.asset] = totals.get(line.asset, 0) + line.amount_minor
    return {
        **tally,
        "done": tally["done"] + subscriptions,
        "periods": tally["periods"] + periods,
        "lines": tally["lines"] + lines,
        "corrections": tally["corrections"] + corrections,
        "failed": tally["failed"] + len(stuck),
        "totals": totals,
    }


def run_sheet(run: Run) -> UsageRunSheet:
    """A run as doors show it."""
    tally = run.summary
    return UsageRunSheet(
        id=run.id or None,
        reference=run.reference,
        status=run.status,
        until=from_micros(run.until),
        account_ref=run.account_ref,
        post_to=run.post_to,
        subscriptions=tally["subscriptions"],
        done=tally["done"],
        periods=tally["periods"],
        lines=tally["lines"],
        corrections=tally["corrections"],
        failed=tally["failed"],
        totals=tuple(Money(minor, asset) for asset, minor in sorted(tally["totals"].items())),
        actor=run.actor,
        started_at=from_micros(run.started_at),
        finished_at=None if run.finished_at is None else from_micros(run.finished_at),
    )


def stored_line_sheet(row: LineRow, meter: Meter) -> UsageLineSheet:
    """A line of a run as doors show it."""
    return UsageLineSheet(
        number=row.number,
        account_ref=row.account_ref,
        account_name=row.account_name,
        subscription_id=row.subscription_id,
        plan_code=row.plan_code,
        meter=row.meter,
        seq=row.seq,
        period_since=from_micros(row.period_since),
        period_until=from_micros(row.period_until),
        quantity=format_parts(row.quantity, meter.decimals),
        billable=format_parts(row.billable, meter.decimals),
        unit=meter.unit,
        amount=Money(row.amount_minor, row.asset),
        posting_id=row.posting_id,
        invoice_id=row.invoice_id,
        detail=row.detail,
    )


def previewed_line_sheets(each: Settled, meters: dict[str, Meter]) -> list[UsageLineSheet]:
    """The lines of a bill as they would be booked."""
    subscription, bill = each.owed
    rows = (
        LineRow(
            0,
            subscription.account_ref,
            subscription.account_name,
            subscription.id,
            bill.plan_code,
            line.meter,
            FAILED if each.failure else bill.seq,
            bill.since,
            bill.until,
            line.quantity,
            line.billable,
            line.asset,
            line.amount_minor,
            None,
            None,
            each.failure or line.detail,
        )
        for line in bill.lines
        if line.quantity or line.amount_minor
    )
    return [stored_line_sheet(row, meters[row.meter])._replace(number=None) for row in rows]

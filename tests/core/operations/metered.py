"""A desk that counts what its customers use: calls, and gigabytes to the thousandth."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from billdesk.core.desk import Desk
from billdesk.core.rules.catalog import (
    EMPTY,
    Catalog,
    Meter,
    Plan,
    PlanPrice,
    Schedule,
    UsageTerms,
)
from billdesk.core.rules.catalog_bodies import things_of, write_body
from billdesk.core.rules.catalog_changes import item_changes
from billdesk.core.rules.subscriptions import Subscription
from billdesk.core.store.catalogs import newest_versions, save_catalog
from billdesk.core.store.subscriptions import add_stretch, add_subscription
from billdesk.core.values.clock import to_micros

CALLS = Meter("calls", "API calls", "call", 0)
TRANSFER = Meter("transfer", "Data transfer", "GB", 3)
STARTER = Plan(
    "starter",
    1,
    "Starter",
    "platform",
    1,
    (PlanPrice("monthly", "USD", 2900),),
    (
        UsageTerms("calls", Decimal(1000), "per_unit", "USD", Decimal("0.10")),
        UsageTerms("transfer", Decimal(50), "per_unit", "USD", Decimal("0.05")),
    ),
)
METERED = EMPTY._replace(
    meters={"calls": CALLS, "transfer": TRANSFER},
    plans={"starter": STARTER},
    schedules={"monthly": Schedule("monthly", "Monthly", 1)},
)


def sell(desk: Desk, catalog: Catalog = METERED) -> None:
    """Apply a catalog."""
    wanted = {key: write_body(thing) for key, thing in things_of(catalog).items()}
    with desk._office.database.write() as session:
        changes = item_changes(newest_versions(session), wanted)
        save_catalog(
            session, changes, source="", digest=str(len(wanted)), actor="tester",
            at=to_micros(desk.now()),
        )  # fmt: skip


def hours(desk: Desk, account: str, meter: str) -> dict[datetime, int]:
    """What the roll-up says, hour by hour."""
    with desk._office.database.read() as session:
        rows = session.all(
            "SELECT h.hour, h.quantity, h.events FROM usage_hour h"
            " JOIN usage_stream s ON s.number = h.stream_number"
            " JOIN account a ON a.id = s.account_id WHERE a.ref = ? AND s.meter = ?",
            (account, meter),
        )
    epoch = datetime.fromisoformat("1970-01-01T00:00Z")
    return {epoch + timedelta(microseconds=hour): quantity for hour, quantity, _ in rows}


def difference(desk: Desk) -> list[tuple[int, int]]:
    """Streams and hours whose roll-up is not the sum of their events (naively, by one statement)."""
    with desk._office.database.read() as session:
        return [
            (row[0], row[1])
            for row in session.all(
                "SELECT stream_number, hour, sum(quantity), sum(events) FROM ("
                " SELECT stream_number, hour, quantity, events FROM usage_hour UNION ALL"
                " SELECT stream_number, at / 3600000000 * 3600000000, -quantity, -1 FROM usage_event"
                ") AS both_sides GROUP BY 1, 2 HAVING sum(quantity) <> 0 OR sum(events) <> 0"
            )
        ]


def subscribe(
    desk: Desk,
    account: str,
    since: date,
    until: date,
    *,
    anchor_on: date | None = None,
    plan: str = "starter",
    trial: bool = False,
    status: str = "active",
) -> str:
    """Put an account on a plan, paid from one day (UTC) to another; the subscription's id."""
    now = desk.now()
    begin, end = (datetime.combine(day, time(), UTC) for day in (since, until))
    subscription = Subscription(
        id=desk._office.ids.make("sub", now),
        account_id=desk.accounts.get(account).id,
        account_ref=account,
        account_name="",
        reference=None,
        plan_code=plan,
        plan_version=1,
        schedule="monthly",
        quantity=1,
        asset="USD",
        paid_by="wallet",
        status=status,
        anchor_on=anchor_on or since,
        period_seq=1,
        period_since=begin,
        period_until=end,
        trial_until=end if trial else None,
        **dict.fromkeys(
            "trial_told_at cancel_at canceled_at paused_why paused_at next_plan_code"
            " next_plan_version next_schedule next_quantity gateway mode external_id".split()
        ),
        memo="",
        actor="tester",
        created_at=now,
        changed_at=now,
    )
    with desk._office.database.write() as session:
        add_subscription(session, subscription)
        add_stretch(session, subscription, begin, now, trial=trial, invoice_id=None)
    return subscription.id

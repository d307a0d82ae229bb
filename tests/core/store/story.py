"""A short business story that leaves something in every corner of a ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from billdesk.core.desk import Desk
from billdesk.core.values.clock import MovingClock

NOT_BILLING = timedelta(minutes=7)


class Told(NamedTuple):
    """What the story's postings are called."""

    charge: str
    noted: str
    refund: str
    hold: str


def tell(desk: Desk, clock: MovingClock) -> Told:
    """Two customers, dollars and credits, charges, holds, a refund, a freeze and a refusal."""
    desk.accounts.add("acme", name="Acme Ltd", email="ann@acme.example")
    desk.accounts.add("zoe", name="Café Zoë")
    desk.adjustments.credit("acme", "100.00", memo="opening balance of Acme")
    desk.adjustments.credit("acme", "500 CREDIT", memo="a promotional grant")
    clock.advance(NOT_BILLING)
    desk.adjustments.credit("zoe", "50.00", memo="opening balance of Zoë")
    charge = desk.charges.create("acme", "12.50", reference="lead:1").id
    clock.advance(NOT_BILLING)
    noted = desk.charges.create(
        "acme",
        "7.25",
        reference="lead:2",
        subject="Roof repair – Łódź",
        memo="shown to three others",
        to="revenue:lead",
        happened_at=clock.now() - timedelta(days=2),
    ).id
    desk.charges.create("acme", "20 CREDIT", reference="lead:3")
    desk.charges.create("zoe", "1.00", reference="lead:4", subject="Tiles")
    hold = desk.holds.place("acme", "30.00", reference="job:1", subject="Scaffold").id
    clock.advance(NOT_BILLING)
    refund = desk.refunds.create(noted, memo="the lead was a duplicate").id
    desk.holds.capture(hold, "25.00")
    kept = desk.holds.place("zoe", "5.00", reference="job:2").id
    desk.holds.release(kept)
    desk.wallets.freeze("zoe", memo="a dispute is open", cause="dispute")
    desk.charges.create("acme", "3.00", reference="lead:5", subject="Gutter")
    return Told(charge, noted, refund, hold)

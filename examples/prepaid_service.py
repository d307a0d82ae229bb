"""A prepaid service: customers pay in, every use is charged, and who has nothing left is told why.

    python prepaid_service.py

The sandbox stands for a payment gateway; a moving clock stands for the days that pass.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from billdesk import Desk, Refused, create_ledger
from billdesk.core.values.clock import MovingClock

CALLS = ["Oslo", "Lima", "Pune", "Bonn", "Turku"]


def serve(desk: Desk, customer: str, number: int, city: str) -> None:
    """Charge one call, once: a call that is billed again by mistake changes nothing."""
    try:
        charge = desk.charges.create(
            customer, "6.00", reference=f"call:{number}", subject=f"call to {city}"
        )
    except Refused as refusal:
        print(f"call to {city}: refused, {refusal.message}")
    else:
        again = " (billed before)" if charge.replayed else ""
        print(f"call to {city}: {charge.balance_after} left{again}")


def main(path: str) -> None:
    """Two days of a small telephone company."""
    clock = MovingClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
    with create_ledger(path, clock=clock) as desk:
        desk.accounts.add("ann", name="Ann Telford", email="ann@example.com")
        payment = desk.deposits.start("ann", "20.00")
        print(f"to be paid at {payment.pay_url}")

        clock.advance(timedelta(seconds=5))
        print(f"deposits found by asking the gateway: {desk.tick().deposits}")

        for number, city in enumerate(CALLS):
            serve(desk, "ann", number, city)
        serve(desk, "ann", 0, CALLS[0])

        standing = desk.standing.why("ann", needs="6.00")
        for reason in standing.reasons:
            print(f"why: {reason.text}; to lift it, {reason.remedy}")

        clock.advance(timedelta(days=1))
        for entry in desk.ledger.entries("ann").rows:
            print(f"{entry.recorded_at:%Y-%m-%d} {entry.kind:8} {entry.amount!s:>12}")
        print(f"verified: {'sound' if desk.verify().ok else 'NOT SOUND'}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(str(Path(folder) / "calls.ledger"))

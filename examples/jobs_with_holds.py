"""Jobs whose price is known only at their end: money is held before, and charged after.

    python jobs_with_holds.py

A hold cannot be spent twice. A job that takes less gives the rest back, one that takes more than
there is leaves a debt, which the next money that comes in settles.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from billdesk import Desk, InsufficientFunds, create_ledger
from billdesk.core.values.clock import MovingClock


def show(desk: Desk, what: str) -> None:
    """One line about the customer's money."""
    sheet = desk.wallets.balance("lab")
    word = desk.standing.why("lab").word
    print(f"{what:36} balance {sheet.balance!s:>10}  available {sheet.available!s:>10}  {word}")


def main(path: str) -> None:
    """A morning in a render farm."""
    clock = MovingClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
    with create_ledger(path, clock=clock) as desk:
        desk.accounts.add("lab", name="Light Lab")
        desk.adjustments.credit("lab", "100.00", memo="paid by bank transfer")
        show(desk, "paid in")

        film = desk.holds.place("lab", "60.00", reference="job:film", subject="a film")
        show(desk, "60.00 held for the film")
        try:
            desk.holds.place("lab", "60.00", reference="job:still")
        except InsufficientFunds as refusal:
            print(f"a second job has to wait: {refusal.message}")

        desk.holds.capture(film.id, "45.00")
        show(desk, "the film took 45.00")

        lost = desk.holds.place("lab", "30.00", reference="job:lost", lasts=timedelta(hours=1))
        show(desk, "30.00 held for a job that crashes")
        clock.advance(timedelta(hours=1))
        show(desk, "an hour later")
        desk.tick()
        print(f"the hold of the job that crashed is {desk.holds.get(lost.id).status}")

        series = desk.holds.place("lab", "55.00", reference="job:series")
        captured = desk.holds.capture(series.id, "70.00")
        show(desk, f"the series took 70.00, {captured.shortfall} short")

        desk.adjustments.credit("lab", "40.00", memo="paid by bank transfer")
        show(desk, "40.00 paid in, the debt settled")
        print(f"verified: {'sound' if desk.verify().ok else 'NOT SOUND'}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(str(Path(folder) / "jobs.ledger"))

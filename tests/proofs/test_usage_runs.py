"""A usage run killed again and again comes to the same books as one that nobody disturbed."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from billdesk.core.desk import Desk, open_desk
from tests.core.operations.metered import sell
from tests.core.operations.rated import months, subscribe
from tests.new_ledger import make_ledger
from tests.proofs.conftest import HERE, MEMO

FIRST = date(2026, 1, 1)
SIGKILL = -9
BOOKS = (
    """SELECT subscription_id, meter, period_since, seq, quantity, billable, amount_minor
    FROM usage_line WHERE seq > 0""",
    """SELECT subscription_id, meter, since, until, quantity, amount_minor, lines FROM usage_period""",
    """SELECT p.reference, e.kind, e.amount_minor, e.balance_after, e.counterparty, e.seq
    FROM entry e JOIN posting p ON p.number = e.posting_number WHERE e.kind = 'usage'""",
    """SELECT a.ref, w.balance_minor FROM wallet w JOIN account a ON a.id = w.account_id""",
    """SELECT a.ref, i.status, i.subtotal_minor, i.invoice_number
    FROM invoice i JOIN account a ON a.id = i.account_id""",
)


def furnish(desk: Desk, accounts: int) -> None:
    """Customers with three months of use; every tenth of them has no money."""
    sell(desk)
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    events = []
    for number in range(accounts):
        ref = f"a{number}"
        desk.accounts.add(ref, name=ref)
        if number % 10:
            desk.adjustments.credit(ref, "1000.00", memo=MEMO)
        subscribe(desk, ref, months(FIRST, 3))
        chance = random.Random(number)
        for place in range(12):
            at = begins + timedelta(days=chance.randrange(89), hours=chance.randrange(24))
            meter = chance.choice(["calls", "transfer"])
            events.append((ref, meter, chance.randrange(900), f"{ref}:{place}", at))
    assert desk.usage.record_many(events).new == len(events)


def books(desk: Desk) -> list[list[tuple[Any, ...]]]:
    """What was billed and what it came to, without names that chance gave."""
    with desk._office.database.read() as session:
        return [sorted(session.all(sql)) for sql in BOOKS]


def work(url: str, *words: str | int) -> int:
    """Let a process of its own go on with the run; how it ended."""
    command = [sys.executable, str(HERE / "usage_run_worker.py"), url, *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, timeout=120).returncode


@pytest.mark.parametrize("post_to", ["wallet", "invoice"])
@pytest.mark.parametrize(
    ("accounts", "kills"), [(30, 2), pytest.param(300, 60, marks=pytest.mark.soak)]
)
def test_a_run_that_is_killed_again_and_again_comes_to_the_same_books(
    live: Desk, ledger_url: str, tmp_path: Path, post_to: str, accounts: int, kills: int
) -> None:
    furnish(live, accounts)
    make_ledger(str(tmp_path / "twin"))
    with open_desk(str(tmp_path / "twin"), actor="worker") as twin:
        furnish(twin, accounts)
        undisturbed = twin.usage_runs.run(post_to=post_to)
        expected = books(twin)
    chance = random.Random()
    run: list[str] = []
    for kill in range(kills):
        moment = ("between", "inside")[kill % 2]
        # Three ids are made on the way to the first batch of a new run, none of a resumed one.
        count = chance.randint(1, 2) + (1 if moment == "inside" and not run else 0)
        assert work(ledger_url, post_to, 3, moment, count, *run) == SIGKILL
        with live._office.database.write() as session:
            session.run("UPDATE usage_run SET lease_until = 1")  # half a minute goes by
        run = [str(live.usage_runs.list().rows[0].id)]
        assert live.verify().findings == ()
    assert work(ledger_url, post_to, 3, "never", 0, *run) == 0
    [sheet] = live.usage_runs.list().rows
    assert books(live) == expected
    for name in ("status", "done", "periods", "lines", "failed", "totals"):
        assert getattr(sheet, name) == getattr(undisturbed, name)
    assert live.verify().findings == ()

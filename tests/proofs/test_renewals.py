"""Killed in the middle of renewals, or renewing side by side: each period is billed once, in order."""

import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import MovingClock, format_instant
from tests.core.operations.subscribed import Club
from tests.new_ledger import START
from tests.proofs.conftest import HERE, told_by

PERIODS = 4
"""The one that was begun, and three that were missed."""


def worker(url: str, instant: str) -> subprocess.Popen[str]:
    """A process that renews, from the moment at which it is ready."""
    process = subprocess.Popen(
        [sys.executable, HERE / "renewing_worker.py", url, instant],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def subscribed(desk: Desk, clock: MovingClock, folder: Path, accounts: int) -> Club:
    """Accounts that are on plans since January, some by the wallet, some by invoice."""
    club = Club(desk, clock, folder)
    for number in range(accounts):
        ref = f"a{number}"
        desk.accounts.add(ref, name="A Ltd")
        if number % 2:
            desk.subscriptions.create(ref, "small", paid_by="invoice")
        else:
            desk.adjustments.credit(ref, "500.00", memo="for a proof of the desk")
            desk.subscriptions.create(ref, "pro")
    return club


def each_once(desk: Desk) -> bool:
    """Whether every period is billed; every one that is, is so once and in order."""
    sheets = desk.subscriptions.list(limit=1000).rows
    for sheet in sheets:
        periods = desk.subscriptions.periods(sheet.id)
        assert [each.seq for each in periods] == list(range(1, sheet.period_seq + 1))
        assert all(a.until == b.since for a, b in pairwise(periods))
        assert len({each.invoice_id for each in periods}) == len(periods)
    billed = sum(sheet.period_seq for sheet in sheets)
    assert len(desk.invoices.list(limit=1000).rows) == billed
    return billed == PERIODS * len(sheets)


@pytest.mark.parametrize(
    ("accounts", "kills"), [(20, 3), pytest.param(200, 40, marks=pytest.mark.soak)]
)
def test_killed_while_it_renews_it_bills_each_period_once(
    ledger_url: str, tmp_path: Path, accounts: int, kills: int
) -> None:
    clock, chance = MovingClock(START), random.Random()
    with open_desk(ledger_url, clock=clock, actor="tester") as desk:
        club = subscribed(desk, clock, tmp_path, accounts)
        instant = format_instant(club.go_to("2026-04-20"))
        for _ in range(kills):
            process = worker(ledger_url, instant)
            time.sleep(chance.uniform(0, 0.15))
            process.kill()
            told_by(process)
            each_once(desk)
            assert desk.verify().findings == ()
        process = worker(ledger_url, instant)
        _, errors = told_by(process)
        assert errors == ""
        assert each_once(desk)
        assert desk.invoices.audit().is_clean
        assert desk.verify().findings == ()


@pytest.mark.parametrize(
    ("accounts", "count"), [(16, 3), pytest.param(200, 8, marks=pytest.mark.soak)]
)
def test_processes_that_renew_at_once_bill_each_period_once(
    ledger_url: str, tmp_path: Path, accounts: int, count: int
) -> None:
    clock = MovingClock(START)
    with open_desk(ledger_url, clock=clock, actor="tester") as desk:
        club = subscribed(desk, clock, tmp_path, accounts)
        instant = format_instant(club.go_to("2026-04-20"))
        workers = [worker(ledger_url, instant) for _ in range(count)]
        told = [told_by(process) for process in workers]
        assert [errors for _, errors in told] == [""] * count
        renewed = [tuple(map(int, out.split())) for out, _ in told]
        assert sum(each[0] for each in renewed) == (PERIODS - 1) * accounts
        assert sum(each[1] for each in renewed) == 0
        assert each_once(desk)
        assert desk.invoices.audit().is_clean
        assert desk.verify().findings == ()

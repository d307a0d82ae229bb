"""Numbers of invoices have no gap: not by eight processes at once, not by kills at any moment."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import InvoiceSheet
from tests.proofs.conftest import HERE, fund, race, told_by

PROCESSES = 8
WORKER = "invoicing_worker.py"
ACCOUNTS = ["a0", "a1", "a2"]
LONGEST_SECONDS = 0.5


def finalized(desk: Desk) -> list[InvoiceSheet]:
    """Every invoice and credit note that has a number."""
    found: list[InvoiceSheet] = []
    after = None
    while True:
        page = desk.invoices.list(after=after, limit=10_000)
        found += [sheet for sheet in page.rows if sheet.invoice_number]
        after = page.after
        if after is None:
            return found


def check(desk: Desk, acknowledged: list[str]) -> None:
    """What was acknowledged stands, each number once, none is missing, and all else agrees."""
    numbers = [sheet.invoice_number or "" for sheet in finalized(desk)]
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= set(numbers)
    for prefix in ("INV-", "CN-"):
        of_series = sorted(number for number in numbers if number.startswith(prefix))
        assert of_series == [f"{prefix}{place:06}" for place in range(1, len(of_series) + 1)]
    assert desk.invoices.audit().problems == ()
    assert desk.verify().findings == ()


@pytest.mark.parametrize("count", [12, pytest.param(250, marks=pytest.mark.soak)])
def test_eight_processes_at_once_number_without_a_gap(
    live: Desk, ledger_url: str, count: int
) -> None:
    fund(live, ACCOUNTS, "1000")
    answers = race(WORKER, [[ledger_url, f"p{number}", str(count)] for number in range(PROCESSES)])
    given = [number for answer in answers for number in answer]
    check(live, given)
    assert len(given) == len(finalized(live)) == PROCESSES * count


def numbers_until_killed(url: str, names: list[str], chance: random.Random) -> list[str]:
    """Let workers issue, kill them without warning, and read what was acknowledged to them."""
    workers = [
        subprocess.Popen(
            [sys.executable, HERE / WORKER, url, name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    lines: list[str] = []
    try:
        for worker in workers:
            assert worker.stdout is not None
            lines.append(worker.stdout.readline())
        time.sleep(chance.uniform(0, LONGEST_SECONDS))
    finally:
        for worker in workers:
            worker.kill()
    for worker in workers:
        told, errors = told_by(worker)
        assert errors == ""
        lines += told.splitlines(keepends=True)
    return [line.strip() for line in lines if line.endswith("\n")]


@pytest.mark.parametrize("rounds", [2, pytest.param(60, marks=pytest.mark.soak)])
def test_a_killed_process_leaves_no_gap_and_all_it_acknowledged(
    live: Desk, ledger_url: str, rounds: int
) -> None:
    fund(live, ACCOUNTS, "1000")
    chance = random.Random()
    acknowledged: list[str] = []
    for number in range(rounds):
        names = [f"r{number}w{worker}" for worker in range(2)]
        acknowledged += numbers_until_killed(ledger_url, names, chance)
        check(live, acknowledged)
    assert len(acknowledged) >= rounds * 2

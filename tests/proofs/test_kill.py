"""Killed at a random moment, the ledger is sound, and every acknowledged charge is in it."""

import random
import subprocess
import sys
import time

import pytest

from billdesk.core.desk import Desk
from tests.proofs.conftest import HERE, MEMO, fund, told_by

WORKERS = 2
LONGEST_SECONDS = 0.5


def acknowledged_until_killed(
    url: str, names: list[str], chance: random.Random, *words: str
) -> list[str]:
    """Let workers charge, kill them without warning, and read what was acknowledged to them."""
    workers = [
        subprocess.Popen(
            [sys.executable, HERE / "killed_worker.py", url, name, *words],
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
    # A line without its end was being written when the kill came.
    return [line.strip() for line in lines if line.endswith("\n")]


@pytest.mark.parametrize("rounds", [3, pytest.param(200, marks=pytest.mark.soak)])
def test_a_killed_process_leaves_a_sound_ledger_with_all_it_acknowledged(
    live: Desk, ledger_url: str, rounds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    fund(live, ["acme"], "1000000")
    chance = random.Random()
    acknowledged: list[str] = []
    for number in range(rounds):
        names = [f"r{number}w{worker}" for worker in range(WORKERS)]
        acknowledged += acknowledged_until_killed(ledger_url, names, chance)
        assert live.verify().findings == ()
    found = {
        reference
        for reference in acknowledged
        if live.ledger.entries(reference=reference, limit=1).rows
    }
    with capsys.disabled():
        sys.stdout.write(
            f"\n{live.info.kind}: {rounds} rounds, {len(acknowledged)} charges acknowledged,"
            f" {len(found)} found\n"
        )
    assert len(acknowledged) >= rounds * WORKERS
    assert found == set(acknowledged)


@pytest.mark.parametrize("rounds", [2, pytest.param(60, marks=pytest.mark.soak)])
def test_a_killed_process_leaves_lots_in_step_with_what_they_paid_for(
    live: Desk, ledger_url: str, rounds: int
) -> None:
    live.accounts.add("acme", name="Acme")
    for priority in (10, 20, 30):
        live.credits.grant("acme", 30_000, memo=MEMO, priority=priority)
    chance = random.Random()
    acknowledged = []
    for number in range(rounds):
        names = [f"r{number}w{worker}" for worker in range(WORKERS)]
        acknowledged += acknowledged_until_killed(ledger_url, names, chance, "CREDIT")
        assert live.verify().findings == ()
    sheet = live.credits.get("acme")
    # What was done but not told yet before the kill came is in the ledger, too.
    assert 90_000 - sheet.balance >= len(acknowledged) >= rounds * WORKERS
    assert sheet.used_this_period == 90_000 - sheet.balance

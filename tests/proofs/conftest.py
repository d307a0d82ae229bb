"""New ledgers on either database, and workers: processes of their own that charge them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from billdesk.core.desk import Desk, open_desk
from tests.core.conftest import clock, desk, ledger_url, sqlite_template, sqlite_url

__all__ = ["clock", "desk", "ledger_url", "sqlite_template", "sqlite_url"]

HERE = Path(__file__).parent
PATIENCE_SECONDS = 240
MEMO = "money for a proof"


@pytest.fixture
def live(ledger_url: str) -> Iterator[Desk]:
    """A desk on the machine's own clock."""
    with open_desk(ledger_url, actor="tester") as live:
        yield live


def told_by(process: subprocess.Popen[str]) -> tuple[str, str]:
    """All that a process says and what went wrong, until it ends.

    `communicate` would lose what was read along with a first line. One that does not end is killed.
    """
    too_late = threading.Timer(PATIENCE_SECONDS, process.kill)
    too_late.start()
    try:
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            return process.stdout.read(), process.stderr.read()
    finally:
        too_late.cancel()


def race(script: str, jobs: Sequence[Sequence[str]]) -> list[Any]:
    """Start one worker per job, let all go at the same moment, and read what each tells."""
    workers = [
        subprocess.Popen(
            [sys.executable, HERE / script, *job],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for job in jobs
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n", worker.communicate()[1]
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        told = [worker.communicate(timeout=PATIENCE_SECONDS) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert [errors for _, errors in told] == [""] * len(workers)
    return [json.loads(answer) for answer, _ in told]


def fund(desk: Desk, refs: Sequence[str], amount: str) -> None:
    """Accounts with money."""
    for ref in refs:
        desk.accounts.add(ref, name=ref.title())
        desk.adjustments.credit(ref, amount, memo=MEMO)

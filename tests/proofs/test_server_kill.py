"""The Postgres server itself is killed: what it had acknowledged is there when it comes back."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from billdesk.core.desk import create_ledger
from billdesk.core.values.errors import StoreGone
from tests.postgres_server import NoPostgresError
from tests.proofs.conftest import HERE, fund, told_by
from tests.proofs.killed_server import PROCESSES, KilledServer

WORKERS = 2
LONGEST_SECONDS = 0.5


@pytest.fixture
def server() -> Iterator[KilledServer]:
    """A server that only this test uses."""
    if not PROCESSES.is_dir():
        pytest.skip("the processes of a server cannot be told here")
    try:
        server = KilledServer()
    except NoPostgresError as absent:
        pytest.skip(str(absent))
    try:
        yield server
    finally:
        server.close()


def acknowledged_until_killed(server: KilledServer, names: list[str]) -> list[str]:
    """Let workers charge, kill their server, and read what was acknowledged to them."""
    workers = [
        subprocess.Popen(
            [sys.executable, HERE / "killed_worker.py", server.url, name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        time.sleep(random.uniform(0, LONGEST_SECONDS))
        server.kill()
        told = [told_by(worker) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    for _, errors in told:
        assert StoreGone.__name__ in errors.splitlines()[-1]
    return [f"{name}:0" for name in names] + [
        line for answer, _ in told for line in answer.splitlines()
    ]


@pytest.mark.parametrize("rounds", [1, pytest.param(50, marks=pytest.mark.soak)])
def test_a_killed_server_comes_back_with_all_it_acknowledged(
    server: KilledServer, rounds: int
) -> None:
    with create_ledger(server.url, actor="tester") as desk:
        fund(desk, ["acme"], "1000000")
        acknowledged: list[str] = []
        for number in range(rounds):
            names = [f"r{number}w{worker}" for worker in range(WORKERS)]
            acknowledged += acknowledged_until_killed(server, names)
            with pytest.raises(StoreGone):
                desk.charges.create("acme", "0.01", reference=f"nobody hears {number}")
            server.start()
            for _ in range(10):  # each connection that was lost is told once
                with suppress(StoreGone):
                    desk.ledger.pulse()
            assert desk.verify().findings == ()
        lost = [
            reference
            for reference in acknowledged
            if not desk.ledger.entries(reference=reference, limit=1).rows
        ]
        assert lost == []
        assert len(acknowledged) > rounds * WORKERS
        assert not desk.ledger.entries(reference="nobody hears 0", limit=1).rows

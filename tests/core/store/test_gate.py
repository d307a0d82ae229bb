"""One writer at a time, in turn, and nobody waits for one who is gone."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from billdesk.core.store.gate import TURN_SECONDS, WriteGate
from billdesk.core.values.errors import StoreBusy, StoreError
from tests.core.store.other_process import HOLD_GATE, holding, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no flock")

SHORT_SECONDS = 0.2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the lock file lies."""
    return tmp_path / "desk.ledger.lock"


@pytest.fixture
def gate(path: Path) -> Iterator[WriteGate]:
    """A gate with a short deadline."""
    gate = WriteGate(path, SHORT_SECONDS)
    yield gate
    gate.close()


def free(path: Path) -> bool:
    """Whether another process gets the lock at once."""
    program = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("taken")
else:
    print("free")
"""
    return run(program, str(path)) == "free\n"


def free_now(path: Path) -> bool:
    """Whether one who asks at this moment gets the lock."""
    file = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def write_beside_another(gate: WriteGate, path: Path) -> None:
    """One write that had to wait for somebody else's."""
    file = os.open(path, os.O_CREAT | os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    threading.Timer(0.02, os.close, (file,)).start()
    gate.enter()
    gate.leave()


def write_in_a_turn(gate: WriteGate, path: Path) -> None:
    """Two writes, one right after the other, while others write too."""
    write_beside_another(gate, path)
    gate.enter()
    gate.leave()


def test_whoever_is_inside_keeps_other_processes_out(gate: WriteGate, path: Path) -> None:
    gate.enter()
    assert not free(path)
    gate.leave()
    assert free(path)


def test_a_lock_that_cannot_be_opened_is_told_and_keeps_nobody_waiting(
    gate: WriteGate, path: Path
) -> None:
    path.mkdir()
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot be opened"):
            gate.enter()
    path.rmdir()
    gate.enter()
    assert not free_now(path)
    gate.leave()


def test_a_wait_ends_at_the_deadline(gate: WriteGate, path: Path) -> None:
    with holding(HOLD_GATE, str(path)):
        started = time.monotonic()
        with pytest.raises(StoreBusy, match="another process") as refusal:
            gate.enter()
        assert SHORT_SECONDS <= time.monotonic() - started < SHORT_SECONDS + 2
        assert refusal.value.retry
        with pytest.raises(StoreBusy):
            gate.enter()
    gate.enter()
    gate.leave()


def test_a_waiter_that_gave_up_does_not_get_the_lock_afterwards(
    gate: WriteGate, path: Path
) -> None:
    with holding(HOLD_GATE, str(path)), pytest.raises(StoreBusy):
        gate.enter()
    until = time.monotonic() + 5
    while not free(path):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_killed_holder_frees_the_gate(path: Path) -> None:
    gate = WriteGate(path, 30)
    with holding(HOLD_GATE, str(path)) as process:
        threading.Timer(SHORT_SECONDS, process.kill).start()
        gate.enter()
        assert not free(path)
        gate.leave()
        assert free(path)
        # It had to wait, so it queues the next time, and gets in at once.
        gate.enter()
        gate.leave()
    gate.close()


def test_a_thread_waits_for_another_no_longer_than_the_deadline(gate: WriteGate) -> None:
    inside = threading.Event()
    done = threading.Event()

    def stay() -> None:
        gate.enter()
        inside.set()
        done.wait(30)
        gate.leave()

    thread = threading.Thread(target=stay)
    thread.start()
    inside.wait(30)
    with pytest.raises(StoreBusy, match="this program"):
        gate.enter()
    done.set()
    thread.join()
    gate.enter()
    gate.leave()


def test_an_interrupted_wait_leaves_nothing_behind(gate: WriteGate, path: Path) -> None:
    class InterruptedWait(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise InterruptedWait

    patient = WriteGate(path, 30)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with holding(HOLD_GATE, str(path)):
            signal.setitimer(signal.ITIMER_REAL, SHORT_SECONDS)
            with pytest.raises(InterruptedWait):
                patient.enter()
        until = time.monotonic() + 5
        while not free(path):
            assert time.monotonic() < until
            time.sleep(0.01)
        patient.enter()
        assert not free(path)
        patient.leave()
    finally:
        signal.signal(signal.SIGALRM, before)
        patient.close()


def test_an_interrupted_wait_lets_go_of_what_it_just_got(path: Path) -> None:
    class InterruptedWait(Exception):
        pass

    patient = WriteGate(path, 30)
    with holding(HOLD_GATE, str(path)) as holder:

        def interrupt(*_: object) -> None:
            holder.kill()
            waiter = patient._waiter
            assert waiter is not None
            while not waiter._locked:
                time.sleep(0.01)
            raise InterruptedWait

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, SHORT_SECONDS)
            with pytest.raises(InterruptedWait):
                patient.enter()
        finally:
            signal.signal(signal.SIGALRM, before)
    assert free(path)
    patient.close()


def test_two_processes_take_turns(path: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from billdesk.core.store.gate import TURN_SECONDS, WriteGate
gate = WriteGate(Path(sys.argv[1]), 30)
print("held", flush=True)
sys.stdin.readline()
for _ in range(100):
    gate.enter()
    with open(sys.argv[2], "a") as log:
        log.write(sys.argv[3] + "\\n")
    time.sleep(0.001)
    gate.leave()
"""
    log = path.with_name("log")
    with (
        holding(program, str(path), str(log), "a") as one,
        holding(program, str(path), str(log), "b") as other,
    ):
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        one.wait(60)
        other.wait(60)
    turns = log.read_text().split()
    assert sorted(turns) == ["a"] * 100 + ["b"] * 100
    # When the first has had all its turns, the second has had many; a polled lock would starve it.
    last = {name: len(turns) - turns[::-1].index(name) for name in ("a", "b")}
    slower = max(last, key=lambda name: last[name])
    assert turns[: min(last.values())].count(slower) >= 20


def test_one_who_writes_again_and_again_beside_others_has_a_turn(path: Path) -> None:
    gate = WriteGate(path, 30)
    kept = 0
    for _ in range(50):
        write_in_a_turn(gate, path)
        kept += not free_now(path)
    # A busy machine may take the turn's time away between two writes, but not every time.
    assert kept > 0
    gate.close()


def test_a_turn_ends_by_itself_when_nothing_more_is_written(gate: WriteGate, path: Path) -> None:
    for _ in range(20):
        write_in_a_turn(gate, path)
        until = time.monotonic() + 5
        while not free_now(path):
            assert time.monotonic() < until
            time.sleep(TURN_SECONDS)


def test_a_turn_is_over_after_a_write_that_took_all_of_it(gate: WriteGate, path: Path) -> None:
    write_in_a_turn(gate, path)
    gate.enter()
    time.sleep(4 * TURN_SECONDS)
    assert not free_now(path)
    gate.leave()
    assert free_now(path)


def test_who_takes_time_between_writes_keeps_nobody_waiting(gate: WriteGate, path: Path) -> None:
    write_beside_another(gate, path)
    assert free_now(path)
    time.sleep(TURN_SECONDS)
    write_beside_another(gate, path)
    assert free_now(path)


def test_a_gate_closed_within_a_turn_or_a_write_is_free(path: Path) -> None:
    gate = WriteGate(path, SHORT_SECONDS)
    write_in_a_turn(gate, path)
    gate.close()
    assert free_now(path)
    gate.enter()
    gate.close()
    assert free_now(path)


def test_a_closed_gate_leaves_no_thread(path: Path) -> None:
    gate = WriteGate(path, 30)
    with holding(HOLD_GATE, str(path)) as process:
        threading.Timer(SHORT_SECONDS, process.kill).start()
        gate.enter()
    gate.leave()
    waiters = [thread for thread in threading.enumerate() if thread.name == "billdesk-gate"]
    gate.close()
    for thread in waiters:
        thread.join(1)
    assert not any(thread.is_alive() for thread in waiters)
    gate.close()


FORKED = """
import os, sys
from billdesk.core.desk import open_desk
from billdesk.core.values.errors import StoreError
desk = open_desk(sys.argv[1])
desk.accounts.add("acme", name="Acme")
child = os.fork()
if child == 0:
    for attempt in (desk.ledger.pulse, desk.tick, lambda: open_desk(sys.argv[1])):
        try:
            attempt()
        except StoreError as error:
            print(error)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
desk.adjustments.credit("acme", "1.00", memo="the parent goes on")
assert desk.verify().ok
desk.close()
child = os.fork()
if child == 0:
    with open_desk(sys.argv[1]) as again:
        again.adjustments.credit("acme", "2.00", memo="opened after forking")
        print(again.wallets.balance("acme").balance)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_child_cannot_use_what_its_parent_has_open(sqlite_url: str) -> None:
    refusal = "this process was forked while the ledger was open"
    assert run(FORKED, sqlite_url).splitlines() == [refusal] * 3 + ["3.00 USD"]


def test_a_forked_child_that_does_nothing_holds_no_lock_of_a_killed_parent(
    sqlite_url: str,
) -> None:
    program = """
import os, sys, time
from billdesk.core.desk import open_desk
desk = open_desk(sys.argv[1])
with desk.transaction():
    if os.fork() == 0:
        sys.stdin.read()
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""
    with holding(program, sqlite_url) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
        assert free(Path(f"{sqlite_url}.lock"))

"""One writer at a time, across threads and processes, in the order in which they came.

A blocking `flock` on a separate file around BEGIN … COMMIT. The kernel frees it when a holder dies.
It serves two ends: COMMIT and its checkpoint never overlap another process's (SQLite 3.7.0 to 3.51.2
can corrupt a WAL file there, https://sqlite.org/wal.html#walresetbug), and waiting is fair, which
SQLite's own busy handler is not. Windows has no flock: its thread lock and busy handler remain.

Under contention a process that writes again and again has a turn of some milliseconds: to hand the
gate on after each write would cost more than the write, since whoever comes next must be woken and
read anew what others changed.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from billdesk.core.values.errors import StoreBusy, StoreError

if sys.platform != "win32":
    import fcntl

_QUIET_SECONDS = 0.0001
"""Who waited no longer than this met nobody."""
TURN_SECONDS = 0.003
"""For how long one process keeps others waiting, if no single write takes longer."""
_SOON_SECONDS = 0.001
"""Who came back within this time after a write is expected to do so again."""
_INSTANT_SECONDS = 0.1


def gate_path(ledger: Path) -> Path:
    """The file beside a ledger file that its writers lock."""
    return ledger.with_name(ledger.name + ".lock")


class WriteGate:
    """Opened by `enter`, closed by `leave`; `deadline_seconds` bounds the wait."""

    def __init__(self, path: Path, deadline_seconds: float) -> None:
        self._path = path
        self._deadline_seconds = deadline_seconds
        self._threads = threading.Lock()
        self._file: int | None = None
        self._waiter: _Waiter | None = None
        self._contended = False
        self._turn = _Turn()

    def enter(self) -> None:
        """Wait for our turn. Raises StoreBusy past the deadline, StoreError without a file."""
        if not self._threads.acquire(timeout=self._deadline_seconds):
            raise StoreBusy(
                "another part of this program has been writing for too long",
                "end its transaction, then try again",
            )
        if self._contended and self._turn.resume():
            return
        try:
            self._lock_file()
        except BaseException:
            self._threads.release()
            raise

    def leave(self) -> None:
        """Let the next one in, or keep the gate for the rest of our turn."""
        if not (self._contended and self._turn.keep()):
            self._unlock()
        self._threads.release()

    def close(self) -> None:
        """Give the file back."""
        # Whoever ends our turn holds this for an instant; who is inside a block now will never leave.
        alone = self._threads.acquire(timeout=_INSTANT_SECONDS)
        try:
            if self._waiter is not None:
                self._waiter.stop()
                self._waiter = None
            if self._file is not None:
                self._turn = _Turn()
                os.close(self._file)
                self._file = None
        finally:
            if alone:
                self._threads.release()

    def forget_parent(self) -> None:
        """In a forked child: let go of the parent's file, whose lock we would share, and threads."""
        self._threads = threading.Lock()
        self._waiter = None
        self.close()

    def _lock_file(self) -> None:
        """At once if the file is free; otherwise in the kernel's queue, as a polled lock is unfair.

        Who had to wait last time queues again at once: grabbing first would starve the others.
        """
        if sys.platform == "win32":
            return
        if self._file is None:
            self._file = _opened(self._path)
        file = self._file
        if not self._contended:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._contended = True
            else:
                return
        started = time.monotonic()
        if self._waiter is None:
            self._waiter = _Waiter(self._end_turn)
        locked = False
        try:
            locked = self._waiter.lock(file, self._deadline_seconds)
        finally:
            if not locked:
                self._file = self._waiter = None
        if not locked:
            raise StoreBusy(
                "another process has been writing to the ledger for too long",
                "see which program holds the ledger's .lock file, then try again",
            )
        now = time.monotonic()
        self._contended = now - started > _QUIET_SECONDS
        self._turn.begin(now)

    def _unlock(self) -> None:
        if sys.platform != "win32" and self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _end_turn(self) -> bool:
        """Let the next one in, if we keep the gate; False while somebody is inside."""
        if not self._threads.acquire(blocking=False):
            return False
        try:
            if self._turn.give_up():
                self._unlock()
        finally:
            self._threads.release()
        return True


class _Turn:
    """How long this process may keep the gate between its writes, and whether it does."""

    def __init__(self) -> None:
        self._kept = False
        self._comes_back_soon = False
        self._left_at = 0.0
        self._ends_at = 0.0

    def begin(self, now: float) -> None:
        """The gate is ours."""
        self._ends_at = now + TURN_SECONDS

    def keep(self) -> bool:
        """After a write: whether to keep the gate for the next one."""
        self._left_at = time.monotonic()
        self._kept = self._comes_back_soon and self._left_at < self._ends_at
        return self._kept

    def resume(self) -> bool:
        """Before a write: whether the gate was kept for it."""
        self._comes_back_soon = time.monotonic() - self._left_at < _SOON_SECONDS
        kept, self._kept = self._kept, False
        return kept

    def give_up(self) -> bool:
        """When nobody came back: whether the gate was kept till now."""
        kept, self._kept = self._kept, False
        if kept:
            self._comes_back_soon = False
        return kept


class _Waiter:
    """A thread that waits in the kernel for us, since a blocking flock knows no deadline.

    It also sees to it that a turn ends: some milliseconds after the lock was had it asks `end_turn`
    until that is done.
    """

    def __init__(self, end_turn: Callable[[], bool]) -> None:
        self._end_turn = end_turn
        self._asked: SimpleQueue[int | None] = SimpleQueue()
        self._answered: SimpleQueue[None] = SimpleQueue()
        self._deciding = threading.Lock()
        self._locked = False
        self._given_up = False
        threading.Thread(target=self._run, name="billdesk-gate", daemon=True).start()

    def lock(self, file: int, deadline_seconds: float) -> bool:
        """Whether `file` was locked in time.

        After a False or an interruption this waiter is spent: the file is closed as soon as it is
        locked, so that nobody waits for one who has left.
        """
        self._locked = in_time = False
        self._asked.put(file)
        try:
            self._answered.get(timeout=deadline_seconds)
            in_time = True
        except Empty:
            pass
        finally:
            if not in_time:
                self._give_up(file)
        return in_time

    def stop(self) -> None:
        """End the thread, which is waiting to be asked."""
        self._asked.put(None)

    def _give_up(self, file: int) -> None:
        with self._deciding:
            self._given_up = True
            if self._locked:
                os.close(file)
                self.stop()

    def _run(self) -> None:
        file = self._asked.get()
        while file is not None and self._serve(file):
            file = self._next()

    def _next(self) -> int | None:
        """What is asked next; meanwhile our turn ends."""
        while True:
            try:
                return self._asked.get(timeout=TURN_SECONDS)
            except Empty:
                if self._end_turn():
                    return self._asked.get()

    def _serve(self, file: int) -> bool:
        """Lock the file for who asked; False when nobody waits for it any more."""
        fcntl.flock(file, fcntl.LOCK_EX)
        with self._deciding:
            if self._given_up:
                os.close(file)
                return False
            self._locked = True
        self._answered.put(None)
        return True


def _opened(path: Path) -> int:
    """The file that is locked. Raises StoreError: somebody else may have made it, root for one."""
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened: {error.strerror}", "check whose it is"
        ) from error

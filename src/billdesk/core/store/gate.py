"""One writer at a time, across threads and processes, in the order in which they came.

A blocking `flock` on a separate file around BEGIN … COMMIT. The kernel frees it when a holder dies.
It serves two ends: COMMIT and its checkpoint never overlap another process's (SQLite 3.7.0 to 3.51.2
can corrupt a WAL file there, https://sqlite.org/wal.html#walresetbug), and waiting is fair, which
SQLite's own busy handler is not. Windows has no flock: its thread lock and busy handler remain.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from billdesk.core.values.errors import StoreBusy

if sys.platform != "win32":
    import fcntl

_QUIET_SECONDS = 0.0001


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
        self._contended = False
        self._waiter: _Waiter | None = None

    def enter(self) -> None:
        """Wait for our turn. Raises StoreBusy past the deadline."""
        if not self._threads.acquire(timeout=self._deadline_seconds):
            raise StoreBusy(
                "another part of this program has been writing for too long",
                "end its transaction, then try again",
            )
        try:
            self._lock_file()
        except BaseException:
            self._threads.release()
            raise

    def leave(self) -> None:
        """Let the next one in."""
        if sys.platform != "win32" and self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Give the file back."""
        if self._waiter is not None:
            self._waiter.stop()
            self._waiter = None
        if self._file is not None:
            os.close(self._file)
            self._file = None

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
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
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
            self._waiter = _Waiter()
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
        self._contended = time.monotonic() - started > _QUIET_SECONDS


class _Waiter:
    """A thread that waits in the kernel for us, since a blocking flock knows no deadline."""

    def __init__(self) -> None:
        self._asked = threading.Semaphore(0)
        self._answered = threading.Semaphore(0)
        self._deciding = threading.Lock()
        self._file = -1
        self._given_up = threading.Event()
        threading.Thread(target=self._run, name="billdesk-gate", daemon=True).start()

    def lock(self, file: int, deadline_seconds: float) -> bool:
        """Whether `file` was locked in time.

        After a False or an interruption this waiter is spent: the file is closed as soon as it is
        locked, so that nobody waits for one who has left.
        """
        self._file = file
        self._asked.release()
        in_time = False
        try:
            in_time = self._answered.acquire(timeout=deadline_seconds)
        finally:
            if not in_time:
                self._give_up()
        return in_time

    def stop(self) -> None:
        """End the thread, which is waiting to be asked."""
        self._file = -1
        self._asked.release()

    def _give_up(self) -> None:
        with self._deciding:
            self._given_up.set()
            if self._answered.acquire(blocking=False):
                os.close(self._file)
                self.stop()

    def _run(self) -> None:
        while True:
            self._asked.acquire()
            if self._file < 0:
                return
            fcntl.flock(self._file, fcntl.LOCK_EX)
            with self._deciding:
                if self._given_up.is_set():
                    os.close(self._file)
                    return
                self._answered.release()

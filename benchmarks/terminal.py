"""A program on a terminal of its own, and how long it takes to show things."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

PATIENCE_SECONDS = 60.0
QUIET_SECONDS = 0.12


class Terminal:
    """A process on a pty of 120 columns and 40 lines."""

    def __init__(self, command: Sequence[str]) -> None:
        self._keyboard, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._started = perf_counter()
        self._process = subprocess.Popen(
            command, stdin=screen, stdout=screen, stderr=screen, start_new_session=True
        )
        os.close(screen)
        self._shown = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._keyboard)

    def seconds_until(self, text: str) -> float:
        """Seconds from the start of the process until `text` was shown. Raises TimeoutError."""
        while text.encode() not in self._shown:
            if not self._read(PATIENCE_SECONDS):
                raise TimeoutError(f"{text!r} was never shown: {self._shown[-2000:]!r}")
        return perf_counter() - self._started

    def settle(self) -> None:
        """Wait until nothing more is painted."""
        while self._read(3 * QUIET_SECONDS):
            pass

    def press(self, keys: bytes) -> float:
        """Press keys; seconds until the last of what they changed was painted."""
        started = last = perf_counter()
        os.write(self._keyboard, keys)
        while self._read(QUIET_SECONDS if last > started else PATIENCE_SECONDS):
            last = perf_counter()
        if last == started:
            raise TimeoutError(f"{keys!r} changed nothing on the screen")
        return last - started

    def resident_mib(self) -> float:
        """The memory that the process holds now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 2**20

    def _read(self, seconds: float) -> bool:
        if not select.select([self._keyboard], [], [], seconds)[0]:
            return False
        self._shown = self._shown[-65_536:] + os.read(self._keyboard, 65_536)
        return True

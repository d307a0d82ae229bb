"""How far a long job has come: a bar on standard error, for a person at a terminal only."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from billdesk.core.values.pace import pace

BAR_WIDTH = 30
REDRAW_SECONDS = 0.1


class Progress:
    """Called with (done, total) of `what`; draws at most ten times a second and cleans up behind itself.

    `rate` also tells how many a second were done since it was first called, and what is left of the
    time at that rate.
    """

    def __init__(self, what: str, *, rate: bool = False) -> None:
        self.what = what
        self._rate = rate
        self._first: tuple[float, int] | None = None
        self._shown = sys.stderr.isatty()
        self._drawn_at = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Draw `done` of `total`."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, done)
        if not self._shown or (done < total and now - self._drawn_at < REDRAW_SECONDS):
            return
        self._drawn_at = now
        share = done / total if total else 1.0
        bar = "#" * int(share * BAR_WIDTH)
        line = f"{self.what} [{bar:.<{BAR_WIDTH}}] {share:4.0%} {done:,}/{total:,}"
        if self._rate:
            line += f" {pace(done - self._first[1], now - self._first[0], total - done)}"
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._drawn_at:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

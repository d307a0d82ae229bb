"""How far a long job has come: told by its thread a few times a second, drawn as a bar."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from textual.message import Message

SECONDS_BETWEEN_REPORTS = 0.2
BAR_CELLS = 30

Report = Callable[[str, int, int], None]
"""What a job calls: what it does now, how much of it is done, of how much (0: nobody knows)."""


class Progress(Message):
    """A job has come so far."""

    def __init__(self, phase: str, done: int, total: int) -> None:
        super().__init__()
        self.phase, self.done, self.total = phase, done, total


def reporter(post: Callable[[Progress], object]) -> Report:
    """Posts what a thread reports, a few times a second at most, and every new phase at once."""
    last_at, last_phase = 0.0, ""

    def report(phase: str, done: int, total: int) -> None:
        nonlocal last_at, last_phase
        now = monotonic()
        if phase != last_phase or now - last_at >= SECONDS_BETWEEN_REPORTS:
            last_at, last_phase = now, phase
            post(Progress(phase, done, total))

    return report


def bar(progress: Progress) -> str:
    """`importing [#########.....]  64%`, or the phase alone while nobody knows how much it is."""
    if progress.total <= 0:
        return f"{progress.phase} …"
    share = min(1.0, progress.done / progress.total)
    drawn = "#" * int(share * BAR_CELLS)
    return f"{progress.phase} [{drawn:.<{BAR_CELLS}}] {share:4.0%}"

"""Processes that charge at the same time, each for as long as it is told to.

Both sides of a comparison run in the same processes by turns, so that neither has it easier.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import NamedTuple, Self

Act = Callable[[int], object]
Prepare = Callable[[int], Mapping[str, Act]]

_TOGETHER_SECONDS = 0.03


class Shift(NamedTuple):
    """What one process did in its time."""

    acts: int
    longest_seconds: float


class Crew:
    """`size` processes; `prepare`, called in each with its number, says what it can do."""

    def __init__(self, size: int, prepare: Prepare) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for index in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(index, prepare, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(timeout=10)

    def work(self, act: str, workers: int, seconds: float) -> Sequence[Shift]:
        """Have the first `workers` do `act` again and again, all at the same time."""
        start = time.monotonic() + _TOGETHER_SECONDS
        for pipe in self._pipes[:workers]:
            pipe.send((act, start, start + seconds))
        return [Shift(*pipe.recv()) for pipe in self._pipes[:workers]]

    def rate(self, act: str, workers: int, seconds: float) -> float:
        """How many acts a second they get done together."""
        return sum(shift.acts for shift in self.work(act, workers, seconds)) / seconds


def _work(index: int, prepare: Prepare, pipe: Connection) -> None:
    acts = prepare(index)
    done = 0
    pipe.send("ready")
    while True:
        try:
            name, start, end = pipe.recv()
        except EOFError:
            return
        act, first, longest = acts[name], done, 0.0
        time.sleep(max(0.0, start - time.monotonic()))
        before = time.monotonic()
        while before < end:
            act(done)
            done += 1
            after = time.monotonic()
            longest = max(longest, after - before)
            before = after
        pipe.send((done - first, longest))

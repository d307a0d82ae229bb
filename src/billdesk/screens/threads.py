"""Work off the event loop: a question or a verb runs in a thread, its outcome comes back as a call.

A screen never waits. The outcome arrives on the event loop, if whoever asked is still there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from textual.message_pump import MessagePump
from textual.worker import Worker, WorkerState

from billdesk.core.values.errors import BilldeskError

Result = TypeVar("Result")

UNFINISHED = {WorkerState.PENDING, WorkerState.RUNNING}

FAULT = "a fault inside billdesk"


@dataclass(frozen=True)
class _Errand:
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]


class ThreadWork(MessagePump):
    """Mixed into screens and widgets that send work to threads."""

    _errands: dict[Worker[Any], _Errand] | None = None

    def in_thread(
        self,
        task: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `task` in a thread, then `done(result)` or `failed(error)` on the event loop."""
        if self._errands is None:
            self._errands = {}
        worker = self.run_worker(task, thread=True, exit_on_error=False)  # type: ignore[attr-defined]  # every DOM node has it
        self._errands[worker] = _Errand(done, failed)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        # The message's own state counts: the worker may have gone on since it was sent.
        errands = self._errands or {}
        if event.worker not in errands or event.state in UNFINISHED:
            return
        errand = errands.pop(event.worker)
        if event.state is WorkerState.SUCCESS:
            errand.done(event.worker.result)
        elif event.state is WorkerState.ERROR and event.worker.error is not None:
            errand.failed(event.worker.error)


def explain(error: BaseException) -> str:
    """What went wrong, in a sentence or two for the person at the desk; never a traceback."""
    if isinstance(error, BilldeskError):
        text = f"{error.message}: {error.hint}" if error.hint else error.message
    else:
        text = f"{FAULT} ({type(error).__name__}: {error}); run billdesk verify"
    return text[:1].upper() + text[1:]

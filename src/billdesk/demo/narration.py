"""How the demo tells what it does: step by step in plain lines, or as one line of progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TextIO

from billdesk.core.values.plain_text import visible

_TITLE_WIDTH = 58


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried: when, what, and what came of it.

    `hint` is there when it was refused, and says what would help.
    """

    at: datetime
    title: str
    outcome: str
    hint: str | None = None


class Teller(Protocol):
    """Whoever listens to the story."""

    def heading(self, text: str) -> None:
        """A new chapter begins."""
        ...

    def step(self, step: Step) -> None:
        """Something was tried."""
        ...

    def progress(self, done: int, total: int) -> None:
        """How far the story has come."""
        ...


class PlainTeller:
    """Every step as a line or two: for pipes, screen readers and build servers."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def heading(self, text: str) -> None:
        """A line by itself with room above."""
        self.line("")
        self.line(text)

    def line(self, text: str) -> None:
        """One line as it is, made harmless."""
        self._out.write(f"{visible(text)}\n")
        self._out.flush()

    def step(self, step: Step) -> None:
        """`12 Aug  what was done ......... what came of it`, the hint of a refusal below."""
        self.line(f"{step.at:%d %b}  {f'{step.title} ':.<{_TITLE_WIDTH}} {step.outcome}")
        if step.hint:
            self.line(f"{'→':>{_TITLE_WIDTH + 10}} {step.hint}")

    def progress(self, done: int, total: int) -> None:
        """The lines themselves show it."""


class ProgressTeller:
    """One line that counts up while the desk is being furnished, and is wiped away at the end."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def heading(self, text: str) -> None:
        """Not for this listener."""

    def step(self, step: Step) -> None:
        """Not for this listener."""

    def progress(self, done: int, total: int) -> None:
        """How far the story has come, in percent."""
        share = 100 * done // total
        text = f"\rmaking the demo: the days of an invented business … {share:3} %"
        self._out.write(text if done < total else "\r\x1b[2K")
        self._out.flush()

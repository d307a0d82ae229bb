"""Who listens to the demo in tests, and when."""

from __future__ import annotations

from datetime import UTC, datetime

from billdesk.demo.narration import Step

NOW = datetime(2026, 8, 21, 15, 12, tzinfo=UTC)


class Listener:
    """Remembers the story; leaves after so many steps, if told to."""

    def __init__(self, leaves_after: int | None = None) -> None:
        self.headings: list[str] = []
        self.steps: list[Step] = []
        self.told: list[tuple[int, int]] = []
        self._leaves_after = leaves_after

    def heading(self, text: str) -> None:
        self.headings.append(text)

    def step(self, step: Step) -> None:
        self.steps.append(step)
        if len(self.steps) == self._leaves_after:
            raise KeyboardInterrupt

    def progress(self, done: int, total: int) -> None:
        self.told.append((done, total))

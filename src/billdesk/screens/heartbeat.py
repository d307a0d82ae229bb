"""What goes on while one looks: has anybody written, is anything due, how old is what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from billdesk.core.values.clock import Clock
from billdesk.screens.chrome import StatusLine
from billdesk.screens.frame import DeskScreen
from billdesk.screens.host import DeskHost
from billdesk.screens.threads import ThreadWork, explain

if TYPE_CHECKING:
    from textual.timer import Timer

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import TickSheet

BEATS_BETWEEN_RELOADS = 15
STALE_SECONDS = 5


@dataclass(frozen=True)
class Rhythm:
    """How often the app looks for others' entries, and lets the desk do what is due; 0 is never."""

    pulse_seconds: float = 1.0
    tick_seconds: float = 5.0


class Heartbeat(ThreadWork, DeskHost):
    """An app that looks at its ledger again and again, and never waits for it."""

    def __init__(self, clock: Clock, rhythm: Rhythm) -> None:
        super().__init__()
        self._clock, self._rhythm = clock, rhythm
        self._beating: list[Timer] = []
        self._looking, self._ticking, self._beats = False, False, 0
        self._troubles: dict[str, str] = {}
        self._seen_at: datetime | None = None

    def _start_beating(self, desk: Desk) -> None:
        self._seen_at = self._clock.now()
        for timer in self._beating:
            timer.stop()
        self._beating.clear()
        if self._rhythm.pulse_seconds:
            self._beating.append(self.set_interval(self._rhythm.pulse_seconds, self._look))
        if self._rhythm.tick_seconds and not desk.info.read_only:
            self._beating.append(self.set_interval(self._rhythm.tick_seconds, self._tick))

    def _look(self) -> None:
        """Has anybody written? Never asked twice at once."""
        desk = self.desk
        if desk is None or self._looking:
            self._show_age()
            return
        self._looking = True
        self.in_thread(desk.ledger.pulse, self._seen, self._not_seen)

    def _seen(self, pulse: int) -> None:
        self._looking = False
        self._recover("reading")
        self._seen_at = self._clock.now()
        self._show_age()
        self._beats += 1
        changed, self.pulse = pulse != self.pulse, pulse
        # A freeze or a new account moves no money, and leaves no entry: look again now and then.
        due = changed or self._beats % BEATS_BETWEEN_RELOADS == 0
        if due and self._visible is not None:
            self._visible.ledger_changed()

    def _not_seen(self, error: BaseException) -> None:
        self._looking = False
        self._show_age()
        self._complain("reading", f"Cannot read the ledger: {explain(error)}")

    def _show_age(self) -> None:
        seen = self._seen_at
        seconds = 0 if seen is None else int((self._clock.now() - seen).total_seconds())
        freshness = "live" if seconds < STALE_SECONDS else f"STALE {seconds}s"
        if freshness != self.freshness:
            self.freshness = freshness
            self._refresh_frames()

    def _tick(self) -> None:
        """Let the desk do what is due; a failing tick is shown and tried again."""
        desk = self.desk
        if desk is None or self._ticking:
            return
        self._ticking = True
        self.in_thread(desk.tick, self._ticked, self._not_ticked)

    def _ticked(self, tick: TickSheet) -> None:
        self._ticking = False
        if tick.errors:
            self._complain("ticking", f"In the background: {'; '.join(tick.errors)}")
        else:
            self._recover("ticking")

    def _not_ticked(self, error: BaseException) -> None:
        self._ticking = False
        self._complain("ticking", f"In the background: {explain(error)}")

    def _complain(self, what: str, text: str) -> None:
        """Say it once, until it has gone well again: the same every second helps nobody."""
        if self._troubles.get(what) == text:
            return
        self._troubles[what] = text
        if self._visible is not None:
            self._visible.say(text, "bad")
        else:
            self.remember(text, "bad")

    def _recover(self, what: str) -> None:
        """It goes well again: what was said of it need not be looked at any longer."""
        text = self._troubles.pop(what, None)
        for screen in self.screen_stack if text else ():
            for line in screen.query(StatusLine):
                if line.said == text:
                    line.say("")

    @property
    def _visible(self) -> DeskScreen[Any] | None:
        """The main screen one sees; none below a dialog, and none when the app is closing."""
        stack = self.screen_stack
        return stack[-1] if stack and isinstance(stack[-1], DeskScreen) else None

    def _refresh_frames(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen):
                screen.refresh_frame()

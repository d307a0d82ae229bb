"""The frame of every main screen: one question, some acts, and three lines that never change place.

`ask()` sends the screen's question to a thread and paints the frozen sheet that comes back; `act()`
does the same with a verb. A screen computes nothing and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen

from billdesk.core.values.errors import BilldeskError
from billdesk.screens.chrome import HeadLine, KeyLine, PlaceLine, StatusLine
from billdesk.screens.host import LOOKING_ONLY, DeskHost
from billdesk.screens.line_table import LineTable
from billdesk.screens.threads import ThreadWork, explain

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import EntryFilter

Answer = TypeVar("Answer")
Done = TypeVar("Done")


class DeskScreen(ThreadWork, Screen[None], Generic[Answer]):
    """A screen with one question.

    Subclasses give `place`, `heading`, `body()`, `question()` and `paint()`.
    """

    place: ClassVar[str] = ""
    heading: ClassVar[str] = ""

    DEFAULT_CSS = """
    DeskScreen { background: $background; color: $foreground; layout: vertical; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "ask", "Reload", id="screen.reload", show=False),
    ]

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it for instances
        (0, "-narrow"),
        (120, "-wide"),
    ]

    app = getters.app(DeskHost)

    def __init__(self) -> None:
        super().__init__()
        self.title = self.heading
        self._generation = 0
        self._asked_desk: Desk | None = None
        self._asked_at_pulse = -1
        self._trouble = False

    def compose(self) -> ComposeResult:
        yield HeadLine()
        yield PlaceLine(self.place)
        with Vertical(classes="body"):
            yield from self.body()
        yield StatusLine()
        yield KeyLine()

    def body(self) -> ComposeResult:
        """The widgets between the head and the status line."""
        raise NotImplementedError

    def question(self) -> Callable[[Desk], Answer]:
        """What to ask the desk, with everything the answer depends on taken down now.

        Called on the event loop; what it returns runs in a thread and must not touch the screen.
        """
        raise NotImplementedError

    def paint(self, answer: Answer) -> None:
        """Show the answer. It is frozen and finished."""
        raise NotImplementedError

    def entry_filter(self) -> EntryFilter | None:
        """Which entries an export from here writes; None for all."""
        return None

    # --- asking ---

    def on_mount(self) -> None:
        self.ask()

    def on_screen_resume(self) -> None:
        if (self.app.desk, self.app.pulse) != (self._asked_desk, self._asked_at_pulse):
            self.ask()

    def action_ask(self) -> None:
        self.ask()

    def ask(self) -> None:
        """Ask the screen's question; an answer to an older question is dropped when it comes."""
        desk = self.app.desk
        if desk is None or not self.is_attached:
            return
        try:
            question = self.question()
        except BilldeskError as error:
            self.say_trouble(error)
            return
        self._generation += 1
        generation = self._generation
        self._asked_desk, self._asked_at_pulse = desk, self.app.pulse
        self.in_thread(
            lambda: question(desk),
            lambda answer: self._answered(generation, answer),
            lambda error: self._not_answered(generation, error),
        )

    @property
    def generation(self) -> int:
        """Counts the questions asked; an answer to an older one is not painted."""
        return self._generation

    def _answered(self, generation: int, answer: Answer) -> None:
        if generation != self._generation:
            return
        if self._trouble:
            self._trouble = False
            self.say("")
        self.paint(answer)

    def _not_answered(self, generation: int, error: BaseException) -> None:
        if generation == self._generation:
            self.say_trouble(error)
            self.paint_error(error)

    def paint_error(self, error: BaseException) -> None:
        """There is no answer to show; the status line says why, and a screen may do so, too."""

    def ledger_changed(self) -> None:
        """Entries were added, here or by another process."""
        self.ask()

    # --- acting ---

    def act(self, verb: Callable[[Desk], Done], done: Callable[[Done], None]) -> None:
        """Run a verb of the desk in a thread, then `done`; the status line shows a refusal."""
        desk = self.app.desk
        if desk is None:
            self.say("there is no ledger open yet", "warn")
            return
        self.in_thread(lambda: verb(desk), done, self.say_error)

    def may_act(self) -> bool:
        """Whether more than looking is wanted; if not, that is said."""
        if not self.app.may_act:
            self.say(LOOKING_ONLY, "warn")
        return self.app.may_act

    # --- saying ---

    def say(self, text: str, tone: str = "") -> None:
        """Show a message in the status line and keep it in the log."""
        if text:
            self.app.remember(text, tone)
        for line in self.query(StatusLine):
            line.say(text, tone)

    def say_error(self, error: BaseException) -> None:
        """Show what went wrong, in words."""
        self.say(f"Problem: {explain(error)}", "bad")

    def on_line_table_copied(self, event: LineTable.Copied) -> None:
        event.stop()
        self.say(f"{event.what} sent to terminal clipboard", "muted")

    def say_trouble(self, error: BaseException) -> None:
        """Show what went wrong with the question; the next answer takes it away again."""
        self._trouble = True
        self.say_error(error)

    def show_position(self, text: str) -> None:
        """Show where the cursor stands in a list."""
        for line in self.query(StatusLine):
            line.show_position(text)

    def refresh_frame(self) -> None:
        """Paint the head again: the ledger, its freshness or the keys have changed."""
        for line in self.query(HeadLine):
            line.refresh()
        self.refresh_bindings()

"""A dialog for a job that takes its time: what it needs, how far it is, what came of it.

One job runs at a time, in a thread; while it does the dialog stays, since it cannot be stopped
halfway. What was refused is said in words, with everything that was typed still there.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from rich.cells import chop_cells
from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from billdesk.core.values.errors import BilldeskError
from billdesk.core.values.plain_text import visible
from billdesk.screens.acts import Field
from billdesk.screens.filter_line import LastWord
from billdesk.screens.host import DeskHost
from billdesk.screens.line_input import LineInput
from billdesk.screens.pane import Pane
from billdesk.screens.progress import Progress, Report, bar, reporter
from billdesk.screens.safe_text import fit, safe_line, safe_lines, safe_text
from billdesk.screens.threads import ThreadWork, explain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content
    from textual.screen import Screen
    from textual.suggester import Suggester
    from textual.widget import Widget
    from textual.widgets import Input

Result = TypeVar("Result")
Line = tuple[str, str, str]
"""A name, what goes with it, and the tone of that."""

LABEL_CELLS = 12


class Form(ThreadWork, ModalScreen[None]):
    """Subclasses give `heading`, `fields()`, `verb`, and `start()`."""

    heading: str = ""
    verb: str = ""

    DEFAULT_CSS = """
    Form { align: center middle; background: $background 60%; }
    Form > Vertical {
        width: 96; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    Form.-failed > Vertical { border: round $error; }
    Form.-done > Vertical { border: round $success; }
    Form.-done #fields { display: none; }
    Form #fields { height: auto; }
    Form .field { height: 1; margin-top: 1; }
    Form .field > Static { width: 12; color: $muted; }
    Form #said { height: auto; max-height: 10; margin-top: 1; }
    Form #buttons { height: 1; margin-top: 1; align-horizontal: right; }
    Form Button { min-width: 10; margin-left: 2; }
    Form #hint { height: 1; color: $muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="form.close"),
        # First of all: what is typed behind a Tab must not end up in the field before it.
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    AUTO_FOCUS = "LineInput, Button"

    app = getters.app(DeskHost)

    def __init__(self) -> None:
        super().__init__()
        self._at_work = False

    # --- what subclasses give ---

    def fields(self) -> Sequence[Field]:
        """What is to be filled in."""
        raise NotImplementedError

    def suggester(self, field: Field) -> Suggester | None:
        """What completes a field while it is being typed."""
        return LastWord(field.choices) if field.choices else None

    def start(self, values: dict[str, str]) -> None:
        """The button was pressed, and every field can be read: begin the job."""
        raise NotImplementedError

    def opened(self) -> None:
        """The dialog is on screen."""

    def changed(self) -> None:
        """Something else is filled in now."""

    def pressed(self, button: str) -> None:
        """A button was pressed that only this form has."""

    def more_buttons(self) -> Sequence[Button]:
        """What can be pressed besides the two that every form has."""
        return ()

    def below(self) -> Iterable[Widget]:
        """What is shown between what was said and the buttons."""
        return ()

    # --- the shape ---

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(safe_text(self.heading, "title"), markup=False)
            with Vertical(id="fields"):
                for field in self.fields():
                    yield from self._field(field)
            with VerticalScroll(id="said", can_focus=False):
                yield Pane(id="lines")
            yield from self.below()
            with Horizontal(id="buttons"):
                yield Button(safe_text("Cancel"), id="cancel", compact=True)
                yield Button(safe_text(self.verb), id="start", compact=True, variant="primary")
                yield from self.more_buttons()
            yield Static("", markup=False, id="hint")

    def _field(self, field: Field) -> ComposeResult:
        line = LineInput(field.value, placeholder=field.placeholder, id=f"field-{field.name}")
        line.suggester = self.suggester(field)
        line.password = field.hidden
        with Horizontal(classes="field"):
            yield Static(safe_text(fit(field.label, LABEL_CELLS - 1)), markup=False)
            yield line

    def on_mount(self) -> None:
        self.hint("Tab goes on, → completes a name, Esc leaves. Nothing is done yet.")
        self.opened()

    def values(self) -> dict[str, str]:
        """What is filled in now, without the space around it."""
        return {
            field.name: self.query_one(f"#field-{field.name}", LineInput).value.strip()
            for field in self.fields()
        }

    # --- doing ---

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.remove_class("-failed")
        self.changed()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        # Enter in a field goes on, and never begins anything.
        event.stop()
        self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "start":
            self._start()
        elif event.button.id == "cancel":
            self.action_leave()
        elif event.button.id is not None and not self._at_work:
            self.pressed(event.button.id)

    def _start(self) -> None:
        if self._at_work:
            return
        values = self.values()
        for field in self.fields():
            try:
                field.check(values[field.name])
            except BilldeskError as error:
                self.refuse(f"{field.label}: {explain(error)}")
                return
        self.start(values)

    def work(self, job: Callable[[Report], Result], done: Callable[[Result], None]) -> None:
        """Do `job` in a thread, unless one is being done, then `done` with what came of it."""
        if self._at_work:
            return
        self._at_work = True
        self.remove_class("-failed")
        self.hint("At work …")
        report = reporter(self.post_message)

        def finished(result: Result) -> None:
            self._at_work = False
            done(result)

        self.in_thread(lambda: job(report), finished, self._failed)

    def on_progress(self, event: Progress) -> None:
        event.stop()
        if self._at_work:
            self.say(bar(event), "muted")

    def _failed(self, error: BaseException) -> None:
        self._at_work = False
        self.app.remember(f"{self.heading}: not done. {explain(error)}", "bad")
        self.refuse(f"Not done. {explain(error)}")

    def go_on(self, screen: Screen[None]) -> None:
        """Put another screen in place of this one; what is below looks again after that."""
        app = self.app
        self.dismiss()
        # From the app itself: whoever has left the screen is not called back.
        app.call_later(app.push_screen, screen, lambda _: app.ask_again())

    # --- saying ---

    def say(self, text: str, tone: str = "") -> None:
        """Say something in place of what was said before."""
        self.tell((("", text, tone),))

    def refuse(self, text: str) -> None:
        """Say why not; what was typed stays."""
        self.add_class("-failed")
        self.say(text, "bad")
        self.hint("Nothing that was typed is lost; Esc leaves.")

    def tell(self, lines: Sequence[Line]) -> None:
        """Say several things under one another, each as long as it needs to be."""
        self.query_one("#lines", Pane).show(lambda width: written(lines, width))

    def hint(self, text: str) -> None:
        """Say which keys help."""
        self.query_one("#hint", Static).update(safe_text(text))

    def action_leave(self) -> None:
        if self._at_work:
            self.hint("Still at work: it cannot be stopped halfway.")
        else:
            self.dismiss()


def written(lines: Sequence[Line], width: int) -> Content:
    """Names and values; a long value goes on under itself, so that nothing of a path is cut off."""
    made: list[Content] = []
    for name, text, tone in lines:
        room = max(10, width - LABEL_CELLS) if name else max(10, width)
        for index, part in enumerate(_wrapped(visible(text), room)):
            label = fit("" if index else name, LABEL_CELLS) if name else ""
            made.append(safe_line((label, "muted"), (part, tone)))
    return safe_lines(*made)


def _wrapped(text: str, room: int) -> list[str]:
    """Lines of at most `room` cells, ended between words where there are any."""
    lines = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    return [part for line in lines for part in chop_cells(line, room) or [""]]

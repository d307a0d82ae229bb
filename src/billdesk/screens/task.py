"""A job on the ledger as a whole, and the dialog in which it is begun, watched and read about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Button

from billdesk.screens.acts import Field, Values
from billdesk.screens.form import Form, Line
from billdesk.screens.progress import Report
from billdesk.screens.safe_text import safe_text

if TYPE_CHECKING:
    from textual.suggester import Suggester


@dataclass(frozen=True)
class Outcome:
    """What came of a task. `copied` is what `y` copies.

    `address` opens the ledger that is there now, if another one is; it may hold a password, and is
    never shown.
    """

    lines: tuple[Line, ...]
    copied: str
    address: str | None = None


@dataclass(frozen=True)
class Task:
    """One job. `about` says beforehand what it will do; `suggesters` complete fields by name."""

    title: str
    verb: str
    about: str
    perform: Callable[[Values, Report], Outcome]
    fields: tuple[Field, ...] = ()
    suggesters: Mapping[str, Suggester] = field(default_factory=dict)


class TaskDialog(Form):
    """One task, from what it needs to know to its receipt."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy", id="task.copy", show=False),
        Binding("o", "open_it", "Open it", id="task.open", show=False),
    ]

    DEFAULT_CSS = """
    TaskDialog #open { display: none; }
    TaskDialog.-opens #open { display: block; }
    TaskDialog.-done #start { display: none; }
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._chosen = task
        self._outcome: Outcome | None = None
        self.heading, self.verb = task.title, task.verb

    def fields(self) -> Sequence[Field]:
        return self._chosen.fields

    def suggester(self, field: Field) -> Suggester | None:
        return self._chosen.suggesters.get(field.name)

    def more_buttons(self) -> Sequence[Button]:
        return (Button(safe_text("Open it"), id="open", compact=True, variant="primary"),)

    def opened(self) -> None:
        self.say(self._chosen.about, "muted")

    def start(self, values: dict[str, str]) -> None:
        task = self._chosen
        self.work(lambda report: task.perform(values, report), self._finished)

    def _finished(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.app.remember(f"{self.heading}: done, {outcome.copied}", "good")
        self.add_class("-done")
        self.set_class(outcome.address is not None, "-opens")
        self.query_one("#cancel", Button).label = safe_text("Close")
        # Nothing has the focus: a second Enter must not put the receipt away unread.
        self.set_focus(None)
        self.tell((("", "Done.", "good"), *outcome.lines))
        opens = "o opens it, " if outcome.address is not None else ""
        self.hint(f"{opens}y copies, Esc closes.")

    def pressed(self, button: str) -> None:
        if button == "open":
            self.action_open_it()

    def action_open_it(self) -> None:
        if self._outcome is not None and self._outcome.address is not None:
            self.dismiss()
            self.app.open_ledger(self._outcome.address)

    def action_copy(self) -> None:
        if self._outcome is not None:
            self.app.copy_to_clipboard(self._outcome.copied)
            self.hint("Sent to terminal clipboard.")

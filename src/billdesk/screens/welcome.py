"""Welcome: there is no ledger here yet. Try the demo, make one, or open another."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from billdesk.core.values.errors import BilldeskError, SchemaMismatch
from billdesk.core.values.money import exponent_of
from billdesk.screens.frame import DeskScreen
from billdesk.screens.host import LOOKING_ONLY, TRY_DEMO
from billdesk.screens.line_input import LineInput
from billdesk.screens.line_table import Column
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.path_line import PathEnding
from billdesk.screens.safe_text import safe_lines, safe_text
from billdesk.screens.task import TaskDialog
from billdesk.screens.threads import explain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content
    from textual.widgets import Input

    from billdesk.core.desk import Desk

ABOUT = (
    "A billing desk on this machine: every balance is the sum of entries that nobody can change, "
    "and every act on money is shown before it is done."
)


def _about(width: int) -> Content:
    return safe_lines(
        safe_text("Welcome to billdesk", "title"),
        safe_text(""),
        *(safe_text(line) for line in textwrap.wrap(ABOUT, max(20, min(width, 90)))),
    )


@dataclass(frozen=True)
class Choice:
    """One way to begin."""

    key: str
    title: str
    about: str


CHOICES = (
    Choice("d", "Try the demo", "forty invented customers, ninety days of business"),
    Choice("n", "New ledger", "an empty one at the usual place on this machine"),
    Choice("o", "Open another", "a file, or a Postgres database by its address"),
    Choice("b", "Restore", "a backup, as a new ledger"),
)
MIGRATE = Choice("u", "Bring up to date", "this ledger was made by another version of billdesk")


class Answer(LineInput):
    """Where a path may be typed: Tab completes it, as in a shell, and does not leave the line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "cursor_right", "Complete", id="welcome.complete", show=False),
    ]


class WelcomeScreen(DeskScreen[None]):
    """The first screen of a new user."""

    place = "welcome"
    heading = "Welcome"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    WelcomeScreen .body { padding: 1 2; }
    WelcomeScreen #about, WelcomeScreen #asked, WelcomeScreen #trouble { height: auto; }
    WelcomeScreen #about, WelcomeScreen #asked { margin-bottom: 1; }
    WelcomeScreen #trouble.-shown { margin-bottom: 1; }
    WelcomeScreen PagedTable { height: 6; }
    WelcomeScreen.-outdated PagedTable { height: 7; }
    WelcomeScreen #asking { height: auto; display: none; }
    WelcomeScreen #asking.-shown { display: block; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "demo", "Try the demo", id="welcome.demo"),
        Binding("n", "new", "New ledger", id="welcome.new"),
        Binding("o", "other", "Open another", id="welcome.open"),
        Binding("b", "restore", "Restore", id="welcome.restore"),
        Binding("u", "migrate", "Bring up to date", id="welcome.migrate"),
        Binding("escape", "forget", "Back", id="welcome.back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._asking = ""
        self._trouble_text = ""
        self._outdated = False
        self._refused_address: str | None = None
        self.table: PagedTable[Choice] = PagedTable(
            (
                Column("Key", 3, lambda row: (row.key, "accent")),
                Column("Begin with", 16, lambda row: (row.title, "strong")),
                Column("", 30, lambda row: (row.about, "muted"), grow=1),
            ),
            lambda row: row.title,
        )

    def body(self) -> ComposeResult:
        yield Pane(id="about")
        yield Static(safe_text(self._trouble_text, "bad"), markup=False, id="trouble")
        yield self.table
        with Vertical(id="asking"):
            yield Static("", markup=False, id="asked")
            yield Answer(id="answer")

    def on_mount(self) -> None:
        self.table.show_rows((MIGRATE, *CHOICES) if self._outdated else CHOICES)
        self.query_one("#about", Pane).show(_about)

    def question(self) -> Callable[[Desk], None]:
        return lambda _: None

    def paint(self, answer: None) -> None:
        """Nothing is asked of a desk that is not there."""

    def explain_trouble(self, error: BaseException, address: str | None) -> None:
        """Say why the ledger that was asked for could not be opened, and offer what helps."""
        text = explain(error)
        self._trouble_text, self._refused_address = text, address
        self._outdated = isinstance(error, SchemaMismatch)
        self.table.show_rows((MIGRATE, *CHOICES) if self._outdated else CHOICES)
        self.set_class(self._outdated, "-outdated")
        self.refresh_bindings()
        self.app.remember(text, "bad")
        self.say("")
        for line in self.query("#trouble").results(Static):
            line.update(safe_text(text, "bad"))
            line.add_class("-shown")

    # --- choosing ---

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            {
                "d": self.action_demo,
                "n": self.action_new,
                "o": self.action_other,
                "b": self.action_restore,
                "u": self.action_migrate,
            }[row.key]()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action != "migrate" or self._outdated

    def action_demo(self) -> None:
        self.app.exit(TRY_DEMO)

    def action_new(self) -> None:
        if self._may():
            self._ask(
                "n",
                "Which currency do most of your accounts use? A code such as USD, EUR or JPY.",
                "USD",
            )

    def action_other(self) -> None:
        self._ask(
            "o",
            "Where is it? A path (Tab completes it), or an address such as "
            "postgresql://user@host/ledger.",
            "",
        )

    def action_restore(self) -> None:
        from billdesk.screens import upkeep  # noqa: PLC0415 - the store comes with it

        if self._may():
            proposal = upkeep.restored_proposal(self.app.now())
            self.app.push_screen(TaskDialog(upkeep.restore(None, proposal)))

    def action_migrate(self) -> None:
        from billdesk.screens import upkeep  # noqa: PLC0415 - the store comes with it

        if self._may():
            self.app.push_screen(TaskDialog(upkeep.migrate(self._refused_address)))

    def _may(self) -> bool:
        """Whether more than looking is wanted; if not, that is said."""
        if self.app.wants_to_look_only:
            self.say(LOOKING_ONLY, "warn")
        return not self.app.wants_to_look_only

    def action_forget(self) -> None:
        self._asking = ""
        self.query_one("#asking").remove_class("-shown")
        self.table.focus()

    def _ask(self, what: str, words: str, value: str) -> None:
        self._asking = what
        self.query_one("#asked", Static).update(safe_text(words))
        self.query_one("#asking").add_class("-shown")
        line = self.query_one(Answer)
        line.suggester = PathEnding(".ledger") if what == "o" else None
        line.value = value
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if not text:
            return
        if self._asking == "o":
            # Not what was typed: an address may hold a password.
            self.say("opening …", "muted")
            self.app.open_ledger(text)
            return
        try:
            exponent_of(text.upper())
        except BilldeskError as error:
            self.say(explain(error), "warn")
            return
        self.app.open_ledger(None, create=True, asset=text.upper())

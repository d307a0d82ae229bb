"""The message log: what was said and has left the screen since."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from billdesk.screens.detail import Detail
from billdesk.screens.host import DeskHost, Note
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.safe_text import safe_text

if TYPE_CHECKING:
    from textual.app import ComposeResult

WORDS = {"bad": "problem", "warn": "warning", "good": "done"}


class MessageLog(ModalScreen[None]):
    """Everything that was said since the desk was opened, the newest first."""

    DEFAULT_CSS = """
    MessageLog { align: center middle; background: $background 60%; }
    MessageLog > Vertical {
        width: 100%; height: 80%; background: $surface; border: round $line; padding: 0 1;
    }
    MessageLog Static { height: 1; }
    MessageLog LineTable { background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,m", "dismiss", "Close", id="messages.close"),
    ]

    AUTO_FOCUS = "PagedTable"

    app = getters.app(DeskHost)

    def compose(self) -> ComposeResult:
        table: PagedTable[Note] = PagedTable(
            (
                Column("When", 16, lambda note: (self.app.times.stamp(note.at), "muted")),
                Column("", 8, lambda note: (WORDS.get(note.tone, ""), note.tone)),
                Column("Message", 20, lambda note: note.text, grow=1),
            ),
            lambda note: note.text,
            empty="Nothing has been said yet.",
        )
        table.show_rows(tuple(reversed(self.app.notes)))
        with Vertical():
            yield Static(safe_text("Messages", "title"), markup=False)
            yield table
            yield Static(
                safe_text("Enter shows all of a message, y copies it, Esc closes", "muted"),
                markup=False,
            )

    def on_line_table_opened(self, event: LineTable.Opened) -> None:
        note = event.table.row
        if isinstance(note, Note):
            lines = (("when", self.app.times.full(note.at)), ("message", note.text))
            self.app.push_screen(Detail("Message", note.text, lines))

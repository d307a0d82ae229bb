"""The floor under the desk's start: a bare Textual app with as many widgets of the same sorts.

Three lines at the top and the bottom, two panes of text side by side, a list, and a drawing.
"""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Static

TEXT = "One line of a pane that says something of the day\n" * 3


class BareDesk(App[None]):
    """Paints once; knows nothing."""

    CSS = """
    #top { height: auto; }
    #top Static { width: 1fr; }
    DataTable { height: 10; }
    #plot { height: 1fr; }
    """
    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        """The widgets."""
        yield Static(" billdesk · Overview")
        yield Static("1 one  2 two  3 three  4 four  5 five  6 six")
        with Vertical():
            with Horizontal(id="top"):
                yield Static(TEXT)
                yield Static(TEXT)
            yield DataTable[str]()
            yield Static("a drawing\n" * 10, id="plot")
        yield Static("")
        yield Static("? help")

    def on_mount(self) -> None:
        """Some lines for the list."""
        table = self.query_one(DataTable)
        table.add_columns("Needs attention", "What", "Why")
        for number in range(5):
            table.add_row("warn", f"Account {number}", "has something")


if __name__ == "__main__":
    BareDesk().run()

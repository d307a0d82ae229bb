"""A line to type into and a list to choose from: the shape of the finder and of the palette."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from billdesk.screens.host import DeskHost
from billdesk.screens.line_input import LineInput
from billdesk.screens.line_table import Column
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.safe_text import safe_text
from billdesk.screens.threads import ThreadWork

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widgets import Input

Row = TypeVar("Row")


class Picker(ThreadWork, ModalScreen[None], Generic[Row]):
    """Results while one types; arrows move, Enter chooses. Subclasses give what there is."""

    heading: ClassVar[str] = ""
    placeholder: ClassVar[str] = ""
    look_after_seconds: ClassVar[float] = 0.07

    DEFAULT_CSS = """
    Picker { align: center top; background: $background 60%; }
    Picker > Vertical {
        width: 100; max-width: 100%; height: 80%; max-height: 100%; margin-top: 1;
        background: $surface; border: round $primary; padding: 0 1;
    }
    Picker LineTable { background: $surface; }
    Picker .heading { height: 1; color: $primary; }
    Picker .hint { height: 1; color: $muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", id="picker.close"),
        Binding("down,ctrl+n", "move(1)", "Next", id="picker.next"),
        Binding("up", "move(-1)", "Previous", id="picker.previous"),
        Binding("pagedown", "page(1)", "Next page", id="picker.page-down", show=False),
        Binding("pageup", "page(-1)", "Previous page", id="picker.page-up", show=False),
    ]

    AUTO_FOCUS = "LineInput"

    app = getters.app(DeskHost)

    def __init__(self) -> None:
        super().__init__()
        self.table: PagedTable[Row] = PagedTable(self.columns(), self.key_of)
        self._typed = 0

    # --- what subclasses give ---

    def columns(self) -> Sequence[Column[Row]]:
        """The columns of the results."""
        raise NotImplementedError

    def key_of(self, row: Row) -> str:
        """What names a result."""
        raise NotImplementedError

    def look(self, text: str) -> None:
        """Find what matches and put it into the table, now or later."""
        raise NotImplementedError

    def choose(self, row: Row | None, text: str) -> None:
        """Enter: on a result, or on what was typed if there is none."""
        raise NotImplementedError

    # --- the shape ---

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(safe_text(self.heading, "title"), markup=False, classes="heading")
            yield LineInput(placeholder=self.placeholder)
            self.table.can_focus = False
            yield self.table
            yield Static(
                safe_text("arrows move, Enter chooses, Esc closes"), markup=False, classes="hint"
            )

    def on_mount(self) -> None:
        self.look("")

    @property
    def typed(self) -> str:
        """What is in the line now."""
        return self.query_one(LineInput).value.strip()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.look_after_seconds:
            self.look(self.typed)
            return
        self._typed += 1
        typed = self._typed
        self.set_timer(self.look_after_seconds, lambda: self._look_if_still(typed))

    def _look_if_still(self, typed: int) -> None:
        if typed == self._typed and self.is_attached:
            self.look(self.typed)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.choose(self.table.row, self.typed)

    def on_line_table_opened(self) -> None:
        self.choose(self.table.row, self.typed)

    def action_move(self, rows: int) -> None:
        self.table.action_move(rows)

    def action_page(self, pages: int) -> None:
        self.table.action_page(pages)

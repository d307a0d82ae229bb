"""Export: the entries that are shown, or all of them, into a file; with progress, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from billdesk.screens.figures import amounts, count, counted
from billdesk.screens.filter_line import LastWord
from billdesk.screens.host import DeskHost
from billdesk.screens.line_input import LineInput
from billdesk.screens.safe_text import fit, safe_line, safe_lines, safe_text
from billdesk.screens.threads import ThreadWork, explain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widgets import Input

    from billdesk.core.rules.sheets import EntryFilter, ExportSheet

Format = Literal["csv", "jsonl", "hledger", "beancount"]
FORMATS: tuple[Format, ...] = get_args(Format)
ENDINGS: dict[Format, str] = {
    "csv": "csv",
    "jsonl": "jsonl",
    "hledger": "journal",
    "beancount": "beancount",
}
SECONDS_BETWEEN_REPORTS = 0.2


class StoppedError(Exception):
    """Esc was pressed while rows were being written."""


class Export(ThreadWork, ModalScreen[None]):
    """Where to, in which format; then how far it is; then what was written."""

    DEFAULT_CSS = """
    Export { align: center middle; background: $background 60%; }
    Export > Vertical {
        width: 76; max-width: 100%; height: auto;
        background: $surface; border: round $primary; padding: 0 2;
    }
    Export Static { height: auto; }
    Export .field { height: 1; margin-top: 1; }
    Export .field > Static { width: 10; color: $muted; }
    Export #said { margin-top: 1; }
    Export #buttons { height: 1; margin-top: 1; align-horizontal: right; }
    Export Button { margin-left: 2; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="export.close"),
        # First of all: what is typed behind a Tab must not end up in the field before it.
        Binding("tab,down", "app.focus_next", show=False, priority=True),
        Binding("shift+tab,up", "app.focus_previous", show=False, priority=True),
    ]

    AUTO_FOCUS = "#format"

    app = getters.app(DeskHost)

    class Progress(Message):
        """So many rows are written."""

        def __init__(self, rows: int, total: int) -> None:
            super().__init__()
            self.rows, self.total = rows, total

    def __init__(self, filters: EntryFilter | None) -> None:
        super().__init__()
        self._filters = filters
        self._writing = False
        self._stopping = threading.Event()

    def compose(self) -> ComposeResult:
        what = "the entries shown" if self._filters is not None else "all entries"
        with Vertical():
            yield Static(safe_text(f"Export {what}", "title"), markup=False)
            with Horizontal(classes="field"):
                yield Static(safe_text("Format"), markup=False)
                yield LineInput("csv", id="format", placeholder=" ".join(FORMATS))
            with Horizontal(classes="field"):
                yield Static(safe_text("File"), markup=False)
                yield LineInput(self._proposal("csv"), id="path")
            yield Static(
                safe_text(
                    "csv, jsonl, hledger or beancount; all that match, not one page", "muted"
                ),
                markup=False,
                id="said",
            )
            with Horizontal(id="buttons"):
                yield Button(safe_text("Cancel"), id="cancel", compact=True)
                yield Button(safe_text("Export"), id="export", compact=True, variant="primary")

    def on_mount(self) -> None:
        self.query_one("#format", LineInput).suggester = LastWord(FORMATS)

    def _proposal(self, format_wanted: Format) -> str:
        return f"billdesk-{self.app.times.local(self.app.now()):%Y-%m-%d}.{ENDINGS[format_wanted]}"

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        chosen = _format(event.value)
        path = self.query_one("#path", LineInput)
        proposals = {self._proposal(each) for each in FORMATS}
        if event.input.id == "format" and chosen is not None and path.value in proposals:
            path.value = self._proposal(chosen)
            path.cursor_position = len(path.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "export":
            self._start()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Close; while rows are being written, stop that first: half a file is no export."""
        if self._writing:
            self._stopping.set()
            self._say("stopping …", "muted")
        else:
            self.dismiss()

    def _start(self) -> None:
        desk, path = self.app.desk, self.query_one("#path", LineInput).value.strip()
        chosen = _format(self.query_one("#format", LineInput).value)
        if desk is None or self._writing:
            return
        if chosen is None or not path:
            self._say("Choose csv, jsonl, hledger or beancount, and a file.", "warn")
            return
        self._writing = True
        self._stopping.clear()
        self.query_one("#export", Button).disabled = True
        self._say("writing … Esc stops it", "muted")
        write = partial(desk.export_entries, path, chosen, on_progress=self._reporter())
        if self._filters is not None:
            write = partial(write, filter=self._filters)
        self.in_thread(write, self._written, self._not_written)

    def _reporter(self) -> Callable[[int, int], None]:
        """Reports from the thread, a few times a second at most."""
        last = 0.0

        def report(rows: int, total: int) -> None:
            nonlocal last
            if self._stopping.is_set():
                raise StoppedError
            now = monotonic()
            if now - last >= SECONDS_BETWEEN_REPORTS:
                last = now
                self.post_message(self.Progress(rows, total))

        return report

    def on_export_progress(self, event: Progress) -> None:
        event.stop()
        if self._writing and not self._stopping.is_set():
            done = f"{count(event.rows)} of {counted(event.total, 'row')}"
            self._say(f"{done} … Esc stops it", "muted")

    def _written(self, sheet: ExportSheet) -> None:
        self._writing = False
        text = f"{counted(sheet.rows, 'row')} written to {sheet.path}"
        self.app.remember(text, "good")
        self.query_one("#cancel", Button).label = safe_text("Close")
        self.query_one("#said", Static).update(
            safe_lines(
                safe_text(text, "good"),
                safe_line((fit("total", 8), "muted"), amounts(sheet.totals)),
                safe_text("Esc closes", "muted"),
            )
        )

    def _not_written(self, error: BaseException) -> None:
        self._writing = False
        self.query_one("#export", Button).disabled = False
        if isinstance(error, StoppedError):
            self._say("Stopped. Nothing was written.", "warn")
            return
        self.app.remember(explain(error), "bad")
        self._say(f"Nothing written. {explain(error)}", "bad")

    def _say(self, text: str, tone: str) -> None:
        self.query_one("#said", Static).update(safe_text(text, tone))


def _format(text: str) -> Format | None:
    for each in FORMATS:
        if text.strip().lower() == each:
            return each
    return None

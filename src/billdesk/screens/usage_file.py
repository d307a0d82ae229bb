"""Taking in a file of usage: which one, how far it is, and which of its lines could not be taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widgets import Button

from billdesk.screens.acts import Field
from billdesk.screens.detail import Detail
from billdesk.screens.figures import count, counted
from billdesk.screens.form import Form
from billdesk.screens.line_table import Column
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.path_line import PathEnding, read_path
from billdesk.screens.progress import Report
from billdesk.screens.safe_text import safe_text

if TYPE_CHECKING:
    from textual.suggester import Suggester
    from textual.widget import Widget

    from billdesk.core.rules.sheets import IngestSheet, RowError


class IngestFile(Form):
    """Which file, how far it is, what came in, and which lines could not be taken."""

    heading = "Take in a file of usage"
    verb = "Take in"

    DEFAULT_CSS = """
    IngestFile PagedTable { display: none; height: 10; margin-top: 1; background: $surface; }
    IngestFile.-wrong PagedTable { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.table: PagedTable[RowError] = PagedTable(
            (
                Column("Line", 9, lambda row: (count(row.line), "strong"), right=True),
                Column("What is wrong with it", 30, lambda row: row.text, grow=1),
            ),
            lambda row: f"line {row.line}: {row.text}",
        )

    def fields(self) -> Sequence[Field]:
        return (Field("path", "File", read_path, placeholder="the path of a CSV or JSONL file"),)

    def suggester(self, field: Field) -> Suggester | None:  # noqa: ARG002 - it has but one
        return PathEnding(".csv", ".jsonl")

    def below(self) -> Iterable[Widget]:
        return (self.table,)

    def opened(self) -> None:
        about = "Each event comes in once, by its id: the same file again changes nothing."
        self.say(about, "muted")

    def start(self, values: dict[str, str]) -> None:
        desk = self.app.desk
        if desk is None:
            return
        path = read_path(values["path"])

        def take_in(report: Report) -> IngestSheet:
            return desk.usage.ingest(path, on_progress=lambda done, of: report("reading", done, of))

        self.remove_class("-wrong")
        self.work(take_in, self._taken_in)

    def _taken_in(self, sheet: IngestSheet) -> None:
        late = f" ({count(sheet.late)} late)" if sheet.late else ""
        text = f"{counted(sheet.new, 'event')}{late} came in, {count(sheet.known)} known already"
        tone = "warn" if sheet.rejected else "good"
        lines = [("", f"{text}.", "good")]
        if sheet.rejected:
            text = f"{counted(sheet.rejected, 'line')} of {count(sheet.read)} cannot be taken"
            more = "; the first are listed." if sheet.rejected > len(sheet.errors) else "."
            lines.append(("", text + more, "bad"))
        self.app.remember(f"Usage: {text}", tone)
        self.set_class(bool(sheet.rejected), "-wrong")
        self.table.show_rows(sheet.errors)
        self.table.move_to(0)
        self.query_one("#cancel", Button).label = safe_text("Close")
        self.tell(lines)
        self.hint("Esc closes." if not sheet.rejected else "Tab goes to the list, Esc closes.")
        self.app.ask_again()

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            lines = (("line", count(row.line)), ("wrong", row.text))
            self.app.push_screen(Detail("Usage", f"line {row.line}", lines))

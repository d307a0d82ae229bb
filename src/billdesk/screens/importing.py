"""Import: accounts or entries from a CSV file; first as a rehearsal, then for good.

The verb itself runs in the rehearsal and is taken back, so that whatever is wrong with a line is
listed before anything is kept, and the numbers are those that the import will come to. Others wait
to write meanwhile, as they do while it is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widgets import Button

from billdesk.screens.acts import Field, choice_field
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

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import ImportSheet, RowError

KINDS = ("accounts", "entries")


class Import(Form):
    """What is in the file, which lines cannot be taken, and, if it is wanted then, what came in."""

    heading = "Import from a CSV file"
    verb = "Check"

    DEFAULT_CSS = """
    Import PagedTable { display: none; height: 10; margin-top: 1; background: $surface; }
    Import.-wrong PagedTable { display: block; }
    Import.-done #start, Import.-done #import { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._checked: dict[str, str] | None = None
        self.table: PagedTable[RowError] = PagedTable(
            (
                Column("Line", 7, lambda row: (count(row.line), "strong"), right=True),
                Column("What is wrong with it", 30, lambda row: row.text, grow=1),
            ),
            lambda row: f"line {row.line}: {row.text}",
        )

    def fields(self) -> Sequence[Field]:
        return (
            choice_field("kind", "What", KINDS),
            Field("path", "File", read_path, placeholder="the path of a CSV file"),
        )

    def suggester(self, field: Field) -> Suggester | None:
        return PathEnding(".csv", ".CSV") if field.name == "path" else super().suggester(field)

    def more_buttons(self) -> Sequence[Button]:
        return (
            Button(
                safe_text("Import"), id="import", compact=True, variant="warning", disabled=True
            ),
        )

    def below(self) -> Iterable[Widget]:
        return (self.table,)

    def opened(self) -> None:
        about = "Accounts first, then the entries of their history. All lines come in, or none."
        self.say(about, "muted")

    # --- the rehearsal ---

    def start(self, values: dict[str, str]) -> None:
        desk = self.app.desk
        if desk is None:
            return
        self._forget()

        def rehearse(report: Report) -> ImportSheet:
            with desk.rehearsal():
                return _bring_in(desk, values, report, "checking")

        self.work(rehearse, lambda sheet: self._rehearsed(values, sheet))

    def _rehearsed(self, values: dict[str, str], sheet: ImportSheet) -> None:
        if sheet.errors:
            self._list(sheet)
            return
        self._checked = values
        self.query_one("#import", Button).disabled = False
        self.tell(
            (
                ("", f"{_lines(sheet)}, and every one can be taken.", "good"),
                ("", f"{count(sheet.added)} would be new, {_known(sheet)}.", ""),
            )
        )
        self.hint("Nothing is imported yet: the last button does that.")

    def changed(self) -> None:
        if self._checked is not None or self.has_class("-wrong"):
            self._forget()
            self.say("")

    def _forget(self) -> None:
        """What was found out holds no longer."""
        self._checked = None
        self.query_one("#import", Button).disabled = True
        self.remove_class("-wrong", "-failed")

    def _list(self, sheet: ImportSheet) -> None:
        """Show each line that cannot be taken."""
        wrong = counted(len(sheet.errors), "line")
        self._forget()
        self.add_class("-wrong", "-failed")
        self.table.show_rows(sheet.errors)
        self.table.move_to(0)
        text = f"{wrong} of {count(sheet.rows)} cannot be taken. Nothing was imported."
        self.app.remember(f"Import of {sheet.path}: {text}", "warn")
        self.say(text, "bad")
        self.hint("Tab goes to the list, Enter shows a line in full, Esc leaves.")

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            lines = (("line", count(row.line)), ("wrong", row.text))
            self.app.push_screen(Detail("Import", f"line {row.line}", lines))

    # --- for good ---

    def pressed(self, button: str) -> None:
        desk, values = self.app.desk, self._checked
        if button != "import" or desk is None or values is None:
            return
        self.work(lambda report: _bring_in(desk, values, report, "importing"), self._imported)

    def _imported(self, sheet: ImportSheet) -> None:
        if sheet.errors:
            # Somebody has changed the file or the ledger since it was checked.
            self._list(sheet)
            return
        text = f"{count(sheet.added)} new of {_lines(sheet)}, {_known(sheet)}"
        self.app.remember(f"Imported {text} from {sheet.path}", "good")
        self.add_class("-done")
        self.query_one("#cancel", Button).label = safe_text("Close")
        # Nothing has the focus: a second Enter must not put the result away unread.
        self.set_focus(None)
        self.tell((("", f"Imported. {text}.", "good"), ("from", sheet.path, "")))
        self.hint("Esc closes.")
        self.app.ask_again()


def _bring_in(desk: Desk, values: dict[str, str], report: Report, phase: str) -> ImportSheet:
    """Run the verb for one kind of file. Raises what it raises."""
    kind, path = values["kind"].strip(), read_path(values["path"])
    verb = desk.imports.accounts if kind == "accounts" else desk.imports.entries
    return verb(path, lambda done, total: report(phase, done, total))


def _lines(sheet: ImportSheet) -> str:
    return counted(sheet.rows, "line")


def _known(sheet: ImportSheet) -> str:
    return f"{count(sheet.unchanged)} known already"

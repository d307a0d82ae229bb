"""Moving the ledger into the other database: what would be copied, then the copy and its proof."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Button

from billdesk.screens.acts import Field
from billdesk.screens.figures import count, counted
from billdesk.screens.form import Form, Line
from billdesk.screens.line_table import Column
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.path_line import PathEnding, read_address, short
from billdesk.screens.safe_text import safe_text

if TYPE_CHECKING:
    from textual.suggester import Suggester
    from textual.widget import Widget

    from billdesk.core.rules.sheets import LedgerSheet, MoveSheet

TO_POSTGRES = "Every row goes into an empty Postgres database"
TO_A_FILE = "Every row goes into a new SQLite file"
HEAD_DIGITS = 16


class Move(Form):
    """Where to, what that comes to, and the receipt."""

    heading = "Move the ledger"
    verb = "Check"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy", id="move.copy", show=False),
        Binding("o", "open_it", "Open it", id="move.open", show=False),
    ]

    DEFAULT_CSS = """
    Move PagedTable { display: none; height: 7; margin-top: 1; background: $surface; }
    Move.-checked PagedTable { display: block; }
    Move #open { display: none; }
    Move.-done #open { display: block; }
    Move.-done PagedTable, Move.-done #start, Move.-done #move { display: none; }
    Move.-done #said { max-height: 18; }
    """

    def __init__(self, ledger: LedgerSheet, proposal: str) -> None:
        super().__init__()
        self._to_a_file = ledger.kind == "postgres"
        self._proposal = proposal if self._to_a_file else ""
        self._checked: str | None = None
        self._moved: MoveSheet | None = None
        self.table: PagedTable[tuple[str, int]] = PagedTable(
            (
                Column("Table", 24, lambda row: row[0], grow=1),
                Column("Rows", 14, lambda row: (count(row[1]), "strong"), right=True),
            ),
            lambda row: row[0],
        )

    def fields(self) -> Sequence[Field]:
        about = "a path" if self._to_a_file else "postgresql://user@host/database"
        return (
            Field("target", "New ledger", read_address, value=self._proposal, placeholder=about),
        )

    def suggester(self, field: Field) -> Suggester | None:
        return PathEnding("/") if self._to_a_file else super().suggester(field)

    def more_buttons(self) -> Sequence[Button]:
        return (
            Button(safe_text("Move"), id="move", compact=True, variant="warning", disabled=True),
            Button(safe_text("Open it"), id="open", compact=True, variant="primary"),
        )

    def below(self) -> Iterable[Widget]:
        return (self.table,)

    def opened(self) -> None:
        where = TO_A_FILE if self._to_a_file else TO_POSTGRES
        self.say(
            f"{where}, is read back, and is proven there; only then the new ledger counts. This "
            "one is only read and stays as it is: stop whoever else writes to it before you move.",
            "muted",
        )

    # --- what it would come to ---

    def start(self, values: dict[str, str]) -> None:
        desk, target = self.app.desk, read_address(values["target"])
        if desk is not None:
            self._forget()
            self.work(lambda _: desk.preview_move(target), lambda sheet: self._seen(target, sheet))

    def _seen(self, target: str, sheet: MoveSheet) -> None:
        self._checked = target
        self.add_class("-checked")
        self.query_one("#move", Button).disabled = False
        rows = [(name, number) for name, number in sheet.tables.items() if number]
        self.table.show_rows(sorted(rows, key=lambda row: -row[1]))
        self.table.move_to(0)
        lines: list[Line] = [("to", sheet.target, "strong"), ("copies", _copied(sheet), "")]
        if sheet.books is not None:
            lines.append(("and", f"the sandbox's books, to {_short(sheet.books)}", ""))
        if sheet.own_tables:
            lines.append(("not", f"tables of your own: {', '.join(sheet.own_tables)}", "warn"))
        self.tell(lines)
        self.hint("Nothing is moved yet: the last button does that.")

    def changed(self) -> None:
        if self._checked is not None:
            self._forget()
            self.say("")

    def _forget(self) -> None:
        """What was seen holds no longer."""
        self._checked = None
        self.query_one("#move", Button).disabled = True
        self.remove_class("-checked", "-failed")

    # --- for good ---

    def pressed(self, button: str) -> None:
        desk, target = self.app.desk, self._checked
        if button == "open":
            self.action_open_it()
        elif desk is not None and target is not None:
            self.remove_class("-checked")
            self.work(lambda report: desk.move(target, on_progress=report), self._done)

    def _done(self, sheet: MoveSheet) -> None:
        self._moved = sheet
        self.app.remember(
            f"{self.heading}: done, {sheet.target}", "warn" if sheet.behind else "good"
        )
        self.add_class("-done")
        self.query_one("#cancel", Button).label = safe_text("Close")
        # Nothing has the focus: a second Enter must not put the receipt away unread.
        self.set_focus(None)
        self.tell(_receipt(sheet))
        self.hint("o opens it, y copies, Esc closes.")

    def action_open_it(self) -> None:
        if self._moved is not None and self._checked is not None:
            self.dismiss()
            self.app.open_ledger(self._checked)

    def action_copy(self) -> None:
        if self._moved is not None:
            self.app.copy_to_clipboard(self._moved.target)
            self.hint("Sent to terminal clipboard.")


def _copied(sheet: MoveSheet) -> str:
    tables = sum(1 for rows in sheet.tables.values() if rows)
    return f"{counted(sum(sheet.tables.values()), 'row')} of {counted(tables, 'table')}"


def _short(path: str) -> str:
    return short(Path(path))


def _receipt(sheet: MoveSheet) -> list[Line]:
    """What is there now, how that is known, and what is left to do."""
    proven = f"{counted(sheet.entries, 'entry', 'entries')} of {counted(sheet.wallets, 'wallet')}"
    lines: list[Line] = [
        ("ledger", sheet.target, "strong"),
        ("copied", f"{_copied(sheet)}, all read back the same", ""),
        ("proof", f"{proven}: every hash as before", "good"),
        ("heads", f"{(sheet.heads or '')[:HEAD_DIGITS]}… on both sides", ""),
    ]
    if sheet.checkpoint is not None:
        lines.append(("checkpoint", _short(sheet.checkpoint), "muted"))
    if sheet.books is not None:
        lines.append(("books", _short(sheet.books), "muted"))
    notes: list[Line] = [("note", text, "") for text in sheet.notes]
    if sheet.behind:
        # What is to be done about that comes before everything.
        return [("", "Done, but it lacks something.", "warn"), *notes, *lines]
    return [("", "Done.", "good"), *lines, *notes]

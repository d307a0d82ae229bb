"""Keeping: where the ledger lies, when it was last backed up, and the jobs that keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.desk import migrate as migrate_ledger
from billdesk.screens import upkeep
from billdesk.screens.figures import ago
from billdesk.screens.form import Line, written
from billdesk.screens.frame import DeskScreen
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.moving import Move
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.path_line import short
from billdesk.screens.task import TaskDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import LedgerSheet

KINDS = {"sqlite": "a SQLite file", "postgres": "a Postgres database"}


@dataclass(frozen=True)
class Offer:
    """One job: its key, its name, what it does here and now, and whether it is to be had."""

    key: str
    title: str
    about: str
    action: str
    offered: bool = True


class KeepingScreen(DeskScreen["upkeep.Backup | None"]):
    """The ledger as a file or database."""

    place = "keeping"
    heading = "Keeping"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    KeepingScreen #facts { padding: 1 2; }
    KeepingScreen PagedTable { height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("B", "back_up", "Back up", id="keeping.backup"),
        Binding("R", "restore", "Restore", id="keeping.restore"),
        Binding("M", "migrate", "Migrate", id="keeping.migrate"),
        Binding("V", "move", "Move", id="keeping.move"),
        Binding("L", "grant", "Grant a login", id="keeping.grant"),
        Binding("I", "app.import_file", "Import", id="keeping.import"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._newest: upkeep.Backup | None = None
        self.table: PagedTable[Offer] = PagedTable(
            (
                Column("Key", 3, lambda row: (row.key, "accent" if row.offered else "muted")),
                Column("Job", 14, lambda row: (row.title, "strong" if row.offered else "muted")),
                Column("", 30, lambda row: (row.about, "muted"), grow=1),
            ),
            lambda row: row.title,
        )

    def body(self) -> ComposeResult:
        yield Pane(id="facts")
        yield self.table

    # --- the question ---

    def question(self) -> Callable[[Desk], upkeep.Backup | None]:
        return lambda desk: upkeep.newest_backup(desk.info)

    def paint(self, answer: upkeep.Backup | None) -> None:
        self._newest = answer
        ledger = self.app.ledger
        if ledger is not None:
            lines = self._facts(ledger)
            self.query_one("#facts", Pane).show(lambda width: written(lines, width))
            self.table.show_rows(_offers(ledger))

    def _facts(self, ledger: LedgerSheet) -> tuple[Line, ...]:
        return (
            ("ledger", ledger.where, "strong"),
            ("kind", f"{KINDS[ledger.kind]}, schema {ledger.schema}", ""),
            ("id", ledger.ledger_id, ""),
            ("made", self.app.times.full(ledger.created_at), ""),
            *self._last_backup(),
        )

    def _last_backup(self) -> tuple[Line, ...]:
        newest = self._newest
        if newest is None:
            return (
                ("last backup", f"none known of in {short(upkeep.folder_of_backups())}", "warn"),
            )
        when = f"{self.app.times.full(newest.made_at)}, {ago(newest.made_at, self.app.now())}"
        return (
            ("last backup", f"{when}, {upkeep.size(newest.size_bytes)}", ""),
            (" ", short(newest.path), "muted"),
        )

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            self.call_later(self.run_action, row.action)

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table and self.table.row_count:
            self.show_position(f"{self.table.cursor + 1} of {self.table.row_count}")

    # --- the jobs ---

    def action_back_up(self) -> None:
        # It only reads: a desk to look at may be backed up, too.
        desk = self.app.desk
        if desk is not None:
            task = upkeep.back_up(desk, self.app.times.local(self.app.now()))
            self.app.push_screen(TaskDialog(task), lambda _: self.ask())

    def action_restore(self) -> None:
        if self.may_act():
            today = self.app.times.local(self.app.now())
            proposal = upkeep.restored_proposal(today)
            self.app.push_screen(TaskDialog(upkeep.restore(self._newest, proposal)))

    def action_migrate(self) -> None:
        """An open ledger is of this schema or was refused: there is nothing to ask for first."""
        if self.may_act():
            self.act(lambda _: migrate_ledger(self.app.address), partial(self.say, tone="good"))

    def action_move(self) -> None:
        ledger = self.app.ledger
        if ledger is not None and self.may_act():
            proposal = upkeep.restored_proposal(self.app.times.local(self.app.now()), "moved")
            self.app.push_screen(Move(ledger, proposal))

    def action_grant(self) -> None:
        ledger = self.app.ledger
        if ledger is not None and ledger.kind == "sqlite":
            self.say(upkeep.NO_LOGINS, "warn")
        elif self.may_act():
            self.app.push_screen(TaskDialog(upkeep.grant(self.app.address)))


def _offers(ledger: LedgerSheet) -> tuple[Offer, ...]:
    """The jobs, each with what it comes to on this ledger."""
    may, postgres = not ledger.read_only, ledger.kind == "postgres"
    refused = "not on a desk that was opened read-only"
    return (
        Offer("B", "Back up", "a copy beside whoever writes, and its proof", "back_up"),
        Offer(
            "R", "Restore", "a backup as a new ledger, never over one" if may else refused,
            "restore", may,
        ),
        Offer(
            "M", "Migrate", f"schema {ledger.schema} is the newest" if may else refused,
            "migrate", may,
        ),
        Offer(
            "V", "Move",
            refused if not may
            else "into a SQLite file, every row proven" if postgres
            else "into a Postgres database, every row proven",
            "move", may,
        ),
        Offer(
            "L", "Grant a login",
            "Postgres alone; a SQLite file has no logins" if not postgres
            else "let a login work at the desk" if may else refused,
            "grant", may and postgres,
        ),
        Offer(
            "I", "Import", "accounts or entries from a CSV file, all or none" if may else refused,
            "app.import_file", may,
        ),
    )  # fmt: skip

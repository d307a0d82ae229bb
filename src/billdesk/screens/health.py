"""Health: whether this installation is fit to keep money, and whether the ledger proves true."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens.detail import Detail
from billdesk.screens.figures import count, counted, tone_of
from billdesk.screens.frame import DeskScreen
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.progress import Progress, reporter

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import CheckpointSheet, DoctorSheet, VerifySheet

Check = tuple[str, str, str, str]
"""What was checked, how it is, what was found, and what helps."""


class HealthScreen(DeskScreen["tuple[DoctorSheet, ...]"]):
    """The checks of the installation, and the proof of the ledger when it is asked for."""

    place = "health"
    heading = "Health"
    AUTO_FOCUS = "PagedTable"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "verify", "Verify the ledger", id="health.verify"),
        Binding("s", "seal", "Seal a checkpoint", id="health.seal"),
        Binding("b", "app.go('keeping')", "Back up, restore", id="health.keeping"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._checks: tuple[Check, ...] = ()
        self._proof: tuple[Check, ...] = (
            ("proof", "note", "not asked for yet", "press v: every chain and balance is counted"),
        )
        self._verifying = False
        self.table: PagedTable[Check] = PagedTable(
            (
                Column("Check", 16, lambda row: (row[0], "strong")),
                Column("State", 8, lambda row: (row[1], tone_of(row[1]))),
                Column("Found", 24, lambda row: row[2], grow=3),
                Column("What helps", 20, lambda row: (row[3], "muted"), grow=2),
            ),
            lambda row: f"{row[0]} {row[2]}",
            empty="Checking …",
        )

    def body(self) -> ComposeResult:
        yield self.table

    def question(self) -> Callable[[Desk], tuple[DoctorSheet, ...]]:
        return lambda desk: desk.doctor()

    def paint(self, answer: tuple[DoctorSheet, ...]) -> None:
        self._checks = tuple(
            (check.name, check.state, check.text, "" if check.state == "ok" else check.remedy)
            for check in answer
        )
        self._show()

    def ledger_changed(self) -> None:
        """Checking reads the whole file: it is done when it is asked for, not at every entry."""

    def on_screen_resume(self) -> None:
        """The same."""

    def _show(self) -> None:
        self.table.show_rows((*self._checks, *self._proof))

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table and self.table.row_count:
            self.show_position(f"{self.table.cursor + 1} of {self.table.row_count}")

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            name, state, text, remedy = row
            lines = (("state", state), ("found", text), ("what helps", remedy))
            self.app.push_screen(Detail("Check", name, lines))

    # --- the proof ---

    def action_verify(self) -> None:
        if self._verifying:
            return
        self._verifying = True
        self.say("verifying …", "muted")
        report = partial(reporter(self.post_message), "verifying")
        self.act(lambda desk: desk.verify(on_progress=report), self._verified)

    def on_progress(self, event: Progress) -> None:
        event.stop()
        if self._verifying:
            self.show_position(f"{count(event.done)} of {counted(event.total, 'entry', 'entries')}")

    def _verified(self, sheet: VerifySheet) -> None:
        self._verifying = False
        entries = counted(sheet.entries, "entry", "entries")
        proven = f"{entries} of {counted(sheet.wallets, 'wallet')} followed and counted"
        proof: list[Check] = [("proof", "ok" if sheet.ok else "problem", proven, "")]
        proof += [(each.check, "problem", each.text, "restore a backup") for each in sheet.findings]
        proof += [("unproven", "warning", text, "seal a checkpoint (s)") for text in sheet.unproven]
        self._proof = tuple(proof)
        self._show()
        if sheet.ok:
            self.say(f"the ledger proves true: {entries}", "good")
        else:
            self.say(f"{counted(len(sheet.findings), 'finding')} in the ledger, see below", "bad")

    def say_error(self, error: BaseException) -> None:
        self._verifying = False
        super().say_error(error)

    def action_seal(self) -> None:
        self.act(lambda desk: desk.seal(), self._sealed)

    def _sealed(self, sheet: CheckpointSheet) -> None:
        self.say(f"sealed {counted(sheet.entries, 'entry', 'entries')} at {sheet.path}", "good")

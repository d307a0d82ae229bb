"""The account finder: anything that names an account finds it, from anywhere, while one types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from billdesk.screens.figures import tone_of
from billdesk.screens.line_table import Column
from billdesk.screens.picker import Picker
from billdesk.screens.threads import explain

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import MatchSheet

RESULTS = 50
EMPTY = (
    "Type a ref, an e-mail, a name, the number of an invoice, a reference,\n"
    "or the id of anything: an account, a posting, a payment, a subscription."
)


class Finder(Picker["MatchSheet"]):
    """Finds accounts and says why each of them matched."""

    heading = "Find an account"
    placeholder = "ref, e-mail, name, invoice number, reference, any id"

    def __init__(self) -> None:
        super().__init__()
        self._generation = 0

    def columns(self) -> Sequence[Column[MatchSheet]]:
        return (
            Column("Account", 14, lambda row: (row.account.ref, "strong"), grow=1),
            Column("Name", 18, lambda row: row.account.name, grow=2),
            Column("Status", 9, lambda row: (row.account.status, tone_of(row.account.status))),
            Column("Found by", 18, lambda row: (row.why, "muted"), grow=2),
        )

    def key_of(self, row: MatchSheet) -> str:
        return row.account.ref

    def look(self, text: str) -> None:
        self._generation += 1
        desk, generation = self.app.desk, self._generation
        if not text or desk is None:
            self._show(generation, "", ())
            return
        self.in_thread(
            lambda: desk.accounts.find(text, limit=RESULTS),
            lambda found: self._show(generation, text, found),
            lambda error: self._trouble(generation, error),
        )

    def _show(self, generation: int, text: str, found: Sequence[MatchSheet]) -> None:
        if generation == self._generation:
            self.table.empty = f"Nothing is known by {text!r}." if text else EMPTY
            self.table.show_rows(found)
            self.table.move_to(0)

    def _trouble(self, generation: int, error: BaseException) -> None:
        if generation == self._generation:
            self.table.empty = explain(error)
            self.table.show_rows(())

    def choose(self, row: MatchSheet | None, text: str) -> None:  # noqa: ARG002 - the picker's
        if row is not None:
            self.dismiss()
            self.app.show_account(row.account.ref)

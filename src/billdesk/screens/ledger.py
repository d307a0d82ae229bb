"""Ledger: every entry ever made, the newest first, filtered by anything, at any length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens import verbs
from billdesk.screens.detail import Detail, posting_lines
from billdesk.screens.entry_query import ENTRY_NAMES, entry_filter_of
from billdesk.screens.figures import money_tone, number, signed
from billdesk.screens.filter_line import Query
from billdesk.screens.filtered_screen import NOTHING_MATCHES, FilteredScreen
from billdesk.screens.ledger_view import EntryReading, LedgerView
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.review import Review

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import EntryFilter, EntrySheet, PostingSheet

CHIPS = ("deposit", "charge", "refund", "manual_credit", "manual_debit", "reversal", "capture")

NO_ENTRIES = (
    "No entries yet.\nMake an account in Balances (2, then N); there D starts a deposit,\n"
    "and A credits or debits by hand. What programs post appears by itself."
)


@dataclass(frozen=True)
class LedgerAnswer:
    """A reading of the ledger, its newest page, and where the marked entry is in it now."""

    reading: EntryReading
    first: tuple[EntrySheet, ...]
    cursor: int


class LedgerScreen(FilteredScreen[LedgerAnswer]):
    """The whole ledger, or what a filter leaves of it."""

    place = "ledger"
    heading = "Ledger"
    filter_names = ENTRY_NAMES
    filter_hint = "/ filter: words  kind:charge  account:REF  since:2026-03-01  until:  ref:  asof:"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "kind", "Kind", id="ledger.kind"),
        Binding("o", "open_account", "Account", id="ledger.account"),
        Binding("t", "today", "Today", id="ledger.today", show=False),
        Binding("R", "refund", "Refund", id="act.refund"),
        Binding("V", "reverse", "Reverse", id="act.reverse"),
    ]

    table: LedgerView

    def __init__(self, *, threaded: bool = True) -> None:
        super().__init__()
        self.table = LedgerView(self._columns(), threaded=threaded)
        self._reading: EntryReading | None = None
        self._newer = 0

    def _columns(self) -> Sequence[Column[EntrySheet]]:
        return (
            Column(
                "Number", 10, lambda row: (f"{row.number:,}", "muted"), right=True, from_width=150
            ),
            Column("When", 11, lambda row: self.app.times.short(row.recorded_at), below_width=100),
            Column("When", 16, lambda row: self.app.times.stamp(row.recorded_at), from_width=100),
            Column("Account", 12, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Kind", 13, lambda row: row.kind),
            Column("About", 18, lambda row: row.what, grow=3, from_width=100),
            Column("Against", 14, lambda row: (row.counterparty, "muted"), grow=1, from_width=130),
            Column(
                "Amount", 12, lambda row: (signed(row.amount), money_tone(row.amount)), right=True
            ),
            Column("Balance", 12, lambda row: number(row.balance_after), right=True),
            Column("", 6, lambda row: (row.amount.asset, "muted")),
            Column("By", 8, lambda row: (row.actor, "muted"), grow=1, from_width=150),
        )

    # --- the question ---

    def question(self) -> Callable[[Desk], LedgerAnswer]:
        filters = entry_filter_of(self.line.applied)
        marked = self.table.row if self.table.cursor else None
        number_marked = marked.number if marked is not None else None

        def read(desk: Desk) -> LedgerAnswer:
            reading = desk.ledger.view(filters)
            first = reading.page(0)
            row = None
            if number_marked is not None:
                # Where the marked entry stands now can be told only in a counted reading.
                reading.count()
                row = reading.row_of(number_marked)
            return LedgerAnswer(reading, first, row or 0)

        return read

    def paint(self, answer: LedgerAnswer) -> None:
        if self.app.desk is not None:
            self.line.suggest(f"kind:{kind}" for kind in self.app.desk.ledger.kinds)
        self._reading, self._newer = answer.reading, 0
        self.table.empty = NOTHING_MATCHES if self.line.value else NO_ENTRIES
        self.table.show(answer.reading, answer.first, answer.cursor)
        self._show_place()

    def ledger_changed(self) -> None:
        """Rows never move under a cursor: what is new is announced, but loaded at the top."""
        if self._reading is None or self.table.cursor == 0:
            self.ask()
            return
        reading = self._reading
        self.in_thread(reading.newer, lambda newer: self._arrived(reading, newer), self.say_error)

    def _arrived(self, reading: EntryReading, newer: int) -> None:
        if reading is self._reading:
            self._newer = newer
            self._show_place()

    def _show_place(self) -> None:
        table = self.table
        at = f"{table.cursor + 1:,} of {table.count_text}" if table.row_count else ""
        new = f"{self._newer:,} new (r to load)   " if self._newer else ""
        self.show_position(f"{new}{at}")

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table:
            self._show_place()
            self.refresh_bindings()

    def on_ledger_view_failed(self, event: LedgerView.Failed) -> None:
        self.say_error(event.error)

    # --- the filter ---

    def entry_filter(self) -> EntryFilter | None:
        return entry_filter_of(self.line.applied) if self.line.applied != Query() else None

    def action_kind(self) -> None:
        """From all kinds to each in turn, and back to all."""
        self.cycle_filter("kind", CHIPS)

    def action_today(self) -> None:
        rest = [token for token in self.line.value.split() if not token.startswith("since:")]
        today = f"{self.app.times.local(self.app.now()):%Y-%m-%d}"
        self.line.put(" ".join([*rest, f"since:{today}"]))

    # --- a row ---

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            self.act(lambda desk: desk.ledger.posting(row.posting_id), self._show_posting)

    def _show_posting(self, posting: PostingSheet) -> None:
        lines = posting_lines(posting, self.app.times)
        self.app.push_screen(Detail("Posting", posting.id, lines))

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)

    # --- acts ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action in {"refund", "reverse"} and not self.app.may_act:
            return False
        if action == "refund":
            row = self.table.row
            return True if row is not None and row.kind in {"charge", "capture"} else None
        return True

    def action_refund(self) -> None:
        if self.table.row is not None:
            self._review("refund", self.table.row)

    def action_reverse(self) -> None:
        if self.table.row is not None:
            self._review("reverse", self.table.row)

    def _review(self, verb: str, row: EntrySheet) -> None:
        act = verbs.refund(row) if verb == "refund" else verbs.reverse(row)
        self.app.push_screen(Review(act), lambda _: self.ask())

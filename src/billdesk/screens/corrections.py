"""What refunds and adjustments have in common: entries somebody made to put things right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens.detail import Detail, posting_lines
from billdesk.screens.entry_query import entry_filter_of
from billdesk.screens.figures import money_tone, signed
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import EntryFilter, EntrySheet, Page, PostingSheet
    from billdesk.screens.filter_line import Query


def _kind(row: EntrySheet) -> str:
    return row.kind


class CorrectionsScreen(ListScreen["EntrySheet"]):
    """A list of correcting entries, the newest first."""

    kinds: ClassVar[tuple[str, ...]] = ()
    filter_names = ("account", "since", "until", "asset")
    filter_hint = "/ filter: words   account:REF   since:2026-03-01   until:2026-04-01"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open_account", "Account", id="corrections.account"),
    ]

    def columns(self) -> Sequence[Column[EntrySheet]]:
        return (
            Column("When", 11, lambda row: self.app.times.short(row.recorded_at), below_width=100),
            Column("When", 16, lambda row: self.app.times.stamp(row.recorded_at), from_width=100),
            Column("Account", 12, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Name", 14, lambda row: row.account_name, grow=1, from_width=115),
            *([Column("Kind", 13, _kind)] if len(self.kinds) > 1 else []),
            Column(
                "Amount", 12, lambda row: (signed(row.amount), money_tone(row.amount)), right=True
            ),
            Column("", 6, lambda row: (row.amount.asset, "muted")),
            Column("Why", 10, lambda row: row.memo or row.subject or "–", grow=4),
            Column("By", 10, lambda row: (row.actor, "muted"), grow=1, from_width=100),
        )

    def key_of(self, row: EntrySheet) -> str:
        return row.posting_id

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[EntrySheet]]:
        kinds, filters = self.kinds, entry_filter_of(query)

        def read(desk: Desk, after: str | None, limit: int) -> Page[EntrySheet]:
            return desk.ledger.entries(
                filters.account,
                kinds=kinds,
                since=filters.since,
                until=filters.until,
                text=filters.text,
                asset=filters.asset,
                after=after,
                limit=limit,
            )

        return read

    def entry_filter(self) -> EntryFilter | None:
        return entry_filter_of(self.line.applied)._replace(kinds=self.kinds)

    def open_row(self, row: EntrySheet) -> None:
        self.act(lambda desk: desk.ledger.posting(row.posting_id), self._show)

    def _show(self, posting: PostingSheet) -> None:
        lines = posting_lines(posting, self.app.times)
        self.app.push_screen(Detail("Posting", posting.id, lines))

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)

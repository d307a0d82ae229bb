"""Audit: every operation and every refusal, who did it, from where, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens.detail import Detail, audit_lines
from billdesk.screens.figures import tone_of
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import AuditSheet, Page
    from billdesk.screens.filter_line import Query


class AuditScreen(ListScreen["AuditSheet"]):
    """The audit log, the newest line first."""

    place = "audit"
    heading = "Audit"
    filter_names = ("account", "action")
    filter_hint = "/ filter: words   account:REF   action:freeze"
    empty = "Nothing has been done here yet."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open_account", "Account", id="audit.account"),
    ]

    def columns(self) -> Sequence[Column[AuditSheet]]:
        return (
            Column(
                "When", 11, lambda row: (self.app.times.short(row.at), "muted"), below_width=100
            ),
            Column("When", 16, lambda row: (self.app.times.stamp(row.at), "muted"), from_width=100),
            Column("Outcome", 7, lambda row: (row.outcome, tone_of(row.outcome))),
            Column("Action", 12, lambda row: row.action, grow=1),
            Column("Account", 12, lambda row: (row.account_ref or "–", "strong"), grow=1),
            Column("Summary", 16, lambda row: row.summary, grow=6),
            Column("By", 10, lambda row: (row.actor, "muted"), grow=1, from_width=100),
            Column("From", 8, lambda row: (row.origin, "muted"), from_width=115),
        )

    def key_of(self, row: AuditSheet) -> str:
        return (
            row.posting_id or f"{row.at.isoformat()} {row.action} {row.account_ref or ''}".strip()
        )

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[AuditSheet]]:
        account, action = query.get("account"), query.get("action")
        return lambda desk, after, limit: desk.audit.list(
            account=account, action=action, text=query.words or None, after=after, limit=limit
        )

    def open_row(self, row: AuditSheet) -> None:
        lines = audit_lines(row, self.app.times)
        self.app.push_screen(Detail("Audit", row.posting_id or row.action, lines))

    def action_open_account(self) -> None:
        row = self.table.row
        if row is not None and row.account_ref is not None:
            self.app.show_account(row.account_ref)

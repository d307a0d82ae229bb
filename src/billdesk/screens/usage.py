"""Usage: what every account has used of what its plan includes, in its present period."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.values.quantities import group_digits
from billdesk.screens.figures import NOTHING, number
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.review import Review
from billdesk.screens.usage_file import IngestFile
from billdesk.screens.usage_meter import UsageMeter
from billdesk.screens.usage_plot import LEVEL_TONES, share_bar
from billdesk.screens.usage_verbs import set_budget

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import BudgetSheet, MeterUseSheet, Page
    from billdesk.screens.filter_line import Query

BAR_CELLS = 10


class UsageScreen(ListScreen["MeterUseSheet"]):
    """Accounts that use something, by ref, a row for each meter."""

    place = "usage"
    heading = "Usage"
    filter_hint = "/ filter: part of a ref or name"
    empty = (
        "Nothing has been used yet.\nPress I to take in a file of usage; programs record it through"
        "\n`billdesk usage ingest -` or desk.usage.record_many."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("I", "ingest", "Take in a file", id="usage.ingest"),
        Binding("B", "budget", "Budget", id="usage.budget"),
        Binding("o", "open_account", "Account", id="usage.account"),
    ]

    def columns(self) -> Sequence[Column[MeterUseSheet]]:
        return (
            Column("Account", 10, lambda row: (row.account_ref, "strong"), grow=1),
            Column("Name", 12, lambda row: row.account_name, grow=2, from_width=110),
            Column("Meter", 11, lambda row: row.meter_name, grow=1),
            Column("Used", 10, lambda row: group_digits(row.used), right=True),
            Column("Included", 11, lambda row: quantity(row.included), right=True),
            Column("", 5, lambda row: (row.unit, "muted"), grow=1, from_width=96),
            Column("Share", 5, lambda row: share_words(row.share), right=True),
            Column("", BAR_CELLS, lambda row: (share_bar(row.share, BAR_CELLS), tone(row))),
            Column("Level", 7, lambda row: (row.level, tone(row))),
            Column("Cost", 9, lambda row: number(row.cost), right=True, from_width=96),
            Column("", 4, lambda row: (row.cost.asset, "muted"), from_width=96),
            Column("Until", 11, lambda row: self.app.times.short(row.period_until), from_width=130),
        )

    def key_of(self, row: MeterUseSheet) -> str:
        return f"{row.account_ref} {row.meter}"

    def copy_of(self, row: MeterUseSheet) -> str:
        return row.account_ref

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[MeterUseSheet]]:
        text = query.words or None
        return lambda desk, after, limit: desk.usage.overview(after, limit, text=text)

    def open_row(self, row: MeterUseSheet) -> None:
        self.app.push_screen(UsageMeter(row.account_ref, row.meter), lambda _: self.ask())

    def on_screen_resume(self) -> None:
        """Usage is no entry: what was recorded meanwhile shows only when it is asked for."""
        self.ask()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return self.table.row is not None if action in {"budget", "open_account"} else True

    def action_ingest(self) -> None:
        if self.may_act():
            self.app.push_screen(IngestFile(), lambda _: self.ask())

    def action_budget(self) -> None:
        row = self.table.row
        if row is not None and self.may_act():
            self.act(
                lambda desk: desk.usage.budget(row.account_ref),
                self._review_budget,
            )

    def _review_budget(self, budget: BudgetSheet) -> None:
        self.app.push_screen(Review(set_budget(budget)), lambda _: self.ask())

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.account_ref)


def tone(row: MeterUseSheet) -> str:
    """Green below 75 %, yellow below 90 %, red from there on; the word says the same."""
    return "muted" if row.share is None else LEVEL_TONES[row.level]


def quantity(text: str | None) -> str:
    """A quantity for people; a dash where no plan says anything of it."""
    return NOTHING if text is None else group_digits(text)


def share_words(share: int | None) -> str:
    """`75%`, or a dash."""
    return NOTHING if share is None else f"{share:,}%"

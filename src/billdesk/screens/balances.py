"""Balances: every wallet, what is in it, what of it can be used, and how its account stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.binding import Binding, BindingType

from billdesk.screens import verbs
from billdesk.screens.figures import number, tone_of
from billdesk.screens.line_table import Column
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.review import Review

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import BalanceRowSheet, Page
    from billdesk.screens.acts import Receipt
    from billdesk.screens.filter_line import Query

Sort = Literal["ref", "name", "balance", "available", "last"]

SORTS: tuple[Sort, ...] = ("ref", "name", "balance", "available", "last")
STANDINGS = ("OK", "BLOCKED", "FROZEN", "SPENT", "OWES", "SUSPENDED", "CLOSED")


class BalancesScreen(ListScreen["BalanceRowSheet"]):
    """The balances of all accounts, sorted and filtered by the desk."""

    place = "balances"
    heading = "Balances"
    filter_names = ("standing", "asset")
    filter_values = tuple(f"standing:{word}" for word in STANDINGS)
    filter_hint = "/ filter: name or ref   standing:FROZEN   asset:USD"
    empty = (
        "No balances yet.\nN makes an account, and its first deposit or credit shows here;\n"
        "^k finds an account that has none yet."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "Sort", id="balances.sort"),
        Binding("o", "turn", "Turn order", id="balances.turn"),
        Binding("f", "standing", "Standing", id="balances.standing"),
        Binding("N", "enrol", "New account", id="act.enrol"),
    ]

    def __init__(self) -> None:
        self._sort: Sort = "ref"
        self._descending = False
        super().__init__()

    def columns(self) -> Sequence[Column[BalanceRowSheet]]:
        def head(title: str, sort: Sort) -> str:
            return f"{title} {'↓' if self._descending else '↑'}" if sort == self._sort else title

        return (
            Column(
                head("Account", "ref"), 14, lambda row: (row.wallet.account_ref, "strong"), grow=1
            ),
            Column(head("Name", "name"), 14, lambda row: row.wallet.account_name, grow=3),
            Column("Standing", 9, lambda row: (row.standing, tone_of(row.standing))),
            Column("Held", 11, lambda row: (_held(row), "muted"), right=True, from_width=100),
            Column(
                head("Balance", "balance"),
                14,
                lambda row: number(row.wallet.balance),
                right=True,
                from_width=100,
            ),
            Column(
                head("Available", "available"),
                14,
                lambda row: (
                    number(row.wallet.available),
                    "bad" if row.wallet.available.minor < 0 else "",
                ),
                right=True,
            ),
            Column("", 8, _asset),
            Column("Entries", 8, lambda row: f"{row.wallet.entries:,}", right=True, from_width=150),
            Column(
                head("Last entry", "last"),
                16,
                lambda row: (self.app.times.stamp(row.wallet.last_entry_at), "muted"),
                from_width=130,
            ),
        )

    def key_of(self, row: BalanceRowSheet) -> str:
        return row.wallet.id

    def copy_of(self, row: BalanceRowSheet) -> str:
        return row.wallet.account_ref

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[BalanceRowSheet]]:
        sort, descending = self._sort, self._descending
        standing, asset = query.get("standing"), query.get("asset")

        def read(desk: Desk, after: str | None, limit: int) -> Page[BalanceRowSheet]:
            return desk.wallets.rows(
                sort=sort,
                descending=descending,
                standing=standing.upper() if standing else None,
                text=query.words or None,
                asset=asset.upper() if asset else None,
                after=after,
                limit=limit,
            )

        return read

    def open_row(self, row: BalanceRowSheet) -> None:
        self.app.show_account(row.wallet.account_ref)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action != "enrol" or self.app.may_act

    def action_enrol(self) -> None:
        self.app.push_screen(Review(verbs.enrol()), self._enrolled)

    def _enrolled(self, receipt: Receipt | None) -> None:
        """A new account has no balance yet, and is in no list: it is shown itself."""
        self.ask()
        if receipt is not None:
            self.app.show_account(dict(receipt.lines)["ref"])

    # --- order and filter by key ---

    def action_sort(self) -> None:
        self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]
        self._descending = self._sort in {"balance", "available", "last"}
        self._ordered()

    def action_turn(self) -> None:
        self._descending = not self._descending
        self._ordered()

    def _ordered(self) -> None:
        self.table.set_columns(self.columns())
        self.table.move_to(0)
        self.ask()
        order = "highest or latest first" if self._descending else "lowest or earliest first"
        self.say(f"sorted by {self._sort}, {order}", "muted")

    def action_standing(self) -> None:
        """From all to each standing in turn, and back to all."""
        self.cycle_filter("standing", STANDINGS)


def _asset(row: BalanceRowSheet) -> tuple[str, str]:
    owed = row.wallet.purpose == "receivable"
    return (f"{row.wallet.asset} owed", "bad") if owed else (row.wallet.asset, "muted")


def _held(row: BalanceRowSheet) -> str:
    return number(row.wallet.held) if row.wallet.held.minor else "–"

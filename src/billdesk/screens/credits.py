"""Credits: who has how many; of one account the lots, in the order in which they burn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.values.money import CREDIT
from billdesk.screens import credit_verbs as verbs
from billdesk.screens.detail import Detail
from billdesk.screens.figures import NOTHING, ago, amount, count, counted, number, tone_of
from billdesk.screens.form import Line, written
from billdesk.screens.frame import DeskScreen
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.list_screen import ListScreen
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.review import Review

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import (
        BalanceRowSheet,
        CreditsSheet,
        LotSheet,
        LotUseSheet,
        PackOfferSheet,
        Page,
    )
    from billdesk.screens.acts import Act
    from billdesk.screens.figures import Times
    from billdesk.screens.filter_line import Query

USES_SHOWN = 100

Answer = tuple["CreditsSheet", tuple["LotSheet", ...], "datetime"]


class CreditsScreen(ListScreen["BalanceRowSheet"]):
    """Every account that has, or had, credits."""

    place = "credits"
    heading = "Credits"
    filter_names = ("standing", "account")
    filter_hint = "/ filter: name or ref   standing:SPENT   account:REF"
    empty = (
        "No account has credits yet.\nPlans and packs bring them; of an account (^k finds it) c leads"
        "\nto its credits, and N there gives some."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open_account", "Account", id="credits.account"),
        Binding("p", "app.go('packs')", "Packs", id="credits.packs"),
    ]

    def columns(self) -> Sequence[Column[BalanceRowSheet]]:
        return (
            Column("Account", 14, lambda row: (row.wallet.account_ref, "strong"), grow=1),
            Column("Name", 14, lambda row: row.wallet.account_name, grow=3),
            Column("Standing", 9, lambda row: (row.standing, tone_of(row.standing))),
            Column("Held", 11, lambda row: (number(row.wallet.held), "muted"), right=True),
            Column("Credits", 14, lambda row: number(row.wallet.balance), right=True),
            Column(
                "Last entry",
                16,
                lambda row: (self.app.times.stamp(row.wallet.last_entry_at), "muted"),
                from_width=100,
            ),
        )

    def key_of(self, row: BalanceRowSheet) -> str:
        return row.wallet.id

    def copy_of(self, row: BalanceRowSheet) -> str:
        return row.wallet.account_ref

    def reader(self, query: Query) -> Callable[[Desk, str | None, int], Page[BalanceRowSheet]]:
        standing = query.get("standing")
        return lambda desk, after, limit: desk.wallets.rows(
            standing=standing.upper() if standing else None,
            text=query.get("account") or query.words or None,
            asset=CREDIT,
            after=after,
            limit=limit,
        )

    def open_row(self, row: BalanceRowSheet) -> None:
        self.app.push_screen(AccountCreditsScreen(row.wallet.account_ref), lambda _: self.ask())

    def action_open_account(self) -> None:
        if self.table.row is not None:
            self.app.show_account(self.table.row.wallet.account_ref)


class AccountCreditsScreen(DeskScreen[Answer]):
    """The credits of one account: at a glance, then lot by lot, the next to burn first."""

    place = "credits"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    AccountCreditsScreen #glance { padding: 0 1; background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("N", "grant", "Give credits", id="credits.grant"),
        Binding("B", "buy", "Buy a pack", id="credits.buy"),
        Binding("u", "uses", "What was used", id="credits.uses"),
        Binding("a", "all", "Used-up lots", id="credits.all"),
        Binding("p", "app.go('packs')", "Packs", id="account-credits.packs", show=False),
    ]

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref
        self._all = False
        self._now = datetime.min.replace(tzinfo=UTC)
        self.title = f"Credits of {ref}"
        self.table: PagedTable[LotSheet] = PagedTable(
            (
                Column("Burns", 5, lambda row: (order(row), "accent"), right=True),
                Column("Left", 11, lambda row: (count(row.remaining), "strong"), right=True),
                Column("Of", 11, lambda row: (count(row.granted), "muted"), right=True),
                Column("Expires", 16, self._expiry, grow=1),
                Column("Source", 9, lambda row: row.source),
                Column("Priority", 8, lambda row: str(row.priority), right=True, from_width=90),
                Column("Paid", 12, lambda row: amount(row.paid), right=True, from_width=90),
                Column(
                    "Came", 16, lambda row: (self.app.times.stamp(row.granted_at), "muted"),
                    from_width=110,
                ),
            ),
            lambda row: row.id,
            empty="No credits are left.\nN gives some, B buys a pack, a shows lots that are used up.",
        )  # fmt: skip

    def body(self) -> ComposeResult:
        yield Pane(id="glance")
        yield self.table

    # --- the question ---

    def question(self) -> Callable[[Desk], Answer]:
        ref, used_up = self._ref, self._all
        return lambda desk: (
            desk.credits.get(ref),
            desk.credits.lots(ref, all=used_up),
            desk.now(),
        )

    def paint(self, answer: Answer) -> None:
        sheet, lots, self._now = answer
        lines = glance_lines(sheet, self._now, self.app.times)
        self.query_one("#glance", Pane).show(lambda width: written(lines, width))
        self.table.show_rows(lots)
        self.refresh_bindings()

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table:
            at = self.table.cursor + 1 if self.table.row_count else 0
            self.show_position(f"{at} of {self.table.row_count}")

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            self.act(
                lambda desk: desk.credits.uses(lot=row.id, limit=USES_SHOWN),
                lambda uses: self._show_lot(row, uses),
            )

    def _show_lot(self, lot: LotSheet, uses: Page[LotUseSheet]) -> None:
        times = self.app.times
        lines = (
            ("left", f"{count(lot.remaining)} of {count(lot.granted)}"),
            ("source", f"{lot.source}  {lot.about or ''}".strip()),
            ("priority", str(lot.priority)),
            ("paid", amount(lot.paid)),
            ("came", times.full(lot.granted_at)),
            ("expires", times.full(lot.expires_at)),
            ("used up", times.full(lot.ended_at)),
            ("posting", lot.posting_id),
            *use_lines(uses, times),
        )
        self.app.push_screen(Detail("Lot", lot.id, lines))

    def _expiry(self, lot: LotSheet) -> tuple[str, str]:
        return expiry_words(lot, self._now, self.app.times)

    # --- acts ---

    def action_all(self) -> None:
        """Show used-up lots, too, or not."""
        self._all = not self._all
        self.ask()

    def action_uses(self) -> None:
        ref, times = self._ref, self.app.times
        self.act(
            lambda desk: desk.credits.uses(ref, limit=USES_SHOWN),
            lambda uses: self._show_uses(use_lines(uses, times)),
        )

    def _show_uses(self, lines: tuple[tuple[str, str], ...]) -> None:
        self.app.push_screen(
            Detail("What was used", self._ref, lines[1:] or (("", "nothing yet"),))
        )

    def action_grant(self) -> None:
        self._review(verbs.grant(self._ref, self.app.mint("ref")))

    def action_buy(self) -> None:
        if self.may_act():
            self.act(lambda desk: desk.packs.offers(self._ref), self._offer)

    def _offer(self, offers: tuple[PackOfferSheet, ...]) -> None:
        if all(offer.why_not for offer in offers):
            why = offers[0].why_not if offers else "no packs are sold"
            self.say(f"nothing can be bought: {why}", "warn")
            return
        self._review(verbs.buy(self._ref, offers, self.app.mint("pur")))

    def _review(self, act: Act) -> None:
        if self.may_act():
            self.app.push_screen(Review(act), lambda _: self.ask())


def order(lot: LotSheet) -> str:
    """`next` for the lot that burns next, else its place; nothing for what is used up."""
    if lot.burns is None:
        return ""
    return "next" if lot.burns == 1 else str(lot.burns)


def expiry_words(lot: LotSheet, now: datetime, times: Times) -> tuple[str, str]:
    """When a lot is gone, as people say it; one that is used up is gone already."""
    if lot.ended_at is not None:
        return f"used up {times.stamp(lot.ended_at)[:10]}", "muted"
    if lot.expires_at is None:
        return "never", "muted"
    if lot.expires_at <= now:
        return "past its day", "warn"
    return f"{times.stamp(lot.expires_at)[:10]}, {ago(lot.expires_at, now)}", ""


def glance_lines(sheet: CreditsSheet, now: datetime, times: Times) -> tuple[Line, ...]:
    """What can be used, what is held, and what expires next, in words."""
    held = f", {count(sheet.held)} held" if sheet.held else ""
    owed = ", below zero: what comes next fills that first" if sheet.balance < 0 else ""
    since = times.stamp(sheet.period_since)[:10]
    came = f"{count(sheet.granted_this_period)} came since {since}"
    lines: list[Line] = [
        ("account", f"{sheet.account_ref}  {sheet.account_name}", "strong"),
        ("available", f"{count(sheet.available)} of {count(sheet.balance)}{held}{owed}", ""),
        ("this period", f"{count(sheet.used_this_period)} used, {came}", ""),
    ]
    if sheet.expiring_next is not None:
        words, tone = expiry_words(sheet.expiring_next, now, times)
        lines.append(("goes next", f"{count(sheet.expiring_next.remaining)}: {words}", tone))
    else:
        lines.append(("goes next", "nothing expires", "muted"))
    return tuple(lines)


def use_lines(uses: Page[LotUseSheet], times: Times) -> tuple[tuple[str, str], ...]:
    """Which lot paid for what, line by line; what came back has a plus."""
    lines = [
        (
            times.short(use.at),
            f"{-use.amount:+,} {use.kind}  {use.subject or NOTHING}  {use.posting_id}",
        )
        for use in uses.rows
    ]
    more = [("", f"only the newest {counted(USES_SHOWN, 'line')}")] if uses.after else []
    return (("", ""), *lines, *more) if lines else ()

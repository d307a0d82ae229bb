"""Account: one customer on one screen, for the middle of an incident.

What is in the wallets, whether it may run, every reason why not with the key that lifts it, and the
merged story of everything that happened; then the acts that put it right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from billdesk.core.rules.sheets import EntryFilter
from billdesk.screens import verbs
from billdesk.screens.acts import Act, Receipt
from billdesk.screens.as_of import AsOf
from billdesk.screens.detail import Detail, fact_lines, hold_lines, payment_lines, posting_lines
from billdesk.screens.figures import amount, money_tone, number, signed
from billdesk.screens.form import written
from billdesk.screens.frame import DeskScreen
from billdesk.screens.gateway_verbs import card_refund, deposit, gateways_for, what_is_left
from billdesk.screens.incident import Offer, incident_lines, incident_markdown
from billdesk.screens.keys import keys_of
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.link_page import LinkPage, payment_page
from billdesk.screens.methods import MethodsScreen
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.review import Review
from billdesk.screens.safe_text import safe_line
from billdesk.screens.threads import explain

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import EntrySheet, IncidentSheet, PaymentSheet, TimelineSheet
    from billdesk.core.values.money import Money

CHIPS = ("all", "entry", "hold", "freeze", "payment", "audit")
ACTS = {
    "adjust", "charge", "close", "deposit", "freeze", "limit", "refund", "release", "reopen", "reverse",
    "suspend", "unfreeze",
}  # fmt: skip


class AccountScreen(DeskScreen["IncidentSheet"]):
    """The incident view of one account."""

    place = "balances"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    AccountScreen #panes { layout: vertical; height: 1fr; }
    AccountScreen #state { height: auto; max-height: 60%; padding: 0 1; }
    AccountScreen #story { height: 1fr; min-height: 5; }
    AccountScreen #chips { height: 1; background: $surface; padding: 0 1; }
    AccountScreen.-wide #panes { layout: horizontal; }
    AccountScreen.-wide #state { width: 42%; height: 1fr; max-height: 100%; }
    AccountScreen.-wide #story { width: 1fr; border-left: vkey $line; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("U", "unfreeze", "Unfreeze", id="act.unfreeze"),
        Binding("F", "freeze", "Freeze", id="act.freeze"),
        Binding("A", "adjust", "Adjust", id="act.adjust"),
        Binding("D", "deposit", "Deposit", id="act.deposit"),
        Binding("R", "refund", "Refund", id="act.refund"),
        Binding("H", "release", "Release hold", id="act.release"),
        Binding("O", "reopen", "Reopen", id="act.reopen"),
        Binding("V", "reverse", "Reverse", id="act.reverse"),
        Binding("C", "charge", "Charge", id="act.charge"),
        Binding("L", "limit", "Credit limit", id="act.limit"),
        Binding("S", "suspend", "Suspend", id="act.suspend"),
        Binding("X", "close", "Close account", id="act.close", show=False),
        Binding("p", "methods", "Ways to pay", id="account.methods"),
        Binding("s", "list('subscriptions')", "Subscriptions", id="account.plans", show=False),
        Binding("v", "list('invoices')", "Invoices", id="account.invoices", show=False),
        Binding("u", "list('usage')", "Usage", id="account.usage", show=False),
        Binding("c", "list('credits')", "Credits", id="account.credits", show=False),
        Binding("f", "chip", "Kind", id="account.chip"),
        Binding("t", "as_of", "As of", id="account.as-of", show=False),
        Binding("i", "copy_incident", "Copy incident", id="account.copy", show=False),
    ]

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref
        self.title = f"Account {ref}"
        self._sheet: IncidentSheet | None = None
        self._chip = "all"
        self.table: PagedTable[TimelineSheet] = PagedTable(self._columns(), lambda row: row.id)

    def body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            with VerticalScroll(id="state", can_focus=False):
                yield Pane(id="incident")
            with Vertical(id="story"):
                yield Static("", markup=False, id="chips")
                yield self.table

    def _columns(self) -> tuple[Column[TimelineSheet], ...]:
        return (
            Column("When", 11, lambda row: (self.app.times.short(row.at), "muted")),
            Column("Kind", 7, lambda row: (row.kind, "accent"), from_width=76),
            Column("What", 17, lambda row: row.title, grow=1),
            Column("Amount", 12, _amount, right=True),
            Column("Detail", 12, lambda row: (row.detail, "muted"), grow=3, from_width=64),
            Column("By", 8, lambda row: (row.actor, "muted"), grow=1, from_width=84),
        )

    def entry_filter(self) -> EntryFilter | None:
        return EntryFilter(account=self._ref)

    # --- the question ---

    def question(self) -> Callable[[Desk], IncidentSheet]:
        ref = self._ref
        return lambda desk: desk.incident(ref)

    def paint(self, answer: IncidentSheet) -> None:
        self._sheet = answer
        times, offers = self.app.times, self._offers()
        self.query_one("#incident", Pane).show(
            lambda width: incident_lines(
                answer, times, offers, width, roomy=self.has_class("-wide")
            )
        )
        self._paint_story()
        self.refresh_bindings()

    def paint_error(self, error: BaseException) -> None:
        if self._sheet is None:
            told = (("", explain(error), "bad"),)
            self.query_one("#incident", Pane).show(lambda width: written(told, width))

    def _offers(self) -> tuple[Offer, ...]:
        """The acts that are offered now, with the keys they are bound to."""
        return tuple(
            Offer(each.key, each.title, each.action)
            for each in keys_of(self)
            if each.enabled and each.action in ACTS
        )

    def _paint_story(self) -> None:
        if self._sheet is None:
            return
        shown = [row for row in self._sheet.timeline if self._chip in {"all", row.kind}]
        parts: list[tuple[str, str]] = [("Time line  ", "strong")]
        parts += [
            (f"[{chip}]", "accent") if chip == self._chip else (f" {chip} ", "muted")
            for chip in CHIPS
        ]
        self.query_one("#chips", Static).update(safe_line(*parts))
        self.table.empty = (
            "Nothing has happened here yet.\nD starts a deposit, A credits or debits by hand."
            if self._chip == "all"
            else f"No {self._chip} lines. Press f for the next kind."
        )
        self.table.show_rows(shown)

    def action_chip(self) -> None:
        self._chip = CHIPS[(CHIPS.index(self._chip) + 1) % len(CHIPS)]
        self.table.move_to(0)
        self._paint_story()

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table:
            table = self.table
            at = f"{table.cursor + 1:,} of {table.row_count:,}" if table.row_count else ""
            self.show_position(at)
            self.refresh_bindings()

    # --- a line of the story ---

    def on_line_table_opened(self) -> None:
        row, times = self.table.row, self.app.times
        if row is None:
            return
        if row.id.startswith("hold_"):
            self.act(
                lambda desk: desk.holds.get(row.id),
                lambda hold: self._detail("Hold", hold.id, hold_lines(hold, times)),
            )
        elif row.id.startswith("pay_"):
            self.act(
                lambda desk: (desk.payments.get(row.id), desk.facts.list(payment=row.id).rows),
                lambda found: self._detail(
                    "Payment", row.id, payment_lines(found[0], times) + fact_lines(found[1], times)
                ),
            )
        elif row.kind == "entry":
            self.act(
                lambda desk: desk.ledger.posting(row.id),
                lambda posting: self._detail("Posting", posting.id, posting_lines(posting, times)),
            )
        else:
            self._detail(row.kind.capitalize(), row.id, _story_lines(row, times.full(row.at)))

    def _detail(self, title: str, key: str, lines: tuple[tuple[str, str], ...]) -> None:
        self.app.push_screen(Detail(title, key, lines))

    def action_copy_incident(self) -> None:
        if self._sheet is not None:
            self.app.copy_to_clipboard(incident_markdown(self._sheet, self.app.times))
            self.say("incident summary sent to terminal clipboard (Markdown)", "muted")

    def action_methods(self) -> None:
        self.app.push_screen(MethodsScreen(self._ref))

    def action_list(self, place: str) -> None:
        """What the account has of plans, invoices, use or credits."""
        self.app.show_list(place, f"account:{self._ref}")

    def action_as_of(self) -> None:
        if self._sheet is not None:
            assets = tuple(
                wallet.asset for wallet in self._sheet.wallets if wallet.purpose != "receivable"
            )
            self.app.push_screen(AsOf(self._ref, assets))

    # --- acts ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action not in ACTS:
            return True
        sheet = self._sheet
        if sheet is None or not self.app.may_act:
            return False
        row, status = self.table.row, sheet.account.status
        offered = {
            "unfreeze": bool(sheet.open_freezes),
            "reopen": status != "open",
            "suspend": status == "open",
            "close": status != "closed",
            "release": bool(sheet.open_holds),
            "refund": row is not None and (_is_charge(row) or _is_money_in(row)),
            "reverse": row is not None and row.kind == "entry",
        }
        return offered.get(action, status == "open" or action in {"adjust", "freeze", "limit"})

    def _review(self, act: Act) -> None:
        self.app.push_screen(Review(act), lambda _: self.ask())

    @property
    def _asset(self) -> str:
        return self.app.ledger.default_asset if self.app.ledger is not None else "USD"

    def action_adjust(self) -> None:
        self._review(verbs.adjust(self._ref, self._asset, f"desk:{self.app.mint('adj')}"))

    def action_charge(self) -> None:
        self._review(verbs.charge(self._ref, self._asset, f"desk:{self.app.mint('chg')}"))

    def action_deposit(self) -> None:
        self.act(lambda desk: gateways_for(desk, self._ref), self._review_deposit)

    def _review_deposit(self, modes: dict[str, str]) -> None:
        if not modes:
            self.say("no gateway is connected; 9 shows them, and N connects one", "warn")
            return
        act = deposit(self._ref, self._asset, self.app.mint("pay"), modes)
        self.app.push_screen(Review(act), self._asked_for_money)

    def _asked_for_money(self, receipt: Receipt | None) -> None:
        self.ask()
        if receipt is not None:
            self.app.push_screen(LinkPage(payment_page(receipt.id)), lambda _: self.ask())

    def action_freeze(self) -> None:
        self._review(verbs.freeze(self._ref, self._asset))

    def action_unfreeze(self) -> None:
        if self._sheet is not None and self._sheet.open_freezes:
            frozen = self._sheet.open_freezes[0]
            self._review(verbs.unfreeze(self._ref, frozen.asset, frozen.cause))

    def action_limit(self) -> None:
        self._review(verbs.limit(self._ref, self._asset))

    def action_suspend(self) -> None:
        self._review(verbs.suspend(self._ref))

    def action_reopen(self) -> None:
        self._review(verbs.reopen(self._ref))

    def action_close(self) -> None:
        self._review(verbs.close(self._ref))

    def action_release(self) -> None:
        if self._sheet is None:
            return
        row, holds = self.table.row, self._sheet.open_holds
        marked = [hold for hold in holds if row is not None and hold.id == row.id]
        for hold in (*marked, *holds)[:1]:
            about = f"{amount(hold.amount)}, {hold.subject or hold.reference}"
            self._review(verbs.release(hold.id, self._ref, about))

    def action_refund(self) -> None:
        """A charge goes back into the wallet, a payment to where it came from."""
        row = self.table.row
        if row is not None and _is_money_in(row):
            self.act(lambda desk: what_is_left(desk, row.id), self._review_card_refund)
        else:
            self._on_marked_entry(verbs.refund)

    def _review_card_refund(self, found: tuple[PaymentSheet, Money]) -> None:
        payment, left = found
        if left.minor <= 0:
            self.say("all of this payment went back already, or is on its way", "warn")
        else:
            self._review(card_refund(payment, left, self.app.mint("rfd")))

    def action_reverse(self) -> None:
        self._on_marked_entry(verbs.reverse)

    def _on_marked_entry(self, make: Callable[[EntrySheet], Act]) -> None:
        row = self.table.row
        if row is not None:
            self.act(
                lambda desk: desk.ledger.posting(row.id),
                lambda posting: self._review(make(posting.entries[0])),
            )


def _amount(row: TimelineSheet) -> str | tuple[str, str]:
    """Signed where money moved; what was only held or asked for moved none."""
    if row.kind == "entry":
        return signed(row.amount), money_tone(row.amount)
    return number(row.amount), "muted"


def _is_charge(row: TimelineSheet) -> bool:
    return row.kind == "entry" and row.id.startswith("chg_")


def _is_money_in(row: TimelineSheet) -> bool:
    return row.kind == "payment" and row.id.startswith("pay_")


def _story_lines(row: TimelineSheet, at: str) -> tuple[tuple[str, str], ...]:
    return (
        ("at", at),
        ("what", row.title),
        ("amount", amount(row.amount)),
        ("detail", row.detail),
        ("by", row.actor),
    )

"""What an account has saved to pay with, and what happens when its wallet runs low."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.screens import method_verbs as verbs
from billdesk.screens.acts import Field, choice_field
from billdesk.screens.detail import Detail
from billdesk.screens.figures import NOTHING, amount, counted, mode_in_words, mode_word, tone_of
from billdesk.screens.form import Form, Line, written
from billdesk.screens.frame import DeskScreen
from billdesk.screens.gateway_verbs import gateways_for
from billdesk.screens.line_table import Column, LineTable
from billdesk.screens.link_page import LinkPage, method_page
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.pane import Pane
from billdesk.screens.review import Review
from billdesk.screens.task import TaskDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import AccountSheet, HostedPageSheet, MethodSheet, WatchSheet
    from billdesk.screens.acts import Act

Answer = tuple["AccountSheet", tuple["MethodSheet", ...], "WatchSheet"]

PAGE_WORDS = (
    "The gateway makes a page for this customer. What is typed there stays there: the desk learns a"
    " label and the gateway's own id."
)
OF_ONE = {"default", "backup", "remove"}


class MethodsScreen(DeskScreen[Answer]):
    """The saved methods of one account; above them its alert and its top-up."""

    place = "balances"
    AUTO_FOCUS = "PagedTable"

    DEFAULT_CSS = """
    MethodsScreen #watch { padding: 0 1; background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("N", "add", "Add", id="methods.add"),
        Binding("d", "default", "Default", id="methods.default"),
        Binding("b", "backup", "Backup", id="methods.backup"),
        Binding("X", "remove", "Remove", id="methods.remove"),
        Binding("u", "refresh_methods", "Ask the gateway", id="methods.refresh"),
        Binding("A", "alert", "Alert", id="methods.alert"),
        Binding("T", "topup", "Top-up", id="methods.topup"),
        Binding("S", "stop_or_resume", "Stop or resume", id="methods.stop", show=False),
        Binding("W", "own_gateway", "Its gateway", id="methods.gateway", show=False),
    ]

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref
        self.title = f"Ways to pay of {ref}"
        self._watch: WatchSheet | None = None
        self._account: AccountSheet | None = None
        self.table: PagedTable[MethodSheet] = PagedTable(
            (
                Column("Label", 18, lambda row: (row.label, "strong"), grow=2),
                Column("Role", 8, lambda row: (row.role or NOTHING, "accent")),
                Column("Expires", 7, lambda row: row.expires or NOTHING),
                Column("Gateway", 8, lambda row: row.gateway, grow=1),
                Column("Mode", 4, lambda row: (mode_word(row.mode), tone_of(mode_word(row.mode)))),
                Column("Added", 11, lambda row: self.app.times.short(row.added_at)),
            ),
            lambda row: row.id,
            empty=(
                "Nothing is saved to pay with.\nPress N: a page of the gateway's own takes the card, and no"
                "\nnumber enters the desk. Or start a deposit (D) that saves what is paid with."
            ),
        )

    def body(self) -> ComposeResult:
        yield Pane(id="watch")
        yield self.table

    # --- the question ---

    def question(self) -> Callable[[Desk], Answer]:
        ref = self._ref
        return lambda desk: (
            desk.accounts.get(ref),
            desk.methods.list(ref),
            desk.watches.get(ref),
        )

    def paint(self, answer: Answer) -> None:
        self._account, methods, self._watch = answer
        lines = _watch_lines(self._account, self._watch)
        self.query_one("#watch", Pane).show(lambda width: written(lines, width))
        self.table.show_rows(methods)
        self.refresh_bindings()

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        if event.table is self.table:
            at = self.table.cursor + 1 if self.table.row_count else 0
            self.show_position(f"{at} of {self.table.row_count}")
            self.refresh_bindings()

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            self.act(lambda desk: desk.methods.get(row.id), self._show_method)

    def _show_method(self, method: MethodSheet) -> None:
        lines = (
            ("label", method.label),
            ("role", method.role or NOTHING),
            ("expires", method.expires or NOTHING),
            ("gateway", method.gateway),
            ("mode", mode_in_words(method.mode)),
            ("their id", method.external_id),
            ("customer", method.customer_id),
            ("added", self.app.times.full(method.added_at)),
        )
        self.app.push_screen(Detail("Saved method", method.id, lines))

    # --- methods ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action in OF_ONE:
            return self.table.row is not None
        if action == "stop_or_resume":
            return self._watch is not None and self._watch.topup_below is not None
        return True

    def action_add(self) -> None:
        """Let the customer save one on a page of the gateway's own."""
        if self.may_act():
            self.act(lambda desk: gateways_for(desk, self._ref), self._choose_gateway)

    def _choose_gateway(self, modes: dict[str, str]) -> None:
        if not modes:
            self.say("no gateway is connected; 9 shows them, and N connects one", "warn")
            return
        self.app.push_screen(SaveMethod(self._ref, modes, tuple(self.table.rows)), self._asked)

    def _asked(self, _: object) -> None:
        self.ask()

    def action_default(self) -> None:
        self._rank("default")

    def action_backup(self) -> None:
        self._rank("backup")

    def _rank(self, role: str) -> None:
        row = self.table.row
        if row is not None and self.may_act():
            # The same again takes the role away.
            wanted = "" if row.role == role else role
            self.act(lambda desk: desk.methods.set_role(row.id, wanted), self._ranked)

    def _ranked(self, method: MethodSheet) -> None:
        self.say(f"{method.label} is {method.role or 'neither default nor backup'}", "good")
        self.ask()

    def action_remove(self) -> None:
        row = self.table.row
        if row is not None:
            self._review(verbs.remove(row))

    def action_refresh_methods(self) -> None:
        if self.may_act():
            self.say("asking the gateways …", "muted")
            self.act(lambda desk: desk.methods.refresh(self._ref), self._refreshed)

    def _refreshed(self, methods: tuple[MethodSheet, ...]) -> None:
        self.say(f"asked: {counted(len(methods), 'method')} saved", "muted")
        self.ask()

    # --- when it runs low ---

    def action_alert(self) -> None:
        if self._watch is not None:
            self._review(verbs.alert(self._watch))

    def action_topup(self) -> None:
        if self._watch is not None:
            self._review(verbs.topup(self._watch))

    def action_stop_or_resume(self) -> None:
        if self._watch is not None:
            self._review(
                verbs.stop(self._watch) if not self._watch.stopped else verbs.resume(self._watch)
            )

    def action_own_gateway(self) -> None:
        if self.may_act():
            self.act(lambda desk: gateways_for(desk, self._ref), self._choose_own)

    def _choose_own(self, modes: dict[str, str]) -> None:
        desk = self.app.desk
        if desk is not None and modes:
            task = verbs.own_gateway(desk, self._ref, tuple(modes))
            self.app.push_screen(TaskDialog(task), lambda _: self.ask())

    def _review(self, act: Act) -> None:
        if self.may_act():
            self.app.push_screen(Review(act), lambda _: self.ask())


class SaveMethod(Form):
    """Which gateway makes the page where a way to pay is saved."""

    verb = "Get the page"

    def __init__(self, ref: str, modes: Mapping[str, str], known: tuple[MethodSheet, ...]) -> None:
        super().__init__()
        self._ref, self._modes, self._known = ref, modes, known
        self.heading = f"Have a way to pay saved for {ref}"

    def fields(self) -> Sequence[Field]:
        return (choice_field("gateway", "Gateway", tuple(self._modes)),)

    def opened(self) -> None:
        self.changed()

    def changed(self) -> None:
        mode = self._modes.get(self.values()["gateway"].strip())
        self.tell(
            (
                ("mode", mode_in_words(mode), tone_of(mode_word(mode)))
                if mode
                else ("mode", "", ""),
                ("", PAGE_WORDS, "muted"),
            )
        )

    def start(self, values: dict[str, str]) -> None:
        desk, ref, gateway = self.app.desk, self._ref, values["gateway"].strip()
        if desk is not None:
            self.work(lambda _: desk.methods.page(ref, gateway), self._show)

    def _show(self, page: HostedPageSheet) -> None:
        self.go_on(LinkPage(method_page(page, self._known)))


def _watch_lines(account: AccountSheet, watch: WatchSheet) -> tuple[Line, ...]:
    """What happens when the wallet runs low, in words."""
    pays_by = account.gateway or "whichever the desk chooses"
    lines: list[Line] = [
        ("account", f"{account.ref}  {account.name}", "strong"),
        ("pays by", pays_by, ""),
    ]
    if watch.alert_below is None:
        lines.append(("alert", "none: A sets one", "muted"))
    else:
        lines.append(
            ("alert", f"once per dip, when less than {amount(watch.alert_below)} is left", "")
        )
    if watch.topup_below is None:
        lines.append(("top-up", "none: T sets one", "muted"))
        return tuple(lines)
    daily = f", {amount(watch.topup_daily)} a day at most" if watch.topup_daily else ""
    what = f"{amount(watch.topup_amount)} when less than {amount(watch.topup_below)} is left{daily}"
    lines.append(("top-up", what, ""))
    if watch.stopped:
        lines.append(("stopped", f"{watch.stopped}; S resumes it", "warn"))
    elif watch.declines:
        lines.append(("declined", counted(watch.declines, "attempt"), "warn"))
    return tuple(lines)

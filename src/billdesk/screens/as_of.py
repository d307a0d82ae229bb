"""What an account's balances were at a past moment: as recorded and as happened by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from billdesk.core.values.clock import parse_instant
from billdesk.core.values.errors import BilldeskError
from billdesk.screens.figures import number
from billdesk.screens.host import DeskHost
from billdesk.screens.line_input import LineInput
from billdesk.screens.safe_text import fit, safe_line, safe_lines, safe_text
from billdesk.screens.threads import ThreadWork, explain

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import BalanceSheet

Pair = tuple["BalanceSheet", "BalanceSheet"]


class AsOf(ThreadWork, ModalScreen[None]):
    """A date to type, and the balances as they were then."""

    DEFAULT_CSS = """
    AsOf { align: center middle; background: $background 60%; }
    AsOf > Vertical {
        width: 72; max-width: 100%; height: auto;
        background: $surface; border: round $line; padding: 0 2;
    }
    AsOf Static { height: auto; }
    AsOf LineInput { margin: 1 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", id="as-of.close"),
    ]

    app = getters.app(DeskHost)

    def __init__(self, ref: str, assets: tuple[str, ...]) -> None:
        super().__init__()
        self._ref, self._assets = ref, assets

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(safe_text(f"Balances of {self._ref} as of", "title"), markup=False)
            yield LineInput(placeholder="2026-08-21 or 2026-08-21T09:14Z, then Enter")
            yield Static(
                safe_text("A past moment, in UTC unless it says otherwise.", "muted"),
                markup=False,
                id="answer",
            )

    def on_input_submitted(self, event: LineInput.Submitted) -> None:
        event.stop()
        desk, ref, assets = self.app.desk, self._ref, self._assets
        if desk is None:
            return
        try:
            at = parse_instant(event.value.strip())
        except BilldeskError as error:
            self._trouble(error)
            return

        def read(desk: Desk) -> tuple[Pair, ...]:
            return tuple(
                (
                    desk.wallets.balance(ref, asset, at=at),
                    desk.wallets.balance(ref, asset, effective=at),
                )
                for asset in assets
            )

        self.in_thread(lambda: read(desk), self._paint, self._trouble)

    def _paint(self, pairs: tuple[Pair, ...]) -> None:
        lines = [safe_text(f"{'':8}{'as recorded':>18}{'as happened':>18}", "muted")]
        lines += [
            safe_line(
                fit(recorded.asset, 8),
                (fit(number(recorded.balance), 18, right=True), "strong"),
                (fit(number(happened.balance), 18, right=True), "strong"),
            )
            for recorded, happened in pairs
        ]
        self.query_one("#answer", Static).update(safe_lines(*lines))

    def _trouble(self, error: BaseException) -> None:
        self.query_one("#answer", Static).update(safe_text(explain(error), "bad"))

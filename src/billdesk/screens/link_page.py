"""A gateway's page to hand to a customer: its link as text and as a code, and what came of it so far.

It looks again by itself, so that one sees the payment settle while the customer is on the telephone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from billdesk.core.values.plain_text import visible
from billdesk.screens.figures import amount, counted, mode_in_words, tone_of
from billdesk.screens.form import Line, written
from billdesk.screens.host import LOOKING_ONLY, DeskHost
from billdesk.screens.links import open_link
from billdesk.screens.pane import Pane
from billdesk.screens.qr_code import cells_of, draw, modules_of
from billdesk.screens.safe_text import safe_line, safe_lines, safe_text
from billdesk.screens.threads import ThreadWork, explain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import HostedPageSheet, MethodSheet, PaymentSheet

LOOK_EVERY_SECONDS = 1.0
WORDS_CELLS = 34
"""What stands beside the code needs so much room."""


@dataclass(frozen=True)
class Page:
    """What a page shows. `look` reads how it stands; `ask` has the gateway asked now."""

    title: str
    look: Callable[[Desk], tuple[str | None, tuple[Line, ...]]]
    ask: Callable[[Desk], object]


def payment_page(payment_id: str) -> Page:
    """Where a payment is paid, and what became of it."""

    def look(desk: Desk) -> tuple[str | None, tuple[Line, ...]]:
        payment = desk.payments.get(payment_id)
        return payment.pay_url, _payment_lines(payment)

    def ask(desk: Desk) -> object:
        return desk.gateways.poll(desk.payments.get(payment_id).gateway)

    return Page("Payment", look, ask)


def _payment_lines(payment: PaymentSheet) -> tuple[Line, ...]:
    return (
        ("account", f"{payment.account_ref}  {payment.account_name}", ""),
        ("amount", amount(payment.amount), "strong"),
        ("gateway", payment.gateway, ""),
        ("mode", mode_in_words(payment.mode), tone_of(payment.mode.upper())),
        ("payment", payment.id, "muted"),
        ("status", payment.status, tone_of(payment.status)),
        *([("detail", payment.detail, "muted")] if payment.detail else []),
    )


def method_page(page: HostedPageSheet, known: tuple[MethodSheet, ...]) -> Page:
    """Where a customer saves a way to pay, and whether one is there that was not before."""
    before = {method.id for method in known}

    def look(desk: Desk) -> tuple[str | None, tuple[Line, ...]]:
        new = [each for each in desk.methods.list(page.account_ref) if each.id not in before]
        said = ", ".join(each.label for each in new) or "nothing saved yet"
        return page.url, (
            ("account", page.account_ref, ""),
            ("gateway", page.gateway, ""),
            ("mode", mode_in_words(page.mode), tone_of(page.mode.upper())),
            ("before", f"{counted(len(before), 'method')} saved", "muted"),
            ("new", said, "good" if new else "accent"),
        )

    return Page("Save a way to pay", look, lambda desk: desk.methods.refresh(page.account_ref))


class LinkPage(ThreadWork, ModalScreen[None]):
    """A link, its code, and how it stands."""

    DEFAULT_CSS = """
    LinkPage { background: $surface; }
    LinkPage #code { width: auto; height: 100%; }
    LinkPage #words { width: 1fr; height: 100%; padding: 0 1; }
    LinkPage Pane { margin-top: 1; }
    LinkPage #said { height: auto; margin-top: 1; }
    LinkPage #hint { height: auto; margin-top: 1; color: $muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,c", "copy_link", "Copy the link", id="link.copy", key_display="y"),
        Binding("o", "open_link", "Open in a browser", id="link.open"),
        Binding("p", "poll", "Ask the gateway", id="link.poll"),
        Binding("escape,q,enter", "dismiss", "Close", id="link.close"),
    ]

    app = getters.app(DeskHost)

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.title = page.title
        self._page = page
        self._link: str | None = None
        self._lines: tuple[Line, ...] = ()
        self._looking = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static("", markup=False, id="code")
            with VerticalScroll(id="words", can_focus=False):
                yield Static(safe_text(self._page.title, "title"), markup=False)
                yield Pane(id="lines")
                yield Static("", markup=False, id="said")
                yield Static(
                    safe_text("y copies the link, o opens it, p asks the gateway, Esc closes"),
                    markup=False,
                    id="hint",
                )

    def on_mount(self) -> None:
        self._look()
        self.set_interval(LOOK_EVERY_SECONDS, self._look)

    def on_resize(self) -> None:
        self._show()

    # --- how it stands ---

    def _look(self) -> None:
        desk, look = self.app.desk, self._page.look
        if desk is None or self._looking:
            return
        self._looking = True
        self.in_thread(lambda: look(desk), self._looked, self._not_looked)

    def _looked(self, found: tuple[str | None, tuple[Line, ...]]) -> None:
        self._looking = False
        if found != (self._link, self._lines):
            self._link, self._lines = found
            self._show()

    def _not_looked(self, error: BaseException) -> None:
        self._looking = False
        self.say(explain(error), "bad")

    def _show(self) -> None:
        link, lines = self._link, self._lines
        modules = modules_of(link) if link else ()
        width, height = self.size
        code = draw(modules, width - WORDS_CELLS, height)
        self.query_one("#code", Static).update(code if code is not None else "")
        self.query_one("#code").display = code is not None
        lines += (("link", link or "there is none to pay at", "" if link else "warn"),)
        if modules and code is None:
            across, down = cells_of(modules)
            needed = f"the code needs a larger window: {across + WORDS_CELLS} × {down} at least"
            lines += (("code", needed, "warn"),)
        self.query_one("#lines", Pane).show(partial(_written, lines))

    # --- acts ---

    def action_copy_link(self) -> None:
        if self._link is not None:
            self.app.copy_to_clipboard(visible(self._link))
            self.say("link sent to terminal clipboard", "good")

    def action_open_link(self) -> None:
        link = self._link
        if link is not None:
            self.in_thread(
                lambda: open_link(link),
                lambda _: self.say("opened in a browser", "good"),
                lambda error: self.say(explain(error), "warn"),
            )

    def action_poll(self) -> None:
        desk, ask = self.app.desk, self._page.ask
        if desk is None:
            return
        if not self.app.may_act:
            self.say(LOOKING_ONLY, "warn")
            return
        self.say("asking the gateway …", "muted")
        self.in_thread(
            lambda: ask(desk), self._polled, lambda error: self.say(explain(error), "bad")
        )

    def _polled(self, _: object) -> None:
        self.say("asked just now", "muted")
        self._look()

    def say(self, text: str, tone: str) -> None:
        """Show what came of a key."""
        self.query_one("#said", Static).update(safe_text(text, tone))


def _written(lines: tuple[Line, ...], width: int) -> Content:
    """Names above long values, so that a link has the whole width."""
    short = [line for line in lines if line[0] not in {"link", "code"}]
    long = [line for line in lines if line[0] in {"link", "code"}]
    made = [written(short, width)] if short else []
    for name, text, tone in long:
        made += [safe_text(""), safe_line((name, "muted")), written((("", text, tone),), width)]
    return safe_lines(*made)

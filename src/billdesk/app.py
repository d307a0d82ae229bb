"""The terminal door: the app around the screens, its keys, and the ledger it is open on.

The first frame is painted before the store is imported; the desk is opened in a thread meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from billdesk.core.values.clock import Clock, SystemClock
from billdesk.core.values.errors import NotFound
from billdesk.core.values.ids import IdMaker
from billdesk.screens.chosen_theme import chosen_theme, keep_theme
from billdesk.screens.figures import Times
from billdesk.screens.frame import DeskScreen
from billdesk.screens.heartbeat import Heartbeat, Rhythm
from billdesk.screens.host import LOOKING_ONLY, TRY_DEMO
from billdesk.screens.places import BY_NAME, PLACES, WELCOME
from billdesk.screens.themes import (
    DEFAULT_THEME,
    PALETTES,
    THEME_NAMES,
    VARIABLE_DEFAULTS,
    wants_no_color,
)

if TYPE_CHECKING:
    from billdesk.core.desk import Desk

__all__ = ["TRY_DEMO", "BilldeskApp", "run_desk"]

NEEDS_A_LEDGER = {"finder", "export", "go", "previous_place"}

Opener = Callable[[str | None], "Desk"]
Maker = Callable[[str | None, str], "Desk"]
Companion = Callable[["Desk", Callable[[], bool]], None]


class BilldeskApp(Heartbeat):
    """The desk in a terminal. What it runs on comes by the constructor, for tests' sake."""

    TITLE = "billdesk"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar = {place.name: place.make for place in (*PLACES, *BY_NAME, WELCOME)}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon,ctrl+p", "palette", "Commands", id="app.palette", key_display=":"),
        Binding("ctrl+k,ctrl+f", "finder", "Find account", id="app.finder", key_display="^k"),
        Binding("question_mark,f1", "help", "Help", id="app.help", show=False),
        Binding("e", "export", "Export", id="app.export", show=False),
        Binding("m", "messages", "Messages", id="app.messages", show=False),
        Binding("ctrl+t", "next_theme", "Next theme", id="app.theme", show=False),
        Binding("minus", "previous_place", "Previous screen", id="app.previous", show=False),
        Binding("escape", "step_back", "Back", id="app.back", show=False),
        Binding("q", "leave", "Leave", id="app.leave", show=False),
        Binding("ctrl+q", "quit", "Quit billdesk", id="app.quit", show=False, priority=True),
        *(
            Binding(
                place.key, f"go('{place.name}')", place.title, id=f"go.{place.name}", show=False
            )
            for place in PLACES
        ),
    ]

    places = PLACES

    def __init__(
        self,
        opener: Opener,
        *,
        maker: Maker,
        url: str | None = None,
        place: str = "overview",
        account: str | None = None,
        theme: str = DEFAULT_THEME,
        clock: Clock | None = None,
        rhythm: Rhythm | None = None,
        companion: Companion | None = None,
        ids: IdMaker | None = None,
        read_only: bool = False,
        keep_theme: Callable[[str], None] | None = None,
    ) -> None:
        # The first screen is the one wanted: nothing is built twice.
        self.DEFAULT_MODE = place  # type: ignore[misc]  # read from the instance, never the class
        super().__init__(clock or SystemClock(), rhythm or Rhythm())
        self._opener, self._maker, self._url = opener, maker, url
        self._account = account
        self._companion = companion
        self._keep_theme = keep_theme
        self.ids = ids or self.ids
        self.wants_to_look_only = read_only
        self._leaving = threading.Event()
        self._companions: list[threading.Thread] = []
        self._previous = place
        for palette in PALETTES:
            self.register_theme(palette.theme())
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def now(self) -> datetime:
        return self.desk.now() if self.desk is not None else self._clock.now()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without a ledger there is nowhere to go, and nothing to find or to export."""
        return action not in NEEDS_A_LEDGER or self.desk is not None

    # --- opening ---

    def on_mount(self) -> None:
        self.call_after_refresh(self.open_ledger, self._url)

    def open_ledger(self, url: str | None, *, create: bool = False, asset: str = "USD") -> None:
        open_it = partial(self._maker, url, asset) if create else partial(self._opener, url)
        self.freshness = "opening"

        def open_and_look() -> tuple[Desk, int]:
            desk = open_it()
            return desk, desk.ledger.pulse()

        self.in_thread(open_and_look, partial(self._opened, url), partial(self._not_opened, url))

    def _opened(self, url: str | None, opened: tuple[Desk, int]) -> None:
        from zoneinfo import ZoneInfo

        self.close_desk()
        self._leaving.clear()
        desk, self.pulse = opened
        self.desk, self.ledger, self.address = desk, desk.info, url
        self.times = Times(ZoneInfo(desk.info.zone))
        self.freshness = "live"
        if self.current_mode == WELCOME.name:
            self._go("overview")
        self._refresh_frames()
        self.ask_again()
        if self._account is not None:
            self.show_account(self._account)
            self._account = None
        self._start_beating(desk)
        self._start_companion(desk)

    def _not_opened(self, url: str | None, error: BaseException) -> None:
        self.freshness = "live" if self.desk is not None else "no ledger"
        from billdesk.screens.welcome import WelcomeScreen

        self._go(WELCOME.name)
        if isinstance(self.screen, WelcomeScreen) and not (
            isinstance(error, NotFound) and url is None
        ):
            self.screen.explain_trouble(error, url)
        self._refresh_frames()

    def _start_companion(self, desk: Desk) -> None:
        if self._companion is not None:
            companion = threading.Thread(
                target=self._companion, args=(desk, self._leaving.is_set), daemon=True
            )
            self._companions.append(companion)
            companion.start()

    def close_desk(self) -> None:
        """Let go of the desk: whoever works on it in the background is told, and waited for."""
        self._leaving.set()
        for companion in self._companions:
            companion.join(timeout=5)
        self._companions.clear()
        if self.desk is not None:
            self.desk.close()
            self.desk = None

    # --- going places ---

    def _go(self, place: str) -> None:
        if place != self.current_mode:
            self._previous = self.current_mode
            self.switch_mode(place)

    def action_go(self, place: str) -> None:
        if self.desk is not None or place == WELCOME.name:
            self._go(place)
            # What was opened on top of it is left: a digit leads to the list it names.
            while len(self.screen_stack) > 1:
                self.pop_screen()

    def action_previous_place(self) -> None:
        """Back to where one was, with whatever was open there."""
        if self._previous != WELCOME.name and self.desk is not None:
            self._go(self._previous)

    def action_step_back(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def action_leave(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.current_mode not in {"overview", WELCOME.name}:
            self._go("overview")
        elif self._visible is not None:
            self._visible.say("ctrl+q quits billdesk", "muted")

    def show_account(self, ref: str) -> None:
        from billdesk.screens.account import AccountScreen

        self.push_screen(AccountScreen(ref))

    def show_entries(self, line: str) -> None:
        self.show_list("ledger", line)

    def show_balances(self, line: str) -> None:
        self.show_list("balances", line)

    def show_list(self, place: str, line: str) -> None:
        from billdesk.screens.filtered_screen import FilteredScreen

        self.action_go(place)
        if isinstance(self.screen, FilteredScreen):
            self.screen.use_filter(line)

    def ask_again(self) -> None:
        for screen in reversed(self.screen_stack):
            if isinstance(screen, DeskScreen):
                screen.ask()
                return

    # --- dialogs from anywhere ---

    def action_palette(self) -> None:
        from billdesk.screens.palette import Palette

        self.push_screen(Palette(self.screen))

    def action_finder(self) -> None:
        from billdesk.screens.finder import Finder

        if self.desk is not None:
            self.push_screen(Finder())

    def action_help(self) -> None:
        from billdesk.screens.help import Help

        self.push_screen(Help(self.screen))

    def action_messages(self) -> None:
        from billdesk.screens.messages import MessageLog

        self.push_screen(MessageLog())

    def action_export(self) -> None:
        from billdesk.screens.export import Export

        if self.desk is not None and self._visible is not None:
            self.push_screen(Export(self._visible.entry_filter()))

    def action_import_file(self) -> None:
        from billdesk.screens.importing import Import

        if self._visible is None or self.desk is None:
            return
        if self.may_act:
            self.push_screen(Import())
        else:
            self._visible.say(LOOKING_ONLY, "warn")

    def action_next_theme(self) -> None:
        index = THEME_NAMES.index(self.theme) if self.theme in THEME_NAMES else -1
        self.action_use_theme(THEME_NAMES[(index + 1) % len(THEME_NAMES)])

    def action_use_theme(self, name: str) -> None:
        self.theme = name
        said = f"theme {name}"
        if self._keep_theme is not None:
            try:
                self._keep_theme(name)
            except OSError as error:
                said += f", until the desk is closed: it cannot be kept ({error.strerror})"
        if self._visible is not None:
            self._visible.say(said, "muted")


def run_desk(
    url: str | None = None,
    *,
    read_only: bool = False,
    theme: str | None = None,
    screen: str | None = None,
    account: str | None = None,
    companion: Companion | None = None,
) -> int:
    """Open the terminal desk on the ledger at `url` (None: the usual one) until it is closed.

    `screen` names the first screen, `account` opens one account at once; `companion` runs in a
    thread beside the open desk, and its second argument says whether the app is closing. Without a
    `theme` the desk has the colours that were chosen last. Without a ledger the welcome screen helps
    to get one. Returns the exit status, TRY_DEMO when the demo is wanted. Raises NotFound for a theme
    or screen that does not exist.
    """
    names = [place.name for place in (*PLACES, *BY_NAME)]
    if screen is not None and screen not in names:
        raise NotFound(f"there is no screen {screen!r}", "one of " + ", ".join(names))
    if theme is not None and theme not in THEME_NAMES:
        raise NotFound(f"there is no theme {theme!r}", "one of " + ", ".join(THEME_NAMES))
    if not wants_no_color(os.environ):
        # Set but empty means nothing; Textual would take it for a wish.
        os.environ.pop("NO_COLOR", None)
    app = BilldeskApp(
        partial(_open, read_only=read_only),
        maker=_make,
        url=url,
        place=screen or "overview",
        account=account,
        theme=theme or chosen_theme() or DEFAULT_THEME,
        keep_theme=keep_theme,
        companion=companion,
        read_only=read_only,
    )
    try:
        wanted = app.run()
    finally:
        app.close_desk()
    return wanted or app.return_code or 0


def _open(url: str | None, *, read_only: bool) -> Desk:
    """Open the desk; this is where the store is imported, in a thread."""
    from billdesk.core.desk import open_desk

    return open_desk(url, read_only=read_only, origin="terminal")


def _make(url: str | None, asset: str) -> Desk:
    from billdesk.core.desk import create_ledger

    return create_ledger(url, asset=asset, origin="terminal")

"""What every screen may ask of the app it runs in; the app itself stands above."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import App

from billdesk.core.values.ids import IdMaker
from billdesk.screens.figures import Times

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen

    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import LedgerSheet

NOTES_KEPT = 500

TRY_DEMO = 100
"""What the app ends with when the demo is wanted: whoever started it goes on with that."""


LOOKING_ONLY = "This desk was opened read-only: open it again without --read-only"
"""What is said when somebody who only looks wants to act."""


@dataclass(frozen=True)
class Place:
    """A main screen: the key that goes there, its name for commands, its title for people."""

    key: str
    name: str
    title: str
    make: Callable[[], Screen[None]]


@dataclass(frozen=True)
class Note:
    """One line of the message log."""

    at: datetime
    tone: str
    text: str


class DeskHost(App[int]):
    """An app that has a desk, or will have one as soon as the store is open."""

    places: tuple[Place, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.desk: Desk | None = None
        self.ledger: LedgerSheet | None = None
        self.address: str | None = None
        """What opens the present ledger again; it may hold a password, and is never shown."""
        self.wants_to_look_only = False
        self.times = Times()
        self.freshness = "opening"
        self.pulse = -1
        self.ids = IdMaker()
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)

    @property
    def may_act(self) -> bool:
        """Whether acts are offered: a desk is open, and not only to look at."""
        return self.ledger is not None and not self.ledger.read_only

    def now(self) -> datetime:
        """The desk's present; it may be a rehearsed one."""
        raise NotImplementedError

    def mint(self, prefix: str) -> str:
        """A new id. Made when a dialog opens: however often it is confirmed, it is one act."""
        return self.ids.make(prefix, self.now())

    def remember(self, text: str, tone: str = "") -> None:
        """Keep a message in the log, where it can be read after it left the screen."""
        self.notes.append(Note(self.now(), tone, text))

    def action_go(self, place: str) -> None:
        """Show a main screen, if there is a ledger to show."""
        raise NotImplementedError

    def action_step_back(self) -> None:
        """Leave what was opened on top of a main screen."""
        raise NotImplementedError

    def show_account(self, ref: str) -> None:
        """Show one account's incident view on top of the present screen."""
        raise NotImplementedError

    def show_entries(self, line: str) -> None:
        """Show the ledger, filtered by `line` as one would type it."""
        raise NotImplementedError

    def show_balances(self, line: str) -> None:
        """Show the balances, filtered by `line` as one would type it."""
        raise NotImplementedError

    def show_list(self, place: str, line: str) -> None:
        """Show a main screen that is a list, filtered by `line` as one would type it."""
        raise NotImplementedError

    def ask_again(self) -> None:
        """Something was changed from here: have the visible screen ask its question again."""
        raise NotImplementedError

    def open_ledger(self, url: str | None, *, create: bool = False, asset: str = "USD") -> None:
        """Open another ledger (or make it), and show its overview."""
        raise NotImplementedError

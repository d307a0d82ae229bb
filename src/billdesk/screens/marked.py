"""A screen on which one thing is marked, and what is done about it: always about that very thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from billdesk.screens.frame import DeskScreen
from billdesk.screens.review import Review

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.screens.acts import Act

Answer = TypeVar("Answer")
Sheet = TypeVar("Sheet")
Found = TypeVar("Found")


class MarkedScreen(DeskScreen[Answer], Generic[Answer, Sheet]):
    """Subclasses say by `marked` which thing is meant."""

    def marked(self) -> Sheet | None:
        """What acts are about."""
        raise NotImplementedError

    def review(self, make: Callable[[Sheet], Act]) -> None:
        """Put an act under review; the screen looks again when that is over."""
        sheet = self.marked()
        if sheet is not None and self.may_act():
            self._push(make(sheet))

    def review_with(
        self, ask: Callable[[Desk, Sheet], Found], make: Callable[[Sheet, Found], Act]
    ) -> None:
        """The same for an act that needs to know something of the desk first.

        It is about what was marked when it was called for, whatever is marked by the time of the answer.
        """
        sheet = self.marked()
        if sheet is not None and self.may_act():
            self.act(lambda desk: ask(desk, sheet), lambda found: self._push(make(sheet, found)))

    def _push(self, act: Act) -> None:
        self.app.push_screen(Review(act), lambda _: self.ask())

"""Help: the keys of this screen and of what has the focus, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from billdesk.screens.keys import EVERYWHERE, FIELD, LIST, KeySheet, keys_of
from billdesk.screens.safe_text import fit, safe_line, safe_lines, safe_text

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content
    from textual.screen import Screen

KEY_CELLS = 18
HINTS = (
    "Money moves by capital letters alone, and never without a review.",
    "Everything here can also be done from a shell: billdesk --help.",
)


class Help(ModalScreen[None]):
    """All keys that count now."""

    DEFAULT_CSS = """
    Help { align: center middle; background: $background 60%; }
    Help > Vertical {
        width: 78; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    Help > Vertical {
        border-title-color: $primary; border-title-style: bold; border-subtitle-color: $muted;
    }
    Help VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    Help Static { height: auto; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", id="help.close"),
        Binding("j", "scroll(1)", "Down", id="help.down", show=False),
        Binding("k", "scroll(-1)", "Up", id="help.up", show=False),
    ]

    def __init__(self, called_from: Screen[Any]) -> None:
        super().__init__()
        self._keys = keys_of(called_from)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            # On the frame, where they stay in sight however much there is to scroll.
            box.border_title, box.border_subtitle = "Keys", "arrows scroll, Esc closes"
            with VerticalScroll():
                yield Static(self._content(), markup=False)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _content(self) -> Content:
        lines: list[Content] = []
        for where, keys in groupby(
            sorted(self._keys, key=_order(self._keys)), lambda each: each.where
        ):
            lines.append(safe_text(where, "strong"))
            lines += [
                safe_line(
                    "  ",
                    (fit(each.key, KEY_CELLS), "accent" if each.enabled else "muted"),
                    (each.title, "" if each.enabled else "muted"),
                    "" if each.enabled else ("  (not here and now)", "muted"),
                )
                for each in keys
            ]
            lines.append(safe_text(""))
        lines += [safe_text(hint, "muted") for hint in HINTS]
        return safe_lines(*lines)


def _order(keys: tuple[KeySheet, ...]) -> Callable[[KeySheet], int]:
    """The screen's own keys first, then the list's, then what counts everywhere."""
    places = list(dict.fromkeys(each.where for each in keys))
    places.sort(key=lambda where: {EVERYWHERE: 2, LIST: 1, FIELD: 1}.get(where, 0))
    return lambda each: places.index(each.where)

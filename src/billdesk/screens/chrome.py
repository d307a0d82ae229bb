"""The three lines every screen has: where one is, what was last said, which keys there are."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.cells import chop_cells
from textual import events, getters
from textual.content import Content
from textual.widget import Widget

from billdesk.core.values.plain_text import visible
from billdesk.screens.host import DeskHost
from billdesk.screens.safe_text import cut, fit, safe_line, safe_lines, safe_text, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import Binding
    from textual.geometry import Size
    from textual.screen import Screen

    from billdesk.screens.host import Place

HELP_KEYS = "? help"
NOWHERE = "welcome"
"""The screen from which there is nowhere to go yet."""
MORE = (": more", ": …")
"""Where there is room: the palette has the screens without a digit."""
SAID_LINES = 3


class OneLine(Widget):
    """A line across the screen that paints itself from what the app knows."""

    DEFAULT_CSS = """
    OneLine { height: 1; width: 1fr; }
    """

    app = getters.app(DeskHost)


class HeadLine(OneLine):
    """Which desk this is, by name and word: DEMO, READ-ONLY, and how fresh the data is."""

    DEFAULT_CSS = """
    HeadLine { background: $panel; color: $foreground; }
    """

    def render(self) -> Content:
        ledger, width = self.app.ledger, self.size.width
        left = safe_line(
            (" billdesk", "title"), (" · ", "muted"), (self.screen.title or "", "strong")
        )
        right = self._state()
        room = width - left.cell_length - right.cell_length - 2
        where = cut(_name_of(ledger.where), room - 2) if ledger is not None and room > 6 else ""
        blanks = " " * max(1, width - left.cell_length - right.cell_length - width_of(where) - 3)
        return safe_line(left, blanks, (where, "muted"), "  " if where else "", right, " ")

    def _state(self) -> Content:
        ledger = self.app.ledger
        parts: list[tuple[str, str]] = []
        if ledger is not None:
            parts.append((KINDS.get(ledger.kind, ledger.kind), "muted"))
            if ledger.demo:
                parts.append(("DEMO", "warn"))
            if ledger.read_only:
                parts.append(("READ-ONLY", "warn"))
        tone = {"live": "good", "opening": "muted"}.get(self.app.freshness, "bad")
        parts.append((self.app.freshness, tone))
        line: list[tuple[str, str]] = []
        for index, part in enumerate(parts):
            if index:
                line.append((" · ", "muted"))
            line.append(part)
        return safe_line(*line)


KINDS = {"sqlite": "SQLite", "postgres": "Postgres", "postgresql": "Postgres"}


def _name_of(where: str) -> str:
    """The last part of a path or address: what people call the ledger."""
    return where.split("?", maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1] or where


class PlaceLine(OneLine):
    """The main screens and the digits that go there; the present one stands out."""

    DEFAULT_CSS = """
    PlaceLine { background: $surface; color: $muted; }
    """

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here
        self._spans: list[tuple[int, int, str]] = []

    def render(self) -> Content:
        self._spans, parts, at = [], [], 0
        here, width = self.app.current_mode, self.size.width
        places = () if self._here == NOWHERE else self.app.places
        for place in _in_sight(places, here, width):
            # The present one borrows the blank before its neighbour, so that nothing moves.
            label = _label(place)
            if at + len(label) - 1 > width:
                # The others are reached by their digits, and by name from the palette.
                break
            style = "bold $foreground on $cursor" if place.name == here else ""
            parts.append(Content.styled(label, style))
            self._spans.append((at, at + len(label), place.name))
            at += len(label)
        more = next((each for each in MORE if at + len(each) <= width), "")
        if len(parts) == len(places) > 0 and more:
            parts.append(safe_text(more))
            self._spans.append((at, at + len(more), ""))
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spans:
            if start <= event.x < end and name:
                self.app.action_go(name)
            elif start <= event.x < end:
                self.app.simulate_key("colon")


def _label(place: Place) -> str:
    return f" {place.key} {place.title} "


def _in_sight(places: Sequence[Place], here: str, width: int) -> Sequence[Place]:
    """The places from the first on; from a later one if the present would be out of sight."""
    names = [place.name for place in places]
    end = names.index(here) + 1 if here in names else 0
    start = 0
    while start < end - 1 and sum(len(_label(each)) for each in places[start:end]) - 1 > width:
        start += 1
    return places[start:]


class StatusLine(OneLine):
    """What was last said, and on the right where one stands in a list."""

    DEFAULT_CSS = """
    StatusLine {
        height: auto; max-height: 3; background: $background; color: $foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said, self._tone, self._position = "", "", ""

    def say(self, text: str, tone: str = "") -> None:
        """Show a message; it stays until the next one."""
        before = len(self._lines(self.size.width))
        self._said, self._tone = text, tone
        self.refresh(layout=len(self._lines(self.size.width)) != before)

    def show_position(self, text: str) -> None:
        """Show where the cursor stands, such as `12 of 1,204`."""
        if text != self._position:
            self._position = text
            self.refresh()

    @property
    def said(self) -> str:
        """The message that is shown."""
        return self._said

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self._lines(width))

    def _lines(self, width: int) -> list[str]:
        """What is said, on as many lines as it takes beside the position; three at most."""
        room = max(1, width - width_of(self._position) - 3)
        said = visible(self._said)
        if width_of(said) <= room:
            return [said]
        lines = [
            part
            for line in textwrap.wrap(said, room, break_on_hyphens=False)
            for part in chop_cells(line, room)
        ]
        if len(lines) <= SAID_LINES:
            return lines
        return [*lines[: SAID_LINES - 1], " ".join(lines[SAID_LINES - 1 :])]

    def render(self) -> Content:
        width = self.size.width
        position = cut(self._position, width)
        room = max(0, width - width_of(position) - 3)
        lines = self._lines(width)
        beside = [*[""] * (len(lines) - 1), position]
        return safe_lines(
            *(
                safe_line(" ", (fit(line, room), self._tone), " ", (right, "muted"), " ")
                for line, right in zip(lines, beside, strict=True)
            )
        )


class KeyLine(OneLine):
    """The keys that do something here, as many as there is room for; help is always among them."""

    DEFAULT_CSS = """
    KeyLine { background: $panel; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen:
            self.refresh()

    def render(self) -> Content:
        self._spans, parts, at = [], [], 1
        room = self.size.width - len(HELP_KEYS) - 2
        for binding in self._offered():
            key = self.app.get_key_display(binding)
            label = f"{key} {binding.description}"
            if at + len(label) + 2 > room:
                break
            parts += [safe_text(key, "accent"), safe_text(f" {binding.description}  ")]
            self._spans.append((at, at + len(label), binding.key))
            at += len(label) + 2
        blanks = " " * max(0, self.size.width - at - len(HELP_KEYS) - 1)
        help_key, help_word = HELP_KEYS.split(" ")
        return safe_line(" ", *parts, blanks, (help_key, "accent"), f" {help_word} ")

    def _offered(self) -> list[Binding]:
        """What is shown: one key per action, the nearest to the focus first."""
        seen: dict[str, Binding] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.enabled:
                seen.setdefault(active.binding.action, active.binding)
        return list(seen.values())

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)
                return
        if event.x >= self.size.width - len(HELP_KEYS) - 1:
            self.app.simulate_key("question_mark")

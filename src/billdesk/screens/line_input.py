"""A field of one line, without a border and without a blinking cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from billdesk.core.values.plain_text import visible

if TYPE_CHECKING:
    from rich.text import Text

HIDDEN = "\N{REPLACEMENT CHARACTER}"


class LineInput(Input):
    """An Input one line high. Its cursor stands still: blinking is traffic, and no help."""

    DEFAULT_CSS = """
    LineInput, LineInput.-textual-compact {
        height: 1;
        border: none;
        padding: 0 1;
        background: $panel;
        color: $foreground;
    }
    LineInput:focus, LineInput.-textual-compact:focus { background: $cursor; border: none; }
    LineInput > .input--placeholder, LineInput > .input--suggestion { color: $muted; }
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,
        max_length: int = 0,
    ) -> None:
        super().__init__(
            value,
            placeholder,
            id=id,
            max_length=max_length,
            compact=True,
            # A proposal is typed over; what one typed oneself is gone on with.
            select_on_focus=bool(value),
        )
        self.cursor_blink = False

    @property
    def _value(self) -> Text:
        """What is painted: one mark for each character that a terminal would obey or hide.

        Only what is painted changes: what was pasted is taken, or refused, as it is.
        """
        painted = super()._value
        if visible(painted.plain) != painted.plain:
            painted.plain = "".join(map(_shown, painted.plain))
        return painted


def _shown(character: str) -> str:
    mark = visible(character)
    return mark if len(mark) == 1 else HIDDEN

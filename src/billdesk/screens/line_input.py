"""A field of one line, without a border and without a blinking cursor."""

from __future__ import annotations

from textual.widgets import Input


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
            select_on_focus=False,
        )
        self.cursor_blink = False

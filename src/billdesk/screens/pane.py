"""Text that is written anew for whatever width it gets, and is as high as it needs to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.geometry import Size


class Pane(Widget):
    """Paints what a function writes for the present width."""

    DEFAULT_CSS = """
    Pane { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._write: Callable[[int], Content] = lambda _: Content()

    def show(self, write: Callable[[int], Content]) -> None:
        """Show what `write` makes of a width in cells, now and after every change of size."""
        self._write = write
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return self._write(width).plain.count("\n") + 1

    def render(self) -> Content:
        return self._write(self.size.width)

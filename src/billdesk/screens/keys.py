"""Which keys do what, here and now: read from the bindings, so that it can't be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.screen import Screen

from billdesk.screens.line_table import LineTable

if TYPE_CHECKING:
    from textual.dom import DOMNode

NOT_OURS = {
    "screen.copy_text",
    "scroll_left",
    "scroll_right",
    "page_left",
    "page_right",
    "scroll_up",
    "scroll_down",
    "scroll_home",
    "scroll_end",
    "page_up",
    "page_down",
}
"""What Textual binds by itself and does nothing for a list."""

EVERYWHERE = "Everywhere"
FIELD, LIST = "Field", "List"

PANES = {"app.focus_next": "Next pane", "app.focus_previous": "Previous pane"}
"""What Textual binds for every screen, in our words."""


@dataclass(frozen=True)
class KeySheet:
    """All keys of one action, what it does, and where that counts."""

    key: str
    title: str
    where: str
    action: str
    node: DOMNode
    enabled: bool


def keys_of(screen: Screen[Any]) -> tuple[KeySheet, ...]:
    """The keys that count on this screen with its present focus, the nearest first."""
    found: dict[tuple[str, str], KeySheet] = {}
    for active in screen.active_bindings.values():
        binding, node = active.binding, active.node
        if not binding.description or binding.system or binding.action in NOT_OURS:
            continue
        where = EVERYWHERE if binding.action in PANES else _where(node)
        title = PANES.get(binding.action, binding.description)
        key = screen.app.get_key_display(binding)
        known = found.get((where, binding.action))
        if known is not None:
            key = known.key if key in known.key.split(" ") else f"{known.key} {key}"
        found[where, binding.action] = KeySheet(
            key, title, where, binding.action, node, active.enabled
        )
    return tuple(found.values())


def _where(node: DOMNode) -> str:
    if isinstance(node, App):
        return EVERYWHERE
    if isinstance(node, Screen):
        return node.title or "This screen"
    return LIST if isinstance(node, LineTable) else FIELD

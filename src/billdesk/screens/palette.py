"""The command palette: everything the keys can do here, by name; and a few commands to type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from billdesk.screens.host import DeskHost
from billdesk.screens.keys import EVERYWHERE, FIELD, LIST, PANES, keys_of
from billdesk.screens.line_table import Column
from billdesk.screens.picker import Picker
from billdesk.screens.themes import THEME_NAMES

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.screen import Screen

NOT_BY_NAME = {*PANES, "palette", "step_back", "unfilter", "forget"}
"""What makes no sense from within the palette."""


KEYLESS = (
    ("Keeping: back up, restore, migrate, move, grant a login", "app.go('keeping')"),
    ("Import accounts or entries from CSV", "app.import_file"),
    ("Card refunds", "app.go('card_refunds')"),
    ("Disputes", "app.go('disputes')"),
    ("Facts: what the gateways said", "app.go('facts')"),
    ("Usage: what is used of what is included", "app.go('usage')"),
    ("Usage runs: bill the months of use that are over", "app.go('usage_runs')"),
    ("Invoices and credit notes", "app.go('invoices')"),
    ("Credits: who has how many, and which burn next", "app.go('credits')"),
    ("Packs of credits: what was bought, and taking it back", "app.go('packs')"),
    ("Plans and catalog: what is sold, and applying a file", "app.go('plans')"),
    ("Subscriptions: who is on which plan", "app.go('subscriptions')"),
)
"""What can be done from everywhere, and seldom enough to need no key of its own."""


@dataclass(frozen=True)
class Command:
    """Something that can be done by name."""

    title: str
    key: str
    where: str
    action: str
    node: DOMNode


class Palette(Picker[Command]):
    """The commands of the screen it was called from, the nearest to the focus first."""

    heading = "Commands"
    placeholder = "a command; or acct REF, inv NUMBER, goto 2026-08, theme NAME"
    look_after_seconds = 0.0

    def __init__(self, called_from: Screen[Any]) -> None:
        super().__init__()
        self._called_from = called_from
        self._commands = _commands(called_from)

    def columns(self) -> Sequence[Column[Command]]:
        return (
            Column("Key", 9, lambda row: (row.key, "accent")),
            Column("Command", 24, lambda row: row.title, grow=3),
            Column("Where", 14, lambda row: (row.where, "muted"), grow=1),
        )

    def key_of(self, row: Command) -> str:
        return f"{row.where} {row.action}"

    def look(self, text: str) -> None:
        words = text.lower().split()
        found = [
            command
            for command in self._commands
            if all(word in f"{command.title} {command.where}".lower() for word in words)
        ]
        # What begins with what was typed is what was meant; else all stay in their order.
        found.sort(key=lambda command: not command.title.lower().startswith(text.lower()))
        typed = self._typed_command(text)
        self.table.empty = f"Enter does: {text}" if typed else "No such command."
        self.table.show_rows([] if typed else found)
        self.table.move_to(0)

    def choose(self, row: Command | None, text: str) -> None:
        typed = self._typed_command(text)
        app, node = self.app, self._called_from
        if typed is not None:
            self.dismiss()
            name, value = typed
            if name == "acct":
                app.show_account(value)
            elif name == "inv":
                app.push_screen(_invoice(value))
            elif name == "goto":
                app.show_entries(f"asof:{value}")
            else:
                app.call_later(app.run_action, f"app.use_theme({value!r})", node)
        elif row is not None:
            self.dismiss()
            app.call_later(app.run_action, row.action, row.node)

    def _typed_command(self, text: str) -> tuple[str, str] | None:
        """`acct REF`, `inv NUMBER`, `goto DATE` or `theme NAME`, as its two words."""
        name, _, value = text.strip().partition(" ")
        value = value.strip()
        if name in {"acct", "inv", "goto"} and value and self.app.desk is not None:
            return name, value
        return (name, value) if name == "theme" and value in THEME_NAMES else None


def _invoice(number: str) -> Screen[None]:
    from billdesk.screens.invoice import InvoiceScreen  # noqa: PLC0415 - seldom wanted

    return InvoiceScreen(number)


def _commands(screen: Screen[Any]) -> list[Command]:
    """One command for each action that has a key, those without one, and one for each theme."""
    keys = [each for each in keys_of(screen) if each.enabled and each.action not in NOT_BY_NAME]
    # What the screen can do comes before what can be done everywhere; moving needs no command.
    keys = [each for each in keys if each.where not in {LIST, FIELD}]
    commands = [Command(each.title, each.key, each.where, each.action, each.node) for each in keys]
    if isinstance(screen.app, DeskHost) and screen.app.desk is not None:
        commands += [Command(title, "", EVERYWHERE, act, screen) for title, act in KEYLESS]
    commands += [
        Command(f"Theme {name}", "", EVERYWHERE, f"app.use_theme('{name}')", screen)
        for name in THEME_NAMES
    ]
    return sorted(commands, key=_rank)


def _rank(command: Command) -> int:
    """What the screen can do, where one can go, what else there is; leaving comes last of all."""
    if command.action in {"quit", "leave"}:
        return 4
    if command.where != EVERYWHERE:
        return 1 if command.action == "ask" else 0
    return 2 if "go('" in command.action else 3

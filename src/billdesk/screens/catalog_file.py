"""A catalog file at the desk: what it would change, or what is wrong with it; then, perhaps, applied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.widgets import Button

from billdesk.core.desk import default_paths
from billdesk.screens.acts import Field
from billdesk.screens.detail import Detail
from billdesk.screens.figures import count, counted
from billdesk.screens.form import Form
from billdesk.screens.host import LOOKING_ONLY
from billdesk.screens.line_table import Column
from billdesk.screens.paged_table import PagedTable
from billdesk.screens.path_line import PathEnding, read_path, short
from billdesk.screens.safe_text import safe_text

if TYPE_CHECKING:
    from textual.suggester import Suggester
    from textual.widget import Widget

    from billdesk.core.rules.sheets import (
        CatalogChangeSheet,
        CatalogDiffSheet,
        CatalogMistakeSheet,
    )

SIGNS = {"added": ("+ new", "good"), "changed": ("~ changed", ""), "retired": ("- retired", "warn")}


class Finding(NamedTuple):
    """A mistake or a change, as a line of the list."""

    mark: str
    tone: str
    what: str
    how: str
    lines: tuple[tuple[str, str], ...]


class CatalogFile(Form):
    """One file, from its path to what came of it. The first can be the one that comes with billdesk."""

    heading = "Apply a catalog file"
    verb = "Check"

    DEFAULT_CSS = """
    CatalogFile PagedTable { display: none; height: 11; margin-top: 1; background: $surface; }
    CatalogFile.-listed PagedTable { display: block; }
    CatalogFile.-done #start, CatalogFile.-done #apply { display: none; }
    """

    def __init__(self, *, is_first: bool) -> None:
        super().__init__()
        self._is_first = is_first
        self._checked: tuple[str, CatalogDiffSheet] | None = None
        self.table: PagedTable[Finding] = PagedTable(
            (
                Column("", 9, lambda row: (row.mark, row.tone)),
                Column("What", 23, lambda row: (row.what, "strong"), grow=1),
                Column("How", 23, lambda row: row.how, grow=1),
            ),
            lambda row: f"{row.mark} {row.what} {row.how}",
        )

    def fields(self) -> Sequence[Field]:
        path = short(default_paths().catalog) if self._is_first else ""
        return (Field("path", "File", read_path, path, placeholder="the path of a catalog file"),)

    def suggester(self, field: Field) -> Suggester | None:  # noqa: ARG002 - there is one field
        return PathEnding(".toml")

    def more_buttons(self) -> Sequence[Button]:
        return (
            Button(safe_text("Apply"), id="apply", compact=True, variant="warning", disabled=True),
        )

    def below(self) -> Iterable[Widget]:
        return (self.table,)

    def opened(self) -> None:
        shipped = "; this is the one that comes with billdesk" if self._is_first else ""
        about = f"Plans, packs, meters and taxes come from a file{shipped}."
        self.say(f"{about} Checking it changes nothing.", "muted")

    # --- seen first ---

    def start(self, values: dict[str, str]) -> None:
        desk, path = self.app.desk, read_path(values["path"])
        if desk is not None:
            self._forget()
            self.work(lambda _: desk.catalog.diff(path), lambda sheet: self._seen(path, sheet))

    def changed(self) -> None:
        if self.has_class("-listed"):
            self._forget()
            self.say("")

    def _forget(self) -> None:
        """What was found out holds no longer."""
        self._checked = None
        self.query_one("#apply", Button).disabled = True
        self.remove_class("-listed", "-failed")

    def _seen(self, path: str, sheet: CatalogDiffSheet) -> None:
        if sheet.mistakes:
            self._refuse(sheet)
            return
        self._list([_change(change) for change in sheet.changes])
        self.say(_in_words(sheet, "would change"), "good")
        if not self.app.may_act:
            self.hint(LOOKING_ONLY)
            return
        self._checked = path, sheet
        self.query_one("#apply", Button).disabled = False
        self.hint("Nothing is changed yet: Apply does that. Enter in the list says more.")

    def _refuse(self, sheet: CatalogDiffSheet) -> None:
        self._forget()
        self._list([_mistake(mistake) for mistake in sheet.mistakes])
        self.add_class("-failed")
        text = f"{counted(len(sheet.mistakes), 'mistake')} in {sheet.where}; nothing is changed."
        self.app.remember(f"Catalog: {text}", "warn")
        self.say(text, "bad")
        self.hint("Tab goes to the list, Enter shows a mistake in full, Esc leaves.")

    def _list(self, findings: list[Finding]) -> None:
        self.set_class(bool(findings), "-listed")
        self.table.show_rows(findings)
        self.table.move_to(0)

    def on_line_table_opened(self) -> None:
        row = self.table.row
        if row is not None:
            self.app.push_screen(Detail("Catalog", row.what, row.lines))

    # --- then applied ---

    def pressed(self, button: str) -> None:
        desk, checked = self.app.desk, self._checked
        if button != "apply" or desk is None or checked is None:
            return
        path, seen = checked
        self.work(lambda _: desk.catalog.apply(path, digest=seen.digest), self._applied)

    def _applied(self, sheet: CatalogDiffSheet) -> None:
        if sheet.mistakes:
            # The ledger has changed since it was checked.
            self._refuse(sheet)
            return
        text = _in_words(sheet, "changed")
        self.app.remember(f"Catalog applied. {text}", "good")
        self.add_class("-done")
        self.query_one("#cancel", Button).label = safe_text("Close")
        # Nothing has the focus: a second Enter must not put the result away unread.
        self.set_focus(None)
        self.tell((("", f"Applied. {text}", "good"), ("from", sheet.where, "")))
        self.hint("Esc closes.")
        self.app.ask_again()


def _in_words(sheet: CatalogDiffSheet, verb: str) -> str:
    staying = sum(change.subscriptions for change in sheet.changes)
    stay = f" {counted(staying, 'subscription')} on their old versions stay there." * bool(staying)
    unchanged = f"{count(sheet.unchanged)} stay as they are."
    if not sheet.changes:
        return f"Nothing {verb}: {unchanged}"
    return f"{counted(len(sheet.changes), 'thing')} {verb}, {unchanged}{stay}"


def _mistake(mistake: CatalogMistakeSheet) -> Finding:
    where = f"line {count(mistake.line)}" if mistake.line else "the file"
    return Finding(
        where,
        "bad",
        mistake.message,
        mistake.hint,
        (
            ("where", f"{where}  {mistake.where}".rstrip()),
            ("wrong", mistake.message),
            ("remedy", mistake.hint),
        ),
    )


def _change(change: CatalogChangeSheet) -> Finding:
    mark, tone = SIGNS[change.change]
    stay = counted(change.subscriptions, "subscription")
    staying = (("staying", f"{stay} on the version they have"),) if change.subscriptions else ()
    what = change.code if change.sort == "company" else f"{change.sort} {change.code}"
    details = tuple(_split(detail) for detail in change.details)
    how = "; ".join(change.details) or (f"{stay} stay" if staying else "sold no more")
    return Finding(
        mark,
        tone,
        what,
        how,
        (
            ("what", f"{what}: {change.name}"),
            ("version", f"{change.version}, {change.change}"),
            *details,
            *staying,
        ),
    )


def _split(detail: str) -> tuple[str, str]:
    name, _, words = detail.partition(": ")
    return name, words

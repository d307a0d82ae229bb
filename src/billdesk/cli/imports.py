"""`billdesk import accounts | entries`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.printing import plural
from billdesk.cli.progress import Progress

if TYPE_CHECKING:
    from billdesk.core.rules.sheets import ImportSheet

REFUSED = 3

CsvFile = Annotated[str, typer.Argument(metavar="FILE", help="A CSV file; see data/ for samples.")]


def accounts(door: Door, file: CsvFile) -> int:
    """Bring in customers.

    All rows or none; the same file a second time changes nothing.
    """
    with door.desk() as desk, Progress("importing") as progress:
        sheet = desk.imports.accounts(file, progress)
    return _answer(door, sheet)


def entries(door: Door, file: CsvFile) -> int:
    """Bring in history.

    All rows or none; the same file a second time changes nothing.
    """
    with door.desk() as desk, Progress("importing") as progress:
        sheet = desk.imports.entries(file, progress)
    return _answer(door, sheet)


def _answer(door: Door, sheet: ImportSheet) -> int:
    if sheet.errors:
        wrong = plural(len(sheet.errors), "row")
        summary = f"nothing was imported from {sheet.path}: {wrong} cannot be taken"
    else:
        added, unchanged = plural(sheet.added, "row"), f"{sheet.unchanged:,} were there already"
        summary = f"imported {added} of {sheet.rows:,} from {sheet.path}, {unchanged}"
    door.answer(sheet, summary, *(f"line {error.line}: {error.text}" for error in sheet.errors))
    return REFUSED if sheet.errors else 0

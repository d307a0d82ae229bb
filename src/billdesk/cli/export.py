"""`billdesk export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from billdesk.cli.door import Door
from billdesk.cli.parameters import Asset, Kinds, OfAccount, Since, Text, Until, at
from billdesk.cli.printing import cell, plural
from billdesk.cli.progress import Progress
from billdesk.core.values.errors import BadInput

Format = Literal["csv", "jsonl", "hledger", "beancount"]

_FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".hledger": "hledger",
    ".journal": "hledger",
    ".beancount": "beancount",
}


def export(
    door: Door,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to.")],
    *,
    format: Annotated[
        Format | None, typer.Option(help="Else the one that the file's name ends with.")
    ] = None,
    account: OfAccount = None,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    asset: Asset = None,
) -> None:
    """Write entries to a file for other programs."""
    from billdesk.core.rules.sheets import EntryFilter

    chosen = format or _FORMAT_OF_SUFFIX.get(Path(file).suffix.lower())
    if chosen is None:
        raise BadInput(f"{file} does not say its format", "add --format csv, jsonl, hledger …")
    wanted = EntryFilter(
        account=account,
        kinds=tuple(kind or ()),
        since=at(since),
        until=at(until),
        text=text,
        asset=asset,
    )
    with door.desk() as desk, Progress("exporting") as progress:
        sheet = desk.export_entries(file, chosen, wanted, progress)
    totals = ", ".join(map(cell, sheet.totals))
    door.answer(
        sheet, f"wrote {plural(sheet.rows, 'entry')} to {sheet.path}, in all {totals or 'nothing'}"
    )

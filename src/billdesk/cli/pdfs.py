"""`billdesk invoice pdf | pdfs`: invoices on paper."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.printing import plural
from billdesk.cli.progress import Progress


def pdf(
    door: Door,
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Its number or id.")],
    path: Annotated[
        str | None,
        typer.Argument(metavar="PATH", help="A new file, or a folder; else the current folder."),
    ] = None,
    *,
    open: Annotated[
        bool, typer.Option("--open", help="Show it; without PATH nothing is saved here.")
    ] = False,
) -> None:
    """Save an invoice as a PDF.

    Save an invoice or credit note as a PDF. The same invoice gives the same bytes; no other file is
    written over.
    """
    with door.desk() as desk:
        if open and path is None:
            sheet = desk.pdfs.show(invoice)
        else:
            sheet = desk.pdfs.save(invoice, path or ".")
            if open:
                desk.pdfs.show(invoice)
    door.answer(sheet, f"{'opened' if open else 'saved'} {sheet.path}")


def pdfs(door: Door) -> None:
    """Draw every PDF that is not kept yet.

    Draw the PDF of every finalized invoice that the desk does not keep yet; stopped, the next goes on.
    """
    with door.desk() as desk, Progress("drawing") as progress:
        sheet = desk.pdfs.prepare_many(on_progress=progress)
    door.answer(
        sheet,
        f"{plural(sheet.rendered, 'PDF')} drawn; {plural(sheet.found, 'invoice')} on paper in all, "
        f"{sheet.size:,} bytes",
    )

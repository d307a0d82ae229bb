"""PDFs of invoices: from the ledger to a file, beside reportlab alone drawing the same text."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from reportlab.pdfgen.canvas import Canvas

from benchmarks.ratios import Figure, Limit, by_turns, compared
from billdesk.core.desk import create_ledger
from billdesk.core.operations.invoices.drawing import Pdfs
from billdesk.core.paper.drawing import draw
from billdesk.core.paper.layout import HEIGHT, WIDTH, Item, Text, laid_out
from billdesk.core.paper.wording import invoice_paper
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.settings import default_paths

if TYPE_CHECKING:
    from billdesk.core.desk import Desk

LINES = (
    ("Pro, monthly", 4900, "1", "", "49.00"),
    ("API calls", 123456, "1,234,560", "calls", "0.001"),
    ("Messages sent", 8420, "8,420", "messages", "0.01"),
    ("Storage", 1999, "19.99", "GB", "1.00"),
    ("Unused time on Starter", -1250, "1", "", ""),
)


def pdf(*, quick: bool) -> list[Figure]:
    """A thousand invoices of one page each."""
    invoices, rounds = (100, 3) if quick else (1_000, 5)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        with create_ledger(base / "ledger") as desk:
            names = [_issue(desk, number) for number in range(invoices)]
            sheets = [desk.invoices.detail(name) for name in names]
            papers = [invoice_paper(sheet, ZoneInfo("UTC")) for sheet in sheets]
            pages = [laid_out(paper) for paper in papers]
            turns = iter(range(1_000))

            def ours() -> float:
                paths = replace(default_paths(), data=base / f"ours-{next(turns)}")
                started = perf_counter()
                made = Pdfs(desk._office, paths).prepare_many()  # noqa: SLF001 - a new folder each round
                took = perf_counter() - started
                assert made.rendered == invoices
                return took

            def ours_without_ledger() -> float:
                started = perf_counter()
                for sheet in sheets:
                    paper = invoice_paper(sheet, ZoneInfo("UTC"))
                    assert paper.key
                    draw(paper)
                return perf_counter() - started

            def floor() -> float:
                target = base / f"floor-{next(turns)}"
                target.mkdir()
                started = perf_counter()
                for number, each in enumerate(pages):
                    _draw_bare(str(target / f"{number}.pdf"), each)
                return perf_counter() - started

            draw(papers[0])  # the fonts are read once in the life of a process
            drawn = by_turns(rounds, ours_without_ledger, floor)
            kept = by_turns(rounds, ours, floor)
    what, beside = f"{invoices:,} invoices as PDF, one page each", "reportlab alone, the same text"
    return [
        compared(f"{what}, drawn", beside, "s", Limit(1.5, 1.2), drawn),
        compared("… read from the ledger, drawn and kept", beside, "s", Limit(1.5, 1.2), kept),
    ]


def _issue(desk: Desk, number: int) -> str:
    """A finalized invoice of its own; its number."""
    ref = f"a{number:04d}"
    desk.accounts.add(ref, name=f"Customer number {number:,} Ltd")
    lines = [LineDraft(text, minor + number, quantity, unit, price)
             for text, minor, quantity, unit, price in LINES]  # fmt: skip
    drafted = desk.invoices.draft(ref, lines, asset="USD")
    return desk.invoices.finalize(drafted.id).invoice_number or drafted.id


def _draw_bare(path: str, pages: tuple[tuple[Item, ...], ...]) -> None:
    """The same signs at the same places by reportlab's shortest way."""
    canvas = Canvas(path, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1)
    for page in pages:
        for item in page:
            if isinstance(item, Text):
                canvas.setFont(item.font, item.size)
                canvas.drawString(item.x, item.y, item.text)
        canvas.showPage()
    canvas.save()

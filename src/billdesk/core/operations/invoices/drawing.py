"""Invoices as PDF files: drawn once, kept under the SHA-256 of everything that is drawn on them.

What is kept lies in the desk's data folder, for its owner alone. An invoice that changes what stands on
its paper (it is paid, say) is another paper with another key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billdesk.core.operations.invoices.invoicing import Invoices
from billdesk.core.operations.invoices.viewing import show_file
from billdesk.core.operations.office import Office
from billdesk.core.paper.wording import InvoicePaper, invoice_paper
from billdesk.core.rules.sheets import PdfSheet, PreparedSheet
from billdesk.core.settings import Paths
from billdesk.core.store import papers as store
from billdesk.core.store.meta import read_meta
from billdesk.core.values.errors import AlreadyExists, BadInput

_BATCH = 500
_WHOLE_START, _WHOLE_END = b"%PDF-", b"%%EOF\n"


class _Kept(NamedTuple):
    """A PDF in the desk's folder, and whether it was drawn just now."""

    path: Path
    data: bytes
    is_new: bool


class Pdfs:
    """`desk.pdfs`. Invoices are named by their id or number."""

    def __init__(self, office: Office, paths: Paths) -> None:
        self._office = office
        self._folder = paths.data / "invoices"
        self._logo = lru_cache(maxsize=4)(self._read_logo)

    def save(self, invoice: str, path: str | os.PathLike[str] | None = None) -> PdfSheet:
        """Save an invoice as a PDF: a new file at `path`, or in it if it is a folder.

        Without a path it stays where the desk keeps it. The same file there already is as good as saved.
        Raises NotFound, AlreadyExists for another file, BadInput for a place that cannot be written and
        a logo that cannot be read.
        """
        invoice_id, paper = self._paper(invoice)
        kept = self._kept(paper)
        target = kept.path
        if path is not None:
            target = Path(path).expanduser()
            if target.is_dir():
                target /= file_name(paper, invoice_id)
            _write_new(target, kept.data)
        digest = sha256(kept.data).hexdigest()
        return PdfSheet(invoice_id, str(target), digest, len(kept.data), kept.is_new)

    def show(self, invoice: str) -> PdfSheet:
        """Open an invoice's PDF in the system's viewer. Raises what `save` does, BadInput without one."""
        sheet = self.save(invoice)
        show_file(Path(sheet.path))
        return sheet

    def prepare_many(
        self, *, on_progress: Callable[[int, int], None] | None = None
    ) -> PreparedSheet:
        """Draw every finalized invoice that is not kept yet, the oldest first.

        Stopped halfway, the next goes on: what is kept is not drawn again. Raises BadInput.
        """
        found = rendered = size = at = 0
        while True:
            with self._office.database.read() as session:
                total = store.count_finalized(session)
                batch = store.finalized_after(session, at, _BATCH)
            for number, invoice_id in batch:
                kept = self._kept(self._paper(invoice_id)[1])
                at, found = number, found + 1
                rendered += kept.is_new
                size += len(kept.data)
                if on_progress is not None:
                    on_progress(found, max(found, total))
            if len(batch) < _BATCH:
                return PreparedSheet(found, rendered, size)

    def _paper(self, invoice: str) -> tuple[str, InvoicePaper]:
        """What stands on an invoice's paper. Raises NotFound."""
        detail = Invoices(self._office).detail(invoice)
        invoice_id = detail.invoice.id
        with self._office.database.read() as session:
            facts = store.paper_facts(session, invoice_id)
            zone = ZoneInfo(read_meta(session)["zone"])
        logo = None if facts.logo_sha256 is None else self._logo(facts.logo_sha256)
        sheet = detail._replace(invoice=detail.invoice._replace(corrects=facts.corrects))
        return invoice_id, invoice_paper(sheet, zone, logo)

    def _read_logo(self, logo_sha256: str) -> bytes:
        with self._office.database.read() as session:
            return store.logo_with(session, logo_sha256)

    def _kept(self, paper: InvoicePaper) -> _Kept:
        """A paper's PDF, drawn if it is not there. Raises BadInput."""
        key = paper.key
        path = self._folder / key[:2] / f"{key}.pdf"
        with suppress(OSError):
            data = path.read_bytes()
            # A file that lost its end with the power is drawn again.
            if data.startswith(_WHOLE_START) and data.endswith(_WHOLE_END):
                return _Kept(path, data, is_new=False)
        from billdesk.core.paper.drawing import draw  # noqa: PLC0415 - reportlab, only to draw

        data = draw(paper)
        _keep(path, data)
        return _Kept(path, data, is_new=True)


def file_name(paper: InvoicePaper, invoice_id: str) -> str:
    """A file's name out of an invoice's number; a draft's out of its id."""
    name = paper.number or f"draft-{invoice_id}"
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', name)[:100]}.pdf"


def _keep(path: Path, data: bytes) -> None:
    """Write a file under the desk's own folder, whole or not at all. Raises BadInput."""
    unfinished = None
    try:
        for folder in (path.parents[2], path.parents[1], path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file, unfinished = mkstemp(suffix=".unfinished", dir=path.parent)
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
        Path(unfinished).replace(path)
    except OSError as error:
        if unfinished is not None:
            Path(unfinished).unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror}", "make room for it") from error


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, for its owner alone. Raises AlreadyExists, BadInput."""
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        if _holds(path, data):
            return
        raise AlreadyExists(
            f"there is another file at {path} already", "choose another name"
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}", "choose a place") from error
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror}", "choose a place") from error


def _holds(path: Path, data: bytes) -> bool:
    """Whether a file is there and holds just this; no more is read of it than that takes."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(len(data) + 1) == data
    except OSError:
        return False

"""What a PDF says, read by somebody else's program."""

from __future__ import annotations

from io import BytesIO

from pypdf import PdfReader


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, blanks and line breaks as one blank."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages]

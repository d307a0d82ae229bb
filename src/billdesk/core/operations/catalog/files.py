"""A catalog file from where it lies: its text, or why there is none to read."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from billdesk.core.rules.sheets import CatalogMistakeSheet
from billdesk.core.values.errors import BadInput

LARGEST_BYTES = 500_000

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class CatalogText(NamedTuple):
    """What a file holds, without the mark some programs put before it; empty if it has a mistake."""

    path: Path
    text: str
    mistake: CatalogMistakeSheet | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return sha256(self.text.encode()).hexdigest()


def read_file(path: str | os.PathLike[str]) -> CatalogText:
    """The text of a file; whatever is not text, or too much of it, is a mistake.

    Raises BadInput when there is no such file or it cannot be read.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise BadInput(f"{path} is no file", "give the path of a catalog file")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}", "give the path of a catalog file"
        ) from error
    if len(content) > LARGEST_BYTES:
        return _unreadable(
            path,
            0,
            f"the file is too large: {LARGEST_BYTES:,} bytes at most",
            "is it the right one?",
        )
    if content.startswith(_UTF_16):
        return _unreadable(path, 1, "the file is in UTF-16", "save it in UTF-8")
    content = content.removeprefix(_BYTE_ORDER_MARK)
    try:
        return CatalogText(path, content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unreadable(path, line, "that is not text in UTF-8", "save the file in UTF-8")


def _unreadable(path: Path, line: int, message: str, hint: str) -> CatalogText:
    return CatalogText(path, "", CatalogMistakeSheet(line, "", message, hint))

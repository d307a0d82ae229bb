"""Reading usage line by line, from a file or a pipe that may never end, in flat memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from billdesk.core.rules.import_rows import check_heading, column_name, delimiter_of
from billdesk.core.rules.usage_rows import USAGE, UsageRow, csv_row, json_row
from billdesk.core.values.errors import BadInput

LONGEST_LINE = 4_096
"""Bytes of the longest line that is read; what names four things and a number needs far less."""

Format = Literal["csv", "jsonl"]
Source = str | os.PathLike[str] | IO[Any]
Line = tuple[int, UsageRow | BadInput]

_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_SKIPPED_AT_ONCE = 1 << 20
_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_TOO_LONG = BadInput(f"the line is longer than {LONGEST_LINE} bytes", "one event on each line")


class UsageLines:
    """A CSV or JSON lines file of usage, or an open stream of one.

    `position` says how many bytes have been read, of `size`; 0 when nobody knows.
    """

    def __init__(self, source: Source, format: str | None = None) -> None:
        if format not in {None, "csv", "jsonl"}:
            raise BadInput(f"{format!r} is not a format", "csv or jsonl")
        self._source = source
        self._format: str | None = format
        self.name = "the stream"
        if isinstance(source, str | os.PathLike):
            self.name = os.fspath(source)
            self._format = format or _FORMATS.get(Path(source).suffix.lower())
        self.size = 0
        self.position = 0

    def rows(self) -> Iterator[Line]:
        """Each line's number and what it says, or what is wrong with it; empty lines are left out.

        Raises BadInput when it cannot be read at all: no such file, not UTF-8 text, a wrong heading.
        """
        with self._open() as stream:
            lines = self._texts(stream)
            first = next(lines, None)
            if first is None:
                raise BadInput(f"{self.name} is empty", "the first line names the columns")
            if isinstance(first[1], BadInput):
                raise BadInput(f"{self.name}: {first[1].message}", first[1].hint)
            if (self._format or _guess(first[1])) == "jsonl":
                yield _parsed(first, None)
                columns = None
            else:
                columns = _columns(first[1])
            for line in lines:
                yield _parsed(line, columns)

    @contextmanager
    def _open(self) -> Iterator[IO[Any]]:
        source = self._source
        if not isinstance(source, str | os.PathLike):
            yield getattr(source, "buffer", source)
            return
        try:
            with Path(source).open("rb") as stream:
                self.size = os.fstat(stream.fileno()).st_size
                yield stream
        except OSError as error:
            raise BadInput(
                f"{self.name} cannot be read: {error.strerror}", "give the path of a file"
            ) from error

    def _texts(self, stream: IO[Any]) -> Iterator[tuple[int, str | BadInput]]:
        """Each line that is not empty, without its end; a line without end is passed over."""
        number = 0
        while raw := self._read(stream, LONGEST_LINE + 1):
            number += 1
            if number == 1:
                if raw.startswith(_UTF_16_MARKS):
                    raise BadInput(f"{self.name} is in UTF-16", "save it in UTF-8")
                raw = raw.removeprefix(_UTF_8_MARK)
            if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
                while raw and not raw.endswith(b"\n"):
                    raw = self._read(stream, _SKIPPED_AT_ONCE)
                yield number, _TOO_LONG
                continue
            try:
                text = raw.decode().strip("\r\n")
            except UnicodeDecodeError:
                yield number, BadInput("the line is not UTF-8", "save the file in UTF-8")
                continue
            if text.strip():
                yield number, text

    def _read(self, stream: IO[Any], most: int) -> bytes:
        raw: bytes | str = stream.readline(most)
        if isinstance(raw, str):
            raw = raw.encode("utf-8", "surrogatepass")
        self.position += len(raw)
        return raw


def _guess(text: str) -> Format:
    return "jsonl" if text.lstrip().startswith("{") else "csv"


def _columns(heading: str) -> tuple[str, Sequence[str]]:
    """What sets the columns apart, and their names. Raises BadInput."""
    delimiter = delimiter_of(heading, USAGE)
    names = [column_name(name) for name in heading.split(delimiter)]
    check_heading(names, USAGE)
    return delimiter, names


def _parsed(line: tuple[int, str | BadInput], columns: tuple[str, Sequence[str]] | None) -> Line:
    number, text = line
    if isinstance(text, BadInput):
        return number, text
    try:
        return number, json_row(text) if columns is None else csv_row(text, *columns)
    except BadInput as error:
        return number, error

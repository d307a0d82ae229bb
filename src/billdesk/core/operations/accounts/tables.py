"""Reading the tables that people have: CSV files, line by line, in flat memory."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from billdesk.core.rules.import_rows import Columns, check_heading, column_name, delimiter_of
from billdesk.core.values.errors import BadInput

HEADING_LENGTH = 10_000

Line = tuple[int, Mapping[str, str] | BadInput]


class Table:
    """A CSV file with a heading: UTF-8, any usual delimiter, line ends of any system.

    `position` says how many of its `size` bytes have been read so far.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Columns) -> None:
        self.path = Path(path)
        self.size = 0
        self.position = 0
        self._columns = columns

    def lines(self) -> Iterator[Line]:
        """Each line's number and its fields by column, or what is wrong with it.

        A line that goes on within quotes has the number it begins with; empty lines are left out.
        Raises BadInput when the file cannot be read or its heading is wrong.
        """
        try:
            with self.path.open("rb") as raw:
                self.size = os.fstat(raw.fileno()).st_size
                if raw.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
                    raise BadInput(f"{self.path} is in UTF-16", "save it as CSV in UTF-8")
                raw.seek(0)
                # What is not UTF-8 becomes half a surrogate pair: then the check of the text finds
                # it and names its line, where a decoder would name a block of bytes.
                with io.TextIOWrapper(
                    raw, "utf-8-sig", errors="surrogateescape", newline=""
                ) as text:
                    for line in self._parsed(text):
                        self.position = raw.tell()
                        yield line
        except OSError as error:
            raise BadInput(
                f"{self.path} cannot be read: {error.strerror}", "give the path of a CSV file"
            ) from error

    def _parsed(self, text: TextIO) -> Iterator[Line]:
        heading = text.readline(HEADING_LENGTH)
        if not heading.strip():
            raise BadInput(f"{self.path} is empty", "the first line names the columns")
        delimiter = delimiter_of(heading, self._columns)
        names = [column_name(name) for name in heading.split(delimiter)]
        check_heading(names, self._columns)
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        while True:
            number = rows.line_num + 2
            try:
                fields = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, BadInput(f"not CSV: {error}", "look for a quote that is not closed")
                continue
            if not any(map(str.strip, fields)):
                continue
            if len(fields) == len(names):
                yield number, dict(zip(names, fields, strict=True))
            else:
                told = f"{len(fields)} fields where the heading has {len(names)}"
                yield number, BadInput(told, "quote a field that holds the delimiter")

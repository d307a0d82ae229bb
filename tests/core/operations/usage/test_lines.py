"""Files of usage are read line by line, whatever is in them; what is wrong is told by line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from billdesk.core.operations.usage.lines import LONGEST_LINE, UsageLines
from billdesk.core.values.errors import BadInput

HEADING = b"account,meter,quantity,event_id,at\n"
LINE = b"acme,calls,1,e1,2026-01-05T09:00Z\n"
JSON = b'{"account":"acme","meter":"calls","quantity":1,"event_id":"e1","at":"2026-01-05T09:00Z"}\n'


def read(source: bytes | str, format: str | None = None) -> list[tuple[int, str]]:
    """Line by line: the event's id, or what is wrong."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else io.StringIO(source)
    return [
        (number, row.message if isinstance(row, BadInput) else row.event_id)
        for number, row in UsageLines(stream, format).rows()
    ]


@pytest.mark.parametrize(
    "text",
    [
        HEADING + LINE,
        b"\xef\xbb\xbf" + HEADING + LINE,
        (HEADING + LINE).replace(b"\n", b"\r\n"),
        (HEADING + LINE).replace(b",", b";"),
        (HEADING + LINE).rstrip(b"\n"),
        b"Account,Meter,Quantity,Event ID,At\n" + LINE,
        JSON,
        b"\xef\xbb\xbf" + JSON,
    ],
)
def test_the_usual_forms_are_all_read(text: bytes) -> None:
    [(number, event_id)] = read(text)
    assert (number, event_id) == (1 if b"{" in text else 2, "e1")
    assert read(text.decode("utf-8")) == [(number, event_id)]


def test_empty_lines_are_left_out_and_still_counted() -> None:
    assert read(b"\n" + HEADING + b"\n  \n" + LINE) == [(5, "e1")]


def test_each_broken_line_is_told_and_the_others_are_read() -> None:
    told = read(HEADING + b"acme,calls\n\xff\xfe,\n" + LINE + b'acme,"calls\n' + LINE)
    assert [number for number, _ in told] == [2, 3, 4, 5, 6]
    assert [text for _, text in told if text != "e1"] == [
        "2 fields where the heading has 5",
        "the line is not UTF-8",
        "not CSV: unexpected end of data",
    ]


def test_a_line_without_end_is_passed_over() -> None:
    longest = b"x" * (LONGEST_LINE - 1) + b"\n"
    endless = b"x" * (3 << 20) + b"\n"
    told = read(HEADING + longest + endless + LINE + b"x" * (3 << 20))
    assert [number for number, _ in told] == [2, 3, 4, 5]
    assert told[0][1] == "1 fields where the heading has 5"
    assert told[1][1] == told[3][1] == f"the line is longer than {LONGEST_LINE} bytes"
    assert told[2][1] == "e1"


def test_the_format_can_be_said_or_is_seen(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'xml' is not a format"):
        UsageLines(io.BytesIO(JSON), "xml")
    with pytest.raises(BadInput, match="unknown columns"):
        read(JSON, "csv")
    assert read(HEADING + LINE, "jsonl")[0] == (1, "not JSON")
    path = tmp_path / "usage.jsonl"
    path.write_bytes(HEADING + LINE)
    assert [number for number, row in UsageLines(path).rows() if isinstance(row, BadInput)] == [
        1,
        2,
    ]
    assert len(list(UsageLines(path, "csv").rows())) == 1


def test_how_far_it_is_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_bytes(HEADING + LINE + LINE)
    lines = UsageLines(path)
    seen = [(lines.position, lines.size) for _ in lines.rows()]
    size = path.stat().st_size
    assert seen == [(size - len(LINE), size), (size, size)]
    stream = UsageLines(io.BytesIO(HEADING + LINE))
    assert [(stream.position, stream.size) for _ in stream.rows()] == [(len(HEADING + LINE), 0)]


def test_what_cannot_be_read_at_all_is_refused(tmp_path: Path) -> None:
    for text, told in [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"\xff\xff\n", "not UTF-8"),
        (b"x" * 5000, "longer than"),
        (b"account,meter\n", "missing columns"),
        (LINE, "unknown columns"),
    ]:
        with pytest.raises(BadInput, match=told):
            read(text)
    with pytest.raises(BadInput, match="No such file"):
        list(UsageLines(tmp_path / "none.csv").rows())
    with pytest.raises(BadInput, match="Is a directory"):
        list(UsageLines(tmp_path).rows())

"""A table is read as people and their programs write it, line by line, with the right numbers."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from billdesk.core.operations.accounts.tables import Table
from billdesk.core.rules.import_rows import ACCOUNTS, ENTRIES
from billdesk.core.values.errors import BadInput


def read(path: Path, content: str | bytes) -> list[tuple[int, dict[str, str] | str]]:
    """Lines of a file of accounts, what is wrong with them as text."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [
        (number, line.message if isinstance(line, BadInput) else dict(line))
        for number, line in Table(path, ACCOUNTS).lines()
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.csv"


ACME = {"ref": "acme", "name": "Acme Ltd"}
GLOBEX = {"ref": "globex", "name": "Globex"}


@pytest.mark.parametrize(
    "content",
    [
        "ref,name\nacme,Acme Ltd\nglobex,Globex\n",
        "ref,name\nacme,Acme Ltd\nglobex,Globex",
        "ref,name\r\nacme,Acme Ltd\r\nglobex,Globex\r\n",
        "ref,name\racme,Acme Ltd\rglobex,Globex\r",
        "\ufeffref,name\r\nacme,Acme Ltd\r\nglobex,Globex\r\n",
        "ref;name\nacme;Acme Ltd\nglobex;Globex\n",
        "ref\tname\nacme\tAcme Ltd\nglobex\tGlobex\n",
        '"Ref";"Name"\n"acme";"Acme Ltd"\n"globex";"Globex"\n',
    ],
    ids=["plain", "no end", "CRLF", "CR", "BOM", "semicolon", "tab", "all quoted"],
)
def test_files_of_any_system_read_the_same(path: Path, content: str) -> None:
    assert read(path, content) == [(2, ACME), (3, GLOBEX)]


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_ends(path: Path) -> None:
    content = 'ref,name\nacme,"Acme, ""the"" \r\nLtd"\nglobex,Globex\n'
    assert read(path, content) == [
        (2, {"ref": "acme", "name": 'Acme, "the" \r\nLtd'}),
        (4, GLOBEX),
    ]


def test_empty_lines_are_left_out_and_counted(path: Path) -> None:
    assert read(path, "ref,name\n\nacme,Acme Ltd\n,\n   \nglobex,Globex\n") == [
        (3, ACME),
        (6, GLOBEX),
    ]


def test_a_line_with_too_many_or_too_few_fields_is_named_and_the_rest_goes_on(path: Path) -> None:
    assert read(path, "ref,name\nacme,Acme, Ltd\nacme\nglobex,Globex\n") == [
        (2, "3 fields where the heading has 2"),
        (3, "1 fields where the heading has 2"),
        (4, GLOBEX),
    ]


def test_text_after_a_quoted_field_is_named_and_the_rest_goes_on(path: Path) -> None:
    first, second = read(path, 'ref,name\nacme,"Acme" Ltd\nglobex,Globex\n')
    assert first == (2, "not CSV: ',' expected after '\"'")
    assert second == (3, GLOBEX)


def test_a_quote_that_never_closes_is_named_where_it_opens(path: Path) -> None:
    assert read(path, 'ref,name\nglobex,Globex\nacme,"Acme Ltd\n')[1] == (
        3,
        "not CSV: unexpected end of data",
    )


def test_what_is_not_utf_8_reaches_the_check_of_the_text_with_its_line(path: Path) -> None:
    assert read(path, b"ref,name\nacme,Caf\xe9\n") == [(2, {"ref": "acme", "name": "Caf\udce9"})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n", "is empty"),
        ("ref,name\n".encode("utf-16"), "is in UTF-16"),
        (b"ref,name,colour\n", "unknown columns: 'colour'"),
        (b"name\n", "missing columns: ref"),
        (b"%PDF-1.7\n", "unknown columns: '%pdf_1.7'"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(path: Path, content: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(path, content)


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        list(Table(path, ACCOUNTS).lines())


def test_a_large_file_is_read_in_flat_memory_and_its_position_told(path: Path) -> None:
    line = "acme,charge,1.00,reference-{:07},lead {:07}\n"
    with path.open("w") as file:
        file.write("account,kind,amount,reference,subject\n")
        file.writelines(line.format(number, number) for number in range(50_000))
    table = Table(path, ENTRIES)
    before = 0
    tracemalloc.start()
    for _ in table.lines():
        assert 0 < table.position >= before
        before = table.position
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.position == table.size > 2_000_000
    assert peak < 1_000_000

"""Taking entries out: whole or not at all, harmless to open, with totals to check against."""

import csv
import json
import sys
from pathlib import Path

import pytest

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import EntryFilter
from billdesk.core.values.errors import AlreadyExists, BadInput, NotFound, StoreError
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.small_disk import room_for


@pytest.fixture
def story(desk: Desk, acme: str) -> Desk:
    """Five entries, one with a subject that a spreadsheet would run."""
    desk.charges.create(acme, "10", reference="-5", subject='=HYPERLINK("http://x")', memo="@sum")
    desk.charges.create(acme, "20", reference="+1", subject="plain, with a comma\nand a line")
    desk.adjustments.credit(acme, "3 KWD", memo=MEMO)
    desk.adjustments.credit(acme, "5 JPY", memo=MEMO)
    return desk


def test_csv_keeps_every_field_and_runs_no_formula(story: Desk, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    told: list[tuple[int, int]] = []
    sheet = story.export_entries(path, on_progress=lambda done, total: told.append((done, total)))
    assert (sheet.path, sheet.format, sheet.rows) == (str(path), "csv", 5)
    assert sheet.totals == (Money(5, "JPY"), Money(3000, "KWD"), Money(7000, "USD"))
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["number"]) for row in rows] == sorted(int(row["number"]) for row in rows)
    assert [row["amount"] for row in rows] == ["100.00", "-10.00", "-20.00", "3.000", "5"]
    assert sum(int(row["amount_minor"]) for row in rows if row["asset"] == "USD") == 7000
    assert (rows[1]["subject"], rows[1]["memo"]) == ('\'=HYPERLINK("http://x")', "'@sum")
    assert rows[2]["subject"] == "plain, with a comma\nand a line"
    assert rows[1]["reference"] == "-5"
    assert told[-1][0] == 5


def test_json_lines_keep_every_field_as_it_is(story: Desk, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    story.export_entries(path, "jsonl", EntryFilter(kinds=("charge",)))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["subject"] for line in lines] == [
        '=HYPERLINK("http://x")', "plain, with a comma\nand a line",
    ]  # fmt: skip
    assert [line["amount_minor"] for line in lines] == [-1000, -2000]


@pytest.mark.parametrize(
    ("form", "some"),
    [
        ("hledger", "    customers:acme:cash  10.00 USD\n    revenue  -10.00 USD\n"),
        ("beancount", "  Liabilities:Customers:Acme:Cash  10.00 USD\n  Income:Desk:Revenue\n"),
    ],
)
def test_journals_are_written_for_other_ledgers(
    story: Desk, tmp_path: Path, form: str, some: str
) -> None:
    path = tmp_path / "out"
    assert story.export_entries(path, form).rows == 5
    assert some in path.read_text(encoding="utf-8")


def test_an_export_is_filtered_as_a_list_is(story: Desk, tmp_path: Path) -> None:
    sheet = story.export_entries(tmp_path / "a", filter=EntryFilter(asset="JPY"))
    assert (sheet.rows, sheet.totals) == (1, (Money(5, "JPY"),))
    nothing = story.export_entries(tmp_path / "b", filter=EntryFilter(kinds=("deposit",)))
    assert (nothing.rows, nothing.totals) == (0, ())


def test_an_export_writes_over_nothing_and_leaves_nothing_half_done(
    story: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(AlreadyExists):
        story.export_entries(path)
    assert path.read_text() == "mine"
    with pytest.raises(NotFound):
        story.export_entries(tmp_path / "b.csv", filter=EntryFilter(account="nobody"))

    def disturbed(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        story.export_entries(tmp_path / "c.csv", on_progress=disturbed)
    assert [each.name for each in tmp_path.glob("*.csv*")] == ["out.csv"]
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("form", ["csv", "beancount"])
def test_an_export_onto_a_full_disk_leaves_nothing(story: Desk, tmp_path: Path, form: str) -> None:
    with room_for(10), pytest.raises(StoreError, match="cannot be written"):
        story.export_entries(tmp_path / "out", form)
    assert list(tmp_path.glob("*out*")) == []
    assert story.export_entries(tmp_path / "out", form).rows > 0


def test_an_export_is_asked_for_in_words_it_knows(story: Desk, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no format 'xls'"):
        story.export_entries(tmp_path / "a", "xls")
    with pytest.raises(BadInput, match="cannot be written"):
        story.export_entries(tmp_path / "nowhere" / "a")

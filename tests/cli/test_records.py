"""ledger, posting, audit, export, import."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell


@pytest.fixture
def history(shell: Shell) -> Shell:
    """Acme's credit of 100.00, three charges, and a refund of the first."""
    charges = [
        shell.done("charge", "acme", f"{n}.00", "--reference", f"lead:{n}", "--subject", f"job {n}")
        for n in (1, 2, 3)
    ]
    shell.done("refund", charges[0]["id"], "--memo", "wrong lead")
    return shell


def test_entries_are_listed_newest_first_in_pages(history: Shell) -> None:
    everything = history.done("ledger")["rows"]
    assert [row["kind"] for row in everything] == ["refund", *["charge"] * 3, "manual_credit"]
    page = history.done("ledger", "acme", "--limit", "3")
    rest = history.done("ledger", "acme", "--limit", "3", "--after", page["after"])
    assert page["rows"] + rest["rows"] == everything
    assert rest["after"] is None


@pytest.mark.parametrize(
    ("words", "amounts"),
    [
        (["--kind", "charge"], ["-3.00", "-2.00", "-1.00"]),
        (["--kind", "charge", "--kind", "refund", "--limit", "2"], ["1.00", "-3.00"]),
        (["--reference", "lead:2"], ["-2.00"]),
        (["--text", "job 3"], ["-3.00"]),
        (["--asset", "EUR"], []),
        (["--since", "2100-01-01"], []),
        (["--until", "2000-01-01"], []),
        (["--since", "2000-01-01", "--until", "2100-01-01", "--kind", "refund"], ["1.00"]),
    ],
)
def test_entries_are_filtered(history: Shell, words: list[str], amounts: list[str]) -> None:
    rows = history.done("ledger", "acme", *words)["rows"]
    assert [row["amount"]["text"] for row in rows] == amounts


def test_since_is_inclusive_and_until_exclusive(history: Shell) -> None:
    rows = history.done("ledger", "acme")["rows"]
    at = rows[2]["recorded_at"]
    assert history.done("ledger", "--since", at)["rows"] == rows[:3]
    assert history.done("ledger", "--until", at)["rows"] == rows[3:]


@pytest.mark.parametrize(
    "words",
    [["--kind", "theft"], ["--since", "soon"], ["--limit", "many"], ["--limit", "0"]],
)
def test_a_filter_that_cannot_be_read_is_refused(history: Shell, words: list[str]) -> None:
    assert history.refused("ledger", "acme", *words) == (2, "bad_input")


def test_entries_are_a_table_for_people(history: Shell) -> None:
    heading, newest, *_ = history("ledger", "acme").out.splitlines()
    assert heading.split()[:3] == ["RECORDED", "REF", "KIND"]
    assert "refund" in newest
    assert "98" not in newest
    assert "1.00 USD" in newest


def test_a_posting_is_shown_with_its_entries(history: Shell) -> None:
    newest = history.done("ledger", "acme", "--limit", "1")["rows"][0]
    posting = history.done("posting", newest["posting_id"])
    assert posting["kind"] == "refund"
    assert [entry["number"] for entry in posting["entries"]] == [newest["number"]]
    assert "wrong lead" in history("posting", newest["posting_id"]).out
    assert history.refused("posting", "chg_00000000000000000000000000") == (4, "not_found")


def test_the_audit_log_names_who_did_what_by_which_door(history: Shell) -> None:
    history.refused("charge", "acme", "9999.00", "--reference", "too:much")
    rows = history.done("audit", "--account", "acme")["rows"]
    assert {row["outcome"] for row in rows} == {"done", "refused"}
    refused = history.done("audit", "--text", "9999")["rows"]
    assert {(row["outcome"], row["origin"]) for row in refused} == {("refused", "cli")}
    assert {row["action"] for row in history.done("audit", "--action", "refund")["rows"]} == {
        "refund"
    }
    assert "refused" in history("audit").out


def test_entries_are_exported_with_control_totals(history: Shell, tmp_path: Path) -> None:
    file = tmp_path / "entries.csv"
    sheet = history.done("export", str(file))
    assert (sheet["rows"], sheet["format"]) == (5, "csv")
    assert [total["text"] for total in sheet["totals"]] == ["95.00"]
    assert len(list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))) == 6

    file = tmp_path / "charges.jsonl"
    assert "wrote 3 entries to" in history("export", str(file), "--kind", "charge").out
    lines = file.read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["kind"] for line in lines} == {"charge"}


@pytest.mark.parametrize("suffix", ["hledger", "journal", "beancount"])
def test_a_file_name_says_its_format(history: Shell, tmp_path: Path, suffix: str) -> None:
    history.done("export", str(tmp_path / f"books.{suffix}"))
    assert (tmp_path / f"books.{suffix}").stat().st_size > 0


def test_an_export_without_a_format_or_a_place_is_refused(history: Shell, tmp_path: Path) -> None:
    assert history.refused("export", str(tmp_path / "books")) == (2, "bad_input")
    status, _ = history.refused("export", str(tmp_path / "nowhere" / "books.csv"))
    assert status in {2, 6}


ACCOUNTS = "ref,name,email\nbeta,Beta GmbH,b@example.org\ngamma,Gamma SA,\n"


def test_accounts_are_imported_once(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(ACCOUNTS, encoding="utf-8")
    assert shell.done("import", "accounts", str(file))["added"] == 2
    again = shell.done("import", "accounts", str(file))
    assert (again["added"], again["unchanged"]) == (0, 2)
    assert "2 were there already" in shell("import", "accounts", str(file)).out


def test_a_row_that_is_wrong_is_named_and_nothing_is_imported(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(f"{ACCOUNTS}no blanks,Delta,\n", encoding="utf-8")
    answer = shell("import", "accounts", str(file))
    assert answer.status == 3
    assert "nothing was imported" in answer.out
    assert "line 4: " in answer.out
    assert [row["ref"] for row in shell.done("account", "list")["rows"]] == ["acme"]
    listed = shell("import", "accounts", str(file), "--json")
    assert [error["line"] for error in listed.json["errors"]] == [4]


def test_the_sample_files_can_be_imported(shell: Shell) -> None:
    data = Path(__file__).parents[2] / "data" / "samples"
    assert shell.done("import", "accounts", str(data / "accounts.csv"))["added"] > 0
    assert shell.done("import", "entries", str(data / "entries.csv"))["added"] > 0
    assert shell.done("import", "entries", str(data / "entries.csv"))["added"] == 0
    assert shell("verify").status == 0


def test_a_file_that_is_not_there_is_refused(shell: Shell, tmp_path: Path) -> None:
    for what in ("accounts", "entries"):
        status, code = shell.refused("import", what, str(tmp_path / "none.csv"))
        assert (status, code) in {(2, "bad_input"), (4, "not_found")}

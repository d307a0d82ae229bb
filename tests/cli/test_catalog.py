"""`billdesk catalog` and `billdesk plan`: from a file to what is sold, with words and exit statuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from billdesk.cli.catalog import plans_like
from billdesk.cli.door import Door
from tests.cli.conftest import Run, Shell

CATALOG = """\
[schedules.monthly]
months = 1
[meters.calls]
name = "API calls"
unit = "call"
[taxes.vat]
name = "VAT"
percent = "16"
inclusive = true
[plans.pro]
name = "Pro"
family = "a"
prices.monthly = "49.00"
credits = 1000
trial_days = 14
[plans.pro.usage.calls]
included = 1000
price = "0.10"
per = 1000
[plans.free]
name = "Free"
family = "b"
prices.monthly = "0.00"
[packs.small]
name = "Small"
credits = 100
price = "9.00"
plans = ["pro"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.toml"
    path.write_text(CATALOG, encoding="utf-8")
    return path


def test_a_mistake_ends_with_3_and_is_told_by_line(shell: Shell, file: Path) -> None:
    file.write_text(CATALOG.replace('"49.00"', "49.00"), encoding="utf-8")
    for verb in ("check", "diff", "apply"):
        answer = shell("catalog", verb, str(file))
        assert answer.status == 3
        assert answer.out.splitlines() == [
            f"{file} has 1 mistake; nothing was changed",
            "line 13: plans.pro.prices.monthly: the price 49.00 is not in quotes",
            '    money is exact: write "49.00"',
        ]
    told = shell("--json", "catalog", "check", str(file))
    assert (told.status, told.json["mistakes"][0]["line"]) == (3, 13)
    file.write_text("x" * 600_000, encoding="utf-8")
    assert "has 1 mistake" in shell("catalog", "check", str(file)).out
    assert shell.done("plan", "list")["rows"] == []


def test_a_file_is_checked_compared_and_applied(shell: Shell, file: Path) -> None:
    assert shell("catalog", "check", str(file)).out == f"{file} can be applied\n"
    coming = shell("catalog", "diff", str(file))
    assert f"{file}: 7 things would change, 0 stay as they are" in coming.out
    assert "+ plan pro, version 1: Pro" in coming.out
    assert "    calls: 1,000 included, then per unit 0.10 USD per 1,000" in coming.out
    done = shell("catalog", "apply", str(file))
    assert (done.status, "7 things changed" in done.out) == (0, True)
    again = shell("catalog", "apply", str(file))
    assert again.out == f"{file}: nothing changed, 7 stay as they are\n"


def test_what_is_sold_no_more_asks_for_a_word_first(shell: Shell, file: Path) -> None:
    shell.done("catalog", "apply", str(file))
    shell.done("subscription", "create", "acme", "free")
    file.write_text(CATALOG.replace("[plans.free]", "[plans.trial]"), encoding="utf-8")
    assert shell.refused("catalog", "apply", str(file)) == (2, "bad_input")
    assert [row["code"] for row in shell.done("plan", "list")["rows"]] == ["pro", "free"]
    answer = shell("catalog", "apply", str(file), "--yes")
    assert answer.status == 0
    assert answer.out.splitlines()[-2:] == [
        "- plan free, no longer sold: Free",
        "    1 subscription stays on the version they have",
    ]
    plans = shell.done("plan", "list", "--retired")["rows"]
    assert [(row["code"], row["retired_at"] is None) for row in plans] == [
        ("pro", True), ("free", False), ("trial", True),
    ]  # fmt: skip


def test_the_file_that_ships_is_printed_without_a_ledger_and_applied_by_name(
    shell: Shell, run: Run, tmp_path: Path
) -> None:
    printed = run("--ledger", str(tmp_path / "none"), "catalog", "show", "--default")
    assert printed.status == 0
    file = tmp_path / "mine.toml"
    file.write_text(printed.out, encoding="utf-8")
    assert shell("catalog", "apply", "--default").status == 0
    assert "nothing would change" in shell("catalog", "diff", str(file)).out
    assert shell("catalog", "show").out == printed.out
    assert shell.done("catalog", "show")["source"] == printed.out
    assert shell.refused("catalog", "check") == (2, "bad_input")
    assert shell.refused("catalog", "check", str(file), "--default") == (2, "bad_input")
    assert shell.refused("catalog", "check", str(tmp_path)) == (2, "bad_input")


def test_a_ledger_without_a_catalog_says_how_to_begin(shell: Shell) -> None:
    assert shell.refused("catalog", "show") == (4, "not_found")
    assert shell("plan", "list").err == "nothing found\n"


def test_plans_are_listed_and_shown(shell: Shell, file: Path) -> None:
    shell.done("catalog", "apply", str(file))
    listed = shell("plan", "list").out
    assert "49.00 USD monthly" in listed
    assert "1,000 calls" in listed
    assert [row["code"] for row in shell.done("plan", "list", "--family", "b")["rows"]] == ["free"]
    shown = shell("plan", "show", "pro").out
    for text in ("trial          14 days", "packs          small", "API calls  call  1,000"):
        assert text in shown
    assert shell.done("plan", "show", "pro", "--version", "1")["credits"] == 1_000
    assert shell.refused("plan", "show", "pro", "--version", "2") == (4, "not_found")
    assert shell.refused("plan", "show", "pro", "--version", "x") == (2, "bad_input")
    assert "METER" not in shell("plan", "show", "free").out


def test_everything_else_of_the_catalog_is_listed(shell: Shell, file: Path) -> None:
    shell.done("catalog", "apply", str(file))
    text = shell("catalog", "list").out
    for line in ("small", "monthly", "API calls", "hold it", "INV-"):
        assert line in text
    sheet = shell.done("catalog", "list")
    assert sheet.keys() == {"company", "packs", "schedules", "meters", "taxes"}
    assert sheet["taxes"][0]["percent"] == "16"
    file.write_text(CATALOG.replace('"9.00"', '"8.00"'), encoding="utf-8")
    shell.done("catalog", "apply", str(file))
    assert len(shell.done("catalog", "list", "--retired")["packs"]) == 2


def test_plans_complete_while_they_are_typed(shell: Shell, file: Path) -> None:
    shell.done("catalog", "apply", str(file))
    from billdesk.cli.commands import load

    door = Door(load("plan show"))
    door.use_ledger(str(shell.ledger))
    assert plans_like(door, "p") == ["pro"]
    door.use_ledger(f"{shell.ledger}.gone")
    assert plans_like(door, "p") == []


def test_hostile_text_in_a_file_is_shown_harmless(shell: Shell, file: Path) -> None:
    text = CATALOG.replace('"Pro"', '"P\\u001b[2Jro"').replace("[plans.free]", '[plans."f\\u0007"]')
    file.write_text(text, encoding="utf-8")
    answer = shell("catalog", "check", str(file))
    assert answer.status == 3
    assert "\x1b" not in answer.out
    assert "\x07" not in answer.out
    assert "P␛[2Jro" in answer.out

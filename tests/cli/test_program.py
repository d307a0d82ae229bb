from __future__ import annotations

import pytest

from billdesk.cli.catalogue import CATALOGUE, NOUNS, PANELS
from billdesk.cli.commands import load
from tests.cli.conftest import Run


def test_help_shows_every_command_in_its_panel_and_fits_80_columns(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = run("--help")
    assert answer.status == 0
    assert answer.err == ""
    lines = answer.out.splitlines()
    assert max(map(len, lines)) <= 80
    for panel in PANELS:
        assert f"{panel}:" in lines
    for entry in CATALOGUE:
        first, *rest = entry.words.split()
        summary = NOUNS[first] if rest else entry.summary
        assert any(line.split() == [first, *summary.split()] for line in lines), entry.words


def test_help_closes_with_examples_and_the_exit_statuses(run: Run) -> None:
    out = run("-h").out
    assert "billdesk charge acme 12.50 --reference lead:42" in out
    assert "3 refused by a rule" in out


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.words)
def test_each_command_explains_itself_under_the_summary_of_the_help_page(
    run: Run, monkeypatch: pytest.MonkeyPatch, entry: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words, _, _, summary, acts = entry
    answer = run(*words.split(), "--help")
    assert answer.status == 0
    assert summary in answer.out.splitlines()[2]
    assert "--ledger" in answer.out
    assert "--json" in answer.out
    assert getattr(load(words), "acts", None) is acts


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["balnce", "acme"], "No such command 'balnce'. Did you mean 'balance'"),
        (["account", "ad"], "No such command 'ad'. Did you mean 'add'"),
        (["account"], "Missing command"),
        (["charge", "acme"], "Missing argument 'AMOUNT'"),
        (["charge", "acme", "5"], "Missing option '--reference'"),
        (["charge", "acme", "5", "--refrence", "x"], "No such option: --refrence"),
        (["balance", "acme", "beta"], "unexpected extra argument"),
        (["adjust", "acme", "both", "5", "--memo", "ten letters"], "credit"),
        (["balances", "--sort", "wealth"], "ref"),
        (["why", "ac\udcffme"], "is not valid UTF-8"),
        (["watch", "--every", "soon"], "is not a duration"),
    ],
)
def test_wrong_usage_is_told_to_people_and_programs_with_status_2(
    run: Run, words: list[str], message: str
) -> None:
    spoken = run(*words)
    assert spoken.status == 2
    assert spoken.out == ""
    assert message in spoken.err

    for arguments in ([*words, "--json"], ["--json", *words]):
        answer = run(*arguments)
        assert answer.status == 2
        assert message in answer.json["error"]["message"]
        assert answer.json["error"]["code"] in {"usage", "bad_input"}
        assert answer.err == ""


def test_options_of_every_command_may_stand_before_or_after_its_name(run: Run) -> None:
    nowhere = "/nowhere/at.ledger"
    for words in (
        ["--ledger", nowhere, "--json", "why", "acme"],
        ["why", "acme", "--json", "--ledger", nowhere],
        ["--json", "why", "--ledger", nowhere, "acme"],
        ["--ledger", "/elsewhere.ledger", "why", "acme", "--json", "--ledger", nowhere],
    ):
        answer = run(*words)
        assert answer.status == 4, words
        assert answer.json["error"]["code"] == "not_found"
        assert nowhere in answer.json["error"]["message"]


def test_the_desk_and_the_demo_are_not_opened_where_there_is_no_terminal(run: Run) -> None:
    answer = run()
    assert answer.status == 2
    assert "needs a terminal" in answer.err
    assert run("--json").json["error"]["code"] == "bad_input"


def test_the_version_is_that_of_the_installed_package(run: Run) -> None:
    from importlib.metadata import version

    assert run("--version") == (0, f"billdesk {version('billdesk')}\n", "")

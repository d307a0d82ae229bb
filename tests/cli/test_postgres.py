"""The same words on a Postgres ledger."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.cli.conftest import Run, Shell
from tests.postgres_fixtures import Databases


@pytest.fixture
def team(run: Run, postgres_empty_url: str) -> Shell:
    """A new ledger in Postgres with one account, acme, that has 100.00 USD."""
    team = Shell(run, postgres_empty_url)
    team.done("init")
    team.done("account", "add", "acme", "--name", "Acme Ltd")
    team.done("adjust", "acme", "credit", "100.00", "--memo", "opening balance")
    return team


def test_a_day_at_the_desk_goes_the_same_way(team: Shell, tmp_path: Path) -> None:
    charge = team.done("charge", "acme", "12.50", "--reference", "lead:42")
    assert team.done("charge", "acme", "12.50", "--reference", "lead:42")["replayed"] is True
    assert team.refused("charge", "acme", "90", "--reference", "r") == (3, "insufficient_funds")
    team.done("refund", charge["id"])
    hold = team.done("hold", "acme", "30.00", "--reference", "job:1")
    team.done("capture", hold["id"], "10.00")
    team.done("freeze", "acme", "--yes", "--memo", "chargeback pending")
    assert team("may-run", "acme").status == 3
    team.done("unfreeze", "acme", "--memo", "chargeback was won")
    assert team.balance() == "90.00"
    assert [row["kind"] for row in team.done("ledger", "acme")["rows"]] == [
        "charge",
        "refund",
        "charge",
        "manual_credit",
    ]
    assert team.done("export", str(tmp_path / "entries.csv"))["rows"] == 4
    for words in (["verify"], ["recount"], ["trial-balance"], ["tick"], ["overview"], ["doctor"]):
        assert team(*words).status == 0, words


def test_a_team_ledger_becomes_a_backup_and_a_ledger_again(
    team: Shell, run: Run, postgres_databases: Databases, tmp_path: Path
) -> None:
    backup = str(tmp_path / "team.backup")
    team.done("backup", backup)
    assert team.refused("restore", backup, "--yes")[0] == 3
    elsewhere = postgres_databases.create()
    restored = Shell(run, elsewhere)
    restored.done("restore", backup, "--yes")
    assert restored.balance() == "100.00"
    assert restored("verify").status == 0
    postgres_databases.drop(elsewhere)


def test_a_ledger_moves_to_the_team_and_back_with_every_hash(
    shell: Shell, run: Run, postgres_databases: Databases, tmp_path: Path
) -> None:
    shell.done("charge", "acme", "12.50", "--reference", "lead:42")
    before = [row["hash"] for row in shell.done("ledger", "acme")["rows"]]
    elsewhere, home = postgres_databases.create(), str(tmp_path / "home.ledger")
    preview = shell.done("move", elsewhere, "--preview")
    assert (preview["entries"], preview["proof"]) == (2, None)
    told = shell("move", elsewhere, "--preview").out.splitlines()
    assert told[0] == f"would move {shell.ledger}"
    assert ["entry", "2"] in [line.split() for line in told]
    moved = shell("move", elsewhere)
    assert (moved.status, moved.err) == (0, "")
    assert "2 entries of " in moved.out
    team = Shell(run, elsewhere)
    assert [row["hash"] for row in team.done("ledger", "acme")["rows"]] == before
    assert team("verify").status == 0
    back = team.done("move", home)
    assert back["proof"]["ok"] is True
    assert back["heads"] in moved.out
    postgres_databases.drop(elsewhere)
    again = Shell(run, home)
    assert [row["hash"] for row in again.done("ledger", "acme")["rows"]] == before
    assert again.balance() == shell.balance() == "87.50"


def test_a_move_that_cannot_be_is_refused_by_its_exit_status(
    team: Shell, shell: Shell, tmp_path: Path
) -> None:
    assert shell.refused("move", str(team.ledger)) == (3, "already_exists")
    assert team.refused("move", str(shell.ledger)) == (3, "already_exists")
    assert shell.refused("move", str(tmp_path / "other.ledger")) == (3, "refused")
    assert shell.refused("move", "postgresql://host:port/name") == (2, "bad_input")
    assert team.refused("move", "mysql://host/name", "--preview") == (2, "bad_input")
    nobody = f"postgresql:///nothing?host={tmp_path}"
    assert shell.refused("move", nobody) == (6, "store_gone")
    assert Shell(team._run, tmp_path / "none").refused("move", nobody) == (4, "not_found")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal")
def test_a_move_that_is_interrupted_says_so(
    team: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("billdesk.cli.progress.Progress.__call__", interrupt)
    answer = team("move", str(tmp_path / "new.ledger"))
    assert answer.status == 130
    assert "whole, or nothing of it" in answer.err
    assert [each.name for each in tmp_path.iterdir()] == []


def test_a_login_that_is_not_there_is_let_in_nowhere(team: Shell, shell: Shell) -> None:
    assert team.refused("grant", "nobody_of_that_name") == (4, "not_found")
    assert team.refused("grant", '"; DROP SCHEMA billdesk') == (2, "bad_input")
    assert shell.refused("grant", "joe") == (3, "refused")


def test_no_answer_shows_the_password(team: Shell, run: Run) -> None:
    parts = urlsplit(str(team.ledger))
    secret = urlunsplit(parts._replace(netloc=f"joe:sesame@{parts.netloc.rpartition('@')[2]}"))
    for words in (
        ["balance", "acme"], ["init"], ["migrate"], ["doctor"], ["overview"], ["move", secret],
        ["move", "/dev/null/x"],
    ):  # fmt: skip
        answer = run("--ledger", secret, *words)
        assert "sesame" not in answer.out + answer.err, words

"""The same words on a Postgres ledger."""

from __future__ import annotations

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


def test_a_login_that_is_not_there_is_let_in_nowhere(team: Shell, shell: Shell) -> None:
    assert team.refused("grant", "nobody_of_that_name") == (4, "not_found")
    assert team.refused("grant", '"; DROP SCHEMA billdesk') == (2, "bad_input")
    assert shell.refused("grant", "joe") == (3, "refused")


def test_no_answer_shows_the_password(team: Shell, run: Run) -> None:
    parts = urlsplit(str(team.ledger))
    secret = urlunsplit(parts._replace(netloc=f"joe:sesame@{parts.netloc.rpartition('@')[2]}"))
    for words in (["balance", "acme"], ["init"], ["migrate"], ["doctor"], ["overview"]):
        answer = run("--ledger", secret, *words)
        assert "sesame" not in answer.out + answer.err, words

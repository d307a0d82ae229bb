"""init, backup, restore, migrate, verify, seal, recount, trial-balance, doctor."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Shell

TAMPER = """
import sqlite3, sys
ledger = sqlite3.connect(sys.argv[1])
for trigger, in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
    ledger.execute(f'DROP TRIGGER "{trigger}"')
ledger.execute(sys.argv[2])
ledger.commit()
"""


def tamper(ledger: Path | str, sql: str) -> None:
    """Change a ledger behind its back: from another process, its triggers dropped."""
    subprocess.run([sys.executable, "-c", TAMPER, str(ledger), sql], check=True, timeout=60)


def test_a_ledger_is_made_once_private_and_with_its_asset(run: Run, tmp_path: Path) -> None:
    where = tmp_path / "new.ledger"
    words = ("init", "--ledger", str(where), "--asset", "EUR", "--zone", "Europe/Vienna")
    answer = run(*words, "--json")
    assert answer.status == 0
    assert answer.json["default_asset"] == "EUR"
    assert answer.json["zone"] == "Europe/Vienna"
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    again = run(*words)
    assert again.status == 3
    assert str(where) in again.err


@pytest.mark.parametrize(
    "words",
    [["--asset", "XXQ"], ["--asset", "usd"], ["--zone", "Mars/Olympus"], ["--zone", "../x"]],
)
def test_a_ledger_is_not_made_in_an_unknown_asset_or_zone(
    run: Run, tmp_path: Path, words: list[str]
) -> None:
    where = tmp_path / "new.ledger"
    answer = run("init", "--ledger", str(where), *words, "--json")
    assert (answer.status, answer.json["error"]["code"]) == (2, "bad_input")
    assert not where.exists()


def test_the_ledger_may_be_named_by_the_environment(
    shell: Shell, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLDESK_LEDGER", str(shell.ledger))
    assert run("balance", "acme", "--json").json["balance"]["text"] == "100.00"


def test_without_a_ledger_a_command_says_how_to_get_one(run: Run) -> None:
    answer = run("balance", "acme")
    assert answer.status == 4
    assert answer.err.count("\n") == 2
    assert "billdesk init" in answer.err


def test_what_is_no_ledger_is_said_to_be_none(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE cats (name TEXT)")
    database.close()
    prose = tmp_path / "prose.txt"
    prose.write_text("Call me Ishmael. " * 400, encoding="utf-8")
    for file in (other, prose):
        answer = run("balance", "acme", "--ledger", str(file), "--json")
        assert (answer.status, answer.json["error"]["code"]) == (6, "not_a_ledger"), file


def test_a_backup_becomes_a_ledger_again(shell: Shell, run: Run, tmp_path: Path) -> None:
    backup, restored = tmp_path / "shop.backup", tmp_path / "restored.ledger"
    assert shell("backup", str(backup)).out.startswith("backed up to ")
    shell.done("charge", "acme", "1.00", "--reference", "later")
    answer = run("restore", str(backup), "--ledger", str(restored), "--yes", "--json")
    assert answer.status == 0
    other = Shell(run, restored)
    assert (other.balance(), shell.balance()) == ("100.00", "99.00")
    assert other("verify").status == 0


def test_a_backup_is_never_restored_over_a_ledger(shell: Shell, tmp_path: Path) -> None:
    backup = tmp_path / "shop.backup"
    shell.done("backup", str(backup))
    assert shell.refused("restore", str(backup), "--yes")[0] == 3
    assert shell.refused("restore", str(tmp_path / "none"), "--yes")[0] in {4, 6}


def test_a_ledger_of_this_version_needs_no_migration(shell: Shell) -> None:
    assert "nothing to do" in shell.done("migrate")["done"]
    assert shell.balance() == "100.00"


def test_verify_proves_an_untouched_ledger_and_says_what_it_cannot(shell: Shell) -> None:
    answer = shell("verify")
    assert answer.status == 0
    assert answer.out.startswith("verified 1 entry of ")
    assert "not proven: " in answer.out
    assert shell.done("verify")["ok"] is True


def test_verify_names_what_was_altered_and_fails(shell: Shell) -> None:
    tamper(shell.ledger, "UPDATE entry SET amount_minor = amount_minor + 1")
    answer = shell("verify")
    assert answer.status == 6
    assert "acme" in answer.out
    assert shell("verify", "--json").json["ok"] is False


def test_a_sealed_checkpoint_is_compared_with(shell: Shell, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.json"
    assert str(checkpoint) in shell("seal", str(checkpoint)).out
    shell.done("charge", "acme", "1.00", "--reference", "later")
    proven = shell.done("verify", "--checkpoint", str(checkpoint))
    assert proven["ok"] is True
    assert proven["checkpoint_at"] is not None
    status, _ = shell.refused("verify", "--checkpoint", str(tmp_path / "none.json"))
    assert status in {2, 4, 6}


def test_recount_finds_a_balance_that_is_not_the_sum_of_its_entries(shell: Shell) -> None:
    assert shell("recount").status == 0
    tamper(shell.ledger, "UPDATE wallet SET balance_minor = balance_minor + 1")
    answer = shell("recount")
    assert answer.status == 6
    assert "acme" in answer.out


def test_the_trial_balance_comes_to_nothing_or_fails(shell: Shell) -> None:
    answer = shell("trial-balance")
    assert answer.status == 0
    assert "USD difference" in answer.out
    [usd] = shell.done("trial-balance")["rows"]
    assert usd["difference"]["minor"] == 0
    tamper(shell.ledger, "UPDATE wallet SET balance_minor = balance_minor + 1")
    assert shell("trial-balance").status == 6


def test_the_doctor_names_each_check(shell: Shell) -> None:
    answer = shell("doctor")
    assert answer.status == 0, answer
    rows = shell.done("doctor")["rows"]
    assert {row["state"] for row in rows} <= {"ok", "warning"}
    assert all(row["remedy"] for row in rows if row["state"] != "ok")

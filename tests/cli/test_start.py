"""What a command loads, seen from outside: that is what its start costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import Shell

LOADED = """
import json, sys
from billdesk.cli import main
status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def loaded_by(*words: str) -> set[str]:
    """The modules that a process has loaded when this command is done."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done
    return set(modules)


HEAVY = {"textual", "rich", "pydantic", "sqlalchemy", "sqlmodel", "alembic", "httpx", "stripe"}


@pytest.mark.parametrize(
    "words",
    [
        ["charge", "acme", "1.00", "--reference", "r"],
        ["balance", "acme"],
        ["why", "acme"],
        ["may-run", "acme", "--json"],
        ["ledger", "acme"],
    ],
    ids=lambda words: words[0],
)
def test_a_command_loads_nothing_heavy_and_no_other_command(shell: Shell, words: list[str]) -> None:
    modules = loaded_by("--ledger", str(shell.ledger), *words)
    assert modules & HEAVY == set()
    assert "billdesk.cli.imports" not in modules
    assert "billdesk.cli.ticking" not in modules
    assert "billdesk.app" not in modules


def test_help_loads_no_command_and_no_core() -> None:
    modules = loaded_by("--help")
    assert modules & HEAVY == set()
    assert "billdesk.cli.charges" not in modules
    assert "billdesk.core.desk" not in modules


@pytest.mark.parametrize(
    "words",
    [["init"], ["doctor"], ["verify"], ["tick"], ["overview"], ["balances", "--sort", "name"]],
    ids=lambda words: words[0],
)
def test_no_command_loads_the_terminal_door(shell: Shell, words: list[str]) -> None:
    if words == ["init"]:
        words = ["init", "--ledger", f"{shell.ledger}.second"]
    modules = loaded_by("--ledger", str(shell.ledger), *words)
    assert "textual" not in modules
    assert "billdesk.app" not in modules

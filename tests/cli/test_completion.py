"""Shell completion, asked for by a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(BASH is None, reason="there is no bash here")

Bash = Callable[[str], str]


@pytest.fixture
def bash(tmp_path: Path) -> Bash:
    """Runs a script in bash, with `billdesk` on the path."""
    program = tmp_path / "bin" / "billdesk"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m billdesk "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"

    def bash(script: str) -> str:
        done = subprocess.run(
            [str(BASH), "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PATH": path},
        )
        assert done.returncode == 0, done
        return done.stdout

    return bash


def offered(bash: Bash, *words: str) -> set[str]:
    """What bash offers after `billdesk` and these words, the last one unfinished."""
    typed = " ".join(f"'{word}'" for word in ("billdesk", *words))
    script = (
        'eval "$(billdesk --show-completion)"\n'
        f"COMP_WORDS=({typed}); COMP_CWORD={len(words)}\n"
        "_billdesk_completion billdesk\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    return set(bash(script).split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["cha"], {"charge", "charge-many"}),
        (["trial"], {"trial-balance"}),
        (
            ["account", ""],
            {"add", "list", "show", "suspend", "reopen", "close", "gateway", "party"},
        ),
        (["charge", "acme", "5", "--ref"], {"--reference"}),
        (["charge", "--le"], {"--ledger"}),
        (["balances", "--sort", ""], {"ref", "balance", "available", "name", "last"}),
        (["adjust", "acme", "cr"], {"credit"}),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_bash_offers_what_may_follow(bash: Bash, words: list[str], expected: set[str]) -> None:
    assert offered(bash, *words) == expected


def test_completion_is_installed_for_the_shell_in_use(bash: Bash, home: Path) -> None:
    assert "bash completion installed" in bash("billdesk --install-completion; :")
    assert "billdesk" in (home / ".bashrc").read_text(encoding="utf-8")
    assert (home / ".bash_completions" / "billdesk.sh").exists()


def test_bash_offers_the_accounts_of_the_ledger(bash: Bash, shell: Shell) -> None:
    for ref in ("acorn", "zebra"):
        shell.done("account", "add", ref, "--name", ref.title())
    ledger = ("--ledger", str(shell.ledger))
    assert offered(bash, *ledger, "charge", "ac") == {"acme", "acorn"}
    assert offered(bash, "audit", *ledger, "--account", "z") == {"zebra"}
    assert offered(bash, "--ledger", "/nowhere", "balance", "a") == set()

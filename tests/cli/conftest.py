"""The shell door as a test uses it: words in, exit status and output back."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from billdesk.cli import main

# What a program reads, before it knows what it is.
Json = Any


class Answer(NamedTuple):
    """What a command left: its exit status, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        """Standard output as the one JSON object it must be."""
        return json.loads(self.out)


Run = Callable[..., Answer]


def exit_status(*words: str) -> int:
    """Run `billdesk` with these words, in this process; the exit status."""
    try:
        return main(list(words))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `billdesk` with these words, in this process."""

    def run(*words: str) -> Answer:
        capsys.readouterr()
        return Answer(exit_status(*words), *capsys.readouterr())

    return run


@pytest.fixture
def process() -> Run:
    """Runs `billdesk` with these words, as a process of its own."""

    def process(*words: str, given: str = "", **settings: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "billdesk", *words],
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            env={**os.environ, **settings},
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return process


class Shell:
    """`billdesk` on one ledger, in this process."""

    def __init__(self, run: Run, ledger: Path | str) -> None:
        self.ledger = ledger
        self._run = run

    def __call__(self, *words: str) -> Answer:
        """The answer for a person."""
        return self._run("--ledger", str(self.ledger), *words)

    def done(self, *words: str) -> Json:
        """The answer for a program to what must not fail."""
        answer = self("--json", *words)
        assert answer.status == 0, answer
        return answer.json

    def refused(self, *words: str) -> tuple[int, str]:
        """Exit status and error code of what must fail, the same for people and programs."""
        answer, spoken = self("--json", *words), self(*words)
        assert set(answer.json) == {"error"}
        assert set(answer.json["error"]) == {"code", "message", "hint"}
        assert spoken.status == answer.status
        assert spoken.out == ""
        assert spoken.err.startswith("billdesk: ")
        return answer.status, answer.json["error"]["code"]

    def balance(self, ref: str = "acme", asset: str = "USD") -> str:
        """What an account has, in plain text."""
        balance = self.done("balance", ref, "--asset", asset)["balance"]
        return str(balance["text"])


@pytest.fixture(scope="session")
def shop_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every `shell` works on a copy of: made by the words people type."""

    def run(*words: str) -> Answer:
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            status = exit_status(*words)
        return Answer(status, out.getvalue(), err.getvalue())

    shell = Shell(run, tmp_path_factory.mktemp("shop") / "shop.ledger")
    shell.done("init")
    shell.done("account", "add", "acme", "--name", "Acme Ltd", "--email", "billing@acme.example")
    shell.done(
        "adjust", "acme", "credit", "100.00", "--memo", "opening balance", "--reference", "o"
    )
    return Path(shell.ledger).parent


@pytest.fixture
def shell(run: Run, shop_template: Path, tmp_path: Path) -> Shell:
    """A new ledger with one account, acme, that has 100.00 USD."""
    shutil.copytree(shop_template, tmp_path, dirs_exist_ok=True)
    return Shell(run, tmp_path / "shop.ledger")

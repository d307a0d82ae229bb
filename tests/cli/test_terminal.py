"""The person at the terminal: words typed to confirm, progress, pipes that break, Ctrl-C."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Shell

BILLDESK = [sys.executable, "-m", "billdesk"]
MEMO = ("--memo", "asked for by phone")


class Terminal:
    """`billdesk` on a terminal of its own, 80 columns wide."""

    def __init__(self, shell: Shell, *words: str) -> None:
        self._keyboard, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._process = subprocess.Popen(
            [*BILLDESK, "--ledger", str(shell.ledger), *words],
            stdin=screen,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
        )
        os.close(screen)
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read what is shown until `text` is."""
        deadline = time.monotonic() + 20
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            assert self._read(), self.shown

    def type(self, text: str) -> None:
        """Type `text`."""
        os.write(self._keyboard, text.encode())

    def end(self) -> int:
        """Read the rest, and return the exit status."""
        deadline = time.monotonic() + 20
        while self._read():
            assert time.monotonic() < deadline, self.shown[-2000:]
        return self._process.wait(timeout=20)

    def close(self) -> None:
        """Take the terminal away, whatever still runs on it."""
        self._process.kill()
        self._process.wait(timeout=20)
        os.close(self._keyboard)

    def interrupt(self) -> None:
        """Press Ctrl-C, as seen by the process."""
        self._process.send_signal(signal.SIGINT)

    def _read(self) -> bool:
        if not select.select([self._keyboard], [], [], 20)[0]:
            return False
        try:
            read = os.read(self._keyboard, 65536)
        except OSError:  # the other end is closed
            return False
        self.shown += read.decode()
        return bool(read)


Open = Callable[..., Terminal]


@pytest.fixture
def open_terminal(shell: Shell) -> Iterator[Open]:
    """Runs `billdesk` with these words on a terminal of its own."""
    opened: list[Terminal] = []

    def open_terminal(*words: str) -> Terminal:
        opened.append(Terminal(shell, *words))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


SENSITIVE = [
    ["freeze", "acme", *MEMO],
    ["floor", "acme", "-5.00", *MEMO],
    ["adjust", "acme", "debit", "1.00", *MEMO],
    ["account", "close", "acme", *MEMO],
]


@pytest.mark.parametrize("words", SENSITIVE, ids=lambda words: " ".join(words[:2]))
def test_a_sensitive_command_is_not_done_unless_the_accounts_ref_is_typed(
    shell: Shell, open_terminal: Open, words: list[str]
) -> None:
    terminal = open_terminal(*words)
    terminal.wait_for("Type acme to go on: ")
    assert "Acme Ltd" in terminal.shown
    terminal.type("yes\n")
    assert terminal.end() == 3
    assert "not done" in terminal.shown
    assert shell.balance() == "100.00"
    assert shell.done("why", "acme")["word"] == "OK"


def test_a_sensitive_command_is_done_when_the_ref_is_typed(
    shell: Shell, open_terminal: Open
) -> None:
    terminal = open_terminal("freeze", "acme", *MEMO)
    terminal.wait_for("go on: ")
    terminal.type("acme\n")
    assert terminal.end() == 0
    assert shell.done("why", "acme")["word"] == "FROZEN"


def test_a_reversal_asks_for_the_account_it_is_about(shell: Shell, open_terminal: Open) -> None:
    posting = shell.done("ledger")["rows"][0]["posting_id"]
    terminal = open_terminal("reverse", posting, *MEMO)
    terminal.wait_for("Type acme to go on: ")
    terminal.type("acme\n")
    assert terminal.end() == 0
    assert shell.balance() == "0.00"


def test_a_restore_asks_for_the_word(shell: Shell, open_terminal: Open, tmp_path: Path) -> None:
    shell.done("backup", str(tmp_path / "backup"))
    elsewhere = ("--ledger", str(tmp_path / "restored.ledger"))
    terminal = open_terminal(*elsewhere, "restore", str(tmp_path / "backup"))
    terminal.wait_for("Type restore to go on: ")
    terminal.type("restore\n")
    assert terminal.end() == 0
    assert (tmp_path / "restored.ledger").exists()


@pytest.mark.parametrize("words", SENSITIVE, ids=lambda words: " ".join(words[:2]))
def test_without_a_terminal_a_sensitive_command_needs_yes(shell: Shell, words: list[str]) -> None:
    before = shell.done("ledger")
    assert shell.refused(*words) == (2, "bad_input")
    assert "--yes" in shell(*words).err
    assert shell.done("ledger") == before


def test_a_credit_is_not_sensitive(shell: Shell) -> None:
    assert shell("adjust", "acme", "credit", "1.00", *MEMO).status == 0


def test_a_table_fits_the_terminal_and_shows_where_it_was_cut(
    shell: Shell, open_terminal: Open
) -> None:
    shell.done("account", "add", "beta", "--name", "B" * 150)
    terminal = open_terminal("account", "list")
    assert terminal.end() == 0
    lines = terminal.shown.splitlines()
    assert max(map(len, lines)) <= 80
    assert "BBB…" in terminal.shown
    assert "B" * 150 in shell("account", "list").out


def test_progress_is_drawn_on_a_terminal_and_nowhere_else(
    shell: Shell, open_terminal: Open, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.csv"
    rows = "".join(f"ref{n},Name {n},\n" for n in range(300))
    file.write_text(f"ref,name,email\n{rows}", encoding="utf-8")
    terminal = open_terminal("import", "accounts", str(file))
    assert terminal.end() == 0
    assert "importing [" in terminal.shown
    assert "100%" in terminal.shown
    assert shell("import", "accounts", str(file)).err == ""


def test_the_desk_is_never_started_by_a_command_that_only_prints(
    shell: Shell, open_terminal: Open
) -> None:
    terminal = open_terminal("overview")
    assert terminal.end() == 0
    assert "\x1b[?1049h" not in terminal.shown


def test_ctrl_c_at_the_question_leaves_everything_as_it_was(
    shell: Shell, open_terminal: Open
) -> None:
    terminal = open_terminal("freeze", "acme", *MEMO)
    terminal.wait_for("go on: ")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "interrupted" in terminal.shown
    assert "Traceback" not in terminal.shown
    assert shell.done("why", "acme")["word"] == "OK"


BUSY = """
import sys
from billdesk import open_desk
with open_desk(sys.argv[1]) as desk, desk.transaction():
    print("busy", flush=True)
    sys.stdin.readline()
"""


def test_ctrl_c_before_an_answer_says_that_all_or_nothing_was_done(shell: Shell) -> None:
    ledger = str(shell.ledger)
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, ledger], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        waiting = subprocess.Popen(
            [*BILLDESK, "--ledger", ledger, "charge", "acme", "1", "--reference", "r"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=3)
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=20)
        assert (waiting.returncode, out) == (130, "")
        assert "whole or not at all" in err
        other.communicate(b"\n", timeout=20)
    assert shell.balance() == "100.00"


def test_a_reader_who_leaves_ends_the_program_quietly(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    rows = "".join(f"ref{n},{'N' * 180},\n" for n in range(2_000))
    file.write_text(f"ref,name,email\n{rows}", encoding="utf-8")
    shell.done("import", "accounts", str(file))
    listing = subprocess.Popen(
        [*BILLDESK, "--ledger", str(shell.ledger), "account", "list", "--limit", "2000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert listing.stdout is not None
    listing.stdout.readline()
    listing.stdout.close()
    assert listing.wait(timeout=20) == 0
    assert listing.stderr is not None
    assert listing.stderr.read() == b""
    listing.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_an_answer_that_cannot_be_written_is_no_silence(shell: Shell) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        charge = subprocess.run(
            [*BILLDESK, "--ledger", str(shell.ledger), "charge", "acme", "1", "--reference", "r"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert charge.returncode == 6
    assert "was done" in charge.stderr
    assert "Traceback" not in charge.stderr
    assert shell.balance() == "99.00"


def test_an_old_encoding_gets_escapes_instead_of_a_crash(shell: Shell, process: Run) -> None:
    shell.done("account", "add", "beta", "--name", "Čapek 株式会社")
    answer = process("--ledger", str(shell.ledger), "account", "list", PYTHONIOENCODING="latin-1")
    assert answer.status == 0
    assert "\\u010capek" in answer.out


def test_ctrl_c_during_a_question_and_after_an_act_says_what_was_done(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting(io.StringIO):
        def flush(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdout", Interrupting())
    answer = shell("charge", "acme", "1.00", "--reference", "r")
    monkeypatch.undo()
    assert answer.status == 130
    assert "interrupted after it was done" in answer.err
    assert shell.balance() == "99.00"


@pytest.mark.parametrize("words", [[], ["acct", "Acme Ltd"], ["--read-only", "--screen", "ledger"]])
def test_the_desk_opens_on_a_terminal_and_closes_again(
    shell: Shell, open_terminal: Open, words: list[str]
) -> None:
    terminal = open_terminal(*words)
    terminal.wait_for("\x1b[?1049h")
    terminal.wait_for("Acme Ltd" if words[:1] == ["acct"] else "shop.ledger")
    terminal.type("\x11")  # ctrl+q
    assert terminal.end() == 0
    assert "\x1b[?1049l" in terminal.shown
    assert "Traceback" not in terminal.shown


def test_acct_asks_which_account_is_meant_before_it_opens_anything(
    shell: Shell, open_terminal: Open
) -> None:
    shell.done("account", "add", "acme-east", "--name", "Acme East")
    terminal = open_terminal("acct", "Acme")
    assert terminal.end() == 2
    assert "acme, acme-east" in terminal.shown
    assert "\x1b[?1049h" not in terminal.shown
    assert shell.refused("acct", "nobody") == (4, "not_found")


def test_the_desk_has_no_screen_or_theme_of_another_name(shell: Shell, open_terminal: Open) -> None:
    for words in (["--screen", "cockpit"], ["--theme", "plaid"]):
        terminal = open_terminal(*words)
        assert terminal.end() == 4
        assert words[1] in terminal.shown

"""One run of one command: which ledger, how to answer, and the person at the terminal.

Everything the shell door prints goes out here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from billdesk.core.values.errors import BadInput, BilldeskError, Refused, StoreFull
from billdesk.core.values.plain_text import visible

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import Page

_LEDGER = "billdesk.ledger"
_AS_JSON = "billdesk.json"
_ANSWERED = "billdesk.answered"


class Interrupted(BilldeskError):
    """Somebody pressed Ctrl-C."""

    code = "interrupted"
    exit_status = 130


class Door(typer.Context):
    """What a command gets beside its own arguments."""

    @property
    def ledger(self) -> str | None:
        """The path or database URL after `--ledger`; None: as configured."""
        ledger: str | None = self.meta.get(_LEDGER)
        return ledger

    @property
    def as_json(self) -> bool:
        """Whether a program reads the answer."""
        return bool(self.meta.get(_AS_JSON))

    @property
    def acts(self) -> bool:
        """Whether this command may change the ledger; the others open it to read only."""
        return bool(getattr(self.command, "acts", False))

    def use_ledger(self, ledger: str) -> None:
        """Open `ledger` (a path or a database URL)."""
        self.meta[_LEDGER] = ledger

    def use_json(self) -> None:
        """Answer a program, not a person."""
        self.meta[_AS_JSON] = True

    def desk(self, *, read_only: bool = False) -> Desk:
        """The desk on the ledger asked for: to be closed, as a context manager does it.

        Raises NotFound without a ledger, StoreError when it cannot be opened.
        """
        from billdesk.core.desk import open_desk

        return open_desk(self.ledger, read_only=read_only or not self.acts, origin="cli")

    def answer(self, sheet: object, *lines: str) -> None:
        """Print what came of it: `sheet` as one JSON object, or `lines` for a person.

        Raises StoreFull when standard output takes no more.
        """
        self.meta[_ANSWERED] = True
        if self.as_json:
            write_json(sheet)
        else:
            write_lines(*lines)

    def answer_page(self, page: Page[Any], lines: list[str]) -> None:
        """Print one page of a list, and on standard error how to get the next one."""
        self.answer_rows(page.rows, lines, after=page.after)

    def answer_rows(
        self, rows: Sequence[object], lines: list[str], *, after: str | None = None
    ) -> None:
        """Print a list; `after` is what continues it."""
        self.answer({"rows": rows, "after": after}, *lines)
        if not self.as_json and not rows:
            self.say("nothing found")
        if not self.as_json and after is not None:
            self.say(f"there is more: --after {after}")

    def say(self, text: str) -> None:
        """A remark for the person, on standard error."""
        print(visible(text), file=sys.stderr, flush=True)

    def confirm(self, keyword: str, question: str, *, yes: bool) -> None:
        """Have a person type `keyword` before something that cannot be taken back.

        Raises BadInput where nobody can type and `yes` was not given, Refused for another word.
        """
        if yes:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise BadInput(f"{question} This asks for a word, and nobody can type it", "add --yes")
        print(
            f"{visible(question)} Type {visible(keyword)} to go on: ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        if sys.stdin.readline().strip() != keyword:
            raise Refused("not done: the word was another one", f"type {keyword}, or add --yes")

    def interruption(self) -> Interrupted:
        """What Ctrl-C left behind."""
        if self.meta.get(_ANSWERED):
            return Interrupted("interrupted after it was done")
        if not self.acts:
            return Interrupted("interrupted; nothing was changed")
        return Interrupted(
            "interrupted before an answer came: it was done whole or not at all",
            "`billdesk audit` shows which; repeated with the same --reference it is done once",
        )


def write_json(sheet: object) -> None:
    """One JSON object on a line of standard output, in ASCII and so harmless to any terminal."""
    import json

    from billdesk.cli.printing import to_json

    write_lines(json.dumps(to_json(sheet)))


def write_lines(*lines: str) -> None:
    """Lines on standard output, made harmless; a reader who has left ends the program quietly.

    Raises StoreFull when standard output cannot take them.
    """
    try:
        for line in lines:
            print(visible(line))
        sys.stdout.flush()
    except BrokenPipeError as error:
        # Python flushes once more at the end, into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from error
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StoreFull(
            f"the answer could not be written: {error.strerror}",
            "what was asked for was done; `billdesk audit` shows it",
        ) from error

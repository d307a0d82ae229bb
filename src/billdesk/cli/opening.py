"""`billdesk` alone, and `billdesk acct`: into the terminal door."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.core.values.errors import BadInput, NotFound


def at_a_terminal() -> bool:
    """Whether there is a screen to draw on and a keyboard to read from."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def open_screens(
    door: Door,
    *,
    read_only: bool = False,
    theme: str | None = None,
    screen: str | None = None,
    account: str | None = None,
) -> int:
    """Open the desk and stay until it is closed; returns its exit status.

    Raises BadInput without a terminal.
    """
    if door.as_json or not at_a_terminal():
        raise BadInput(
            "the desk needs a terminal",
            "`billdesk overview` prints what it would show; `billdesk --help` has the rest",
        )
    from billdesk.app import TRY_DEMO, run_desk

    status = run_desk(door.ledger, read_only=read_only, theme=theme, screen=screen, account=account)
    if status != TRY_DEMO:
        return status
    from billdesk.demo import run

    return run(None, no_ui=False)


def acct(
    door: Door,
    anything: Annotated[
        str, typer.Argument(metavar="ANYTHING", help="Ref, id, e-mail, name, reference …")
    ],
) -> int:
    """Open the desk straight on an account."""
    with door.desk() as desk:
        matches = desk.accounts.find(anything, limit=10)
    refs = [match.account.ref for match in matches]
    if not refs:
        raise NotFound(f"no account is known by {anything!r}", "`billdesk account list`")
    if len(refs) > 1 and anything not in refs:
        raise BadInput(f"{anything!r} may be {', '.join(refs)}", "name one of them")
    return open_screens(door, account=anything if anything in refs else refs[0])

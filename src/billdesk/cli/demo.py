"""`billdesk demo`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from billdesk.cli.door import Door


def demo(
    door: Door,
    *,
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="Print the story instead of opening the desk.")
    ] = False,
) -> int:
    """Play with a whole desk that runs by itself.

    Some 50 made-up accounts, 90 days of history, a sandbox that goes on paying. Told again it
    goes on from where it was; it lies apart from your ledger, or where --ledger says.
    """
    from billdesk.demo import run

    if not door.as_json:
        return run(door.ledger, no_ui=no_ui)
    with redirect_stdout(sys.stderr):
        status = run(door.ledger, no_ui=True)
    door.answer({"sound": status == 0})
    return status

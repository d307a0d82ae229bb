"""`billdesk demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.opening import at_a_terminal


def demo(
    door: Door,
    *,
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="Print the story instead of opening the desk.")
    ] = False,
) -> int:
    """Play with a whole desk that runs by itself.

    Some 40 made-up accounts, 90 days of history, a sandbox that goes on paying. Kept only where
    --ledger says.
    """
    from billdesk.demo import run

    return run(door.ledger, no_ui=no_ui or not at_a_terminal())

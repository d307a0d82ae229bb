"""The shell door: one thin file per noun over the same verbs as the desk and the library.

A command reads its arguments, calls one verb and prints the sheet that comes back; it computes
nothing. Only the file of the command that was asked for is imported.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

__all__ = ["main"]

# Objects that are allocated before garbage is looked for: more than a whole start allocates.
_START_IS_SMALLER = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `billdesk` with `arguments`, by default those of the process; returns the exit status."""
    if arguments is not None:
        return _run(list(arguments))
    # Looking for garbage while modules load and again while they are unloaded finds none, and takes
    # a sixth of the time of a short command.
    gc.set_threshold(_START_IS_SMALLER)
    try:
        return _run(sys.argv[1:])
    finally:
        gc.freeze()


def _run(arguments: list[str]) -> int:
    from billdesk.cli.program import run

    return run(arguments)

"""The shell door: one thin file per noun over the same verbs as the desk and the library.

A command reads its arguments, calls one verb and prints the sheet that comes back; it computes
nothing. Only the file of the command that was asked for is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `billdesk` with `arguments`, by default those of the process; returns the exit status."""
    from billdesk.cli.program import run

    return run(sys.argv[1:] if arguments is None else list(arguments))

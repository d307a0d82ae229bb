"""Writes docs/commands.md, the reference of the shell door, from the commands themselves.

`python -m docs.commands` writes it; a test holds it up to date.
"""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from pathlib import Path

from typer.core import TyperArgument, TyperOption

from billdesk.cli import main
from billdesk.cli.catalogue import CATALOGUE, PANELS, Entry
from billdesk.cli.commands import load
from billdesk.cli.program import EXIT_STATUSES

PAGE = Path(__file__).with_name("commands.md")

INTRODUCTION = f"""\
# Commands

Made by `python -m docs.commands`; change the commands, not this page.

`billdesk` alone opens the desk. Every command takes `--ledger` (a file or a database URL) and
`--json`, before or after its name. Without `--ledger` the ledger is `BILLDESK_LEDGER`, else the
configured one.

People get a table, programs one JSON object on standard output: money as
`{{"minor": 1250, "asset": "USD", "text": "12.50"}}`, instants in UTC, lists as
`{{"rows": [...], "after": ...}}`, errors as
`{{"error": {{"code": ..., "message": ..., "hint": ...}}}}`. Progress and remarks go to standard
error.

What cannot be taken back asks to type a word first, unless `--yes` is given; where nobody can type,
`--yes` is needed. `billdesk --install-completion` teaches your shell the commands.

Exit status: {" ".join(EXIT_STATUSES.split())}.
"""


def page() -> str:
    """The whole page."""
    panels = [_panel(panel) for panel in PANELS]
    helps = [f"### billdesk {entry.words}\n\n```\n{_help(entry)}```\n" for entry in CATALOGUE]
    return "\n".join([INTRODUCTION, *panels, "## Each command\n", *helps])


def _panel(panel: str) -> str:
    rows = [
        f"| `{_usage(entry)}` | {entry.summary} |\n" for entry in CATALOGUE if entry.panel == panel
    ]
    return f"## {panel}\n\n| command | what it does |\n|---|---|\n{''.join(rows)}"


def _usage(entry: Entry) -> str:
    """What has to be typed, and which arguments may follow."""
    words = ["billdesk", entry.words]
    for parameter in load(entry.words).params:
        if isinstance(parameter, TyperArgument):
            name = parameter.metavar or parameter.name.upper()
            words.append(name if parameter.required else f"[{name}]")
        elif isinstance(parameter, TyperOption) and parameter.required:
            words.append(f"{parameter.opts[0]} {parameter.metavar}")
    return " ".join(words).replace("|", "\\|")


def _help(entry: Entry) -> str:
    """The help page of a command, as wide as COLUMNS says."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        main([*entry.words.split(), "--help"])
    return printed.getvalue()


if __name__ == "__main__":
    os.environ["COLUMNS"] = "80"
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")

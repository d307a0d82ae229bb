"""`billdesk` as a whole: its help page, its errors and its exit status; alone it opens the desk."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer.main import get_command

from billdesk.cli.catalogue import PANELS, rows_of
from billdesk.cli.commands import Noun, prepare
from billdesk.cli.door import Door, write_json, write_lines
from billdesk.core.values.errors import BadInput, BilldeskError
from billdesk.core.values.plain_text import visible

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

INTERRUPTED = 130

EXAMPLES = """\
billdesk demo                                  a desk to play with
billdesk init --asset EUR                      a ledger of your own
billdesk account add acme --name "Acme Ltd"
billdesk charge acme 12.50 --reference lead:42
billdesk why acme                              may it run, and if not, why
billdesk ledger acme --kind refund --json
"""

EXIT_STATUSES = """\
0 done, 1 a bug, 2 wrong usage, 3 refused by a rule, 4 not found, 5 gateway,
6 the store fails or does not prove right, 130 interrupted
"""


def run(arguments: list[str]) -> int:
    """Run `billdesk` with these arguments and return the exit status.

    Errors of the tree and wrong usage become a message, or JSON if that was asked for; `Broken` and
    other bugs pass through, with their traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What an old encoding lacks is printed as \\u…: no crash after the money has moved.
            stream.reconfigure(errors="backslashreplace")
    as_json = "--json" in arguments
    try:
        _check_encoding(arguments)
        status = program().main(arguments, prog_name="billdesk", standalone_mode=False)
    except BilldeskError as error:
        return _fail(error, as_json=as_json)
    except typer.TyperException as error:
        return _fail(_usage_error(error), as_json=as_json)
    if status == INTERRUPTED:
        print("billdesk: interrupted before anything was done", file=sys.stderr)
    return status or 0


def program() -> Command:
    """The whole command, ready to run, complete or describe itself."""
    app = typer.Typer(cls=Program, rich_markup_mode=None)
    app.callback(
        invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
    )(desk)
    return prepare(cast("Program", get_command(app)))


def desk(
    door: Door,
    *,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look, don't touch.")] = False,
    theme: Annotated[str | None, typer.Option(help="The desk's colours.")] = None,
    screen: Annotated[str | None, typer.Option(help="The desk's first screen.")] = None,
    account: Annotated[str | None, typer.Option(help="Open the desk on this account.")] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int | None:
    """Bill people from one double-entry ledger; alone, `billdesk` opens the desk.

    The ledger is what --ledger names, else BILLDESK_LEDGER, else the configured one.
    """
    if version:
        from importlib.metadata import version as installed

        write_lines(f"billdesk {installed('billdesk')}")
        return 0
    if door.invoked_subcommand is not None:
        return None
    from billdesk.cli.opening import open_screens

    return open_screens(door, read_only=read_only, theme=theme, screen=screen, account=account)


class Program(Noun):
    """Lays the help page out in panels; needs no command imported."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 - Typer's
        """Write the panels, one line for each command or noun."""
        for panel in PANELS:
            with formatter.section(panel):
                formatter.write_dl(rows_of(panel), col_max=16)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 - Typer's
        """Write the examples and the exit statuses as they stand."""
        for title, text in (("Examples", EXAMPLES), ("Exit status", EXIT_STATUSES)):
            with formatter.section(title):
                for line in text.splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def _check_encoding(arguments: list[str]) -> None:
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise BadInput(f"{argument!r} is not valid UTF-8", "retype it") from error


def _usage_error(error: typer.TyperException) -> BilldeskError:
    context = getattr(error, "ctx", None)
    asked = "billdesk" if context is None else context.command_path
    return UsageError(" ".join(error.format_message().split()), f"`{asked} --help` says how")


class UsageError(BilldeskError):
    """The command line cannot be read."""

    code = "usage"
    exit_status = 2


def _fail(error: BilldeskError, *, as_json: bool) -> int:
    if as_json:
        write_json({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
    else:
        print(f"billdesk: {visible(error.message)}", file=sys.stderr)
        if error.hint:
            print(f"          {visible(error.hint)}", file=sys.stderr)
    return error.exit_status

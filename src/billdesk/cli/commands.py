"""How a word on the command line becomes a command: found in the catalogue, imported, run.

Typer's ways that would cost every start are avoided: importing all commands, `rich` for help, and
`pydantic` for turning text into text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from billdesk.cli.catalogue import CATALOGUE, NOUNS, entry_of
from billdesk.cli.door import Door

if TYPE_CHECKING:
    from typer._click import Command, Context, Parameter

# A minus before a digit is an amount, not an option.
_NEGATIVE_AMOUNT = re.compile(r"-[\d.]", re.ASCII)


class Question(TyperCommand):
    """A command that only looks."""

    context_class = Door
    acts: ClassVar[bool] = False

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the arguments, negative amounts among them."""
        _keep_text_as_typed(self.get_params(ctx))
        ctx.ignore_unknown_options = any(map(_NEGATIVE_AMOUNT.match, args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Context) -> object:
        """Run the command. Raises Interrupted, which says what Ctrl-C left behind."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if isinstance(ctx, Door):
                raise ctx.interruption() from None
            raise


class Act(Question):
    """A command that changes something."""

    acts = True


class Noun(TyperGroup):
    """A word that further words follow; what they name is imported when it is asked for."""

    context_class = Door
    typed_before = ""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the options before the next word."""
        _keep_text_as_typed(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002 - Typer's
        """The command or noun of that name, imported now; None if there is none."""
        if self.commands.get(cmd_name) is _NOT_LOADED:
            self.commands[cmd_name] = load(self.typed_before + cmd_name)
        return self.commands.get(cmd_name)


_NOT_LOADED = TyperCommand(None)


def prepare(noun: Noun, typed_before: str = "") -> Noun:
    """`noun` with the words that may follow it, and the options that every command takes."""
    following = (
        entry.words.removeprefix(typed_before).split()[0]
        for entry in CATALOGUE
        if entry.words.startswith(typed_before)
    )
    noun.typed_before = typed_before
    noun.commands = dict.fromkeys(following, _NOT_LOADED)
    noun.params += _options_of_every_command()
    return noun


def load(words: str) -> Command:
    """The command typed as `words`, or the noun; imports what it needs."""
    entry = entry_of(words)
    if entry is None:
        return prepare(Noun(name=words, help=NOUNS[words], rich_markup_mode=None), f"{words} ")
    module, _, name = entry.place.partition(":")
    function = getattr(import_module(f"billdesk.cli.{module}"), name)
    command = _command_of(function, Act if entry.acts else Question)
    command.params += _options_of_every_command()
    return command


def _command_of(function: Callable[..., object], kind: type[TyperCommand]) -> Command:
    """`function` as a command: its docstring is the help, its annotations are the options."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(cls=kind)(function)
    return get_command(app)


def _use_ledger(ctx: typer.Context, value: str | None) -> None:
    if value is not None and isinstance(ctx, Door):
        ctx.use_ledger(value)


def _use_json(ctx: typer.Context, value: bool) -> None:
    if value and isinstance(ctx, Door):
        ctx.use_json()


def _every_command(
    ledger: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL",
            help="The ledger: a file, or a database URL.",
            callback=_use_ledger,
            expose_value=False,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Answer in JSON.", callback=_use_json, expose_value=False),
    ] = False,
) -> None:
    """Declare what may stand before or after every command's name."""


def _options_of_every_command() -> Sequence[Parameter]:
    return _command_of(_every_command, TyperCommand).params


def _keep_text_as_typed(parameters: Sequence[Parameter]) -> None:
    """Spare a command the 60 ms that Typer takes to load pydantic, to turn text into text."""
    for parameter in parameters:
        if (
            isinstance(parameter, TyperOption | TyperArgument)
            and parameter.type_descriptor.annotation in _TYPED
        ):
            # Typer's own slot for this; were it renamed, commands would be slower, not wrong.
            vars(parameter)["_runtime_param"] = _AS_TYPED


class _AsTyped:
    """Text stays text and a flag a flag; what they mean is for the core to say."""

    def coerce(self, value: object, param: Parameter, **_: object) -> object:
        return () if value is None and param.multiple else value


_AS_TYPED = _AsTyped()
_TYPED = (str, bool, list[str])

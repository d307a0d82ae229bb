"""`billdesk intake | sweep | gaps | replay`: what gateways said, by other ways than the feed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from billdesk.cli.door import Door
from billdesk.cli.printing import table
from billdesk.cli.ticking import describe_tick
from billdesk.core.values.errors import BadInput, NotFound

LONGEST_MESSAGE_BYTES = 1_000_000


def intake(
    door: Door,
    gateway: Annotated[str, typer.Argument(metavar="GATEWAY", help="Whose message it is.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The body as it came; - for stdin.")],
    *,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="A header it came with; again for each."),
    ] = None,
) -> None:
    """Take in a message of a gateway.

    Take in a message of a gateway, with its signature. A missing or wrong signature, or one older
    than five minutes, is refused.
    """
    headers = _headers(header or [])
    body = _body(file)
    with door.desk() as desk:
        sheet = desk.gateways.take(gateway, body, headers)
    door.answer(
        sheet,
        f"{sheet.new} new, {sheet.applied} applied, {sheet.waiting} waiting, {sheet.known} known",
    )


def _headers(lines: list[str]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise BadInput("a header is not one", "write it as 'Name: value'")
        headers[name.strip().lower()] = value.strip()
    return headers


def _body(file: str) -> bytes:
    if file == "-":
        body = sys.stdin.buffer.read(LONGEST_MESSAGE_BYTES + 1)
    else:
        try:
            with Path(file).open("rb") as message:
                body = message.read(LONGEST_MESSAGE_BYTES + 1)
        except FileNotFoundError as error:
            raise NotFound(f"there is no file {file}", "check the path") from error
        except (OSError, ValueError) as error:
            raise BadInput(f"{file!r} cannot be read: {error}", "give a file") from error
    if len(body) > LONGEST_MESSAGE_BYTES:
        raise BadInput("no message of a gateway is that long", "give one message")
    return body


def sweep(
    door: Door,
    name: Annotated[
        str | None, typer.Argument(metavar="GATEWAY", help="Only this one; else all of them.")
    ] = None,
) -> None:
    """List everything at the gateways again.

    Polls, and lists the payments, refunds and disputes of the last three days once more, or from the
    start of an open gap on.
    """
    with door.desk() as desk:
        sheet = desk.gateways.sweep(name)
    door.answer(sheet, *describe_tick(sheet))


def gaps(door: Door) -> None:
    """List spans that no feed could tell.

    A sweep heals them by listing.
    """
    with door.desk() as desk:
        sheets = desk.gateways.gaps()
    headings = ("GATEWAY", "MODE", "SINCE", "UNTIL", "FOUND", "HEALED")
    rows = (
        (sheet.gateway, sheet.mode, sheet.since, sheet.until, sheet.found_at, sheet.healed_at)
        for sheet in sheets
    )
    door.answer_rows(sheets, table(headings, rows))


def replay(door: Door) -> None:
    """Try again everything that waits."""
    with door.desk() as desk:
        sheet = desk.facts.replay()
    door.answer(sheet, f"{sheet.facts} applied now, {sheet.deposits} of them deposits")

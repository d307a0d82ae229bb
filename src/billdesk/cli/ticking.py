"""`billdesk tick | watch`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from billdesk.cli.door import Door, Interrupted
from billdesk.cli.printing import cell, plural
from billdesk.core.values.clock import parse_duration
from billdesk.core.values.errors import BilldeskError

if TYPE_CHECKING:
    from billdesk.core.desk import Desk
    from billdesk.core.rules.sheets import TickSheet


def tick(door: Door) -> None:
    """Do everything that is due, once.

    For cron: ask the gateways, let holds expire. As often as you like; nothing is done twice.
    """
    with door.desk() as desk:
        sheet = desk.tick()
    door.answer(sheet, *describe_tick(sheet))


def watch(
    door: Door,
    *,
    every: Annotated[str, typer.Option(metavar="DURATION", help="How long between.")] = "10s",
) -> None:
    """Do what is due, again and again.

    Ends with Ctrl-C. With --json each tick is one object on a line of its own.
    """
    pause = parse_duration(every).total_seconds()
    ticks = 0
    try:
        with door.desk() as desk:
            while True:
                ticks += _tick_once(door, desk)
                time.sleep(pause)
    except KeyboardInterrupt:
        raise Interrupted(f"stopped after {plural(ticks, 'tick')}; what they did is kept") from None


def _tick_once(door: Door, desk: Desk) -> int:
    """One tick; a trouble that may pass is told and not counted. Raises the others."""
    try:
        sheet = desk.tick()
    except BilldeskError as error:
        if not error.retry:
            raise
        door.say(f"billdesk: {error.message}; trying again")
        return 0
    door.answer(sheet, *describe_tick(sheet))
    return 1


def describe_tick(sheet: TickSheet) -> list[str]:
    """What was done, in one line, and one line for each trouble."""
    done = (
        f"{cell(sheet.at)} polled {plural(sheet.polled, 'gateway')}, "
        f"{plural(sheet.facts, 'fact')}, {plural(sheet.deposits, 'deposit')}, "
        f"{plural(sheet.holds_expired, 'hold')} expired"
    )
    for count, what in (
        (sheet.renewed, f"{plural(sheet.renewed, 'period')} renewed"),
        (sheet.paused, f"{plural(sheet.paused, 'subscription')} paused"),
        (sheet.resumed, f"{plural(sheet.resumed, 'subscription')} resumed"),
        (sheet.ended, f"{plural(sheet.ended, 'subscription')} ended"),
        (sheet.usage_lines, f"{plural(sheet.usage_lines, 'line')} of usage billed"),
        (sheet.collected, f"{plural(sheet.collected, 'invoice')} paid"),
        (sheet.expired_lots, f"{plural(sheet.expired_lots, 'lot')} of credits expired"),
        (sheet.usage_alerts, f"{plural(sheet.usage_alerts, 'usage threshold')} crossed"),
        (sheet.topups, plural(sheet.topups, "top-up")),
        (sheet.alerts, f"{plural(sheet.alerts, 'low wallet')} told"),
        (sheet.compared, "compared with a gateway's books"),
    ):
        if count:
            done += f", {what}"
    return [done, *sheet.errors]

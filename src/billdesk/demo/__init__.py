"""The demo: a whole desk to play with, furnished by the real operations.

It never touches a ledger that is not a demo.
"""

from __future__ import annotations

import os
import random
import sys
from datetime import datetime, timedelta
from functools import partial

from billdesk.core.desk import create_ledger, default_paths, migrate, open_desk
from billdesk.core.rules.sheets import LedgerSheet
from billdesk.core.values.clock import MovingClock, SystemClock
from billdesk.core.values.errors import NotALedger, NotFound, Refused, SchemaMismatch
from billdesk.core.values.ids import Chance
from billdesk.demo import routine
from billdesk.demo.conclusion import conclude
from billdesk.demo.counterpart import Counterpart
from billdesk.demo.narration import PlainTeller, ProgressTeller, Teller
from billdesk.demo.scenes import DOWN, SCENES
from billdesk.demo.story import DAYS, Story

ENGINE, OFFICE = "lead-engine", "mira"


def run(ledger: str | None, *, no_ui: bool) -> int:
    """Make or continue the demo at `ledger` (None: beside the usual one), then open the desk.

    Without a terminal, or with `no_ui`, the story is told step by step and ends with `verify`; the
    exit status is then 0 if the ledger proved sound, else that of a StoreError. Raises Refused for
    a ledger that is not a demo, StoreError.
    """
    where = ledger or str(default_paths().demo_ledger)
    if no_ui or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _tell(where)
    furnish(where, ProgressTeller(sys.stderr))
    # Textual is loaded only when there is a terminal to open it on.
    from billdesk.app import run_desk
    from billdesk.demo.companion import accompany

    return run_desk(where, companion=partial(accompany, where))


def _tell(where: str) -> int:
    teller = PlainTeller(sys.stdout)
    try:
        furnish(where, teller)
        return conclude(where, teller)
    except BrokenPipeError:
        # Whoever read has seen enough. Python flushes once more at the end, into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def furnish(where: str, teller: Teller, *, now: datetime | None = None) -> int:
    """Live the story at `where` up to `now`, from its beginning or from where it stopped.

    Returns how many steps came out otherwise than the story says. Raises Refused for a ledger that
    is not a demo.
    """
    now = now or SystemClock().now()
    info, since = _found(where, now)
    clock = MovingClock(since)
    chance = _chance(since)
    counterpart = Counterpart(info, clock)
    # What is connected besides is left alone: a demo asks nobody but its own sandbox.
    opened = partial(
        open_desk, where, clock=clock, origin="demo", chance=chance, gateways=[counterpart.gateway]
    )
    with opened(actor=ENGINE) as engine, opened(actor=OFFICE) as office:
        story = Story(engine, office, counterpart, clock, teller, where)
        last = story.quarter_of(now) - 1
        first = max(story.next_quarter(), last - DAYS * 4 + 1)
        for quarter in range(first, last + 1):
            teller.progress(quarter - first, last - first + 1)
            story.live(quarter, SCENES.get(quarter, ()), is_down=quarter in DOWN)
        teller.progress(1, 1)
    return story.surprises


def _chance(since: datetime) -> Chance:
    """Where ids come from: always the same for a story that is told from this instant on."""
    return random.Random(f"{routine.SEED} ids {since}").randbytes


def _found(where: str, now: datetime) -> tuple[LedgerSheet, datetime]:
    """Found the business ninety days ago, unless it is there: then when it was last heard of."""
    try:
        desk = open_desk(where, read_only=True)
    except SchemaMismatch:
        # What an older version left in the demo's own place; elsewhere it is for its owner to say.
        if where != str(default_paths().demo_ledger):
            raise
        migrate(where)
        return _found(where, now)
    except (NotFound, NotALedger):
        # Making a ledger leaves alone whatever else may be there.
        opened_at = now - timedelta(days=DAYS)
        clock = MovingClock(opened_at)
        with create_ledger(where, demo=True, clock=clock, chance=_chance(opened_at)) as desk:
            return desk.info, opened_at
    with desk:
        if not desk.info.demo:
            raise Refused(
                f"{desk.info.where} is not a demo, and is left alone",
                "choose another place with --ledger, or leave it out",
            )
        newest = desk.ledger.entries(limit=1).rows
        return desk.info, newest[0].recorded_at if newest else desk.info.created_at

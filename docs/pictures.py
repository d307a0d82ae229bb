"""Draws docs/pictures/*.svg: the desk on the demo's business, taken by the desk itself.

`python -m docs.pictures` draws them all, the same to the last byte every time: the story is the
demo's, on a clock that stands at one instant, with chance that falls the same way.
"""

from __future__ import annotations

import asyncio
import io
import os
import random
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

# First of all: it makes the surroundings the same, and Textual reads them when it is imported.
from tests.conftest import FOLDERS

# isort: split

from billdesk.app import BilldeskApp
from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.ids import Chance, IdMaker
from billdesk.demo import furnish
from billdesk.demo.narration import PlainTeller
from tests.screens.desk_pilot import LARGE, STILL, on_stage, settle
from tests.screens.scenes import Step, play

FOLDER = Path(__file__).with_name("pictures")
NOW = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)

# For each picture the account it opens on, if any, and the keys that lead to it.
PICTURES: dict[str, tuple[str | None, tuple[Step, ...]]] = {
    "overview": (None, ()),
    "account": ("golden-gate", ()),
    "ledger": (None, ("3",)),
    "balances": (None, ("2",)),
    "usage": (None, ("colon", ("write", "usage"), "enter", ("wait", "Level"))),
    "invoices": (None, ("colon", ("write", "invoices"), "enter", ("wait", "INV-"))),
    "review": (
        "brightwell",
        ("A", "tab", "tab", ("write", "12.50"), "tab",
         ("write", "goodwill for the outage on Tuesday"), "tab", ("write", "12.5"),
         ("wait", "Entries")),
    ),
}  # fmt: skip


def chance(seed: int) -> Chance:
    """Chance that falls the same way every time."""
    return random.Random(seed).randbytes  # noqa: S311 - nothing secret


def stage(where: str, account: str | None) -> BilldeskApp:
    """The desk on the furnished ledger, its clock standing still."""

    def opener(_: str | None) -> Desk:
        clock = MovingClock(NOW)
        return open_desk(where, clock=clock, actor="mira", origin="terminal", chance=chance(4))

    def maker(_: str | None, __: str) -> Desk:
        raise AssertionError("no picture makes a ledger")

    return BilldeskApp(
        opener,
        maker=maker,
        account=account,
        clock=MovingClock(NOW),
        rhythm=STILL,
        ids=IdMaker(chance(5)),
    )


def self_contained(svg: str) -> str:
    """The picture without fonts from elsewhere, its blanks kept by viewers that would trim them."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


async def draw(where: str, name: str) -> None:
    """Take one picture."""
    account, steps = PICTURES[name]
    async with on_stage(stage(where, account), LARGE) as pilot:
        await play(pilot, *steps)
        # What waits for a pause in the typing gets its pause.
        await asyncio.sleep(1)
        await settle(pilot)
        svg = self_contained(pilot.app.export_screenshot(title="billdesk"))
    path = FOLDER / f"{name}.svg"
    path.write_text(svg, encoding="utf-8", newline="\n")
    print(f"drew {path.relative_to(FOLDER.parents[1])}")


def main() -> None:
    """Draw them all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # A home of its own: the story keeps checkpoints there.
        os.environ.update({name: str(Path(folder) / room) for name, room in FOLDERS.items()})
        where = str(Path(folder) / "demo.ledger")
        furnish(where, PlainTeller(io.StringIO()), now=NOW)
        with open_desk(where, clock=MovingClock(NOW), actor="lead-engine") as desk:
            desk.tick()
        for name in PICTURES:
            asyncio.run(draw(where, name))


if __name__ == "__main__":
    main()

"""Driving the desk in a test: open it, wait for what it is waiting for, read what is on screen."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import textual.app
import textual.pilot
from textual import events

from billdesk.app import BilldeskApp
from billdesk.core.desk import Desk, create_ledger, open_desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.ids import IdMaker
from billdesk.screens.chrome import StatusLine
from billdesk.screens.heartbeat import Rhythm
from billdesk.screens.threads import UNFINISHED
from tests.screens.shop import NOW, Shop

if TYPE_CHECKING:
    from textual.pilot import Pilot

SMALL, LARGE = (80, 24), (120, 36)
PATIENCE_SECONDS = 10.0
TWO_FRAMES_SECONDS = 0.04
STILL = Rhythm(pulse_seconds=0, tick_seconds=0)

Staged = Callable[..., BilldeskApp]
"""Makes an app on some shop; takes what `stage` takes."""


async def at_rest(_min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Wait until the event loop has nothing to do now, and nothing within the next two frames.

    In place of Textual's own, which takes a processor that is hardly used for twenty milliseconds
    as the sign: a guess, four times for each key, and a longer wait the busier the machine is.
    """
    loop: Any = asyncio.get_running_loop()
    deadline = loop.time() + max_sleep
    while loop.time() < deadline:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        soon = loop.time() + TWO_FRAMES_SECONDS
        due = [timer.when() for timer in loop._scheduled if not timer.cancelled()]
        if not due or min(due) > soon:
            return
        await asyncio.sleep(min(due) - loop.time())


for module in (textual.app, textual.pilot):
    vars(module)["wait_for_idle"] = at_rest


def stage(
    shop: Shop,
    *,
    read_only: bool = False,
    rhythm: Rhythm = STILL,
    **wishes: Any,  # noqa: ANN401
) -> BilldeskApp:
    """The app on a shop, with its clock standing still and its ids known."""

    def opener(_: str | None) -> Desk:
        return shop.desk(read_only=read_only)

    def maker(_: str | None, __: str) -> Desk:
        raise AssertionError("this test makes no ledger")

    return BilldeskApp(
        opener,
        maker=maker,
        url=shop.ledger,
        read_only=read_only,
        clock=MovingClock(NOW),
        ids=IdMaker(random.Random(5).randbytes),
        rhythm=rhythm,
        **wishes,
    )


def stages(shop: Shop) -> Iterator[Staged]:
    """What a fixture gives for a shop; the desks of its apps are closed after the test."""
    made: list[BilldeskApp] = []

    def make(**wishes: object) -> BilldeskApp:
        made.append(stage(shop, **wishes))  # type: ignore[arg-type]  # passed on as they are
        return made[-1]

    yield make
    for app in made:
        app.close_desk()


@asynccontextmanager
async def on_stage(app: BilldeskApp, size: tuple[int, int] = SMALL) -> AsyncIterator[Pilot[int]]:
    """The app running at a size, its first answers painted; the desk is closed at the end."""
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot
    app.close_desk()


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until nothing runs in a thread and nothing is left to paint."""
    app = pilot.app
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    painted = 0
    while painted < 2:
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("the desk does not come to rest")
        await at_rest()
        if any(each.state in UNFINISHED for each in app.workers):
            painted = 0
            await asyncio.sleep(0.002)
        else:
            painted += 1
            # What is only arranged when it is painted may be one more reason to.
            app.screen._on_timer_update()


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait for a condition, not for a time."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("waited in vain; on screen:\n" + text_of(pilot.app))
        await asyncio.sleep(0.01)
    await settle(pilot)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one after the other, each when the one before has been dealt with."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def write(pilot: Pilot[Any], text: str) -> None:
    """Put a text into the field that has the focus, as one would paste it."""
    pilot.app.post_message(events.Paste(text))
    await settle(pilot)


def text_of(app: Any) -> str:  # noqa: ANN401 - any app
    """What is on screen, as plain text."""
    lines = [
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    ]
    return "\n".join(line.rstrip() for line in lines)


def where(app: BilldeskApp) -> type:
    """Which screen one is on."""
    return type(app.screen)


def said(app: BilldeskApp) -> str:
    """What the status line says."""
    return app.screen.query_one(StatusLine).said


def run_on(app: BilldeskApp) -> str:
    """What is on screen without blanks, frames and line ends: a long path goes over several lines."""
    return re.sub(r"[\s│]", "", text_of(app))


def app_on(path: Path | str) -> BilldeskApp:
    """The app on a path or address, with the real way to open another."""

    def opener(url: str | None) -> Desk:
        return open_desk(url, clock=MovingClock(NOW), origin="terminal")

    def maker(url: str | None, asset: str) -> Desk:
        return create_ledger(url, asset=asset, clock=MovingClock(NOW))

    return BilldeskApp(opener, maker=maker, url=str(path), clock=MovingClock(NOW), rhythm=STILL)


async def fill_in(pilot: Pilot[Any], text: str) -> None:
    """Put a text in place of what is in the field, and go on to the next."""
    await press(pilot, "end", "ctrl+u")
    await write(pilot, text)
    await press(pilot, "tab")


async def confirm(pilot: Pilot[Any], typed: str = "") -> None:
    """Type again what must be, press the button, and put the receipt away."""
    if typed:
        await write(pilot, typed)
    await until(pilot, lambda: not pilot.app.screen.query_one("#confirm").disabled)
    pilot.app.screen.query_one("#confirm").focus()
    await press(pilot, "enter")
    await until(
        pilot, lambda: "receipt" in text_of(pilot.app) or "Not posted" in text_of(pilot.app)
    )
    assert "Not posted" not in text_of(pilot.app), text_of(pilot.app)
    await press(pilot, "escape")

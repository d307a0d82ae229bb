"""Billing usage at the desk: worked out and shown, typed for, run, gone on with, looked up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from billdesk.app import BilldeskApp
from billdesk.core.desk import Desk, open_desk
from billdesk.core.operations.usage import rating
from billdesk.core.operations.usage.ingesting import Event
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money
from billdesk.screens import usage_runs
from billdesk.screens.usage_run_lines import RunLines
from billdesk.screens.usage_runs import (
    BillUsage,
    ResumeRun,
    ReviewedLines,
    RunUsage,
    UsageRunsScreen,
)
from tests.core.operations.metered import sell
from tests.core.operations.rated import months, subscribe
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    fill_in,
    on_stage,
    press,
    settle,
    stages,
    text_of,
    until,
    write,
)
from tests.screens.shop import NOW, Shop, copied

if TYPE_CHECKING:
    from textual.pilot import Pilot

Compare = Callable[..., bool]

FIRST = date(2026, 1, 1)
USED = {"acme": (1200, 1450), "birch": (300, 1010), "delta": (1100, 1300), "iris": (1001, 90_000)}


def furnish_runs(shop: Shop) -> None:
    """Four customers on a plan: January was billed, and some of it was told late; February is due."""
    with open_desk(
        shop.ledger, clock=MovingClock(NOW), actor="mira", chance=random.Random(23).randbytes
    ) as desk:
        sell(desk)
        for ref, used in USED.items():
            subscribe(desk, ref, months(FIRST, 3))
            for month, calls in enumerate(used, 1):
                use(desk, ref, calls, datetime(2026, month, 9, 12, tzinfo=NOW.tzinfo))
        desk.usage_runs.run(datetime(2026, 2, 1, tzinfo=NOW.tzinfo))
        use(desk, "acme", 40, datetime(2026, 1, 9, 12, tzinfo=NOW.tzinfo))


def use(desk: Desk, ref: str, calls: int, at: datetime) -> None:
    """Tell of calls, and of as many megabytes."""
    events: list[Event] = [
        (ref, "calls", calls, f"{ref}-{calls}-{at}", at),
        (ref, "transfer", f"{calls // 1000}.{calls % 1000:03}", f"{ref}-gb-{calls}-{at}", at),
    ]
    assert desk.usage.record_many(events).new == len(events)


@pytest.fixture(scope="session")
def furnished_runs(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shop, with usage to be billed."""
    folder = tmp_path_factory.mktemp("runs") / "shop"
    furnish_runs(copied(furnished, folder))
    return folder


@pytest.fixture
def due(furnished_runs: Path, tmp_path: Path) -> Shop:
    """A copy of that."""
    return copied(furnished_runs, tmp_path / "due")


@pytest.fixture
def at_runs(due: Shop) -> Iterator[Staged]:
    """Makes the app on that shop."""
    yield from stages(due)


async def go(pilot: Pilot[Any], *keys: str) -> None:
    """To the usage runs, by name, and on from there."""
    await settle(pilot)
    pilot.app.action_go("usage_runs")  # type: ignore[attr-defined]  # a test's app is ours
    await settle(pilot)
    await press(pilot, *keys)


async def preview(pilot: Pilot[Any], app: BilldeskApp, to: str = "wallet") -> None:
    """Have what is due worked out."""
    await go(pilot, "N")
    await fill_in(pilot, to)
    await press(pilot, "tab", "tab", "tab", "enter")
    await until(pilot, lambda: isinstance(app.screen, ReviewedLines))
    await settle(pilot)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", ["list", "preview"])
def test_usage_runs_look_as_it_was_agreed(
    scene: str, size: tuple[int, int], at_runs: Staged, snap_compare: Compare
) -> None:
    app = at_runs()

    async def act(pilot: Pilot[Any]) -> None:
        await (go(pilot) if scene == "list" else preview(pilot, app))

    assert snap_compare(app, terminal_size=size, run_before=act)


async def test_usage_is_previewed_typed_for_and_billed(at_runs: Staged, due: Shop) -> None:
    app = at_runs()
    async with on_stage(app, LARGE) as pilot:
        await preview(pilot, app)
        assert "preview: nothing is billed yet" in text_of(app)
        assert "240 × 0.10 in all" in text_of(app)
        assert "NOT BILLED" in text_of(app)
        await press(pilot, "slash")
        await write(pilot, "only:late")
        await press(pilot, "enter")
        await until(pilot, lambda: "1 of 2" in text_of(app))
        assert "correction" in text_of(app)
        await press(pilot, "slash", "escape", "escape", "B")
        assert isinstance(app.screen, RunUsage)
        await fill_in(pilot, "3")
        await press(pilot, "tab", "enter")
        assert "another number" in text_of(app)
        with due.desk() as desk:
            wanted = desk.usage_runs.preview().lines
        await press(pilot, "shift+tab", "shift+tab")
        await fill_in(pilot, str(wanted))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunLines))
        await until(pilot, lambda: "could not be billed: what they used stays open" in text_of(app))
        await press(pilot, "slash")
        await write(pilot, "only:failed")
        await press(pilot, "enter")
        await until(pilot, lambda: "is needed" in text_of(app))
        await press(pilot, "slash", "escape", "escape")
        await press(pilot, "escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, UsageRunsScreen))
        await until(pilot, lambda: "of 2" in text_of(app))
    with due.desk() as desk:
        newest, _ = desk.usage_runs.list().rows
        assert (newest.lines, newest.corrections, newest.actor) == (wanted, 2, "mira")


async def test_usage_can_be_invoiced_instead(at_runs: Staged, due: Shop) -> None:
    app = at_runs()
    async with on_stage(app, LARGE) as pilot:
        await preview(pilot, app, "invoice")
        assert "to the invoice" in text_of(app)
        assert "NOT BILLED" not in text_of(app)
        assert isinstance(app.screen, ReviewedLines)
        lines = app.screen.sheet.lines
        await press(pilot, "B")
        await fill_in(pilot, str(lines))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunLines))
    with due.desk() as desk:
        assert len(desk.invoices.list().rows) == len(USED)


async def test_what_cannot_be_meant_is_told_in_the_form(at_runs: Staged) -> None:
    app = at_runs()
    async with on_stage(app, LARGE) as pilot:
        await go(pilot, "N", "tab")
        await fill_in(pilot, "nobody")
        await fill_in(pilot, "not a day")
        await press(pilot, "tab", "enter")
        assert "is not a time" in text_of(app)
        await press(pilot, "shift+tab", "shift+tab")
        await fill_in(pilot, "2026-03-01")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "no account 'nobody'" in text_of(app))
        assert isinstance(app.screen, BillUsage)


async def test_a_line_shows_all_there_is_of_it(at_runs: Staged) -> None:
    app = at_runs()
    async with on_stage(app, LARGE) as pilot:
        await go(pilot, "enter")
        await until(pilot, lambda: "200 × 0.10" in text_of(app))
        await press(pilot, "enter")
        assert "Acme Plumbing Ltd" in text_of(app)
        assert "1,200 call" in text_of(app)
        assert "use_" in text_of(app)
        await press(pilot, "escape", "o")
        assert "Acme Plumbing" in text_of(app)


async def test_a_stopped_run_is_gone_on_with(
    at_runs: Staged, due: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rating, "ACCOUNTS_AT_ONCE", 1)

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with due.desk() as desk, pytest.raises(KeyboardInterrupt):
        desk.usage_runs.run(on_progress=stop)
    app = at_runs()
    async with on_stage(app, LARGE) as pilot:
        await go(pilot)
        assert "stopped" in text_of(app)
        await press(pilot, "R")
        assert isinstance(app.screen, ResumeRun)
        assert "1 of 4 subscriptions" in text_of(app)
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunLines))
        await until(pilot, lambda: "done, 4 of 4" in text_of(app))
        await press(pilot, "escape", "g", "R")
        assert isinstance(app.screen, UsageRunsScreen), "a run that is done is not resumed"
    with due.desk() as desk:
        assert {run.status for run in desk.usage_runs.list().rows} == {"done"}


async def test_whoever_only_looks_bills_nothing(at_runs: Staged) -> None:
    app = at_runs(read_only=True)
    async with on_stage(app, LARGE) as pilot:
        await go(pilot, "N")
        assert isinstance(app.screen, UsageRunsScreen)
        assert "read-only" in text_of(app)


async def test_where_nothing_was_billed_it_says_how_to_begin(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await go(pilot, "R")
        assert "Press N" in text_of(app)
        await press(pilot, "N", "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewedLines))
        assert "Nothing is due" in text_of(app)
        await press(pilot, "o", "enter")
        assert isinstance(app.screen, ReviewedLines)


def test_progress_tells_how_fast_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    instants = iter([10.0, 10.0 + timedelta(seconds=2).total_seconds()])
    monkeypatch.setattr(usage_runs, "monotonic", lambda: next(instants))
    told: list[tuple[str, int, int]] = []
    tell = usage_runs._reported(lambda *far: told.append(far))
    tell(250, 1000)
    tell(750, 1000)
    assert told == [("billing", 250, 1000), ("billing, 250/s, 0:01 left", 750, 1000)]


def test_what_a_run_comes_to_is_exact(due: Shop) -> None:
    with due.desk() as desk:
        assert desk.usage_runs.preview(account="acme").totals == (Money(4900, "USD"),)

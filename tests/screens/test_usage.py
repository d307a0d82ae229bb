"""Usage at the desk: bars that need no colour, a meter with its plot, a budget, and a file taken in."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Button

from billdesk.core.desk import open_desk
from billdesk.core.operations.usage.ingesting import Event
from billdesk.core.operations.usage.metering import alert_due
from billdesk.core.rules.sheets import ForecastSheet, UsageDaySheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money
from billdesk.screens.line_input import LineInput
from billdesk.screens.review import Review
from billdesk.screens.usage import UsageScreen
from billdesk.screens.usage_meter import UsageMeter
from billdesk.screens.usage_plot import ForecastPlot, share_bar, sparkline
from tests.core.operations.metered import sell, subscribe
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

BEGAN = datetime(2025, 12, 20, tzinfo=NOW.tzinfo)
# A month's calls of each, by which all levels are there.
A_MONTH = {"acme": 3000, "birch": 700, "delta": 3400, "eager": 5000, "foxglove": 2540}


def furnish_usage(shop: Shop) -> None:
    """Five customers that use something, four of them with a plan, the same way every time."""
    chance = random.Random(9)
    with open_desk(
        shop.ledger, clock=MovingClock(NOW), actor="mira", chance=random.Random(17).randbytes
    ) as desk:
        sell(desk)
        for ref in ("acme", "birch", "delta", "eager"):
            subscribe(desk, ref, date(2026, 3, 1), date(2026, 4, 1))
        events: list[Event] = []
        for ref, calls in A_MONTH.items():
            for hour in range(int((NOW - BEGAN) / timedelta(hours=1))):
                at = BEGAN + timedelta(hours=hour)
                busy = (7 <= at.hour < 19) * (1.0 if at.weekday() < 5 else 0.3)
                quantity = round(calls / 400 * busy * chance.uniform(0.6, 1.4))
                if quantity:
                    events.append((ref, "calls", quantity, f"{ref}-{hour}", at))
            events.append((ref, "transfer", "12.375", f"{ref}-gb", NOW - timedelta(days=3)))
        desk.usage.set_budget("eager", "60.00")
        assert desk.usage.record_many(events).rejected == 0
        alert_due(desk._office, desk.now())


@pytest.fixture(scope="session")
def furnished_usage(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shop, with meters."""
    folder = tmp_path_factory.mktemp("usage") / "shop"
    furnish_usage(copied(furnished, folder))
    return folder


@pytest.fixture
def metered(furnished_usage: Path, tmp_path: Path) -> Shop:
    """A copy of that."""
    return copied(furnished_usage, tmp_path / "metered")


@pytest.fixture
def at_meters(metered: Shop) -> Iterator[Staged]:
    """Makes the app on the shop with meters."""
    yield from stages(metered)


async def go(pilot: Pilot[Any], *keys: str) -> None:
    """To the usage screen, by name, and on from there."""
    await settle(pilot)
    pilot.app.action_go("usage")  # type: ignore[attr-defined]  # a test's app is ours
    await settle(pilot)
    await press(pilot, *keys)
    await settle(pilot)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("keys", [(), ("enter",)], ids=["list", "meter"])
def test_usage_looks_as_it_was_agreed(
    keys: tuple[str, ...], size: tuple[int, int], at_meters: Staged, snap_compare: Compare
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await go(pilot, *keys)

    assert snap_compare(at_meters(), terminal_size=size, run_before=act)


async def test_every_level_is_said_in_a_word(at_meters: Staged) -> None:
    app = at_meters()
    async with on_stage(app, LARGE) as pilot:
        await go(pilot)
        assert isinstance(app.screen, UsageScreen)
        text = text_of(app)
        for word in ("ok", "warning", "high", "over", "███", "░░"):
            assert word in text
        await press(pilot, "slash")
        await write(pilot, "foxglove")
        await press(pilot, "enter")
        await until(pilot, lambda: "1 of 2" in text_of(app))
        # Without a plan there is no share, and nobody is told of one.
        assert "–" in text_of(app)
        await press(pilot, "escape")


async def test_a_meter_shows_where_it_will_end_and_what_was_told(at_meters: Staged) -> None:
    app = at_meters()
    async with on_stage(app, LARGE) as pilot:
        await go(pilot, *"jjjjjj", "enter")
        assert isinstance(app.screen, UsageMeter)
        text = text_of(app)
        assert "calls of eager" in text
        assert "weekday run rate" in text
        assert "% off on average over 2 periods" in text
        assert "100 % of 1000 call reached" in text
        assert "60.00 USD" in text
        await press(pilot, "o")
        assert "Eager Beaver" in text_of(app)
        await press(pilot, "escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, UsageScreen))


async def test_a_budget_is_set_and_cleared(at_meters: Staged, metered: Shop) -> None:
    app = at_meters()
    async with on_stage(app, LARGE) as pilot:
        await go(pilot, "B")
        await until(pilot, lambda: isinstance(app.screen, Review))
        app.screen.query_one(LineInput).focus()
        await fill_in(pilot, "75.50")
        confirm = app.screen.query_one("#confirm", Button)
        await until(pilot, lambda: not confirm.disabled)
        confirm.focus()
        await press(pilot, "enter")
        await until(pilot, lambda: "receipt" in text_of(app))
        await press(pilot, "escape")
    with metered.desk() as desk:
        assert desk.usage.budget("acme").budget == Money(7550, "USD")


async def test_a_file_is_taken_in_and_its_bad_lines_are_listed(
    at_meters: Staged, metered: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "usage.csv"
    file.write_text(
        "account,meter,quantity,event_id,at\nacme,calls,5,new-1,2026-03-12T10:00Z\n"
        "acme,calls,-5,new-2,2026-03-12T10:00Z\n",
        encoding="utf-8",
    )
    app = at_meters()
    async with on_stage(app, LARGE) as pilot:
        await go(pilot, "I")
        await fill_in(pilot, str(file))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "1 event came in" in text_of(app))
        assert "1 line of 2 cannot be taken" in text_of(app)
        assert "the quantity is negative" in text_of(app)
        await press(pilot, "escape")
    with metered.desk() as desk:
        assert desk.usage.event("new-1").quantity == "5"


async def test_where_nothing_is_used_it_says_how_to_begin(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await go(pilot)
        assert "Press I" in text_of(app)
        await press(pilot, "B", "o")
        assert isinstance(app.screen, UsageScreen)


async def test_who_only_looks_changes_nothing(at_meters: Staged) -> None:
    app = at_meters(read_only=True)
    async with on_stage(app) as pilot:
        await go(pilot, "I", "B")
        assert isinstance(app.screen, UsageScreen)
        assert "read-only" in text_of(app)


def test_a_bar_fills_with_the_share_and_never_overflows() -> None:
    assert share_bar(0, 10) == "░" * 10
    assert share_bar(60, 10) == "██████░░░░"
    assert share_bar(99, 10) == "█████████░"
    assert share_bar(250, 10) == "█" * 10
    assert share_bar(None, 4) == "    "


def test_a_sparkline_shows_the_least_use_and_no_use_apart() -> None:
    assert sparkline((0, 1, 50, 100)) == " ▁▄█"
    assert sparkline((0, 0)) == "  "
    assert sparkline(()) == ""


def _forecast(included: int | None) -> ForecastSheet:
    days = tuple(UsageDaySheet(date(2026, 3, day), 10, 10 * day) for day in (1, 2, 3))
    expected = tuple(UsageDaySheet(date(2026, 3, day), 10, 10 * day) for day in (3, 4, 5, 6))
    return ForecastSheet(
        "acme", "calls", "call", 0, "m", None, 0, days, expected, included, 60, 60, 60, Money(0, "USD")
    )  # fmt: skip


@pytest.mark.parametrize(("included", "limit"), [(40, True), (None, False), (6, True)])
async def test_the_plot_tells_used_expected_and_limit_by_signs(
    staged: Staged, included: int | None, *, limit: bool
) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        plot = ForecastPlot()
        await app.screen.mount(plot)
        plot.styles.height = 9
        plot.show(_forecast(included))
        await pilot.pause()
        rows = [plot.render_line(y).text for y in range(plot.size.height)]
    assert "█ used" in rows[0]
    assert ("included" in rows[0]) is limit
    drawn = "\n".join(row[13:] for row in rows[1:-2])
    assert "█" in drawn
    assert "░" in drawn
    assert ("─" in drawn) is limit
    assert "03-01" in rows[-1]

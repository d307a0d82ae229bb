"""Plans and catalog: everything that is sold, and a file that is seen before it is applied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Button

from billdesk.app import BilldeskApp
from billdesk.core.desk import default_paths
from billdesk.screens.catalog_file import CatalogFile
from billdesk.screens.detail import Detail
from billdesk.screens.plans import PlansScreen
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    fill_in,
    on_stage,
    press,
    run_on,
    stage,
    text_of,
    until,
    where,
)
from tests.screens.scenes import Step, play
from tests.screens.shop import Shop
from tests.screens.test_hostile_text import lines_that_spill, raw_characters

if TYPE_CHECKING:
    from textual.pilot import Pilot

Compare = Callable[..., bool]

SHIPPED = default_paths().catalog.read_text(encoding="utf-8")
OTHER = SHIPPED.replace("[plans.free]", "[plans.basic]").replace('"49.00 USD"', '"59.00 USD"')
WRONG = (
    SHIPPED.replace("[plans.free]", "[plans.Free]")
    .replace('"49.00 USD"', "49.00")
    .replace('percent = "19"', 'percent = "190"')
)

TO_PLANS: tuple[Step, ...] = (
    "colon", ("write", "plans and"), "enter", ("wait", "metered-ent"),
)  # fmt: skip
CHECK: tuple[Step, ...] = ("A", ("write", "other.toml"), "tab", "tab", "enter")


async def go_to(pilot: Pilot[Any], *ids: str) -> None:
    """Press Tab until one of these has the focus."""
    for _ in range(10):
        if pilot.app.focused is not None and pilot.app.focused.id in ids:
            return
        await press(pilot, "tab")
    raise AssertionError(f"none of {ids} gets the focus")


def can_apply(app: BilldeskApp) -> bool:
    return not app.screen.query_one("#apply", Button).disabled


@pytest.fixture
def sold(shop: Shop) -> Shop:
    """The shop, with the catalog that ships."""
    with shop.desk() as desk:
        desk.catalog.apply(default_paths().catalog)
    return shop


# --- how it looks ---

SCENES: dict[str, tuple[str, tuple[Step, ...]]] = {
    "plans": (SHIPPED, (*TO_PLANS, "j", "j", "j")),
    "catalog-changes": (OTHER, (*TO_PLANS, *CHECK, ("wait", "would change"))),
    "catalog-mistakes": (WRONG, (*TO_PLANS, *CHECK, ("wait", "3 mistakes"))),
}


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
def test_the_catalog_looks_as_it_was_agreed(
    scene: str,
    size: tuple[int, int],
    sold: Shop,
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, steps = SCENES[scene]
    (sold.folder / "other.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(sold.folder)

    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *steps)

    at_home = Shop(sold.folder, "shop.ledger")
    assert snap_compare(stage(at_home), terminal_size=size, run_before=act_it_out)


# --- what it does ---


async def test_a_new_ledger_begins_with_the_catalog_that_ships(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, "colon", ("write", "plans and"), "enter", ("wait", "Nothing is sold yet"))
        await press(pilot, "A")
        assert "catalog.toml" in run_on(app)
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "25 things would change" in text_of(app))
        assert app.desk is not None
        assert app.desk.catalog.plans() == (), "nothing is applied by looking"
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Applied." in text_of(app))
        await press(pilot, "enter")
        assert where(app) is CatalogFile, "the result is not put away unread"
        await press(pilot, "escape")
        assert where(app) is PlansScreen
        await until(pilot, lambda: "49.00 USD monthly" in text_of(app))
        assert len(app.desk.catalog.plans()) == 7
        await press(pilot, "A")
        assert "catalog.toml" not in run_on(app), "the second file is one's own"


async def test_everything_that_is_sold_can_be_read_in_full(sold: Shop, staged: Staged) -> None:
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_PLANS, "j", "j", "j")
        shown = text_of(app)
        assert "API calls (call): 100,000 included, beyond that 0.10 USD per 1,000" in shown
        await press(pilot, "enter")
        assert where(app) is Detail
        await until(pilot, lambda: "0 subscriptions" in text_of(app))
        await press(pilot, "escape", "end")
        await until(pilot, lambda: "no name yet" in text_of(app))
        assert "INV-000001, due after 14 days" in text_of(app)
        await press(pilot, *["k"] * 4)
        await until(pilot, lambda: "7.5 %, on top of prices" in text_of(app))


async def test_versions_that_are_sold_no_more_are_listed_when_asked_for(
    sold: Shop, staged: Staged, tmp_path: Path
) -> None:
    path = tmp_path / "other.toml"
    path.write_text(OTHER, encoding="utf-8")
    with sold.desk() as desk:
        desk.accounts.add("newcomer", name="Newcomer")
        desk.subscriptions.create("newcomer", "free", paid_by="invoice")
        desk.catalog.apply(path)
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_PLANS)
        assert "1 of 25" in text_of(app)
        await press(pilot, "v")
        await until(pilot, lambda: "1 of 27" in text_of(app))
        assert "sold no more · 0.00 USD" in text_of(app)
        await press(pilot, "j")
        await until(pilot, lambda: "sold until" in text_of(app) or "Enter" in text_of(app))
        assert "1 subscription" in text_of(app)
        await press(pilot, "v")
        await until(pilot, lambda: "of 25" in text_of(app))


async def test_a_changed_file_is_refused_until_it_is_looked_at_again(
    sold: Shop, staged: Staged, tmp_path: Path
) -> None:
    path = tmp_path / "other.toml"
    path.write_text(OTHER, encoding="utf-8")
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_PLANS, "A")
        await fill_in(pilot, str(path))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "3 things would change" in text_of(app))
        assert "- retired" in text_of(app)
        path.write_text(OTHER + "# one more\n", encoding="utf-8")
        await press(pilot, "tab", "enter")
        # A word alone: where the lines end depends on the length of the path.
        await until(pilot, lambda: "meanwhile" in text_of(app))
        await go_to(pilot, "start")
        await press(pilot, "enter")
        await until(pilot, lambda: "3 things would change" in text_of(app))
        await until(pilot, lambda: can_apply(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Applied." in text_of(app))
    with sold.desk() as desk:
        assert desk.catalog.plan("pro").version == 2


async def test_mistakes_are_listed_with_their_remedies_and_nothing_can_be_applied(
    sold: Shop, staged: Staged, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG, encoding="utf-8")
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, *TO_PLANS, "A")
        await fill_in(pilot, str(path))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "3 mistakes" in text_of(app))
        assert not can_apply(app)
        await press(pilot, "shift+tab", "shift+tab", "enter")
        await until(pilot, lambda: "remedy" in text_of(app))
        assert "at most 100" in text_of(app)
        await press(pilot, "escape", "escape")
        assert where(app) is PlansScreen


async def test_what_was_found_out_holds_only_for_the_path_it_was_found_for(
    sold: Shop, staged: Staged, tmp_path: Path
) -> None:
    path = tmp_path / "other.toml"
    path.write_text(OTHER, encoding="utf-8")
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, *TO_PLANS, "A")
        await fill_in(pilot, str(path))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "3 things would change" in text_of(app))
        assert can_apply(app)
        await go_to(pilot, "field-path")
        await fill_in(pilot, str(tmp_path / "gone.toml"))
        assert not can_apply(app)
        await go_to(pilot, "start")
        await press(pilot, "enter")
        await until(pilot, lambda: "isnofile" in run_on(app))


async def test_a_desk_to_look_at_shows_what_a_file_would_change_and_stops_there(
    sold: Shop, staged: Staged, tmp_path: Path
) -> None:
    path = tmp_path / "other.toml"
    path.write_text(OTHER, encoding="utf-8")
    app = staged(read_only=True)
    async with on_stage(app) as pilot:
        await play(pilot, *TO_PLANS, "A")
        await fill_in(pilot, str(path))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "3 things would change" in text_of(app))
        assert not can_apply(app)


async def test_hostile_text_in_a_catalog_spills_nowhere(
    sold: Shop, staged: Staged, tmp_path: Path
) -> None:
    markup, wide = "[/b][@click=app.quit]pay[/]", "株式会社" * 40
    path = tmp_path / "hostile.toml"
    path.write_text(
        SHIPPED.replace('name = "Pro"', f'name = "{markup}"').replace(
            'name = "Growth"', f'name = "{wide}"'
        ),
        encoding="utf-8",
    )
    with sold.desk() as desk:
        desk.catalog.apply(path)
    path.write_text(SHIPPED.replace('"Pro"', '"P\\u001b[2J\\u202ero"'), encoding="utf-8")
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, *TO_PLANS, "j", "enter")
        assert lines_that_spill(app) == []
        await press(pilot, "escape", "j", "j", "j", "enter")
        assert lines_that_spill(app) == []
        await press(pilot, "escape", "A")
        await fill_in(pilot, str(path))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "1 mistake" in text_of(app))
        assert lines_that_spill(app) == []
        assert raw_characters(app) == set()

"""Credits and packs: what burns next, what expires when, buying a pack and taking one back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from billdesk.screens.account import AccountScreen
from billdesk.screens.credits import AccountCreditsScreen, CreditsScreen
from billdesk.screens.detail import Detail
from billdesk.screens.invoices import InvoicesScreen
from billdesk.screens.packs import PacksScreen
from billdesk.screens.review import Review
from tests.screens.credited import furnish_credited
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    confirm,
    fill_in,
    on_stage,
    press,
    said,
    stages,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import Step, play
from tests.screens.shop import Shop, copied

if TYPE_CHECKING:
    from textual.pilot import Pilot


CREDITS: tuple[Step, ...] = ("colon", ("write", "who has how many"), "enter", ("wait", "acme"))
LOTS = (*CREDITS, "enter", ("wait", "goes next"))
PACKS: tuple[Step, ...] = ("colon", ("write", "what was bought"), "enter", ("wait", "birch"))
PAID = (*PACKS, "slash", ("write", "account:acme"), "enter", ("gone", "birch"))

SCENES: dict[str, tuple[Step, ...]] = {
    "credits": CREDITS,
    "lots": LOTS,
    "buy": (*LOTS, "B", ("wait", "Entries")),
    "packs": PACKS,
    "give-back": (
        *PAID, "R", "tab", ("write", "not needed after all"), ("wait", "A credit note"),
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def furnished_credited(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shop with credits and packs."""
    folder = tmp_path_factory.mktemp("credited") / "shop"
    furnish_credited(copied(furnished, folder))
    return folder


@pytest.fixture
def credited(furnished_credited: Path, tmp_path: Path) -> Shop:
    """A copy of that, to do with as one likes."""
    return copied(furnished_credited, tmp_path / "credited")


@pytest.fixture
def at_desk(credited: Shop) -> Iterator[Staged]:
    """Makes the app on it; its desk is closed after the test."""
    yield from stages(credited)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
def test_every_screen_of_credits_looks_as_it_was_agreed(
    scene: str, size: tuple[int, int], at_desk: Staged, snap_compare: Callable[..., bool]
) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *SCENES[scene])

    assert snap_compare(at_desk(), terminal_size=size, run_before=act_it_out)


# --- looking -----------------------------------------------------------------------------------


async def test_the_lots_say_what_burns_next_and_what_goes_when(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *LOTS)
        shown = text_of(app)
        assert "1,685 of 1,785, 100 held" in shown
        assert "285: 2026-03-21, in 9d" in shown
        await press(pilot, "a")
        await until(pilot, lambda: "used up 2026-03-12" in text_of(app))
        await press(pilot, "enter")
        assert where(app) is Detail
        assert "55 pages scanned" in text_of(app)
        await press(pilot, "escape", "u")
        assert "-15 charge  55 pages scanned" in text_of(app)
        await press(pilot, "escape", "escape", "o")
        assert where(app) is AccountScreen


async def test_an_account_without_credits_says_what_brings_some(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *CREDITS)
        app.push_screen(AccountCreditsScreen("birch"))
        await until(pilot, lambda: "No credits are left." in text_of(app))
        assert "nothing expires" in text_of(app)
        await press(pilot, "u")
        assert "nothing yet" in text_of(app)
        await press(pilot, "escape", "p")
        assert where(app) is PacksScreen


async def test_the_list_of_credits_is_filtered_and_leads_to_the_account(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *CREDITS, "slash", ("write", "account:nobody"), "enter", ("gone", "acme"))
        await press(pilot, "slash", "ctrl+u")
        await write(pilot, "standing:ok account:acme")
        await press(pilot, "enter")
        await until(pilot, lambda: "Acme" in text_of(app))
        assert where(app) is CreditsScreen


async def test_purchases_show_what_they_wait_for(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *PACKS)
        shown = text_of(app)
        for words in ("pending", "completed", "failed", "ordered", "INV-000001"):
            assert words in shown
        await press(pilot, "f")
        await until(pilot, lambda: "delta" not in text_of(app))
        assert not [
            key
            for key in app.screen.active_bindings.values()
            if key.binding.key == "R" and key.enabled
        ]
        await press(pilot, "enter")
        assert "paid by       invoice" in text_of(app)
        await press(pilot, "escape", "v")
        assert "1,000 credits for 9.99 USD, for 90 days" in text_of(app)
        assert "with pro" in text_of(app)
        await press(pilot, "escape", "c")
        assert where(app) is AccountCreditsScreen
        await press(pilot, "escape", "o")
        assert where(app) is AccountScreen
        await press(pilot, "escape", "i")
        assert where(app) is InvoicesScreen


# --- acting -----------------------------------------------------------------------------------


async def test_credits_are_given_after_a_review(at_desk: Staged, credited: Shop) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *LOTS, "N", "tab")
        await fill_in(pilot, "250")
        await fill_in(pilot, "2026-12-31")
        await fill_in(pilot, "x")
        await until(pilot, lambda: "smaller burns first" in text_of(app))
        await press(pilot, "shift+tab")
        await fill_in(pilot, "5")
        await fill_in(pilot, "a voucher of the fair")
        await confirm(pilot, "250")
        await until(pilot, lambda: "2026-12-31, in 293d" in text_of(app))
    with credited.desk() as desk:
        lot = desk.credits.lots("acme")[0]
        assert (lot.granted, lot.priority) == (250, 5)


async def test_a_pack_is_bought_after_a_review(at_desk: Staged, credited: Shop) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *LOTS, "B", ("wait", "Entries"))
        await confirm(pilot, "")
        await until(pilot, lambda: "2,785" in text_of(app))
    with credited.desk() as desk:
        assert desk.packs.list("acme").rows[0].status == "completed"


async def test_a_pack_that_waits_for_its_invoice_shows_no_entries(
    at_desk: Staged, credited: Shop
) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *LOTS, "B", ("wait", "Entries"), "tab", "tab", "tab")
        await fill_in(pilot, "invoice")
        await until(pilot, lambda: "stays open" in text_of(app))
        await confirm(pilot, "")
    with credited.desk() as desk:
        assert desk.packs.list("acme").rows[0].status == "pending"


async def test_what_nobody_may_buy_is_said(at_desk: Staged, credited: Shop) -> None:
    with credited.desk() as desk:
        desk.accounts.suspend("acme", memo="not paid for months")
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *LOTS, "B")
        await until(pilot, lambda: "the account is suspended" in said(app))


async def test_a_pack_is_taken_back_after_a_review(at_desk: Staged, credited: Shop) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *SCENES["give-back"], "tab")
        await confirm(pilot, "9.99")
        await until(pilot, lambda: "refunded" in text_of(app))
    with credited.desk() as desk:
        bought = desk.packs.list("acme").rows[0]
        assert (bought.status, bought.refunded) == ("refunded", bought.price)


async def test_a_pack_that_is_used_up_is_not_taken_back(at_desk: Staged, credited: Shop) -> None:
    with credited.desk() as desk:
        bought = desk.packs.list("acme").rows[0]
        desk.credits.deduct("acme", 1_685, reference="all of it")
        assert desk.credits.lot(bought.lot_id or "").remaining <= 100
        held = desk.holds.list(account="acme", status="open").rows[0]
        desk.credits.capture(held.id)
    app = at_desk()
    async with on_stage(app) as pilot:
        await play(pilot, *PAID, "R")
        await until(pilot, lambda: "used, held or gone" in said(app))
        assert where(app) is not Review


async def test_whoever_only_looks_gives_nothing(at_desk: Staged) -> None:
    app = at_desk(read_only=True)
    async with on_stage(app) as pilot:
        await play(pilot, *LOTS, "N", "B")
        assert where(app) is AccountCreditsScreen

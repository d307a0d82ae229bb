"""Subscriptions on the screen: the list, one in full, and every change with what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from billdesk.app import BilldeskApp
from billdesk.screens.account import AccountScreen
from billdesk.screens.chrome import StatusLine
from billdesk.screens.detail import Detail
from billdesk.screens.invoice import InvoiceScreen
from billdesk.screens.invoices import InvoicesScreen
from billdesk.screens.review import Review
from billdesk.screens.subscription import SubscriptionScreen
from billdesk.screens.subscriptions import SubscriptionsScreen
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    on_stage,
    press,
    stages,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import Step, play
from tests.screens.shop import Shop, copied
from tests.screens.subscribed import furnish_subscribed

if TYPE_CHECKING:
    from textual.pilot import Pilot

Compare = Callable[..., bool]

TO_LIST: tuple[Step, ...] = (
    "colon",
    ("write", "subscriptions: who"),
    "enter",
    ("wait", "grunwald"),
)
TO_ACME: tuple[Step, ...] = (
    *TO_LIST,
    "slash",
    ("write", "account:acme"),
    "enter",
    ("gone", "eager"),
)
SCENES: dict[str, tuple[Step, ...]] = {
    "subscriptions": TO_LIST,
    "subscription": (*TO_ACME, "enter", ("wait", "created")),
    "subscription-change": (
        *TO_ACME, "U", "tab", "end", "ctrl+u", ("write", "pro"), ("wait", "due now"),
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def furnished_subscribed(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shop with subscriptions in it."""
    folder = tmp_path_factory.mktemp("subscribed") / "shop"
    furnish_subscribed(copied(furnished, folder))
    return folder


@pytest.fixture
def subscribed(furnished_subscribed: Path, tmp_path: Path) -> Shop:
    """A copy of that, to do with as one likes."""
    return copied(furnished_subscribed, tmp_path / "subscribed")


@pytest.fixture
def at_desk(subscribed: Shop) -> Iterator[Staged]:
    """Makes the app on it; takes what `stage` takes."""
    yield from stages(subscribed)


def position(app: BilldeskApp) -> str:
    return text_of(app).splitlines()[-2]


def status_of(shop: Shop, account: str) -> str:
    with shop.desk() as desk:
        return desk.subscriptions.list(account=account).rows[0].status


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
def test_every_screen_looks_as_it_was_agreed(
    scene: str, size: tuple[int, int], at_desk: Staged, snap_compare: Compare
) -> None:
    async def act_it_out(pilot: Pilot[Any]) -> None:
        await play(pilot, *SCENES[scene])

    assert snap_compare(at_desk(), terminal_size=size, run_before=act_it_out)


async def test_the_list_is_filtered_by_status_account_and_plan(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_LIST)
        assert where(app) is SubscriptionsScreen
        for account in ("acme", "eager", "delta", "iris", "harbor", "grunwald"):
            assert account in text_of(app)
        await press(pilot, "f")
        await until(pilot, lambda: "eager" not in text_of(app))
        assert "grunwald" in text_of(app), "trialing comes first"
        await press(pilot, "slash", "end", "ctrl+u")
        await write(pilot, "plan:gateway:Chairside")
        await press(pilot, "enter")
        await until(pilot, lambda: "grunwald" not in text_of(app))
        assert "Chairside" in text_of(app)
        assert "sandbox" in text_of(app)
        await press(pilot, "o")
        assert where(app) is AccountScreen


async def test_nothing_yet_says_what_to_do(staged: Staged) -> None:
    app = staged()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_LIST[:-1], ("wait", "No subscriptions yet"))
        await press(pilot, "N")
        await until(pilot, lambda: "Nothing is sold yet" in text_of(app))


async def test_one_in_full_shows_changes_periods_and_invoices(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_ACME, "enter", ("wait", "created"))
        assert where(app) is SubscriptionScreen
        assert "10.00 USD monthly, paid by wallet" in text_of(app)
        await press(pilot, "v")
        await until(pilot, lambda: "period 1" in text_of(app))
        await press(pilot, "enter")
        assert where(app) is InvoiceScreen
        await press(pilot, "escape", "v")
        await until(pilot, lambda: "INV-" in text_of(app))
        await press(pilot, "v", "i")
        assert where(app) is Detail
        assert "basic version 1" in text_of(app)


async def test_an_upgrade_shows_its_lines_and_the_next_date_and_does_just_that(
    at_desk: Staged, subscribed: Shop
) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *SCENES["subscription-change"])
        assert where(app) is Review
        shown = text_of(app)
        for words in ("unused", "rest", "takes effect 2026-03-12", "next on 2026-03-"):
            assert words in shown
        due = next(line for line in shown.splitlines() if "due now" in line).split()[-3]
        await press(pilot, "tab", "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
    with subscribed.desk() as desk:
        [sheet] = desk.subscriptions.list(account="acme").rows
        [newest, *_] = desk.invoices.list(account="acme").rows
    assert sheet.plan_code == "pro"
    assert f"{newest.total.minor / 100:.2f}" == due


async def test_a_downgrade_waits_for_the_end_and_can_be_dropped(
    at_desk: Staged, subscribed: Shop
) -> None:
    with subscribed.desk() as desk:
        [sheet] = desk.subscriptions.list(account="acme").rows
        desk.adjustments.credit("acme", "500.00", memo="paid in by bank transfer")
        desk.subscriptions.change(sheet.id, "pro")
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_ACME, "U", "tab", "end", "ctrl+u", ("write", "basic"))
        await until(pilot, lambda: "takes effect 2026-03-19" in text_of(app))
        await press(pilot, "tab", "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "→ basic" in text_of(app))
        await play(pilot, "X", ("wait", "is dropped"), "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "→ basic" not in text_of(app))


async def test_a_new_one_shows_what_it_costs_before_it_is_made(
    at_desk: Staged, subscribed: Shop
) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_LIST, "N", ("wait", "New subscription"), "tab")
        await write(pilot, "tokyo")
        await until(pilot, lambda: "due now" in text_of(app) or "Not possible" in text_of(app))
        await press(pilot, *["tab"] * 5, "end", "ctrl+u")
        await write(pilot, "invoice")
        await until(pilot, lambda: "11.90 USD" in text_of(app))
        await press(pilot, "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: where(app) is SubscriptionScreen)
    assert status_of(subscribed, "tokyo") == "active"


async def test_cancelling_now_shows_what_goes_back_and_reactivating_begins_again(
    at_desk: Staged, subscribed: Shop
) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_ACME, "C", "tab", "end", "ctrl+u", ("write", "now"))
        await press(pilot, "tab", "end", "ctrl+u")
        await write(pilot, "yes")
        await until(pilot, lambda: "unused" in text_of(app))
        await press(pilot, "tab", "tab")
        await write(pilot, "cancel")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "canceled" in text_of(app))
        assert status_of(subscribed, "acme") == "canceled"
        await press(pilot, "R")
        await until(pilot, lambda: "standing" in text_of(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
    assert status_of(subscribed, "acme") == "active"


async def test_one_is_paused_and_resumed(at_desk: Staged, subscribed: Shop) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_ACME, "P", ("wait", "standing"), "tab", "enter", ("wait", "Done."))
        assert status_of(subscribed, "acme") == "paused"
        await press(pilot, "escape")
        await until(pilot, lambda: "by hand" in text_of(app))
        await play(
            pilot, "P", ("wait", "runs on"), ("wait", "standing"), "tab", "enter", ("wait", "Done.")
        )
    assert status_of(subscribed, "acme") == "active"


async def test_what_a_gateway_keeps_is_only_asked_for(at_desk: Staged) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_LIST, "slash", ("write", "account:harbor"), "enter", ("gone", "acme"))
        await press(pilot, "C", "U", "P")
        assert where(app) is SubscriptionsScreen, "none of these is offered"
        await play(pilot, "enter", ("wait", "which keeps it"), "S", ("wait", "is kept at sandbox"))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))


async def test_a_desk_to_look_at_changes_nothing(at_desk: Staged) -> None:
    app = at_desk(read_only=True)
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *TO_ACME, "P", "N")
        assert where(app) is SubscriptionsScreen
        assert "read-only" in app.screen.query_one(StatusLine).said


async def test_an_open_invoice_is_sent_by_a_gateway_and_asked_for_there(
    at_desk: Staged, subscribed: Shop
) -> None:
    app = at_desk()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, "colon", ("write", "invoices"), "enter", ("wait", "iris"))
        await play(pilot, "slash", ("write", "account:iris"), "enter", ("gone", "acme"))
        await play(pilot, "T", ("wait", "finalized"), "tab", "tab", ("write", "11.90"))
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "sandbox.invalid/invoice" in text_of(app))
        await play(pilot, "escape", "S", ("wait", "is so here"), "tab", "enter", ("wait", "Done."))
        await play(pilot, "escape", "slash", "end", "ctrl+u", ("write", "account:harbor"), "enter")
        await until(pilot, lambda: "SBX-" in text_of(app))
        await press(pilot, "V", "P", "T")
        assert where(app) is InvoicesScreen, "none of these is offered for what a gateway keeps"
    with subscribed.desk() as desk:
        [invoice] = desk.invoices.list(account="iris").rows
    assert (invoice.gateway, invoice.status) == ("sandbox", "open")

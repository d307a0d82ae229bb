"""What an account has saved to pay with, and what is done when its wallet runs low."""

from __future__ import annotations

from datetime import timedelta

from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money
from billdesk.screens.account import AccountScreen
from billdesk.screens.chrome import StatusLine
from billdesk.screens.link_page import LinkPage
from billdesk.screens.methods import MethodsScreen
from billdesk.screens.review import Review
from tests.screens.desk_pilot import (
    LARGE,
    Staged,
    fill_in,
    on_stage,
    press,
    said,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import WAYS_TO_PAY, play
from tests.screens.shop import Shop


async def test_a_card_is_saved_on_the_gateways_own_page_and_appears_by_itself(
    staged: Staged, shop: Shop
) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, *WAYS_TO_PAY)
        assert where(app) is MethodsScreen
        assert "Nothing is saved to pay with" in text_of(app)
        await press(pilot, "N", "tab", "tab", "enter")
        await until(pilot, lambda: where(app) is LinkPage)
        await until(pilot, lambda: "nothing saved yet" in text_of(app))
        assert "█▀▀▀▀▀█" in text_of(app)
        await press(pilot, "y")
        assert app.clipboard.startswith("https://sandbox.invalid/save/")
        assert app.desk is not None
        assert isinstance(app.desk.clock, MovingClock)
        app.desk.clock.advance(timedelta(minutes=1))
        await press(pilot, "p")
        await until(pilot, lambda: "····" in text_of(app))
        await press(pilot, "escape")
        assert where(app) is MethodsScreen
        await until(pilot, lambda: "default" in text_of(app))
        await press(pilot, "escape")
        assert where(app) is AccountScreen
    with shop.desk() as desk:
        [method] = desk.methods.list("acme")
        assert method.role == "default"


async def test_a_method_is_removed_only_when_its_label_is_typed(
    at_till: Staged, till: Shop
) -> None:
    with till.desk() as desk:
        digits = desk.methods.list("acme")[0].label.split()[-1]
    app = at_till()
    async with on_stage(app) as pilot:
        await play(pilot, *WAYS_TO_PAY, "X", "tab", ("write", digits), "tab", "tab", "enter")
        await until(pilot, lambda: "is topped up from" in text_of(app))
        await press(pilot, "escape", "S")
        await until(pilot, lambda: "Nothing more is taken" in text_of(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "stopped by hand" in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "S resumes it" in text_of(app))
        await press(pilot, "X", "tab")
        await write(pilot, "0000")
        assert app.screen.query_one("#confirm").disabled
        await press(pilot, "end", "ctrl+u")
        await write(pilot, digits)
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app) or "Not posted" in text_of(app))
        done = "Done." in text_of(app)
        await press(pilot, "escape")
        assert where(app) is MethodsScreen
    with till.desk() as desk:
        assert bool(desk.methods.list("acme")) is not done


async def test_a_method_becomes_the_backup_and_neither_by_the_same_key(
    at_till: Staged, till: Shop
) -> None:
    with till.desk() as desk:
        desk.watches.stop_topup("acme")
    app = at_till()
    async with on_stage(app) as pilot:
        await play(pilot, *WAYS_TO_PAY, "u")
        await until(pilot, lambda: "asked: 1 method saved" in said(app))
        await press(pilot, "enter")
        assert "their id" in text_of(app)
        await press(pilot, "escape", "b")
        await until(pilot, lambda: "is backup" in said(app) or "topped up" in said(app))
        first = said(app)
        await press(pilot, "b")
        await until(pilot, lambda: said(app) != first or "topped up" in said(app))
    with till.desk() as desk:
        assert desk.methods.list("acme")[0].role in {"", "default"}


async def test_an_alert_and_a_top_up_are_set_after_a_review(at_till: Staged, till: Shop) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *WAYS_TO_PAY, "A", "shift+tab", "end", "ctrl+u", ("write", "75.00"))
        await until(pilot, lambda: "No entries" in text_of(app))
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "less than 75.00 USD" in text_of(app))
        await press(pilot, "T")
        assert where(app) is Review
        await press(pilot, "tab")
        await fill_in(pilot, "30.00")
        await fill_in(pilot, "60.00")
        await fill_in(pilot, "none")
        await until(pilot, lambda: "charged to the default method" in text_of(app))
        await write(pilot, "60.00")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "60.00 USD when less than 30.00 USD" in text_of(app))
    with till.desk() as desk:
        watch = desk.watches.get("acme")
        assert (watch.alert_below, watch.topup_below) == (Money(7500, "USD"), Money(3000, "USD"))
        assert watch.topup_daily is None


async def test_the_gateway_an_account_pays_by_is_chosen_and_preselected(
    at_till: Staged, till: Shop
) -> None:
    app = at_till()
    async with on_stage(app) as pilot:
        await play(pilot, *WAYS_TO_PAY, "W", "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "pays by     sandbox" in text_of(app))
    with till.desk() as desk:
        assert desk.accounts.get("acme").gateway == "sandbox"


async def test_whoever_only_looks_is_refused_in_words(at_till: Staged) -> None:
    app = at_till(read_only=True)
    async with on_stage(app) as pilot:
        await play(pilot, *WAYS_TO_PAY)
        for key in ("N", "d", "b", "X", "u", "A", "T", "S", "W"):
            app.screen.query_one(StatusLine).say("")
            await press(pilot, key)
            assert where(app) is MethodsScreen, key
            assert "read-only" in said(app), key

"""Money in and money back at a gateway, asked for at the desk."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from datetime import timedelta

import pytest

from billdesk.app import BilldeskApp
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money
from billdesk.screens.account import AccountScreen
from billdesk.screens.card_refunds import CardRefundsScreen
from billdesk.screens.disputes import DisputesScreen
from billdesk.screens.link_page import LinkPage
from billdesk.screens.payments import PaymentsScreen
from billdesk.screens.review import Review
from tests.screens.desk_pilot import (
    LARGE,
    SMALL,
    Staged,
    on_stage,
    press,
    run_on,
    said,
    text_of,
    until,
    where,
    write,
)
from tests.screens.scenes import play
from tests.screens.shop import Shop

DEPOSIT = ("2", "enter", "D")
BACK = ("4", "slash", ("write", "account:acme"), "enter", "R")


def let_time_pass(app: BilldeskApp, minutes: int = 5) -> None:
    """The desk's clock stands still unless somebody moves it."""
    assert app.desk is not None
    assert isinstance(app.desk.clock, MovingClock)
    app.desk.clock.advance(timedelta(minutes=minutes))


# --- a deposit ---


async def test_a_deposit_ends_with_its_link_which_knows_by_itself_when_it_is_paid(
    staged: Staged, shop: Shop
) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, *DEPOSIT)
        assert isinstance(app.screen, Review)
        await press(pilot, "tab", "tab")
        await write(pilot, "25.00")
        await until(pilot, lambda: "No balance changes now" in text_of(app))
        assert "TEST: no real money" in text_of(app)
        await press(pilot, "tab", "tab")
        await write(pilot, "25.00")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, LinkPage))
        await until(pilot, lambda: "pending" in text_of(app))
        assert "https://sandbox.invalid/pay/sbx_" in run_on(app)
        assert "█▀▀▀▀▀█" in text_of(app), "a code to point a camera at"
        await press(pilot, "y")
        assert app.clipboard.startswith("https://sandbox.invalid/pay/")
        let_time_pass(app)
        assert app.desk is not None
        app.desk.gateways.poll()
        await until(pilot, lambda: "succeeded" in text_of(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, AccountScreen)
    with shop.desk() as desk:
        assert desk.payments.list(account="acme").rows[0].amount == Money(2500, "USD")


async def test_the_gateway_is_asked_from_the_link_by_one_key(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await play(pilot, "4", "slash", ("write", "status:pending"), "enter", "v")
        await until(pilot, lambda: "iris" in text_of(app))
        let_time_pass(app)
        await press(pilot, "p")
        await until(pilot, lambda: "succeeded" in text_of(app))


async def test_a_link_that_is_too_long_for_the_window_says_how_large_it_must_be(
    till: Shop, at_till: Staged
) -> None:
    long = "https://checkout.example/c/pay/" + "cs_test_a1b2c3" * 22
    with till.desk() as desk, desk.transaction() as block:
        block.execute("UPDATE payment SET pay_url = ? WHERE status = 'pending'", (long,))
    app = at_till()
    async with on_stage(app, SMALL) as pilot:
        await play(pilot, "4", "slash", ("write", "status:pending"), "enter", "v")
        await until(pilot, lambda: "the code needs a larger window" in text_of(app))
        assert long in run_on(app), "the link itself is never cut off"
        assert "█▀▀▀▀▀█" not in text_of(app)
    app.close_desk()
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, "4", "slash", ("write", "status:pending"), "enter", "v")
        await until(pilot, lambda: "█▀▀▀▀▀█" in text_of(app))


class Window(webbrowser.BaseBrowser):
    """A browser that remembers what it was to show."""

    def __init__(self) -> None:
        super().__init__("window")
        self.shown: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002
        self.shown.append(url)
        return True


@pytest.fixture
def window() -> Iterator[Window]:
    """The browser of this machine, for one test."""
    browser = Window()
    webbrowser.register("window", None, browser, preferred=True)
    yield browser
    webbrowser._tryorder.remove("window")  # type: ignore[attr-defined]  # there is no way to take one back


async def test_a_link_is_opened_in_a_browser_and_nothing_else_is(
    at_till: Staged, till: Shop, window: Window
) -> None:
    app = at_till()
    async with on_stage(app) as pilot:
        await play(pilot, "4", "slash", ("write", "status:pending"), "enter", "b")
        await until(pilot, lambda: "opened in a browser" in said(app))
        await press(pilot, "u")
        assert window.shown == [app.clipboard]
        with till.desk() as desk, desk.transaction() as block:
            block.execute(
                "UPDATE payment SET pay_url = 'file:///etc/passwd' WHERE status = 'pending'"
            )
        await press(pilot, "v")
        await until(pilot, lambda: "file:///" in text_of(app))
        await press(pilot, "o")
        await until(pilot, lambda: "not one for a browser" in text_of(app))
        assert len(window.shown) == 1


# --- money back ---


async def test_money_goes_back_to_a_card_after_a_review_that_holds_it_and_asks_no_gateway(
    at_till: Staged, till: Shop
) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await play(pilot, *BACK)
        assert isinstance(app.screen, Review)
        assert "20.00 USD is left" in text_of(app)
        await press(pilot, "tab", "end", "ctrl+u")
        await write(pilot, "20.01")
        await until(pilot, lambda: "at most 20.00 USD is left" in text_of(app))
        await press(pilot, "end", "ctrl+u")
        await write(pilot, "12.00")
        await press(pilot, "tab")
        await write(pilot, "the customer paid twice")
        await until(pilot, lambda: "Held at once" in text_of(app))
        assert "114.31 →         102.31" in text_of(app), "available before and after"
        assert "149.31 →         149.31" in text_of(app), "the balance moves when it is gone"
        with till.desk() as desk:
            assert len(desk.card_refunds.list().rows) == 2, "a rehearsal asks for nothing"
        await press(pilot, "tab")
        await write(pilot, "12.00")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert "rfd_" in text_of(app)
        await press(pilot, "escape", "c")
        assert isinstance(app.screen, CardRefundsScreen)
        await until(pilot, lambda: "3" in text_of(app) and "12.00" in text_of(app))
    with till.desk() as desk:
        refund = desk.card_refunds.list().rows[0]
        assert (refund.amount, refund.account_ref) == (Money(1200, "USD"), "acme")


async def test_a_payment_on_the_account_goes_back_to_its_card_and_a_charge_into_the_wallet(
    at_till: Staged,
) -> None:
    app = at_till(account="acme")
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "f", "f", "f", "f", "enter")
        await until(pilot, lambda: "fact " in text_of(app))
        assert "settled, 40.00 USD, applied" in text_of(app), "what the gateway said of it"
        await press(pilot, "escape", "R")
        await until(pilot, lambda: isinstance(app.screen, Review))
        assert "Refund to card: acme" in text_of(app)
        await press(pilot, "escape", "f", "f", "f")
        await play(pilot, "G", "k")
        await press(pilot, "R")
        assert "Refund to card" not in text_of(app)


async def test_what_went_back_already_is_not_offered_again(at_till: Staged, till: Shop) -> None:
    with till.desk() as desk:
        payment = desk.payments.list(account="acme").rows[0]
        desk.card_refunds.create(payment.id, memo="all the rest of it, please")
    app = at_till()
    async with on_stage(app) as pilot:
        await play(pilot, *BACK)
        assert isinstance(app.screen, PaymentsScreen)
        await until(pilot, lambda: "went back already" in said(app))


async def test_money_that_is_contested_or_never_came_is_not_sent_back(at_till: Staged) -> None:
    app = at_till()
    async with on_stage(app) as pilot:
        for status in ("disputed", "failed", "pending"):
            await play(pilot, "4", "slash", ("write", f"status:{status}"), "enter", "R")
            assert isinstance(app.screen, PaymentsScreen), status
            await press(pilot, "slash", "escape")


# --- trying again ---


async def test_a_failed_payment_is_tried_again_by_a_new_link(at_till: Staged, till: Shop) -> None:
    app = at_till()
    async with on_stage(app) as pilot:
        await play(pilot, "4", "slash", ("write", "status:failed"), "enter", "T", "tab", "tab")
        await write(pilot, "66.01")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, LinkPage))
        await until(pilot, lambda: "harbor" in text_of(app))
        assert "https://sandbox.invalid/pay/" in run_on(app)
    with till.desk() as desk:
        newest = desk.payments.list(account="harbor").rows[0]
        assert (newest.purpose, newest.status) == ("retry", "pending")


# --- looking ---


async def test_disputes_and_card_refunds_are_one_key_from_the_payments(at_till: Staged) -> None:
    app = at_till()
    async with on_stage(app, LARGE) as pilot:
        await press(pilot, "4", "d")
        assert where(app) is DisputesScreen
        assert "the payer says: not mine" in text_of(app)
        assert "TEST" in text_of(app)
        await press(pilot, "f")
        await until(pilot, lambda: "1 of 1" in text_of(app))
        await press(pilot, "enter")
        assert "birch  Birch & Sons" in text_of(app)
        await press(pilot, "escape", "c", "enter")
        await until(pilot, lambda: "a present for the trouble" in text_of(app))
        await press(pilot, "escape", "p")
        assert where(app) is PaymentsScreen


async def test_payments_are_filtered_by_gateway_and_every_status(at_till: Staged) -> None:
    app = at_till()
    async with on_stage(app) as pilot:
        await play(pilot, "4", "slash", ("write", "gateway:sandbox status:disputed"), "enter")
        await until(pilot, lambda: "1 of 1" in text_of(app))
        await press(pilot, "slash", "escape")
        await write(pilot, "gateway:elsewhere")
        await press(pilot, "enter")
        await until(pilot, lambda: "Nothing matches" in text_of(app))


async def test_whoever_only_looks_sends_nothing_back_and_that_is_said(at_till: Staged) -> None:
    app = at_till(read_only=True)
    async with on_stage(app) as pilot:
        await play(pilot, *BACK)
        assert isinstance(app.screen, PaymentsScreen)
        assert "read-only" in said(app)
        await play(pilot, "slash", "escape", ("write", "status:failed"), "enter", "T")
        assert isinstance(app.screen, PaymentsScreen)
        await play(pilot, "slash", "escape", ("write", "status:pending"), "enter", "v", "p")
        await until(pilot, lambda: "read-only" in text_of(app))

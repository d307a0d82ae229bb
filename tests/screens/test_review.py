"""Nothing moves by accident: what the money dialog promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Button

from billdesk.app import BilldeskApp
from billdesk.core.desk import Desk
from billdesk.core.values.errors import (
    Broken,
    GatewayUnreachable,
    InsufficientFunds,
    StoreBusy,
    StoreGone,
)
from billdesk.core.values.money import Money
from billdesk.screens import acts, verbs
from billdesk.screens.review import Review
from tests.screens.desk_pilot import Staged, on_stage, press, text_of, until, write
from tests.screens.shop import Shop

if TYPE_CHECKING:
    from textual.pilot import Pilot


REFERENCE = "desk:test"


def confirm_button(app: BilldeskApp) -> Button:
    return app.screen.query_one("#confirm", Button)


def is_offered(app: BilldeskApp) -> bool:
    """Whether the dialog is up and its last button can be pressed."""
    return any(not button.disabled for button in app.screen.query("#confirm").results(Button))


async def fill_in(pilot: Pilot[Any], app: BilldeskApp, amount: str = "10.00") -> None:
    """Open the dialog for a manual credit and fill it in, up to the last button."""
    app.push_screen(Review(verbs.adjust("acme", "USD", REFERENCE)))
    await press(pilot, "tab", "tab")
    await write(pilot, amount)
    await press(pilot, "tab")
    await write(pilot, "a present for a friend")
    await press(pilot, "tab")
    await write(pilot, amount)


async def test_focus_starts_on_cancel_so_that_enter_does_nothing(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        app.push_screen(Review(verbs.freeze("acme", "USD")))
        await until(pilot, lambda: app.focused is not None)
        assert app.focused is not None
        assert app.focused.id == "cancel"
        await press(pilot, "enter")
        assert not isinstance(app.screen, Review)


async def test_enter_in_a_field_goes_on_and_never_posts(staged: Staged, shop: Shop) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await fill_in(pilot, app)
        await until(pilot, lambda: is_offered(app))
        await press(pilot, "enter")
        assert app.focused is not None
        assert app.focused.id == "cancel"
        await press(pilot, "enter")
        assert not isinstance(app.screen, Review)
    with shop.desk() as desk:
        assert desk.wallets.balance("acme").balance == Money(12931, "USD")


async def test_nothing_can_be_posted_before_it_was_rehearsed_and_typed_again(
    staged: Staged,
) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        app.push_screen(Review(verbs.adjust("acme", "USD", REFERENCE)))
        await press(pilot, "tab", "tab")
        assert confirm_button(app).disabled
        await write(pilot, "10.00")
        await press(pilot, "tab")
        await write(pilot, "too short")
        assert "10 to 500" in text_of(app), "what is wrong is said under the field"
        assert confirm_button(app).disabled
        await write(pilot, " no longer")
        await until(pilot, lambda: "Entries" in text_of(app))
        assert confirm_button(app).disabled
        await press(pilot, "tab")
        await write(pilot, "10.0")
        assert confirm_button(app).disabled
        await write(pilot, "0")
        await until(pilot, lambda: is_offered(app))
        await press(pilot, "backspace")
        assert confirm_button(app).disabled


async def test_the_space_around_what_is_typed_counts_for_nothing(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await fill_in(pilot, app, " 10.00 ")
        await until(pilot, lambda: is_offered(app))


async def test_a_rehearsal_leaves_nothing_behind(staged: Staged, shop: Shop) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await fill_in(pilot, app)
        await until(pilot, lambda: "Entries" in text_of(app))
        assert "129.31 →         139.31" in text_of(app)
        assert "+10.00 USD  against adjustment" in text_of(app)
        await press(pilot, "escape")
    with shop.desk() as desk:
        assert desk.ledger.pulse() == 244
        assert desk.wallets.balance("acme").balance == Money(12931, "USD")


async def test_a_double_press_posts_once(staged: Staged, shop: Shop) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await fill_in(pilot, app)
        await until(pilot, lambda: is_offered(app))
        review = app.screen
        assert isinstance(review, Review)
        button = confirm_button(app)
        button.action_press()
        button.action_press()
        review._confirm()
        assert button.disabled
        await until(pilot, lambda: "Done." in text_of(app))
    with shop.desk() as desk:
        assert desk.ledger.pulse() == 245
        assert desk.ledger.entries("acme", reference=REFERENCE).rows[0].amount.minor == 1000


async def test_when_the_balance_has_moved_nothing_is_posted(staged: Staged, shop: Shop) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await fill_in(pilot, app)
        await until(pilot, lambda: is_offered(app))
        with shop.desk(actor="somebody else") as desk:
            desk.charges.create("acme", "1.00", reference="meanwhile:1")
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Not posted." in text_of(app))
        assert "129.31 USD became 128.31" in text_of(app)
        await press(pilot, "escape")
    with shop.desk() as desk:
        assert desk.wallets.balance("acme").balance == Money(12831, "USD")


async def test_the_receipt_can_be_copied_and_stays_until_it_is_put_away(
    staged: Staged,
) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        await fill_in(pilot, app)
        await until(pilot, lambda: is_offered(app))
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: "Done." in text_of(app))
        assert "leaves 139.31 USD" in text_of(app)
        await press(pilot, "enter", "space", "q")
        assert isinstance(app.screen, Review)
        await press(pilot, "y")
        assert app.clipboard.startswith("adj_")
        assert app.clipboard in text_of(app)
        assert app.notes[-1].text.endswith(app.clipboard)
        await press(pilot, "escape")
        assert not isinstance(app.screen, Review)


async def test_a_refusal_shows_in_the_dialog_before_anything_is_tried(staged: Staged) -> None:
    app = staged()
    async with on_stage(app) as pilot:
        app.push_screen(Review(verbs.charge("acme", "USD", REFERENCE)))
        await press(pilot, "tab")
        await write(pilot, "94.32")
        await until(pilot, lambda: "Not possible." in text_of(app))
        assert "94.31 USD can be used" in text_of(app)
        await press(pilot, "tab", "tab")
        await write(pilot, "94.32")
        assert confirm_button(app).disabled


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (InsufficientFunds("too little", "deposit first"), "Not posted."),
        (StoreBusy("somebody else writes", "try again"), "Not posted."),
        (StoreGone("the connection broke", "try again"), "Unknown."),
        (GatewayUnreachable("no answer", "it is asked again"), "Unknown."),
        (Broken("an invariant failed"), "Unknown."),
        (ValueError("a bug of ours"), "Unknown."),
    ],
)
async def test_a_failure_says_what_is_known_about_the_money(
    error: Exception, known: str, staged: Staged
) -> None:
    """An act that fails for good only: the verb itself is the one thing made up here."""

    def perform(_: Desk, __: acts.Values) -> acts.Receipt:
        raise error

    act = acts.Act(title="Try", verb="Try", account_ref="acme", perform=perform, rehearsable=False)
    app = staged()
    async with on_stage(app) as pilot:
        app.push_screen(Review(act))
        await until(pilot, lambda: is_offered(app))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: known in text_of(app))
        assert str(error)[1:] in text_of(app)
        assert "Traceback" not in text_of(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, Review), "a failure stays until it is put away, too"
        await press(pilot, "escape")
        assert app.notes[-1].tone == "bad"

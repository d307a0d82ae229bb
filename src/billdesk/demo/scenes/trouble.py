"""Scenes of the demo in which something is refused, and what lifts it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from billdesk.core.desk import open_desk
from billdesk.core.rules.sheets import ChargeSheet
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    FloorInUse,
    InsufficientFunds,
    NotFound,
    ReadOnly,
    ReferenceReused,
    Refused,
    WalletFrozen,
)
from billdesk.demo.story import Story
from billdesk.demo.telling import (
    account_told,
    charge_told,
    freezes_told,
    hold_told,
    posting_told,
    wallet_told,
)


def only_looking(story: Story) -> None:
    """A desk that was opened to look touches nothing."""
    story.teller.heading("Only looking")
    with open_desk(story.where, read_only=True, clock=story.clock) as window:
        story.act(
            "look at brightwell",
            lambda: window.wallets.balance("brightwell"),
            lambda balance: f"{balance.balance}, {balance.available} available",
        )
        story.act(
            "charge brightwell 1.00 from there",
            lambda: window.charges.create("brightwell", "1.00", reference="window:1"),
            charge_told,
            refused=ReadOnly,
        )


def wrong_words(story: Story) -> None:
    """What cannot be read is refused, with what would be right."""
    story.teller.heading("Things that cannot be read")
    charge = story.engine.charges.create
    for ref, amount in (
        ("brightwell", "12.345"),
        ("brightwell", "1e3"),
        ("brightwell", "-5"),
        ("sakura", "99.50 JPY"),
        ("brightwell", "10 DOUBLOON"),
    ):
        story.act(
            f"charge {ref} {amount}",
            partial(charge, ref, amount, reference="typo:1"),
            charge_told,
            refused=BadInput,
        )
    story.act(
        "charge nobody 5.00",
        lambda: charge("nobody", "5.00", reference="typo:2"),
        charge_told,
        refused=NotFound,
    )
    story.act(
        'credit brightwell 5.00 because "oops"',
        lambda: story.office.adjustments.credit("brightwell", "5.00", memo="oops"),
        posting_told,
        refused=BadInput,
    )


def same_reference(story: Story) -> None:
    """A reference is good for one charge."""
    story.teller.heading("One reference, one charge")

    def charge(amount: str) -> Callable[[], ChargeSheet]:
        return lambda: story.engine.charges.create(
            "harrow-roofs", amount, reference="web-order:7781", subject="sponsored listing Leeds"
        )

    story.act("charge harrow-roofs 35.00, web-order:7781", charge("35.00"), charge_told)
    story.act("the same again, as after a lost reply", charge("35.00"), charge_told)
    story.act("the same reference for 53.00", charge("53.00"), charge_told, refused=ReferenceReused)


def spent(story: Story) -> None:
    """Quickfix uses up everything."""
    story.teller.heading("Nothing left")
    charge = story.engine.charges.create
    story.act(
        "charge quickfix 5000.00",
        lambda: charge("quickfix", "5000.00", reference="campaign:9", subject="spring campaign"),
        charge_told,
        refused=InsufficientFunds,
    )
    story.act(
        "charge quickfix 250.00",
        lambda: charge("quickfix", "250.00", reference="campaign:10", subject="small campaign"),
        charge_told,
    )
    story.act(
        "charge quickfix 0.01",
        lambda: charge("quickfix", "0.01", reference="lead:penny", subject="one penny more"),
        charge_told,
        refused=InsufficientFunds,
    )


def frozen(story: Story) -> None:
    """A wallet is frozen, and thawed by the one who may."""
    story.teller.heading("Frozen")
    wallets, charge = story.office.wallets, story.engine.charges.create
    freeze_memo = "two card payments are disputed, wait for the bank"
    story.act(
        "freeze golden-gate",
        lambda: wallets.freeze("golden-gate", memo=freeze_memo),
        freezes_told,
    )
    story.act(
        "charge golden-gate 30.00",
        lambda: charge("golden-gate", "30.00", reference="lead:carpet-1", subject="carpet laying"),
        charge_told,
        refused=WalletFrozen,
    )
    story.act(
        "hold 30.00 of golden-gate",
        lambda: story.engine.holds.place("golden-gate", "30.00", reference="job:carpet-1"),
        hold_told,
        refused=WalletFrozen,
    )
    story.act(
        "unfreeze a cause that is not there",
        lambda: wallets.unfreeze("golden-gate", memo="the bank has cleared it", cause="dispute"),
        freezes_told,
        refused=Refused,
    )
    story.act(
        "unfreeze golden-gate",
        lambda: wallets.unfreeze("golden-gate", memo="the bank has cleared both payments"),
        freezes_told,
    )
    story.act(
        "charge golden-gate 30.00",
        lambda: charge("golden-gate", "30.00", reference="lead:carpet-1", subject="carpet laying"),
        charge_told,
    )


def credit_limit(story: Story) -> None:
    """A good customer may owe a little."""
    story.teller.heading("A credit limit")
    set_floor, charge = story.office.wallets.set_floor, story.engine.charges.create
    story.act(
        "let old-mill go down to -200.00",
        lambda: set_floor("old-mill", "-200.00", memo="ten years with us, always paid"),
        wallet_told,
    )
    story.act(
        "charge old-mill 420.00",
        lambda: charge("old-mill", "420.00", reference="stairs:1", subject="oak staircases"),
        charge_told,
    )
    story.act(
        "charge old-mill 100.00",
        lambda: charge("old-mill", "100.00", reference="stairs:2", subject="one more"),
        charge_told,
        refused=InsufficientFunds,
    )
    story.act(
        "take the limit back while it is used",
        lambda: set_floor("old-mill", "0", memo="the limit was meant for one month"),
        wallet_told,
        refused=FloorInUse,
    )


def suspended(story: Story) -> None:
    """Old Mill does not answer any more."""
    story.teller.heading("Suspended")
    accounts, charge = story.office.accounts, story.engine.charges.create
    story.act(
        "suspend old-mill",
        lambda: accounts.suspend("old-mill", memo="three letters came back unopened"),
        account_told,
    )
    story.act(
        "charge old-mill 10.00",
        lambda: charge("old-mill", "10.00", reference="stairs:3", subject="handrail"),
        charge_told,
        refused=AccountClosed,
    )
    story.act(
        "reopen old-mill",
        lambda: accounts.reopen("old-mill", memo="they had moved across the street"),
        account_told,
    )
    story.act(
        "suspend old-mill again",
        lambda: accounts.suspend("old-mill", memo="the invoice is still not paid"),
        account_told,
    )


def closed(story: Story) -> None:
    """Rapid Rooter goes out of business."""
    story.teller.heading("Closed")
    accounts = story.office.accounts
    memo = "out of business, asked by e-mail"
    story.act(
        "close rapid-rooter while money is left",
        lambda: accounts.close("rapid-rooter", memo=memo),
        account_told,
        refused=Refused,
    )
    story.act(
        "debit rapid-rooter 120.00",
        lambda: story.office.adjustments.debit(
            "rapid-rooter",
            "120.00",
            memo="sent back by bank transfer",
            reference="payout:rapid-rooter",
        ),
        posting_told,
    )
    story.act("close rapid-rooter", lambda: accounts.close("rapid-rooter", memo=memo), account_told)
    story.act(
        "charge rapid-rooter 10.00",
        lambda: story.engine.charges.create("rapid-rooter", "10.00", reference="lead:drain-1"),
        charge_told,
        refused=AccountClosed,
    )


def debt(story: Story) -> None:
    """A call cost more than was set aside for it, and more than there was."""
    story.teller.heading("Debt")
    hold = story.act(
        "hold 180.00 of blue-ridge for a campaign",
        lambda: story.engine.holds.place(
            "blue-ridge", "180.00", reference="campaign:44", subject="septic tank campaign"
        ),
        hold_told,
    )
    if hold is not None:
        story.wait(hours=3)
        story.act(
            "capture 260.00 of it: more than there is",
            lambda: story.engine.holds.capture(hold.id, "260.00"),
            hold_told,
        )

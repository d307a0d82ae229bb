"""What is special in the demo's ninety days: scenes for every verb, standing and refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from billdesk.core.desk import open_desk
from billdesk.core.rules.sheets import (
    AccountSheet,
    ChargeSheet,
    FreezeSheet,
    HoldSheet,
    PaymentSheet,
    PostingSheet,
    WalletSheet,
)
from billdesk.core.values.errors import (
    AccountClosed,
    AlreadyCorrected,
    AlreadyExists,
    BadInput,
    FloorInUse,
    GatewayUnreachable,
    HoldNotOpen,
    InsufficientFunds,
    NotFound,
    ReadOnly,
    ReferenceReused,
    Refused,
    WalletFrozen,
)
from billdesk.demo.cast import CAST, CREDITS_FOR
from billdesk.demo.story import Story

Scene = Callable[[Story], None]


# --- how answers are told ------------------------------------------------------------------------


def account_told(account: AccountSheet) -> str:
    """What became of an account."""
    return f"{account.ref} is {account.status}"


def charge_told(charge: ChargeSheet) -> str:
    """What a charge left."""
    again = "the first result again, " if charge.replayed else ""
    return f"{again}{charge.amount}, {charge.balance_after} left"


def hold_told(hold: HoldSheet) -> str:
    """What became of a hold."""
    told = f"{hold.amount} {hold.status}"
    if hold.captured is not None:
        told += f", {hold.captured} taken"
    if hold.shortfall is not None:
        told += f", {hold.shortfall} owed to us"
    return told


def posting_told(posting: PostingSheet) -> str:
    """What a posting moved."""
    return ", ".join(f"{entry.amount} → {entry.balance_after}" for entry in posting.entries)


def payment_told(payment: PaymentSheet) -> str:
    """What became of a payment."""
    return f"{payment.amount} {payment.status}"


def freezes_told(freezes: FreezeSheet | tuple[FreezeSheet, ...]) -> str:
    """What is frozen or free again."""
    if isinstance(freezes, FreezeSheet):
        return f"frozen by {freezes.set_by}: {freezes.cause}"
    return f"{len(freezes)} lifted"


def wallet_told(wallet: WalletSheet) -> str:
    """How low a wallet may go."""
    floor = "no limit" if wallet.floor is None else f"down to {wallet.floor}"
    return f"{wallet.available} available, {floor}"


# --- the scenes ----------------------------------------------------------------------------------


def open_accounts(story: Story) -> None:
    """The customers arrive."""
    story.teller.heading("Customers arrive")
    for member in CAST:
        story.act(
            f"add account {member.ref}",
            partial(story.office.accounts.add, member.ref, name=member.name, email=member.address),
            lambda account: account.name,
        )
    story.act(
        "add account brightwell once more, the same",
        lambda: story.office.accounts.add("brightwell", name=CAST[0].name, email=CAST[0].address),
        lambda account: f"{account.ref} is here already: nothing changed",
    )
    story.act(
        "add account brightwell under another name",
        lambda: story.office.accounts.add("brightwell", name="Somebody Else Ltd"),
        account_told,
        refused=AlreadyExists,
    )


def first_money(story: Story) -> None:
    """Everybody pays in for the first time."""
    story.teller.heading("The first money")
    for member in CAST[1:]:
        story.engine.deposits.start(member.ref, f"{member.top_up} {member.asset}")
        story.wait(minutes=1)
    story.deposit("brightwell", "1500.00")
    for ref in CREDITS_FOR:
        story.act(
            f"give {ref} 400 credits",
            partial(
                story.office.adjustments.credit,
                ref,
                "400 CREDIT",
                memo="welcome credits, as agreed with sales",
            ),
            posting_told,
        )


def payments(story: Story) -> None:
    """What can become of a deposit: the sandbox lets the amount decide."""
    story.teller.heading("Deposits that go another way")
    story.deposit("kilima", "266.01")
    story.deposit("kilima", "266.02")
    story.deposit("kilima", "266.03", refused=GatewayUnreachable)
    for amount in ("9.99", "50 CREDIT"):
        story.act(
            f"kilima pays in {amount}",
            partial(story.engine.deposits.start, "kilima", amount),
            payment_told,
            refused=BadInput,
        )
    story.act(
        "kilima pays in 50.00 through a gateway that is not there",
        lambda: story.engine.deposits.start("kilima", "50.00", gateway="piggybank"),
        payment_told,
        refused=NotFound,
    )


def unpaid(story: Story) -> None:
    """A day later: nobody paid the second of those deposits."""
    story.teller.heading("Nobody paid")
    story.act(
        "ask the sandbox about the one that nobody paid",
        story.engine.gateways.poll,
        lambda _: ", ".join(
            f"{payment.amount} {payment.status}"
            for payment in story.engine.payments.list(account="kilima", limit=3).rows
        ),
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


def holds(story: Story) -> None:
    """Money set aside: taken in part, given back, forgotten."""
    story.teller.heading("Holds")
    place = story.engine.holds.place
    job = story.act(
        "hold 120.00 of larsen for a removal",
        lambda: place("larsen", "120.00", reference="job:31", subject="removal Aarhus, reserved"),
        hold_told,
    )
    other = story.act(
        "hold 60.00 of larsen for another",
        lambda: place("larsen", "60.00", reference="job:32", subject="removal Odense, reserved"),
        hold_told,
    )
    story.act(
        "hold 45.00 of prairie for two days",
        lambda: place(
            "prairie",
            "45.00",
            reference="job:33",
            subject="chimney sweep Omaha, never confirmed",
            lasts=timedelta(days=2),
        ),
        hold_told,
    )
    if job is None or other is None:
        return
    capture, release = story.engine.holds.capture, story.engine.holds.release
    story.wait(hours=2)
    story.act("capture 85.50 of the first", lambda: capture(job.id, "85.50"), hold_told)
    story.act("capture it once more", lambda: capture(job.id), hold_told, refused=HoldNotOpen)
    story.act("release the second", lambda: release(other.id), hold_told)


def forgotten_hold(story: Story) -> None:
    """Nobody came for the third hold."""
    story.teller.heading("A hold that was forgotten")
    story.act(
        "look for holds past their deadline",
        story.engine.holds.expire_due,
        lambda count: f"{count} expired, the money is free again",
    )


def refunds(story: Story) -> None:
    """A charge is given back once."""
    story.teller.heading("Refunds")
    charge = story.act(
        "charge nordlys 38.00",
        lambda: story.engine.charges.create(
            "nordlys", "38.00", reference="lead:dispute-1", subject="lead with a wrong number"
        ),
        charge_told,
    )
    if charge is None:
        return
    refund = story.office.refunds.create
    story.wait(hours=1)
    story.act(
        "refund it",
        lambda: refund(charge.id, memo="the number belonged to somebody else"),
        posting_told,
    )
    story.act(
        "refund it once more", lambda: refund(charge.id), posting_told, refused=AlreadyCorrected
    )


def by_hand(story: Story) -> None:
    """People make mistakes, and the ledger keeps both the mistake and its cure."""
    story.teller.heading("By hand")
    adjustments = story.office.adjustments
    story.act(
        "credit dubois 20.00 EUR",
        lambda: adjustments.credit("dubois", "20.00 EUR", memo="goodwill: two leads went nowhere"),
        posting_told,
    )
    wrong = story.act(
        "debit dubois 75.00 EUR",
        lambda: adjustments.debit("dubois", "75.00 EUR", memo="bank fee of the returned transfer"),
        posting_told,
    )
    if wrong is None:
        return
    reverse = story.office.reversals.create
    memo = "it should have been 7.50, not 75.00"
    story.act("reverse that", lambda: reverse(wrong.id, memo=memo), posting_told)
    story.act(
        "reverse it once more",
        lambda: reverse(wrong.id, memo=memo),
        posting_told,
        refused=AlreadyCorrected,
    )
    story.act(
        "debit dubois 7.50 EUR",
        lambda: adjustments.debit("dubois", "7.50 EUR", memo="bank fee of the returned transfer"),
        posting_told,
    )


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
            "rapid-rooter", "120.00", memo="sent back by bank transfer"
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


def unfinished(story: Story) -> None:
    """How the business is found today: something is always in the air."""
    story.teller.heading("Today")
    place = story.engine.holds.place
    story.deposit("kowhai", "166.02")
    story.act(
        "hold 75.00 of maple-ridge",
        lambda: place("maple-ridge", "75.00", reference="job:90", subject="window fitting Halifax"),
        hold_told,
    )
    story.act(
        "hold 6.500 KWD of al-noor",
        lambda: place("al-noor", "6.500 KWD", reference="job:91", subject="marble floor, reserved"),
        hold_told,
    )
    story.act(
        "freeze golden-gate",
        lambda: story.office.wallets.freeze(
            "golden-gate", memo="a third payment is disputed, wait for the bank"
        ),
        freezes_told,
    )
    story.act(
        "freeze golden-gate for a second cause",
        lambda: story.office.wallets.freeze(
            "golden-gate", memo="the card's owner says it was stolen", cause="fraud"
        ),
        freezes_told,
    )


def _quarter(day: int, quarter: int = 2) -> int:
    """The number of a quarter (1 to 4) of a day (from 1)."""
    return (day - 1) * 4 + quarter


SCENES: Mapping[int, tuple[Scene, ...]] = {
    _quarter(1, 1): (open_accounts, first_money),
    _quarter(2): (wrong_words,),
    _quarter(4): (only_looking,),
    _quarter(6): (same_reference,),
    _quarter(12): (holds,),
    _quarter(15): (forgotten_hold,),
    _quarter(19): (refunds,),
    _quarter(23): (payments,),
    _quarter(24, 3): (unpaid,),
    _quarter(26): (by_hand,),
    _quarter(33): (spent,),
    _quarter(41): (frozen,),
    _quarter(48): (credit_limit,),
    _quarter(57): (suspended,),
    _quarter(65): (closed,),
    _quarter(72): (debt,),
    _quarter(90, 4): (unfinished,),
}
"""Which scenes are played in which quarter of a day."""

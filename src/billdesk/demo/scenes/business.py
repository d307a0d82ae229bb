"""Scenes of the demo in which business is done: money comes, is held, given back, put right."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

from billdesk.core.values.errors import (
    AlreadyCorrected,
    AlreadyExists,
    BadInput,
    GatewayUnreachable,
    HoldNotOpen,
    NotFound,
)
from billdesk.demo.cast import CAST, CREDITS_FOR
from billdesk.demo.story import Story
from billdesk.demo.telling import (
    account_told,
    charge_told,
    freezes_told,
    hold_told,
    payment_told,
    posting_told,
)


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
        story.pay_in(member.ref, f"{member.top_up} {member.asset}", "first money")
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
                reference=f"credits:{ref}:welcome",
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
    """Nobody came for the third hold: its money is free again."""
    story.teller.heading("A hold that was forgotten")
    story.tick("do what is due: holds past their deadline, and more")


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
        lambda: adjustments.credit(
            "dubois",
            "20.00 EUR",
            memo="goodwill: two leads went nowhere",
            reference="goodwill:dubois",
        ),
        posting_told,
    )
    wrong = story.act(
        "debit dubois 75.00 EUR",
        lambda: adjustments.debit(
            "dubois", "75.00 EUR", memo="bank fee of the returned transfer", reference="fee:dubois"
        ),
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
        lambda: adjustments.debit(
            "dubois",
            "7.50 EUR",
            memo="bank fee of the returned transfer",
            reference="fee:dubois:right",
        ),
        posting_told,
    )


def sealed(story: Story) -> None:
    """What is in the ledger now can be proved later, even if somebody cuts its end off."""
    story.teller.heading("Sealed")
    info, stamp = story.office.info, f"{story.clock.now():%Y-%m-%dT%H%M%SZ}"
    beside = Path(f"{info.where}.checkpoints") / f"{stamp}.checkpoint"
    story.act(
        "seal a checkpoint outside the ledger",
        lambda: story.office.seal(beside if info.kind == "sqlite" else None),
        lambda seal: f"{seal.entries:,} entries in {seal.wallets} wallets, {seal.hash[:16]}…",
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

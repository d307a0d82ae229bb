"""Scenes of the demo in which money goes back to cards, or is contested."""

from __future__ import annotations

from functools import partial

from billdesk.core.rules.sheets import CardRefundSheet, PaymentSheet
from billdesk.core.values.errors import Refused
from billdesk.core.values.money import Money
from billdesk.demo.story import Story
from billdesk.demo.telling import (
    card_refund_told,
    card_refunds_told,
    charge_told,
    disputes_told,
    payment_told,
    tick_told,
)


def card_refunds(story: Story) -> None:
    """Harbour Glass paid more than it wanted to."""
    story.teller.heading("Back to the card")
    twice = _paid(story, "harbour-glass", "200.00", "paid twice")
    much = _paid(story, "harbour-glass", "350.00", "paid too much")
    closed = _paid(story, "harbour-glass", "166.06", "account closed")
    _refund(story, twice, None, "paid twice by mistake")
    _refund(story, much, "75.50", "a part of it was meant for somebody else")
    story.act(
        "send 300.00 of the same payment back, too",
        lambda: _send_back(story, much, "300.00", "all the rest, and a little more"),
        card_refund_told,
        refused=Refused,
    )
    _refund(story, closed, None, "the customer asked for it by telephone")


def card_refunds_arrived(story: Story) -> None:
    """Two days later two have arrived, and one came back."""
    story.teller.heading("What became of the refunds")
    story.act("ask the sandbox", story.engine.gateways.poll, tick_told)
    refunds = story.office.card_refunds.list(account="harbour-glass").rows
    story.act("how far they are", lambda: refunds, card_refunds_told)


def refund_elsewhere(story: Story) -> None:
    """Somebody uses the gateway's own pages instead of the desk."""
    story.teller.heading("A refund made on the gateway's own site")
    payment = _paid(story, "harbour-glass", "80.00", "one month more")
    story.act(
        "somebody clicks 25.00 of it back there",
        lambda: story.counterpart.refund(payment, Money(2500, "USD")),
        lambda _: "the desk is not asked",
    )


def refund_elsewhere_found(story: Story) -> None:
    """The next day it has arrived, and the desk knows."""
    story.teller.heading("Found out")
    story.act("ask the sandbox", story.engine.gateways.poll, tick_told)
    payment_id = story.named("pay", "harbour-glass one month more")
    story.act(
        "what went back of that payment",
        lambda: story.office.card_refunds.list(payment=payment_id).rows[0],
        lambda refund: f"{refund.amount} {refund.status}, {refund.memo}",
    )


def contested(story: Story) -> None:
    """Two payments that their payers will contest: the amounts decide that."""
    story.teller.heading("Payments that will be contested")
    _paid(story, "sharp-cuts", "266.04", "a large order")
    _paid(story, "stone-lane", "266.05", "a large order")
    story.act(
        "charge sharp-cuts 300.00",
        lambda: story.engine.charges.create(
            "sharp-cuts", "300.00", reference="hedge:1", subject="leads of a whole county"
        ),
        charge_told,
    )


def disputes(story: Story) -> None:
    """The payers contest them: what is left of the money is held."""
    story.teller.heading("Disputes")
    _look_at_disputes(story)
    story.act(
        "send the contested money of stone-lane back",
        lambda: _send_back(
            story,
            story.office.payments.list(account="stone-lane", status="disputed").rows[0],
            None,
            "before the bank decides",
        ),
        card_refund_told,
        refused=Refused,
    )


def disputes_decided(story: Story) -> None:
    """The banks decide: one is won, the other lost, and most of that money had been spent."""
    story.teller.heading("What the banks decided")
    _look_at_disputes(story)
    for ref in ("stone-lane", "sharp-cuts"):
        story.act(
            f"what {ref} has now",
            partial(story.office.incident, ref),
            lambda found: (
                f"{found.standing.word}: "
                + ", ".join(f"{wallet.balance} {wallet.purpose}" for wallet in found.wallets)
            ),
        )


def contested_again(story: Story) -> None:
    """A payment whose dispute is still open today."""
    story.teller.heading("One more that will be contested")
    _paid(story, "golden-gate", "166.04", "one more")


def on_its_way(story: Story) -> None:
    """A refund of today."""
    payment = story.office.payments.get(story.named("pay", "harbour-glass paid too much"))
    _refund(story, payment, "40.00", "the second part, as promised")


def _look_at_disputes(story: Story) -> None:
    story.act("ask the sandbox", story.engine.gateways.poll, tick_told)
    story.act("what is contested", lambda: story.office.disputes.list().rows, disputes_told)


def _paid(story: Story, ref: str, amount: str, occasion: str) -> PaymentSheet:
    story.act(f"{ref} pays in {amount}", lambda: story.pay_in(ref, amount, occasion), payment_told)
    story.wait(minutes=5)
    story.act("ask the sandbox what happened", story.engine.gateways.poll, tick_told)
    return story.office.payments.get(story.named("pay", f"{ref} {occasion}"))


def _refund(story: Story, payment: PaymentSheet, amount: str | None, memo: str) -> None:
    what = f"{amount} of {payment.amount}" if amount else f"all of {payment.amount}"
    story.act(
        f"send {what} back",
        lambda: _send_back(story, payment, amount, memo),
        card_refund_told,
    )


def _send_back(
    story: Story, payment: PaymentSheet, amount: str | None, memo: str
) -> CardRefundSheet:
    refund_id = story.named("rfd", f"{payment.id} {amount} {memo}")
    return story.office.card_refunds.create(payment.id, amount, memo=memo, id=refund_id)

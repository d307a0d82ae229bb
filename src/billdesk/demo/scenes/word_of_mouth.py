"""Scenes of the demo about the gateway's word: brought by hand, not understood, not to be had."""

from __future__ import annotations

from billdesk.core.values.errors import BadInput, GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from billdesk.demo.counterpart import SANDBOX, Fact
from billdesk.demo.story import Story
from billdesk.demo.telling import intake_told, payment_told, reconcile_told, tick_told


def by_message(story: Story) -> None:
    """What the gateway sends is as good as what it answers, if it signed it."""
    story.teller.heading("A message instead of a poll")
    payment = story.act(
        "nordlys pays in 60.00",
        lambda: story.pay_in("nordlys", "60.00", "message"),
        payment_told,
    )
    if payment is None:
        return
    fact = story.counterpart.pay(payment)
    for title in ("take in the sandbox's message", "the same message once more"):
        _take(story, title, fact)
    body, headers = story.counterpart.gateway.message(fact)
    story.act(
        "take in a message that somebody changed",
        lambda: story.engine.gateways.take(SANDBOX, body + b" ", headers),
        intake_told,
        refused=BadInput,
    )


def waits(story: Story) -> None:
    """Money that came otherwise than the desk asked for it waits for a person."""
    story.teller.heading("Money that waits for a person")
    payment_id = story.named("pay", "stone-lane another amount")
    fact = story.counterpart.pay_by_other_means(payment_id, Money(12_000, "USD"), "stone-lane")
    story.act(
        "ask stone-lane for 150.00 where 120.00 was asked for",
        lambda: story.engine.deposits.start("stone-lane", "150.00", id=payment_id),
        payment_told,
        refused=GatewayError,
    )
    _take(story, "take in the message that 120.00 came", fact)
    unknown = story.counterpart.pay_by_other_means(
        story.named("pay", "a link of the gateway's own"), Money(4_500, "USD"), "somebody"
    )
    _take(story, "take in one about a link made on the sandbox's site", unknown)
    story.act(
        "what waits",
        lambda: story.office.facts.list(state="waiting").rows,
        lambda facts: "; ".join(f"{fact.amount}: {fact.detail}" for fact in facts),
    )


def down(story: Story) -> None:
    """The gateway has not answered all day."""
    story.teller.heading("The gateway is down")
    story.wait(hours=2)
    story.act("ask the sandbox what happened", story.engine.gateways.poll, tick_told)
    story.act(
        "kilima pays in 90.00",
        lambda: story.pay_in("kilima", "90.00", "while it is down"),
        payment_told,
        refused=GatewayUnreachable,
    )
    story.act(
        "compare with its books",
        lambda: story.office.reconcile.run(SANDBOX),
        reconcile_told,
        refused=GatewayUnreachable,
    )


def back(story: Story) -> None:
    """The gateway answers again: what was not asked for is asked for now."""
    story.teller.heading("The gateway is back")
    story.act("ask the sandbox what happened", story.engine.gateways.poll, tick_told)
    story.wait(minutes=5)
    story.act("ask once more: customers pay", story.engine.gateways.poll, tick_told)
    payment_id = story.named("pay", "kilima while it is down")
    story.act(
        "what became of kilima's 90.00",
        lambda: story.office.payments.get(payment_id),
        payment_told,
    )


def _take(story: Story, title: str, fact: Fact) -> None:
    body, headers = story.counterpart.gateway.message(fact)
    story.act(title, lambda: story.engine.gateways.take(SANDBOX, body, headers), intake_told)

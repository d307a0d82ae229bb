"""Scenes of the demo about saved cards: charged by themselves, declined, tried again."""

from __future__ import annotations

from functools import partial

from billdesk.core.rules.sheets import MethodSheet, PaymentSheet
from billdesk.demo.story import Story
from billdesk.demo.telling import (
    charge_told,
    method_told,
    methods_told,
    payment_told,
    tick_told,
    watch_told,
)


def saved(story: Story) -> None:
    """Two customers let us keep their cards; a third one is only watched."""
    story.teller.heading("Cards to charge while their owners are away")
    _pay_and_save(story, "lagos-solar", "300.00")
    watches = story.office.watches
    story.act(
        "top lagos-solar up by itself",
        lambda: watches.set_topup("lagos-solar", below="900.00", amount="300.00", daily="600.00"),
        watch_told,
    )
    story.act(
        "tell when whitfield runs low",
        lambda: watches.set_alert("whitfield", "400.00"),
        watch_told,
    )


def topped_up(story: Story) -> None:
    """Tidewater's first dip is topped up."""
    story.teller.heading("Topped up")
    _pay_and_save(story, "tidewater", "60.00")
    story.act(
        "top tidewater up by itself",
        lambda: story.office.watches.set_topup(
            "tidewater", below="80.00", amount="120.00", daily="240.00"
        ),
        watch_told,
    )
    _spend(story, "tidewater", "100.00", "first")


def stopped(story: Story) -> None:
    """Tidewater's new card is declined until nobody tries it any more."""
    story.teller.heading("A card that is declined")
    old, *_ = _methods_by_age(story, "tidewater")
    story.act(
        "tidewater saves a new card",
        lambda: story.counterpart.save_declining_method(old.customer_id),
        lambda _: "saved on the sandbox's own page",
    )
    story.act("ask the sandbox for it", story.engine.gateways.poll, tick_told)
    _, new = _methods_by_age(story, "tidewater")
    set_role = story.office.methods.set_role
    story.act("charge the new one from now on", lambda: set_role(new.id, "default"), method_told)
    _spend(story, "tidewater", "130.00", "second")
    for number in ("third", "fourth"):
        story.act(
            "tidewater pays in 30.00 itself",
            partial(story.pay_in, "tidewater", "30.00", number),
            payment_told,
        )
        story.wait(minutes=5)
        story.tick("do what is due: the dip is over")
        _spend(story, "tidewater", "30.00", number)
    story.act("look at it", lambda: story.office.watches.get("tidewater"), watch_told)


def tried_again(story: Story) -> None:
    """Somebody has the last top-up tried again, and this time the old card helps out."""
    story.teller.heading("Tried again by hand")
    methods = story.office.methods
    old, _ = _methods_by_age(story, "tidewater")
    story.act("let the old card help out", lambda: methods.set_role(old.id, "backup"), method_told)
    failed = _last_topup(story, "tidewater")
    story.act(
        f"try the top-up of {failed.amount} again",
        lambda: story.office.payments.retry(failed.id),
        lambda payment: (
            f"{payment_told(payment)} from {methods.get(payment.method_id or '').label}"
        ),
    )
    story.act("what is saved now", lambda: methods.list("tidewater"), methods_told)


def _methods_by_age(story: Story, ref: str) -> list[MethodSheet]:
    return sorted(story.office.methods.list(ref), key=lambda method: method.added_at)


def _last_topup(story: Story, ref: str) -> PaymentSheet:
    payments = story.office.payments.list(account=ref).rows
    return next(payment for payment in payments if payment.purpose == "topup")


def _pay_and_save(story: Story, ref: str, amount: str) -> None:
    story.act(
        f"{ref} pays in {amount} and lets us keep the card",
        lambda: story.pay_in(ref, amount, f"saves {amount}", save_method=True),
        payment_told,
    )
    story.wait(minutes=5)
    story.act("ask the sandbox what happened", story.engine.gateways.poll, tick_told)
    story.act(f"what {ref} has saved", lambda: story.office.methods.list(ref), methods_told)


def _spend(story: Story, ref: str, amount: str, occasion: str) -> None:
    """Have a wallet dip, and do what is due about it."""
    story.act(
        f"charge {ref} {amount}",
        lambda: story.engine.charges.create(
            ref, amount, reference=f"hull:{occasion}", subject="hull repairs, leads of a week"
        ),
        charge_told,
    )
    story.tick("do what is due")

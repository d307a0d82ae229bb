"""Scenes of the demo in which the desk is compared with the gateway's own books."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from billdesk.core.rules.sheets import ReconcileSheet
from billdesk.demo.counterpart import SANDBOX
from billdesk.demo.story import QUARTERS_A_DAY, Story
from billdesk.demo.telling import item_told, payment_told, reconcile_told, tick_told


def first_month(story: Story) -> None:
    """Everything agrees."""
    _month(story, 1)


def second_month(story: Story) -> None:
    """Everything agrees, though the gateway was down for a day."""
    _month(story, 2)


def third_month(story: Story) -> None:
    """What waits for a person is missing here, what is contested there, and somebody says why."""
    run = _month(story, 3)
    if run is not None:
        _explain(story, run, "missing_here", "it waits for a person, who will credit or refund it")
        _explain(story, run, "timing", "its bank has not decided yet: nothing has moved there")


def too_early(story: Story) -> None:
    """A payment that the gateway knows of and the desk does not yet: only a matter of time."""
    story.teller.heading("Compared too early")
    story.act(
        "rossi pays in 240.00 EUR",
        lambda: story.pay_in("rossi", "240.00 EUR", "just before the comparison"),
        payment_told,
    )
    story.wait(minutes=5)
    until = story.clock.now()
    since = story.began_at(story.quarter_of(until))
    run = _compare(story, "compare, up to this minute", since, until, "early")
    if run is not None:
        _explain(story, run, "timing", "paid a minute ago, before the sandbox was asked")
    story.act("ask the sandbox what happened", story.engine.gateways.poll, tick_told)
    _compare(story, "compare once more", since, until, "early, again")


def _month(story: Story, number: int) -> ReconcileSheet | None:
    """Compare thirty days, or as many as are over, after asking once more."""
    story.teller.heading(f"The end of month {number}")
    story.act("ask the sandbox what happened", story.engine.gateways.poll, tick_told)
    days = [30 * (number - 1), 30 * number]
    since, until = (story.began_at(day * QUARTERS_A_DAY + 1) for day in days)
    until = min(until, story.clock.now())
    return _compare(story, "compare with the sandbox's books", since, until, f"month {number}")


def _compare(
    story: Story, title: str, since: datetime, until: datetime, occasion: str
) -> ReconcileSheet | None:
    reference = f"{story.engine.info.ledger_id}:{occasion.replace(' ', '-').replace(',', '')}"
    return story.act(
        title,
        lambda: story.office.reconcile.run(SANDBOX, since, until, reference=reference),
        reconcile_told,
    )


def _explain(story: Story, run: ReconcileSheet, outcome: str, note: str) -> None:
    """Say why the items of an outcome do not match."""
    for item in story.office.reconcile.items(run.id, outcome=outcome).rows:
        story.act(
            f"explain the {item.kind} of {item.theirs or item.ours}",
            partial(story.office.reconcile.explain, item.number, note),
            item_told,
        )

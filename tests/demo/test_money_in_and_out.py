"""The demo shows money in and out at its sandbox, and both sides' books agree at its end."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.gateways.sandbox import Sandbox
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, Refused, StoreError
from billdesk.demo.companion import live_on
from billdesk.demo.conclusion import conclude
from billdesk.demo.narration import PlainTeller
from tests.demo.listener import NOW, Listener


@pytest.fixture
def desk(demo: str) -> Iterator[Desk]:
    """A desk on a copy of the demo, to look at what is there at its end."""
    with open_desk(demo, read_only=True, clock=MovingClock(NOW)) as found:
        yield found


def test_a_card_tops_a_wallet_up_again_and_again(desk: Desk) -> None:
    watch = desk.watches.get("lagos-solar")
    assert watch.stopped is None
    topups = [
        payment
        for payment in desk.payments.list(account="lagos-solar").rows
        if payment.purpose == "topup"
    ]
    assert len(topups) >= 10
    assert {payment.status for payment in topups} == {"succeeded"}


def test_a_declined_card_stops_topping_up_and_the_backup_helps_out_by_hand(desk: Desk) -> None:
    stopped = desk.watches.get("tidewater").stopped
    assert stopped is not None
    assert stopped.startswith("3 attempts in a row failed")
    new, old = desk.methods.list("tidewater")
    assert (new.role, old.role) == ("default", "backup")
    retries = [
        (payment.status, payment.method_id)
        for payment in desk.payments.list(account="tidewater").rows
        if payment.purpose == "retry"
    ]
    assert retries == [("succeeded", old.id), ("failed", new.id)]


def test_a_low_wallet_is_told_of(desk: Desk) -> None:
    assert desk.watches.get("whitfield").alert_below is not None
    alerts = [
        line for line in desk.audit.list(account="whitfield").rows if "low_balance" in line.action
    ]
    assert alerts


def test_refunds_to_a_card_end_in_every_way(desk: Desk) -> None:
    refunds = desk.card_refunds.list(account="harbour-glass").rows
    told = {str(refund.amount): refund.status for refund in refunds}
    assert told == {
        "200.00 USD": "succeeded",
        "75.50 USD": "succeeded",
        "166.06 USD": "failed",
        "25.00 USD": "succeeded",
        "40.00 USD": "pending",
    }
    [elsewhere] = [refund for refund in refunds if str(refund.amount) == "25.00 USD"]
    assert elsewhere.actor == "gateway:sandbox"
    assert desk.payments.list(account="harbour-glass", status="refunded").rows


def test_one_dispute_is_open_one_won_and_one_lost_with_debt(desk: Desk) -> None:
    disputes = {each.account_ref: each.status for each in desk.disputes.list().rows}
    assert disputes == {"golden-gate": "open", "stone-lane": "won", "sharp-cuts": "lost"}
    found = desk.incident("sharp-cuts")
    assert found.standing.word == "OWES"


def test_money_waits_for_a_person_and_says_why(desk: Desk) -> None:
    waiting = {fact.detail for fact in desk.facts.list(state="waiting").rows}
    assert any("120.00 USD was paid where 150.00 USD was asked for" in why for why in waiting)
    assert any("no payment of ours is known for it" in why for why in waiting)


def test_nobody_pays_one_link_and_a_lost_reply_is_healed(desk: Desk) -> None:
    ends = {str(each.amount): each for each in desk.payments.list(account="kilima").rows}
    assert ends["266.02 USD"].status == "expired"
    assert ends["266.03 USD"].status == "succeeded"
    assert ends["90.00 USD"].status == "succeeded", "asked for while the gateway was down"


def test_the_months_agree_and_what_is_apart_is_explained(desk: Desk) -> None:
    runs = desk.reconcile.list().rows
    finished = [run for run in reversed(runs) if run.finished_at is not None]
    first, second, early, healed, third = finished
    for clean in (first, second, healed):
        assert clean.outcomes["matched"] == sum(clean.outcomes.values()) > 0
    assert (early.outcomes["timing"], early.explained) == (1, 1)
    assert (third.outcomes["missing_here"], third.outcomes["timing"]) == (2, 1)
    assert third.explained == 3
    assert [run.interrupted for run in runs if run.finished_at is None] == ["the sandbox is down"]
    assert desk.reconcile.items(third.id, outcome="open").rows == ()


def test_a_message_is_taken_in_once_and_only_if_it_is_signed(
    furnished: tuple[Path, Listener, int],
) -> None:
    told = [step.outcome for step in furnished[1].steps if "message" in step.title]
    assert told[:2] == [
        "1 facts applied, 0 wait, 0 were known",
        "0 facts applied, 0 wait, 1 were known",
    ]
    assert told[2].startswith("refused, bad input: the signature")


def test_on_one_day_the_gateway_does_not_answer(furnished: tuple[Path, Listener, int]) -> None:
    steps = furnished[1].steps
    [down] = [step for step in steps if "the sandbox is down" in step.outcome and not step.hint]
    assert down.title == "ask the sandbox what happened"


# --- both sides' books ---------------------------------------------------------------------------


def concluded(where: str) -> tuple[int, str]:
    out = io.StringIO()
    return conclude(where, PlainTeller(out)), out.getvalue()


def test_the_gateways_own_books_agree_with_the_ledger(demo: str) -> None:
    status, told = concluded(demo)
    assert status == 0
    assert "the gateway's own books agree" in told
    assert "WRONG" not in told


def test_books_that_do_not_agree_are_said_loudly(demo: str) -> None:
    Path(f"{demo}.sandbox").unlink()
    status, told = concluded(demo)
    assert status == StoreError.exit_status
    assert "the ledger is sound" in told
    assert "the gateway's own books do NOT agree" in told
    assert "nobody can explain" in told


def test_what_is_on_its_way_today_arrives_for_whoever_opens_the_demo_later(demo: str) -> None:
    with open_desk(demo, clock=MovingClock(NOW + timedelta(days=1))) as later:
        later.gateways.poll()
        statuses = {each.status for each in later.card_refunds.list().rows}
    assert statuses == {"succeeded", "failed"}


def test_the_books_still_agree_after_customers_went_on(demo: str) -> None:
    clock, chance = MovingClock(NOW), random.Random(3)
    with open_desk(demo, clock=clock, actor="lead-engine", origin="demo") as desk:
        for _ in range(120):
            clock.advance(timedelta(seconds=2))
            with suppress(Refused, GatewayError):
                live_on(desk, chance)
        assert len(desk.card_refunds.list().rows) > 5, "some money went back"
        assert len(desk.disputes.list().rows) > 3, "some was contested"
    assert concluded(demo)[0] == 0


def test_customers_who_go_on_use_the_sandbox_alone(demo: str, tmp_path: Path) -> None:
    other = Sandbox(tmp_path / "other.sandbox", name="stripe-eu")
    own = Sandbox(f"{demo}.sandbox")
    chance = random.Random(5)
    with open_desk(demo, actor="lead-engine", gateways=[own, other]) as desk:
        for _ in range(60):
            with suppress(Refused, GatewayError):
                live_on(desk, chance)
        assert desk.payments.list(status="pending", gateway="sandbox").rows
        assert desk.payments.list(gateway="stripe-eu").rows == ()

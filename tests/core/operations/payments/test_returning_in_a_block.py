"""Inside a block no gateway is asked for money back: it is written down, and asked for afterwards."""

from __future__ import annotations

from datetime import timedelta

from billdesk.core.desk import Desk
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.money import Money

MEMO = "the customer asked for it"


def paid(desk: Desk, clock: MovingClock, amount: str = "25.00") -> PaymentSheet:
    """A payment that is credited."""
    started = desk.deposits.start("acme", amount)
    clock.advance(timedelta(minutes=1))
    desk.gateways.poll()
    payment = desk.payments.get(started.id)
    assert payment.status == "succeeded"
    return payment


def test_a_rehearsed_refund_sets_aside_what_it_would_and_asks_no_gateway(
    desk: Desk, clock: MovingClock
) -> None:
    desk.accounts.add("acme", name="Acme")
    payment = paid(desk, clock)
    with desk.rehearsal():
        refund = desk.card_refunds.create(payment.id, "10.00", memo=MEMO)
        assert (refund.status, refund.external_id) == ("pending", None)
        assert desk.wallets.balance("acme").available == Money(1500, "USD")
    assert desk.wallets.balance("acme").available == Money(2500, "USD")
    assert desk.card_refunds.list().rows == ()
    clock.advance(timedelta(hours=1))
    desk.gateways.sweep()
    assert desk.payments.get(payment.id).refunded == Money(0, "USD"), "it was never asked for"


def test_a_refund_in_a_transaction_is_asked_for_by_the_next_poll(
    desk: Desk, clock: MovingClock
) -> None:
    desk.accounts.add("acme", name="Acme")
    payment = paid(desk, clock)
    with desk.transaction():
        refund = desk.card_refunds.create(payment.id, "10.00", memo=MEMO)
    assert desk.card_refunds.get(refund.id).external_id is None
    for _ in range(3):
        clock.advance(timedelta(minutes=10))
        desk.gateways.poll()
    assert desk.card_refunds.get(refund.id).status == "succeeded"
    assert desk.payments.get(payment.id).refunded == Money(1000, "USD")


def test_the_facts_of_one_payment_can_be_asked_for(desk: Desk, clock: MovingClock) -> None:
    desk.accounts.add("acme", name="Acme")
    first, second = paid(desk, clock), paid(desk, clock)
    facts = desk.facts.list(payment=first.id).rows
    assert [fact.stage for fact in facts] == ["settled", "opened"]
    assert {fact.payment_id for fact in facts} == {first.id}
    assert len(desk.facts.list().rows) == 4
    assert desk.facts.list(payment=second.id, state="waiting").rows == ()

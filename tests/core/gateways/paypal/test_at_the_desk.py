"""PayPal at a desk: money comes in, goes back and is contested, and both books agree at the end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.till import MINUTE
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.gateway_servers.paypal_wire import Fault
from tests.new_ledger import seeded

HOUR = timedelta(hours=1)
MEMO = "asked for by the customer"


@pytest.fixture
def desk(sqlite_url: str, clock: MovingClock, world: PayPalScene) -> Iterator[Desk]:
    """A desk connected to PayPal alone, with an account `acme`."""
    with open_desk(
        sqlite_url, clock=clock, actor="tester", chance=seeded(), gateways=[world.gateway()]
    ) as desk:
        desk.accounts.add("acme", name="Acme", email="billing@acme.test")
        yield desk
        assert desk.verify().findings == ()


def polled(desk: Desk, clock: MovingClock) -> int:
    """The balance of acme after the next poll, in cents."""
    clock.advance(11 * MINUTE)
    desk.gateways.poll()
    return desk.wallets.balance("acme").balance.minor


def approve(world: PayPalScene, external_id: str | None) -> None:
    assert external_id is not None
    world.books.approve(external_id)


def test_what_a_customer_agreed_to_is_captured_by_the_next_poll_and_credited_once(
    desk: Desk, world: PayPalScene, clock: MovingClock
) -> None:
    payment = desk.deposits.start("acme", "100.00")
    assert (payment.status, payment.pay_url is not None) == ("pending", True)
    assert polled(desk, clock) == 0
    approve(world, payment.external_id)
    assert [polled(desk, clock) for _ in range(3)] == [10_000] * 3
    assert desk.payments.get(payment.id).fee == Money(398, "USD")
    assert len([one for one in world.effects() if one[0] == "payment"]) == 1


def test_a_lost_reply_is_healed_by_asking_again_with_the_same_key(
    desk: Desk, world: PayPalScene, clock: MovingClock
) -> None:
    world.server.faults.append(Fault("POST", "/v2/checkout/orders", effect=True))
    with pytest.raises(GatewayUnreachable):
        desk.deposits.start("acme", "100.00")
    polled(desk, clock)
    [payment] = desk.payments.list().rows
    assert list(world.books.orders) == [payment.external_id]
    approve(world, payment.external_id)
    assert polled(desk, clock) == 10_000


def test_an_order_nobody_agreed_to_expires(
    desk: Desk, world: PayPalScene, clock: MovingClock
) -> None:
    payment = desk.deposits.start("acme", "100.00")
    world.books.orders.clear()
    clock.advance(3 * HOUR)
    assert polled(desk, clock) == 0
    assert desk.payments.get(payment.id).status == "expired"


def test_money_back_by_us_and_by_others_and_by_a_dispute_leaves_both_books_the_same(
    desk: Desk, world: PayPalScene, clock: MovingClock
) -> None:
    began = clock.now()
    payments = [desk.deposits.start("acme", "100.00") for _ in range(3)]
    for payment in payments:
        approve(world, payment.external_id)
    assert polled(desk, clock) == 30_000
    ours, others, contested = (desk.payments.get(payment.id) for payment in payments)
    refund = desk.card_refunds.create(ours.id, "40.00", memo=MEMO)
    assert desk.card_refunds.get(refund.id).status == "succeeded"
    assert polled(desk, clock) == 26_000
    assert others.charge_id is not None
    assert contested.charge_id is not None
    world.refund_outside(others.charge_id, 2_500)
    assert polled(desk, clock) == 23_500
    dispute_id = world.dispute(contested.charge_id, 10_000)
    polled(desk, clock)
    assert desk.wallets.balance("acme").available == Money(13_500, "USD")
    world.close_dispute(dispute_id, won=False)
    assert [polled(desk, clock) for _ in range(2)] == [13_500] * 2
    clock.advance(2 * HOUR)
    compared = desk.reconcile.run("paypal", began - HOUR, clock.now())
    found = {outcome for outcome, count in compared.outcomes.items() if count}
    assert (compared.alarm, found) == (False, {"matched"})
    assert world.totals() == {"USD": (30_000, 3 * 398, 16_500)}

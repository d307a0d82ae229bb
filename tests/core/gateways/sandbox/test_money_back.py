"""What goes back at the sandbox: refunds that may fail late, and payments that are contested."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, PaymentQuery, RefundQuery, RefundRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.sandbox.steps import MINUTE, MONDAY, everything, request, stages

BY_HAND = SandboxSwitches(settles_after=None, refund_takes=MINUTE)


@pytest.fixture(autouse=True)
def by_hand(sandbox: Sandbox) -> None:
    sandbox.switches = BY_HAND


def paid(sandbox: Sandbox, number: int = 1, minor: int = 10_000) -> Fact:
    return sandbox.pay(sandbox.open_payment(request(number, minor)).object_id)


def refund_request(
    payment: Fact, minor: int = 10_000, number: int = 1, asset: str = "USD"
) -> RefundRequest:
    return RefundRequest(
        f"ref_{number}",
        payment.payment_id or "",
        payment.object_id,
        payment.charge_id,
        Money(minor, asset),
        minor == 10_000,
        "as agreed",
    )


def found(sandbox: Sandbox, number: int = 1) -> tuple[Fact, ...]:
    query = RefundQuery(f"ref_{number}", None, "pay_1", "", None, Money(1, "USD"), MONDAY)
    return sandbox.find_refund(query)


def story(sandbox: Sandbox, number: int = 1) -> list[str]:
    """All that happened around one payment."""
    return [fact.stage for fact in sandbox.find(PaymentQuery(f"pay_{number}", None, None, MONDAY))]


# --- refunds -------------------------------------------------------------------------------------


def test_a_refund_is_on_its_way_and_then_arrives(sandbox: Sandbox, clock: MovingClock) -> None:
    payment = paid(sandbox)
    pending = sandbox.refund(refund_request(payment))
    assert (pending.stage, pending.amount, pending.fee) == (
        "refund_pending", Money(10_000, "USD"), None,
    )  # fmt: skip
    assert (pending.payment_id, pending.refund_id) == ("pay_1", "ref_1")
    assert (pending.payment_external_id, pending.charge_id) == (
        payment.object_id, payment.charge_id,
    )  # fmt: skip
    assert pending.object_id.startswith("sbr_")
    assert pending.occurrence == pending.object_id
    assert sandbox.totals() == {"USD": (10_000, 320, 0)}
    clock.advance(MINUTE)
    assert [fact.stage for fact in found(sandbox)] == ["refund_pending", "refunded"]
    assert found(sandbox)[-1].happened_at == MONDAY + MINUTE
    assert sandbox.totals() == {"USD": (10_000, 320, 10_000)}
    assert story(sandbox) == ["opened", "settled", "refund_pending", "refunded"]


def test_a_refund_that_takes_no_time_is_told_as_arrived(sandbox: Sandbox) -> None:
    sandbox.switches = replace(BY_HAND, refund_takes=timedelta(0))
    assert sandbox.refund(refund_request(paid(sandbox))).stage == "refunded"


def test_the_same_refund_again_tells_how_far_it_has_come(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    asked = refund_request(paid(sandbox))
    sandbox.refund(asked)
    clock.advance(MINUTE)
    assert sandbox.refund(asked).stage == "refunded"
    assert story(sandbox).count("refund_pending") == 1


def test_a_known_refund_id_with_other_content_is_refused(sandbox: Sandbox) -> None:
    first, second = paid(sandbox, 1), paid(sandbox, 2)
    sandbox.refund(refund_request(first, 4_000))
    for other in (refund_request(first, 4_001), refund_request(second, 4_000)):
        with pytest.raises(GatewayError, match="with other content"):
            sandbox.refund(other)
    assert len(found(sandbox)) == 1
    assert story(sandbox, 2) == ["opened", "settled"]


@pytest.mark.parametrize("minor", [0, -1, 6_001, 10_000])
def test_no_more_goes_back_than_is_left(sandbox: Sandbox, minor: int) -> None:
    payment = paid(sandbox)
    sandbox.refund(refund_request(payment, 4_000, number=1))
    with pytest.raises(GatewayError, match=r"does not hold .* USD to take back"):
        sandbox.refund(refund_request(payment, minor, number=2))
    assert sandbox.refund(refund_request(payment, 6_000, number=2)).stage == "refund_pending"


def test_what_was_not_paid_or_not_in_that_currency_cannot_go_back(sandbox: Sandbox) -> None:
    payment = paid(sandbox)
    with pytest.raises(GatewayError, match="was paid in USD"):
        sandbox.refund(refund_request(payment, asset="EUR"))
    opened = sandbox.open_payment(request(2))
    with pytest.raises(GatewayError, match="does not hold"):
        sandbox.refund(refund_request(opened))
    with pytest.raises(GatewayError, match="knows no payment"):
        sandbox.refund(replace(refund_request(payment), external_id="sbx_0"))
    assert found(sandbox) == ()


def test_a_refund_may_come_back_long_after_it_seemed_to_have_arrived(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = replace(BY_HAND, refunds_fail_late_percent=100)
    payment = paid(sandbox)
    sandbox.refund(refund_request(payment))
    clock.advance(MINUTE)
    assert sandbox.totals()["USD"] == (10_000, 320, 10_000)
    clock.advance(MINUTE)
    assert [fact.stage for fact in found(sandbox)] == [
        "refund_pending",
        "refunded",
        "refund_failed",
    ]
    assert "bank" in found(sandbox)[-1].detail
    assert sandbox.totals()["USD"] == (10_000, 320, 0)
    assert [row.amount_minor for row in sandbox.rows(MONDAY, clock.now() + MINUTE)] == [
        10_000, -10_000, 10_000,
    ]  # fmt: skip
    assert sandbox.refund(refund_request(payment, number=2)).stage == "refund_pending", "once more"


def test_an_amount_can_have_its_refunds_fail(sandbox: Sandbox, clock: MovingClock) -> None:
    sandbox.refund(refund_request(paid(sandbox, minor=26_606), 4_000))
    clock.advance(timedelta(hours=1))
    assert found(sandbox)[-1].stage == "refund_failed"


def test_a_lost_reply_to_a_refund_has_done_its_work(sandbox: Sandbox) -> None:
    payment = paid(sandbox)
    sandbox.switches = replace(BY_HAND, lost_replies_percent=100)
    with pytest.raises(GatewayUnreachable, match="reply was lost"):
        sandbox.refund(refund_request(payment))
    [pending] = found(sandbox)
    assert sandbox.refund(refund_request(payment)) == pending


def test_a_refund_by_hand_has_no_id_of_ours(sandbox: Sandbox, clock: MovingClock) -> None:
    payment = paid(sandbox)
    first = sandbox.refund_outside(payment.object_id, 2_000)
    second = sandbox.refund_outside(payment.object_id, 2_000)
    assert (first.refund_id, first.payment_id) == (None, "pay_1")
    assert first.object_id != second.object_id
    clock.advance(MINUTE)
    assert sandbox.totals()["USD"] == (10_000, 320, 4_000)
    with pytest.raises(GatewayError, match="does not hold"):
        sandbox.refund_outside(payment.object_id, 6_001)


# --- disputes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("won", "end", "back"), [(True, "dispute_won", 0), (False, "dispute_lost", 3_000)]
)
def test_a_dispute_waits_for_the_bank_and_only_a_lost_one_costs(
    sandbox: Sandbox, clock: MovingClock, end: str, back: int, *, won: bool
) -> None:
    payment = paid(sandbox)
    disputed = sandbox.dispute(payment.object_id, 3_000)
    assert (disputed.stage, disputed.amount) == ("disputed", Money(3_000, "USD"))
    assert disputed.object_id.startswith("sbd_")
    assert (disputed.payment_id, disputed.charge_id) == ("pay_1", payment.charge_id)
    clock.advance(timedelta(days=90))
    assert story(sandbox)[-1] == "disputed", "what is opened by hand is closed by hand"
    closed = sandbox.close_dispute(disputed.object_id, won=won)
    assert (closed.stage, closed.object_id) == (end, disputed.object_id)
    assert sandbox.close_dispute(disputed.object_id, won=won) == closed
    with pytest.raises(GatewayError, match=f"is {end}"):
        sandbox.close_dispute(disputed.object_id, won=not won)
    assert sandbox.totals()["USD"] == (10_000, 320, back)


def test_only_money_that_was_paid_can_be_contested(sandbox: Sandbox) -> None:
    payment, opened = paid(sandbox), sandbox.open_payment(request(2))
    for external_id, minor in (
        (payment.object_id, 10_001),
        (payment.object_id, 0),
        (opened.object_id, 1),
    ):
        with pytest.raises(GatewayError, match=r"does not hold .* USD to take back"):
            sandbox.dispute(external_id, minor)
    with pytest.raises(GatewayError, match="knows no dispute"):
        sandbox.close_dispute("sbd_0", won=True)
    with pytest.raises(GatewayError, match="is refund_pending"):
        sandbox.close_dispute(sandbox.refund_outside(payment.object_id, 1).object_id, won=True)


def test_what_went_back_already_may_be_contested_all_the_same(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    payment = paid(sandbox)
    sandbox.refund(refund_request(payment))
    clock.advance(MINUTE)
    disputed = sandbox.dispute(payment.object_id, 10_000)
    sandbox.close_dispute(disputed.object_id, won=False)
    assert sandbox.totals()["USD"] == (10_000, 320, 20_000)


def test_contested_money_cannot_be_refunded_until_it_is_won(sandbox: Sandbox) -> None:
    payment = paid(sandbox)
    disputed = sandbox.dispute(payment.object_id, 10_000)
    with pytest.raises(GatewayError, match="does not hold"):
        sandbox.refund(refund_request(payment))
    sandbox.close_dispute(disputed.object_id, won=True)
    assert sandbox.refund(refund_request(payment)).stage == "refund_pending"


@pytest.mark.parametrize(("minor", "end"), [(26_604, "dispute_lost"), (26_605, "dispute_won")])
def test_some_amounts_are_contested_by_themselves(
    sandbox: Sandbox, clock: MovingClock, minor: int, end: str
) -> None:
    paid(sandbox, minor=minor)
    clock.advance(timedelta(seconds=5))
    assert story(sandbox) == ["opened", "settled", "disputed"]
    clock.advance(timedelta(seconds=10))
    assert story(sandbox) == ["opened", "settled", "disputed", end]
    told = sandbox.find(PaymentQuery("pay_1", None, None, MONDAY))
    assert [fact.amount for fact in told[2:]] == [Money(minor, "USD")] * 2
    assert [fact.happened_at - MONDAY for fact in told[2:]] == [
        timedelta(seconds=5), timedelta(seconds=15),
    ]  # fmt: skip


def test_chance_contests_only_what_has_not_gone_back(sandbox: Sandbox, clock: MovingClock) -> None:
    sandbox.switches = replace(BY_HAND, disputes_percent=100, disputed_after=timedelta(hours=1))
    part, whole = paid(sandbox, 1), paid(sandbox, 2)
    sandbox.refund(refund_request(part, 4_000, number=1))
    sandbox.refund(refund_request(whole, 10_000, number=2))
    clock.advance(timedelta(hours=2))
    [disputed] = [fact for fact in everything(sandbox)[0] if fact.stage == "disputed"]
    assert (disputed.payment_id, disputed.amount) == ("pay_1", Money(6_000, "USD"))


def test_a_payment_that_settled_unseen_is_contested_as_long_after_as_any(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = replace(BY_HAND, settles_after=MINUTE, disputes_percent=100)
    sandbox.open_payment(request())
    clock.advance(timedelta(days=1))
    disputed = sandbox.find(PaymentQuery("pay_1", None, None, MONDAY))[2]
    assert (disputed.stage, disputed.happened_at) == (
        "disputed", MONDAY + MINUTE + timedelta(seconds=5),
    )  # fmt: skip


def test_what_nobody_looked_at_happened_when_it_was_due_and_in_that_order(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = SandboxSwitches(
        MINUTE, refund_takes=MINUTE, refunds_fail_late_percent=100, disputes_percent=100,
        disputed_after=timedelta(hours=1), dispute_takes=timedelta(hours=1),
    )  # fmt: skip
    opened = sandbox.open_payment(request())
    clock.advance(MINUTE)
    sandbox.refund_outside(opened.object_id, 4_000)
    clock.advance(timedelta(days=1))
    told = sandbox.find(PaymentQuery("pay_1", None, None, MONDAY))
    assert [((fact.happened_at - MONDAY) // MINUTE, fact.stage) for fact in told[:-1]] == [
        (0, "opened"),
        (1, "settled"),
        (1, "refund_pending"),
        (2, "refunded"),
        (3, "refund_failed"),
        (61, "disputed"),
    ]
    assert told[5].amount == Money(10_000, "USD"), "what the failed refund brought back counts"
    assert told[6].happened_at == MONDAY + MINUTE * 121


def test_disputes_by_chance_come_in_their_share_and_end_both_ways(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = replace(BY_HAND, disputes_percent=40)
    for number in range(100):
        paid(sandbox, number)
    clock.advance(timedelta(hours=1))
    ends = Counter(stage for _, stage in stages(everything(sandbox)[0]))
    assert 25 <= ends["disputed"] <= 55
    assert ends["dispute_won"] + ends["dispute_lost"] == ends["disputed"]
    assert min(ends["dispute_won"], ends["dispute_lost"]) >= 8


def test_a_story_of_money_back_is_the_same_for_the_same_seed(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = replace(
        BY_HAND, disputes_percent=50, refunds_fail_late_percent=50, lost_replies_percent=0
    )
    other_clock = MovingClock(MONDAY)
    other = Sandbox(
        sandbox.path.with_name("other.db"), clock=other_clock, switches=sandbox.switches
    )
    for one, its_clock in ((sandbox, clock), (other, other_clock)):
        for number in range(12):
            one.refund(refund_request(paid(one, number), 4_000, number))
        its_clock.advance(timedelta(hours=1))
    told = everything(sandbox)[0]
    assert everything(other)[0] == told
    assert {"dispute_won", "dispute_lost", "refund_failed"} <= {fact.stage for fact in told}

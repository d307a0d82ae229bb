"""Money back to where it came from, and disputes: held, taken, freed; never more than was paid."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, FactPage, RefundRequest
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.store import money_back
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    InsufficientFunds,
    KeyRefused,
    NotFound,
    ReferenceReused,
    Refused,
)
from billdesk.core.values.ids import IdMaker
from billdesk.core.values.money import Money
from tests.core.operations.scripted_gateway import ScriptedGateway
from tests.new_ledger import seeded

MEMO = "the customer asked for it"
STEP = timedelta(minutes=20)


@pytest.fixture
def gateway(tmp_path: Path, clock: MovingClock) -> ScriptedGateway:
    """A gateway that says what the test tells it to."""
    books = Sandbox(tmp_path / "books", clock=clock, switches=SandboxSwitches(settles_after=None))
    return ScriptedGateway(books)


@pytest.fixture
def till(ledger_url: str, clock: MovingClock, gateway: ScriptedGateway) -> Iterator[Desk]:
    """A desk connected to that gateway alone, with an account `acme`."""
    with open_desk(
        ledger_url, clock=clock, actor="tester", chance=seeded(), gateways=[gateway]
    ) as desk:
        desk.accounts.add("acme", name="Acme")
        yield desk
        assert desk.verify().findings == ()


@pytest.fixture
def paid(till: Desk, gateway: ScriptedGateway) -> PaymentSheet:
    """A payment of 25.00 USD that is credited, known at the gateway as charge `ch_1`."""
    payment = till.deposits.start("acme", "25")
    tell(
        till, gateway,
        gateway.fact("settled", payment.external_id or "", Money(2500, "USD"),
                     payment_id=payment.id, charge_id="ch_1"),
    )  # fmt: skip
    return till.payments.get(payment.id)


def tell(desk: Desk, gateway: ScriptedGateway, *facts: Fact) -> None:
    """Have the gateway's feed say these facts, and poll."""
    gateway.pages.append(FactPage(facts, "1", complete=True))
    assert desk.gateways.poll(gateway.name).errors == ()


def money(desk: Desk) -> tuple[int, int]:
    """What acme has, and what of it is held."""
    sheet = desk.wallets.balance("acme")
    return sheet.balance.minor, (sheet.held or Money(0, "USD")).minor


def owed(desk: Desk) -> int:
    """What acme owes, below zero."""
    wallets = desk.incident("acme").wallets
    return sum(each.balance.minor for each in wallets if each.purpose == "receivable")


def back(gateway: ScriptedGateway, minor: int, *, payment_external_id: str | None = None) -> Fact:
    """The gateway gave money back, refund `re_1`: of the charge `ch_1`, or of a named payment."""
    return gateway.fact(
        "refunded", "re_1", Money(minor, "USD"), occurrence="re_1", charge_id="ch_1",
        payment_external_id=payment_external_id,
    )  # fmt: skip


# --- asked for here ------------------------------------------------------------------------------


def test_what_goes_back_is_held_until_the_gateway_says_that_it_is_gone(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    refund = till.card_refunds.create(paid.id, "10", memo=MEMO)
    assert (refund.status, refund.external_id) == ("pending", f"re_{refund.id}")
    assert money(till) == (2500, 1000)
    with pytest.raises(InsufficientFunds):
        till.charges.create("acme", "20", reference="lead:1")
    tell(till, gateway, gateway.fact("refunded", f"re_{refund.id}", Money(1000, "USD")))
    assert till.card_refunds.get(refund.id).status == "succeeded"
    assert money(till) == (1500, 0)
    payment = till.payments.get(paid.id)
    assert (payment.status, payment.refunded) == ("succeeded", Money(1000, "USD"))
    (entry,) = till.ledger.entries("acme", kinds=("card_refund",)).rows
    assert (entry.amount.minor, entry.counterparty) == (-1000, "gateway:scripted")


def test_all_that_is_left_goes_back_and_then_no_more(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    first = till.card_refunds.create(paid.id, "10", memo=MEMO)
    rest = till.card_refunds.create(paid.id, memo=MEMO)
    assert rest.amount == Money(1500, "USD")
    with pytest.raises(Refused, match="all of this payment"):
        till.card_refunds.create(paid.id, memo=MEMO)
    for refund in (first, rest):
        tell(till, gateway, gateway.fact("refunded", f"re_{refund.id}", refund.amount))
    assert till.payments.get(paid.id).status == "refunded"
    assert [each.id for each in till.payments.list(status="refunded").rows] == [paid.id]
    assert money(till) == (0, 0)
    assert [each.id for each in till.card_refunds.list(payment=paid.id).rows] == [rest.id, first.id]
    assert till.card_refunds.list(account="acme", status="pending").rows == ()
    page = till.card_refunds.list(limit=1)
    assert [each.id for each in till.card_refunds.list(limit=1, after=page.after).rows] == [
        first.id
    ]


@pytest.mark.parametrize(
    ("amount", "error"),
    [("25.01", Refused), ("5 EUR", BadInput), ("0", BadInput), ("1e1", BadInput)],
)
def test_never_more_than_was_paid_and_only_in_its_currency(
    till: Desk, paid: PaymentSheet, amount: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        till.card_refunds.create(paid.id, amount, memo=MEMO)
    assert money(till) == (2500, 0)
    assert till.card_refunds.list().rows == ()


def test_what_is_spent_cannot_go_back(till: Desk, paid: PaymentSheet) -> None:
    till.charges.create("acme", "20", reference="lead:1")
    with pytest.raises(InsufficientFunds):
        till.card_refunds.create(paid.id, memo=MEMO)
    assert till.card_refunds.list().rows == ()


def test_what_did_not_come_cannot_go_back(till: Desk) -> None:
    payment = till.deposits.start("acme", "25")
    with pytest.raises(Refused, match="pending"):
        till.card_refunds.create(payment.id, memo=MEMO)
    with pytest.raises(NotFound):
        till.card_refunds.create("pay_unknown", memo=MEMO)
    with pytest.raises(NotFound):
        till.card_refunds.get("rfd_unknown")
    with pytest.raises(BadInput, match="no id of a refund"):
        till.card_refunds.create(payment.id, memo=MEMO, id="x")
    with pytest.raises(BadInput, match="status"):
        till.card_refunds.list(status="gone")


def test_the_same_id_is_the_same_refund(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet, clock: MovingClock
) -> None:
    refund_id = IdMaker(seeded(7)).make("rfd", clock.now())
    first = till.card_refunds.create(paid.id, "10", memo=MEMO, id=refund_id)
    assert till.card_refunds.create(paid.id, "10", memo=MEMO, id=refund_id) == first
    assert till.card_refunds.create(paid.id, memo=MEMO, id=refund_id) == first
    with pytest.raises(ReferenceReused):
        till.card_refunds.create(paid.id, "11", memo=MEMO, id=refund_id)
    assert [what for what, _ in gateway.asked].count("refund") == 1


def test_a_refusal_of_the_gateway_frees_what_was_held(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    gateway.refunding = GatewayError("the card is closed")
    with pytest.raises(GatewayError, match="closed"):
        till.card_refunds.create(paid.id, memo=MEMO)
    (refund,) = till.card_refunds.list().rows
    assert (refund.status, refund.detail, money(till)) == (
        "failed",
        "the card is closed",
        (2500, 0),
    )


@pytest.mark.parametrize("error", [GatewayUnreachable("no answer"), GatewayBusy("slow down")])
def test_a_lost_reply_is_asked_about_and_then_sent_again_with_the_same_id(
    till: Desk,
    gateway: ScriptedGateway,
    paid: PaymentSheet,
    clock: MovingClock,
    error: GatewayError,
) -> None:
    gateway.refunding = error
    with pytest.raises(type(error)):
        till.card_refunds.create(paid.id, memo=MEMO)
    assert money(till) == (2500, 2500)
    gateway.refunding = None
    clock.advance(STEP)
    till.tick()
    refunds = [request for what, request in gateway.asked if what == "refund"]
    assert len(refunds) == 2
    assert refunds[0] == refunds[1]
    (refund,) = till.card_refunds.list().rows
    assert refund.external_id == f"re_{refund.id}"


def test_a_refund_that_arrived_after_all_is_found_not_sent_again(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet, clock: MovingClock
) -> None:
    gateway.refunding = GatewayUnreachable("no answer")
    with pytest.raises(GatewayUnreachable):
        till.card_refunds.create(paid.id, memo=MEMO)
    gateway.found_refunds = [(gateway.fact("refunded", "re_1", Money(2500, "USD")),)]
    clock.advance(STEP)
    till.tick()
    assert [what for what, _ in gateway.asked].count("refund") == 1
    assert (till.card_refunds.list().rows[0].status, money(till)) == ("succeeded", (0, 0))
    clock.advance(STEP)
    till.tick()
    assert [what for what, _ in gateway.asked].count("find_refund") == 1


@pytest.mark.parametrize("error", [KeyRefused("refused"), GatewayBusy("slow down")])
def test_a_refund_that_cannot_be_sent_yet_stays_open(
    till: Desk,
    gateway: ScriptedGateway,
    paid: PaymentSheet,
    clock: MovingClock,
    error: GatewayError,
) -> None:
    gateway.refunding = error
    with pytest.raises(type(error)):
        till.card_refunds.create(paid.id, memo=MEMO)
    clock.advance(STEP)
    assert till.tick().errors == (f"scripted: {error.message}",)
    assert (till.card_refunds.list().rows[0].status, money(till)) == ("pending", (2500, 2500))
    gateway.refunding = GatewayUnreachable("no answer")
    clock.advance(STEP)
    (stuck,) = till.card_refunds.list().rows
    assert till.tick().errors == (f"{stuck.id}: no answer",)
    gateway.refunding = GatewayError("the card is closed")
    clock.advance(STEP)
    assert till.tick().errors == ()
    assert (till.card_refunds.list().rows[0].status, money(till)) == ("failed", (2500, 0))


def test_the_same_id_from_two_desks_at_once_is_one_refund(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet, clock: MovingClock, ledger_url: str
) -> None:
    refund_id = IdMaker(seeded(7)).make("rfd", clock.now())

    def meanwhile(request: RefundRequest) -> Fact:
        with open_desk(ledger_url, clock=clock, gateways=[gateway]) as other:
            gateway.refunding = None
            other.card_refunds.create(paid.id, memo=MEMO, id=request.refund_id)
        return gateway.fact("refund_pending", f"re_{request.refund_id}", request.amount)

    gateway.refunding = meanwhile
    till.card_refunds.create(paid.id, memo=MEMO, id=refund_id)
    (refund,) = till.card_refunds.list().rows
    assert (refund.id, money(till)) == (refund_id, (2500, 2500))


def test_an_id_that_was_taken_a_moment_ago_is_the_same_refund(
    till: Desk, paid: PaymentSheet, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund_id = IdMaker(seeded(7)).make("rfd", clock.now())
    first = till.card_refunds.create(paid.id, "10", memo=MEMO, id=refund_id)
    look, looks = money_back.card_refund_by_id, itertools.count()
    monkeypatch.setattr(
        money_back,
        "card_refund_by_id",
        lambda session, wanted: look(session, wanted) if next(looks) else None,
    )
    assert till.card_refunds.create(paid.id, "10", memo=MEMO, id=refund_id) == first
    assert money(till) == (2500, 1000)


def test_a_refund_that_is_gone_while_it_is_refused_is_gone(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    def gone_and_refused(request: RefundRequest) -> Fact:
        told = gateway.fact("refunded", "re_1", request.amount, refund_id=request.refund_id)
        tell(till, gateway, told)
        raise GatewayError("it went back already")

    gateway.refunding = gone_and_refused
    with pytest.raises(GatewayError):
        till.card_refunds.create(paid.id, memo=MEMO)
    assert (till.card_refunds.list().rows[0].status, money(till)) == ("succeeded", (0, 0))


def test_a_refund_that_no_gateway_ever_heard_of_fails_in_the_end(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet, clock: MovingClock
) -> None:
    gateway.refunding = GatewayUnreachable("no answer")
    with pytest.raises(GatewayUnreachable):
        till.card_refunds.create(paid.id, memo=MEMO)
    clock.advance(timedelta(days=2))
    till.tick()
    (refund,) = till.card_refunds.list().rows
    assert (refund.status, refund.detail) == ("failed", "scripted never heard of it")
    assert money(till) == (2500, 0)


def test_a_refund_that_fails_late_is_credited_again(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    refund = till.card_refunds.create(paid.id, memo=MEMO)
    external_id = refund.external_id or ""
    tell(till, gateway, gateway.fact("refunded", external_id, refund.amount))
    tell(till, gateway, gateway.fact("refund_failed", external_id, refund.amount))
    assert (till.card_refunds.get(refund.id).status, money(till)) == ("failed", (2500, 0))
    assert till.payments.get(paid.id).status == "succeeded"
    tell(till, gateway, gateway.fact("refund_failed", external_id, refund.amount, occurrence="2"))
    late = gateway.fact("refunded", external_id, refund.amount, occurrence="2")
    tell(till, gateway, late)
    assert (till.card_refunds.get(refund.id).status, money(till)) == ("failed", (2500, 0))
    assert till.card_refunds.create(paid.id, memo=MEMO).status == "pending"


def test_a_refund_that_fails_at_once_frees_what_was_held(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    refund = till.card_refunds.create(paid.id, memo=MEMO)
    tell(till, gateway, gateway.fact("refund_failed", refund.external_id or "", refund.amount))
    assert (till.card_refunds.get(refund.id).status, money(till)) == ("failed", (2500, 0))


def test_money_that_was_released_by_hand_meanwhile_becomes_debt(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    refund = till.card_refunds.create(paid.id, memo=MEMO)
    (hold,) = till.holds.list(status="open").rows
    till.holds.release(hold.id)
    till.charges.create("acme", "20", reference="lead:1")
    tell(till, gateway, gateway.fact("refunded", refund.external_id or "", refund.amount))
    assert (money(till), owed(till)) == ((0, 0), -2000)


# --- made at the gateway's own site --------------------------------------------------------------


def test_a_refund_made_outside_takes_what_is_there_and_the_rest_is_debt(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    till.charges.create("acme", "20", reference="lead:1")
    tell(till, gateway, back(gateway, 2500))
    (refund,) = till.card_refunds.list().rows
    assert (refund.status, refund.actor, refund.payment_id) == (
        "succeeded", "gateway:scripted", paid.id,
    )  # fmt: skip
    assert (money(till), owed(till)) == ((0, 0), -2000)
    tell(till, gateway, gateway.fact("settled", "other", Money(1, "USD")))
    again = till.deposits.start("acme", "30")
    tell(
        till, gateway,
        gateway.fact("settled", again.external_id or "", Money(3000, "USD"), payment_id=again.id),
    )  # fmt: skip
    assert (money(till), owed(till)) == ((1000, 0), 0)


def test_a_refund_before_its_deposit_waits_and_is_applied_after_it(
    till: Desk, gateway: ScriptedGateway
) -> None:
    payment = till.deposits.start("acme", "25")
    named = payment.external_id or ""
    tell(till, gateway, back(gateway, 1000, payment_external_id=named))
    (fact,) = till.facts.list(state="waiting", gateway="scripted").rows
    assert fact.detail == "its payment is not credited yet"
    tell(till, gateway, gateway.fact("settled", named, Money(2500, "USD"), payment_id=payment.id))
    assert till.facts.list(state="waiting").rows == ()
    assert money(till) == (1500, 0)


@pytest.mark.parametrize(
    ("stage", "minor", "asset", "why"),
    [
        ("refunded", 900, "USD", "9.00 USD went back where 10.00 USD was to"),
        ("refunded", 900, "EUR", "9.00 EUR went back of a payment in USD"),
        ("disputed", 900, "EUR", "9.00 EUR is contested of a payment in USD"),
    ],
)
def test_what_does_not_fit_waits_for_a_person(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet, stage: str, minor: int, asset: str,
    why: str,
) -> None:  # fmt: skip
    till.card_refunds.create(paid.id, "10", memo=MEMO)
    refund = till.card_refunds.list().rows[0]
    object_id = refund.external_id if stage == "refunded" else "dp_1"
    told = gateway.fact(stage, object_id or "", Money(minor, asset), charge_id="ch_1")  # type: ignore[arg-type]
    tell(till, gateway, told)
    (fact,) = till.facts.list(state="waiting").rows
    assert fact.detail == why
    assert money(till) == (2500, 1000)


@pytest.mark.parametrize("stage", ["refunded", "disputed"])
def test_what_nobody_paid_here_waits(till: Desk, gateway: ScriptedGateway, stage: str) -> None:
    tell(till, gateway, gateway.fact(stage, "x_1", Money(100, "USD"), charge_id="ch_9"))  # type: ignore[arg-type]
    assert till.facts.list(state="waiting").rows[0].detail == "no payment of ours is known for it"


# --- disputes ------------------------------------------------------------------------------------


def contest(gateway: ScriptedGateway, stage: str, minor: int = 2500) -> Fact:
    return gateway.fact(stage, "dp_1", Money(minor, "USD"), charge_id="ch_1")  # type: ignore[arg-type]


def test_a_dispute_holds_what_is_left_and_losing_it_takes_that_and_books_the_rest_as_debt(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    till.charges.create("acme", "20", reference="lead:1")
    tell(till, gateway, contest(gateway, "disputed"))
    (dispute,) = till.disputes.list(account="acme").rows
    assert (dispute.status, dispute.amount, money(till)) == ("open", Money(2500, "USD"), (500, 500))
    assert till.payments.get(paid.id).status == "disputed"
    with pytest.raises(Refused, match="disputed"):
        till.card_refunds.create(paid.id, memo=MEMO)
    tell(till, gateway, contest(gateway, "dispute_lost"))
    assert (money(till), owed(till)) == ((0, 0), -2000)
    (dispute,) = till.disputes.list(status="lost").rows
    assert dispute.closed_at is not None
    assert till.ledger.entries("acme", kinds=("chargeback",)).rows
    assert till.payments.get(paid.id).status == "disputed"


def test_a_dispute_that_is_won_frees_everything(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    tell(till, gateway, contest(gateway, "disputed", 1000))
    assert money(till) == (2500, 1000)
    tell(till, gateway, contest(gateway, "dispute_won", 1000))
    assert (money(till), till.payments.get(paid.id).status) == ((2500, 0), "succeeded")
    tell(till, gateway, contest(gateway, "dispute_won", 1000))
    assert till.disputes.list(status="open").rows == ()


def test_a_dispute_that_turns_around_is_booked_around(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    tell(till, gateway, contest(gateway, "dispute_lost"))
    assert money(till) == (0, 0)
    tell(till, gateway, contest(gateway, "disputed"))
    assert money(till) == (0, 0)
    tell(till, gateway, contest(gateway, "dispute_won"))
    assert (money(till), till.payments.get(paid.id).disputed) == ((2500, 0), Money(0, "USD"))
    lost_again = gateway.fact("dispute_lost", "dp_1", Money(2500, "USD"), occurrence="2")
    tell(till, gateway, lost_again)
    assert (money(till), till.payments.get(paid.id).status) == ((0, 0), "disputed")


def test_a_dispute_of_money_that_is_all_spent_holds_nothing(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    till.charges.create("acme", "25", reference="lead:1")
    tell(till, gateway, contest(gateway, "disputed"))
    assert till.holds.list(status="open").rows == ()
    tell(till, gateway, contest(gateway, "dispute_won"))
    assert money(till) == (0, 0)
    page = till.disputes.list(limit=1)
    assert till.disputes.list(limit=1, after=page.after).rows == ()
    with pytest.raises(BadInput, match="status"):
        till.disputes.list(status="over")
    assert paid.id == page.rows[0].payment_id


def test_a_dispute_before_its_deposit_waits(till: Desk, gateway: ScriptedGateway) -> None:
    payment = till.deposits.start("acme", "25")
    told = gateway.fact(
        "disputed", "dp_1", Money(2500, "USD"), payment_external_id=payment.external_id
    )
    tell(till, gateway, told)
    assert till.facts.list(state="waiting").rows[0].detail == "its payment is not credited yet"


def test_what_a_gateway_takes_for_a_dispute_is_the_houses_to_pay(
    till: Desk, gateway: ScriptedGateway, paid: PaymentSheet
) -> None:
    fee = Money(1500, "USD")
    told = gateway.fact("disputed", "dp_1", paid.amount, charge_id="ch_1", fee=fee)
    tell(till, gateway, told, gateway.fact("dispute_won", "dp_1", paid.amount, charge_id="ch_1"))
    assert till.wallets.balance("house").balance.minor == -1500
    assert money(till) == (2500, 0)

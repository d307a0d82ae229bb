"""Money in through a gateway: asked for, learnt about by polling, credited once."""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, FactPage, PaymentQuery
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    GatewayError,
    GatewayUnreachable,
    NotFound,
    ReadOnly,
    ReferenceReused,
)
from billdesk.core.values.ids import IdMaker
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.scripted_gateway import ScriptedGateway
from tests.new_ledger import seeded

SECONDS = timedelta(seconds=5)
BY_HAND = SandboxSwitches(settles_after=None)


@pytest.fixture
def sandbox(tmp_path: Path, clock: MovingClock) -> Sandbox:
    """A gateway whose customers pay when the test says so."""
    return Sandbox(tmp_path / "books", clock=clock, switches=BY_HAND)


@pytest.fixture
def till(ledger_url: str, clock: MovingClock, sandbox: Sandbox) -> Iterator[Desk]:
    """A desk that is connected to that gateway, with an account `acme` without money."""
    with open_desk(
        ledger_url, clock=clock, actor="tester", chance=seeded(), gateways=[sandbox]
    ) as desk:
        desk.accounts.add("acme", name="Acme")
        yield desk
        assert desk.verify().findings == ()


def cents(desk: Desk, ref: str = "acme") -> int:
    return desk.wallets.balance(ref).balance.minor


def known(sandbox: Sandbox, payment: PaymentSheet) -> tuple[Fact, ...]:
    """What the sandbox knows of a payment."""
    return sandbox.find(PaymentQuery(payment.id, None, None, payment.created_at))


def pay(sandbox: Sandbox, external_id: str | None) -> Fact:
    assert external_id is not None
    return sandbox.pay(external_id)


# --- starting ----------------------------------------------------------------------------------


def test_a_deposit_starts_with_a_link_to_pay_at(till: Desk) -> None:
    payment = till.deposits.start("acme", "25")
    assert (payment.status, payment.amount, payment.account_ref, payment.mode) == (
        "pending", Money(2500, "USD"), "acme", "test",
    )  # fmt: skip
    assert payment.pay_url == f"https://sandbox.invalid/pay/{payment.external_id}"
    assert cents(till) == 0
    assert till.payments.get(payment.id) == payment


@pytest.mark.parametrize("amount", ["9.99", "5 CREDIT", "-1", "1e3", "0"])
def test_what_cannot_be_deposited_is_refused(till: Desk, amount: str) -> None:
    with pytest.raises(BadInput):
        till.deposits.start("acme", amount)
    assert till.payments.list().rows == ()


def test_ten_dollars_are_enough_and_other_currencies_have_no_minimum(till: Desk) -> None:
    assert till.deposits.start("acme", "10").amount == Money(1000, "USD")
    assert till.deposits.start("acme", "1 JPY").amount == Money(1, "JPY")


def test_a_suspended_account_takes_no_new_deposit(till: Desk) -> None:
    till.accounts.suspend("acme", memo=MEMO)
    with pytest.raises(AccountClosed, match="suspended"):
        till.deposits.start("acme", "25")
    assert till.payments.list().rows == ()


def test_a_deposit_needs_a_gateway_and_an_account_that_are_there(till: Desk) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        till.deposits.start("acme", "25", gateway="nowhere")
    with pytest.raises(NotFound, match="'nobody'"):
        till.deposits.start("nobody", "25")
    with pytest.raises(BadInput, match="no id of a payment"):
        till.deposits.start("acme", "25", id="pay_x")


def test_the_same_id_carries_on_with_the_same_payment(
    till: Desk, clock: MovingClock, sandbox: Sandbox
) -> None:
    payment_id = IdMaker(seeded(9)).make("pay", clock.now())
    first = till.deposits.start("acme", "25", id=payment_id)
    assert till.deposits.start("acme", "25", id=payment_id) == first
    with pytest.raises(ReferenceReused):
        till.deposits.start("acme", "26", id=payment_id)
    pay(sandbox, first.external_id)
    till.tick()
    assert till.deposits.start("acme", "25", id=payment_id).status == "succeeded"
    assert cents(till) == 2500


def test_inside_a_transaction_nobody_is_asked_until_it_stands(
    till: Desk, clock: MovingClock, sandbox: Sandbox
) -> None:
    with till.rehearsal():
        assert till.deposits.start("acme", "25").pay_url is None
    assert till.payments.list().rows == ()
    with till.transaction():
        payment = till.deposits.start("acme", "25")
    assert known(sandbox, payment) == ()
    clock.advance(SECONDS)
    till.tick()
    assert till.payments.get(payment.id).pay_url is not None


def test_the_same_id_from_two_desks_at_once_is_one_payment(
    till: Desk, ledger_url: str, clock: MovingClock, sandbox: Sandbox
) -> None:
    payment_id = IdMaker(seeded(9)).make("pay", clock.now())
    inside = threading.Event()

    def others() -> None:
        with (
            open_desk(ledger_url, clock=clock, gateways=[sandbox]) as other,
            other.transaction(),
        ):
            other.deposits.start("acme", "25", id=payment_id)
            inside.set()
            time.sleep(0.5)

    thread = threading.Thread(target=others)
    thread.start()
    assert inside.wait(20)
    assert till.deposits.start("acme", "25", id=payment_id).id == payment_id
    thread.join()
    assert len(till.payments.list().rows) == 1


# --- learning what happened --------------------------------------------------------------------


def test_a_payment_is_credited_once_though_it_is_told_three_ways(
    till: Desk, clock: MovingClock, sandbox: Sandbox
) -> None:
    payment = till.deposits.start("acme", "25")
    pay(sandbox, payment.external_id)
    clock.advance(SECONDS)
    sheet = till.tick()
    assert (sheet.polled, sheet.deposits, sheet.errors) == (1, 1, ())
    for _ in range(3):
        clock.advance(SECONDS)
        assert till.gateways.poll("sandbox").deposits == 0
    payment = till.payments.get(payment.id)
    assert (payment.status, payment.fee, cents(till)) == ("succeeded", Money(103, "USD"), 2500)
    posting = till.ledger.posting(payment.posting_id or "")
    assert (posting.kind, posting.about, posting.scope) == (
        "deposit", payment.id, "gateway:sandbox:test",
    )  # fmt: skip
    assert [entry.counterparty for entry in posting.entries] == ["gateway:sandbox"]


def test_a_deposit_happened_when_the_gateway_says_and_is_recorded_when_we_learn(
    till: Desk, clock: MovingClock, sandbox: Sandbox
) -> None:
    payment = till.deposits.start("acme", "25")
    paid_at = pay(sandbox, payment.external_id).happened_at
    clock.advance(timedelta(days=1))
    till.tick()
    posting = till.ledger.posting(till.payments.get(payment.id).posting_id or "")
    assert (posting.happened_at, posting.recorded_at) == (paid_at, clock.now())
    assert till.wallets.balance("acme", effective=paid_at + SECONDS).balance.minor == 2500
    assert till.wallets.balance("acme", at=paid_at + SECONDS).balance.minor == 0


def test_the_gateways_fee_is_the_houses_and_clearing_equals_its_books(
    till: Desk, clock: MovingClock, sandbox: Sandbox
) -> None:
    for amount in ("25", "100", "70 EUR"):
        pay(sandbox, till.deposits.start("acme", amount).external_id)
    till.deposits.start("acme", "33")
    clock.advance(SECONDS)
    assert till.tick().deposits == 3
    for asset, (settled_minor, fee_minor, _) in sandbox.totals().items():
        (sheet,) = (sheet for sheet in till.ledger.trial_balance() if sheet.asset == asset)
        clearing = {party.name: party.amount.minor for party in sheet.counterparties}
        assert clearing["gateway:sandbox"] == fee_minor - settled_minor
        assert till.wallets.balance("house", asset).balance.minor == -fee_minor
        assert sheet.difference.minor == 0


def test_money_arrives_on_a_frozen_wallet_and_a_suspended_account(
    till: Desk, sandbox: Sandbox
) -> None:
    payment = till.deposits.start("acme", "25")
    till.wallets.freeze("acme", memo=MEMO)
    till.accounts.suspend("acme", memo=MEMO)
    pay(sandbox, payment.external_id)
    till.tick()
    assert cents(till) == 2500


def test_a_lost_reply_is_healed_by_a_poll(till: Desk, clock: MovingClock, sandbox: Sandbox) -> None:
    sandbox.switches = SandboxSwitches(lost_replies_percent=100)
    payment_id = IdMaker(seeded(9)).make("pay", clock.now())
    with pytest.raises(GatewayUnreachable):
        till.deposits.start("acme", "25", id=payment_id)
    payment = till.payments.get(payment_id)
    assert (payment.status, payment.external_id, cents(till)) == ("pending", None, 0)
    clock.advance(SECONDS)
    till.tick()
    assert (till.payments.get(payment_id).status, cents(till)) == ("succeeded", 2500)


def test_a_gateway_that_was_down_is_asked_again_with_the_same_id(
    till: Desk, clock: MovingClock, sandbox: Sandbox
) -> None:
    sandbox.switches = SandboxSwitches(down=True)
    payment_id = IdMaker(seeded(9)).make("pay", clock.now())
    with pytest.raises(GatewayUnreachable):
        till.deposits.start("acme", "25", id=payment_id)
    assert till.payments.get(payment_id).pay_url is None
    sandbox.switches = BY_HAND
    clock.advance(SECONDS)
    till.tick()
    assert till.payments.get(payment_id).status == "pending"
    assert till.deposits.start("acme", "25", id=payment_id).pay_url is not None


@pytest.mark.parametrize(
    ("after", "status", "detail"),
    [("decline", "failed", "no money"), ("expire", "expired", "nobody paid in time")],
)
def test_a_payment_that_fails_says_why_and_credits_nothing(
    till: Desk, clock: MovingClock, sandbox: Sandbox, after: str, status: str, detail: str
) -> None:
    payment = till.deposits.start("acme", "25")
    if after == "decline":
        sandbox.decline(payment.external_id or "", "no money")
    clock.advance(timedelta(hours=25))
    till.tick()
    payment = till.payments.get(payment.id)
    assert (payment.status, payment.detail, cents(till)) == (status, detail, 0)
    assert till.audit.list(account="acme").rows[0].action == f"deposit.{status}"


def test_duplicates_and_late_words_change_nothing(
    till: Desk, clock: MovingClock, sandbox: Sandbox
) -> None:
    sandbox.switches = replace(BY_HAND, duplicates_percent=100, late_percent=100)
    payment = till.deposits.start("acme", "25")
    pay(sandbox, payment.external_id)
    for _ in range(4):
        clock.advance(timedelta(minutes=2))
        till.tick()
    assert cents(till) == 2500
    assert [fact.stage for fact in till.facts.list().rows] == ["settled", "opened"]


def test_open_payments_are_asked_about_less_and_less_often(
    till: Desk, clock: MovingClock, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []
    find = sandbox.find

    def listen(query: PaymentQuery) -> tuple[Fact, ...]:
        asked.append(clock.now())
        return find(query)

    monkeypatch.setattr(sandbox, "find", listen)
    start = clock.now()
    till.deposits.start("acme", "25")
    for _ in range(60):
        clock.advance(timedelta(seconds=1))
        till.tick()
    assert [(at - start).seconds for at in asked] == [2, 6, 14, 30]


# --- gateways that say strange things ----------------------------------------------------------


@pytest.fixture
def scripted(sandbox: Sandbox) -> ScriptedGateway:
    """The second gateway of the desk below."""
    return ScriptedGateway(sandbox)


@pytest.fixture
def two(
    ledger_url: str, clock: MovingClock, scripted: ScriptedGateway, tmp_path: Path
) -> Iterator[Desk]:
    """A desk with the scripted gateway first and a sandbox of its own second."""
    other = Sandbox(tmp_path / "other", clock=clock)
    with open_desk(
        ledger_url,
        clock=clock,
        actor="tester",
        chance=seeded(),
        gateways=[scripted, other],
    ) as desk:
        desk.accounts.add("acme", name="Acme")
        yield desk
        assert desk.verify().findings == ()


def settled(fact: Fact, amount: Money, *, occurrence: str = "1") -> Fact:
    return replace(
        fact, gateway="scripted", account="shop", stage="settled", amount=amount, fee=None,
        occurrence=occurrence, pay_url=None,
    )  # fmt: skip


def test_another_amount_than_was_asked_for_waits_in_sight(
    two: Desk, scripted: ScriptedGateway, sandbox: Sandbox
) -> None:
    payment = two.deposits.start("acme", "25", gateway="scripted")
    opened = known(sandbox, payment)[0]
    scripted.pages = [FactPage((settled(opened, Money(2400, "USD")),), "1", complete=True)]
    assert two.gateways.poll("scripted").deposits == 0
    (fact,) = two.facts.list(state="waiting").rows
    assert (fact.payment_id, fact.amount) == (payment.id, Money(2400, "USD"))
    assert fact.detail.startswith("24.00 USD was paid where 25.00 USD was asked for")
    assert (two.payments.get(payment.id).status, cents(two)) == ("pending", 0)
    assert two.overview().attention[0].title == "1 facts of scripted wait for a person"


def test_what_nobody_asked_for_waits_in_sight(
    two: Desk, scripted: ScriptedGateway, sandbox: Sandbox
) -> None:
    payment = two.deposits.start("acme", "25", gateway="scripted")
    opened = known(sandbox, payment)[0]
    strange = replace(settled(opened, Money(2500, "USD")), payment_id=None, object_id="other")
    scripted.pages = [FactPage((strange,), "1", complete=True)]
    two.tick()
    (fact,) = two.facts.list(state="waiting").rows
    assert fact.detail == "no payment of ours is known for it"
    assert two.gateways.list()[0].waiting_facts == 1


def test_a_fact_without_our_id_is_placed_by_the_gateways_own(
    two: Desk, scripted: ScriptedGateway, sandbox: Sandbox
) -> None:
    payment = two.deposits.start("acme", "25", gateway="scripted")
    opened = known(sandbox, payment)[0]
    fact = replace(settled(opened, Money(2500, "USD")), payment_id=None)
    again = replace(fact, occurrence="2")
    late = replace(fact, stage="declined", occurrence="3", detail="too late")
    scripted.pages = [
        FactPage((fact, fact), "1", complete=False), FactPage((again, late), "2", complete=True),
    ]  # fmt: skip
    sheet = two.gateways.poll("scripted")
    assert (sheet.facts, sheet.deposits, cents(two)) == (3, 1, 2500)
    payment = two.payments.get(payment.id)
    assert (payment.status, payment.fee) == ("succeeded", None)


def test_money_that_comes_after_a_decline_is_credited(
    two: Desk, scripted: ScriptedGateway, sandbox: Sandbox
) -> None:
    payment = two.deposits.start("acme", "25", gateway="scripted")
    opened = known(sandbox, payment)[0]
    paid = settled(opened, Money(2500, "USD"))
    declined = replace(paid, stage="declined", detail="try again")
    reopened = replace(opened, gateway="scripted", occurrence="late", detail="still waits")
    scripted.pages = [FactPage((declined, reopened, paid), "1", complete=True)]
    two.tick()
    assert (two.payments.get(payment.id).status, cents(two)) == ("succeeded", 2500)


def test_a_gateway_that_refuses_a_deposit_ends_it(two: Desk, scripted: ScriptedGateway) -> None:
    scripted.opening = GatewayError("this card type is not taken")
    with pytest.raises(GatewayError, match="card type"):
        two.deposits.start("acme", "25", gateway="scripted")
    (payment,) = two.payments.list(status="failed").rows
    assert payment.detail == "this card type is not taken"


def test_one_gateway_that_is_down_stops_no_other(
    two: Desk, clock: MovingClock, scripted: ScriptedGateway
) -> None:
    two.deposits.start("acme", "25", gateway="sandbox")
    clock.advance(SECONDS)
    scripted.pages = [GatewayUnreachable("no answer"), GatewayUnreachable("no answer")]
    sheet = two.tick()
    assert (sheet.polled, sheet.deposits, sheet.errors) == (2, 1, ("scripted: no answer",))
    down, up = two.gateways.list()
    assert (down.last_error, down.last_polled_at, down.lag_seconds) == ("no answer", None, None)
    assert (up.last_error, up.last_polled_at, up.lag_seconds) == (None, clock.now(), 0)
    assert up.watermark is not None
    assert two.tick().polled == 1
    assert two.gateways.list()[0].quiet_until == clock.now() + timedelta(seconds=2)
    clock.advance(SECONDS)
    two.tick()
    clock.advance(SECONDS)
    two.tick()
    assert two.gateways.list()[0].last_error is None


def test_a_feed_without_an_end_is_left_after_many_pages(
    two: Desk, scripted: ScriptedGateway
) -> None:
    pages = (FactPage((), str(number), complete=False) for number in itertools.count())
    scripted.pages = list(itertools.islice(pages, 300))
    assert two.tick().errors == ()
    assert len(scripted.pages) == 100


def test_an_unknown_gateway_is_not_polled(two: Desk) -> None:
    with pytest.raises(NotFound, match="'nowhere'") as refusal:
        two.gateways.poll("nowhere")
    assert refusal.value.hint == "known: scripted, sandbox"


# --- reading -----------------------------------------------------------------------------------


def test_payments_are_listed_newest_first_by_account_and_status(till: Desk) -> None:
    till.accounts.add("beta", name="Beta")
    first, second = till.deposits.start("acme", "25"), till.deposits.start("beta", "30")
    assert [p.id for p in till.payments.list().rows] == [second.id, first.id]
    assert [p.id for p in till.payments.list(account="acme").rows] == [first.id]
    assert till.payments.list(status="failed").rows == ()
    page = till.payments.list(limit=1)
    assert [p.id for p in till.payments.list(after=page.after).rows] == [first.id]
    page_of_facts = till.facts.list(limit=1)
    assert len(till.facts.list(after=page_of_facts.after).rows) == 1


def test_payments_are_asked_for_in_words_they_know(till: Desk) -> None:
    with pytest.raises(BadInput, match="no status"):
        till.payments.list(status="gone")
    with pytest.raises(NotFound):
        till.payments.list(account="nobody")
    with pytest.raises(NotFound, match="pay_x"):
        till.payments.get("pay_x")


def test_a_desk_that_only_looks_polls_nothing(ledger_url: str, clock: MovingClock) -> None:
    with open_desk(ledger_url, clock=clock, read_only=True) as desk:
        for ask in (desk.gateways.poll, desk.tick):
            with pytest.raises(ReadOnly):
                ask()

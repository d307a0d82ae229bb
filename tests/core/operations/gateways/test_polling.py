"""Polling: nothing lost over silence, gaps, errors and lost replies; nothing asked more than needed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Event, FactPage, Method
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotFound,
    NotOffered,
    ReadOnly,
    Refused,
)
from billdesk.core.values.money import Money
from tests.core.operations.scripted_gateway import AT, ScriptedGateway
from tests.new_ledger import seeded

STEP = timedelta(minutes=20)
TWENTY_FIVE = Money(2500, "USD")


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


def asked(gateway: ScriptedGateway, what: str) -> list[object]:
    return [request for verb, request in gateway.asked if verb == what]


# --- errors --------------------------------------------------------------------------------------


def test_a_refused_key_is_said_once_and_asked_less_and_less(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    waits = []
    for _ in range(8):
        gateway.pages = [KeyRefused("the key of scripted was refused")]
        assert till.tick().errors == ("scripted: the key of scripted was refused",)
        quiet_until = till.gateways.list()[0].quiet_until
        assert quiet_until is not None
        assert till.tick().polled == 0
        waits.append(quiet_until - clock.now())
        clock.move_to(quiet_until)
    assert waits[0] >= timedelta(minutes=1)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)
    said = [line for line in till.audit.list().rows if line.action == "gateway.failed"]
    assert len(said) == 1
    assert till.tick().errors == ()
    assert till.gateways.list()[0].last_error is None


def test_a_person_who_asks_is_not_put_off(till: Desk, gateway: ScriptedGateway) -> None:
    gateway.pages = [GatewayUnreachable("no answer")]
    till.tick()
    assert till.gateways.poll().polled == 1


def test_a_busy_gateway_is_left_alone_as_long_as_it_wishes(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    gateway.pages = [GatewayBusy("slow down", retry_after_seconds=90)]
    till.tick()
    assert till.gateways.list()[0].quiet_until == clock.now() + timedelta(seconds=90)
    clock.advance(timedelta(seconds=89))
    assert till.tick().polled == 0
    clock.advance(timedelta(seconds=1))
    assert till.tick().polled == 1


def test_an_interrupted_pass_moves_nothing(till: Desk, gateway: ScriptedGateway) -> None:
    first = FactPage((gateway.fact("unknown", "a"),), "half", complete=False)
    gateway.pages = [first, GatewayUnreachable("no answer")]
    till.tick()
    gateway.asked.clear()
    till.gateways.poll()
    assert asked(gateway, "facts") == [None]
    assert [fact.object_id for fact in till.facts.list().rows] == ["a"]


# --- gaps and sweeps -----------------------------------------------------------------------------


def test_a_gap_is_recorded_and_healed_by_listing_everything(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    till.tick()
    since = clock.now() - timedelta(days=40)
    gateway.pages = [FactPage((), "2", complete=True, gap_since=since)] * 2
    gateway.sweeps = [
        FactPage((gateway.fact("unknown", "a"),), "half", complete=False),
        GatewayUnreachable("no answer"),
    ]
    assert till.tick().errors == ("scripted: no answer",)
    (gap,) = till.gateways.gaps()
    assert (gap.since, gap.until, gap.healed_at) == (since, clock.now(), None)
    assert till.gateways.list()[0].open_gaps == 1
    clock.advance(STEP)
    gateway.asked.clear()
    gateway.sweeps = [FactPage((gateway.fact("unknown", "b"),), "", complete=True)]
    till.tick()
    assert asked(gateway, "sweep") == [(since, None)]
    (gap,) = till.gateways.gaps()
    assert gap.healed_at == clock.now()
    assert {fact.object_id for fact in till.facts.list().rows} == {"a", "b"}
    assert [line.action for line in till.audit.list().rows].count("gateway.gap") == 2


def test_a_long_sweep_goes_on_where_it_stopped(
    till: Desk, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch, clock: MovingClock
) -> None:
    monkeypatch.setattr("billdesk.core.operations.gateways.polling.PAGES_PER_POLL", 2)
    till.tick()
    pages = [FactPage((), cursor, complete=False) for cursor in "abc"]
    gateway.sweeps = [*pages, FactPage((), "", complete=True)]
    till.gateways.sweep("scripted")
    since = clock.now() - timedelta(days=3)
    clock.advance(timedelta(minutes=1))
    till.tick()
    assert asked(gateway, "sweep") == [(since, None), (since, "a"), (since, "b"), (since, "c")]
    till.tick()
    assert len(asked(gateway, "sweep")) == 4


def test_everything_is_listed_once_a_day_and_after_a_silence(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    till.tick()
    for _ in range(24 * 3):
        clock.advance(STEP)
        till.tick()
    assert asked(gateway, "sweep") == [(clock.now() - timedelta(days=3), None)]
    gateway.asked.clear()
    clock.advance(timedelta(days=5))
    till.tick()
    assert asked(gateway, "sweep") == [(clock.now() - timedelta(days=8), None)]
    clock.advance(timedelta(days=50))
    till.tick()
    assert asked(gateway, "sweep")[-1] == (clock.now() - timedelta(days=30), None)


def test_a_new_gateway_can_be_swept_and_one_that_cannot_list_is_not_asked_for_it(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    gateway.sweeps = [NotOffered("it lists nothing")]
    assert till.gateways.sweep().errors == ()
    assert till.gateways.list()[0].swept_at == clock.now()


# --- what is open --------------------------------------------------------------------------------


def test_a_payment_that_no_gateway_heard_of_is_asked_for_again_with_the_same_id(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    gateway.opening = GatewayUnreachable("no answer")
    with pytest.raises(GatewayUnreachable):
        till.deposits.start("acme", "25")
    gateway.opening = None
    clock.advance(STEP)
    till.tick()
    first, second = asked(gateway, "open")
    assert first == second
    assert till.payments.list().rows[0].pay_url is not None


def test_what_a_gateway_refuses_is_said_on_the_payment_and_stops_nothing_else(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    for _ in range(2):
        gateway.opening = GatewayUnreachable("no answer")
        with pytest.raises(GatewayUnreachable):
            till.deposits.start("acme", "25")
    gateway.opening = GatewayError("no such currency")
    clock.advance(STEP)
    assert till.tick().errors == ()
    assert [each.detail for each in till.payments.list(status="failed").rows] == [
        "no such currency"
    ] * 2
    assert till.payments.list(status="pending").rows == ()


def test_a_payment_that_fails_again_and_again_slows_nothing_else_down(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    gateway.opening = GatewayUnreachable("it failed under this key before")
    with pytest.raises(GatewayUnreachable):
        till.deposits.start("acme", "25")
    (stuck,) = till.payments.list().rows
    clock.advance(STEP)
    assert till.tick().errors == (f"{stuck.id}: it failed under this key before",)
    assert till.gateways.list()[0].quiet_until is None
    assert till.tick().polled == 1


def test_a_key_that_is_refused_leaves_what_was_asked_for_open(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    gateway.opening = KeyRefused("the key of scripted was refused")
    with pytest.raises(KeyRefused):
        till.deposits.start("acme", "25")
    clock.advance(STEP)
    assert till.tick().errors == ("scripted: the key of scripted was refused",)
    gateway.opening = GatewayBusy("slow down")
    clock.advance(STEP)
    assert till.tick().errors == ("scripted: slow down",)
    gateway.opening = None
    clock.advance(STEP)
    till.tick()
    assert till.payments.list().rows[0].pay_url is not None


def test_a_payment_whose_key_may_be_forgotten_is_given_up_instead(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    gateway.opening = GatewayBusy("slow down")
    with pytest.raises(GatewayBusy):
        till.deposits.start("acme", "25")
    clock.advance(timedelta(hours=6))
    till.tick()
    (payment,) = till.payments.list().rows
    assert (payment.status, payment.detail) == ("expired", "scripted never heard of it")
    assert len(asked(gateway, "open")) == 1


def test_a_link_that_nobody_pays_is_given_up_and_money_that_comes_later_is_still_credited(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    payment = till.deposits.start("acme", "25")
    opened = gateway.fact("opened", payment.external_id or "", occurrence="2")
    for _ in range(3):
        clock.advance(timedelta(days=3))
        gateway.found = [(opened,)]
        till.tick()
    payment = till.payments.get(payment.id)
    assert (payment.status, payment.detail) == ("expired", "nobody paid in 7 days")
    paid = gateway.fact("settled", payment.external_id or "", TWENTY_FIVE)
    gateway.sweeps = [FactPage((paid,), "", complete=True)]
    clock.advance(timedelta(days=1))
    assert till.tick().deposits == 1
    assert till.payments.get(payment.id).status == "succeeded"


def test_a_link_that_was_paid_with_another_amount_is_not_said_to_be_unpaid(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    payment = till.deposits.start("acme", "25")
    less = gateway.fact("settled", payment.external_id or "", Money(2400, "USD"))
    for _ in range(3):
        clock.advance(timedelta(days=3))
        gateway.found = [(less,)]
        till.tick()
    assert till.payments.get(payment.id).status == "pending"
    assert till.facts.list(state="waiting").rows[0].detail.startswith("24.00 USD was paid where")


def test_what_is_paid_while_we_give_it_up_is_credited(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    payment = till.deposits.start("acme", "25")
    clock.advance(timedelta(days=8))
    gateway.found = [(gateway.fact("settled", payment.external_id or "", TWENTY_FIVE),)]
    till.tick()
    assert till.payments.get(payment.id).status == "succeeded"


def test_a_gateway_that_has_nothing_to_say_is_asked_again_later(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    payment = till.deposits.start("acme", "25")
    clock.advance(STEP)
    till.tick()
    assert till.payments.get(payment.id) == payment
    gateway.found = [(gateway.fact("settled", payment.external_id or "", TWENTY_FIVE),)]
    clock.advance(STEP)
    till.tick()
    refund = till.card_refunds.create(payment.id, memo="the customer asked for it")
    clock.advance(STEP)
    till.tick()
    assert till.card_refunds.get(refund.id) == refund
    assert [len(asked(gateway, what)) for what in ("find", "find_refund")] == [2, 1]
    assert [fact.stage for fact in till.facts.list(payment=payment.id).rows] == [
        "settled",
        "opened",
    ]


def test_an_answer_that_makes_no_sense_stops_no_other_question(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    first, second = (till.deposits.start("acme", "25") for _ in range(2))
    paid = gateway.fact("settled", second.external_id or "", TWENTY_FIVE)
    gateway.found = [GatewayError("it makes no sense"), (paid,)]
    clock.advance(STEP)
    sheet = till.tick()
    assert (sheet.deposits, sheet.errors) == (1, (f"{first.id}: it makes no sense",))
    refund = till.card_refunds.create(second.id, memo="the customer asked for it")
    gateway.found_refunds = [GatewayError("nor does this")]
    clock.advance(STEP)
    assert till.tick().errors == (f"{refund.id}: nor does this",)
    gateway.found = [KeyRefused("the key of scripted was refused")]
    clock.advance(STEP)
    assert till.tick().errors == ("scripted: the key of scripted was refused",)
    clock.advance(STEP)
    gateway.found = [GatewayUnreachable("no answer")]
    assert till.tick().errors == ("scripted: no answer",)


def test_a_decline_that_can_be_tried_again_leaves_the_payment_open(
    till: Desk, gateway: ScriptedGateway
) -> None:
    payment = till.deposits.start("acme", "25")
    object_id, later = payment.external_id or "", AT + timedelta(seconds=30)
    declined = gateway.fact("declined", object_id, happened_at=AT + timedelta(seconds=20))
    early = gateway.fact("opened", object_id, occurrence="early")
    again = gateway.fact("opened", object_id, occurrence="again", happened_at=later)
    told = []
    for fact in (declined, early, again):
        gateway.pages = [FactPage((fact,), "1", complete=True)]
        till.gateways.poll()
        told.append(till.payments.get(payment.id).status)
    assert told == ["failed", "failed", "pending"]


def test_a_payment_that_we_ended_ourselves_is_not_opened_by_an_old_word(
    till: Desk, gateway: ScriptedGateway
) -> None:
    gateway.opening = GatewayError("no such currency")
    with pytest.raises(GatewayError):
        till.deposits.start("acme", "25")
    (payment,) = till.payments.list(status="failed").rows
    late = gateway.fact("opened", "cs_1", payment_id=payment.id)
    gateway.pages = [FactPage((late,), "1", complete=True)]
    till.gateways.poll()
    assert till.payments.get(payment.id).status == "failed"


def test_a_slow_bank_keeps_a_payment_open(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    payment = till.deposits.start("acme", "25")
    clock.advance(STEP)
    gateway.found = [(gateway.fact("processing", payment.external_id or "", charge_id="ch_1"),)]
    till.tick()
    payment = till.payments.get(payment.id)
    assert (payment.status, payment.detail, payment.charge_id) == ("pending", "processing", "ch_1")


# --- messages ------------------------------------------------------------------------------------


def message(event_id: str, body: str = "{}") -> Event:
    return Event(event_id, "payment.settled", "x", AT, body)


def test_messages_are_kept_once_as_they_came(till: Desk, gateway: ScriptedGateway) -> None:
    fact = gateway.fact("unknown", "a")
    gateway.pages = [
        FactPage((fact,), "1", complete=True, events=(message("e1"),)),
        FactPage((fact,), "1", complete=True, events=(message("e1", "other"), message("e2"))),
        FactPage((), "1", complete=True, events=(message("e3"),)),
    ]
    for _ in range(3):
        till.gateways.poll()
    with till._office.database.read() as session:
        rows = session.all("SELECT event_id, raw FROM gateway_event ORDER BY event_id")
    assert rows == [("e1", "{}"), ("e2", "{}"), ("e3", "{}")]


def test_a_message_from_a_file_takes_the_same_way_in_once(
    till: Desk, gateway: ScriptedGateway
) -> None:
    payment = till.deposits.start("acme", "25")
    paid = gateway.fact("settled", payment.external_id or "", TWENTY_FIVE)
    page = FactPage((paid,), "", complete=True, events=(message("e1"),))
    gateway.pages = [page, page]
    taken = till.gateways.take("scripted", b"{}", {"signature": "right"})
    assert (taken.new, taken.applied, taken.waiting, taken.known) == (1, 1, 0, 0)
    taken = till.gateways.take("scripted", b"{}", {"signature": "right"})
    assert (taken.new, taken.known) == (0, 1)
    assert till.wallets.balance("acme").balance == TWENTY_FIVE


def test_a_wrong_signature_a_wrong_name_and_a_desk_that_only_looks_take_nothing_in(
    till: Desk, ledger_url: str, gateway: ScriptedGateway
) -> None:
    with pytest.raises(BadInput, match="signature"):
        till.gateways.take("scripted", b"{}", {})
    with pytest.raises(NotFound):
        till.gateways.take("nowhere", b"{}", {"signature": "right"})
    with (
        open_desk(ledger_url, read_only=True, gateways=[gateway]) as reader,
        pytest.raises(ReadOnly),
    ):
        reader.gateways.take("scripted", b"{}", {"signature": "right"})


def test_no_gateway_is_asked_inside_a_transaction(till: Desk, gateway: ScriptedGateway) -> None:
    for ask in (
        till.tick,
        till.gateways.poll,
        till.gateways.sweep,
        lambda: till.gateways.take("scripted", b"{}", {"signature": "right"}),
    ):
        with till.transaction(), pytest.raises(Refused, match="inside a transaction"):
            ask()
    assert gateway.asked == []


# --- facts that wait -----------------------------------------------------------------------------


def test_what_waits_for_its_target_is_applied_once_that_is_there(
    till: Desk, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billdesk.core.operations.facts.intake._REPLAYED", 2)
    method = Method("pm_1", "cus_1", "Visa ···· 4242", "2028-04")
    saved = gateway.fact("method_saved", "pm_1", method=method)
    bills = [gateway.fact("invoice_paid", f"in_{number}", TWENTY_FIVE) for number in range(4)]
    gateway.pages = [FactPage((*bills, saved), "1", complete=True)]
    till.gateways.poll()
    waiting = till.facts.list(state="waiting").rows
    assert [fact.detail for fact in waiting] == [
        "no account of ours is that customer",
        *["it does not show the invoice: sync it to ask again"] * 4,
    ]  # fmt: skip
    with till._office.database.write() as session:
        session.run(
            "INSERT INTO customer VALUES (?, 'scripted', 'test', 'cus_1', 0)",
            (till.accounts.get("acme").id,),
        )
    assert till.facts.replay().facts == 1
    assert len(till.facts.list(state="waiting", gateway="scripted").rows) == 4
    gone = gateway.fact("method_removed", "pm_1", method=method)
    strange = gateway.fact("method_saved", "pm_2")
    gateway.pages = [FactPage((gone, strange), "1", complete=True)]
    till.gateways.poll()
    assert till.facts.list(state="waiting").rows[0].detail == "it does not say which method"


def test_what_was_paid_with_is_kept_when_the_customer_wished_it(
    till: Desk, gateway: ScriptedGateway
) -> None:
    payment = till.deposits.start("acme", "25", save_method=True)
    method = Method("pm_1", "cus_1", "Visa ···· 4242", "2028-04")
    paid = gateway.fact("settled", payment.external_id or "", TWENTY_FIVE, method=method)
    gateway.pages = [FactPage((paid,), "1", complete=True)]
    till.gateways.poll()
    with till._office.database.read() as session:
        assert session.all("SELECT label FROM payment_method") == [("Visa ···· 4242",)]


def test_a_fact_of_another_gateways_payment_waits(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock, tmp_path: Path, ledger_url: str
) -> None:
    payment = till.deposits.start("acme", "25")
    other = ScriptedGateway(Sandbox(tmp_path / "other", clock=clock), "other")
    paid = other.fact("settled", "cs_1", TWENTY_FIVE, payment_id=payment.id)
    other.pages = [FactPage((paid,), "1", complete=True)]
    with open_desk(ledger_url, clock=clock, gateways=[gateway, other]) as both:
        both.gateways.poll("other")
        (fact,) = both.facts.list(state="waiting").rows
        with pytest.raises(BadInput, match="several gateways"):
            both.deposits.start("acme", "25")
        assert both.deposits.start("acme", "25", gateway="other").gateway == "other"
        assert [each.gateway for each in both.payments.list(gateway="other").rows] == ["other"]
    assert fact.detail == "it names a payment of scripted in test mode"


# --- many at once --------------------------------------------------------------------------------


def test_a_page_of_deposits_is_credited_each_once_whatever_is_among_them(
    till: Desk, gateway: ScriptedGateway
) -> None:
    for ref in ("b", "c"):
        till.accounts.add(ref, name=ref.upper())
    till.adjustments.credit("acme", "1", memo="so that the wallet is there")
    till.adjustments.credit("b", "1", memo="so that the wallet is there")
    payments = [till.deposits.start(ref, "25") for ref in ("acme", "b", "acme", "c")]
    facts = [
        gateway.fact(
            "settled", each.external_id or "", TWENTY_FIVE, payment_id=each.id,
            fee=Money(103, "USD"), charge_id=f"ch_{number}",
        )
        for number, each in enumerate(payments)
    ]  # fmt: skip
    wrong = replace(facts[0], object_id="x", amount=Money(1, "USD"))
    unknown = replace(facts[0], object_id="y", payment_id="pay_x")
    gateway.pages = [
        FactPage((*facts[:3], facts[0], wrong, unknown), "1", complete=True),
        FactPage((*facts, replace(facts[1], occurrence="2")), "2", complete=True),
    ]
    sheet = till.gateways.poll()
    assert (sheet.facts, sheet.deposits) == (5, 3)
    sheet = till.gateways.poll()
    assert (sheet.facts, sheet.deposits) == (2, 1)
    assert [till.wallets.balance(ref).balance.minor for ref in ("acme", "b", "c")] == [
        5100, 2600, 2500,
    ]  # fmt: skip
    assert till.wallets.balance("house").balance.minor == -412
    assert len(till.facts.list(state="waiting").rows) == 2


def test_a_deposit_among_many_pays_what_its_account_owes(
    till: Desk, gateway: ScriptedGateway
) -> None:
    till.adjustments.credit("acme", "10", memo="something to capture")
    hold = till.holds.place("acme", "10", reference="job:1")
    till.holds.capture(hold.id, "40")
    till.accounts.add("b", name="B")
    till.adjustments.credit("b", "1", memo="so that the wallet is there")
    payments = [till.deposits.start(ref, "20") for ref in ("acme", "b", "acme")]
    gateway.pages = [
        FactPage(
            tuple(
                gateway.fact("settled", each.external_id or "", each.amount, payment_id=each.id)
                for each in payments
            ),
            "1",
            complete=True,
        )
    ]
    assert till.gateways.poll().deposits == 3
    assert till.wallets.balance("acme").balance.minor == 1000
    assert till.wallets.balance("b").balance.minor == 2100


# --- once a day ----------------------------------------------------------------------------------


def test_once_a_day_our_records_are_compared_with_a_gateways_own(
    till: Desk, gateway: ScriptedGateway, clock: MovingClock
) -> None:
    assert till.tick().compared == 1
    assert till.tick().compared == 0
    clock.advance(timedelta(days=1, hours=1))
    gateway.comparing = GatewayUnreachable("no answer")
    sheet = till.tick()
    assert (sheet.compared, sheet.errors) == (0, ("scripted: no answer",))
    gateway.comparing = None
    clock.advance(timedelta(hours=2))
    assert till.tick().compared == 1
    assert [run.finished_at is None for run in till.reconcile.list().rows] == [False, True, False]

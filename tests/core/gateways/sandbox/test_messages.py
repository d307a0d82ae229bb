"""What the sandbox says beyond its feed: sweeps, rows, signed messages, and that it is not there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from billdesk.core.gateways.sandbox import PAGE_SIZE, Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import (
    Fact,
    Gateway,
    Method,
    OffSessionRequest,
    PaymentQuery,
    RefundQuery,
    RefundRequest,
)
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    BadInput,
    GatewayBusy,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
)
from billdesk.core.values.money import Money
from tests.core.gateways.sandbox.steps import MINUTE, MONDAY, everything, request, stages

USD = Money(10_000, "USD")


def swept(sandbox: Sandbox, since: datetime = MONDAY) -> list[Fact]:
    told: list[Fact] = []
    cursor = None
    while True:
        page = sandbox.sweep(since, cursor)
        told += page.facts
        cursor = page.cursor
        if page.complete:
            return told


def opened_by_hand(sandbox: Sandbox) -> Fact:
    sandbox.switches = SandboxSwitches(settles_after=None)
    return sandbox.open_payment(request())


# --- sweeps --------------------------------------------------------------------------------------


def test_a_sweep_finds_what_the_feed_told_too_late_or_never(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.switches = replace(sandbox.switches, late_percent=100, late_by=timedelta(hours=1))
    opened = sandbox.open_payment(request(1))
    sandbox.switches = SandboxSwitches(settles_after=None)
    clock.advance(timedelta(minutes=30))
    sandbox.open_payment(request(2))
    told, cursor = everything(sandbox)
    assert swept(sandbox)[0] == opened, "before the feed tells it"
    clock.advance(timedelta(hours=1))
    told += everything(sandbox, cursor)[0]
    assert opened not in told, "the feed told it after the overlap had passed"
    assert swept(sandbox)[0] == opened
    assert stages(swept(sandbox, MONDAY + MINUTE * 30)) == [("pay_2", "opened")]


def test_a_long_sweep_comes_in_pages(sandbox: Sandbox) -> None:
    sandbox.switches = SandboxSwitches(settles_after=None)
    for number in range(2 * PAGE_SIZE):
        sandbox.open_payment(request(number))
    first = sandbox.sweep(MONDAY, None)
    assert (len(first.facts), first.complete) == (PAGE_SIZE, False)
    second = sandbox.sweep(MONDAY, first.cursor)
    assert (len(second.facts), second.complete) == (PAGE_SIZE, True)
    assert sandbox.sweep(MONDAY, second.cursor).facts == ()
    assert [fact.payment_id for fact in first.facts + second.facts] == [
        f"pay_{number}" for number in range(2 * PAGE_SIZE)
    ]


def test_cursors_of_sweeps_and_of_the_feed_are_not_mixed_up(sandbox: Sandbox) -> None:
    sandbox.open_payment(request())
    with pytest.raises(GatewayError, match="is no cursor of the sandbox"):
        sandbox.sweep(MONDAY, everything(sandbox)[1])
    with pytest.raises(GatewayError, match="is no cursor of the sandbox"):
        sandbox.facts(sandbox.sweep(MONDAY, None).cursor)


# --- rows ----------------------------------------------------------------------------------------


def test_rows_are_the_movements_of_a_half_open_span(sandbox: Sandbox, clock: MovingClock) -> None:
    payment = sandbox.pay(opened_by_hand(sandbox).object_id)
    sandbox.refund_outside(payment.object_id, 4_000)
    clock.advance(timedelta(seconds=2))
    dispute = sandbox.dispute(payment.object_id, 6_000)
    clock.advance(MINUTE)
    sandbox.close_dispute(dispute.object_id, won=False)
    rows = list(sandbox.rows(MONDAY, clock.now() + MINUTE))
    assert [(row.kind, row.amount_minor, row.fee_minor) for row in rows] == [
        ("payment", 10_000, 320),
        ("refund", -4_000, 0),
        ("dispute", -6_000, 0),
    ]
    assert {(row.payment_id, row.charge_id, row.asset) for row in rows} == {
        ("pay_1", payment.charge_id, "USD")
    }
    assert [row.external_id for row in rows][::2] == [payment.object_id, dispute.object_id]
    assert list(sandbox.rows(MONDAY, MONDAY)) == []
    assert list(sandbox.rows(MONDAY, MONDAY + timedelta(seconds=2))) == rows[:1]
    assert list(sandbox.rows(clock.now(), clock.now() + MINUTE)) == rows[2:]


# --- messages ------------------------------------------------------------------------------------


def test_a_signed_message_is_read_as_the_feed_tells_it(sandbox: Sandbox) -> None:
    opened = opened_by_hand(sandbox)
    body, headers = sandbox.message(opened)
    page = sandbox.read_event(body, headers, MONDAY)
    assert page.facts == (opened,)
    assert page.events == sandbox.facts(None).events
    [event] = page.events
    assert (event.event_id, event.type) == ("evt_1", "payment.opened")
    assert (event.object_id, event.happened_at) == (opened.object_id, MONDAY)


def test_a_message_that_is_not_signed_is_refused(sandbox: Sandbox) -> None:
    body, headers = sandbox.message(opened_by_hand(sandbox))
    for given in ({}, {"stripe-signature": headers["sandbox-signature"]}):
        with pytest.raises(BadInput, match="is not signed"):
            sandbox.read_event(body, given, MONDAY)


@pytest.mark.parametrize(
    "signature",
    ["", "t=1,v1=", "t=1767603600,v1=" + "0" * 64, "t=0000000000000,v1=" + "0" * 64, "v1=1,t=1"],
)
def test_a_wrong_signature_is_refused(sandbox: Sandbox, signature: str) -> None:
    body, _ = sandbox.message(opened_by_hand(sandbox))
    with pytest.raises(BadInput, match="signature of the message is wrong"):
        sandbox.read_event(body, {"Sandbox-Signature": signature}, MONDAY)


def test_a_signature_is_good_for_five_minutes_and_for_its_own_time_alone(sandbox: Sandbox) -> None:
    body, headers = sandbox.message(opened_by_hand(sandbox))
    five = timedelta(minutes=5)
    for now in (MONDAY - five, MONDAY, MONDAY + five):
        assert sandbox.read_event(body, headers, now).facts
    for now in (MONDAY - five - timedelta(seconds=1), MONDAY + five + timedelta(seconds=1)):
        with pytest.raises(BadInput, match="too old"):
            sandbox.read_event(body, headers, now)
    renewed = headers["sandbox-signature"].replace("t=1767603600", "t=1767603900")
    with pytest.raises(BadInput, match="is wrong"):
        sandbox.read_event(body, {"sandbox-signature": renewed}, MONDAY + five)


def test_a_message_of_another_sandbox_is_refused(sandbox: Sandbox, clock: MovingClock) -> None:
    opened = opened_by_hand(sandbox)
    other = Sandbox(sandbox.path.with_name("other.db"), clock=clock)
    other.open_payment(request())
    with pytest.raises(BadInput, match="is wrong"):
        other.read_event(*sandbox.message(opened), MONDAY)


@pytest.mark.parametrize(
    "body",
    [b"", b"evt_1", b"[]", b"{}", b'{"id": 1}', b'{"id": "evt_x"}', b"\xff\xfe", b'"evt_1"'],
)
def test_a_message_that_says_nothing_is_refused(sandbox: Sandbox, body: bytes) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        sandbox.read_event(body, sandbox.sign(body), MONDAY)


def test_a_message_about_what_never_happened_is_refused(sandbox: Sandbox) -> None:
    body = b'{"id": "evt_7"}'
    with pytest.raises(BadInput, match="never happened"):
        sandbox.read_event(body, sandbox.sign(body), MONDAY)


def test_the_secret_it_signs_with_is_shown_nowhere(sandbox: Sandbox) -> None:
    opened = opened_by_hand(sandbox)
    with sqlite3.connect(sandbox.path) as books:
        [(secret,)] = books.execute("SELECT text FROM secret")
    books.close()
    assert len(secret) == 64
    body, headers = sandbox.message(opened)
    page = sandbox.read_event(body, headers, MONDAY)
    with pytest.raises(BadInput) as refusal:
        sandbox.read_event(body + b" ", headers, MONDAY)
    shown = (repr(sandbox), str(vars(sandbox)), str(headers), repr(page), repr(refusal.value))
    assert not [text for text in shown if secret in text]


# --- nobody there --------------------------------------------------------------------------------

ASKED: list[Callable[[Sandbox], object]] = [
    lambda sandbox: sandbox.check(),
    lambda sandbox: sandbox.open_payment(request(2)),
    lambda sandbox: sandbox.find(PaymentQuery("pay_1", None, None, MONDAY)),
    lambda sandbox: sandbox.charge(OffSessionRequest("pay_2", USD, "acme", "", "sbc_1", "sbm_1")),
    lambda sandbox: sandbox.refund(RefundRequest("ref_1", "pay_1", "sbx_1", None, USD, True, "")),  # noqa: FBT003 - as the sheet has it
    lambda sandbox: sandbox.find_refund(RefundQuery("ref_1", None, "", "", None, USD, MONDAY)),
    lambda sandbox: sandbox.facts(None),
    lambda sandbox: sandbox.sweep(MONDAY, None),
    lambda sandbox: sandbox.ensure_customer("acme", "Acme", None),
    lambda sandbox: sandbox.method_page("sbc_1", "acme"),
    lambda sandbox: sandbox.methods("sbc_1"),
    lambda sandbox: sandbox.remove_method(Method("sbm_1", "sbc_1", "?")),
    lambda sandbox: sandbox.rows(MONDAY, MONDAY),
]


@pytest.mark.parametrize("ask", ASKED)
def test_when_it_is_down_busy_or_refuses_the_key_nothing_is_done(
    sandbox: Sandbox, ask: Callable[[Sandbox], object]
) -> None:
    opened = opened_by_hand(sandbox)
    before = sandbox.path.read_bytes()
    sandbox.switches = SandboxSwitches(down=True)
    with pytest.raises(GatewayUnreachable, match="the sandbox is down"):
        ask(sandbox)
    sandbox.switches = SandboxSwitches(busy_seconds=7)
    with pytest.raises(GatewayBusy) as busy:
        ask(sandbox)
    assert busy.value.retry_after_seconds == 7
    sandbox.switches = SandboxSwitches(key_refused=True)
    with pytest.raises(KeyRefused, match="the key of sandbox was refused"):
        ask(sandbox)
    assert sandbox.path.read_bytes() == before
    assert sandbox.read_event(*sandbox.message(opened), MONDAY).facts == (opened,)


def test_it_speaks_under_the_name_it_is_connected_as(sandbox: Sandbox, clock: MovingClock) -> None:
    other: Gateway = Sandbox(sandbox.path, name="sandbox-eu", clock=clock)
    assert (other.name, other.make) == ("sandbox-eu", "sandbox")
    assert other.open_payment(request()).gateway == "sandbox-eu"
    assert other.check().account == "sandbox"
    assert (other.check().mode, other.check().missing) == ("test", ())


def test_a_subscription_or_invoice_that_nobody_made_is_unknown(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayError, match="knows nothing of"):
        sandbox.subscription("sub_1")
    with pytest.raises(GatewayError, match="knows nothing of"):
        sandbox.invoice("in_1")

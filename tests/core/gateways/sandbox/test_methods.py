"""Saved methods at the sandbox, and charges while their owner is away."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import replace

import pytest

from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, Method, OffSessionRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.sandbox.steps import MINUTE, everything, last, request


@pytest.fixture
def customer_id(sandbox: Sandbox) -> str:
    return sandbox.ensure_customer("acme", "Acme Inc.", "billing@acme.test")


def off_session(
    customer_id: str, method_id: str, minor: int = 10_000, number: int = 1
) -> OffSessionRequest:
    return OffSessionRequest(
        f"pay_{number}", Money(minor, "USD"), "acme", "top-up", customer_id, method_id
    )


def charge(sandbox: Sandbox, customer_id: str, minor: int = 10_000, number: int = 1) -> Fact:
    """Charge what the customer has saved."""
    [method] = sandbox.methods(customer_id)
    return sandbox.charge(off_session(customer_id, method.method_id, minor, number))


# --- saving --------------------------------------------------------------------------------------


def test_a_customer_is_made_once_and_may_change_the_address(sandbox: Sandbox) -> None:
    first = sandbox.ensure_customer("acme", "Acme Inc.", None)
    assert sandbox.ensure_customer("acme", "Acme Ltd.", "pay@acme.test") == first
    other = sandbox.ensure_customer("globex", "Globex", None)
    with sqlite3.connect(sandbox.path) as books:
        known = books.execute("SELECT * FROM customer").fetchall()
    books.close()
    assert known == [
        (first, "acme", "Acme Ltd.", "pay@acme.test"),
        (other, "globex", "Globex", None),
    ]


def test_a_payment_may_leave_its_method_behind(
    sandbox: Sandbox, clock: MovingClock, customer_id: str
) -> None:
    sandbox.open_payment(replace(request(), customer_id=customer_id, save_method=True))
    assert sandbox.methods(customer_id) == ()
    clock.advance(MINUTE)
    [method] = sandbox.methods(customer_id)
    settled = last(sandbox)
    assert settled is not None
    assert settled.method == method
    saved = everything(sandbox)[0][-1]
    assert (saved.stage, saved.object_id, saved.method) == (
        "method_saved", method.method_id, method,
    )  # fmt: skip
    assert (saved.amount, saved.payment_id, saved.charge_id) == (None, None, None)
    assert json.loads(saved.raw)["method"]["label"] == method.label
    assert method.label.split(" ···· ")[0] in {"Visa", "Mastercard", "American Express"}
    assert method.expires == "2030-01"


def test_a_payment_of_a_customer_that_saves_nothing_leaves_nothing(
    sandbox: Sandbox, clock: MovingClock, customer_id: str
) -> None:
    sandbox.open_payment(replace(request(), customer_id=customer_id))
    clock.advance(MINUTE)
    settled = last(sandbox)
    assert settled is not None
    assert (settled.stage, settled.method) == ("settled", None)
    assert sandbox.methods(customer_id) == ()


def test_a_method_is_saved_for_somebody_the_sandbox_knows(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayError, match="saved for a customer"):
        sandbox.open_payment(replace(request(), save_method=True))
    with pytest.raises(GatewayError, match="knows no customer 'sbc_0'"):
        sandbox.open_payment(replace(request(), customer_id="sbc_0"))
    with pytest.raises(GatewayError, match="knows no customer"):
        sandbox.method_page("sbc_0", "acme")
    with pytest.raises(GatewayError, match="knows no customer"):
        sandbox.save_method("sbc_0")
    assert last(sandbox) is None


def test_a_page_saves_the_method_after_a_while(
    sandbox: Sandbox, clock: MovingClock, customer_id: str
) -> None:
    page = sandbox.method_page(customer_id, "acme")
    assert page.url == f"https://sandbox.invalid/save/{page.external_id}"
    assert sandbox.methods(customer_id) == ()
    clock.advance(MINUTE)
    [method] = sandbox.methods(customer_id)
    assert method.method_id == page.external_id
    assert sandbox.method_page(customer_id, "acme").external_id != page.external_id


def test_a_page_waits_for_a_hand_where_nobody_acts_alone(
    sandbox: Sandbox, clock: MovingClock, customer_id: str
) -> None:
    sandbox.switches = SandboxSwitches(settles_after=None)
    sandbox.method_page(customer_id, "acme")
    clock.advance(MINUTE)
    assert sandbox.methods(customer_id) == ()
    saved = sandbox.save_method(customer_id)
    assert [method.method_id for method in sandbox.methods(customer_id)] == [saved.object_id]


def test_a_removed_method_is_told_of_once_and_stays_away(
    sandbox: Sandbox, customer_id: str
) -> None:
    kept, gone = sandbox.save_method(customer_id).method, sandbox.save_method(customer_id).method
    assert kept is not None
    assert gone is not None
    sandbox.remove_method(gone)
    sandbox.remove_method(gone)
    sandbox.remove_method(Method("sbm_0", customer_id, "?"))
    assert sandbox.methods(customer_id) == (kept,)
    removed = [fact for fact in everything(sandbox)[0] if fact.stage == "method_removed"]
    assert [fact.object_id for fact in removed] == [gone.method_id]


# --- charging ------------------------------------------------------------------------------------


def test_a_charge_settles_at_once_with_its_fee_and_its_method(
    sandbox: Sandbox, customer_id: str
) -> None:
    saved = sandbox.save_method(customer_id)
    settled = charge(sandbox, customer_id)
    assert (settled.stage, settled.fee) == ("settled", Money(320, "USD"))
    assert (settled.payment_id, settled.method) == ("pay_1", saved.method)
    assert settled.charge_id == settled.occurrence == f"{settled.object_id}:1"
    assert last(sandbox) == settled
    assert sandbox.totals() == {"USD": (10_000, 320, 0)}


def test_the_same_charge_again_is_the_same_charge_even_when_the_method_is_gone(
    sandbox: Sandbox, customer_id: str
) -> None:
    method_id = sandbox.save_method(customer_id).object_id
    settled = charge(sandbox, customer_id)
    [method] = sandbox.methods(customer_id)
    sandbox.remove_method(method)
    assert sandbox.charge(off_session(customer_id, method_id)) == settled
    with pytest.raises(GatewayError, match="has saved no method"):
        sandbox.charge(off_session(customer_id, method_id, number=2))


def test_a_charge_with_other_content_under_a_known_id_is_refused(
    sandbox: Sandbox, customer_id: str
) -> None:
    sandbox.save_method(customer_id)
    settled = charge(sandbox, customer_id)
    with pytest.raises(GatewayError, match="with other content"):
        charge(sandbox, customer_id, 10_001)
    with pytest.raises(GatewayError, match="with other content"):
        sandbox.open_payment(replace(request(), customer_id=customer_id, description="top-up"))
    other = sandbox.save_method(customer_id).object_id
    with pytest.raises(GatewayError, match="with other content"):
        sandbox.charge(off_session(customer_id, other))
    assert last(sandbox) == settled


def test_a_payment_asked_for_again_is_for_the_same_customer_and_saves_as_much(
    sandbox: Sandbox, customer_id: str
) -> None:
    asked = replace(request(), customer_id=customer_id)
    opened = sandbox.open_payment(asked)
    for other in (replace(asked, customer_id=None), replace(asked, save_method=True)):
        with pytest.raises(GatewayError, match="with other content"):
            sandbox.open_payment(other)
    assert sandbox.open_payment(replace(asked, email="new@acme.test")) == opened


def test_nobody_is_charged_with_the_method_of_another(sandbox: Sandbox, customer_id: str) -> None:
    method_id = sandbox.save_method(customer_id).object_id
    other = sandbox.ensure_customer("globex", "Globex", None)
    with pytest.raises(GatewayError, match="has saved no method"):
        sandbox.charge(off_session(other, method_id))


def test_what_is_no_money_is_not_charged(sandbox: Sandbox, customer_id: str) -> None:
    sandbox.save_method(customer_id)
    with pytest.raises(GatewayError, match="takes no"):
        charge(sandbox, customer_id, 0)


def test_a_method_can_be_one_that_its_bank_always_declines(
    sandbox: Sandbox, customer_id: str
) -> None:
    sandbox.save_method(customer_id, declines=True)
    declined = charge(sandbox, customer_id)
    assert (declined.stage, declined.method, declined.fee) == ("declined", None, None)
    assert declined.detail
    assert sandbox.totals() == {}


@pytest.mark.parametrize(
    ("minor", "end"), [(26_607, "declined"), (26_601, "declined"), (26_602, "settled")]
)
def test_some_amounts_are_declined_off_session(
    sandbox: Sandbox, customer_id: str, minor: int, end: str
) -> None:
    sandbox.save_method(customer_id)
    assert charge(sandbox, customer_id, minor).stage == end


def test_the_amount_that_is_declined_off_session_can_be_paid_by_hand(
    sandbox: Sandbox, clock: MovingClock
) -> None:
    sandbox.open_payment(request(minor=26_607))
    clock.advance(MINUTE)
    settled = last(sandbox)
    assert settled is not None
    assert settled.stage == "settled"


def test_off_session_declines_come_in_their_share(sandbox: Sandbox, customer_id: str) -> None:
    sandbox.switches = replace(sandbox.switches, off_session_declines_percent=30)
    sandbox.save_method(customer_id)
    ends = Counter(charge(sandbox, customer_id, number=number).stage for number in range(100))
    assert 18 <= ends["declined"] <= 42
    assert ends["declined"] + ends["settled"] == 100


def test_a_charge_whose_reply_is_lost_was_made(sandbox: Sandbox, customer_id: str) -> None:
    sandbox.save_method(customer_id)
    with pytest.raises(GatewayUnreachable, match="reply was lost"):
        charge(sandbox, customer_id, 26_603)
    assert charge(sandbox, customer_id, 26_603) == last(sandbox)

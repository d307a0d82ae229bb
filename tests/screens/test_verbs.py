from __future__ import annotations

from pathlib import Path

import pytest

from billdesk.core.desk import create_ledger, open_desk
from billdesk.core.gateways.sandbox import Sandbox
from billdesk.core.values.clock import MovingClock
from billdesk.screens import gateway_verbs, verbs
from tests.screens.shop import NOW


def test_what_is_wrong_with_a_field_is_said_beside_it() -> None:
    adjust = verbs.adjust("acme", "USD", "desk:1")
    troubles = adjust.trouble_with({"direction": "give", "amount": "1e3", "memo": "too short"})
    assert set(troubles) == {"direction", "amount", "memo"}
    assert "credit, debit" in troubles["direction"]
    assert "12.50" in troubles["amount"]
    assert "10 to 500" in troubles["memo"]


@pytest.mark.parametrize("amount", ["0", "-5", "12.345", "١٢", "9e99", "NaN", str(2**63), ""])
def test_no_amount_that_cannot_be_moved_is_taken(amount: str) -> None:
    troubles = verbs.charge("acme", "USD", "desk:1").trouble_with({"amount": amount, "subject": ""})
    assert set(troubles) == {"amount"}


@pytest.mark.parametrize("length", [10, 500])
def test_a_reason_has_10_to_500_characters(length: int) -> None:
    freeze = verbs.freeze("acme", "USD")
    assert freeze.trouble_with({"asset": "USD", "memo": "x" * length}) == {}
    longer = {"asset": "USD", "memo": "x" * (501 if length == 500 else 9)}
    assert set(freeze.trouble_with(longer)) == {"memo"}


def test_what_is_hard_to_take_back_is_typed_again() -> None:
    values = {"direction": "debit", "amount": "12.50", "memo": "", "gateway": "sandbox"}
    for act in (
        verbs.adjust("acme", "USD", "r"),
        verbs.charge("acme", "USD", "r"),
        gateway_verbs.deposit("acme", "USD", "pay_1", {"sandbox": "test"}),
    ):
        assert act.typed is not None
        assert act.typed(values) == "12.50"
    closing = verbs.close("acme")
    assert closing.typed is not None
    assert closing.typed({}) == "acme"


def test_what_can_be_lifted_again_is_not_typed_twice() -> None:
    for act in (verbs.freeze("acme", "USD"), verbs.suspend("acme"), verbs.reopen("acme")):
        assert act.typed is None


def test_the_gateway_an_account_pays_by_is_offered_first_and_the_sandbox_last(
    tmp_path: Path,
) -> None:
    clock, path = MovingClock(NOW), tmp_path / "two.ledger"
    gateways = [Sandbox(tmp_path / name, name=name, clock=clock) for name in ("one", "two")]
    create_ledger(path, clock=clock).close()
    with open_desk(path, clock=clock, gateways=gateways) as desk:
        desk.accounts.add("acme", name="Acme")
        assert list(gateway_verbs.gateways_for(desk, "acme")) == ["one", "two"]
        desk.accounts.set_gateway("acme", "two")
        assert gateway_verbs.gateways_for(desk, "acme") == {"two": "test", "one": "test"}
        act = gateway_verbs.deposit(
            "acme", "USD", "pay_1", gateway_verbs.gateways_for(desk, "acme")
        )
        assert act.fields[0].value == "two"
        assert "TEST: no real money" in act.foreseen({"gateway": "two"})
        live = gateway_verbs.deposit("acme", "USD", "pay_1", {"stripe": "live"})
        assert "LIVE: real money" in live.foreseen({"gateway": "stripe"})

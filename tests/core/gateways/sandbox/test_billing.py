"""What the sandbox bills by itself: told as facts, kept in its books, its money with the rest."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.gateways.sandbox import Sandbox
from billdesk.core.gateways.sandbox.tables import TABLES
from billdesk.core.rules.gateway import Fact
from billdesk.core.values.clock import MovingClock, to_micros
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money
from tests.core.gateways.sandbox.steps import MONDAY, everything

PRICE = Money(2_900, "USD")


def subscribe(sandbox: Sandbox) -> Fact:
    customer_id = sandbox.ensure_customer("acme", "Acme", None)
    return sandbox.subscribe(customer_id, PRICE, MONDAY + timedelta(days=31))


def test_the_feed_tells_subscription_invoice_and_money_in_order(sandbox: Sandbox) -> None:
    subscription = subscribe(sandbox)
    bill = sandbox.bill(subscription.object_id)
    sandbox.fail_invoice(bill.object_id, "no money on it")
    sandbox.pay_invoice(bill.object_id)
    told = everything(sandbox)[0]
    assert [fact.stage for fact in told] == [
        "subscription_changed", "invoice_finalized", "invoice_failed", "settled", "invoice_paid",
    ]  # fmt: skip
    assert told[3].payment_id is None, "the desk did not ask for it"
    assert told[4].invoice is not None
    assert told[4].invoice.parts[0].external_id == told[3].object_id
    assert sandbox.totals() == {"USD": (2_900, 114, 0)}
    [row] = sandbox.rows(MONDAY, MONDAY + timedelta(days=1))
    assert (row.external_id, row.payment_id) == (told[3].object_id, None)


def test_messages_about_them_can_be_brought_by_hand(sandbox: Sandbox) -> None:
    fact = sandbox.bill(subscribe(sandbox).object_id)
    page = sandbox.read_event(*sandbox.message(fact), MONDAY)
    assert page.facts == (fact,)
    assert page.events[0].type == "invoice.invoice_finalized"
    assert '"number": "SBX-' in page.events[0].raw


def test_a_void_invoice_is_neither_paid_nor_failed(sandbox: Sandbox) -> None:
    bill = sandbox.bill(subscribe(sandbox).object_id).object_id
    sandbox.void_invoice(bill)
    with pytest.raises(GatewayError, match="is void"):
        sandbox.pay_invoice(bill)


def test_a_stranger_cannot_subscribe(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayError, match="knows no customer"):
        sandbox.subscribe("sbc_none", PRICE, MONDAY)


def test_books_of_the_second_format_go_on_where_they_stood(
    tmp_path: Path, clock: MovingClock
) -> None:
    path = tmp_path / "sandbox.db"
    second = TABLES.replace("    occurrence TEXT NOT NULL DEFAULT '',\n    body TEXT,\n", "")
    second = second.replace("UNIQUE (object_id, stage, occurrence)", "UNIQUE (object_id, stage)")
    second = second.replace(
        second[second.index("CREATE TABLE bill") : second.index("CREATE TABLE event")], ""
    )
    now = to_micros(clock.now())
    with sqlite3.connect(path) as old:
        old.executescript(second)
        old.executescript(
            "INSERT INTO payment VALUES ('sbx_1', 'pay_1', 'acme', 'd', 100, 'USD', NULL, NULL, 0);"
            "INSERT INTO event VALUES (7, 'sbx_1', 'opened', 'sbx_1', NULL, NULL, 'waits',"
            f" {now}, {now});"
            f"PRAGMA application_id = {0x53424F58}; PRAGMA user_version = 2;"
        )
    old.close()
    sandbox = Sandbox(path, clock=clock)
    [fact] = everything(sandbox)[0]
    assert (fact.object_id, fact.stage, fact.payment_id) == ("sbx_1", "opened", "pay_1")
    assert sandbox.bill(subscribe(sandbox).object_id).stage == "invoice_finalized"

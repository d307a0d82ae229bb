"""Paystack's subscriptions, invoices and charges for plans: what is mirrored, and booked once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.mirrors import InvoiceRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import NotOffered
from billdesk.core.values.money import Money
from tests.core.gateways.paystack.conftest import Steps
from tests.core.gateways.paystack.test_messages import INVOICE, read
from tests.new_ledger import seeded

PLAN = {"plan_code": "PLN_pro", "name": "Pro", "interval": "annually", "currency": "NGN"}
CUSTOMER: dict[str, Any] = {"customer_code": "CUS_1", "metadata": {"account": "acme"}}
SUBSCRIPTION: dict[str, Any] = {
    "status": "active",
    "subscription_code": "SUB_1",
    "amount": 50_000,
    "next_payment_date": "2027-01-05T09:00:00.000Z",
    "createdAt": "2026-01-05T09:00:00.000Z",
    "plan": PLAN,
    "customer": CUSTOMER,
}


def asked(steps: Steps, **fields: object) -> Fact:
    steps.books.subscriptions["SUB_1"] = {**SUBSCRIPTION, **fields}
    return steps.gateway.subscription("SUB_1")


def charged(steps: Steps, **fields: object) -> dict[str, Any]:
    """Paystack charges a customer for a plan by itself."""
    steps.pay()
    row = steps.row()
    del steps.books.transactions["pay-1"]
    row |= {"reference": "T1", "metadata": None, "plan": PLAN, "customer": CUSTOMER, **fields}
    steps.books.transactions["T1"] = row
    return row


def test_a_subscription_shows_its_plan_price_and_whose_it_is(steps: Steps) -> None:
    state = asked(steps).subscription
    assert state is not None
    assert (state.status, state.plan_id, state.plan_name) == ("active", "PLN_pro", "Pro")
    assert (state.schedule, state.asset, state.price_minor) == ("annual", "NGN", 50_000)
    assert state.until == datetime(2027, 1, 5, 9, tzinfo=UTC)
    assert (state.customer_id, state.account_ref) == ("CUS_1", "acme")
    assert state.cancel_at is None


@pytest.mark.parametrize(
    ("status", "ours"),
    [("non-renewing", "active"), ("attention", "past_due"), ("cancelled", "canceled"),
     ("completed", "canceled"), ("unheard-of", "active")],
)  # fmt: skip
def test_each_status_is_one_of_ours(steps: Steps, status: str, ours: str) -> None:
    state = asked(steps, status=status).subscription
    assert state is not None
    assert state.status == ours
    assert (state.cancel_at == state.until) == (status == "non-renewing")


def test_the_end_that_a_message_tells_is_believed(steps: Steps) -> None:
    [fact] = read(steps, "subscription.disable", SUBSCRIPTION).facts
    assert fact.subscription is not None
    assert fact.subscription.status == "canceled"


@pytest.mark.parametrize(
    "fields",
    [{"plan": 17}, {"plan": {**PLAN, "plan_code": ""}}, {"createdAt": None}],
)
def test_what_shows_no_plan_or_no_beginning_is_not_mirrored(
    steps: Steps, fields: dict[str, object]
) -> None:
    assert asked(steps, **fields).subscription is None


def test_a_subscription_without_a_next_date_or_a_known_payer_is_still_one(steps: Steps) -> None:
    state = asked(
        steps, next_payment_date=None, customer={"metadata": {"account": 7}},
        plan={**PLAN, "interval": "fortnightly"},
    ).subscription  # fmt: skip
    assert state is not None
    assert (state.until, state.customer_id, state.account_ref) == (state.since, None, None)
    assert state.schedule == "monthly"


def test_an_invoice_in_a_message_names_its_money_once_it_is_paid(steps: Steps) -> None:
    invoice = {**INVOICE, "subscription": SUBSCRIPTION, "customer": CUSTOMER,
               "period_start": "2026-01-05T09:00:00.000Z", "period_end": None}  # fmt: skip
    [fact] = read(steps, "invoice.update", invoice).facts
    assert fact.invoice is not None
    assert fact.invoice.parts == (("T1", "", 50_000, None),)
    assert (fact.invoice.status, fact.invoice.number) == ("paid", "INV_1")
    assert (fact.invoice.subscription_id, fact.invoice.customer_id) == ("SUB_1", "CUS_1")
    [failed] = read(
        steps, "invoice.payment_failed", {**invoice, "paid": False, "description": "no money"}
    ).facts
    assert failed.invoice is not None
    assert (failed.invoice.status, failed.invoice.failure, failed.invoice.attempts) == (
        "open", "no money", 1,
    )  # fmt: skip
    assert failed.invoice.parts == ()
    [early] = read(steps, "invoice.create", {**INVOICE, "transaction": {}}).facts
    assert early.invoice is None


def test_a_charge_for_a_plan_is_told_as_an_invoice_and_as_money(steps: Steps) -> None:
    charged(steps)
    bill, money = steps.gateway.facts(None).facts
    assert (bill.stage, money.stage) == ("invoice_paid", "settled")
    assert bill.invoice is not None
    assert (bill.invoice.total_minor, bill.invoice.account_ref) == (10_000, "acme")
    assert bill.invoice.lines[0].text == "Pro"
    assert bill.invoice.parts == (
        ("T1", money.charge_id, 10_000, money.fee.minor if money.fee else None),
    )


@pytest.mark.parametrize("fields", [{"plan": None}, {"plan": {}}, {"status": "failed"}])
def test_other_charges_are_no_invoices(steps: Steps, fields: dict[str, object]) -> None:
    charged(steps, **fields)
    assert len(steps.gateway.facts(None).facts) == 1


def test_a_charge_that_names_its_plan_by_code_alone_is_one_too(steps: Steps) -> None:
    charged(steps, plan="PLN_pro")
    bill, _ = steps.gateway.facts(None).facts
    assert bill.invoice is not None
    assert bill.invoice.lines[0].text == "PLN_pro"


def test_paystack_sends_no_invoice_of_ours(steps: Steps) -> None:
    request = InvoiceRequest("inv_1", "INV-1", "c", "acme", "NGN", 1, (), "", None)
    with pytest.raises(NotOffered):
        steps.gateway.send_invoice(request)


# --- with a desk ---------------------------------------------------------------------------------


@pytest.fixture
def desk(ledger_url: str, clock: MovingClock, steps: Steps) -> Iterator[Desk]:
    with open_desk(
        ledger_url, clock=clock, actor="tester", chance=seeded(), gateways=[steps.gateway]
    ) as desk:
        desk.accounts.add("acme", name="Acme Inc.", email="billing@acme.test")
        yield desk
        assert desk.verify().findings == ()


def test_a_charge_that_a_message_told_too_is_one_invoice_and_booked_once(
    desk: Desk, steps: Steps, clock: MovingClock
) -> None:
    charged(steps, amount=50_000)
    body, headers = steps.scene.message(
        "invoice.update", {**INVOICE, "subscription": SUBSCRIPTION, "customer": CUSTOMER}
    )
    desk.mirrors.sync_subscription("paystack", _kept(steps))
    desk.gateways.take("paystack", body, headers)
    clock.advance(timedelta(minutes=15))
    assert desk.tick().errors == ()
    [invoice] = desk.invoices.list(account="acme").rows
    assert (invoice.status, invoice.total) == ("paid", Money(50_000, "NGN"))
    [payment] = desk.payments.list(account="acme").rows
    assert (payment.external_id, payment.status) == ("T1", "succeeded")
    assert desk.facts.list(state="waiting").rows == ()
    clock.advance(timedelta(days=2))
    run = desk.reconcile.run("paystack")
    amounts = [(item.ours, item.theirs) for item in desk.reconcile.items(run.id).rows]
    assert amounts == [(Money(50_000, "NGN"), Money(50_000, "NGN"))]


def _kept(steps: Steps) -> str:
    steps.books.subscriptions["SUB_1"] = SUBSCRIPTION
    return "SUB_1"

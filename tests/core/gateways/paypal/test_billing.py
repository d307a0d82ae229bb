"""PayPal's subscriptions and their sales: what is mirrored of them, and their money in both books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.gateways.paypal.billing import subscription_state
from billdesk.core.rules.mirrors import InvoiceRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import NotOffered, Refused
from billdesk.core.values.money import Money
from tests.core.gateways.paypal.steps import one_fact
from tests.core.gateways.till import Till
from tests.gateway_servers.paypal_scene import PayPalScene
from tests.new_ledger import seeded

ID = "I-BW452GLLEP1G"
PLAN: dict[str, Any] = {
    "id": "P-5ML4271244454362",
    "name": "Pro at PayPal",
    "billing_cycles": [
        {"tenure_type": "TRIAL", "sequence": 1, "frequency": {"interval_unit": "WEEK"}},
        {
            "tenure_type": "REGULAR",
            "sequence": 2,
            "frequency": {"interval_unit": "MONTH", "interval_count": 3},
            "pricing_scheme": {"fixed_price": {"currency_code": "USD", "value": "10.00"}},
        },
    ],
}
SUBSCRIPTION: dict[str, Any] = {
    "id": ID,
    "status": "ACTIVE",
    "plan_id": PLAN["id"],
    "quantity": "2",
    "start_time": "2026-01-02T00:00:00Z",
    "create_time": "2026-01-01T00:00:00Z",
    "update_time": "2026-01-04T00:00:00Z",
    "subscriber": {"payer_id": "2J6QB8YJQSJRJ"},
    "billing_info": {
        "outstanding_balance": {"currency_code": "USD", "value": "0.0"},
        "failed_payments_count": 0,
        "last_payment": {
            "amount": {"currency_code": "USD", "value": "20.00"},
            "time": "2026-01-03T00:00:00Z",
        },
        "next_billing_time": "2026-04-03T00:00:00Z",
    },
    "plan": PLAN,
}
SALE = {
    "id": "SALE1",
    "state": "completed",
    "amount": {"currency": "USD", "total": "20.00"},
    "transaction_fee": {"currency": "USD", "value": "0.88"},
    "billing_agreement_id": ID,
    "create_time": "2026-01-05T09:00:00Z",
}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in SUBSCRIPTION.items() if name not in names}


def test_a_subscription_that_is_asked_for_shows_its_plan(world: PayPalScene, till: Till) -> None:
    world.server.subscriptions[ID] = SUBSCRIPTION
    state = till.gateway.subscription(ID).subscription
    assert state is not None
    assert (state.status, state.plan_id, state.plan_name) == ("active", PLAN["id"], "Pro at PayPal")
    assert (state.schedule, state.quantity) == ("quarterly", 2)
    assert (state.asset, state.price_minor) == ("USD", 2_000)
    assert state.since == datetime(2026, 1, 3, tzinfo=UTC)
    assert state.until == datetime(2026, 4, 3, tzinfo=UTC)
    assert (state.customer_id, state.account_ref) == ("2J6QB8YJQSJRJ", None)


def test_what_the_payer_may_have_written_names_no_account() -> None:
    state = subscription_state({**SUBSCRIPTION, "custom_id": "acme"})
    assert state is not None
    assert state.account_ref is None


@pytest.mark.parametrize(
    ("status", "ours"),
    [("SUSPENDED", "paused"), ("CANCELLED", "canceled"), ("EXPIRED", "canceled"), ("APPROVED", "")],
)
def test_each_status_is_one_of_ours(status: str, ours: str) -> None:
    state = subscription_state({**SUBSCRIPTION, "status": status})
    assert state is not None
    assert state.status == ours
    assert (state.ended_at is None) == (ours != "canceled")


def test_one_whose_payments_fail_is_past_due() -> None:
    info = {**SUBSCRIPTION["billing_info"], "failed_payments_count": 1}
    state = subscription_state({**SUBSCRIPTION, "billing_info": info})
    assert state is not None
    assert state.status == "past_due"


def test_without_its_plan_the_last_payment_tells_the_price_and_no_rhythm() -> None:
    state = subscription_state(without("plan"))
    assert state is not None
    assert (state.price_minor, state.schedule, state.plan_name) == (2_000, "", "")


def test_what_shows_neither_plan_nor_payment_tells_only_that_it_has_not_begun() -> None:
    bare = without("plan", "billing_info")
    assert subscription_state(bare) is None
    assert subscription_state(without("start_time", "create_time")) is None
    waits = subscription_state({**bare, "status": "APPROVAL_PENDING"})
    assert waits is not None
    assert (waits.status, waits.since == waits.until) == ("", True)


def test_a_sale_is_an_invoice_of_one_line_and_names_its_money(
    world: PayPalScene, till: Till
) -> None:
    state = one_fact(world, till, "PAYMENT.SALE.COMPLETED", SALE).invoice
    assert state is not None
    assert (state.status, state.total_minor, state.subscription_id) == ("paid", 2_000, ID)
    assert [(line.text, line.net_minor) for line in state.lines] == [(f"Subscription {ID}", 2_000)]
    assert state.parts == (("SALE1", "SALE1", 2_000, 88),)


def test_paypal_sends_no_invoice_of_ours(till: Till) -> None:
    request = InvoiceRequest("inv_1", "INV-1", "c", "acme", "USD", 1, (), "", None)
    with pytest.raises(NotOffered):
        till.gateway.send_invoice(request)


# --- with a desk ---------------------------------------------------------------------------------


@pytest.fixture
def desk(ledger_url: str, clock: MovingClock, till: Till) -> Iterator[Desk]:
    with open_desk(
        ledger_url, clock=clock, actor="tester", chance=seeded(), gateways=[till.gateway]
    ) as desk:
        desk.accounts.add("acme", name="Acme Inc.", email="billing@acme.test")
        yield desk
        assert desk.verify().findings == ()


def test_sales_of_a_subscription_are_booked_once_it_is_known_whose_it_is(
    desk: Desk, world: PayPalScene, clock: MovingClock
) -> None:
    world.server.subscriptions[ID] = SUBSCRIPTION
    world.books.tell("BILLING.SUBSCRIPTION.UPDATED", "subscription", without("plan"))
    world.books.tell("PAYMENT.SALE.COMPLETED", "sale", SALE)
    clock.advance(timedelta(minutes=15))
    desk.tick()
    assert len(desk.facts.list(state="waiting").rows) == 2
    with pytest.raises(Refused, match="no account of ours"):
        desk.mirrors.sync_subscription("paypal", ID)
    sheet = desk.mirrors.sync_subscription("paypal", ID, account="acme")
    assert (sheet.plan_name, sheet.price, sheet.schedule) == (
        "Pro at PayPal", Money(2_000, "USD"), "quarterly",
    )  # fmt: skip
    assert desk.facts.list(state="waiting").rows == ()
    [invoice] = desk.invoices.list(account="acme").rows
    assert (invoice.status, invoice.total, invoice.about) == ("paid", Money(2_000, "USD"), sheet.id)
    [payment] = desk.payments.list(account="acme").rows
    assert (payment.external_id, payment.fee) == ("SALE1", Money(88, "USD"))


def test_a_word_without_the_plan_leaves_its_name_and_rhythm_as_they_were(
    desk: Desk, world: PayPalScene, clock: MovingClock
) -> None:
    world.server.subscriptions[ID] = SUBSCRIPTION
    desk.mirrors.sync_subscription("paypal", ID, account="acme")
    suspended = {**without("plan"), "status": "SUSPENDED", "update_time": "2026-01-05T08:00:00Z"}
    world.books.tell("BILLING.SUBSCRIPTION.SUSPENDED", "subscription", suspended)
    clock.advance(timedelta(minutes=15))
    desk.tick()
    [sheet] = desk.subscriptions.list(account="acme").rows
    assert (sheet.status, sheet.schedule, sheet.plan_name) == (
        "paused",
        "quarterly",
        "Pro at PayPal",
    )


def test_a_payment_that_failed_makes_it_past_due(
    desk: Desk, world: PayPalScene, clock: MovingClock
) -> None:
    world.server.subscriptions[ID] = SUBSCRIPTION
    desk.mirrors.sync_subscription("paypal", ID, account="acme")
    failed = {
        "outstanding_balance": {"currency_code": "USD", "value": "20.00"},
        "failed_payments_count": 1,
        "last_failed_payment": {
            "amount": {"currency_code": "USD", "value": "20.00"},
            "time": "2026-01-05T09:10:00Z",
            "reason_code": "PAYMENT_DENIED",
        },
    }
    clock.advance(timedelta(minutes=15))
    world.books.tell(
        "BILLING.SUBSCRIPTION.PAYMENT.FAILED", "subscription",
        {**SUBSCRIPTION, "billing_info": failed},
    )  # fmt: skip
    clock.advance(timedelta(minutes=15))
    desk.tick()
    [sheet] = desk.subscriptions.list(account="acme").rows
    assert sheet.status == "past_due"

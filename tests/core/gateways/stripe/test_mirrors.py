"""Stripe's subscriptions and invoices, whole: what is mirrored of them, and invoices of ours sent there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from billdesk.core.desk import Desk, open_desk
from billdesk.core.gateways.stripe import Stripe
from billdesk.core.gateways.stripe.billing import invoice_state, subscription_state
from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.rules.mirrors import GatewayLine, GatewayPart, InvoiceRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError, GatewayUnreachable
from billdesk.core.values.money import Money
from tests.core.gateways.stripe.steps import read, stages
from tests.gateway_servers.stripe_billing import MONTH_SECONDS, StripeBilling
from tests.gateway_servers.stripe_books import JSON
from tests.gateway_servers.stripe_scene import StripeScene
from tests.gateway_servers.stripe_server import Reply
from tests.new_ledger import seeded

DAY = timedelta(days=1)


@pytest.fixture
def billing(scene: StripeScene) -> StripeBilling:
    return scene.server.billing


@pytest.fixture
def customer_id(stripe: Stripe) -> str:
    return stripe.ensure_customer("acme", "Acme Inc.", "billing@acme.test")


def of_stage(facts: tuple[Fact, ...], stage: str) -> Fact:
    return next(fact for fact in facts if fact.stage == stage)


# --- subscriptions -------------------------------------------------------------------------------


def test_a_subscription_shows_its_plan_price_and_period(
    stripe: Stripe, billing: StripeBilling, customer_id: str, clock: MovingClock
) -> None:
    made = billing.subscribe(customer_id, metadata={"billdesk_account": "acme"})
    state = stripe.subscription(made["id"]).subscription
    assert state is not None
    assert (state.status, state.plan_id, state.plan_name) == (
        "active",
        "price_pro",
        "Pro at Stripe",
    )
    assert (state.asset, state.price_minor, state.quantity) == ("USD", 2_000, 1)
    assert (state.schedule, state.since) == ("monthly", clock.now())
    assert state.until - state.since == timedelta(seconds=MONTH_SECONDS)
    assert (state.customer_id, state.account_ref, state.plan_code) == (customer_id, "acme", None)
    assert state.cancel_at is None


@pytest.mark.parametrize(
    ("fields", "cancels"),
    [
        ({"cancel_at_period_end": True}, timedelta(seconds=MONTH_SECONDS)),
        ({"cancel_at": 1_800_000_000}, None),
    ],
)
def test_when_it_will_end_is_told(
    stripe: Stripe,
    billing: StripeBilling,
    customer_id: str,
    fields: JSON,
    cancels: timedelta | None,
) -> None:
    state = stripe.subscription(billing.subscribe(customer_id, **fields)["id"]).subscription
    assert state is not None
    expected = state.since + cancels if cancels else datetime.fromtimestamp(1_800_000_000, UTC)
    assert state.cancel_at == expected


def test_the_plan_of_ours_may_be_noted_on_it_or_on_its_price(
    stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.subscribe(customer_id)
    made["items"]["data"][0]["price"]["metadata"] = {"billdesk_plan": "pro"}
    first = stripe.subscription(made["id"]).subscription
    made["metadata"] = {"billdesk_plan": "max"}
    second = stripe.subscription(made["id"]).subscription
    assert first is not None
    assert second is not None
    assert (first.plan_code, second.plan_code) == ("pro", "max")


def test_a_price_that_is_no_one_number_is_not_told(
    stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.subscribe(customer_id)
    [item] = made["items"]["data"]
    yearly = {**item["price"], "recurring": {"interval": "year", "interval_count": 1}}
    for prices in ([{**item["price"], "unit_amount": None}], [item["price"], yearly]):
        made["items"]["data"] = [{**item, "price": price} for price in prices]
        state = stripe.subscription(made["id"]).subscription
        assert state is not None
        assert state.price_minor is None
    made["items"]["data"] = [item, {**item, "quantity": 3}]
    state = stripe.subscription(made["id"]).subscription
    assert state is not None
    assert state.price_minor == 4 * 2_000


def test_the_period_of_an_older_interface_is_read_where_it_stood(
    scene: StripeScene, stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.subscribe(customer_id)
    [item] = made["items"]["data"]
    made |= {name: item.pop(name) for name in ("current_period_start", "current_period_end")}
    billing.change(made, status="past_due")
    state = of_stage(read(stripe, None).facts, "subscription_changed").subscription
    assert state is not None
    assert (state.status, state.since) == ("past_due", scene.clock.now())
    del made["current_period_end"]
    assert stripe.subscription(made["id"]).subscription is None


def test_the_first_invoice_tells_of_a_subscription_whose_making_no_event_told(
    stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.subscribe(customer_id)
    billing.bill(made, "subscription_create")
    billing.bill(made)
    told = read(stripe, None)
    assert stages(told) == ["subscription_changed", "invoice_created", "invoice_created"]
    assert told.facts[0].object_id == made["id"]


# --- invoices ------------------------------------------------------------------------------------


def test_a_paid_invoice_names_what_brought_its_money_and_what_stripe_kept(
    scene: StripeScene, stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    subscription = billing.subscribe(customer_id, metadata={"billdesk_account": "acme"})
    made = billing.bill(subscription)
    billing.finalize(made["id"])
    billing.pay(made["id"])
    [intent] = scene.books.of("payment_intent")
    polled = of_stage(read(stripe, None).facts, "invoice_paid").invoice
    assert polled is not None
    assert polled.parts == (GatewayPart(intent["id"], intent["id"], 2_000, 88),)
    assert (polled.status, polled.total_minor, polled.paid_minor) == ("paid", 2_000, 2_000)
    assert (polled.subscription_id, polled.account_ref) == (subscription["id"], "acme")
    assert (polled.number or "").startswith("STRIPE-")
    assert stripe.invoice(made["id"]).invoice == polled


def test_lines_taxes_and_discounts_come_to_the_total(
    stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.bill(
        billing.subscribe(customer_id),
        discount_amounts=[{"amount": 100, "discount": "di_1"}],
        taxes=[{"amount": 361, "tax_behavior": "exclusive"}],
    )
    billing._add_line(
        made,
        {
            "amount": 1_100,
            "description": "Book",
            "taxes": [{"amount": 100, "tax_behavior": "inclusive"}],
        },
    )
    made["total"] += 50  # such as shipping
    state = stripe.invoice(made["id"]).invoice
    assert state is not None
    assert [(line.net_minor, line.tax_minor, line.tax_inclusive) for line in state.lines] == [
        (1_900, 361, False), (1_000, 100, True), (50, 0, False),
    ]  # fmt: skip
    assert (state.subtotal_minor, state.tax_minor, state.total_minor) == (2_950, 461, 3_411)
    assert state.lines[2].text == "Other amounts"


def test_every_line_of_a_long_invoice_is_read(
    stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.bill(billing.subscribe(customer_id))
    for number in range(120):
        billing._add_line(made, {"amount": 1, "description": f"line {number}"})
    state = stripe.invoice(made["id"]).invoice
    assert state is not None
    assert [line.text for line in state.lines][-1] == "line 119"
    assert len(state.lines) == 121


def test_a_payment_by_charge_or_from_another_currencys_balance_has_no_fee_to_tell(
    scene: StripeScene, stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.bill(billing.subscribe(customer_id))
    billing._settle(made, {"type": "charge", "charge": "ch_1"})
    state = stripe.invoice(made["id"]).invoice
    assert state is not None
    assert state.parts == (GatewayPart("ch_1", "ch_1", 2_000, None),)
    [paid] = scene.books.of("invoice_payment")
    paid["payment"] = {"type": "payment_record", "payment_record": "pr_1"}
    state = stripe.invoice(made["id"]).invoice
    assert state is not None
    assert state.parts == ()
    paid["payment"] = {"type": "payment_intent", "payment_intent": "pi_gone"}
    state = stripe.invoice(made["id"]).invoice
    assert state is not None
    assert state.parts[0].fee_minor is None


def test_a_sweep_finds_what_no_event_tells(
    scene: StripeScene, stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    subscription = billing.subscribe(customer_id)
    made = billing.bill(subscription)
    billing.void(made["id"])
    told: list[Fact] = []
    cursor: str | None = None
    while cursor != "":
        page = stripe.sweep(scene.clock.now() - DAY, cursor)
        told, cursor = [*told, *page.facts], page.cursor
    assert [fact.stage for fact in told] == ["subscription_changed", "invoice_closed"]
    assert told[1].invoice is not None
    assert told[1].invoice.status == "void"


def test_a_key_that_may_not_read_bills_sweeps_the_rest(
    scene: StripeScene, stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    billing.bill(billing.subscribe(customer_id))
    scene.server.lacking = {"invoices", "subscriptions"}
    cursor: str | None = None
    while cursor != "":
        page = stripe.sweep(scene.clock.now() - DAY, cursor)
        assert page.facts == ()
        cursor = page.cursor


def test_a_key_that_may_not_read_bills_still_hears_of_them(
    scene: StripeScene, stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    billing.bill(billing.subscribe(customer_id), "subscription_create")
    scene.server.lacking = {"invoices", "subscriptions"}
    [told] = read(stripe, None).facts
    assert told.invoice is not None
    assert (told.stage, told.invoice.total_minor) == ("invoice_created", 2_000)


def test_a_status_that_nobody_knows_is_kept_until_somebody_does(
    stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.bill(billing.subscribe(customer_id))
    made["status"] = "new_kind"
    fact = stripe.invoice(made["id"])
    assert (fact.stage, fact.invoice) == ("unknown", None)


# --- sending -------------------------------------------------------------------------------------


def request(customer_id: str, *lines: GatewayLine, **fields: object) -> InvoiceRequest:
    given = lines or (GatewayLine("Setup", "1", "", 10_000, 10_000, 0),)
    return InvoiceRequest(
        "inv_1", "INV-000001", customer_id, "acme", "USD",
        sum(line.amount_minor for line in given), given, "thank you", None,
    )._replace(**fields)  # type: ignore[arg-type]  # fmt: skip


def test_an_invoice_of_ours_is_made_with_its_lines_and_finalized(
    scene: StripeScene, stripe: Stripe, customer_id: str, clock: MovingClock
) -> None:
    lines = (
        GatewayLine(
            "Setup", "1", "", 10_000, 10_000, 0, since=clock.now(), until=clock.now() + DAY
        ),
        GatewayLine("Discount", "1", "", -500, -500, 0),
        GatewayLine("Free gift", "1", "", 0, 0, 0),
    )
    fact = stripe.send_invoice(request(customer_id, *lines, due_at=clock.now() + 14 * DAY))
    assert (fact.stage, fact.amount) == ("invoice_finalized", Money(9_500, "USD"))
    assert (fact.pay_url or "").startswith("https://")
    [made] = scene.books.of("invoice")
    assert (made["number"], made["status"]) == ("INV-000001", "open")
    assert sorted(line["description"] for line in made["_lines"]) == [
        "Discount", "Free gift", "Setup",
    ]  # fmt: skip
    assert fact.invoice is not None
    assert (fact.invoice.invoice_id, fact.invoice.account_ref) == ("inv_1", "acme")
    assert fact.invoice.due_at == clock.now() + 14 * DAY


def test_its_keys_follow_from_our_id_and_the_same_again_is_the_same(
    scene: StripeScene, stripe: Stripe, customer_id: str
) -> None:
    wanted = request(customer_id)
    first = stripe.send_invoice(wanted)
    keys = [key for key in scene.server.keys if key and key.startswith("inv_1")]
    assert keys == ["inv_1", "inv_1:line:1", "inv_1:finalize"]
    assert stripe.send_invoice(wanted).object_id == first.object_id
    assert [key for key in scene.server.keys if key and key.startswith("inv_1")] == keys
    assert len(scene.books.of("invoice")) == 1


@pytest.mark.parametrize("asked", range(2, 9))
@pytest.mark.parametrize("days", [0, 2])
def test_whichever_reply_is_lost_and_however_late_it_is_tried_again_there_is_one_invoice(
    scene: StripeScene, stripe: Stripe, customer_id: str, clock: MovingClock, asked: int, days: int
) -> None:
    wanted = request(
        customer_id,
        GatewayLine("Setup", "1", "", 10_000, 10_000, 0),
        GatewayLine("More", "1", "", 500, 500, 0),
    )
    scene.server.lose_at = len(scene.server.asked) + asked
    try:
        stripe.send_invoice(wanted)
    except GatewayUnreachable:
        clock.advance(days * DAY)
    fact = stripe.send_invoice(wanted)
    [made] = scene.books.of("invoice")
    assert (made["id"], made["total"], made["status"]) == (fact.object_id, 10_500, "open")
    assert len(scene.books.of("invoiceitem")) == 2


def test_another_total_is_said_and_its_draft_is_sent_to_nobody(
    scene: StripeScene, stripe: Stripe, billing: StripeBilling, customer_id: str
) -> None:
    billing.surcharge = 100
    with pytest.raises(GatewayError, match=r"comes to 101\.00 USD where INV-000001 is 100\.00 USD"):
        stripe.send_invoice(request(customer_id))
    [made] = scene.books.of("invoice")
    assert made["status"] == "draft"


def test_what_stripe_cannot_take_is_refused_before_anything_is_made(
    scene: StripeScene, stripe: Stripe, customer_id: str
) -> None:
    with pytest.raises(GatewayError, match="takes no"):
        stripe.send_invoice(request(customer_id, GatewayLine("Gift", "1", "", -1, -1, 0)))
    assert scene.books.of("invoice") == []


def test_a_failure_that_stripe_repeats_under_a_key_is_overcome(
    scene: StripeScene, stripe: Stripe, customer_id: str
) -> None:
    scene.server.fails_keyed = True
    with pytest.raises(GatewayUnreachable):
        stripe.send_invoice(request(customer_id))
    assert stripe.send_invoice(request(customer_id)).stage == "invoice_finalized"


def test_a_failure_without_effect_is_tried_under_another_key(
    scene: StripeScene, stripe: Stripe, customer_id: str
) -> None:
    scene.server.fails_keyed = True
    with pytest.raises(GatewayUnreachable):
        stripe.send_invoice(request(customer_id))
    [made] = scene.books.of("invoice")
    del scene.books.objects[made["id"]]
    assert stripe.send_invoice(request(customer_id)).stage == "invoice_finalized"
    assert "inv_1:again" in scene.server.keys


def test_what_shows_too_little_is_no_state() -> None:
    assert invoice_state({"status": "open", "currency": "usd"}, {}) is None
    assert invoice_state({"status": "strange", "total": 1, "currency": "usd"}, {}) is None
    assert subscription_state({"status": "active"}) is None


def test_a_voided_one_is_made_anew_under_another_day(
    scene: StripeScene, stripe: Stripe, billing: StripeBilling, customer_id: str, clock: MovingClock
) -> None:
    first = stripe.send_invoice(request(customer_id))
    billing.void(first.object_id)
    clock.advance(2 * DAY)
    again = stripe.send_invoice(request(customer_id))
    assert again.object_id != first.object_id
    assert len(scene.books.of("invoice")) == 2


def test_one_that_goes_while_it_is_made_is_said(
    scene: StripeScene, stripe: Stripe, customer_id: str
) -> None:
    scene.server.answer = Reply(404, {"error": {"message": "gone", "code": "resource_missing",
                                                "type": "invalid_request_error"}})  # fmt: skip
    scene.server.answers_after = 4
    with pytest.raises(GatewayError, match="is gone at Stripe"):
        stripe.send_invoice(request(customer_id))


# --- with a desk ---------------------------------------------------------------------------------


@pytest.fixture
def desk(ledger_url: str, clock: MovingClock, stripe: Stripe) -> Iterator[Desk]:
    with open_desk(
        ledger_url, clock=clock, actor="tester", chance=seeded(), gateways=[stripe]
    ) as desk:
        desk.accounts.add("acme", name="Acme Inc.", email="billing@acme.test")
        yield desk
        assert desk.verify().findings == ()


def poll(desk: Desk, clock: MovingClock) -> None:
    clock.advance(timedelta(minutes=15))
    assert desk.tick().errors == ()


def agree(desk: Desk, scene: StripeScene, clock: MovingClock) -> None:
    clock.advance(2 * DAY)
    run = desk.reconcile.run("stripe")
    assert {name for name, count in run.outcomes.items() if count} == {"matched"}
    assert all(total.clearing_difference.minor == 0 for total in run.totals)


def test_a_year_of_a_subscription_at_stripe_leaves_both_books_the_same(
    desk: Desk, scene: StripeScene, billing: StripeBilling, customer_id: str, clock: MovingClock
) -> None:
    subscription = billing.subscribe(customer_id, metadata={"billdesk_account": "acme"})
    for month in range(4):
        made = billing.bill(subscription, "subscription_cycle" if month else "subscription_create")
        billing.finalize(made["id"])
        if month == 2:
            billing.pay(made["id"], "fails")
            poll(desk, clock)
            assert desk.invoices.list(account="acme").rows[0].attempts == 1
        billing.pay(made["id"])
        poll(desk, clock)
    rows = desk.invoices.list(account="acme").rows
    assert [(row.status, row.source, row.total.minor) for row in rows] == [
        ("paid", "gateway", 2_000)
    ] * 4
    assert desk.facts.list(state="waiting").rows == ()
    assert desk.wallets.balance("acme", "USD").balance.minor == 0
    agree(desk, scene, clock)


def test_one_of_ours_is_sent_paid_there_and_paid_here(
    desk: Desk, scene: StripeScene, billing: StripeBilling, clock: MovingClock
) -> None:
    invoice = desk.invoices.finalize(desk.invoices.draft("acme", [LineDraft("Setup", 10_000)]).id)
    sent = desk.mirrors.send_invoice(invoice.id)
    assert (sent.total, sent.invoice_number) == (invoice.total, invoice.invoice_number)
    billing.pay(sent.external_id)
    poll(desk, clock)
    assert desk.invoices.get(invoice.id).status == "paid"
    assert desk.facts.list(state="waiting").rows == ()
    agree(desk, scene, clock)


def test_a_draft_there_is_a_draft_here_until_it_is_finalized(
    desk: Desk, billing: StripeBilling, customer_id: str, clock: MovingClock
) -> None:
    made = billing.bill(billing.subscribe(customer_id, metadata={"billdesk_account": "acme"}))
    poll(desk, clock)
    [row] = desk.invoices.list(account="acme").rows
    assert (row.status, row.total.minor, row.invoice_number) == ("draft", 2_000, None)
    billing._add_line(made, {"amount": 500, "description": "More of it"})
    billing.finalize(made["id"])
    poll(desk, clock)
    [row] = desk.invoices.list(account="acme").rows
    assert (row.status, row.total.minor) == ("open", 2_500)
    assert len(desk.invoices.detail(row.id).lines) == 2
    assert desk.invoices.audit().is_clean


def test_a_draft_that_is_voided_there_is_void_here(
    desk: Desk, billing: StripeBilling, customer_id: str, clock: MovingClock
) -> None:
    made = billing.bill(billing.subscribe(customer_id, metadata={"billdesk_account": "acme"}))
    poll(desk, clock)
    billing.void(made["id"])
    assert desk.mirrors.sync_invoice("stripe", made["id"]).status == "void"


def test_one_without_a_number_or_with_a_taken_one_is_told_apart_by_its_id(
    desk: Desk, billing: StripeBilling, customer_id: str, clock: MovingClock
) -> None:
    subscription = billing.subscribe(customer_id, metadata={"billdesk_account": "acme"})
    bare, *twins = (billing.bill(subscription) for _ in range(3))
    bare["status"] = "open"
    for twin in twins:
        twin["number"] = "SAME-1"
        billing.finalize(twin["id"])
    billing._books.tell("invoice.finalized", bare)
    poll(desk, clock)
    numbers = {row.external_id: row.invoice_number for row in desk.invoices.list().rows}
    assert numbers[bare["id"]] == bare["id"]
    assert min(numbers[twin["id"]] or "" for twin in twins) == "SAME-1"
    assert len(set(numbers.values())) == 3


def test_an_invoice_without_a_subscription_goes_by_its_customer(
    desk: Desk, billing: StripeBilling, customer_id: str
) -> None:
    made = billing.make_invoice(
        {"customer": customer_id, "currency": "usd", "metadata": {"billdesk_account": "acme"}}
    )
    billing._add_line(made, {"amount": 700, "description": "Workshop"})
    billing.finalize(made["id"])
    sheet = desk.mirrors.sync_invoice("stripe", made["id"])
    assert (sheet.status, sheet.about, sheet.total) == ("open", None, Money(700, "USD"))


def test_what_shows_too_little_waits_and_says_what_helps(
    desk: Desk, billing: StripeBilling, customer_id: str, clock: MovingClock
) -> None:
    made = billing.bill(billing.subscribe(customer_id, metadata={"billdesk_account": "acme"}))
    made["total"] = None
    bare = billing.subscribe(customer_id)
    bare["items"] = {"data": []}
    billing.change(bare)
    poll(desk, clock)
    waiting = {fact.object_id: fact.detail for fact in desk.facts.list(state="waiting").rows}
    assert "sync it to ask again" in waiting[made["id"]]
    assert "sync it to ask again" in waiting[bare["id"]]


def test_one_that_was_paid_outside_of_stripe_moves_no_money_here(
    desk: Desk, billing: StripeBilling, customer_id: str, clock: MovingClock
) -> None:
    made = billing.bill(billing.subscribe(customer_id, metadata={"billdesk_account": "acme"}))
    billing.finalize(made["id"])
    billing.pay_outside(made["id"])
    poll(desk, clock)
    [row] = desk.invoices.list(account="acme").rows
    assert (row.status, row.posting_id) == ("paid", None)
    assert desk.payments.list(account="acme").rows == ()

"""What a gateway bills by itself is mirrored, paid once, and agrees with the gateway's own books."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from billdesk.core.gateways.sandbox import SandboxSwitches
from billdesk.core.rules.catalog import TaxRate
from billdesk.core.rules.gateway import Fact
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.rules.sheets import InvoiceSheet, SubscriptionSheet
from billdesk.core.rules.subscriptions import Subscription
from billdesk.core.store import mirrors as store
from billdesk.core.store.subscriptions import changes_of, stretches_of, subscription_by_external
from billdesk.core.values.errors import (
    AlreadyExists,
    GatewayError,
    GatewayUnreachable,
    NotFound,
    Refused,
)
from billdesk.core.values.money import Money
from tests.core.operations.metered import sell
from tests.core.operations.off_session import Shop

DAY = timedelta(days=1)
MONTH = timedelta(days=30)
PRICE = Money(2_900, "USD")


def customer(shop: Shop) -> str:
    """Acme at the gateway, known to the desk since it saved a method there."""
    return shop.save().customer_id


def subscribe(shop: Shop, **fields: object) -> str:
    """Acme subscribes on the gateway's own pages; the gateway's id of it."""
    fact = shop.gateway.subscribe(
        customer(shop),
        PRICE,
        shop.clock.now() + MONTH,
        **fields,  # type: ignore[arg-type]
    )
    return fact.object_id


def poll(shop: Shop, by: timedelta = timedelta(minutes=11)) -> None:
    shop.clock.advance(by)
    assert shop.desk.tick().errors == ()


def mirrored(shop: Shop, external_id: str) -> Subscription:
    with shop.desk._office.database.read() as session:
        known = subscription_by_external(session, "sandbox", "test", external_id)
    assert known is not None
    return known


def told(shop: Shop, external_id: str) -> list[tuple[str, str]]:
    """What happened to a mirrored subscription, the oldest first."""
    with shop.desk._office.database.read() as session:
        return [
            (change.kind, change.summary)
            for change in changes_of(session, mirrored(shop, external_id).id)
        ]


def waiting(shop: Shop) -> list[str]:
    return [fact.detail for fact in shop.desk.facts.list(state="waiting").rows]


def invoices(shop: Shop) -> list[InvoiceSheet]:
    return list(reversed(shop.desk.invoices.list(account="acme").rows))


def parties(shop: Shop) -> dict[str, int]:
    """What each counterparty stands at, in cents."""
    return {
        party.name: party.amount.minor
        for sheet in shop.desk.ledger.trial_balance()
        for party in sheet.counterparties
    }


def agree(shop: Shop) -> None:
    """The desk's clearing is what the gateway's own books say, and a comparison finds nothing."""
    paid_in, fees, back = shop.gateway.totals()["USD"]
    assert parties(shop)["gateway:sandbox"] == fees + back - paid_in
    shop.clock.advance(2 * DAY)
    run = shop.desk.reconcile.run("sandbox")
    assert {name for name, count in run.outcomes.items() if count} == {"matched"}


# --- subscriptions -------------------------------------------------------------------------------


def test_a_subscription_at_the_gateway_is_mirrored_as_it_is(shop: Shop) -> None:
    external_id = subscribe(shop)
    poll(shop)
    row = mirrored(shop, external_id)
    assert (row.account_ref, row.paid_by, row.status) == ("acme", "elsewhere", "active")
    assert (row.plan_code, row.plan_version) == ("gateway:sandbox-plan", 0)
    assert (row.gateway, row.mode, row.memo) == ("sandbox", "test", "sandbox-plan")
    assert row.period_until - row.period_since == MONTH
    assert told(shop, external_id) == [("mirrored", "sandbox-plan, active")]
    with shop.desk._office.database.read() as session:
        assert store.gateway_price(session, row.id) == 2_900


def test_a_plan_of_ours_that_is_noted_there_is_that_plan_in_its_version(shop: Shop) -> None:
    sell(shop.desk)
    external_id = subscribe(shop, our_plan="starter")
    poll(shop)
    assert (mirrored(shop, external_id).plan_code, mirrored(shop, external_id).plan_version) == (
        "starter", 1,
    )  # fmt: skip
    shop.gateway.change_subscription(external_id, quantity=3)
    poll(shop)
    row = mirrored(shop, external_id)
    assert (row.plan_code, row.plan_version, row.quantity) == ("starter", 1, 3)


def test_a_noted_plan_that_nobody_sells_here_stays_the_gateways(shop: Shop) -> None:
    external_id = subscribe(shop, our_plan="no-such-plan")
    poll(shop)
    assert mirrored(shop, external_id).plan_code == "gateway:sandbox-plan"


def test_its_whole_life_is_followed_in_words(shop: Shop) -> None:
    external_id = subscribe(shop, trial=True)
    poll(shop)
    first = mirrored(shop, external_id)
    assert (first.status, first.trial_until) == ("trialing", first.period_until)
    until = first.period_until
    shop.gateway.change_subscription(external_id, status="active", since=until, until=until + MONTH)
    poll(shop)
    shop.gateway.change_subscription(external_id, quantity=2, plan_id="big", plan_name="Big")
    poll(shop)
    shop.gateway.change_subscription(external_id, status="past_due")
    poll(shop)
    shop.gateway.change_subscription(external_id, status="paused")
    poll(shop)
    assert mirrored(shop, external_id).paused_at is not None
    shop.gateway.change_subscription(external_id, status="active", cancel_at=until + MONTH)
    poll(shop)
    assert mirrored(shop, external_id).paused_at is None
    shop.gateway.change_subscription(external_id, cancel_at=None)
    poll(shop)
    shop.gateway.change_subscription(external_id, status="canceled")
    poll(shop)
    row = mirrored(shop, external_id)
    assert (row.status, row.canceled_at is not None, row.period_seq) == ("canceled", True, 3)
    day = f"{until + MONTH:%Y-%m-%d}"
    assert told(shop, external_id) == [
        ("mirrored", "sandbox-plan, trialing"),
        ("status", "trialing → active"),
        ("renewed", f"until {day}"),
        ("changed", "1 × sandbox-plan → 2 × Big"),
        ("status", "active → past_due"),
        ("status", "past_due → paused"),
        ("status", "paused → active"),
        ("cancel", f"ends {day}"),
        ("cancel", "goes on"),
        ("canceled", "active → canceled"),
    ]
    with shop.desk._office.database.read() as session:
        stretches = stretches_of(session, row.id)
    assert [(each.seq, each.plan_code, each.quantity, each.trial) for each in stretches] == [
        (1, "gateway:sandbox-plan", 1, 1),
        (2, "gateway:sandbox-plan", 1, 0),
        (3, "gateway:big", 2, 0),
    ]


def test_what_is_older_than_what_is_known_changes_nothing(shop: Shop) -> None:
    external_id = subscribe(shop)
    shop.clock.advance(timedelta(minutes=1))
    shop.gateway.change_subscription(external_id, status="past_due")
    [_, late] = shop.gateway.sweep(shop.clock.now() - DAY, None).facts[-2:]
    shop.clock.advance(timedelta(minutes=1))
    shop.gateway.change_subscription(external_id, status="active")
    shop.desk.mirrors.sync_subscription("sandbox", external_id)
    assert late.subscription is not None
    assert late.subscription.status == "past_due"
    poll(shop)
    assert mirrored(shop, external_id).status == "active"


def test_the_end_of_a_trial_is_told_once(shop: Shop) -> None:
    external_id = subscribe(shop, trial=True)
    for _ in range(2):
        shop.clock.advance(timedelta(minutes=1))
        shop.gateway.remind_of_trial(external_id)
        poll(shop)
    until = mirrored(shop, external_id).period_until
    reminders = [words for kind, words in told(shop, external_id) if kind == "trial_ending"]
    assert reminders == [f"the trial ends {until:%Y-%m-%d}"]
    assert len(shop.audited("subscription.trial_ending")) == 1


def test_one_that_is_first_heard_of_when_its_trial_ends_is_told_of_too(shop: Shop) -> None:
    external_id = subscribe(shop, trial=True)
    fact = shop.gateway.remind_of_trial(external_id)
    shop.desk.gateways.take("sandbox", *shop.gateway.message(fact))
    assert [kind for kind, _ in told(shop, external_id)] == ["mirrored", "trial_ending"]
    poll(shop)
    assert [kind for kind, _ in told(shop, external_id)] == ["mirrored", "trial_ending"]


def test_one_that_has_not_begun_is_nothing_yet(shop: Shop) -> None:
    external_id = subscribe(shop)
    shop.gateway.change_subscription(external_id, status="")
    with pytest.raises(Refused, match="has not begun"):
        shop.desk.mirrors.sync_subscription("sandbox", external_id)


# --- whose it is ---------------------------------------------------------------------------------


def stranger(shop: Shop) -> str:
    """A subscription of a customer whom nobody here knows, with a paid invoice."""
    customer_id = shop.gateway.ensure_customer("walk-in", "Walk In", None)
    external_id = shop.gateway.subscribe(customer_id, PRICE, shop.clock.now() + MONTH).object_id
    shop.gateway.pay_invoice(shop.gateway.bill(external_id).object_id)
    return external_id


def test_what_an_unknown_customer_has_waits_in_words_and_is_applied_once_it_is_known(
    shop: Shop,
) -> None:
    external_id = stranger(shop)
    poll(shop)
    assert len(waiting(shop)) == 4, "the subscription, its invoice twice, and the payment"
    assert any(f"subscription sync sandbox {external_id} --account" in why for why in waiting(shop))
    with pytest.raises(Refused, match="no account of ours is the customer"):
        shop.desk.mirrors.sync_subscription("sandbox", external_id)
    sheet = shop.desk.mirrors.sync_subscription("sandbox", external_id, account="acme")
    assert (sheet.account_ref, sheet.status, sheet.external_id) == ("acme", "active", external_id)
    assert waiting(shop) == []
    [invoice] = invoices(shop)
    assert (invoice.status, invoice.total) == ("paid", PRICE)
    agree(shop)


def test_an_invoice_of_an_unknown_customer_can_be_given_to_an_account(shop: Shop) -> None:
    customer_id = shop.gateway.ensure_customer("walk-in", "Walk In", None)
    subscription = shop.gateway.subscribe(customer_id, PRICE, shop.clock.now() + MONTH)
    bill = shop.gateway.bill(subscription.object_id)
    with pytest.raises(Refused, match="invoice sync sandbox"):
        shop.desk.mirrors.sync_invoice("sandbox", bill.object_id)
    sheet = shop.desk.mirrors.sync_invoice("sandbox", bill.object_id, account="acme")
    assert (sheet.account_ref, sheet.status) == ("acme", "open")


def test_what_is_one_accounts_is_never_given_to_another(shop: Shop) -> None:
    external_id = subscribe(shop)
    bill = shop.gateway.bill(external_id).object_id
    poll(shop)
    shop.desk.accounts.add("other", name="Other")
    with pytest.raises(AlreadyExists, match="belongs to another account"):
        shop.desk.mirrors.sync_subscription("sandbox", external_id, account="other")
    with pytest.raises(AlreadyExists):
        shop.desk.mirrors.sync_invoice("sandbox", bill, account="other")
    newer = shop.gateway.subscribe(customer(shop), PRICE, shop.clock.now() + MONTH)
    with pytest.raises(AlreadyExists):
        shop.desk.mirrors.sync_subscription("sandbox", newer.object_id, account="other")
    with pytest.raises(NotFound):
        shop.desk.mirrors.sync_subscription("sandbox", external_id, account="nobody")
    same = shop.desk.mirrors.sync_subscription("sandbox", external_id, account="acme")
    assert same.account_ref == "acme"


def test_one_that_names_no_customer_is_given_to_an_account_too(shop: Shop) -> None:
    external_id = stranger(shop)
    shop.gateway.change_subscription(external_id, customer_id=None)
    with pytest.raises(Refused, match="no account of ours is its customer"):
        shop.desk.mirrors.sync_subscription("sandbox", external_id)
    sheet = shop.desk.mirrors.sync_subscription("sandbox", external_id, account="acme")
    assert sheet.account_ref == "acme"


def test_the_house_subscribes_to_nothing(shop: Shop) -> None:
    with pytest.raises(Refused, match="no account of ours"):
        shop.desk.mirrors.sync_subscription("sandbox", stranger(shop), account="house")


# --- invoices ------------------------------------------------------------------------------------


def test_an_invoice_of_the_gateways_keeps_its_own_number_and_posts_nothing_while_it_is_open(
    shop: Shop,
) -> None:
    external_id = subscribe(shop)
    shop.gateway.bill(external_id)
    poll(shop)
    [invoice] = invoices(shop)
    assert (invoice.source, invoice.status, invoice.total) == ("gateway", "open", PRICE)
    assert invoice.invoice_number is not None
    assert invoice.invoice_number.startswith("SBX-")
    assert invoice.about == mirrored(shop, external_id).id
    assert parties(shop) == {}
    detail = shop.desk.invoices.detail(invoice.id)
    assert [(line.text, line.net.minor) for line in detail.lines] == [("sandbox-plan", 2_900)]
    assert shop.desk.invoices.audit().is_clean


def test_no_number_of_ours_is_spent_on_an_invoice_of_the_gateways(shop: Shop) -> None:
    shop.gateway.bill(subscribe(shop))
    poll(shop)
    ours = shop.desk.invoices.draft("acme", [LineDraft("a thing", 500)])
    assert (shop.desk.invoices.finalize(ours.id).invoice_number or "").endswith("000001")


def test_its_money_is_booked_once_with_its_fee_and_both_books_agree(shop: Shop) -> None:
    bill = shop.gateway.bill(subscribe(shop))
    poll(shop)
    shop.gateway.pay_invoice(bill.object_id)
    shop.gateway.pay_invoice(bill.object_id)
    poll(shop)
    [invoice] = invoices(shop)
    assert (invoice.status, invoice.paid, invoice.due.minor) == ("paid", PRICE, 0)
    assert shop.cents() == 0, "it went through the wallet"
    assert parties(shop)["revenue:gateway:sandbox"] == 2_900
    [payment] = shop.payments("invoice")
    assert (payment.status, payment.amount, payment.invoice_id) == ("succeeded", PRICE, invoice.id)
    assert payment.fee == Money(114, "USD")
    assert waiting(shop) == []
    shop.desk.mirrors.sync_invoice("sandbox", bill.object_id)
    assert len(shop.payments("invoice")) == 1
    agree(shop)


def test_money_that_was_told_before_its_invoice_is_found_and_its_fee_with_it(shop: Shop) -> None:
    bill = shop.gateway.bill(subscribe(shop))
    paid = shop.gateway.pay_invoice(bill.object_id)
    [settled] = [
        fact
        for fact in shop.gateway.sweep(shop.clock.now() - DAY, None).facts
        if fact.stage == "settled"
    ]
    shop.desk.gateways.take("sandbox", *shop.gateway.message(settled))
    assert waiting(shop) == ["no payment of ours is known for it"]
    shop.desk.gateways.take("sandbox", *shop.gateway.message(paid))
    assert waiting(shop) == []
    assert shop.payments("invoice")[0].fee == Money(114, "USD")
    agree(shop)


def test_a_debt_of_the_account_does_not_eat_what_was_paid_for_an_invoice(shop: Shop) -> None:
    shop.desk.adjustments.credit("acme", "1.00", memo="for a test of the desk")
    bill = shop.gateway.bill(subscribe(shop))
    hold = shop.desk.holds.place("acme", "1.00", reference="work")
    shop.desk.holds.capture(hold.id, "5.00")
    shop.desk.wallets.freeze("acme", memo="for a test of the desk")
    shop.gateway.pay_invoice(bill.object_id)
    poll(shop)
    assert invoices(shop)[0].status == "paid"
    assert shop.desk.standing.why("acme").may_run is False
    agree(shop)


def test_a_refund_at_the_gateway_takes_the_money_back(shop: Shop) -> None:
    bill = shop.gateway.bill(subscribe(shop))
    shop.gateway.pay_invoice(bill.object_id)
    poll(shop)
    [payment] = shop.payments("invoice")
    shop.gateway.refund_outside(payment.external_id or "", 900)
    poll(shop, DAY)
    assert shop.desk.payments.get(payment.id).refunded == Money(900, "USD")
    agree(shop)


def test_each_failure_is_counted_and_the_last_one_said(shop: Shop) -> None:
    bill = shop.gateway.bill(subscribe(shop)).object_id
    for reason in ("no money on it", "the card has expired"):
        shop.gateway.fail_invoice(bill, reason)
        poll(shop)
    [invoice] = invoices(shop)
    assert (invoice.status, invoice.attempts) == ("open", 2)
    assert invoice.detail == "the card has expired"
    assert invoice.failed_since is not None
    shop.desk.mirrors.sync_invoice("sandbox", bill)
    assert invoices(shop)[0].attempts == 2
    shop.gateway.pay_invoice(bill)
    poll(shop)
    assert (invoices(shop)[0].status, invoices(shop)[0].failed_since) == ("paid", None)


def test_one_that_is_voided_or_given_up_there_is_so_here_too(shop: Shop) -> None:
    external_id = subscribe(shop)
    voided, given_up = (shop.gateway.bill(external_id).object_id for _ in range(2))
    poll(shop)
    shop.gateway.void_invoice(voided)
    shop.gateway.give_up_invoice(given_up)
    poll(shop)
    assert [invoice.status for invoice in invoices(shop)] == ["void", "uncollectible"]
    shop.desk.mirrors.sync_invoice("sandbox", given_up)
    shop.gateway.pay_invoice(given_up)
    poll(shop)
    assert [invoice.status for invoice in invoices(shop)] == ["void", "paid"]


def test_money_in_the_wallet_pays_no_invoice_that_a_gateway_collects(shop: Shop) -> None:
    shop.desk.adjustments.credit("acme", "500.00", memo="for a test of the desk")
    shop.gateway.bill(subscribe(shop))
    sent = ours(shop)
    shop.desk.mirrors.send_invoice(sent.id)
    lost = ours(shop, LineDraft("Setup", 6_603))
    with pytest.raises(GatewayUnreachable):
        shop.desk.mirrors.send_invoice(lost.id)
    for _ in range(3):
        poll(shop)
    assert {invoice.status for invoice in invoices(shop)} == {"open"}
    assert shop.cents() == 50_000


def test_what_a_gateway_keeps_is_neither_paid_nor_taken_back_by_hand(shop: Shop) -> None:
    shop.gateway.bill(subscribe(shop))
    poll(shop)
    [kept] = invoices(shop)
    acts: tuple[Callable[[], object], ...] = (
        lambda: shop.desk.invoices.pay(kept.id),
        lambda: shop.desk.invoices.collect(kept.id),
        lambda: shop.desk.invoices.mark_paid(kept.id, memo="they paid by check"),
        lambda: shop.desk.invoices.void(kept.id, memo="for a test of the desk"),
    )
    for act in acts:
        with pytest.raises(Refused, match="is kept at sandbox"):
            act()
    assert invoices(shop) == [kept]


# --- sending ours --------------------------------------------------------------------------------

VAT = TaxRate("vat", "VAT", "DE", Decimal(19), inclusive=False)
GST = TaxRate("gst", "GST", "AU", Decimal(10), inclusive=True)


def ours(shop: Shop, *lines: LineDraft) -> InvoiceSheet:
    drafted = shop.desk.invoices.draft(
        "acme", list(lines) or [LineDraft("Setup", 10_000, tax=VAT)], memo="thank you"
    )
    return shop.desk.invoices.finalize(drafted.id)


def test_an_invoice_of_ours_is_sent_with_its_lines_and_their_taxes(shop: Shop) -> None:
    invoice = ours(
        shop,
        LineDraft("Setup", 10_000, tax=VAT, period_since=shop.clock.now(),
                  period_until=shop.clock.now() + MONTH),
        LineDraft("Calls", 1_234, quantity="12", unit="calls", unit_price="1.03", tax=VAT),
        LineDraft("Book", 1_100, tax=GST),
        LineDraft("Discount", -500),
    )  # fmt: skip
    sent = shop.desk.mirrors.send_invoice(invoice.id)
    assert (sent.total, sent.status, sent.gateway) == (invoice.total, "open", "sandbox")
    assert (sent.url or "").startswith("https://")
    there = shop.gateway.invoice(sent.external_id).invoice
    assert there is not None
    assert [(line.text, line.amount_minor) for line in there.lines] == [
        ("Setup", 10_000),
        ("Calls (12 calls × 1.03)", 1_234),
        ("Book, incl. 10 % GST", 1_100),
        ("Discount", -500),
        ("VAT, 19 %", 1_900 + 234),
    ]
    assert sum(line.amount_minor for line in there.lines) == invoice.total.minor
    assert there.lines[0].until == shop.clock.now() + MONTH
    assert (there.number, there.due_at is not None) == (invoice.invoice_number, True)
    sheet = shop.desk.invoices.get(invoice.id)
    assert (sheet.gateway, sheet.external_id, sheet.status) == (
        "sandbox", sent.external_id, "open",
    )  # fmt: skip
    assert shop.audited("invoice.send") == [f"{invoice.invoice_number} → sandbox"]


def test_sent_again_it_is_the_same_one(shop: Shop) -> None:
    invoice = ours(shop)
    first = shop.desk.mirrors.send_invoice(invoice.id, "sandbox")
    assert shop.desk.mirrors.send_invoice(invoice.invoice_number or "") == first
    assert len(shop.audited("invoice.send")) == 1


def test_what_its_customer_pays_there_pays_it_here(shop: Shop) -> None:
    sent = shop.desk.mirrors.send_invoice(ours(shop).id)
    shop.gateway.pay_invoice(sent.external_id)
    poll(shop)
    [invoice] = invoices(shop)
    assert (invoice.status, invoice.paid) == ("paid", Money(11_900, "USD"))
    assert shop.cents() == 0
    assert parties(shop)["tax:vat"] == 1_900
    agree(shop)


def test_a_lost_reply_is_asked_for_again_and_gives_the_same_invoice(shop: Shop) -> None:
    invoice = ours(shop, LineDraft("Setup", 6_603))
    with pytest.raises(GatewayUnreachable):
        shop.desk.mirrors.send_invoice(invoice.id)
    sheet = shop.desk.invoices.get(invoice.id)
    assert (sheet.gateway, sheet.external_id) == ("sandbox", None), "written down before"
    sent = shop.desk.mirrors.send_invoice(invoice.id)
    found = [
        fact
        for fact in shop.gateway.sweep(shop.clock.now() - DAY, None).facts
        if fact.stage == "invoice_finalized"
    ]
    assert [fact.object_id for fact in found] == [sent.external_id]


def test_a_lost_reply_is_also_healed_by_a_poll(shop: Shop) -> None:
    invoice = ours(shop, LineDraft("Setup", 6_603))
    with pytest.raises(GatewayUnreachable):
        shop.desk.mirrors.send_invoice(invoice.id)
    poll(shop)
    external_id = shop.desk.invoices.get(invoice.id).external_id
    assert external_id is not None
    shop.gateway.pay_invoice(external_id)
    poll(shop)
    assert shop.desk.invoices.get(invoice.id).status == "paid"


def test_after_a_clear_no_it_is_at_no_gateway(shop: Shop) -> None:
    customer(shop)
    invoice = ours(shop)
    shop.gateway.switches = SandboxSwitches(key_refused=True)
    with pytest.raises(GatewayError):
        shop.desk.mirrors.send_invoice(invoice.id)
    shop.gateway.switches = SandboxSwitches()
    assert shop.desk.invoices.get(invoice.id).gateway is None


@pytest.mark.parametrize("spoil", ["draft", "paid", "credit_note", "credited", "mirrored"])
def test_only_a_whole_open_invoice_of_ours_is_sent(shop: Shop, spoil: str) -> None:
    why = {"draft": "is draft", "paid": "is paid", "credit_note": "is a credit note",
           "credited": "is left to pay", "mirrored": "sandbox's own"}  # fmt: skip
    if spoil == "mirrored":
        shop.gateway.bill(subscribe(shop))
        poll(shop)
        name = invoices(shop)[0].id
    elif spoil == "draft":
        name = shop.desk.invoices.draft("acme", [LineDraft("Setup", 100)]).id
    else:
        name = ours(shop).id
        if spoil == "paid":
            shop.desk.invoices.mark_paid(name, memo="they paid by check")
        else:
            note = shop.desk.credit_notes.create(name, "10.00", memo="for a test of the desk")
            name = note.id if spoil == "credit_note" else name
    with pytest.raises(Refused, match=why[spoil]):
        shop.desk.mirrors.send_invoice(name)


def test_it_is_never_sent_to_two_gateways(shop: Shop) -> None:
    invoice = ours(shop)
    shop.desk.mirrors.send_invoice(invoice.id)
    with shop.desk._office.database.write() as session:
        store.place_at(session, invoice.id, "elsewhere", "live", "in_1")
    with pytest.raises(Refused, match="was sent to elsewhere"):
        shop.desk.mirrors.send_invoice(invoice.id, "sandbox")


def test_one_that_is_overdue_is_due_at_once(shop: Shop) -> None:
    invoice = ours(shop)
    shop.clock.advance(timedelta(days=90))
    there = shop.gateway.invoice(shop.desk.mirrors.send_invoice(invoice.id).external_id).invoice
    assert there is not None
    assert there.due_at is None


def test_money_for_one_that_was_paid_here_meanwhile_stays_in_the_wallet(shop: Shop) -> None:
    sent = shop.desk.mirrors.send_invoice(ours(shop).id)
    shop.desk.invoices.mark_paid(sent.invoice_id, memo="they paid by check")
    shop.gateway.pay_invoice(sent.external_id)
    poll(shop)
    assert shop.cents() == 11_900
    assert waiting(shop) == []
    agree(shop)


def test_what_fails_or_is_voided_there_is_said_and_stays_open_here(shop: Shop) -> None:
    sent = shop.desk.mirrors.send_invoice(ours(shop).id)
    shop.gateway.fail_invoice(sent.external_id, "no money on it")
    poll(shop)
    invoice = shop.desk.invoices.get(sent.invoice_id)
    assert (invoice.attempts, invoice.detail) == (1, "no money on it")
    shop.gateway.void_invoice(sent.external_id)
    poll(shop)
    invoice = shop.desk.invoices.get(sent.invoice_id)
    assert (invoice.status, invoice.detail) == ("open", "void at sandbox, and still open here")


def test_one_that_is_called_paid_without_enough_money_stays_open_and_says_so(shop: Shop) -> None:
    sent = shop.desk.mirrors.send_invoice(ours(shop).id)
    fact = shop.gateway.pay_invoice(sent.external_id, by_credit_minor=900)
    assert isinstance(fact, Fact)
    poll(shop)
    invoice = shop.desk.invoices.get(sent.invoice_id)
    assert (invoice.status, shop.cents()) == ("open", 11_000)
    assert invoice.detail == "sandbox calls it paid, but 110.00 USD came"
    agree(shop)


@pytest.mark.parametrize(("credit", "cents"), [(900, 2_000), (2_900, 0)])
def test_credit_that_the_gateway_keeps_pays_its_invoice_too(
    shop: Shop, credit: int, cents: int
) -> None:
    shop.gateway.pay_invoice(shop.gateway.bill(subscribe(shop)).object_id, by_credit_minor=credit)
    poll(shop)
    [invoice] = invoices(shop)
    assert (invoice.status, invoice.due.minor) == ("paid", 0)
    booked = parties(shop)
    assert booked.get("elsewhere", 0) == (-credit if cents else 0)
    assert booked.get("revenue:gateway:sandbox", 0) == (2_900 if cents else 0)
    assert shop.cents() == 0
    assert [payment.amount.minor for payment in shop.payments()] == ([cents] if cents else [])


def test_nobody_is_asked_inside_a_transaction(shop: Shop) -> None:
    with shop.desk.transaction(), pytest.raises(Refused):
        shop.desk.mirrors.sync_invoice("sandbox", "sbi_1")
    with shop.desk.transaction(), pytest.raises(Refused):
        shop.desk.mirrors.send_invoice("INV-1")


def test_the_sheet_of_a_mirrored_subscription_has_the_gateways_name_and_price(shop: Shop) -> None:
    sheet = shop.desk.mirrors.sync_subscription("sandbox", subscribe(shop))
    assert isinstance(sheet, SubscriptionSheet)
    assert (sheet.plan_name, sheet.price) == ("sandbox-plan", PRICE)

"""Open invoices are paid by the money that comes, and by what their owners have saved, once each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.operations.facts.intake import take_in
from billdesk.core.operations.payments.collecting import Collected, collect_due, try_to_collect
from billdesk.core.operations.payments.paying import resume_off_session
from billdesk.core.rules.gateway import PaymentQuery
from billdesk.core.rules.invoices import LineDraft
from billdesk.core.rules.sheets import InvoiceSheet, PaymentSheet
from billdesk.core.store.methods import remove_method
from billdesk.core.store.mirrors import place_at
from billdesk.core.values.errors import AccountClosed, GatewayBusy, GatewayUnreachable, Refused
from tests.core.operations.conftest import MEMO
from tests.core.operations.invoiced import issued, office_of, set_up
from tests.core.operations.off_session import MINUTE, Killed, Shop


def invoice(shop: Shop, invoice_id: str) -> InvoiceSheet:
    return shop.desk.invoices.get(invoice_id)


def credit(shop: Shop, amount: str, account: str = "acme") -> None:
    shop.desk.adjustments.credit(account, amount, memo=MEMO)


def collect(shop: Shop) -> Collected:
    return collect_due(office_of(shop.desk), shop.clock.advance(MINUTE))


# --- from wallets --------------------------------------------------------------------------------


def test_money_in_the_wallet_pays_what_is_due_first(shop: Shop) -> None:
    later = issued(shop.desk, LineDraft("x", 1000), due_days=30)
    sooner = issued(shop.desk, LineDraft("x", 1000), due_days=5)
    assert collect(shop) == Collected()
    credit(shop, "15.00")
    # Only one of the two can be paid; the other is refused, and said.
    done = collect(shop)
    assert done.paid == 1
    assert [error for error in done.errors if later.id in error and "10.00 USD" in error]
    assert (invoice(shop, sooner.id).status, invoice(shop, later.id).status) == ("paid", "open")
    assert collect(shop) == Collected()
    credit(shop, "5.00")
    assert collect(shop) == Collected(1)


def test_a_credit_limit_is_no_money_and_what_is_held_is_not_free(shop: Shop) -> None:
    sheet = issued(shop.desk)
    credit(shop, "10.00")
    shop.desk.wallets.set_floor("acme", "-100.00", memo=MEMO)
    hold = shop.desk.holds.place("acme", "0.01", reference="h")
    assert collect(shop) == Collected()
    shop.desk.holds.release(hold.id)
    shop.desk.wallets.freeze("acme", memo=MEMO)
    assert collect(shop) == Collected()
    shop.desk.wallets.unfreeze("acme", memo=MEMO)
    shop.desk.accounts.suspend("acme", memo=MEMO)
    assert collect(shop) == Collected()
    shop.desk.accounts.reopen("acme", memo=MEMO)
    assert collect(shop) == Collected(1)
    assert invoice(shop, sheet.id).status == "paid"


def test_what_was_given_up_on_is_not_paid_by_itself(shop: Shop) -> None:
    sheet = issued(shop.desk)
    shop.desk.invoices.write_off(sheet.id, memo=MEMO)
    credit(shop, "10.00")
    assert collect(shop) == Collected()
    assert shop.desk.invoices.pay(sheet.id).status == "paid"


def test_what_waits_at_a_gateway_is_not_collected_here_too(shop: Shop) -> None:
    shop.save()
    sheet = issued(shop.desk)
    with office_of(shop.desk).database.write() as session:
        place_at(session, sheet.id, "sandbox", "test", "in_1")
    credit(shop, "10.00")
    assert collect(shop) == Collected()
    with pytest.raises(Refused, match="INV-000001 waits at sandbox"):
        shop.desk.invoices.collect(sheet.id)
    assert shop.desk.invoices.pay(sheet.id).status == "paid"


# --- from what is saved --------------------------------------------------------------------------


def test_a_saved_method_pays_an_invoice_through_the_wallet(shop: Shop) -> None:
    shop.save()
    sheet = issued(shop.desk, LineDraft("x", 2500))
    paid = shop.desk.invoices.collect("INV-000001")
    assert (paid.status, shop.cents(), shop.taken()) == ("paid", 0, 2500)
    [payment] = shop.payments("invoice")
    assert (payment.invoice_id, payment.status) == (sheet.id, "succeeded")
    assert shop.desk.invoices.detail(sheet.id).payments == (payment.id,)
    kinds = [entry.kind for entry in shop.desk.ledger.entries("acme").rows]
    assert kinds == ["invoice_payment", "deposit"]
    assert shop.desk.invoices.audit().is_clean


def test_a_decline_is_an_answer_and_may_be_tried_again_by_hand(shop: Shop) -> None:
    shop.save(declines=True)
    sheet = issued(shop.desk)
    declined = shop.desk.invoices.collect(sheet.id)
    assert (declined.status, declined.attempts, declined.failed_since) == (
        *("open", 1, shop.desk.now()),
    )
    assert declined.detail
    good = shop.save()
    shop.desk.methods.set_role(good.id, "default")
    assert shop.desk.invoices.collect(sheet.id).status == "paid"
    assert [payment.status for payment in shop.payments("invoice")] == ["failed", "succeeded"]


def test_a_failed_payment_that_is_retried_pays_the_invoice_too(shop: Shop) -> None:
    shop.save(declines=True)
    sheet = issued(shop.desk)
    shop.desk.invoices.collect(sheet.id)
    [failed] = shop.payments("invoice")
    shop.desk.methods.set_role(shop.save().id, "default")
    retried = shop.desk.payments.retry(failed.id)
    assert (retried.status, retried.invoice_id) == ("succeeded", sheet.id)
    assert invoice(shop, sheet.id).status == "paid"


def test_a_payment_is_not_retried_for_what_is_settled_or_changed(shop: Shop) -> None:
    shop.save(declines=True)
    for act in ("credit", "void"):
        sheet = issued(shop.desk)
        shop.desk.invoices.collect(sheet.id)
        failed = shop.payments("invoice")[-1]
        if act == "credit":
            shop.desk.credit_notes.create(sheet.id, "1", memo=MEMO)
        else:
            shop.desk.invoices.void(sheet.id, memo=MEMO)
        with pytest.raises(Refused, match=r"is void|has changed"):
            shop.desk.payments.retry(failed.id)
    assert shop.payments("retry") == []


def test_what_cannot_be_charged_is_said(shop: Shop) -> None:
    sheet = issued(shop.desk)
    with pytest.raises(Refused, match="nothing is saved"):
        shop.desk.invoices.collect(sheet.id)
    assert invoice(shop, sheet.id).attempts == 0
    shop.save()
    shop.desk.accounts.suspend("acme", memo=MEMO)
    with pytest.raises(AccountClosed):
        shop.desk.invoices.collect(sheet.id)
    shop.desk.accounts.reopen("acme", memo=MEMO)
    shop.desk.invoices.collect(sheet.id)
    with pytest.raises(Refused, match="is paid"):
        shop.desk.invoices.collect(sheet.id)


def test_there_is_never_more_than_one_payment_on_its_way(shop: Shop) -> None:
    shop.save()
    sheet = issued(shop.desk)
    shop.gateway.kill = "before"
    with pytest.raises(Killed):
        shop.desk.invoices.collect(sheet.id)
    with pytest.raises(Refused, match="is on its way"):
        shop.desk.invoices.collect(sheet.id)
    credit(shop, "10.00")
    assert collect(shop) == Collected()  # else both would pay it
    [payment] = shop.payments("invoice")
    resume_off_session(office_of(shop.desk), payment, shop.clock.advance(MINUTE))
    assert (invoice(shop, sheet.id).status, shop.taken(), shop.cents()) == ("paid", 1000, 1000)


@pytest.fixture
def unheard(shop: Shop) -> PaymentSheet:
    """A payment for an invoice, written down by a process that died before it asked for it."""
    shop.save()
    sheet = issued(shop.desk)
    shop.gateway.kill = "before"
    with pytest.raises(Killed):
        shop.desk.invoices.collect(sheet.id)
    [payment] = shop.payments("invoice")
    return payment


def test_a_payment_nobody_heard_of_is_not_sent_for_an_invoice_that_is_paid(
    shop: Shop, unheard: PaymentSheet
) -> None:
    shop.desk.invoices.mark_paid(unheard.invoice_id or "", memo="by transfer on Monday")
    resume_off_session(office_of(shop.desk), unheard, shop.clock.advance(MINUTE))
    ended = shop.desk.payments.get(unheard.id)
    assert (ended.status, ended.detail) == ("expired", "the invoice INV-000001 is paid")
    assert (shop.taken(), invoice(shop, unheard.invoice_id or "").attempts) == (0, 0)


def test_a_process_that_dies_after_it_asked_leaves_the_rest_to_a_poll(shop: Shop) -> None:
    shop.save()
    sheet = issued(shop.desk)
    shop.gateway.kill = "after"
    with pytest.raises(Killed):
        shop.desk.invoices.collect(sheet.id)
    shop.clock.advance(MINUTE)
    shop.desk.gateways.poll()
    assert (invoice(shop, sheet.id).status, shop.cents(), shop.taken()) == ("paid", 0, 1000)


def test_money_for_an_invoice_that_is_void_by_then_stays_in_the_wallet(
    shop: Shop, unheard: PaymentSheet
) -> None:
    shop.gateway.kill = "after"
    with pytest.raises(Killed):
        resume_off_session(office_of(shop.desk), unheard, shop.clock.advance(MINUTE))
    shop.desk.invoices.void(unheard.invoice_id or "", memo=MEMO)
    shop.clock.advance(MINUTE)
    shop.desk.gateways.poll()
    void = invoice(shop, unheard.invoice_id or "")
    assert (void.status, shop.cents()) == ("void", 1000)
    assert void.detail == "10.00 USD came by sandbox, but INV-000001 is void"


def test_money_that_an_older_debt_takes_leaves_the_invoice_open_and_says_so(shop: Shop) -> None:
    shop.save()
    sheet = issued(shop.desk)
    credit(shop, "1.00")
    hold = shop.desk.holds.place("acme", "1.00", reference="h")
    shop.desk.holds.capture(hold.id, "5.00")  # 4.00 of it is owed
    assert shop.desk.invoices.collect(sheet.id).status == "open"
    after = invoice(shop, sheet.id)
    assert after.detail.startswith("10.00 USD came by sandbox, but 10.00 USD is needed")
    assert shop.cents() == 600
    credit(shop, "4.00")
    assert collect(shop) == Collected(1)


def test_two_payments_that_are_told_together_each_pay_their_invoice(shop: Shop) -> None:
    """Deposits that come together are posted together: those for invoices are not among them."""
    shop.save()
    sheets = [issued(shop.desk, LineDraft("x", minor)) for minor in (1000, 2000)]
    for sheet in sheets:
        shop.gateway.kill = "after"
        with pytest.raises(Killed):
            shop.desk.invoices.collect(sheet.id)
    told = [
        replace(fact, method=None)
        for payment in shop.payments("invoice")
        for fact in shop.gateway.find(PaymentQuery(payment.id, None, None, payment.created_at))
        if fact.stage == "settled"
    ]
    assert len(told) == 2
    take_in(office_of(shop.desk), told, shop.clock.advance(MINUTE))
    assert [invoice(shop, sheet.id).status for sheet in sheets] == ["paid", "paid"]


def test_in_a_rehearsal_nothing_is_asked_for(shop: Shop) -> None:
    shop.save()
    sheet = issued(shop.desk)
    with shop.desk.rehearsal():
        assert shop.desk.invoices.collect(sheet.id).status == "open"
        assert len(shop.payments("invoice")) == 1
    assert (shop.payments("invoice"), shop.taken()) == ([], 0)


# --- where nobody watches ------------------------------------------------------------------------


@pytest.fixture
def member(shop: Shop, tmp_path: Path) -> Shop:
    """A shop that sells a plan which is charged at the gateway."""
    set_up(shop.desk, tmp_path)
    shop.desk.parties.set("acme", tax_code="none")
    return shop


def subscribe(shop: Shop) -> str:
    return shop.desk.subscriptions.create("acme", "pro", paid_by="gateway").id


def test_a_gateway_subscriptions_invoice_is_charged_once_by_itself(member: Shop) -> None:
    member.save(declines=True)
    subscription_id = subscribe(member)
    for _ in range(2):
        collect(member)
    [sheet] = member.desk.invoices.list().rows
    assert (sheet.status, sheet.attempts) == ("open", 1)
    assert member.desk.subscriptions.get(subscription_id).status == "past_due"
    credit(member, "31.00")
    assert collect(member).paid == 1
    assert member.desk.subscriptions.get(subscription_id).status == "active"


def another_invoice(shop: Shop, subscription_id: str) -> InvoiceSheet:
    """One more invoice of a subscription, which nobody has tried to collect yet."""
    line = LineDraft("Pro", 3100)
    return issued(shop.desk, line, source="subscription", about=subscription_id)


def test_that_nothing_is_saved_counts_as_a_failure(member: Shop) -> None:
    method = member.save()
    subscription_id = subscribe(member)
    member.desk.subscriptions.cancel(subscription_id)
    sheet = another_invoice(member, subscription_id)
    with office_of(member.desk).database.write() as session:
        remove_method(session, method.id, 1)
    collect(member)
    failed = invoice(member, sheet.id)
    assert (failed.attempts, failed.detail) == (1, "nothing is saved to charge")
    assert member.desk.subscriptions.get(subscription_id).status == "past_due"
    assert collect(member) == Collected()


@pytest.mark.parametrize("act", ["credit", "void"])
def test_a_debt_that_is_given_up_is_past_due_no_more(member: Shop, act: str) -> None:
    member.save(declines=True)
    subscription_id = subscribe(member)
    collect(member)
    [sheet] = member.desk.invoices.list().rows
    assert member.desk.subscriptions.get(subscription_id).status == "past_due"
    if act == "credit":
        member.desk.credit_notes.create(sheet.id, memo=MEMO)
    else:
        member.desk.invoices.void(sheet.id, memo=MEMO)
    assert member.desk.subscriptions.get(subscription_id).status == "active"


def test_a_gateway_that_does_not_answer_is_left_alone_for_the_rest_of_the_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.save()
    first, second = issued(shop.desk), issued(shop.desk)
    quiet: set[str] = set()

    def unreachable(_: object) -> None:
        raise GatewayUnreachable("nobody answers", "try again")

    with monkeypatch.context() as patch:
        patch.setattr(shop.gateway, "charge", unreachable)
        assert try_to_collect(office_of(shop.desk), first.id, shop.desk.now(), quiet)
    assert quiet == {"sandbox"}
    why = try_to_collect(office_of(shop.desk), second.id, shop.desk.now(), quiet)
    assert why == "sandbox asks to be left alone"
    assert [payment.status for payment in shop.payments("invoice")] == ["pending"]
    assert invoice(shop, first.id).attempts == 0
    assert try_to_collect(office_of(shop.desk), second.id, shop.desk.now()) == ""


def test_a_gateway_that_refuses_ends_the_attempt(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = shop.save()
    sheet = issued(shop.desk)

    def refuse(_: object) -> None:
        raise Refused("not this card", "another")

    monkeypatch.setattr(shop.gateway, "charge", refuse)
    assert try_to_collect(office_of(shop.desk), sheet.id, shop.desk.now()) == "not this card"
    assert (invoice(shop, sheet.id).attempts, invoice(shop, sheet.id).detail) == (
        1,
        "not this card",
    )
    assert method.role == "default"


def test_a_quiet_gateway_is_not_asked_by_a_run(
    member: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    member.save()
    subscription_id = subscribe(member)

    def busy(*_: object) -> None:
        raise GatewayBusy("too many", "later", retry_after_seconds=3600)

    with monkeypatch.context() as patch:
        patch.setattr(member.gateway, "facts", busy)
        member.desk.gateways.poll()
    sheet = another_invoice(member, subscription_id)
    assert any("asks to be left alone" in error for error in collect(member).errors)
    assert invoice(member, sheet.id).attempts == 0
    member.clock.advance(timedelta(hours=2))
    assert collect(member) == Collected(1)

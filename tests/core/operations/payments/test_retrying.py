"""A payment that failed is tried again: from what is saved, or by a new link."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.rules.gateway import Fact, Method, OffSessionRequest
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AccountClosed,
    GatewayError,
    GatewayUnreachable,
    KeyRefused,
    NotFound,
    ReadOnly,
    Refused,
)
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.off_session import BY_HAND, Fragile, Killed, Shop


@pytest.fixture
def failed(shop: Shop) -> PaymentSheet:
    """A top-up that was declined; nothing is saved any more but what a test saves."""
    method = shop.save(declines=True)
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    shop.tick()
    shop.desk.watches.stop_topup("acme")
    shop.desk.methods.remove(method.id)
    [payment] = shop.payments("topup")
    assert payment.status == "failed"
    return payment


@pytest.fixture
def unpaid(shop: Shop) -> PaymentSheet:
    """A deposit that its customer's bank declined at checkout."""
    payment = shop.desk.deposits.start("acme", "25")
    assert payment.external_id is not None
    shop.gateway.decline(payment.external_id, "no money")
    shop.tick()
    return shop.desk.payments.get(payment.id)


# --- from what is saved --------------------------------------------------------------------------


def test_what_was_taken_off_session_is_taken_from_the_default_now(
    shop: Shop, failed: PaymentSheet
) -> None:
    method = shop.save()
    attempt = shop.desk.payments.retry(failed.id)
    assert (attempt.status, attempt.purpose, attempt.retries_id, attempt.method_id) == (
        "succeeded", "retry", failed.id, method.id,
    )  # fmt: skip
    assert (attempt.amount, shop.cents(), shop.taken()) == (failed.amount, 5000, 5000)
    assert attempt.id != failed.id
    assert shop.audited("payment.retry") == [f"50.00 USD from {method.label}"]


def test_where_the_default_is_declined_the_backup_is_tried(
    shop: Shop, failed: PaymentSheet
) -> None:
    default, backup = shop.save_both(default_declines=True)
    attempt = shop.desk.payments.retry(failed.id)
    assert (attempt.status, attempt.method_id) == ("succeeded", backup.id)
    assert [(each.status, each.method_id, each.retries_id) for each in shop.payments("retry")] == [
        ("failed", default.id, failed.id),
        ("succeeded", backup.id, failed.id),
    ]
    assert shop.taken() == 5000


def test_a_default_that_pays_leaves_the_backup_alone(shop: Shop, failed: PaymentSheet) -> None:
    default, _ = shop.save_both()
    assert shop.desk.payments.retry(failed.id).method_id == default.id
    assert len(shop.payments("retry")) == 1


def test_a_retry_that_was_declined_everywhere_is_an_answer_and_may_be_tried_again(
    shop: Shop, failed: PaymentSheet
) -> None:
    shop.save(declines=True)
    attempt = shop.desk.payments.retry(failed.id)
    assert (attempt.status, shop.taken()) == ("failed", 0)
    good = shop.save()
    shop.desk.methods.set_role(good.id, "default")
    again = shop.desk.payments.retry(attempt.id)  # the retry of a retry is one of the first
    assert (again.status, again.retries_id) == ("succeeded", failed.id)


def test_what_succeeded_is_not_retried_by_whichever_name(shop: Shop, failed: PaymentSheet) -> None:
    shop.save(declines=True)
    declined = shop.desk.payments.retry(failed.id)
    good = shop.save()
    shop.desk.methods.set_role(good.id, "default")
    paid = shop.desk.payments.retry(failed.id)
    for payment in (failed, declined, paid):
        with pytest.raises(Refused, match=f"{paid.id} brought the money already"):
            shop.desk.payments.retry(payment.id)
    assert shop.taken() == 5000


def test_with_nothing_saved_it_is_refused_in_words(shop: Shop, failed: PaymentSheet) -> None:
    with pytest.raises(Refused, match="nothing is saved"):
        shop.desk.payments.retry(failed.id)
    assert shop.payments("retry") == []


def test_only_gateways_that_are_connected_are_asked(
    shop: Shop, failed: PaymentSheet, ledger_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    shop.save()
    other = Sandbox(tmp_path / "other", name="other", clock=clock)
    with (
        open_desk(ledger_url, clock=clock, gateways=[other]) as desk,
        pytest.raises(Refused, match="sandbox in test mode, which is not connected"),
    ):
        desk.payments.retry(failed.id)
    assert shop.payments("retry") == []


def test_a_suspended_account_is_not_charged(shop: Shop, failed: PaymentSheet) -> None:
    shop.save()
    shop.desk.accounts.suspend("acme", memo=MEMO)
    with pytest.raises(AccountClosed, match="suspended"):
        shop.desk.payments.retry(failed.id)


def test_a_key_that_is_refused_leaves_the_attempt_open_until_it_is_right(
    shop: Shop, failed: PaymentSheet
) -> None:
    shop.save()
    shop.gateway.switches = SandboxSwitches(settles_after=None, key_refused=True)
    with pytest.raises(KeyRefused):
        shop.desk.payments.retry(failed.id)
    shop.gateway.switches = BY_HAND
    with pytest.raises(Refused, match="still open"):
        shop.desk.payments.retry(failed.id)
    shop.tick()
    assert [each.status for each in shop.payments("retry")] == ["succeeded"]
    assert shop.taken() == 5000


def test_a_gateway_that_says_no_ends_the_attempt_and_is_quoted(
    shop: Shop, failed: PaymentSheet
) -> None:
    method = shop.save()
    shop.gateway.remove_method(
        Method(method.external_id, method.customer_id, method.label, method.expires)
    )
    with pytest.raises(GatewayError, match="has saved no method"):
        shop.desk.payments.retry(failed.id)
    [attempt] = shop.payments("retry")
    assert (attempt.status, shop.taken()) == ("failed", 0)
    assert shop.audited("retry.failed") == [f"50.00 USD: {attempt.detail}"]


def test_a_lost_reply_leaves_the_attempt_open_and_a_second_is_refused(
    shop: Shop, failed: PaymentSheet
) -> None:
    shop.save()
    shop.gateway.switches = SandboxSwitches(settles_after=None, lost_replies_percent=100)
    with pytest.raises(GatewayUnreachable):
        shop.desk.payments.retry(failed.id)
    with pytest.raises(Refused, match="still open"):
        shop.desk.payments.retry(failed.id)
    shop.tick()
    with pytest.raises(Refused, match="brought the money already"):
        shop.desk.payments.retry(failed.id)
    assert (shop.cents(), shop.taken()) == (5000, 5000)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_killed_at_the_gateways_door_charges_once(
    shop: Shop, failed: PaymentSheet, when: str
) -> None:
    shop.save()
    shop.gateway.kill = when  # type: ignore[assignment]
    with pytest.raises(Killed):
        shop.desk.payments.retry(failed.id)
    with pytest.raises(Refused, match="still open"):
        shop.desk.payments.retry(failed.id)
    for _ in range(3):
        shop.tick()
    assert [each.status for each in shop.payments("retry")] == ["succeeded"]
    assert (shop.cents(), shop.taken()) == (5000, 5000)


def test_two_desks_that_retry_at_once_charge_once(
    shop: Shop, failed: PaymentSheet, ledger_url: str, clock: MovingClock
) -> None:
    shop.save()
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Fragile):
        def charge(self, request: OffSessionRequest) -> Fact:
            inside.set()
            assert go_on.wait(20)
            return super().charge(request)

    def other() -> None:
        slow = Slow(shop.gateway.path, clock=clock, switches=BY_HAND)
        with open_desk(ledger_url, clock=clock, gateways=[slow]) as desk:
            desk.payments.retry(failed.id)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(20)
    with pytest.raises(Refused, match="still open"):
        shop.desk.payments.retry(failed.id)
    go_on.set()
    thread.join()
    assert shop.taken() == 5000


def test_desks_that_race_for_a_retry_charge_once(
    shop: Shop, failed: PaymentSheet, ledger_url: str, clock: MovingClock
) -> None:
    shop.save_both()
    start = threading.Barrier(3)
    answers: list[str] = []

    def race() -> None:
        own = Fragile(shop.gateway.path, clock=clock, switches=BY_HAND)
        with open_desk(ledger_url, clock=clock, gateways=[own]) as desk:
            start.wait(20)
            try:
                answers.append(desk.payments.retry(failed.id).status)
            except Refused as refusal:
                answers.append(refusal.code)

    threads = [threading.Thread(target=race) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["refused", "refused", "succeeded"]
    assert shop.taken() == 5000


# --- by a new link -------------------------------------------------------------------------------


def test_what_the_customer_was_asked_for_gets_a_new_link(shop: Shop, unpaid: PaymentSheet) -> None:
    shop.save()
    attempt = shop.desk.payments.retry(unpaid.id)
    assert (attempt.status, attempt.method_id, attempt.retries_id) == ("pending", None, unpaid.id)
    assert attempt.pay_url is not None
    assert attempt.pay_url != unpaid.pay_url
    assert shop.taken() == 0
    assert shop.audited("payment.retry") == ["25.00 USD by a new link of sandbox"]
    with pytest.raises(Refused, match="still open"):
        shop.desk.payments.retry(unpaid.id)
    shop.gateway.pay(attempt.external_id or "")
    shop.tick()
    assert shop.cents() == 2500


def test_it_is_taken_from_what_is_saved_when_that_is_said(shop: Shop, unpaid: PaymentSheet) -> None:
    method = shop.save()
    attempt = shop.desk.payments.retry(unpaid.id, saved=True)
    assert (attempt.status, attempt.method_id) == ("succeeded", method.id)
    assert shop.cents() == 2500


def test_a_link_that_was_to_save_what_is_paid_with_does_so_again(shop: Shop) -> None:
    payment = shop.desk.deposits.start("acme", "25", save_method=True)
    shop.gateway.decline(payment.external_id or "", "no money")
    shop.tick()
    attempt = shop.desk.payments.retry(payment.id)
    shop.gateway.pay(attempt.external_id or "")
    shop.tick()
    assert [method.role for method in shop.desk.methods.list("acme")] == ["default"]


def test_a_link_that_expired_is_replaced(shop: Shop) -> None:
    payment = shop.desk.deposits.start("acme", "25")
    shop.tick(timedelta(hours=25))
    assert shop.desk.payments.get(payment.id).status == "expired"
    assert shop.desk.payments.retry(payment.id).pay_url is not None


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_link_that_was_begun_and_has_no_address_yet_goes_on(
    shop: Shop, unpaid: PaymentSheet, when: str
) -> None:
    shop.gateway.kill = when  # type: ignore[assignment]
    with pytest.raises(Killed):
        shop.desk.payments.retry(unpaid.id)
    attempt = shop.desk.payments.retry(unpaid.id)
    assert attempt.pay_url is not None
    assert [each.id for each in shop.payments("retry")] == [attempt.id]


# --- inside a block ------------------------------------------------------------------------------


def test_a_rehearsed_retry_asks_no_gateway_and_leaves_nothing(
    shop: Shop, failed: PaymentSheet, unpaid: PaymentSheet
) -> None:
    method = shop.save()
    with shop.desk.rehearsal():
        assert shop.desk.payments.retry(failed.id).method_id == method.id
        assert shop.desk.payments.retry(unpaid.id).status == "pending"
    assert (shop.payments("retry"), shop.taken()) == ([], 0)


def test_a_retry_in_a_transaction_is_asked_for_by_the_polls_after_it(
    shop: Shop, failed: PaymentSheet, unpaid: PaymentSheet
) -> None:
    shop.save()
    with shop.desk.transaction():
        charged = shop.desk.payments.retry(failed.id)
        linked = shop.desk.payments.retry(unpaid.id)
    assert shop.taken() == 0
    for _ in range(3):
        shop.tick()
    assert shop.desk.payments.get(charged.id).status == "succeeded"
    assert shop.desk.payments.get(linked.id).pay_url is not None
    assert shop.taken() == 5000


# --- what is no failure --------------------------------------------------------------------------


def test_what_is_open_or_paid_is_not_retried(shop: Shop) -> None:
    payment = shop.desk.deposits.start("acme", "25")
    with pytest.raises(Refused, match="still open"):
        shop.desk.payments.retry(payment.id)
    shop.gateway.pay(payment.external_id or "")
    shop.tick()
    with pytest.raises(Refused, match="brought the money"):
        shop.desk.payments.retry(payment.id)
    assert shop.cents() == 2500
    assert Money(2500, "USD") == payment.amount


def test_a_retry_needs_a_payment_and_a_desk_that_may_write(
    shop: Shop, unpaid: PaymentSheet, ledger_url: str
) -> None:
    with pytest.raises(NotFound, match="pay_x"):
        shop.desk.payments.retry("pay_x")
    with (
        open_desk(ledger_url, clock=shop.clock, read_only=True, gateways=[shop.gateway]) as desk,
        pytest.raises(ReadOnly),
    ):
        desk.payments.retry(unpaid.id)

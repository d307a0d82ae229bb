"""A payment from a saved method that a gateway never heard of is sent again, with the same id."""

from datetime import timedelta

import pytest

from billdesk.core.operations.payments.paying import charge_saved, end, resume_off_session
from billdesk.core.rules.sheets import PaymentSheet
from billdesk.core.values.errors import Refused
from tests.core.operations.conftest import MEMO
from tests.core.operations.off_session import MINUTE, Killed, Shop


@pytest.fixture
def unheard(shop: Shop) -> PaymentSheet:
    """A top-up that was written down by a process that died before it asked for it."""
    shop.save_both()
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    shop.gateway.kill = "before"
    with pytest.raises(Killed):
        shop.desk.tick()
    [payment] = shop.payments("topup")
    assert (payment.status, payment.external_id, shop.taken()) == ("pending", None, 0)
    return payment


def status(shop: Shop, payment: PaymentSheet) -> tuple[str, str]:
    now = shop.desk.payments.get(payment.id)
    return now.status, now.detail


def test_it_is_sent_again_with_the_same_id_and_taken_once(
    shop: Shop, unheard: PaymentSheet
) -> None:
    office = shop.desk._office
    for _ in range(3):
        resume_off_session(office, unheard, shop.clock.advance(MINUTE))
    assert status(shop, unheard)[0] == "succeeded"
    assert (shop.cents(), shop.taken(), len(shop.payments())) == (5000, 5000, 1)


def test_one_that_may_still_be_on_its_way_is_left_alone(shop: Shop, unheard: PaymentSheet) -> None:
    office = shop.desk._office
    resume_off_session(office, unheard, shop.clock.advance(MINUTE - timedelta(seconds=1)))
    assert (status(shop, unheard)[0], shop.taken()) == ("pending", 0)


def test_only_one_of_two_desks_sends_it_again(shop: Shop, unheard: PaymentSheet) -> None:
    office, now = shop.desk._office, shop.clock.advance(MINUTE)
    shop.gateway.kill = "before"
    with pytest.raises(Killed):
        resume_off_session(office, unheard, now)
    resume_off_session(office, unheard, now)
    assert shop.taken() == 0
    resume_off_session(office, unheard, shop.clock.advance(MINUTE))
    assert shop.taken() == 5000


def test_an_account_that_is_no_longer_open_is_not_charged(
    shop: Shop, unheard: PaymentSheet
) -> None:
    shop.desk.accounts.suspend("acme", memo=MEMO)
    resume_off_session(shop.desk._office, unheard, shop.clock.advance(MINUTE))
    assert status(shop, unheard) == ("expired", "the account is suspended")
    assert shop.audited("topup.expired") == ["50.00 USD: the account is suspended"]


def test_a_method_that_was_removed_since_is_not_charged(shop: Shop, unheard: PaymentSheet) -> None:
    default, backup = shop.desk.methods.list("acme")
    shop.desk.methods.set_role(backup.id, "default")
    shop.desk.methods.remove(default.id)
    with pytest.raises(Refused, match="was removed"):
        resume_off_session(shop.desk._office, unheard, shop.clock.advance(MINUTE))
    assert status(shop, unheard) == ("failed", f"{default.label} was removed")
    assert shop.taken() == 0


def test_a_payment_that_has_come_to_an_end_is_not_ended_again(
    shop: Shop, unheard: PaymentSheet
) -> None:
    office = shop.desk._office
    assert charge_saved(office, unheard.id, shop.clock.now()).status == "succeeded"
    end(office, unheard, "failed", "too late", shop.clock.now())
    assert status(shop, unheard)[0] == "succeeded"
    assert shop.audited("topup.failed") == []

"""What accounts have saved to pay with: added at the gateway, ranked and removed at the desk."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.operations.facts.saving import forget_method, keep_method
from billdesk.core.rules.gateway import Method
from billdesk.core.store import methods as store
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import (
    AccountClosed,
    BadInput,
    GatewayUnreachable,
    NotFound,
    ReadOnly,
    Refused,
)
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.metered import sell
from tests.core.operations.off_session import BY_HAND, MINUTE, Killed, Shop

VISA = Method("m_1", "c_1", "Visa ···· 4242", "2030-04")


# --- adding --------------------------------------------------------------------------------------


def test_a_method_is_saved_on_a_page_of_the_gateways_own(shop: Shop) -> None:
    page = shop.desk.methods.page("acme")
    assert (page.account_ref, page.gateway, page.mode) == ("acme", "sandbox", "test")
    assert page.url.startswith("https://sandbox.invalid/save/")
    assert shop.audited("method.page") == ["a page of sandbox to save at"]
    assert shop.desk.methods.list("acme") == ()


def test_an_account_is_one_customer_at_a_gateway_however_often_it_asks(shop: Shop) -> None:
    shop.desk.methods.page("acme")
    shop.gateway.kill = "before"
    shop.desk.methods.page("acme", "sandbox")  # known: the gateway is not asked for a customer
    assert shop.gateway.kill == "before"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_customer_made_while_the_process_died_is_the_same_one_afterwards(
    shop: Shop, when: str
) -> None:
    shop.gateway.kill = when  # type: ignore[assignment]
    with pytest.raises(Killed):
        shop.desk.methods.page("acme")
    method = shop.save()
    assert method.customer_id == shop.gateway.ensure_customer("acme", "Acme Ltd", None)


def test_a_page_needs_an_account_that_can_pay_and_a_gateway_that_is_there(shop: Shop) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        shop.desk.methods.page("nobody")
    with pytest.raises(NotFound, match="'nowhere'"):
        shop.desk.methods.page("acme", "nowhere")
    with pytest.raises(Refused, match="house"):
        shop.desk.methods.page("house")
    shop.desk.accounts.close("acme", memo=MEMO)
    with pytest.raises(AccountClosed):
        shop.desk.methods.page("acme")


def test_a_gateway_that_is_down_gives_no_page_and_nothing_is_audited(shop: Shop) -> None:
    shop.gateway.switches = SandboxSwitches(down=True)
    with pytest.raises(GatewayUnreachable):
        shop.desk.methods.page("acme")
    assert shop.audited("method.page") == []


# --- knowing -------------------------------------------------------------------------------------


def test_the_first_that_is_saved_is_the_default(shop: Shop) -> None:
    first, second = shop.save(), shop.save()
    assert [(method.id, method.role) for method in shop.desk.methods.list("acme")] == [
        (first.id, "default"),
        (second.id, ""),
    ]
    assert first.label.count("·") == 4
    assert len(shop.audited("method.add")) == 2


def test_asking_again_changes_nothing(shop: Shop) -> None:
    shop.save_both()
    before = shop.desk.methods.list("acme")
    shop.clock.advance(MINUTE)
    assert shop.desk.methods.refresh("acme") == before
    assert len(shop.audited("method.add")) == 2


def test_what_was_saved_is_learnt_by_a_poll_too(shop: Shop) -> None:
    shop.desk.methods.page("acme")
    customer_id = shop.gateway.ensure_customer("acme", "Acme Ltd", None)
    fact = shop.gateway.save_method(customer_id)
    shop.tick()
    assert [method.external_id for method in shop.desk.methods.list("acme")] == [fact.object_id]
    shop.desk.methods.refresh("acme")
    assert len(shop.audited("method.add")) == 1


def test_what_is_gone_at_the_gateway_is_gone_here(shop: Shop) -> None:
    default, backup = shop.save_both()
    shop.clock.advance(MINUTE)
    shop.gateway.remove_method(
        Method(default.external_id, default.customer_id, default.label, default.expires)
    )
    assert [method.id for method in shop.desk.methods.refresh("acme")] == [backup.id]
    assert "gone at the gateway" in shop.audited("method.remove")[0]
    shop.desk.methods.refresh("acme")
    assert len(shop.audited("method.remove")) == 1


def test_another_customers_methods_are_left_alone(shop: Shop) -> None:
    shop.desk.accounts.add("bolt", name="Bolt")
    shop.save()
    shop.save(account="bolt")
    shop.clock.advance(MINUTE)
    assert len(shop.desk.methods.refresh("acme")) == len(shop.desk.methods.list("bolt")) == 1


def test_a_gateway_that_is_not_connected_any_more_is_left_out(
    shop: Shop, ledger_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    method = shop.save()
    other = Sandbox(tmp_path / "other", name="other", clock=clock, switches=BY_HAND)
    with open_desk(ledger_url, clock=clock, gateways=[other]) as desk:
        assert desk.methods.refresh("acme") == (method,)
        with pytest.raises(Refused, match="not connected"):
            desk.methods.remove(method.id)


def test_a_word_about_a_method_that_was_removed_since_does_not_bring_it_back(shop: Shop) -> None:
    office = shop.desk._office
    now = office.now()
    with office.database.write() as session:
        account_id = office.account(session, "acme").id
        assert keep_method(office, session, account_id, "sandbox", "test", VISA, now)
        assert not keep_method(office, session, account_id, "sandbox", "test", VISA, now)
        assert forget_method(office, session, "sandbox", "test", VISA, now)
        assert not forget_method(office, session, "sandbox", "test", VISA, now)
        late = now + MINUTE
        assert not keep_method(
            office, session, account_id, "sandbox", "test", VISA, late, seen_at=now
        )
        assert store.methods_of(session, account_id) == []
        assert keep_method(office, session, account_id, "sandbox", "test", VISA, late)
    [method] = shop.desk.methods.list("acme")
    assert (method.role, method.label, method.expires) == ("default", "Visa ···· 4242", "2030-04")


def test_a_method_shows_what_the_gateway_shows_now_and_stays_with_its_account(shop: Shop) -> None:
    office = shop.desk._office
    other = shop.desk.accounts.add("bolt", name="Bolt")
    with office.database.write() as session:
        account_id = office.account(session, "acme").id
        keep_method(office, session, account_id, "sandbox", "test", VISA, office.now())
        renewed = Method("m_1", "c_1", "Visa ···· 4242", "2034-04")
        keep_method(office, session, other.id, "sandbox", "test", renewed, office.now())
        assert store.account_of_customer(session, "sandbox", "test", "c_1") == account_id
        assert store.account_of_customer(session, "sandbox", "live", "c_1") is None
    assert shop.desk.methods.list("acme")[0].expires == "2034-04"
    assert shop.desk.methods.list("bolt") == ()


def test_a_method_that_nobody_knew_is_no_loss(shop: Shop) -> None:
    office = shop.desk._office
    with office.database.write() as session:
        assert not forget_method(office, session, "sandbox", "test", VISA, office.now())


def test_the_feeds_late_word_does_not_bring_a_removed_method_back(shop: Shop) -> None:
    method = shop.save()
    shop.clock.advance(MINUTE)
    shop.desk.methods.remove(method.id)
    shop.tick()
    assert shop.desk.methods.list("acme") == ()
    assert (len(shop.audited("method.add")), len(shop.audited("method.remove"))) == (1, 1)


def test_what_is_removed_on_the_gateways_own_site_is_learnt_by_a_poll(shop: Shop) -> None:
    method = shop.save()
    shop.tick()
    shop.gateway.remove_method(
        Method(method.external_id, method.customer_id, method.label, method.expires)
    )
    shop.tick()
    assert shop.desk.methods.list("acme") == ()
    assert shop.audited("method.remove") == [f"{method.label} at sandbox: gone at the gateway"]


# --- ranking -------------------------------------------------------------------------------------


def test_there_is_one_default_and_one_backup(shop: Shop) -> None:
    default, backup = shop.save_both()
    assert shop.desk.methods.set_role(backup.id, "default").role == "default"
    assert [(method.id, method.role) for method in shop.desk.methods.list("acme")] == [
        (backup.id, "default"),
        (default.id, ""),
    ]
    shop.desk.methods.set_role(default.id, "backup")
    shop.desk.methods.set_role(default.id, "backup")
    assert shop.desk.methods.set_role(default.id, "").role == ""
    assert len(shop.audited("method.role")) == 4
    assert shop.audited("method.role")[0] == f"{default.label} is neither default nor backup"


def test_only_a_method_that_is_there_has_a_role_and_only_a_known_one(shop: Shop) -> None:
    method = shop.save()
    with pytest.raises(BadInput, match="'first'"):
        shop.desk.methods.set_role(method.id, "first")
    with pytest.raises(NotFound, match="pm_x"):
        shop.desk.methods.set_role("pm_x", "default")
    shop.desk.methods.remove(method.id)
    with pytest.raises(NotFound):
        shop.desk.methods.set_role(method.id, "default")


def test_desks_that_race_to_rank_leave_one_default(
    shop: Shop, ledger_url: str, clock: MovingClock
) -> None:
    methods = [shop.save() for _ in range(3)]
    start = threading.Barrier(3)

    def race(method_id: str) -> None:
        with open_desk(ledger_url, clock=clock, gateways=[shop.gateway]) as desk:
            start.wait(20)
            for role in ("default", "backup", "default"):
                desk.methods.set_role(method_id, role)

    threads = [threading.Thread(target=race, args=(method.id,)) for method in methods]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    roles = sorted(method.role for method in shop.desk.methods.list("acme"))
    assert roles in (["", "", "default"], ["", "backup", "default"])


# --- removing ------------------------------------------------------------------------------------


def test_a_method_is_removed_at_the_gateway_too_and_once(shop: Shop) -> None:
    method = shop.save()
    assert shop.desk.methods.remove(method.id).role == ""
    assert shop.gateway.methods(method.customer_id) == ()
    assert shop.desk.methods.list("acme") == ()
    assert shop.desk.methods.remove(method.id).id == method.id
    assert len(shop.audited("method.remove")) == 1
    assert shop.desk.methods.get(method.id).label == method.label
    for verb in (shop.desk.methods.remove, shop.desk.methods.get):
        with pytest.raises(NotFound):
            verb("pm_x")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_removal_that_was_cut_short_is_done_by_doing_it_again(shop: Shop, when: str) -> None:
    method = shop.save()
    shop.gateway.kill = when  # type: ignore[assignment]
    with pytest.raises(Killed):
        shop.desk.methods.remove(method.id)
    assert len(shop.desk.methods.list("acme")) == 1
    shop.desk.methods.remove(method.id)
    assert shop.desk.methods.list("acme") == ()
    assert shop.gateway.methods(method.customer_id) == ()
    assert len(shop.audited("method.remove")) == 1


def test_a_removal_that_another_desk_finished_is_not_told_twice(
    shop: Shop, ledger_url: str
) -> None:
    method = shop.save()
    customer = Method(method.external_id, method.customer_id, method.label, method.expires)

    class Slow(type(shop.gateway)):  # type: ignore[misc]
        def remove_method(self, _: Method) -> None:
            shop.desk.methods.remove(method.id)

    slow = Slow(shop.gateway.path, clock=shop.clock, switches=BY_HAND)
    with open_desk(ledger_url, clock=shop.clock, gateways=[slow]) as other:
        other.methods.remove(method.id)
    assert customer not in shop.gateway.methods(method.customer_id)
    assert len(shop.audited("method.remove")) == 1


def test_what_a_top_up_needs_is_neither_removed_nor_ranked_down(shop: Shop) -> None:
    default, backup = shop.save_both()
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    with pytest.raises(Refused, match="the USD wallet of acme is topped up from"):
        shop.desk.methods.remove(default.id)
    for role in ("", "backup"):
        with pytest.raises(Refused, match="topped up"):
            shop.desk.methods.set_role(default.id, role)
    assert default.external_id in {
        method.method_id for method in shop.gateway.methods(default.customer_id)
    }
    shop.desk.methods.remove(backup.id)
    shop.desk.watches.stop_topup("acme")
    shop.desk.methods.remove(default.id)
    assert shop.desk.methods.list("acme") == ()


def test_what_a_subscription_is_charged_to_is_neither_removed_nor_ranked_down(shop: Shop) -> None:
    default, _ = shop.save_both()
    sell(shop.desk)
    made = shop.desk.subscriptions.create("acme", "starter", paid_by="gateway")
    with pytest.raises(Refused, match="acme pays starter from"):
        shop.desk.methods.remove(default.id)
    with pytest.raises(Refused, match="acme pays starter from"):
        shop.desk.methods.set_role(default.id, "")
    shop.desk.subscriptions.cancel(made.id, when="now")
    assert shop.desk.methods.remove(default.id).role == ""


def test_the_last_method_at_a_gateway_that_keeps_a_subscription_stays(shop: Shop) -> None:
    default, backup = shop.save_both()
    kept = shop.gateway.subscribe(
        default.customer_id, Money(2_900, "USD"), shop.clock.now() + timedelta(days=30)
    )
    shop.desk.mirrors.sync_subscription("sandbox", kept.object_id)
    shop.desk.methods.remove(backup.id)
    with pytest.raises(Refused, match="sandbox charges acme for sandbox-plan"):
        shop.desk.methods.remove(default.id)
    shop.gateway.change_subscription(kept.object_id, status="canceled")
    shop.desk.mirrors.sync_subscription("sandbox", kept.object_id)
    shop.desk.methods.remove(default.id)


def test_a_desk_that_only_looks_asks_no_gateway(shop: Shop, ledger_url: str) -> None:
    method = shop.save()
    with open_desk(ledger_url, clock=shop.clock, read_only=True, gateways=[shop.gateway]) as desk:
        assert desk.methods.list("acme") == (method,)
        for ask in (
            lambda: desk.methods.page("acme"),
            lambda: desk.methods.refresh("acme"),
            lambda: desk.methods.remove(method.id),
        ):
            with pytest.raises(ReadOnly):
                ask()


def test_a_gateway_is_not_asked_inside_a_transaction(shop: Shop) -> None:
    method = shop.save()
    for ask in (
        lambda: shop.desk.methods.page("acme"),
        lambda: shop.desk.methods.refresh("acme"),
        lambda: shop.desk.methods.remove(method.id),
    ):
        with (
            pytest.raises(Refused, match="not asked inside a transaction"),
            shop.desk.transaction(),
        ):
            ask()
    assert shop.desk.methods.list("acme") == (method,)

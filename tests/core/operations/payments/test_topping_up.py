"""Low wallets: told of once per dip, topped up once per dip, whatever happens in between."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from billdesk.core.desk import create_ledger, open_desk
from billdesk.core.gateways.sandbox import Sandbox, SandboxSwitches
from billdesk.core.operations.payments import topping_up
from billdesk.core.operations.payments.topping_up import run_watches
from billdesk.core.rules.gateway import Fact, Method, OffSessionRequest
from billdesk.core.values.clock import MovingClock
from billdesk.core.values.errors import GatewayError
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.off_session import BY_HAND, MINUTE, Fragile, Killed, Shop
from tests.new_ledger import START, seeded


@pytest.fixture
def topped(shop: Shop) -> Shop:
    """The account is topped up by 50.00 whenever less than 20.00 is available."""
    shop.save_both()
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    return shop


def statuses(shop: Shop) -> list[str]:
    return [payment.status for payment in shop.payments("topup")]


# --- low balance ---------------------------------------------------------------------------------


def test_a_low_wallet_is_told_of_once_per_dip(shop: Shop) -> None:
    shop.desk.adjustments.credit("acme", "30", memo=MEMO)
    shop.desk.watches.set_alert("acme", "20")
    assert shop.desk.tick().alerts == 0
    shop.spend(1999)
    assert [shop.desk.tick().alerts for _ in range(3)] == [1, 0, 0]
    assert shop.desk.watches.get("acme").alerted_at == shop.clock.now()
    shop.spend(1500)
    assert shop.desk.tick().alerts == 0
    shop.desk.adjustments.credit("acme", "5", memo=MEMO)
    assert shop.desk.tick().alerts == 0
    assert shop.desk.watches.get("acme").alerted_at is None
    shop.clock.advance(MINUTE)
    shop.spend(1000)
    assert shop.desk.tick().alerts == 1
    assert shop.audited("alert.low_balance") == [
        "USD: 10.00 USD available", "USD: 19.99 USD available",
    ]  # fmt: skip


def test_what_is_held_is_not_available(shop: Shop) -> None:
    shop.desk.adjustments.credit("acme", "30", memo=MEMO)
    shop.desk.watches.set_alert("acme", "20")
    shop.desk.holds.place("acme", "15", reference="h:1")
    assert shop.desk.tick().alerts == 1


def test_credits_are_watched_too(shop: Shop) -> None:
    shop.desk.adjustments.credit("acme", "5 CREDIT", memo=MEMO)
    shop.desk.watches.set_alert("acme", "6 CREDIT")
    assert shop.desk.tick().alerts == 1


def test_the_overview_names_the_one_that_is_low_and_counts_several(shop: Shop) -> None:
    shop.desk.watches.set_alert("acme", "20")
    assert all("low" not in line.title for line in shop.desk.overview().attention)
    shop.desk.tick()
    line = shop.desk.overview().attention[0]
    assert (line.severity, line.title, line.screen, line.target) == (
        "warning", "acme is low", "account", "acme",
    )  # fmt: skip
    shop.desk.watches.set_alert("acme", "20 EUR")
    shop.desk.tick()
    line = shop.desk.overview().attention[0]
    assert (line.title, line.screen, line.target) == ("2 wallets are low", "balances", None)
    for asset in ("USD", "EUR"):
        shop.desk.watches.set_alert("acme", None, asset)
    assert all("low" not in line.title for line in shop.desk.overview().attention)


# --- once per dip --------------------------------------------------------------------------------


def test_a_low_wallet_is_topped_up_from_the_default_method(topped: Shop) -> None:
    default = topped.desk.methods.list("acme")[0]
    sheet = topped.desk.tick()
    assert (sheet.topups, sheet.errors, topped.cents(), topped.taken()) == (1, (), 5000, 5000)
    [payment] = topped.payments("topup")
    assert (payment.status, payment.method_id, payment.amount, payment.purpose) == (
        "succeeded", default.id, Money(5000, "USD"), "topup",
    )  # fmt: skip
    assert topped.audited("topup.start") == [f"USD: 50.00 USD from {default.label}"]


def test_one_dip_is_topped_up_once_and_the_next_one_again(topped: Shop) -> None:
    assert [topped.tick() for _ in range(3)] == [1, 0, 0]
    topped.spend(1999)
    assert [topped.tick() for _ in range(3)] == [1, 0, 0]
    assert topped.taken() == 10_000


def test_a_top_up_that_does_not_lift_the_wallet_over_the_threshold_is_not_repeated(
    shop: Shop,
) -> None:
    shop.save()
    shop.desk.watches.set_topup("acme", below="80", amount="50")
    assert [shop.tick() for _ in range(4)] == [1, 0, 0, 0]
    shop.desk.adjustments.credit("acme", "30", memo=MEMO)
    assert shop.tick() == 0
    shop.spend(7999)
    assert shop.tick() == 1
    assert shop.taken() == 10_000


def test_stopping_and_resuming_does_not_top_the_same_dip_up_again(shop: Shop) -> None:
    shop.save()
    shop.desk.watches.set_topup("acme", below="80", amount="50")
    shop.tick()
    shop.desk.watches.stop_topup("acme")
    shop.desk.watches.resume_topup("acme")
    shop.desk.watches.set_topup("acme", below="90", amount="50")
    assert (shop.tick(), shop.taken()) == (0, 5000)


@pytest.mark.parametrize("barred", ["frozen", "suspended"])
def test_nothing_is_charged_for_an_account_that_may_not_use_it(topped: Shop, barred: str) -> None:
    desk = topped.desk
    desk.adjustments.credit("acme", "1", memo=MEMO)
    if barred == "frozen":
        desk.wallets.freeze("acme", memo=MEMO)
    else:
        desk.accounts.suspend("acme", memo=MEMO)
    assert (topped.tick(), topped.taken()) == (0, 0)
    if barred == "frozen":
        desk.wallets.unfreeze("acme", memo=MEMO)
    else:
        desk.accounts.reopen("acme", memo=MEMO)
    assert (topped.tick(), topped.taken()) == (1, 5000)


def test_a_day_takes_no_more_than_was_said_and_the_next_one_goes_on(
    ledger_url: str, clock: MovingClock, shop: Shop
) -> None:
    shop.save()
    shop.desk.watches.set_topup("acme", below="20", amount="50", daily="120")
    for _ in range(4):
        shop.tick()
        shop.spend(0)
    assert shop.taken() == 10_000
    assert shop.tick(timedelta(hours=14)) == 0  # 23 o'clock
    assert shop.tick(timedelta(hours=1)) == 1
    assert shop.taken() == 15_000


def test_the_day_is_the_desks_own(tmp_path: Path) -> None:
    clock = MovingClock(START)  # 9 o'clock in UTC is 22 o'clock in Auckland
    gateway = Fragile(tmp_path / "books", clock=clock, switches=BY_HAND)
    with create_ledger(
        tmp_path / "shop", clock=clock, zone="Pacific/Auckland", gateways=[gateway], actor="tester"
    ) as desk:
        desk.accounts.add("acme", name="Acme")
        shop = Shop(desk, gateway, clock)
        shop.save()
        desk.watches.set_topup("acme", below="20", amount="50", daily="50")
        shop.tick()
        shop.spend(0)
        assert shop.tick() == 0
        assert shop.tick(timedelta(hours=2)) == 1


def test_failed_attempts_do_not_fill_the_day(shop: Shop) -> None:
    shop.save_both(default_declines=True)
    shop.desk.watches.set_topup("acme", below="20", amount="50", daily="50")
    assert shop.tick() == 2
    assert (statuses(shop), shop.taken()) == (["failed", "succeeded"], 5000)


# --- declines ------------------------------------------------------------------------------------


def test_where_the_default_is_declined_the_backup_is_charged(shop: Shop) -> None:
    default, backup = shop.save_both(default_declines=True)
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    assert (shop.tick(), shop.cents()) == (2, 5000)
    first, second = shop.payments("topup")
    assert (first.method_id, second.method_id) == (default.id, backup.id)
    assert (first.retries_id, second.retries_id) == (None, first.id)
    assert shop.desk.watches.get("acme").declines == 0
    assert shop.tick() == 0


def test_three_declines_in_a_row_stop_it_until_it_is_resumed(shop: Shop) -> None:
    shop.save(declines=True)
    backup = shop.save(declines=True)
    shop.desk.methods.set_role(backup.id, "backup")
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    assert [shop.tick() for _ in range(3)] == [2, 0, 0]
    sheet = shop.desk.watches.get("acme")
    assert (sheet.declines, sheet.stopped) == (2, None)
    shop.desk.adjustments.credit("acme", "20", memo=MEMO)
    shop.tick()
    shop.spend(0)
    assert [shop.tick() for _ in range(2)] == [1, 0]
    sheet = shop.desk.watches.get("acme")
    assert (sheet.declines, statuses(shop), shop.taken()) == (3, ["failed"] * 3, 0)
    assert sheet.stopped is not None
    assert sheet.stopped.startswith("3 attempts in a row failed, the last: ")
    assert shop.audited("topup.stop") == [f"USD: {sheet.stopped}"]
    titles = [line.title for line in shop.desk.overview().attention]
    assert titles[0] == "the top-up of acme stopped"

    good = shop.save()
    shop.desk.methods.set_role(good.id, "default")
    assert shop.tick() == 0
    assert shop.desk.watches.resume_topup("acme").declines == 0
    assert (shop.tick(), shop.cents()) == (1, 5000)


def test_without_a_backup_one_decline_ends_the_attempts_at_a_dip(shop: Shop) -> None:
    shop.save(declines=True)
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    assert [shop.tick() for _ in range(3)] == [1, 0, 0]


def test_the_method_that_was_declined_is_not_its_own_backup(shop: Shop) -> None:
    declined, other = shop.save(declines=True), shop.save()
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    shop.gateway.kill = "after"
    with pytest.raises(Killed):
        shop.tick()
    shop.desk.methods.set_role(other.id, "default")
    shop.desk.methods.set_role(declined.id, "backup")
    assert (shop.tick(), statuses(shop)) == (0, ["failed"])


def test_what_is_retried_by_hand_is_not_charged_to_the_backup_as_well(shop: Shop) -> None:
    shop.save_both(default_declines=True)
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    shop.gateway.kill = "after"
    with pytest.raises(Killed):
        shop.tick()
    shop.clock.advance(MINUTE)
    shop.desk.gateways.poll()
    [declined] = shop.payments("topup")
    assert declined.status == "failed"
    shop.gateway.kill = "before"
    with pytest.raises(Killed):
        shop.desk.payments.retry(declined.id)
    assert run_watches(shop.desk._office, shop.clock.now()).topups == 0
    assert [payment.purpose for payment in shop.payments()] == ["topup", "retry"]


def test_a_default_that_is_gone_stops_it_in_words(topped: Shop) -> None:
    default, backup = topped.desk.methods.list("acme")
    topped.clock.advance(MINUTE)
    topped.gateway.remove_method(
        Method(default.external_id, default.customer_id, default.label, default.expires)
    )
    topped.desk.methods.refresh("acme")
    assert (topped.tick(), topped.taken()) == (0, 0)
    assert topped.desk.watches.get("acme").stopped == "no default method is saved to charge"
    topped.desk.methods.set_role(backup.id, "default")
    topped.desk.watches.resume_topup("acme")
    assert (topped.tick(), topped.taken()) == (1, 5000)


# --- gateways in trouble -------------------------------------------------------------------------


def test_a_gateway_that_is_not_connected_is_named_and_the_dip_waits(
    topped: Shop, ledger_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    other = Sandbox(tmp_path / "other", name="other", clock=clock)
    with open_desk(ledger_url, clock=clock, gateways=[other]) as desk:
        assert desk.tick().errors == ("top-up of acme: sandbox is not connected in test mode",)
    assert (topped.tick(), topped.taken()) == (1, 5000)


def test_a_gateway_that_asked_to_be_left_alone_is(topped: Shop) -> None:
    topped.gateway.switches = SandboxSwitches(settles_after=None, busy_seconds=300)
    assert topped.tick() == 0
    topped.gateway.switches = BY_HAND
    assert topped.tick() == 0
    assert topped.payments() == []
    assert topped.tick(timedelta(minutes=5)) == 1


class Breaking(Fragile):
    """Answers a poll, and has trouble with charges."""

    error: GatewayError | None = None

    def charge(self, request: OffSessionRequest) -> Fact:
        if self.error is not None:
            raise self.error
        return super().charge(request)


def test_one_that_breaks_while_charging_is_left_alone_for_the_rest_of_the_run(
    shop: Shop,
) -> None:
    shop.desk.accounts.add("bolt", name="Bolt")
    for ref in ("acme", "bolt"):
        shop.save(account=ref)
        shop.desk.watches.set_topup(ref, below="20", amount="50")
    shop.gateway.switches = SandboxSwitches(settles_after=None, down=True)
    office, now = shop.desk._office, shop.clock.now()
    watched = run_watches(office, now)
    assert (watched.topups, len(watched.errors)) == (1, 1)
    shop.gateway.switches = BY_HAND
    shop.clock.advance(timedelta(minutes=2))
    shop.desk.tick()
    shop.tick()
    assert (shop.cents(), shop.desk.wallets.balance("bolt").balance.minor) == (5000, 5000)
    assert shop.taken() == 10_000


def test_a_gateway_that_says_no_counts_as_a_decline(
    ledger_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    gateway = Breaking(tmp_path / "books", clock=clock, switches=BY_HAND)
    with open_desk(
        ledger_url, clock=clock, actor="tester", chance=seeded(), gateways=[gateway]
    ) as desk:
        desk.accounts.add("acme", name="Acme")
        shop = Shop(desk, gateway, clock)
        shop.save()
        desk.watches.set_topup("acme", below="20", amount="50")
        gateway.error = GatewayError("this card type is not taken")
        sheet = desk.tick()
        assert sheet.errors == ("top-up of acme: this card type is not taken",)
        assert statuses(shop) == ["failed"]
        assert desk.watches.get("acme").declines == 1
        assert shop.audited("topup.failed") == ["50.00 USD: this card type is not taken"]


# --- killed, lost, raced -------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_killed_at_the_gateways_door_leaves_exactly_one_top_up(
    topped: Shop, when: str
) -> None:
    topped.gateway.kill = when  # type: ignore[assignment]
    with pytest.raises(Killed):
        topped.tick()
    assert (statuses(topped), topped.cents()) == (["pending"], 0)
    for _ in range(5):
        topped.tick()
    assert (statuses(topped), topped.cents(), topped.taken()) == (["succeeded"], 5000, 5000)


def test_a_process_killed_between_default_and_backup_goes_on_with_the_backup(shop: Shop) -> None:
    shop.save_both(default_declines=True)
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    shop.gateway.kill = "after"
    with pytest.raises(Killed):
        shop.tick()
    shop.gateway.kill = "before"
    with pytest.raises(Killed):
        shop.tick()
    assert statuses(shop) == ["failed", "pending"]
    for _ in range(5):
        shop.tick()
    assert (statuses(shop), shop.taken()) == (["failed", "succeeded"], 5000)


def test_a_lost_reply_is_healed_by_a_poll_and_nothing_is_taken_twice(shop: Shop) -> None:
    shop.save()
    shop.desk.watches.set_topup("acme", below="20", amount="66.03")  # its first reply is lost
    sheet = shop.desk.tick()
    assert (sheet.topups, len(sheet.errors), statuses(shop)) == (1, 1, ["pending"])
    for _ in range(4):
        assert shop.tick() == 0
    assert (statuses(shop), shop.cents(), shop.taken()) == (["succeeded"], 6603, 6603)


def test_two_desks_that_see_the_same_dip_start_one_top_up(
    topped: Shop, ledger_url: str, clock: MovingClock
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Fragile):
        def charge(self, request: OffSessionRequest) -> Fact:
            inside.set()
            assert go_on.wait(20)
            return super().charge(request)

    def other() -> None:
        slow = Slow(topped.gateway.path, clock=clock, switches=BY_HAND)
        with open_desk(ledger_url, clock=clock, gateways=[slow]) as desk:
            run_watches(desk._office, clock.now())

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(20)
    assert run_watches(topped.desk._office, clock.now()).topups == 0
    go_on.set()
    thread.join()
    assert (topped.taken(), statuses(topped)) == (5000, ["succeeded"])


def test_a_dip_that_another_desk_topped_up_since_it_was_seen_is_left_alone(
    topped: Shop, ledger_url: str, clock: MovingClock
) -> None:
    topped.desk.accounts.add("axle", name="Axle")
    topped.save(account="axle")
    topped.desk.watches.set_topup("axle", below="20", amount="50")

    class Meanwhile(Fragile):
        def charge(self, request: OffSessionRequest) -> Fact:
            run_watches(topped.desk._office, clock.now())
            return super().charge(request)

    slow = Meanwhile(topped.gateway.path, clock=clock, switches=BY_HAND)
    with open_desk(ledger_url, clock=clock, gateways=[slow]) as desk:
        assert run_watches(desk._office, clock.now()).topups == 1
    assert topped.taken() == 10_000


def test_three_desks_that_race_over_many_dips_top_each_up_once(
    shop: Shop, ledger_url: str, clock: MovingClock
) -> None:
    refs = [f"shop-{number}" for number in range(12)]
    for ref in refs:
        shop.desk.accounts.add(ref, name=ref)
        shop.save(account=ref)
        shop.desk.watches.set_topup(ref, below="20", amount="50")
    start = threading.Barrier(3)
    started: list[int] = []

    def race() -> None:
        own = Fragile(shop.gateway.path, clock=clock, switches=BY_HAND)
        with open_desk(ledger_url, clock=clock, gateways=[own]) as desk:
            start.wait(20)
            started.append(run_watches(desk._office, clock.now()).topups)

    threads = [threading.Thread(target=race) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(started) == len(refs)
    assert shop.taken() == 5000 * len(refs)
    assert {shop.desk.wallets.balance(ref).balance.minor for ref in refs} == {5000}


# --- bounded -------------------------------------------------------------------------------------


def test_many_are_looked_after_batch_by_batch_and_the_rest_with_the_next_tick(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topping_up, "_BATCH", 2)
    monkeypatch.setattr(topping_up, "_MOST_CHARGES", 3)
    for number in range(6):
        ref = f"shop-{number}"
        shop.desk.accounts.add(ref, name=ref)
        shop.save(account=ref)
        shop.desk.watches.set_topup(ref, below="20", amount="50")
    assert [shop.tick() for _ in range(3)] == [4, 2, 0]
    assert shop.taken() == 30_000

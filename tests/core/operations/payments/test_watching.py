"""What is watched of a wallet: set, shown, stopped and resumed."""

import pytest

from billdesk.core.rules.sheets import WatchSheet
from billdesk.core.values.errors import AccountClosed, BadInput, NotFound, Refused
from billdesk.core.values.money import Money
from tests.core.operations.conftest import MEMO
from tests.core.operations.off_session import Killed, Shop


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def test_nothing_is_watched_at_first(shop: Shop) -> None:
    assert shop.desk.watches.get("acme") == WatchSheet(
        "acme", "USD", None, None, None, None, None, 0, None
    )
    assert shop.desk.watches.get("acme", "CREDIT").asset == "CREDIT"
    assert shop.desk.watches.list().rows == ()
    with pytest.raises(NotFound):
        shop.desk.watches.get("nobody")
    with pytest.raises(BadInput, match="'BTC'"):
        shop.desk.watches.get("acme", "BTC")


def test_an_alert_is_set_changed_and_cleared(shop: Shop) -> None:
    watches = shop.desk.watches
    assert watches.set_alert("acme", "10").alert_below == usd(1000)
    watches.set_alert("acme", "10.00 USD")
    assert watches.get("acme").alert_below == usd(1000)
    watches.set_alert("acme", Money(5, "CREDIT"))
    watches.set_alert("acme", "7", "JPY")
    assert [sheet.asset for sheet in watches.list().rows] == ["CREDIT", "JPY", "USD"]
    assert watches.set_alert("acme", None).alert_below is None
    assert watches.set_alert("acme", None, "JPY").alert_below is None
    assert [sheet.asset for sheet in watches.list().rows] == ["CREDIT"]
    assert shop.audited("alert.set") == [
        "JPY: off", "USD: off", "JPY: told below 7 JPY", "CREDIT: told below 5 CREDIT",
        "USD: told below 10.00 USD",
    ]  # fmt: skip


@pytest.mark.parametrize("below", ["0", "-5", "ten", "1 BTC"])
def test_an_alert_needs_an_amount_above_zero(shop: Shop, below: str) -> None:
    with pytest.raises(BadInput):
        shop.desk.watches.set_alert("acme", below)
    assert shop.desk.watches.list().rows == ()


def test_what_belongs_to_the_desk_is_not_watched(shop: Shop) -> None:
    with pytest.raises(Refused, match="house"):
        shop.desk.watches.set_alert("house", "10")
    with pytest.raises(BadInput, match="'BTC'"):
        shop.desk.watches.set_alert("acme", None, "BTC")


def test_watches_are_listed_by_account_page_by_page(shop: Shop) -> None:
    for ref in ("bolt", "axle"):
        shop.desk.accounts.add(ref, name=ref)
        shop.desk.watches.set_alert(ref, "10")
        shop.desk.watches.set_alert(ref, "10 EUR")
    pages, after = [], None
    while True:
        page = shop.desk.watches.list(after=after, limit=3)
        pages.append([(sheet.account_ref, sheet.asset) for sheet in page.rows])
        after = page.after
        if after is None:
            break
    assert pages == [[("axle", "EUR"), ("axle", "USD"), ("bolt", "EUR")], [("bolt", "USD")]]
    with pytest.raises(BadInput):
        shop.desk.watches.list(limit=0)


def test_a_top_up_is_set_and_set_again(shop: Shop) -> None:
    shop.save()
    watches = shop.desk.watches
    sheet = watches.set_topup("acme", below="20", amount="50", daily="100")
    assert (sheet.topup_below, sheet.topup_amount, sheet.topup_daily) == (
        usd(2000), usd(5000), usd(10_000),
    )  # fmt: skip
    assert watches.set_topup("acme", below="20", amount="50", daily="100") == sheet
    assert watches.set_topup("acme", below="20", amount="60").topup_daily is None
    assert watches.get("acme").topup_amount == usd(6000)
    assert shop.audited("topup.set") == [
        "USD: 60.00 USD below 20.00 USD",
        "USD: 50.00 USD below 20.00 USD, 100.00 USD a day at most",
    ]


@pytest.mark.parametrize(
    ("below", "amount", "daily", "why"),
    [
        ("20", "9.99", None, "smallest deposit"),
        ("20", "50 EUR", None, "use one asset|does not go"),
        ("20", "50", "100 EUR", "does not go"),
        ("20", "50", "49.99", "never be taken"),
        ("5 CREDIT", "50", None, "credits"),
        ("0", "50", None, "above zero"),
        ("20", "0", None, "above zero"),
    ],
)
def test_a_top_up_that_could_never_be_is_refused(
    shop: Shop, below: str, amount: str, daily: str | None, why: str
) -> None:
    shop.save()
    with pytest.raises(BadInput, match=why):
        shop.desk.watches.set_topup("acme", below=below, amount=amount, daily=daily)
    assert shop.desk.watches.list().rows == ()


def test_other_currencies_have_no_smallest_top_up(shop: Shop) -> None:
    shop.save()
    assert shop.desk.watches.set_topup("acme", below="20 EUR", amount="1").topup_amount == Money(
        100, "EUR"
    )


def test_a_top_up_needs_a_default_method_and_an_open_account(shop: Shop) -> None:
    with pytest.raises(Refused, match="no default method"):
        shop.desk.watches.set_topup("acme", below="20", amount="50")
    shop.save()
    shop.desk.accounts.suspend("acme", memo=MEMO)
    with pytest.raises(AccountClosed, match="suspended"):
        shop.desk.watches.set_topup("acme", below="20", amount="50")
    assert shop.desk.watches.list().rows == ()


def test_a_top_up_is_stopped_by_hand_and_resumed(shop: Shop) -> None:
    shop.save()
    watches = shop.desk.watches
    for verb in (watches.stop_topup, watches.resume_topup):
        with pytest.raises(Refused, match="no top-up is set for USD of acme"):
            verb("acme")
    watches.set_topup("acme", below="20", amount="50")
    assert watches.resume_topup("acme").stopped is None
    for _ in range(2):
        assert watches.stop_topup("acme").stopped == "stopped by hand"
    assert shop.tick() == 0
    assert watches.resume_topup("acme").stopped is None
    assert shop.tick() == 1
    assert (shop.audited("topup.stop"), shop.audited("topup.resume")) == (
        ["USD: stopped by hand"], ["USD: topped up again"],
    )  # fmt: skip


def test_resuming_needs_something_to_charge(shop: Shop) -> None:
    method = shop.save()
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    shop.desk.watches.stop_topup("acme")
    shop.desk.methods.remove(method.id)
    with pytest.raises(Refused, match="no default method"):
        shop.desk.watches.resume_topup("acme")


def test_a_dip_whose_top_up_is_on_its_way_is_not_armed_by_resuming(shop: Shop) -> None:
    shop.save_both(default_declines=True)
    shop.desk.watches.set_topup("acme", below="80", amount="50")
    shop.gateway.kill = "after"
    with pytest.raises(Killed):
        shop.tick()
    shop.gateway.kill = "before"
    with pytest.raises(Killed):
        shop.tick()
    assert shop.desk.watches.get("acme").declines == 1
    shop.desk.watches.resume_topup("acme")
    for _ in range(4):
        shop.tick()
    assert (shop.cents(), shop.taken()) == (5000, 5000)


def test_setting_a_top_up_again_does_not_resume_one_that_was_stopped(shop: Shop) -> None:
    shop.save()
    shop.desk.watches.set_topup("acme", below="20", amount="50")
    shop.desk.watches.stop_topup("acme")
    assert shop.desk.watches.set_topup("acme", below="30", amount="50").stopped is not None
    assert shop.tick() == 0

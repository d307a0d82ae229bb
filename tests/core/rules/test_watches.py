"""When a low wallet is told of and topped up, decided from what is known of one watch."""

import pytest

from billdesk.core.rules.watches import (
    Watch,
    fits_the_day,
    learn,
    rearm,
    role_to_charge,
    tell,
)

LOW, ENOUGH = 1_999, 2_000


def watch(**more: object) -> Watch:
    """A watch of a wallet that is low, and had nothing done about it."""
    base = Watch(
        account_id="acc_1",
        account_ref="acme",
        asset="USD",
        account_status="open",
        freezes=0,
        available_minor=LOW,
        alert_minor=2_000,
        alert_armed=True,
        alerted_at=None,
        below_minor=2_000,
        amount_minor=5_000,
        daily_minor=None,
        topup_armed=True,
        declines=0,
        stopped=None,
        payment_id=None,
        payment_status=None,
        payment_detail=None,
        payment_method_id=None,
        payment_retries_id=None,
    )
    return base._replace(**more)  # type: ignore[arg-type]


def test_a_dip_is_told_once_and_armed_again_when_it_is_over() -> None:
    told = tell(watch(), 7)
    assert (told.alert_armed, told.alerted_at) == (False, 7)
    assert tell(told, 8) == told
    over = tell(told._replace(available_minor=ENOUGH), 9)
    assert (over.alert_armed, over.alerted_at) == (True, None)
    assert tell(over, 10) == over


def test_nothing_is_told_where_nothing_is_watched() -> None:
    assert tell(watch(alert_minor=None), 7) == watch(alert_minor=None)


@pytest.mark.parametrize("status", [None, "pending"])
def test_what_is_on_its_way_is_waited_for(status: str | None) -> None:
    waiting = watch(payment_id="pay_1" if status else None, payment_status=status)
    assert learn(waiting) == waiting


def test_a_top_up_that_arrived_forgets_earlier_declines() -> None:
    learnt = learn(watch(payment_id="pay_1", payment_status="succeeded", declines=2))
    assert (learnt.payment_id, learnt.declines, learnt.stopped) == (None, 0, None)


@pytest.mark.parametrize("status", ["refunded", "disputed"])
def test_money_that_went_back_had_arrived(status: str) -> None:
    assert learn(watch(payment_id="pay_1", payment_status=status, declines=1)).declines == 0


@pytest.mark.parametrize("status", ["failed", "expired"])
def test_three_attempts_in_a_row_that_failed_stop_it_in_words(status: str) -> None:
    failed = {"payment_id": "pay_1", "payment_status": status, "payment_detail": "no money"}
    assert (learn(watch(**failed)).declines, learn(watch(**failed)).stopped) == (1, None)
    third = learn(watch(**failed, declines=2))
    assert third.stopped == "3 attempts in a row failed, the last: no money"
    assert learn(watch(**failed, declines=2, stopped="by hand")).stopped == "by hand"


def test_a_top_up_is_armed_again_only_when_the_dip_is_over() -> None:
    assert rearm(watch(topup_armed=False)) == watch(topup_armed=False)
    assert rearm(watch(topup_armed=False, available_minor=ENOUGH)).topup_armed
    assert not rearm(watch(topup_armed=False, available_minor=ENOUGH, below_minor=None)).topup_armed


@pytest.mark.parametrize(
    ("more", "role"),
    [
        ({}, "default"),
        ({"available_minor": ENOUGH}, ""),
        ({"topup_armed": False}, ""),
        ({"below_minor": None}, ""),
        ({"stopped": "by hand"}, ""),
        ({"payment_id": "pay_1"}, ""),
        ({"account_status": "suspended"}, ""),
        ({"freezes": 1}, ""),
    ],
)
def test_a_low_wallet_is_topped_up_unless_something_speaks_against_it(
    more: dict[str, object], role: str
) -> None:
    assert role_to_charge(watch(**more), watch(**more)) == role


@pytest.mark.parametrize(
    ("more", "role"),
    [
        ({"payment_status": "failed"}, "backup"),
        ({"payment_status": "expired"}, "backup"),
        ({"payment_status": "succeeded"}, ""),
        ({"payment_status": "failed", "payment_retries_id": "pay_0"}, ""),
        ({"payment_status": "failed", "declines": 2}, ""),
        ({"payment_status": "failed", "available_minor": ENOUGH}, ""),
    ],
)
def test_the_backup_is_tried_once_where_the_default_failed(
    more: dict[str, object], role: str
) -> None:
    found = watch(payment_id="pay_1", topup_armed=False, **more)
    assert role_to_charge(found, rearm(learn(found))) == role


def test_a_day_holds_no_more_than_was_said() -> None:
    assert fits_the_day(watch(), 10**9)
    assert fits_the_day(watch(daily_minor=10_000), 5_000)
    assert not fits_the_day(watch(daily_minor=10_000), 5_001)

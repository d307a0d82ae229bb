"""When a low wallet is told of and topped up: pure decisions on what is known of one watch.

A dip begins when available falls below a threshold and ends when it is back at or above it. Each dip
is told once and topped up once: the default method is charged, and where that fails the backup, once.
"""

from __future__ import annotations

from typing import NamedTuple

MOST_DECLINES = 3
"""So many attempts in a row that failed end the topping up, until a person resumes it."""

STOPPED_BY_HAND = "stopped by hand"
NOTHING_SAVED = "no default method is saved to charge"

_FAILED = ("failed", "expired")


class Watch(NamedTuple):
    """One watch with its wallet, its account and the top-up that it waits for, if any.

    `available_minor` is 0 where there is no wallet yet. `payment_retries_id` is set when the top-up
    is the second attempt of a dip.
    """

    account_id: str
    account_ref: str
    asset: str
    account_status: str
    freezes: int
    available_minor: int
    alert_minor: int | None
    alert_armed: bool
    alerted_at: int | None
    below_minor: int | None
    amount_minor: int | None
    daily_minor: int | None
    topup_armed: bool
    declines: int
    stopped: str | None
    payment_id: str | None
    payment_status: str | None
    payment_detail: str | None
    payment_method_id: str | None
    payment_retries_id: str | None


def tell(watch: Watch, now: int) -> Watch:
    """Told when a dip begins, armed again when it ends."""
    if watch.alert_minor is None:
        return watch
    low = watch.available_minor < watch.alert_minor
    if low and watch.alert_armed:
        return watch._replace(alert_armed=False, alerted_at=now)
    if not low and not watch.alert_armed:
        return watch._replace(alert_armed=True, alerted_at=None)
    return watch


def learn(watch: Watch) -> Watch:
    """What came of the top-up that was waited for; too many that failed in a row stop the next."""
    if watch.payment_id is None or watch.payment_status == "pending":
        return watch
    watch = watch._replace(payment_id=None)
    if watch.payment_status not in _FAILED:
        return watch._replace(declines=0)
    declines = watch.declines + 1
    stopped = watch.stopped
    if stopped is None and declines >= MOST_DECLINES:
        stopped = f"{declines} attempts in a row failed, the last: {watch.payment_detail}"
    return watch._replace(declines=declines, stopped=stopped)


def rearm(watch: Watch) -> Watch:
    """Ready for the next dip, once this one is over."""
    over = watch.below_minor is not None and watch.available_minor >= watch.below_minor
    return watch._replace(topup_armed=True) if over and not watch.topup_armed else watch


def role_to_charge(before: Watch, after: Watch) -> str:
    """Which method is to be charged now, `default` or `backup`; empty: none.

    `before` is the watch as it was found, `after` what `learn` and `rearm` made of it.
    """
    if not _needs_money(after):
        return ""
    if after.topup_armed:
        return "default"
    first_failed = before.payment_id is not None and before.payment_retries_id is None
    return "backup" if first_failed and before.payment_status in _FAILED else ""


def _needs_money(watch: Watch) -> bool:
    """Low, free to be topped up, and nothing is on its way. A freeze or a closed account waits."""
    return (
        watch.below_minor is not None
        and watch.available_minor < watch.below_minor
        and watch.stopped is None
        and watch.payment_id is None
        and watch.account_status == "open"
        and watch.freezes == 0
    )


def fits_the_day(watch: Watch, taken_minor: int) -> bool:
    """Whether one more top-up stays within what may be taken in a day, of which some is taken."""
    if watch.daily_minor is None:
        return True
    return taken_minor + (watch.amount_minor or 0) <= watch.daily_minor

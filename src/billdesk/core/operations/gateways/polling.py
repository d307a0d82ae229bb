"""Learning what happened at the gateways, by asking.

The feed is read from its cursor on, with an overlap that facts told twice do no harm in. What is open
is asked about one by one, the longer the less often, because that is the surest way. Once a day, and
after every silence, everything is listed again (a sweep), because feeds forget and come late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from billdesk.core.operations.facts.intake import Taken, take_in
from billdesk.core.operations.office import Office
from billdesk.core.operations.payments.depositing import gateway_named, open_at_gateway
from billdesk.core.operations.payments.paying import end, resume_off_session
from billdesk.core.operations.payments.returning import send_back
from billdesk.core.rules.gateway import (
    Fact,
    FactPage,
    Gateway,
    PaymentQuery,
    RefundQuery,
)
from billdesk.core.rules.sheets import CardRefundSheet, GapSheet, GatewaySheet, PaymentSheet
from billdesk.core.store import freshness as store
from billdesk.core.store import money_back
from billdesk.core.store import payments as payment_store
from billdesk.core.store.freshness import Freshness
from billdesk.core.values.clock import from_micros, to_micros
from billdesk.core.values.errors import (
    GatewayBusy,
    GatewayError,
    KeyNotHere,
    KeyRefused,
    NotOffered,
    Refused,
)

PAGES_PER_POLL = 200
ASKED_PER_POLL = 100
FIRST_ASK = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=10)

SWEEP_EVERY = timedelta(days=1)
SWEEP_BACK = timedelta(days=3)
"""More than a day between sweeps and the 26 hours by which a fact was seen to come late."""
SILENCE = timedelta(hours=1)
"""After so long without a poll, what lies between is listed at once."""
LONGEST_SWEEP = timedelta(days=30)

KEYS_LIVE = timedelta(hours=6)
"""So long every gateway remembers an idempotency key; PayPal's orders are the shortest."""
PAYABLE = timedelta(days=7)
"""So long an open payment is asked about; one that is paid later still is credited by a sweep."""

_SLOWEST_AFTER_ERRORS = timedelta(hours=1)


class Polled:
    """What a poll brought: facts that were new, deposits that were credited, what went wrong."""

    def __init__(self) -> None:
        self.gateways = 0
        self.facts = 0
        self.deposits = 0
        self.errors: list[str] = []

    def add(self, taken: Taken) -> None:
        """Count what was taken in."""
        self.facts += taken.new
        self.deposits += taken.deposits


def gateway_sheets(office: Office) -> tuple[GatewaySheet, ...]:
    """How fresh each gateway's facts are, and what is open there."""
    now = to_micros(office.now())
    with office.database.read() as session:
        return tuple(
            store.gateway_sheet(session, gateway, _key_of(gateway), now)
            for gateway in tuple(office.gateways.values())
        )


def _key_of(gateway: Gateway) -> str:
    return "none is needed" if gateway.make == "sandbox" else "looked for when it is asked"


def gap_sheets(office: Office, limit: int = 200) -> tuple[GapSheet, ...]:
    """Spans that feeds could not tell, open ones first."""
    with office.database.read() as session:
        return tuple(store.list_gaps(session, limit))


def poll(
    office: Office, names: tuple[str, ...], now: datetime, *, patient: bool, sweep: bool = False
) -> Polled:
    """Ask gateways what happened. What goes wrong at one is kept there and does not stop the others.

    `patient`: leave those alone that asked for it or whose key was refused a moment ago, and say
    nothing of those whose key is not on this machine. `sweep`: list everything once more, due or not.
    """
    polled = Polled()
    for name in names:
        gateway = gateway_named(office, name)
        with office.database.read() as session:
            fresh = store.freshness_of(session, gateway.name, gateway.mode)
        if patient and fresh.quiet_until is not None and to_micros(now) < fresh.quiet_until:
            continue
        polled.gateways += 1
        try:
            _ask(office, gateway, fresh, polled, now, sweep=sweep)
        except KeyNotHere as error:
            # Another machine may have the key and ask: what is wrong here is not kept for all.
            polled.gateways -= 1
            if not patient:
                polled.errors.append(f"{name}: {error.message}")
        except GatewayError as error:
            polled.errors.append(f"{name}: {error.message}")
            _remember(office, gateway, fresh, error, now)
    return polled


def _ask(
    office: Office,
    gateway: Gateway,
    fresh: Freshness,
    polled: Polled,
    now: datetime,
    *,
    sweep: bool,
) -> None:
    _read_feed(office, gateway, fresh, polled, now)
    _ask_payments(office, gateway, polled, now)
    _ask_refunds(office, gateway, polled, now)
    since = _sweep_since(office, gateway, fresh, now, wanted=sweep)
    if since is not None:
        _sweep(office, gateway, fresh, since, polled, now)


def _remember(
    office: Office, gateway: Gateway, fresh: Freshness, error: GatewayError, now: datetime
) -> None:
    """Keep what went wrong; say it once, and come back the later the longer it lasts."""
    if isinstance(error, GatewayBusy):
        wait = timedelta(seconds=error.retry_after_seconds)
    else:
        first = timedelta(minutes=1 if isinstance(error, KeyRefused) else 0, seconds=2)
        wait = min(first * 2 ** min(fresh.failures, 20), _SLOWEST_AFTER_ERRORS)
    with office.database.write() as session:
        store.mark_failed(
            session, gateway=gateway.name, mode=gateway.mode, error=error.message,
            at=to_micros(now), quiet_until=to_micros(now + wait),
        )  # fmt: skip
        if error.message != fresh.error:
            office.audit(
                session, now=now, action="gateway.failed",
                summary=f"{gateway.name}: {error.message}", data={"code": error.code},
            )  # fmt: skip


# --- the feed ------------------------------------------------------------------------------------


def _read_feed(
    office: Office, gateway: Gateway, fresh: Freshness, polled: Polled, now: datetime
) -> None:
    """One whole pass; the cursor moves only at its end, so that an interrupted one is read again."""
    cursor, watermark = fresh.cursor, fresh.watermark
    for _ in range(PAGES_PER_POLL):
        page = gateway.facts(cursor)
        polled.add(take_in(office, page.facts, now, page.events, gateway))
        if page.gap_since is not None:
            _record_gap(office, gateway, page, page.gap_since, now)
        cursor = page.cursor
        watermark = max(
            [watermark or 0, *(to_micros(fact.happened_at) for fact in page.facts)], default=None
        )
        if page.complete:
            break
    with office.database.write() as session:
        store.mark_fresh(
            session, gateway=gateway.name, mode=gateway.mode, cursor=cursor or "",
            watermark=watermark or None, at=to_micros(now),
        )  # fmt: skip


def _record_gap(
    office: Office, gateway: Gateway, page: FactPage, since: datetime, now: datetime
) -> None:
    """The feed is too old to tell what happened from `since` on: a sweep will list it."""
    until = min([now, *(fact.happened_at for fact in page.facts)])
    with office.database.write() as session:
        store.add_gap(
            session, gateway=gateway.name, mode=gateway.mode, since=to_micros(since),
            until=to_micros(until), at=to_micros(now),
        )  # fmt: skip
        office.audit(
            session, now=now, action="gateway.gap",
            summary=f"{gateway.name} cannot tell what happened since {since:%Y-%m-%d %H:%M} UTC",
        )  # fmt: skip


# --- what is open --------------------------------------------------------------------------------


def _ask_payments(office: Office, gateway: Gateway, polled: Polled, now: datetime) -> None:
    with office.database.read() as session:
        waiting = payment_store.open_payments(session, gateway.name, gateway.mode, ASKED_PER_POLL)
    for payment, asked_at, asks in waiting:
        if not _is_due(asked_at, asks, now):
            continue
        query = PaymentQuery(payment.id, payment.external_id, payment.charge_id, payment.created_at)
        facts = _answer(partial(gateway.find, query), payment.id, polled)
        with office.database.write() as session:
            payment_store.mark_asked(session, payment.id, to_micros(now))
        if facts is None:
            continue
        if facts:
            polled.add(take_in(office, _named(facts, payment.id), now))
            if all(fact.stage != "settled" for fact in facts):
                _give_up(office, payment, now)
        elif payment.external_id is None:
            _resume_payment(office, gateway, payment, polled, now)


def _answer(
    ask: Callable[[], tuple[Fact, ...]], what: str, polled: Polled
) -> tuple[Fact, ...] | None:
    """What a gateway says of one of its objects; None when it says no, which stops no other question."""
    try:
        return ask()
    except KeyRefused:
        raise
    except GatewayError as error:
        if error.retry:
            raise
        polled.errors.append(f"{what}: {error.message}")
        return None


def _named(facts: tuple[Fact, ...], payment_id: str) -> list[Fact]:
    """Facts we asked for by our own id carry it."""
    return [replace(fact, payment_id=fact.payment_id or payment_id) for fact in facts]


def _is_due(asked_at: int, asks: int, now: datetime) -> bool:
    wait: timedelta = min(FIRST_ASK * 2 ** min(asks, 20), LONGEST_WAIT)
    return now - from_micros(asked_at) >= wait


def _resume_payment(
    office: Office, gateway: Gateway, payment: PaymentSheet, polled: Polled, now: datetime
) -> None:
    """The gateway never heard of it: ask again with the same key, while the key is remembered.

    What it refuses is said on the payment; neither that nor a call that fails stops anything else.
    """
    if now - payment.created_at >= KEYS_LIVE:
        end(office, payment, "expired", f"{gateway.name} never heard of it", now)
        return
    try:
        if payment.method_id is not None:
            resume_off_session(office, payment, now)
        else:
            open_at_gateway(office, gateway, payment, now)
    except (KeyRefused, GatewayBusy):
        raise
    except (GatewayError, Refused) as error:
        if error.retry:
            polled.errors.append(f"{payment.id}: {error.message}")


def _give_up(office: Office, payment: PaymentSheet, now: datetime) -> None:
    """Some gateways keep a payment open for ever: nobody pays a link that is weeks old."""
    if now - payment.created_at >= PAYABLE:
        end(office, payment, "expired", f"nobody paid in {PAYABLE.days} days", now)


def _ask_refunds(office: Office, gateway: Gateway, polled: Polled, now: datetime) -> None:
    with office.database.read() as session:
        waiting = [
            (refund, payment_store.payment_there(session, refund.payment_id))
            for refund, asked_at, asks in money_back.open_card_refunds(
                session, gateway.name, gateway.mode, ASKED_PER_POLL
            )
            if _is_due(asked_at, asks, now)
        ]
    for refund, payment in waiting:
        facts = _answer(partial(_find_refund, gateway, refund, payment), refund.id, polled)
        with office.database.write() as session:
            money_back.mark_refund_asked(session, refund.id, to_micros(now))
        if facts is None:
            continue
        if facts:
            told = [replace(fact, refund_id=fact.refund_id or refund.id) for fact in facts]
            polled.add(take_in(office, told, now))
        elif refund.external_id is None:
            _resume_refund(office, gateway, refund, payment, polled, now)


def _resume_refund(
    office: Office,
    gateway: Gateway,
    refund: CardRefundSheet,
    payment: PaymentSheet,
    polled: Polled,
    now: datetime,
) -> None:
    """The gateway never heard of it: ask again. What it refuses is said on the refund."""
    try:
        send_back(office, gateway, refund, payment, now)
    except (KeyRefused, GatewayBusy):
        raise
    except GatewayError as error:
        if error.retry:
            polled.errors.append(f"{refund.id}: {error.message}")


def _find_refund(
    gateway: Gateway, refund: CardRefundSheet, payment: PaymentSheet
) -> tuple[Fact, ...]:
    return gateway.find_refund(
        RefundQuery(
            refund.id, refund.external_id, payment.id, payment.external_id or "",
            payment.charge_id, refund.amount, refund.created_at,
        )
    )  # fmt: skip


# --- sweeps --------------------------------------------------------------------------------------


def _sweep_since(
    office: Office, gateway: Gateway, fresh: Freshness, now: datetime, *, wanted: bool
) -> datetime | None:
    """From when on everything is to be listed again, or None while that is not due."""
    if fresh.sweep_since is not None:
        return from_micros(fresh.sweep_since)
    with office.database.read() as session:
        gap_since = store.open_gap_since(session, gateway.name, gateway.mode)
    if gap_since is not None:
        return from_micros(gap_since)
    if fresh.polled_at is None:
        return now - SWEEP_BACK if wanted else None
    silence = now - from_micros(fresh.polled_at)
    if silence >= SILENCE:
        return now - min(silence + SWEEP_BACK, LONGEST_SWEEP)
    swept_at = from_micros(fresh.swept_at or fresh.polled_at)
    return now - SWEEP_BACK if wanted or now - swept_at >= SWEEP_EVERY else None


def _sweep(
    office: Office,
    gateway: Gateway,
    fresh: Freshness,
    since: datetime,
    polled: Polled,
    now: datetime,
) -> None:
    """List everything from `since` on, a bounded number of pages; what is left goes on next time."""
    cursor = fresh.sweep_cursor if fresh.sweep_since is not None else None
    for _ in range(PAGES_PER_POLL):
        try:
            page = gateway.sweep(since, cursor)
        except NotOffered:
            page = FactPage((), "", complete=True)
        polled.add(take_in(office, page.facts, now, page.events, gateway))
        cursor = page.cursor
        if page.complete:
            break
    else:
        page = FactPage((), cursor or "", complete=False)
    with office.database.write() as session:
        store.mark_sweep(
            session, gateway=gateway.name, mode=gateway.mode,
            since=None if page.complete else to_micros(since),
            cursor=None if page.complete else cursor,
            swept_at=to_micros(now) if page.complete else None,
        )  # fmt: skip
        if page.complete:
            store.heal_gaps(session, gateway.name, gateway.mode, to_micros(since), to_micros(now))
